/*
 * CQL, Cassandra's protocol, versions 3, 4 and 5: frames of a 9-byte head and a body, paired by stream number; in
 * version 5 they travel in segments (segment.h) once the server has answered STARTUP.
 *
 * Of a body the first BODY_MAX bytes are read, the rest becomes a skip; of a frame that is spread over segments, what
 * stands in the first. Compressed bodies (versions 3 and 4: a flag of each frame) are not read, their frames
 * still paired and named; compressed segments (version 5) end the reading.
 *
 *     [segment head]  frame head | body: read, skipped | frame head ...  [segment tail]
 */
#include "base/hash.h"
#include "proto/cql/body.h"
#include "proto/cql/segment.h"
#include "proto/exchange.h"
#include "proto/statement.h"

#define FRAME_HEAD 9
#define BODY_MAX   4096
#define LENGTH_MAX (256u << 20)
#define ANSWER	   0x80
#define FLAGS	   0x1f
#define STREAMS	   0x8000 /* numbers from here on are the server's own */

enum opcode {
	ERROR,
	STARTUP,
	READY,
	AUTHENTICATE,
	OPTIONS = 5,
	SUPPORTED,
	QUERY,
	RESULT,
	PREPARE,
	EXECUTE,
	REGISTER,
	EVENT,
	BATCH,
	AUTH_CHALLENGE,
	AUTH_RESPONSE,
	AUTH_SUCCESS,
};

/* exchange.mark */
#define MARK_PUSH    1
#define MARK_PREPARE 2 /* its method is its statement's until it has an answer */

struct side {
	uint32_t segment; /* bytes of the segment's payload not consumed */
	uint32_t body;	  /* bytes of the frame's body to pass over */
	uint32_t asked;
	uint32_t key;
	bool in_segment, in_frame;
};

struct cql {
	struct side side[2];
	struct statements prepared; /* by the hash of their id */
	bool framed;		    /* segments are spoken */
	bool compressed, five;
};

struct head {
	uint8_t version, flags, opcode;
	uint16_t stream;
	uint32_t length;
};

struct frame {
	struct head h;
	struct cur body; /* as far as it is read */
};

/* --- requests --- */

static bool is_request(uint8_t opcode)
{
	static const uint32_t set = 1u << STARTUP | 1u << OPTIONS | 1u << QUERY | 1u << PREPARE |
				    1u << EXECUTE | 1u << REGISTER | 1u << BATCH |
				    1u << AUTH_RESPONSE;

	return opcode < 32 && set >> opcode & 1;
}

static bool is_answer(uint8_t opcode)
{
	static const uint32_t set = 1u << ERROR | 1u << READY | 1u << AUTHENTICATE |
				    1u << SUPPORTED | 1u << RESULT | 1u << EVENT |
				    1u << AUTH_CHALLENGE | 1u << AUTH_SUCCESS;

	return opcode < 32 && set >> opcode & 1;
}

static const char *const names[] = {
	[ERROR] = "ERROR",
	[STARTUP] = "STARTUP",
	[READY] = "READY",
	[AUTHENTICATE] = "AUTHENTICATE",
	[OPTIONS] = "OPTIONS",
	[SUPPORTED] = "SUPPORTED",
	[QUERY] = "QUERY",
	[RESULT] = "RESULT",
	[PREPARE] = "PREPARE",
	[EXECUTE] = "EXECUTE",
	[REGISTER] = "REGISTER",
	[EVENT] = "EVENT",
	[BATCH] = "BATCH",
	[AUTH_CHALLENGE] = "AUTH_CHALLENGE",
	[AUTH_RESPONSE] = "AUTH_RESPONSE",
	[AUTH_SUCCESS] = "AUTH_SUCCESS",
};

static void statement(struct proto_io *io, struct exchange *x, struct cur *c)
{
	struct str text;
	bool cut;

	if (cql_long_string(c, &text, &cut))
		statement_set(io, x, text, SQL_ANSI, cut);
}

static void on_startup(struct cql *q, struct proto_io *io, struct exchange *x, struct frame *f)
{
	struct str driver = cql_map_find(f->body, STR("DRIVER_NAME"));

	(void)io;
	q->compressed = cql_map_find(f->body, STR("COMPRESSION")).n > 0;
	q->five = (f->h.version & ~ANSWER) >= 5;
	if (x && driver.n)
		exchange_set(x, &x->req.agent, driver);
}

static void on_query(struct cql *q, struct proto_io *io, struct exchange *x, struct frame *f)
{
	(void)q;
	if (x)
		statement(io, x, &f->body);
	if (x && f->h.opcode == PREPARE)
		x->mark = MARK_PREPARE;
}

static void on_execute(struct cql *q, struct proto_io *io, struct exchange *x, struct frame *f)
{
	struct str id;

	(void)io;
	if (x && cql_string(&f->body, &id))
		statement_recall(&q->prepared, hash_str(id), x);
}

/* What its first statement is about. */
static void on_batch(struct cql *q, struct proto_io *io, struct exchange *x, struct frame *f)
{
	uint8_t type, kind;
	uint16_t n;
	struct str id;

	if (!x || !cur_u8(&f->body, &type) || !cql_short(&f->body, &n) || !n ||
	    !cur_u8(&f->body, &kind))
		return;
	if (kind == 0)
		statement(io, x, &f->body);
	else if (kind == 1 && cql_string(&f->body, &id))
		statement_recall(&q->prepared, hash_str(id), x);
	exchange_static(x, &x->req.method, names[BATCH]);
}

/* --- answers --- */

/* What the server says about a statement quotes it. */
static bool quotes(int32_t code)
{
	return code == 0x2000 || code == 0x2200 || code == 0x000a;
}

static void on_error(struct cql *q, struct proto_io *io, struct exchange *x, struct frame *f)
{
	const char *name;
	struct str text;
	int32_t code;

	(void)q;
	if (!x)
		return;
	x->req.ok = REQ_OK_NO;
	if (!cql_int(&f->body, &code))
		return;
	exchange_code(x, code);
	name = cql_error_name(code);
	if (name)
		exchange_static(x, &x->req.status, name);
	if ((io->opts->raw || !quotes(code)) && cql_string(&f->body, &text))
		exchange_set(x, &x->req.error, text);
}

static void on_prepared(struct cql *q, struct exchange *x, struct cur *c)
{
	struct str id;

	if (x->mark == MARK_PREPARE && cql_string(c, &id))
		statement_keep(&q->prepared, hash_str(id), x);
}

static void on_result(struct cql *q, struct proto_io *io, struct exchange *x, struct frame *f)
{
	static const char *const kinds[] = { [CQL_VOID] = "Void",
					     [CQL_ROWS] = "Rows",
					     [CQL_SET_KEYSPACE] = "Set_keyspace",
					     [CQL_PREPARED] = "Prepared",
					     [CQL_SCHEMA_CHANGE] = "Schema_change" };
	int32_t kind, rows;
	struct str name;

	(void)io;
	if (!x)
		return;
	x->req.ok = REQ_OK_YES;
	if (!cql_int(&f->body, &kind) || kind < CQL_VOID || kind > CQL_SCHEMA_CHANGE)
		return;
	exchange_static(x, &x->req.status, kinds[kind]);
	if (kind == CQL_ROWS && cql_rows(f->body, &rows))
		x->req.items = (uint64_t)rows;
	else if (kind == CQL_SET_KEYSPACE && cql_string(&f->body, &name))
		exchange_set(x, &x->req.host, name);
	else if (kind == CQL_PREPARED)
		on_prepared(q, x, &f->body);
}

/* READY, AUTHENTICATE, SUPPORTED, AUTH_*: their names say it. */
static void on_named(struct cql *q, struct proto_io *io, struct exchange *x, struct frame *f)
{
	(void)q;
	(void)io;
	if (!x)
		return;
	x->req.ok = REQ_OK_YES;
	exchange_static(x, &x->req.status, names[f->h.opcode]);
}

static void on_event(struct cql *q, struct proto_io *io, struct exchange *x, struct frame *f)
{
	struct str type;

	(void)q;
	(void)io;
	if (x && cql_string(&f->body, &type))
		exchange_set(x, &x->req.resource, type);
}

typedef void body_fn(struct cql *q, struct proto_io *io, struct exchange *x, struct frame *f);

static body_fn *const bodies[] = {
	[ERROR] = on_error,	   [STARTUP] = on_startup, [READY] = on_named,
	[AUTHENTICATE] = on_named, [SUPPORTED] = on_named, [QUERY] = on_query,
	[RESULT] = on_result,	   [PREPARE] = on_query,   [EXECUTE] = on_execute,
	[EVENT] = on_event,	   [BATCH] = on_batch,	   [AUTH_CHALLENGE] = on_named,
	[AUTH_SUCCESS] = on_named, [AUTH_RESPONSE] = NULL,
};

/* --- frames --- */

static enum proto_result head_read(struct cur *c, enum proto_dir dir, struct head *ret,
				   const char **ret_why)
{
	struct head h;
	int32_t n;
	bool answer = dir == PROTO_TO_CLIENT;

	*ret_why = "version";
	if (!cur_u8(c, &h.version))
		return PROTO_MORE;
	if ((h.version & ANSWER) != (answer ? ANSWER : 0) || (h.version & ~ANSWER) < 3 ||
	    (h.version & ~ANSWER) > 5)
		return PROTO_BAD;
	*ret_why = "flags";
	if (!cur_u8(c, &h.flags))
		return PROTO_MORE;
	if (h.flags & ~FLAGS)
		return PROTO_BAD;
	if (!cql_short(c, &h.stream) || !cur_u8(c, &h.opcode))
		return PROTO_MORE;
	*ret_why = "opcode";
	if (!(answer ? is_answer(h.opcode) : is_request(h.opcode)))
		return PROTO_BAD;
	*ret_why = "stream";
	if (h.stream >= STREAMS && (!answer || h.opcode != EVENT))
		return PROTO_BAD;
	if (!cql_int(c, &n))
		return PROTO_MORE;
	*ret_why = "length";
	if (n < 0 || (uint32_t)n > LENGTH_MAX)
		return PROTO_BAD;
	h.length = (uint32_t)n;
	*ret = h;
	return PROTO_OK;
}

static struct exchange *frame_exchange(struct side *s, struct proto_io *io, const struct head *h)
{
	bool ask = io->dir == PROTO_TO_SERVER;
	struct exchange *x;

	s->key = h->stream;
	if (!ask && h->opcode != EVENT) {
		x = exchange_find(io, s->key);
		if (x)
			x->req.response_bytes = FRAME_HEAD + (uint64_t)h->length;
		exchange_answered(io, x);
		return x;
	}
	x = exchange_begin(io, s->key);
	if (!x)
		return NULL;
	exchange_static(x, &x->req.method, names[h->opcode]);
	if (ask)
		x->req.request_bytes = FRAME_HEAD + (uint64_t)h->length;
	else
		x->req.response_bytes = FRAME_HEAD + (uint64_t)h->length;
	if (!ask)
		x->mark = MARK_PUSH;
	return x;
}

/* All of a frame went by. */
static void frame_end(struct cql *q, struct proto_io *io)
{
	struct side *s = &q->side[io->dir];
	struct exchange *x;

	s->in_frame = false;
	if (io->dir == PROTO_TO_SERVER)
		return;
	if (s->key >= STREAMS) {
		x = exchange_newest(io);
		if (x && x->mark == MARK_PUSH)
			exchange_oneway(io, x);
		return;
	}
	x = exchange_find(io, s->key);
	if (x && x->mark == MARK_PREPARE)
		exchange_static(x, &x->req.method, names[PREPARE]);
	exchange_done(io, x);
}

/* The server has agreed: from its next frame on, and from the client's next. */
static void agreed(struct cql *q, struct proto_io *io, const struct head *h)
{
	if (io->dir != PROTO_TO_CLIENT || (h->opcode != READY && h->opcode != AUTHENTICATE))
		return;
	q->framed = q->five;
	if (q->five && q->compressed)
		io->ignore = "compressed";
}

static void body(struct cql *q, struct proto_io *io, struct exchange *x, struct frame *f)
{
	bool answer = io->dir == PROTO_TO_CLIENT;

	if (!(f->h.flags & CQL_COMPRESSED) && cql_passed(&f->body, f->h.flags, answer)) {
		if (bodies[f->h.opcode])
			bodies[f->h.opcode](q, io, x, f);
	} else if (answer && x && f->h.opcode != EVENT) { /* its kind alone */
		x->req.ok = f->h.opcode == ERROR ? REQ_OK_NO : REQ_OK_YES;
		exchange_static(x, &x->req.status, names[f->h.opcode]);
	}
}

/* @room: bytes in which the frame has to begin: of the segment. */
static enum proto_result frame(struct cql *q, struct proto_io *io, struct cur *c, uint32_t room)
{
	struct side *s = &q->side[io->dir];
	struct cur at = *c;
	struct exchange *x;
	struct frame f;
	uint32_t here;
	enum proto_result r = head_read(&at, io->dir, &f.h, &io->reject);

	if (r == PROTO_MORE && room < FRAME_HEAD) {
		io->reject = "segment";
		return PROTO_BAD;
	}
	if (r != PROTO_OK)
		return r;
	here = f.h.length < BODY_MAX ? f.h.length : BODY_MAX;
	here = here < room - FRAME_HEAD ? here : room - FRAME_HEAD;
	if (!cur_sub(&at, here, &f.body))
		return PROTO_MORE;
	x = frame_exchange(s, io, &f.h);
	body(q, io, x, &f);
	c->p = at.p;
	s->body = f.h.length - here;
	s->segment -= s->in_segment ? FRAME_HEAD + here : 0;
	s->in_frame = true;
	if (!s->body)
		frame_end(q, io);
	agreed(q, io, &f.h);
	return PROTO_OK;
}

/* The rest of a body, as far as the segment goes. */
static enum proto_result body_rest(struct cql *q, struct proto_io *io, struct cur *c)
{
	struct side *s = &q->side[io->dir];
	uint32_t n = s->in_segment && s->segment < s->body ? s->segment : s->body;

	s->body -= n;
	s->segment -= s->in_segment ? n : 0;
	if (!cur_skip(c, n)) {
		io->skip = s->asked = n;
		return PROTO_OK;
	}
	if (!s->body)
		frame_end(q, io);
	return PROTO_OK;
}

static enum proto_result segment_begin(struct cql *q, struct proto_io *io, struct cur *c)
{
	struct side *s = &q->side[io->dir];
	bool alone;

	switch (cql_segment_head(c, &s->segment, &alone)) {
	case CQL_SEGMENT_MORE:
		return PROTO_MORE;
	case CQL_SEGMENT_BAD:
		io->reject = "segment";
		return PROTO_BAD;
	case CQL_SEGMENT_OK:
		break;
	}
	s->in_segment = true;
	return PROTO_OK;
}

/* Nobody saw the version agreed on: a segment's checksum tells. */
static enum proto_result midway(struct cql *q, const struct cur *c)
{
	struct cur at = *c;
	uint32_t n;
	bool alone;
	enum cql_segment s = cql_segment_head(&at, &n, &alone);

	if (s == CQL_SEGMENT_MORE)
		return PROTO_MORE;
	q->framed = s == CQL_SEGMENT_OK;
	return PROTO_OK;
}

static enum proto_result cql_parse(void *state, struct proto_io *io, struct cur *c)
{
	struct cql *q = state;
	struct side *s = &q->side[io->dir];
	uint32_t asked = s->asked;

	s->asked = 0;
	if (asked && io->skipped < asked) { /* the connection ended in there */
		s->in_frame = false;
		return PROTO_OK;
	}
	if (s->in_frame && !s->body) {
		frame_end(q, io);
		return PROTO_OK;
	}
	if (s->in_segment && !s->segment) {
		if (!cur_skip(c, CQL_SEGMENT_TAIL))
			return PROTO_MORE;
		s->in_segment = false;
		return PROTO_OK;
	}
	if (io->midway && !q->framed && !s->in_frame) {
		enum proto_result r = midway(q, c);

		if (r != PROTO_OK)
			return r;
	}
	if (q->framed && !s->in_segment)
		return segment_begin(q, io, c);
	if (s->in_frame)
		return body_rest(q, io, c);
	return frame(q, io, c, s->in_segment ? s->segment : UINT32_MAX);
}

/* --- beginnings --- */

/* A frame's head, or a segment's with one behind it. *ret_segment: which. */
static enum proto_result begins(struct cur c, enum proto_dir dir, struct head *ret, bool *ret_segment)
{
	struct cur frame_at = c;
	const char *why;
	uint32_t n;
	bool alone;

	*ret_segment = false;
	if (cql_segment_head(&c, &n, &alone) == CQL_SEGMENT_OK && n >= FRAME_HEAD) {
		*ret_segment = true;
		return head_read(&c, dir, ret, &why);
	}
	return head_read(&frame_at, dir, ret, &why);
}

/* Numbers still pair what was not in the gap. An answer that was being read ends here. */
static bool cql_resync(void *state, struct proto_io *io, struct cur *c)
{
	struct cql *q = state;
	struct side *s = &q->side[io->dir];
	struct exchange *x = NULL;

	if (s->in_frame && io->dir == PROTO_TO_CLIENT)
		x = s->key >= STREAMS ? exchange_newest(io) : exchange_find(io, s->key);
	if (x && (s->key < STREAMS || x->mark == MARK_PUSH)) {
		x->req.flags |= REQ_LOST;
		x->req.lost_bytes += io->lost;
		frame_end(q, io);
	}
	*s = (struct side){ 0 };
	for (; cur_left(c) >= FRAME_HEAD; c->p++) {
		struct head h;
		bool segment;

		if (begins(*c, io->dir, &h, &segment) != PROTO_OK ||
		    segment != ((h.version & 7) == 5))
			continue;
		if (io->dir == PROTO_TO_CLIENT && h.opcode != EVENT && !exchange_find(io, h.stream))
			continue;
		q->framed = segment;
		return true;
	}
	return false;
}

static enum proto_guess guess_dir(struct str s, enum proto_dir dir, bool usual)
{
	struct head h;
	bool segment;
	enum proto_result r = begins(cur_of(s.p, s.n), dir, &h, &segment);

	if (r == PROTO_MORE)
		return GUESS_MORE;
	if (r != PROTO_OK)
		return GUESS_NO;
	/* A connection begins so; elsewhere nine bytes say little, unless a checksum stands by them. */
	if (!usual && !segment && h.opcode != STARTUP && h.opcode != OPTIONS)
		return GUESS_NO;
	return dir == PROTO_TO_SERVER ? GUESS_REQUEST : GUESS_RESPONSE;
}

static enum proto_guess cql_guess(struct str head, bool usual)
{
	enum proto_guess ask = guess_dir(head, PROTO_TO_SERVER, usual);
	enum proto_guess answer = guess_dir(head, PROTO_TO_CLIENT, usual);

	if (ask > GUESS_MORE)
		return ask;
	if (answer > GUESS_MORE)
		return answer;
	return ask == GUESS_MORE || answer == GUESS_MORE ? GUESS_MORE : GUESS_NO;
}

static void cql_release(void *state)
{
	statements_free(&((struct cql *)state)->prepared);
}

static const uint16_t ports[] = { 9042, 9142, 0 };

const struct proto proto_cql = {
	.name = "cql",
	.help = "Cassandra: statements, prepared ones too, rows, errors",
	.ports = ports,
	.stream = true,
	.state_bytes = sizeof(struct cql),
	.guess = cql_guess,
	.parse = cql_parse,
	.resync = cql_resync,
	.release = cql_release,
};
