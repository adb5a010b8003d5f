/*
 * Each direction is a small machine: START, HEAD, then a body in one of four ways, and START again. A step either
 * consumes bytes or changes the state, so steps end.
 */
#include "proto/http/http.h"

#include "base/clock.h"
#include "proto/http/head.h"
#include "proto/target.h"
#include "proto/upgrade.h"

#define PIPELINE_QUIET NS_PER_SEC /* after a gap: nothing is under way any more */

enum side_at {
	AT_START,
	AT_HEAD,
	AT_BODY,       /* a skip of known length is under way */
	AT_CHUNK,      /* the line before a chunk */
	AT_CHUNK_DATA, /* a skip */
	AT_CHUNK_END,  /* the end of line behind it */
	AT_TRAILER,
	AT_CLOSE,  /* a skip until the connection ends */
	AT_WAIT,   /* CONNECT: what comes next depends on the answer */
	AT_TUNNEL, /* no HTTP any more */
};

enum upgrade_to {
	UPGRADE_OTHER,
	UPGRADE_WEBSOCKET,
	UPGRADE_HTTP2,
};

struct side {
	struct http_framing framing;
	uint32_t head_bytes;
	uint32_t fresh; /* bytes that are not yet in the exchange */
	uint16_t code;
	uint8_t at;	   /* enum side_at */
	uint8_t minor;	   /* of the version */
	uint8_t upgrade;   /* enum upgrade_to */
	bool in_line;	   /* the rest of a line that was too long */
	bool after_length; /* the line before says how long the message is */
	bool paired;	   /* the message has an exchange: the newest, or the oldest */
	bool resyncing;	   /* looks for a beginning; what waited when that began was handed on */
};

struct http {
	struct side side[2];   /* enum proto_dir */
	uint32_t orphans;      /* answers still to come whose exchanges are gone */
	bool pipelined;	       /* answers came while other requests waited */
	bool unsure;	       /* bytes were lost: which answer is whose? */
	struct boot_ns before; /* of the last bytes */
};

/* exchange.mark */
#define MARK_HEAD    1
#define MARK_CONNECT 2
#define MARK_SENDING 4 /* the request is not yet whole */

static enum proto_result reject(struct proto_io *io, const char *why)
{
	io->reject = why;
	return PROTO_BAD;
}

static struct exchange *side_exchange(const struct proto_io *io, const struct side *s)
{
	if (!s->paired)
		return NULL;
	return io->dir == PROTO_TO_SERVER ? exchange_newest(io) : exchange_oldest(io);
}

static void side_count(struct proto_io *io, struct side *s, uint64_t more)
{
	struct exchange *x = side_exchange(io, s);

	if (x && io->dir == PROTO_TO_SERVER)
		x->req.request_bytes += s->fresh + more;
	else if (x)
		x->req.response_bytes += s->fresh + more;
	s->fresh = 0;
}

static bool take(struct side *s, struct cur *c, size_t n)
{
	s->fresh += (uint32_t)n;
	return cur_skip(c, n);
}

/* The next line without its end; false: it is not there. *ret_cut: it is longer than HTTP_LINE_MAX. */
static inline bool line_next(struct side *s, struct cur *c, struct str *ret, bool *ret_cut)
{
	size_t left = cur_left(c), n = left < HTTP_LINE_MAX ? left : HTTP_LINE_MAX;
	const uint8_t *end = n ? memchr(c->p, '\n', n) : NULL;
	struct str line = { (const char *)c->p, end ? (size_t)(end - c->p) : n };

	if (!end && n < HTTP_LINE_MAX)
		return false;
	*ret_cut = s->in_line = !end;
	if (!take(s, c, line.n + (end != NULL)))
		return false;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	*ret = line;
	return true;
}

/* What is left of a line that was too long. True: nothing. */
static bool line_rest(struct side *s, struct cur *c)
{
	size_t n = cur_left(c);
	const uint8_t *end = n ? memchr(c->p, '\n', n) : NULL;

	if (end)
		n = (size_t)(end + 1 - c->p);
	s->in_line = !end;
	s->head_bytes += (uint32_t)n;
	return take(s, c, n) && end;
}

/* --- first lines --- */

static void side_begin(struct side *s, uint8_t minor)
{
	s->framing = (struct http_framing){ 0 };
	s->head_bytes = 0;
	s->minor = minor;
	s->upgrade = UPGRADE_OTHER;
	s->after_length = false;
	s->at = AT_HEAD;
}

/* A new exchange; if it pushed out the oldest, the answer to that one is an orphan. */
static struct exchange *request_begin(struct http *h, struct proto_io *io)
{
	uint32_t before = io->window->n;
	struct exchange *x;

	if (h->unsure && io->begun.ns > h->before.ns + PIPELINE_QUIET) {
		exchange_abandon(io);
		before = 0;
		h->orphans = 0;
		h->unsure = false;
	}
	x = exchange_begin(io, UPGRADE_STREAM);
	if (x && io->window->n > before)
		return x;
	if (before && h->side[PROTO_TO_CLIENT].paired)
		h->side[PROTO_TO_CLIENT].paired = false;
	else
		h->orphans++;
	return x;
}

static enum proto_result request_line(struct http *h, struct proto_io *io, struct side *s,
				      struct str line, bool cut)
{
	struct http_request_line r;
	const char *wrong = http_request_line(line, cut, &r);
	struct str host = STR_NONE;
	struct exchange *x;

	if (wrong)
		return reject(io, wrong);
	side_begin(s, r.minor);
	x = request_begin(h, io);
	s->paired = x != NULL;
	if (!x)
		return PROTO_OK;
	x->mark = MARK_SENDING | (str_eq(r.method, STR("HEAD")) ? MARK_HEAD : 0) |
		  (str_eq(r.method, STR("CONNECT")) ? MARK_CONNECT : 0);
	x->req.flags |= (cut ? REQ_CUT : 0) | (h->unsure ? REQ_LOST : 0);
	exchange_set(x, &x->req.method, r.method);
	if (x->mark & MARK_CONNECT) {
		target_text(x, &x->req.resource, r.target, TARGET_HOST_MAX);
		x->req.host = x->req.resource;
		return PROTO_OK;
	}
	target_set(io, x, r.target, &host);
	if (host.p)
		target_text(x, &x->req.host, host, TARGET_HOST_MAX);
	return PROTO_OK;
}

static enum proto_result status_line(struct http *h, struct proto_io *io, struct side *s,
				     struct str line)
{
	struct http_status_line r;
	const char *wrong = http_status_line(line, &r);
	struct exchange *x;

	if (wrong)
		return reject(io, wrong);
	side_begin(s, r.minor);
	s->code = r.code;
	s->paired = !h->unsure && !h->orphans && exchange_oldest(io);
	x = side_exchange(io, s);
	if (!x || (r.code < 200 && r.code != 101))
		return PROTO_OK;
	h->pipelined |= io->window->n > 1;
	exchange_answered(io, x);
	exchange_code(x, r.code);
	x->req.ok = r.code < 400 ? REQ_OK_YES : REQ_OK_NO;
	return PROTO_OK;
}

/* Bytes that begin no head are told at once: they may be the rest of a body. */
static bool can_begin(enum proto_dir dir, const struct cur *c)
{
	static const char version[] = "HTTP/1.";
	size_t n = cur_left(c) < 7 ? cur_left(c) : 7;

	if (!n || *c->p == '\r' || *c->p == '\n')
		return true;
	return dir == PROTO_TO_SERVER ? *c->p > ' ' && *c->p < 127 : !memcmp(c->p, version, n);
}

static enum proto_result step_start(struct http *h, struct proto_io *io, struct side *s,
				    struct cur *c)
{
	struct str line;
	bool cut;

	if (!can_begin(io->dir, c))
		return reject(io, io->dir == PROTO_TO_SERVER ? "method" : "version");
	if (!line_next(s, c, &line, &cut))
		return PROTO_MORE;
	if (!line.n) {
		s->fresh = 0;
		return PROTO_OK;
	}
	return io->dir == PROTO_TO_SERVER ? request_line(h, io, s, line, cut) :
					    status_line(h, io, s, line);
}

/* --- fields --- */

struct field_ctx {
	struct side *s;
	struct exchange *x; /* may be NULL */
	struct str value;
};

static const char *field_host(struct field_ctx *f)
{
	if (f->x && !f->x->req.host.p)
		target_text(f->x, &f->x->req.host, f->value, TARGET_HOST_MAX);
	return NULL;
}

static const char *field_agent(struct field_ctx *f)
{
	if (f->x)
		target_text(f->x, &f->x->req.agent, f->value, TARGET_AGENT_MAX);
	return NULL;
}

static const char *field_trace(struct field_ctx *f)
{
	if (f->x)
		target_text(f->x, &f->x->req.trace, f->value, TARGET_TRACE_MAX);
	return NULL;
}

static const char *field_length(struct field_ctx *f)
{
	f->s->after_length = true;
	return http_length(&f->s->framing, f->value);
}

static const char *field_coding(struct field_ctx *f)
{
	f->s->after_length = true;
	return http_coding(&f->s->framing, f->value);
}

static const char *field_upgrade(struct field_ctx *f)
{
	f->s->upgrade = http_is(f->value, STR("websocket")) ? UPGRADE_WEBSOCKET :
			http_is(f->value, STR("h2c"))	    ? UPGRADE_HTTP2 :
							      UPGRADE_OTHER;
	return NULL;
}

/* The only fields that are looked at, by the length of their names; those in lower case. */
static const struct http_field {
	const char *name;
	const char *(*found)(struct field_ctx *f);
	bool dir[2]; /* in messages to the server, to the client */
} fields[] = {
	[4] = { "host", field_host, { true, false } },
	[7] = { "upgrade", field_upgrade, { false, true } },
	[10] = { "user-agent", field_agent, { true, false } },
	[11] = { "traceparent", field_trace, { true, false } },
	[14] = { "content-length", field_length, { true, true } },
	[17] = { "transfer-encoding", field_coding, { true, true } },
};

static const char *field_take(struct proto_io *io, struct side *s, struct str name, struct str value)
{
	const struct http_field *f = fields;

	if (name.n >= sizeof(fields) / sizeof(*fields))
		return NULL;
	f += name.n;
	if (!f->dir[io->dir] || !http_is(name, (struct str){ f->name, name.n }))
		return NULL;
	return f->found(&(struct field_ctx){ s, side_exchange(io, s), http_trim(value) });
}

static inline enum proto_result field_line(struct proto_io *io, struct side *s, struct str line)
{
	struct str name, value;
	const char *wrong;

	if (line.p[0] == ' ' || line.p[0] == '\t') {
		if (s->after_length || !s->head_bytes)
			return reject(io, "fold");
		return PROTO_OK;
	}
	s->after_length = false;
	wrong = http_field(line, &name, &value);
	if (!wrong)
		wrong = field_take(io, s, name, value);
	return wrong ? reject(io, wrong) : PROTO_OK;
}

/* --- the end of a head, and of a message --- */

/* The message is whole. */
static enum proto_result side_done(struct http *h, struct proto_io *io, struct side *s)
{
	struct exchange *x = side_exchange(io, s);

	side_count(io, s, 0);
	s->paired = false;
	s->at = AT_START;
	if (!x)
		return PROTO_OK;
	if (io->dir == PROTO_TO_SERVER) {
		x->mark &= ~(uint64_t)MARK_SENDING;
		return PROTO_OK;
	}
	if (x->mark & MARK_SENDING) /* answered before it was whole */
		h->side[PROTO_TO_SERVER].paired = false;
	exchange_done(io, x);
	return PROTO_OK;
}

/* The body that the fields announce, if there is one. */
static enum proto_result side_body(struct http *h, struct proto_io *io, struct side *s)
{
	if (s->framing.chunked) {
		s->at = AT_CHUNK;
	} else if (s->framing.coded || (io->dir == PROTO_TO_CLIENT && !s->framing.has_length)) {
		s->at = AT_CLOSE;
		io->skip = PROTO_FOREVER;
	} else if (s->framing.length) {
		s->at = AT_BODY;
		io->skip = s->framing.length;
	} else {
		return side_done(h, io, s);
	}
	side_count(io, s, 0);
	return PROTO_OK;
}

static enum proto_result tunnel(struct http *h, struct proto_io *io)
{
	h->side[PROTO_TO_SERVER].at = h->side[PROTO_TO_CLIENT].at = AT_TUNNEL;
	io->skip = PROTO_FOREVER;
	return PROTO_OK;
}

/*
 * For the websocket: where it was made. @x is still in the window, unless there was no room for both.
 */
static void websocket_begin(struct proto_io *io, struct exchange **x)
{
	uint32_t before = io->window->n;
	struct exchange *w = exchange_begin(io, UPGRADE_KEY);

	if (!w || io->window->n == before) {
		*x = NULL;
		return;
	}
	exchange_static(w, &w->req.protocol, "websocket");
	exchange_set(w, &w->req.resource, (*x)->req.resource);
	exchange_set(w, &w->req.route, (*x)->req.route);
	exchange_set(w, &w->req.host, (*x)->req.host);
	exchange_set(w, &w->req.agent, (*x)->req.agent);
	exchange_set(w, &w->req.trace, (*x)->req.trace);
	w->req.flags |= REQ_STREAM;
}

static enum proto_result switch_protocols(struct http *h, struct proto_io *io, struct side *s)
{
	struct exchange *x = side_exchange(io, s);
	uint8_t to = s->upgrade;

	if (to == UPGRADE_HTTP2) { /* its answer comes on stream 1 */
		side_count(io, s, 0);
		io->become = proto_find(STR("http2"));
	} else {
		side_count(io, s, 0);
		if (x && to == UPGRADE_WEBSOCKET)
			websocket_begin(io, &x);
		s->paired = x != NULL;
		if (x)
			x->req.flags |= REQ_STREAM;
		side_done(h, io, s);
		io->become = to == UPGRADE_WEBSOCKET ? proto_find(STR("websocket")) : NULL;
	}
	return io->become ? PROTO_OK : tunnel(h, io);
}

static enum proto_result answer_head_end(struct http *h, struct proto_io *io, struct side *s)
{
	struct exchange *x = side_exchange(io, s);
	uint64_t mark = x ? x->mark : 0;

	if (s->code == 101)
		return switch_protocols(h, io, s);
	if (s->code < 200) { /* the answer is still to come */
		side_count(io, s, 0);
		s->paired = false;
		s->at = AT_START;
		return PROTO_OK;
	}
	if (!x && h->orphans)
		h->orphans--;
	if (mark & MARK_CONNECT && s->code < 300) {
		x->req.flags |= REQ_STREAM;
		side_done(h, io, s);
		return tunnel(h, io);
	}
	if (mark & MARK_CONNECT && h->side[PROTO_TO_SERVER].at == AT_WAIT)
		h->side[PROTO_TO_SERVER].at = AT_START;
	if (mark & MARK_HEAD || s->code == 204 || s->code == 304)
		return side_done(h, io, s);
	return side_body(h, io, s);
}

static enum proto_result request_head_end(struct http *h, struct proto_io *io, struct side *s)
{
	struct exchange *x = side_exchange(io, s);
	bool connect = x && x->mark & MARK_CONNECT;
	enum proto_result res;

	if (s->framing.coded && !s->framing.chunked)
		return reject(io, "transfer-encoding");
	if (!connect)
		return side_body(h, io, s);
	res = side_done(h, io, s);
	s->at = AT_WAIT;
	return res;
}

static enum proto_result head_end(struct http *h, struct proto_io *io, struct side *s)
{
	if (s->framing.chunked && s->framing.has_length)
		return reject(io, "length-and-chunked");
	if (s->framing.coded && s->minor == 0)
		return reject(io, "chunked-in-1-0");
	return io->dir == PROTO_TO_SERVER ? request_head_end(h, io, s) : answer_head_end(h, io, s);
}

static enum proto_result step_head(struct http *h, struct proto_io *io, struct side *s, struct cur *c)
{
	struct str line;
	bool cut;

	if (s->in_line)
		return line_rest(s, c) ? PROTO_OK : PROTO_MORE;
	while (line_next(s, c, &line, &cut)) {
		if (!line.n)
			return head_end(h, io, s);
		if (s->head_bytes > HTTP_HEAD_MAX)
			return reject(io, "head-too-long");
		if (cut && s->paired)
			side_exchange(io, s)->req.flags |= REQ_CUT;
		if (field_line(io, s, line) == PROTO_BAD)
			return PROTO_BAD;
		s->head_bytes += (uint32_t)line.n + 1;
		if (cut)
			return PROTO_OK;
	}
	return PROTO_MORE;
}

/* --- bodies --- */

/* The skip has ended; at the end of the connection too early, then no whole message came. */
static enum proto_result step_body(struct http *h, struct proto_io *io, struct side *s, struct cur *c)
{
	(void)c;
	side_count(io, s, io->skipped);
	if (io->skipped >= s->framing.length)
		return side_done(h, io, s);
	s->at = AT_TUNNEL;
	return PROTO_OK;
}

static enum proto_result step_chunk(struct http *h, struct proto_io *io, struct side *s,
				    struct cur *c)
{
	struct str line;
	const char *wrong;
	uint64_t n;
	bool cut;

	(void)h;
	if (s->in_line)
		return reject(io, "chunk-extension");
	if (!line_next(s, c, &line, &cut))
		return PROTO_MORE;
	wrong = http_chunk_size(line, &n);
	if (wrong)
		return reject(io, wrong);
	io->skip = n;
	s->framing.length = n;
	s->at = n ? AT_CHUNK_DATA : AT_TRAILER;
	s->head_bytes = 0;
	return PROTO_OK;
}

static enum proto_result step_chunk_data(struct http *h, struct proto_io *io, struct side *s,
					 struct cur *c)
{
	(void)h;
	(void)c;
	side_count(io, s, io->skipped);
	s->at = io->skipped >= s->framing.length ? AT_CHUNK_END : AT_TUNNEL;
	return PROTO_OK;
}

static enum proto_result step_chunk_end(struct http *h, struct proto_io *io, struct side *s,
					struct cur *c)
{
	size_t n = cur_left(c);

	(void)h;
	if (!n || (n == 1 && c->p[0] == '\r'))
		return PROTO_MORE;
	n = c->p[0] == '\r' ? 2 : 1;
	if (c->p[n - 1] != '\n')
		return reject(io, "chunk-end");
	s->at = AT_CHUNK;
	return take(s, c, n) ? PROTO_OK : PROTO_MORE;
}

static enum proto_result step_trailer(struct http *h, struct proto_io *io, struct side *s,
				      struct cur *c)
{
	struct str line;
	bool cut;

	if (s->in_line)
		return line_rest(s, c) ? PROTO_OK : PROTO_MORE;
	if (!line_next(s, c, &line, &cut))
		return PROTO_MORE;
	s->head_bytes += (uint32_t)line.n + 1;
	if (s->head_bytes > HTTP_HEAD_MAX)
		return reject(io, "head-too-long");
	return line.n ? PROTO_OK : side_done(h, io, s);
}

static enum proto_result step_close(struct http *h, struct proto_io *io, struct side *s,
				    struct cur *c)
{
	(void)c;
	side_count(io, s, io->skipped);
	return side_done(h, io, s);
}

static enum proto_result step_wait(struct http *h, struct proto_io *io, struct side *s, struct cur *c)
{
	(void)h;
	(void)io;
	(void)s;
	(void)c;
	return PROTO_MORE;
}

static enum proto_result step_tunnel(struct http *h, struct proto_io *io, struct side *s,
				     struct cur *c)
{
	(void)h;
	(void)s;
	if (io->closed)
		return PROTO_MORE;
	(void)c;
	io->skip = PROTO_FOREVER;
	return PROTO_OK;
}

typedef enum proto_result step(struct http *h, struct proto_io *io, struct side *s, struct cur *c);

static step *const steps[] = {
	[AT_START] = step_start,
	[AT_HEAD] = step_head,
	[AT_BODY] = step_body,
	[AT_CHUNK] = step_chunk,
	[AT_CHUNK_DATA] = step_chunk_data,
	[AT_CHUNK_END] = step_chunk_end,
	[AT_TRAILER] = step_trailer,
	[AT_CLOSE] = step_close,
	[AT_WAIT] = step_wait,
	[AT_TUNNEL] = step_tunnel,
};

/* A message that was refused in the middle is none. */
static void side_refused(struct proto_io *io, struct side *s)
{
	struct exchange *x = side_exchange(io, s);

	if (x && io->dir == PROTO_TO_SERVER)
		exchange_drop(io, x);
	*s = (struct side){ 0 };
}

static enum proto_result http_parse(void *state, struct proto_io *io, struct cur *bytes)
{
	struct http *h = state;
	struct side *s = &h->side[io->dir];
	const uint8_t *from = bytes->p;
	enum proto_result res;
	uint8_t at;

	do {
		at = s->at;
		res = steps[at](h, io, s, bytes);
	} while (res == PROTO_OK && !io->skip && !io->become && (cur_left(bytes) || s->at != at));
	h->before = io->time;
	side_count(io, s, 0);
	if (res == PROTO_BAD)
		side_refused(io, s);
	else if (res == PROTO_MORE && bytes->p > from)
		res = PROTO_OK;
	return res;
}

/* --- after a gap --- */

static bool in_chunks(const struct http *h, const struct side *s)
{
	return s->at >= AT_CHUNK && s->at <= AT_TRAILER && s->framing.chunked && !h->unsure;
}

/* A chunked body whose middle was lost ends with these bytes. */
static bool chunks_end(struct http *h, struct proto_io *io, struct side *s, struct cur *c)
{
	struct str b = { (const char *)c->p, cur_left(c) };
	struct exchange *x = side_exchange(io, s);

	if (!str_ends(b, STR("\r\n0\r\n\r\n")) && !str_eq(b, STR("0\r\n\r\n")))
		return false;
	if (x) {
		x->req.flags |= REQ_LOST;
		x->req.lost_bytes += io->lost;
	}
	side_count(io, s, io->lost + b.n);
	c->p = c->end;
	side_done(h, io, s);
	return true;
}

static void abandon(struct http *h, struct proto_io *io)
{
	exchange_abandon(io);
	h->side[PROTO_TO_SERVER].paired = h->side[PROTO_TO_CLIENT].paired = false;
	h->orphans = 0;
	h->unsure = h->pipelined;
}

/*
 * Whose answer is the next one? Not of those that waited when bytes were lost. Of one that came while answers were
 * looked for, if it is alone.
 */
static bool http_resync(void *state, struct proto_io *io, struct cur *bytes)
{
	struct http *h = state;
	struct side *s = &h->side[io->dir];
	struct str b = { (const char *)bytes->p, cur_left(bytes) };
	bool chunks = in_chunks(h, s);
	size_t at;

	if (chunks && chunks_end(h, io, s, bytes))
		return true;
	at = io->dir == PROTO_TO_SERVER ? http_find_request(b) : http_find_status(b);
	if (chunks && at == b.n) {
		side_count(io, s, b.n);
		return false;
	}
	if (!s->resyncing || io->window->n > 1)
		abandon(h, io);
	*s = (struct side){ .resyncing = at == b.n };
	return cur_skip(bytes, at) && at < b.n;
}

/* --- guessing --- */

/* The beginning of a line that is not whole: behind the target may stand the beginning of a version. */
static enum proto_guess guess_half(struct str target)
{
	const char *blank = target.n ? memchr(target.p, ' ', target.n) : NULL;
	size_t n = blank ? (size_t)(blank - target.p) : target.n;
	struct str version = str_skip(target, n + 1);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)target.p[i] < ' ')
			return GUESS_NO;
	if (!blank)
		return GUESS_MORE;
	if (version.n > 7)
		version.n = 7;
	return n && str_starts(STR("HTTP/1."), version) ? GUESS_MORE : GUESS_NO;
}

static enum proto_guess guess_request(struct str head)
{
	const char *end = memchr(head.p, '\n', head.n);
	struct http_request_line r;
	size_t n = 0;

	while (n < head.n && n < 24 && ((head.p[n] >= 'A' && head.p[n] <= 'Z') || head.p[n] == '-'))
		n++;
	if (n == head.n)
		return GUESS_MORE;
	if (n == 0 || head.p[n] != ' ')
		return GUESS_NO;
	if (!end && head.n < HTTP_LINE_MAX)
		return guess_half(str_skip(head, n + 1));
	head.n = end ? (size_t)(end - head.p) : HTTP_LINE_MAX;
	if (head.n && head.p[head.n - 1] == '\r')
		head.n--;
	return http_request_line(head, !end, &r) ? GUESS_NO : GUESS_REQUEST;
}

static enum proto_guess http_guess(struct str head, bool usual)
{
	static const struct str first = { "HTTP/1.", 7 };

	(void)usual;
	if (str_starts(head, first))
		return head.n < 12 ? GUESS_MORE : GUESS_RESPONSE;
	if (str_starts(first, head))
		return GUESS_MORE;
	return guess_request(head);
}

static const uint16_t ports[] = { 80, 8080, 8000, 3000, 0 };

const struct proto proto_http = {
	.name = "http",
	.help = "HTTP/1.0 and 1.1",
	.ports = ports,
	.stream = true,
	.bodies = true,
	.state_bytes = sizeof(struct http),
	.guess = http_guess,
	.parse = http_parse,
	.resync = http_resync,
};
