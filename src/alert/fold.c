/*
 * Windows all have the same length, so they end in the order they began: a list, of which only the
 * first is looked at.
 */
#include "alert/fold.h"

#include <errno.h>
#include <stdlib.h>

#include "alert/form.h"
#include "base/cleanup.h"
#include "base/hash.h"

#define LIMITS_EVERY_NS NS_PER_SEC

struct window {
	struct key *next; /* began later */
	struct boot_ns began;
	struct wall_ns last; /* of those folded */
	uint64_t folded;
	struct alert *first; /* NULL: not told (fold_shown) */
};

struct fold {
	uint64_t window_ns; /* 0: nothing is folded */
	bool by_rule;
	struct format *fields[FOLD_FIELDS_MAX];
	size_t nfields;
	struct keys keys;
	struct key *oldest, *newest;
	struct key *open;    /* waits for fold_shown */
	size_t bytes;	     /* of alerts that are kept */
	struct buf key, pod; /* scratch */
	struct limit per_rule, per_pod;
	struct boot_ns limits_turned;
	fold_out *out;
	void *ctx;
	struct fold_stats stats;
};

/* --- options ---------------------------------------------------------------------------------- */

static struct str str_trim(struct str s)
{
	while (s.n && s.p[0] == ' ')
		s = str_skip(s, 1);
	while (s.n && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

static int fold_field(struct fold *f, const struct catalogue *c, struct str name, struct buf *why)
{
	_cleanup_(buf_free) struct buf text = { 0 };
	struct lang_error e = { 0 };
	int err;

	if (str_eq(name, STR("rule"))) {
		f->by_rule = true;
		return 0;
	}
	if (f->nfields == FOLD_FIELDS_MAX) {
		buf_printf(why, "more than %d fields", FOLD_FIELDS_MAX);
		return -EINVAL;
	}
	buf_char(&text, '%');
	buf_str(&text, name);
	err = format_parse(c, buf_slice(&text), &f->fields[f->nfields], &e);
	if (err) {
		buf_printf(why, "\"%.*s\": %s", STR_ARG(name), e.message);
		return err;
	}
	if (format_count(f->fields[f->nfields++]) != 1 ||
	    !str_eq(format_name(f->fields[f->nfields - 1], 0), name)) {
		buf_printf(why, "\"%.*s\": not \"rule\" and not the name of a field", STR_ARG(name));
		return -EINVAL;
	}
	return 0;
}

/* "60s by rule, container.id" */
static int fold_dedup(struct fold *f, const struct catalogue *c, const char *text, struct buf *why)
{
	struct str s = str_trim(str_of(text)), time = s;
	const char *by = s.n ? memmem(s.p, s.n, " by ", 4) : NULL;
	int err = 0;

	if (by)
		time.n = (size_t)(by - s.p);
	if (!by || !limit_time(str_trim(time), &f->window_ns)) {
		buf_printf(why,
			   "\"%.100s\": expected a time, \"by\" and names, as "
			   "\"60s by rule, container.id, proc.name\"",
			   text);
		return -EINVAL;
	}
	s = str_skip(s, time.n + 4);
	while (!err) {
		const char *comma = memchr(s.p, ',', s.n);
		size_t n = comma ? (size_t)(comma - s.p) : s.n;

		err = fold_field(f, c, str_trim((struct str){ s.p, n }), why);
		if (!comma)
			break;
		s = str_skip(s, n + 1);
	}
	return err;
}

static void fold_freep(struct fold **f)
{
	fold_free(*f);
}

static int fold_limit(struct limit *l, const char *what, const char *text, struct buf *why)
{
	size_t n = why->n;
	int err;

	buf_printf(why, "rate per %s: ", what);
	err = limit_init(l, text, why);
	if (!err)
		why->n = n;
	return err;
}

int fold_new(const struct fold_opts *o, const struct catalogue *c, fold_out *out, void *ctx,
	     struct fold **ret, struct buf *why)
{
	_cleanup_(fold_freep) struct fold *f = calloc(1, sizeof(*f));
	size_t n = why->n;
	int err = 0;

	if (!f)
		return -ENOMEM;
	f->out = out;
	f->ctx = ctx;
	f->keys.max = FOLD_KEYS_MAX;
	f->keys.payload = sizeof(struct window);
	f->key.max = 1u << 20;
	buf_printf(why, "dedup: ");
	if (o->dedup && *o->dedup)
		err = fold_dedup(f, c, o->dedup, why);
	if (!err) {
		why->n = n;
		err = fold_limit(&f->per_rule, "rule", o->per_rule, why);
	}
	if (!err)
		err = fold_limit(&f->per_pod, "pod", o->per_pod, why);
	if (err)
		return err;
	*ret = take_ptr(f);
	return 0;
}

static void window_free(void *ctx, struct key *k)
{
	(void)ctx;
	alert_unref(((struct window *)k->payload)->first);
}

void fold_free(struct fold *f)
{
	if (!f)
		return;
	keys_each(&f->keys, window_free, NULL);
	keys_clear(&f->keys);
	for (size_t i = 0; i < f->nfields; i++)
		format_free(f->fields[i]);
	if (f->nfields < FOLD_FIELDS_MAX)
		format_free(f->fields[f->nfields]);
	limit_free(&f->per_rule);
	limit_free(&f->per_pod);
	buf_free(&f->key);
	buf_free(&f->pod);
	free(f);
}

void fold_fields(const struct fold *f, void (*cb)(void *ctx, const struct field_ref *ref), void *ctx)
{
	for (size_t i = 0; i < f->nfields; i++)
		format_fields(f->fields[i], cb, ctx);
}

/* --- windows ---------------------------------------------------------------------------------- */

static void key_part(struct buf *b, size_t start)
{
	uint32_t n = (uint32_t)(b->n - start);

	buf_add(b, &n, sizeof(n)); /* so that no two lists of parts make one key */
}

static struct str key_make(struct fold *f, const struct rule *r, const struct event *ev)
{
	struct buf *b = &f->key;

	buf_reset(b);
	if (f->by_rule) {
		buf_str(b, r->name);
		key_part(b, 0);
	}
	for (size_t i = 0; i < f->nfields; i++) {
		size_t start = b->n;

		format_print_by(f->fields[i], ev, b, alert_value_raw);
		key_part(b, start);
	}
	if (b->n > FOLD_KEY_MAX_BYTES) {
		uint64_t rest = hash_str(str_skip(buf_slice(b), FOLD_KEY_MAX_BYTES));

		memcpy(b->p + FOLD_KEY_MAX_BYTES - sizeof(rest), &rest, sizeof(rest));
		b->n = FOLD_KEY_MAX_BYTES;
	}
	return buf_slice(b);
}

/* Shows the oldest window's alert again, when something was folded into it, and forgets it. */
static void window_end(struct fold *f)
{
	struct key *k = f->oldest;
	struct window *w = (struct window *)k->payload;

	if (w->folded && w->first) {
		f->stats.summaries++;
		f->out(f->ctx, alert_fold(w->first, w->folded, f->window_ns, w->last));
	}
	if (w->first)
		f->bytes -= w->first->text.n + w->first->json.n;
	f->oldest = w->next;
	if (!f->oldest)
		f->newest = NULL;
	if (f->open == k)
		f->open = NULL;
	alert_unref(w->first);
	keys_remove(&f->keys, k);
}

static void windows_end(struct fold *f, struct boot_ns now, bool all)
{
	while (f->oldest) {
		const struct window *w = (const struct window *)f->oldest->payload;

		if (!all && now.ns < w->began.ns + f->window_ns)
			return;
		window_end(f);
	}
}

static void window_begin(struct fold *f, struct str key, struct boot_ns now)
{
	struct key *k = NULL;
	struct window *w;

	if (f->bytes < FOLD_BYTES_MAX && !f->key.failed)
		k = keys_add(&f->keys, key);
	f->open = k;
	if (!k) {
		f->stats.full++;
		return;
	}
	w = (struct window *)k->payload;
	w->began = now;
	if (f->newest)
		((struct window *)f->newest->payload)->next = k;
	else
		f->oldest = k;
	f->newest = k;
}

/* --- passing ---------------------------------------------------------------------------------- */

/* What counts as a pod for the rate, by the name people know: the pod, else the container or host. */
static struct str pod_of(struct fold *f, const struct event *ev)
{
	const struct cgroup *g = ev->proc ? ev->proc->cgroup : NULL;
	const struct container *c = g ? g->container : NULL;
	const struct pod *pod = g && g->pod ? g->pod : c ? c->pod : NULL;

	if (!pod)
		return c ? c->id : STR("host");
	if (!pod->ns.n || !pod->name.n)
		return pod->uid;
	buf_reset(&f->pod);
	buf_str(&f->pod, pod->ns);
	buf_char(&f->pod, '/');
	buf_str(&f->pod, pod->name);
	return f->pod.failed ? pod->uid : buf_slice(&f->pod);
}

static bool limits_pass(struct fold *f, const struct rule *r, const struct event *ev)
{
	return limit_pass(&f->per_rule, r->name, r->priority, ev->time) &&
	       limit_pass(&f->per_pod, pod_of(f, ev), r->priority, ev->time);
}

bool fold_pass(struct fold *f, const struct rule *r, const struct event *ev)
{
	struct str key;
	struct key *k;

	f->open = NULL;
	if (!f->window_ns)
		return limits_pass(f, r, ev);
	windows_end(f, ev->time, false);
	key = key_make(f, r, ev);
	k = keys_find(&f->keys, key);
	if (k) {
		struct window *w = (struct window *)k->payload;

		w->folded++;
		w->last.ns = ev->time.ns + (uint64_t)ev->host->boot_to_wall_ns;
		f->stats.folded++;
		return false;
	}
	if (!limits_pass(f, r, ev))
		return false;
	window_begin(f, key, ev->time);
	return true;
}

void fold_shown(struct fold *f, struct alert *a)
{
	struct window *w;

	if (!f->open || !a)
		return;
	w = (struct window *)f->open->payload;
	w->first = alert_ref(a);
	f->bytes += a->text.n + a->json.n;
	f->open = NULL;
}

/* --- reports of limits ------------------------------------------------------------------------ */

struct report {
	struct fold *fold;
	struct alert_form *form;
	int64_t boot_to_wall_ns;
	const char *per;
};

static void limit_report(void *ctx, const struct limit_report *l)
{
	_cleanup_(buf_free) struct buf message = { 0 };
	_cleanup_(buf_free) struct buf held = { 0 };
	const struct report *r = ctx;
	struct wall_ns time = { l->last.ns + (uint64_t)r->boot_to_wall_ns };
	struct alert_pair pairs[3];

	buf_u64(&held, l->held);
	buf_printf(&message, "%llu alerts held back by the rate per %s in %llus: %.*s",
		   (unsigned long long)l->held, r->per, (unsigned long long)(l->ns / NS_PER_SEC),
		   STR_ARG(l->name));
	pairs[0] = (struct alert_pair){ STR("alerts.held"), buf_slice(&held) };
	pairs[1] = (struct alert_pair){ STR("alerts.of"), l->name };
	pairs[2] = (struct alert_pair){ STR("alerts.rate"), str_of(r->per) };
	r->fold->stats.summaries++;
	r->fold->out(r->fold->ctx, alert_internal(r->form, l->worst, time, STR("alerts limited"),
						  buf_slice(&message), pairs, 3));
}

void fold_turn(struct fold *f, struct alert_form *form, const struct event_host *host,
	       struct boot_ns now, bool all)
{
	struct report r = { f, form, host ? host->boot_to_wall_ns : 0, "rule" };

	windows_end(f, now, all);
	if (!all && now.ns < f->limits_turned.ns + LIMITS_EVERY_NS)
		return;
	f->limits_turned = now;
	limit_turn(&f->per_rule, now, all, limit_report, &r);
	r.per = "pod";
	limit_turn(&f->per_pod, now, all, limit_report, &r);
}

void fold_stats(const struct fold *f, struct fold_stats *ret)
{
	*ret = f->stats;
	ret->keys = f->keys.n;
	ret->limited_rule = f->per_rule.held;
	ret->limited_pod = f->per_pod.held;
	ret->full += f->per_rule.full + f->per_pod.full;
}
