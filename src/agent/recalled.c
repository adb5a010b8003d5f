/*
 * Rows are kept as they come, by column names; texts are the store's own, valid UTF-8. The event that is made of a row
 * lives on the stack of who prints it: only what that form reads is there.
 */
#include "agent/recalled.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "event/fd.h"
#include "event/request.h"
#include "event/subject.h"
#include "out/out.h"

#define NAME_MAX_BYTES 15
/* Clocks are set, and a row tells the wall's. */
#define SLACK_NS (60ll * 1000000000)

struct cell {
	const struct store_column *column;
	enum store_value_type type;
	int64_t i64;
	struct str str; /* owned */
};

struct cells {
	struct cell cell[STORE_COLUMNS_MAX];
	size_t n;
};

struct recalled {
	struct cells own, other; /* other.n 0: not seen */
	struct cells calls[RECALLED_CALLS];
	size_t ncalls;
};

static void cells_free(struct cells *c)
{
	for (size_t i = 0; i < c->n; i++)
		free((char *)c->cell[i].str.p);
	c->n = 0;
}

void recalled_free(struct recalled *r)
{
	if (!r)
		return;
	cells_free(&r->own);
	cells_free(&r->other);
	for (size_t i = 0; i < r->ncalls; i++)
		cells_free(&r->calls[i]);
	free(r);
}

static void recalled_freep(struct recalled **r)
{
	recalled_free(*r);
}

static const struct cell *cell_of(const struct cells *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->cell[i].column->name, name) == 0)
			return &c->cell[i];
	return NULL;
}

static struct str text_of(const struct cells *c, const char *name)
{
	const struct cell *v = cell_of(c, name);

	return v && v->type == STORE_TEXT ? v->str : STR_NONE;
}

static uint64_t number_of(const struct cells *c, const char *name)
{
	const struct cell *v = cell_of(c, name);

	return v && v->type == STORE_INT && v->i64 > 0 ? (uint64_t)v->i64 : 0;
}

static bool has(const struct cells *c, const char *name)
{
	const struct cell *v = cell_of(c, name);

	return v && v->type != STORE_NULL;
}

/* --- out of the store --- */

struct rows {
	struct cells *to;
	size_t n, max;
	size_t column[STORE_COLUMNS_MAX]; /* of the result, in the table */
};

static const struct store_table *table(void)
{
	return store_table_find(recall_schema(), STR("requests"));
}

static int rows_head(void *ctx, size_t n, const char *const *names, const char *const *types)
{
	const struct store_table *t = table();
	struct rows *r = ctx;

	(void)types;
	if (n > STORE_COLUMNS_MAX)
		return 1;
	for (size_t i = 0; i < n; i++) {
		r->column[i] = t->n;
		for (size_t k = 0; k < t->n; k++)
			if (strcmp(t->columns[k].name, names[i]) == 0)
				r->column[i] = k;
		if (r->column[i] == t->n)
			return 1;
	}
	return 0;
}

static int rows_row(void *ctx, size_t n, const struct store_value *v)
{
	struct rows *r = ctx;
	struct cells *to = &r->to[r->n];

	if (r->n == r->max)
		return 0;
	r->n++;
	for (size_t i = 0; i < n; i++) {
		struct cell *c = &to->cell[to->n++];

		*c = (struct cell){ .column = &table()->columns[r->column[i]],
				    .type = v[i].type,
				    .i64 = v[i].i64 };
		if (v[i].type != STORE_TEXT)
			continue;
		c->str.p = strndup(v[i].str.n ? v[i].str.p : "", v[i].str.n);
		c->str.n = v[i].str.n;
		if (!c->str.p)
			return 1;
	}
	return 0;
}

/* How many, @max at most, or -errno. */
static int rows_get(const struct recall_opts *o, const struct buf *sql, struct cells *to,
		    size_t max, struct buf *why)
{
	struct rows rows = { .to = to, .max = max };
	const struct store_result result = { &rows, rows_head, rows_row };
	struct recall_opts opts = *o;
	struct store_read read;
	int err;

	opts.rows_max = max;
	if (sql->failed || !recall_schema())
		return -ENOMEM;
	err = recall_query(&opts, buf_slice(sql), &result, &read, why);
	return err ? err : (int)rows.n;
}

#define SELECT "select * from requests where "

/* Where its id says that it should be; else, of before the last boot, in all there is. */
static int own_find(const struct recall_opts *o, const char *text, struct cells *ret, struct buf *why)
{
	const struct boot_ns now = clock_boot();
	const int64_t wall = (int64_t)clock_wall().ns - (int64_t)now.ns;
	struct boot_ns from, to;
	uint64_t id;
	int n = 0;

	if (!request_id_parse(str_of(text), &id))
		return -EINVAL;
	request_id_when(id, now, &from, &to);
	for (int i = 0; i < 2 && n == 0; i++) {
		_cleanup_(buf_free) struct buf sql = { 0 };

		buf_printf(&sql, SELECT "req_id = '%s'", text);
		if (!i)
			buf_printf(&sql, " and time >= %lld and time < %lld",
				   (long long)((int64_t)from.ns + wall - SLACK_NS),
				   (long long)((int64_t)to.ns + wall + SLACK_NS));
		n = rows_get(o, &sql, ret, 1, why);
	}
	return n < 0 ? n : n ? 0 : -ENOENT;
}

/* From its first byte to its last, as a condition on rows that ended then, with @more behind. */
static void within_put(struct buf *b, const struct cells *c, int64_t more)
{
	const int64_t end = (int64_t)number_of(c, "time");

	buf_printf(b, "time >= %lld and time <= %lld",
		   (long long)(end - (int64_t)number_of(c, "req_latency_ns") - more),
		   (long long)(end + more));
}

/* The same connection from its other side: of those that were over at about that time, the nearest. */
static void other_find(const struct recall_opts *o, struct recalled *r, struct buf *why)
{
	_cleanup_(buf_free) struct buf sql = { 0 };
	const struct cells *c = &r->own;

	buf_str(&sql, STR(SELECT));
	within_put(&sql, c, 1000000000);
	buf_str(&sql, STR(" and fd_lip = "));
	recall_quote(&sql, text_of(c, "fd_rip"));
	buf_str(&sql, STR(" and fd_rip = "));
	recall_quote(&sql, text_of(c, "fd_lip"));
	buf_printf(&sql, " and fd_lport = %llu and fd_rport = %llu",
		   (unsigned long long)number_of(c, "fd_rport"),
		   (unsigned long long)number_of(c, "fd_lport"));
	buf_str(&sql, STR(" and req_side <> "));
	recall_quote(&sql, text_of(c, "req_side"));
	buf_str(&sql, STR(" and req_method is "));
	if (has(c, "req_method"))
		recall_quote(&sql, text_of(c, "req_method"));
	else
		buf_str(&sql, STR("null"));
	buf_printf(&sql, " order by abs(time - %llu) limit 1",
		   (unsigned long long)number_of(c, "time"));
	(void)rows_get(o, &sql, &r->other, 1, why);
}

/* What its process asked of others between its first byte and its last. */
static void calls_find(const struct recall_opts *o, struct recalled *r, struct buf *why)
{
	_cleanup_(buf_free) struct buf sql = { 0 };
	const struct cells *c = &r->own;
	int n;

	buf_str(&sql, STR(SELECT));
	within_put(&sql, c, 0);
	buf_printf(&sql,
		   " and time - req_latency_ns >= %lld and req_side = 'client' and proc_pid = %llu and "
		   "proc_start_time = %llu order by time limit %d",
		   (long long)(number_of(c, "time") - number_of(c, "req_latency_ns")),
		   (unsigned long long)number_of(c, "proc_pid"),
		   (unsigned long long)number_of(c, "proc_start_time"), RECALLED_CALLS);
	n = rows_get(o, &sql, r->calls, RECALLED_CALLS, why);
	r->ncalls = n > 0 ? (size_t)n : 0;
}

static bool times_known(const struct cells *c)
{
	struct str explain = text_of(c, "req_explain");

	return explain.n && !str_starts(explain, STR("{\"unknown\""));
}

bool recalled_id(const char *word, char ret[RECALLED_ID])
{
	uint64_t id;

	_Static_assert(REQUEST_ID_TEXT < RECALLED_ID, "room for an id");
	if (!request_id_parse(str_of(word), &id))
		return false;
	request_id_text(id, ret);
	return true;
}

int recalled_find(const struct recall_opts *o, const char *id, struct recalled **ret, struct buf *why)
{
	_cleanup_(recalled_freep) struct recalled *r = calloc(1, sizeof(*r));
	_cleanup_(buf_free) struct buf unsaid = { 0 };
	int err = r ? own_find(o, id, &r->own, why) : -ENOMEM;

	if (err)
		return err;
	/* What is more is not missed when it cannot be had. */
	other_find(o, r, &unsaid);
	if (!times_known(&r->own) && str_eq(text_of(&r->own, "req_side"), STR("server")))
		calls_find(o, r, &unsaid);
	*ret = take_ptr(r);
	return 0;
}

/* --- as an event --- */

struct remade {
	struct event ev;
	struct event_host host;
	struct rec_hdr hdr;
	struct kind kind;
	struct request req;
	struct request_times times;
	struct request_call calls[REQUEST_CALLS_MAX];
	struct proc proc;
	struct cgroup cgroup;
	struct container container;
	struct pod pod;
	json_t *explain; /* the calls' texts are its */
};

static void remade_free(struct remade *m)
{
	json_decref(m->explain);
}

static struct ip ip_of(struct str text)
{
	struct ip ip = { .len = 0 };
	char s[INET6_ADDRSTRLEN] = "";

	if (text.n >= sizeof(s))
		return ip;
	memcpy(s, text.n ? text.p : "", text.n);
	if (inet_pton(AF_INET, s, ip.b) == 1)
		ip.len = 4;
	else if (inet_pton(AF_INET6, s, ip.b) == 1)
		ip.len = 16;
	return ip;
}

static struct str json_text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? str_of(s) : STR_NONE;
}

static uint64_t json_number(const json_t *j, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(j, key));

	return v > 0 ? (uint64_t)v : 0;
}

static void remake_calls(struct remade *m)
{
	const json_t *called = json_object_get(m->explain, "called");
	size_t n = json_array_size(called);

	for (size_t i = 0; i < n && i < REQUEST_CALLS_MAX; i++) {
		const json_t *c = json_array_get(called, i);

		m->calls[m->req.calls_n++] =
			(struct request_call){ .protocol = json_text(c, "protocol"),
					       .what = json_text(c, "what"),
					       .peer = json_text(c, "peer"),
					       .latency_ns = json_number(c, "latency_ns") };
	}
	m->req.calls = m->calls;
	m->req.calls_all = (uint32_t)json_number(m->explain, "calls");
	m->req.calls_ns = json_number(m->explain, "calls_ns");
}

static void remake_times(struct remade *m, struct str explain)
{
	static const char *const states[THREAD_STATE_COUNT] = {
#define X(ID, name, help) #name,
		THREAD_STATES(X)
#undef X
	};
	struct str unknown;

	m->explain = explain.n ? json_loadb(explain.p, explain.n, 0, NULL) : NULL;
	unknown = json_text(m->explain, "unknown");
	m->times.why = m->explain ? TIMES_KNOWN : TIMES_NOT_SEEN;
	for (uint8_t why = TIMES_NOT_SEEN; unknown.n && why < TIMES_WHY_COUNT; why++)
		if (str_eq(unknown, request_times_reason(why)))
			m->times.why = why;
	for (size_t i = 0; i < THREAD_STATE_COUNT; i++)
		m->times.ns[i] = json_number(m->explain, states[i]);
	m->req.times = &m->times;
	remake_calls(m);
}

static void remake_who(struct remade *m, const struct cells *c)
{
	struct str comm = text_of(c, "proc_name");

	m->hdr.pid = m->proc.pid = (uint32_t)number_of(c, "proc_pid");
	memcpy(m->proc.comm, comm.n ? comm.p : "", comm.n < NAME_MAX_BYTES ? comm.n : NAME_MAX_BYTES);
	m->pod.ns = text_of(c, "k8s_ns_name");
	m->pod.name = text_of(c, "k8s_pod_name");
	m->container.id12 = text_of(c, "container_id");
	m->container.name = text_of(c, "container_name");
	m->cgroup.pod = m->pod.name.p ? &m->pod : NULL;
	m->cgroup.container = m->container.id12.p ? &m->container : NULL;
	m->proc.cgroup = &m->cgroup;
}

static void remake_request(struct remade *m, const struct cells *c)
{
	uint64_t end = number_of(c, "time");

	m->req = (struct request){ .protocol = text_of(c, "req_protocol"),
				   .method = text_of(c, "req_method"),
				   .resource = text_of(c, "req_resource"),
				   .route = text_of(c, "req_route"),
				   .status = text_of(c, "req_status"),
				   .code = -1,
				   .request_bytes = number_of(c, "req_request_bytes"),
				   .response_bytes = number_of(c, "req_response_bytes"),
				   .rtt_us = (uint32_t)(number_of(c, "req_rtt") / 1000),
				   .retransmits = (uint32_t)number_of(c, "req_retransmits") };
	m->req.ok = !has(c, "req_ok")	   ? REQ_OK_UNKNOWN :
		    number_of(c, "req_ok") ? REQ_OK_YES :
					     REQ_OK_NO;
	m->req.flags = (uint16_t)((number_of(c, "req_unanswered") ? REQ_UNANSWERED : 0) |
				  (number_of(c, "req_oneway") ? REQ_ONEWAY : 0));
	m->req.end.ns = has(c, "req_latency_ns") ? end : 0;
	m->req.start.ns = end - number_of(c, "req_latency_ns");
}

/* Its clock is the wall's: the machine may have booted since. */
static void remake(const struct cells *c, struct remade *m)
{
	*m = (struct remade){ .kind = { .id = KIND_REQUEST, .name = STR("request") } };
	remake_request(m, c);
	remake_who(m, c);
	remake_times(m, text_of(c, "req_explain"));
	m->ev = (struct event){ .kind = &m->kind,
				.hdr = &m->hdr,
				.time = { number_of(c, "time") },
				.host = &m->host,
				.proc = &m->proc,
				.body = &m->req };
	m->ev.fd = (struct evt_fd){ .num = -1, .type = FD_IPV4 };
	m->ev.fd.conn.local = ip_of(text_of(c, "fd_lip"));
	m->ev.fd.conn.remote = ip_of(text_of(c, "fd_rip"));
	m->ev.fd.conn.lport = (uint16_t)number_of(c, "fd_lport");
	m->ev.fd.conn.rport = (uint16_t)number_of(c, "fd_rport");
	m->ev.fd.conn.is_server = str_eq(text_of(c, "req_side"), STR("server"));
	m->ev.fd.peer.ns = text_of(c, "fd_peer_ns");
	m->ev.fd.peer.name = text_of(c, "fd_peer_name");
}

/* --- out --- */

static void who_put(const struct cells *c, struct buf *b)
{
	buf_text(b, text_of(c, "proc_name"));
	buf_printf(b, "[%llu] ", (unsigned long long)number_of(c, "proc_pid"));
	buf_span(b, number_of(c, "req_latency_ns"), 0, 1, 2);
	buf_str(b, STR(" ("));
	buf_text(b, text_of(c, "req_id"));
	buf_str(b, STR(")\n"));
}

static void call_put(const struct cells *c, struct buf *b)
{
	struct str what = has(c, "req_route") ? text_of(c, "req_route") : text_of(c, "req_resource");
	struct str peer = has(c, "fd_peer_name") ? text_of(c, "fd_peer_name") : text_of(c, "fd_rip");

	buf_str(b, STR("      "));
	buf_text(b, text_of(c, "req_protocol"));
	buf_char(b, ' ');
	if (!str_starts(what, text_of(c, "req_method"))) {
		buf_text(b, text_of(c, "req_method"));
		buf_char(b, ' ');
	}
	buf_text(b, what);
	buf_str(b, STR(" of "));
	buf_text(b, peer);
	buf_printf(b, ":%llu ", (unsigned long long)number_of(c, "fd_rport"));
	buf_span(b, number_of(c, "req_latency_ns"), 0, 1, 2);
	buf_str(b, STR(" ("));
	buf_text(b, text_of(c, "req_id"));
	buf_str(b, STR(")\n"));
}

void recalled_text(const struct recalled *r, struct buf *b)
{
	_cleanup_(remade_free) struct remade m;
	struct out *out;

	remake(&r->own, &m);
	if (out_requests_ops.open(NULL, NULL, 0, &out) != 0) {
		b->failed = true;
		return;
	}
	out_requests_ops.event(out, &m.ev, b);
	out_requests_ops.close(out);
	if (r->other.n) {
		buf_str(b, STR("    at its other end: "));
		who_put(&r->other, b);
	}
	if (r->ncalls)
		buf_str(b, STR("    its process asked meanwhile, for this one or for others:\n"));
	for (size_t i = 0; i < r->ncalls; i++)
		call_put(&r->calls[i], b);
}

/* The file is not ours alone: what is no JSON there is a text. */
static bool is_object(struct str s)
{
	json_t *j = json_loadb(s.p, s.n, 0, NULL);
	bool is = json_is_object(j);

	json_decref(j);
	return is;
}

static void cell_json(const struct cell *c, struct buf *b)
{
	if (c->type == STORE_TEXT && strcmp(c->column->name, "req_explain") == 0 && is_object(c->str))
		buf_str(b, c->str);
	else if (c->type == STORE_TEXT)
		json_str(b, c->str);
	else if (c->column->type == VALUE_BOOL)
		buf_str(b, c->i64 ? STR("true") : STR("false"));
	else
		buf_i64(b, c->i64);
}

static void cells_json(const struct cells *c, struct buf *b)
{
	buf_char(b, '{');
	for (size_t i = 0; i < c->n; i++) {
		const struct cell *v = &c->cell[i];

		if (v->type != STORE_TEXT && v->type != STORE_INT)
			continue;
		json_key(b, str_of(v->column->field ? v->column->field->name : v->column->name));
		cell_json(v, b);
	}
}

void recalled_json(const struct recalled *r, struct buf *b)
{
	cells_json(&r->own, b);
	if (r->other.n) {
		json_key(b, STR("other_end"));
		cells_json(&r->other, b);
		buf_char(b, '}');
	}
	if (r->ncalls) {
		json_key(b, STR("meanwhile"));
		buf_char(b, '[');
		for (size_t i = 0; i < r->ncalls; i++) {
			if (i)
				buf_char(b, ',');
			cells_json(&r->calls[i], b);
			buf_char(b, '}');
		}
		buf_char(b, ']');
	}
	buf_str(b, STR("}\n"));
}
