/* req.*: what protocols have in common; http.*: what rules and people ask by these names. Pure reads. */
#include "probe/stream/fields.h"

#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"

#include "event/request.h"
#include "probe/stream/stream.h"

static const struct request *request_of(const struct event *ev)
{
	return ev->kind && ev->kind->id == KIND_REQUEST ? ev->body : NULL;
}

/* arg: offset of a member. */
static bool text_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct request *r = request_of(ev);

	if (nth || !r)
		return false;
	ret->type = VALUE_STR;
	ret->str = *(const struct str *)((const char *)r + ref->field->arg);
	return ret->str.p != NULL;
}

static bool u64_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	const struct request *r = request_of(ev);

	if (nth || !r)
		return false;
	ret->type = VALUE_U64;
	ret->u64 = *(const uint64_t *)((const char *)r + ref->field->arg);
	return true;
}

/* arg: enum req_flag. */
static bool flag_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct request *r = request_of(ev);

	if (nth || !r)
		return false;
	ret->type = VALUE_BOOL;
	ret->b = r->flags & ref->field->arg;
	return true;
}

static bool ok_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		   struct value *ret)
{
	const struct request *r = request_of(ev);

	(void)ref;
	if (nth || !r || r->ok == REQ_OK_UNKNOWN)
		return false;
	ret->type = VALUE_BOOL;
	ret->b = r->ok == REQ_OK_YES;
	return true;
}

static bool code_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct request *r = request_of(ev);

	(void)ref;
	if (nth || !r || r->code == -1)
		return false;
	ret->type = VALUE_I64;
	ret->i64 = r->code;
	return true;
}

/* What the wire itself showed is of neither's process. */
static bool side_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct rec_stream *last = (const void *)ev->hdr;

	(void)ref;
	if (nth || !request_of(ev))
		return false;
	ret->type = VALUE_STR;
	ret->str = last->flags & STREAM_PASSIVE ? STR("wire") :
		   ev->fd.conn.is_server == 1	? STR("server") :
						  STR("client");
	return true;
}

enum span {
	SPAN_LATENCY,
	SPAN_TTFB,
};

/* Absent for what is not answered by design. Ends of two CPUs' clocks can be a little out of order. */
static bool span_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct request *r = request_of(ev);
	uint64_t to;

	if (nth || !r || r->flags & REQ_ONEWAY)
		return false;
	to = ref->field->arg == SPAN_TTFB ? r->answered.ns : r->end.ns;
	ret->type = ref->field->type;
	ret->u64 = to > r->start.ns ? to - r->start.ns : 0;
	return to != 0;
}

static bool rtt_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	const struct request *r = request_of(ev);

	(void)ref;
	if (nth || !r || !r->rtt_us)
		return false;
	ret->type = VALUE_DURATION;
	ret->u64 = r->rtt_us * UINT64_C(1000);
	return true;
}

static bool retransmits_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	const struct request *r = request_of(ev);

	(void)ref;
	if (nth || !r)
		return false;
	ret->type = VALUE_U64;
	ret->u64 = r->retransmits;
	return true;
}

static bool id_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		   struct value *ret)
{
	const struct request *r = request_of(ev);
	char *room;

	(void)ref;
	if (nth || !r)
		return false;
	room = arena_alloc(field_arena(), REQUEST_ID_TEXT + 1);
	if (!room)
		return false;
	request_id_text(r->id, room);
	ret->type = VALUE_STR;
	ret->str = (struct str){ room, REQUEST_ID_TEXT };
	return true;
}

static const struct request_times *times_of(const struct event *ev)
{
	const struct request *r = request_of(ev);

	return r ? r->times : NULL;
}

/* arg: enum thread_state. */
static bool time_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct request_times *t = times_of(ev);

	if (nth || !t || t->why != TIMES_KNOWN)
		return false;
	ret->type = VALUE_DURATION;
	ret->u64 = t->ns[ref->field->arg];
	return true;
}

static bool time_unknown_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			     struct value *ret)
{
	const struct request_times *t = times_of(ev);

	(void)ref;
	if (nth || !t || t->why == TIMES_KNOWN)
		return false;
	ret->type = VALUE_STR;
	ret->str = request_times_reason(t->why);
	return true;
}

enum calls {
	CALLS_N,
	CALLS_NS,
};

static bool calls_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	const struct request *r = request_of(ev);

	if (nth || !r || !r->calls)
		return false;
	ret->type = ref->field->type;
	ret->u64 = ref->field->arg == CALLS_N ? r->calls_all : r->calls_ns;
	return true;
}

/* Bytes of JSON, so that it stays whole in a table (store/row.h cuts texts). */
#define EXPLAIN_MAX	 4000
#define EXPLAIN_CALL_MAX 1400 /* of one call: its texts are EXPLAIN_TEXT bytes at most, escaped */

static void call_json(const struct request_call *c, struct buf *b)
{
	buf_char(b, '{');
	json_key(b, STR("protocol"));
	json_str(b, c->protocol);
	json_key(b, STR("what"));
	json_str(b, c->what);
	json_key(b, STR("peer"));
	json_str(b, c->peer);
	json_key(b, STR("latency_ns"));
	buf_u64(b, c->latency_ns);
	buf_char(b, '}');
}

/* The latest first, as many as there is room for; r->calls_all tells of all. */
static void calls_json(const struct request *r, struct buf *b)
{
	json_key(b, STR("calls"));
	buf_u64(b, r->calls_all);
	json_key(b, STR("calls_ns"));
	buf_u64(b, r->calls_ns);
	json_key(b, STR("called"));
	buf_char(b, '[');
	for (uint32_t i = 0; i < r->calls_n && b->n < EXPLAIN_MAX - EXPLAIN_CALL_MAX; i++) {
		if (i)
			buf_char(b, ',');
		call_json(&r->calls[i], b);
	}
	buf_char(b, ']');
}

static void explain_json(const struct request *r, struct buf *b)
{
	static const char *const states[THREAD_STATE_COUNT] = {
#define X(ID, name, help) #name,
		THREAD_STATES(X)
#undef X
	};
	const struct request_times *t = r->times;

	buf_char(b, '{');
	if (t->why != TIMES_KNOWN) {
		json_key(b, STR("unknown"));
		json_str(b, request_times_reason(t->why));
	}
	for (size_t i = 0; i < THREAD_STATE_COUNT && t->why == TIMES_KNOWN; i++)
		if (t->ns[i]) {
			json_key(b, str_of(states[i]));
			buf_u64(b, t->ns[i]);
		}
	if (r->calls_all)
		calls_json(r, b);
	buf_char(b, '}');
}

static bool explain_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			struct value *ret)
{
	const struct request *r = request_of(ev);
	struct buf b = { .cap = EXPLAIN_MAX, .max = EXPLAIN_MAX };

	(void)ref;
	if (nth || !r || !r->times)
		return false;
	b.p = arena_alloc(field_arena(), EXPLAIN_MAX);
	if (!b.p)
		return false;
	explain_json(r, &b);
	if (b.failed)
		return false;
	ret->type = VALUE_STR;
	ret->str = buf_slice(&b);
	return true;
}

static bool is_http(const struct request *r)
{
	return str_eq(r->protocol, STR("http")) || str_eq(r->protocol, STR("http2"));
}

static bool http_method_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	const struct request *r = request_of(ev);

	return r && is_http(r) && text_get(ev, ref, nth, ret);
}

static bool http_status_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	const struct request *r = request_of(ev);

	return r && is_http(r) && code_get(ev, ref, nth, ret);
}

#define REQ	KIND_BIT(KIND_REQUEST)
#define DEF	REQ, FIELD_DEFAULT
#define BRIEF	REQ, FIELD_DEFAULT | FIELD_BRIEF
#define PLAIN	REQ, 0
#define TEXT(m) text_get, offsetof(struct request, m)
#define U64(m)	u64_get, offsetof(struct request, m)
/* Absent unless times were asked for, so that an event's usual JSON does not have them. */
#define TIME(ID) VALUE_DURATION, "ns", DEF, time_get, THREAD_##ID

const struct field request_fields[] = {
	{ "req.protocol", VALUE_STR, "", BRIEF, TEXT(protocol),
	  "http, http2, grpc, websocket, dns, postgres, mysql, redis, mongodb, kafka, ..." },
	{ "req.side", VALUE_STR, "", DEF, side_get, 0,
	  "client or server: what the event's process is in it; wire: read from packets" },
	{ "req.method", VALUE_STR, "", BRIEF, TEXT(method),
	  "HTTP method, SQL verb, Redis command, DNS type, Kafka call, gRPC method" },
	{ "req.resource", VALUE_STR, "", BRIEF, TEXT(resource),
	  "path, statement without its literals, name, topic" },
	{ "req.route", VALUE_STR, "", DEF, TEXT(route),
	  "the resource with its variable parts folded: /users/{id}" },
	{ "req.status", VALUE_STR, "", BRIEF, TEXT(status),
	  "as the protocol says it: 404, NOT_FOUND, 23505, NXDOMAIN, OK" },
	{ "req.code", VALUE_I64, "", DEF, code_get, 0, "the status as a number" },
	{ "req.ok", VALUE_BOOL, "", DEF, ok_get, 0,
	  "whether it went well; absent when no answer was seen" },
	{ "req.error", VALUE_STR, "", DEF, TEXT(error), "the message that came with a status" },
	{ "req.host", VALUE_STR, "", DEF, TEXT(host),
	  "whom the client named: Host, authority, database, virtual host" },
	{ "req.text", VALUE_STR, "", DEF, TEXT(text),
	  "path with query, raw statement, arguments; only with --raw" },
	{ "req.trace", VALUE_STR, "", DEF, TEXT(trace), "traceparent as it stood in the request" },
	{ "req.agent", VALUE_STR, "", DEF, TEXT(agent),
	  "who the client says it is: User-Agent, client id, user" },
	{ "req.latency", VALUE_DURATION, "ns", REQ, FIELD_BRIEF, span_get, SPAN_LATENCY,
	  "from its first byte to the answer's last; of an unanswered one until it was given up" },
	{ "req.latency_ns", VALUE_U64, "ns", DEF, span_get, SPAN_LATENCY, "the same as a number" },
	{ "req.ttfb_ns", VALUE_U64, "ns", DEF, span_get, SPAN_TTFB,
	  "from its first byte to the answer's first" },
	{ "req.request_bytes", VALUE_U64, "bytes", DEF, U64(request_bytes),
	  "of the request, head and body" },
	{ "req.response_bytes", VALUE_U64, "bytes", DEF, U64(response_bytes), "of its answer" },
	{ "req.lost_bytes", VALUE_U64, "bytes", DEF, U64(lost_bytes),
	  "of both, that were not seen and not meant to be passed over" },
	{ "req.items", VALUE_U64, "", DEF, U64(items), "rows, messages, frames in the answer" },
	{ "req.rtt", VALUE_DURATION, "ns", PLAIN, rtt_get, 0,
	  "smoothed round trip of the connection" },
	{ "req.retransmits", VALUE_U64, "", DEF, retransmits_get, 0,
	  "segments that this end sent again meanwhile" },
	{ "req.tls", VALUE_BOOL, "", DEF, flag_get, REQ_TLS, "read at the TLS library" },
	{ "req.cut", VALUE_BOOL, "", PLAIN, flag_get, REQ_CUT, "a text was longer than what is kept" },
	{ "req.lost", VALUE_BOOL, "", PLAIN, flag_get, REQ_LOST, "bytes that matter were not seen" },
	{ "req.unanswered", VALUE_BOOL, "", DEF, flag_get, REQ_UNANSWERED,
	  "no answer came: the connection was closed, or too many others waited" },
	{ "req.oneway", VALUE_BOOL, "", PLAIN, flag_get, REQ_ONEWAY,
	  "of a sort that gets no answer: publish, push, notify" },
	{ "req.midway", VALUE_BOOL, "", PLAIN, flag_get, REQ_MIDWAY,
	  "the connection is older than the capture: something may be unknown" },
	{ "req.stream", VALUE_BOOL, "", PLAIN, flag_get, REQ_STREAM,
	  "goes on for long: upgraded, a streaming call, a subscription" },
	{ "req.id", VALUE_STR, "", DEF, id_get, 0,
	  "what porthole requests explain finds it by: the same in the history and in a capture" },
	{ "req.explain", VALUE_STR, "", PLAIN, explain_get, 0,
	  "where its time went, as JSON: ns by state (or unknown, and why), and the calls made meanwhile" },
	{ "req.time.cpu", TIME(RUNNING),
	  "with --explain: how long its thread ran on a CPU meanwhile" },
	{ "req.time.runnable", TIME(RUNNABLE), "likewise: how long it waited for a CPU" },
	{ "req.time.throttled", TIME(THROTTLED),
	  "likewise: how long it waited because its cgroup had used up its quota of CPU time" },
	{ "req.time.disk", TIME(DISK),
	  "likewise: how long it read, wrote or synced files or block devices" },
	{ "req.time.network", TIME(NETWORK),
	  "likewise: how long it waited in a call on a socket, as for the answer of one it called" },
	{ "req.time.lock", TIME(LOCK), "likewise: how long it waited for a lock or another thread" },
	{ "req.time.pagefault", TIME(PAGEFAULT),
	  "likewise: how long it waited for memory to be brought in" },
	{ "req.time.sleep", TIME(SLEEP), "likewise: how long it slept for a time it chose" },
	{ "req.time.wait", TIME(WAIT),
	  "likewise: how long it waited for a child, a signal, a pipe, an eventfd" },
	{ "req.time.poll", TIME(POLL),
	  "likewise: how long it waited for any of many: epoll, poll, select" },
	{ "req.time.stopped", TIME(STOPPED), "likewise: how long it was stopped" },
	{ "req.time.other", TIME(OTHER), "likewise: how long it was blocked otherwise" },
	{ "req.time.unknown", VALUE_STR, "", DEF, time_unknown_get, 0,
	  "with --explain: why those times cannot be told" },
	{ "req.calls", VALUE_U64, "", DEF, calls_get, CALLS_N,
	  "with --explain: requests its thread made of others while it served this one" },
	{ "req.time.calls", VALUE_DURATION, "ns", DEF, calls_get, CALLS_NS,
	  "with --explain: how long one of those was open; part of the other times" },
	{ "http.method", VALUE_STR, "", PLAIN, http_method_get, offsetof(struct request, method),
	  "of HTTP alone" },
	{ "http.status", VALUE_I64, "", PLAIN, http_status_get, 0, "of HTTP alone, as a number" },
	{ NULL },
};
