/*
 * Making a form: options to formats, and for each rule the sorted members of its output_fields.
 * Nothing here runs per alert.
 */
#include "alert/form.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"

#define HOSTNAME_MAX 256

/* Falco's suggested fields (2.10 of its facts); those the catalogue has not are left out. */
static const struct {
	struct str field, label;
} suggested[] = {
	{ STR("container.id"), STR("container_id") },
	{ STR("container.name"), STR("container_name") },
	{ STR("container.image.repository"), STR("container_image_repository") },
	{ STR("container.image.tag"), STR("container_image_tag") },
	{ STR("k8s.pod.name"), STR("k8s_pod_name") },
	{ STR("k8s.ns.name"), STR("k8s_ns_name") },
};

static int form_suggested(struct alert_form *f)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	for (size_t i = 0; i < sizeof(suggested) / sizeof(suggested[0]); i++)
		if (field_find(f->catalogue, suggested[i].field))
			buf_printf(&b, "%s%.*s=%%%.*s", b.n ? " " : "", STR_ARG(suggested[i].label),
				   STR_ARG(suggested[i].field));
	if (b.failed)
		return -ENOMEM;
	return b.n ? format_parse(f->catalogue, buf_slice(&b), &f->suggested, NULL) : 0;
}

/* What someone wrote in the configuration, as a format. */
static int form_parse(struct alert_form *f, const char *what, const char *text, struct format **ret,
		      struct buf *why)
{
	struct lang_error e = { 0 };
	int err = format_parse(f->catalogue, str_of(text), ret, &e);

	if (err == -EINVAL)
		buf_printf(why, "%s: \"%s\": column %u: %s", what, text, e.column, e.message);
	return err;
}

/* A field with its type is a format of that field alone. */
static int form_extra(struct alert_form *f, const struct alert_extra *x, struct buf *why)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	size_t i = f->nextras;
	int err;

	if (!x->key || !*x->key) {
		buf_printf(why, "an extra field has no name");
		return -EINVAL;
	}
	buf_printf(&b, "%%%s", x->key);
	buf_char(&b, 0);
	f->extra_keys[i] = strdup(x->key);
	if (b.failed || !f->extra_keys[i])
		return -ENOMEM;
	f->extra_typed[i] = !x->format;
	f->nextras++;
	err = form_parse(f, x->key, x->format ? x->format : b.p, &f->extras[i], why);
	if (err || x->format)
		return err;
	if (format_count(f->extras[i]) != 1 || !str_eq(format_name(f->extras[i], 0), str_of(x->key))) {
		buf_printf(why, "%s: not the name of a field", x->key);
		return -EINVAL;
	}
	return 0;
}

static int form_hostname(struct alert_form *f, const char *given)
{
	const char *name = given;

	if (!name || !*name)
		name = getenv("PORTHOLE_HOSTNAME");
	if (!name || !*name)
		name = getenv("FALCO_HOSTNAME");
	if (!name || !*name)
		return 0;
	f->hostname_owned = strndup(name, HOSTNAME_MAX);
	f->hostname = str_of(f->hostname_owned);
	return f->hostname_owned ? 0 : -ENOMEM;
}

/* --- slots ------------------------------------------------------------------------------------ */

static void slot_add(struct rule_form *rf, struct slot s)
{
	s.order = (unsigned)rf->nslots;
	s.as_string = str_eq(s.key, STR("k8s.ns.name")) || str_eq(s.key, STR("k8s.pod.name"));
	rf->slots[rf->nslots++] = s;
}

static void slots_of(struct rule_form *rf, const struct format *format)
{
	for (size_t i = 0; format && i < format_count(format); i++) {
		struct str name = format_name(format, i);

		if (!memchr(name.p, '(', name.n))
			slot_add(rf, (struct slot){ .key = name, .format = format, .field = i });
	}
}

static int slot_order(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;
	int c = str_cmp(x->key, y->key);

	return c ? c : x->order < y->order ? -1 : 1;
}

static void slots_sort(struct rule_form *rf)
{
	size_t n = 0;

	qsort(rf->slots, rf->nslots, sizeof(*rf->slots), slot_order);
	for (size_t i = 0; i < rf->nslots; i++)
		if (i + 1 == rf->nslots || !str_eq(rf->slots[i].key, rf->slots[i + 1].key))
			rf->slots[n++] = rf->slots[i];
	rf->nslots = n;
}

static int form_slots(const struct alert_form *f, struct rule_form *rf)
{
	const struct rule *r = rf->rule;
	size_t max = 2 + f->nextras + (r->output ? format_count(r->output) : 0) +
		     (f->append ? format_count(f->append) : 0) +
		     (f->suggested ? format_count(f->suggested) : 0);

	rf->slots = calloc(max, sizeof(*rf->slots));
	if (!rf->slots)
		return -ENOMEM;
	slots_of(rf, r->output);
	slots_of(rf, f->append);
	slots_of(rf, f->suggested);
	slot_add(rf, (struct slot){ .kind = SLOT_TIME,
				    .key = f->opts.iso_time ? STR("evt.time.iso8601") :
							      STR("evt.time") });
	for (size_t i = 0; i < f->nextras; i++)
		slot_add(rf, (struct slot){ .kind = f->extra_typed[i] ? SLOT_FIELD : SLOT_TEXT,
					    .key = str_of(f->extra_keys[i]),
					    .format = f->extras[i] });
	slot_add(rf, (struct slot){ .kind = SLOT_OURS, .key = STR("porthole.") });
	slots_sort(rf);
	return 0;
}

static int form_tail(const struct alert_form *f, struct rule_form *rf)
{
	const struct rule *r = rf->rule;
	struct buf b = { 0 };

	buf_printf(&b, ",\"priority\":\"%s\",\"rule\":", priority_name(r->priority));
	json_str(&b, r->name);
	buf_str(&b, STR(",\"source\":"));
	json_str(&b, r->source.n ? r->source : STR("syscall"));
	for (size_t i = 0; f->opts.tags && i < r->ntags; i++) {
		buf_str(&b, i ? STR(",") : STR(",\"tags\":["));
		json_str(&b, r->tags[i]);
	}
	if (f->opts.tags)
		buf_str(&b, r->ntags ? STR("]") : STR(",\"tags\":[]"));
	buf_str(&b, STR(",\"time\":\""));
	rf->tail = buf_slice(&b);
	if (!b.failed)
		return 0;
	buf_free(&b);
	rf->tail = STR_NONE;
	return -ENOMEM;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int form_opts(struct alert_form *f, const struct alert_opts *o, struct buf *why)
{
	int err = form_hostname(f, o->hostname);

	if (!err && o->suggested)
		err = form_suggested(f);
	if (!err && o->append && *o->append)
		err = form_parse(f, "appended output", o->append, &f->append, why);
	if (!err && o->nextras > ALERT_EXTRAS_MAX) {
		buf_printf(why, "more than %d extra fields", ALERT_EXTRAS_MAX);
		return -EINVAL;
	}
	for (size_t i = 0; !err && i < o->nextras; i++)
		err = form_extra(f, &o->extras[i], why);
	f->opts.hostname = f->opts.append = NULL;
	f->opts.extras = NULL;
	return err;
}

int alert_form_new(const struct ruleset *rules, const struct catalogue *c,
		   const struct alert_opts *o, struct alert_form **ret, struct buf *why)
{
	_cleanup_(alert_form_freep) struct alert_form *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	tzset();
	f->opts = *o;
	f->catalogue = c;
	f->message.max = ALERT_MESSAGE_MAX_BYTES;
	f->json.max = ALERT_JSON_MAX_BYTES;
	err = form_opts(f, o, why);
	if (err)
		return err;
	f->rules = calloc(rules->n + 1, sizeof(*f->rules));
	if (!f->rules)
		return -ENOMEM;
	f->nrules = rules->n;
	for (size_t i = 0; i < rules->n; i++) {
		struct rule_form *rf = &f->rules[i];

		rf->rule = rules->rules[i];
		err = form_slots(f, rf);
		if (!err)
			err = form_tail(f, rf);
		if (err)
			return err;
	}
	*ret = take_ptr(f);
	return 0;
}

void alert_form_free(struct alert_form *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nrules; i++) {
		free(f->rules[i].slots);
		free((char *)f->rules[i].tail.p);
	}
	free(f->rules);
	for (size_t i = 0; i < ALERT_EXTRAS_MAX; i++) {
		format_free(f->extras[i]);
		free(f->extra_keys[i]);
	}
	format_free(f->append);
	format_free(f->suggested);
	free(f->hostname_owned);
	buf_free(&f->message);
	buf_free(&f->prefix);
	buf_free(&f->text);
	buf_free(&f->json);
	free(f);
}

void alert_form_fields(const struct alert_form *f,
		       void (*cb)(void *ctx, const struct field_ref *ref), void *ctx)
{
	if (f->suggested)
		format_fields(f->suggested, cb, ctx);
	if (f->append)
		format_fields(f->append, cb, ctx);
	for (size_t i = 0; i < f->nextras; i++)
		format_fields(f->extras[i], cb, ctx);
}

uint64_t alert_form_cut(const struct alert_form *f)
{
	return f->cut;
}
