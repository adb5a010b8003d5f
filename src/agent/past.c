/* The running agent says where it keeps what it keeps; then SQL, as porthole query asks. */
#include "agent/past.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "agent/recall.h"
#include "agent/subject.h"
#include "api/client.h"
#include "base/cleanup.h"

#define STATUS_MS 2000
#define MINUTES	  15
#define CELLS	  6
#define TEXT	  80

struct places {
	char history[512], profiles[512];
};

struct cell {
	double number;
	char text[TEXT];
};

struct rows {
	struct cell cell[MINUTES + 2][CELLS];
	size_t n;
};

static bool text_take(const json_t *j, const char *key, char *to, size_t size)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s && snprintf(to, size, "%s", s) < (int)size;
}

/* False: no agent, or one that does not tell. */
static bool places_ask(const char *socket, struct places *ret)
{
	const struct question q = { .cmd = "status" };
	_cleanup_(buf_free) struct buf answer = { 0 }, why = { 0 };
	json_t *j;
	bool ok;

	*ret = (struct places){ "", "" };
	if (client_ask(socket, &q, STATUS_MS, &answer, &why) != 0)
		return false;
	j = json_loadb(answer.p, answer.n, 0, NULL);
	ok = text_take(j, "history", ret->history, sizeof(ret->history));
	ok |= text_take(j, "profiles", ret->profiles, sizeof(ret->profiles));
	json_decref(j);
	return ok;
}

/* --- which rows are the target's --- */

struct pids {
	struct session *s;
	const struct expr *scope;
	struct buf *b;
	size_t n;
};

static int pid_note(void *ctx, struct proc *p)
{
	struct pids *l = ctx;
	struct subject_event s;

	if (p->exited.ns || !p->pid || l->n == PAST_PIDS)
		return 0;
	subject_event_init(&s, p, &l->s->pipeline.host, clock_boot());
	field_arena_set(&l->s->pipeline.arena);
	if (expr_match(l->scope, &s.ev))
		buf_printf(l->b, "%s%u", l->n++ ? "," : "", p->pid);
	return 0;
}

static void target_put(struct session *s, const struct past_opts *o, struct buf *b)
{
	const char *slash = o->pod ? strchr(o->pod, '/') : NULL, *name = slash ? slash + 1 : o->pod;
	struct pids l = { s, o->scope, b, 0 };

	if (!o->scope) {
		buf_char(b, '1');
	} else if (o->pod) {
		buf_str(b, STR("k8s_pod_name = "));
		recall_quote(b, str_of(name));
		if (slash) {
			buf_str(b, STR(" and k8s_ns_name = "));
			recall_quote(b, (struct str){ o->pod, (size_t)(slash - o->pod) });
		}
	} else {
		buf_str(b, STR("proc_pid in ("));
		proc_each(enrich_procs(s->pipeline.enrich), pid_note, &l);
		buf_str(b, l.n ? STR(")") : STR("0)"));
	}
	buf_char(b, 0);
}

/* --- asking --- */

static int rows_head(void *ctx, size_t n, const char *const *names, const char *const *types)
{
	(void)ctx;
	(void)names;
	(void)types;
	return n > CELLS;
}

static int rows_row(void *ctx, size_t n, const struct store_value *v)
{
	struct rows *r = ctx;

	if (r->n == MINUTES + 2)
		return 0;
	for (size_t i = 0; i < n; i++) {
		struct cell *c = &r->cell[r->n][i];

		*c = (struct cell){ .number = v[i].type == STORE_INT  ? (double)v[i].i64 :
					      v[i].type == STORE_REAL ? v[i].real :
									0 };
		if (v[i].type == STORE_TEXT)
			snprintf(c->text, sizeof(c->text), "%.*s", STR_ARG(v[i].str));
	}
	r->n++;
	return 0;
}

struct asking {
	const struct places *places;
	const char *target;
	struct past *past;
	uint64_t until_ns;
	bool late; /* some question took too long, or was not asked */
};

/* @sql has one %s, the target. False: no rows. */
static bool ask(struct asking *a, const char *sql, struct rows *ret)
{
	const uint64_t now = clock_boot().ns;
	const struct recall_opts o = { .directory = a->places->history,
				       .profiles = a->places->profiles,
				       .timeout_ns = a->until_ns > now ? a->until_ns - now : 0,
				       .memory_bytes = STORE_MEMORY_DEFAULT,
				       .rows_max = MINUTES + 2 };
	const struct store_result to = { ret, rows_head, rows_row };
	_cleanup_(buf_free) struct buf text = { 0 }, why = { 0 };
	const char *at = strstr(sql, "%s");
	struct store_read read;
	int err;

	ret->n = 0;
	if (!o.timeout_ns) {
		a->late = true;
		return false;
	}
	buf_add(&text, sql, (size_t)(at - sql));
	buf_str(&text, str_of(a->target));
	buf_str(&text, str_of(at + 2));
	if (text.failed)
		return false;
	err = recall_query(&o, buf_slice(&text), &to, &read, &why);
	a->late |= err == -ETIME || err == -ENOMEM;
	return !err && ret->n;
}

static void line_add(struct past *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void line_add(struct past *p, const char *fmt, ...)
{
	va_list args;

	if (p->n == PAST_LINES)
		return;
	va_start(args, fmt);
	vsnprintf(p->line[p->n++], PAST_LINE, fmt, args);
	va_end(args);
}

/* CPUs of each minute, oldest first: when did it begin. */
static void cpu_tell(struct asking *a)
{
	struct rows r;
	char text[PAST_LINE / 2] = "";
	double all = 0;
	size_t at = 0;

	if (ask(a,
		"select bucket(time, '1m') m, sum(self) from profiles where time > ago('15m') and %s "
		"group by m order by m",
		&r)) {
		for (size_t i = 0; i < r.n; i++) {
			all += r.cell[i][1].number;
			at += (size_t)snprintf(text + at, sizeof(text) - at, " %.2f",
					       r.cell[i][1].number / 60e9);
			if (at >= sizeof(text))
				break;
		}
		line_add(a->past,
			 "CPUs it used, minute by minute (kept profile, the first and the last "
			 "may be parts):%s",
			 text);
	}
	if (all > 0 &&
	    ask(a,
		"select function, proc_name, sum(self) s from profiles where time > ago('15m') and %s "
		"group by function, proc_name order by s desc limit 1",
		&r))
		line_add(a->past, "most of that was in %s of %s: %.0f %%", r.cell[0][0].text,
			 r.cell[0][1].text, 100 * r.cell[0][2].number / all);
}

static void requests_tell(struct asking *a)
{
	struct rows r;

	if (ask(a,
		"select count(*), percentile(req_latency_ns, 50), percentile(req_latency_ns, 99), "
		"sum(req_ok = 0) from requests where time > ago('10m') and req_side = 'server' and %s",
		&r) &&
	    r.cell[0][0].number > 0)
		line_add(a->past,
			 "requests it served in the last ten minutes: %.0f, %.1f %% failed, median %.2f "
			 "ms, p99 %.2f ms",
			 r.cell[0][0].number, 100 * r.cell[0][3].number / r.cell[0][0].number,
			 r.cell[0][1].number / 1e6, r.cell[0][2].number / 1e6);
	if (ask(a,
		"select req_id, req_method, coalesce(req_route, req_resource), req_latency_ns from "
		"requests where time > ago('10m') and req_side = 'server' and req_latency_ns > 0 and %s "
		"order by req_latency_ns desc limit 1",
		&r))
		line_add(a->past, "the slowest: %s %s, %.1f ms (porthole requests explain %s)",
			 r.cell[0][1].text, r.cell[0][2].text, r.cell[0][3].number / 1e6,
			 r.cell[0][0].text);
}

static void ends_tell(struct asking *a)
{
	struct rows r;

	if (ask(a,
		"select count(*), sum(exit_signal > 0), sum(exit_code > 0) from processes where time > "
		"ago('1h') and evt_kind = 'exit' and %s",
		&r) &&
	    r.cell[0][1].number + r.cell[0][2].number > 0)
		line_add(a->past,
			 "processes of it that ended in the last hour: %.0f, %.0f of them by a signal, %.0f "
			 "with a failure",
			 r.cell[0][0].number, r.cell[0][1].number, r.cell[0][2].number);
	if (ask(a,
		"select rule, count(*) n from alerts where time > ago('1h') and %s group by rule order by "
		"n desc limit 1",
		&r))
		line_add(a->past, "alerts on it in the last hour, most often: %s, %.0f times",
			 r.cell[0][0].text, r.cell[0][1].number);
}

void past_tell(struct session *s, const struct past_opts *o, struct past *ret)
{
	_cleanup_(buf_free) struct buf target = { 0 };
	struct places places;
	struct asking a = { .places = &places, .past = ret, .until_ns = clock_boot().ns + PAST_ASK_NS };

	*ret = (struct past){ .n = 0 };
	if (!places_ask(o->socket, &places))
		return;
	target_put(s, o, &target);
	if (target.failed)
		return;
	a.target = target.p;
	cpu_tell(&a);
	requests_tell(&a);
	ends_tell(&a);
	if (a.late)
		snprintf(ret->unseen, sizeof(ret->unseen),
			 "all of what the agent kept: it is too much to look through before the watch "
			 "(porthole query)");
	else if (!ret->n)
		snprintf(ret->unseen, sizeof(ret->unseen),
			 "what was before: the agent kept nothing of this target");
}
