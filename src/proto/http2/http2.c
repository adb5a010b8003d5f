/*
 * A direction is between two frames, or in the payload of DATA. Everything else is whole before it is looked at.
 */
#include "proto/http2/http2.h"

#include "proto/http2/frame.h"
#include "proto/http2/grpc.h"
#include "proto/http2/hpack.h"
#include "proto/target.h"

static const struct str preface = { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24 };

struct side {
	struct hpack hpack;
	struct frame data;   /* of whose payload `left` bytes are still to come */
	uint32_t left, step; /* step: of the skip that is under way */
	uint32_t held;	     /* bytes of `left` that were looked at and not taken */
	bool begun;	     /* the first frame was there */
	bool in_data;
	bool in_block; /* CONTINUATIONs follow that belong to a head which is skipped */
	bool resyncing;
};

struct http2 {
	struct side side[2]; /* enum proto_dir */
	uint32_t last;	     /* the client's newest stream: heads of older ones are trailers */
};

/*
 * exchange.mark, a half for each direction: bytes of the current gRPC message that are still to come; whether there
 * was one; that they are no longer followed.
 */
#define MARK_ONE  0x80000000u
#define MARK_LOST 0x7fffffffu

static enum proto_result reject(struct proto_io *io, const char *why)
{
	io->reject = why;
	return PROTO_BAD;
}

static void count(const struct proto_io *io, struct exchange *x, uint64_t n)
{
	if (x && io->dir == PROTO_TO_SERVER)
		x->req.request_bytes += n;
	else if (x)
		x->req.response_bytes += n;
}

static bool is_grpc(const struct exchange *x)
{
	return str_eq(x->req.protocol, STR("grpc"));
}

/* --- fields --- */

struct fields {
	struct proto_io *io;
	struct exchange *x; /* never NULL */
	bool grpc;	    /* this head says so */
	unsigned n;	    /* fields so far */
};

static void field_method(struct fields *f, struct str value)
{
	target_text(f->x, &f->x->req.method, value, 32);
}

static void field_path(struct fields *f, struct str value)
{
	struct str host = STR_NONE;

	if (!f->x->req.resource.p)
		target_set(f->io, f->x, value, &host);
}

static void field_authority(struct fields *f, struct str value)
{
	if (!f->x->req.host.p)
		target_text(f->x, &f->x->req.host, value, TARGET_HOST_MAX);
}

static void field_agent(struct fields *f, struct str value)
{
	if (!f->x->req.agent.p)
		target_text(f->x, &f->x->req.agent, value, TARGET_AGENT_MAX);
}

static void field_trace(struct fields *f, struct str value)
{
	if (!f->x->req.trace.p)
		target_text(f->x, &f->x->req.trace, value, TARGET_TRACE_MAX);
}

static void field_type(struct fields *f, struct str value)
{
	f->grpc |= str_starts(value, STR("application/grpc"));
}

static void field_status(struct fields *f, struct str value)
{
	uint64_t code;

	if (value.n != 3 || !grpc_status_read(value, &code))
		return;
	exchange_code(f->x, (int64_t)code);
	f->x->req.ok = code < 400 ? REQ_OK_YES : REQ_OK_NO;
}

static void field_grpc_status(struct fields *f, struct str value)
{
	uint64_t code;

	if (!grpc_status_read(value, &code))
		return;
	exchange_code(f->x, (int64_t)code);
	if (grpc_status_name(code))
		exchange_static(f->x, &f->x->req.status, grpc_status_name(code));
	f->x->req.ok = code == 0 ? REQ_OK_YES : REQ_OK_NO;
	f->grpc = true;
}

static void field_grpc_message(struct fields *f, struct str value)
{
	char text[256];
	size_t n = grpc_message(value, text, sizeof(text));

	if (n)
		target_text(f->x, &f->x->req.error, (struct str){ text, n }, sizeof(text));
}

static const struct http2_field {
	struct str name;
	void (*found)(struct fields *f, struct str value);
	bool dir[2]; /* in heads to the server, to the client */
} wanted[] = {
	{ { ":method", 7 }, field_method, { true, false } },
	{ { ":path", 5 }, field_path, { true, false } },
	{ { ":authority", 10 }, field_authority, { true, false } },
	{ { "host", 4 }, field_authority, { true, false } },
	{ { "user-agent", 10 }, field_agent, { true, false } },
	{ { "traceparent", 11 }, field_trace, { true, false } },
	{ { "content-type", 12 }, field_type, { true, true } },
	{ { ":status", 7 }, field_status, { false, true } },
	{ { "grpc-status", 11 }, field_grpc_status, { false, true } },
	{ { "grpc-message", 12 }, field_grpc_message, { false, true } },
};

static const struct http2_field *field_find(struct str name)
{
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (str_eq(wanted[i].name, name))
			return &wanted[i];
	return NULL;
}

static bool field_keep(struct str name)
{
	return field_find(name) != NULL;
}

static void field_any(void *ctx, struct str name, struct str value)
{
	struct fields *f = ctx;
	const struct http2_field *k = f->x && name.p && value.p ? field_find(name) : NULL;

	f->n++;
	if (k && k->dir[f->io->dir])
		k->found(f, value);
}

/* 00-TRACE-SPAN-01, W3C Trace Context. */
static bool is_trace(struct str s)
{
	if (s.n != 55 || s.p[2] != '-' || s.p[35] != '-' || s.p[52] != '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789abcdef-", s.p[i]) || !s.p[i])
			return false;
	return true;
}

/*
 * Names that were put into the table before our time. Pseudo-fields come first (RFC 9113, 8.3): an answer has
 * one, a request up to four, of which one begins with a slash.
 */
static struct str field_guess(void *ctx, struct str value)
{
	struct fields *f = ctx;

	if (f->io->dir == PROTO_TO_CLIENT)
		return f->n == 0 && value.n == 3 && value.p[0] >= '1' && value.p[0] <= '5' ?
			       STR(":status") :
			       STR_NONE;
	if (f->n < 4 && value.n && value.p[0] == '/')
		return STR(":path");
	return is_trace(value) ? STR("traceparent") : STR_NONE;
}

/* The head told that this is a call. What HTTP said of it is less than what gRPC says. */
static void grpc_make(struct exchange *x)
{
	struct str path = x->req.resource;

	if (is_grpc(x))
		return;
	exchange_static(x, &x->req.protocol, "grpc");
	x->req.method = STR_NONE;
	if (path.n && path.p[0] == '/')
		path = str_skip(path, 1);
	if (path.n)
		x->req.method = x->req.resource = x->req.route = path;
}

static void grpc_no_status(struct exchange *x)
{
	if (x->req.code != 200)
		return;
	x->req.code = -1;
	x->req.status = STR_NONE;
	x->req.ok = REQ_OK_UNKNOWN;
}

/* --- streams --- */

/* This direction of the stream has ended. */
static void stream_end(struct proto_io *io, struct exchange *x)
{
	if (x && io->dir == PROTO_TO_CLIENT)
		exchange_done(io, x);
}

/* The exchange that a head belongs to; NULL: to none. */
static struct exchange *head_exchange(struct http2 *h, struct proto_io *io, uint32_t stream)
{
	struct exchange *x = exchange_find(io, stream);

	if (x || io->dir == PROTO_TO_CLIENT || stream % 2 == 0 || stream <= h->last)
		return x;
	h->last = stream;
	return exchange_begin(io, stream);
}

static void fields_done(struct fields *f)
{
	struct exchange *x = f->x;
	bool answer = f->io->dir == PROTO_TO_CLIENT;

	if (!x)
		return;
	if (f->grpc)
		grpc_make(x);
	if (!is_grpc(x))
		exchange_static(x, &x->req.protocol, "http2");
	else if (answer)
		grpc_no_status(x);
}

/* A whole head. */
static enum proto_result head_read(struct http2 *h, struct proto_io *io, const struct frame *f,
				   struct str block, size_t bytes)
{
	struct side *s = &h->side[io->dir];
	struct fields fields = { .io = io };
	const char *wrong;

	if (f->type == FRAME_HEADERS)
		fields.x = head_exchange(h, io, f->stream);
	wrong = hpack_read(&s->hpack, block,
			   &(struct hpack_sink){ field_any, field_keep, field_guess, &fields });
	count(io, fields.x, bytes);
	if (wrong && fields.x)
		fields.x->req.flags |= REQ_LOST;
	fields_done(&fields);
	/* 1xx: the answer is still to come. */
	if (io->dir == PROTO_TO_CLIENT && fields.x &&
	    (fields.x->req.code < 100 || fields.x->req.code >= 200 || is_grpc(fields.x)))
		exchange_answered(io, fields.x);
	if (f->flags & FRAME_END_STREAM && f->type == FRAME_HEADERS)
		stream_end(io, fields.x);
	return wrong ? reject(io, wrong) : PROTO_OK;
}

/* A head that is too long to wait for: its table is lost, the rest of it skipped. */
static enum proto_result head_skip(struct http2 *h, struct proto_io *io, const struct frame *f,
				   struct cur *c)
{
	struct side *s = &h->side[io->dir];
	struct exchange *x = f->type == FRAME_HEADERS ? head_exchange(h, io, f->stream) : NULL;

	hpack_lost(&s->hpack);
	if (x) {
		x->req.flags |= REQ_CUT;
		if (io->dir == PROTO_TO_CLIENT)
			exchange_answered(io, x);
	}
	s->data = *f;
	s->in_block = !(f->flags & FRAME_END_HEADERS);
	s->left = f->length;
	s->in_data = true;
	count(io, x, FRAME_HEAD);
	return cur_skip(c, FRAME_HEAD) ? PROTO_OK : PROTO_MORE;
}

struct joined {
	char bytes[HTTP2_HEAD_MAX];
	size_t n;
};

/* Appends CONTINUATION after CONTINUATION. PROTO_OK: the head is whole. */
static enum proto_result head_join(struct proto_io *io, uint32_t stream, struct cur *c,
				   struct joined *j)
{
	struct frame f;
	struct str part;

	do {
		if (!frame_read(c, &f))
			return PROTO_MORE;
		if (f.type != FRAME_CONTINUATION || f.stream != stream)
			return reject(io, "continuation");
		if (!cur_str(c, f.length, &part))
			return PROTO_MORE;
		if (part.n > sizeof(j->bytes) - j->n)
			return PROTO_MORE; /* too long: head_skip */
		memcpy(j->bytes + j->n, part.p, part.n);
		j->n += part.n;
	} while (!(f.flags & FRAME_END_HEADERS));
	return PROTO_OK;
}

static enum proto_result take_head(struct http2 *h, struct proto_io *io, const struct frame *f,
				   struct cur *c)
{
	struct cur at = *c;
	size_t have = cur_left(c) - FRAME_HEAD; /* for the too long */
	struct joined j;
	struct str block, payload;
	enum proto_result res;

	if (f->length > HTTP2_HEAD_MAX)
		return head_skip(h, io, f, c);
	if (!cur_skip(&at, FRAME_HEAD) || !cur_str(&at, f->length, &payload))
		return PROTO_MORE;
	if (!frame_block(f, payload, &block))
		return reject(io, "padding");
	if (!(f->flags & FRAME_END_HEADERS)) {
		j.n = block.n;
		memcpy(j.bytes, block.p, block.n);
		res = head_join(io, f->stream, &at, &j);
		if (res == PROTO_MORE && have > HTTP2_HEAD_MAX)
			return head_skip(h, io, f, c);
		if (res != PROTO_OK)
			return res;
		block = (struct str){ j.bytes, j.n };
	}
	have = (size_t)(at.p - c->p);
	c->p = at.p;
	return head_read(h, io, f, block, have);
}

/* --- the other frames --- */

static uint32_t u32_be(const char *p)
{
	const uint8_t *b = (const uint8_t *)p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Error codes, and what gRPC makes of them when a call ends so ("PROTOCOL-HTTP2", Errors). */
static const struct {
	const char *name;
	uint8_t grpc;
} resets[] = {
	{ "NO_ERROR", 13 },	      { "PROTOCOL_ERROR", 13 },	   { "INTERNAL_ERROR", 13 },
	{ "FLOW_CONTROL_ERROR", 13 }, { "SETTINGS_TIMEOUT", 13 },  { "STREAM_CLOSED", 13 },
	{ "FRAME_SIZE_ERROR", 13 },   { "REFUSED_STREAM", 14 },	   { "CANCEL", 1 },
	{ "COMPRESSION_ERROR", 13 },  { "CONNECT_ERROR", 13 },	   { "ENHANCE_YOUR_CALM", 8 },
	{ "INADEQUATE_SECURITY", 7 }, { "HTTP_1_1_REQUIRED", 13 },
};

static void take_reset(struct http2 *h, struct proto_io *io, const struct frame *f, struct str p)
{
	struct exchange *x = exchange_find(io, f->stream);
	uint32_t code = u32_be(p.p);
	bool known = code < sizeof(resets) / sizeof(*resets);

	(void)h;
	if (!x)
		return;
	count(io, x, FRAME_HEAD + f->length);
	if (!x->req.error.p)
		exchange_static(x, &x->req.error, known ? resets[code].name : "RST_STREAM");
	if (is_grpc(x) && x->req.code == -1 && known) {
		x->req.code = resets[code].grpc;
		exchange_static(x, &x->req.status, grpc_status_name(resets[code].grpc));
	}
	x->req.ok = REQ_OK_NO;
	exchange_done(io, x);
}

/* What a reader allows applies to the tables of those who write to it: the other direction. */
static void take_settings(struct http2 *h, struct proto_io *io, const struct frame *f, struct str p)
{
	struct hpack *other = &h->side[!io->dir].hpack;

	(void)f;
	for (; p.n >= 6; p = str_skip(p, 6)) {
		uint32_t value = u32_be(p.p + 2);

		if (p.p[0] == 0 && p.p[1] == 1 && value > other->allowed)
			other->allowed = value < HPACK_TABLE_MAX ? value : HPACK_TABLE_MAX;
	}
}

static const struct {
	void (*take)(struct http2 *h, struct proto_io *io, const struct frame *f, struct str payload);
} takers[FRAME_TYPES] = {
	[FRAME_RST_STREAM] = { take_reset },
	[FRAME_SETTINGS] = { take_settings },
};

/* --- DATA --- */

static uint32_t half_get(const struct proto_io *io, const struct exchange *x)
{
	return (uint32_t)(io->dir == PROTO_TO_SERVER ? x->mark >> 32 : x->mark);
}

static void half_set(const struct proto_io *io, struct exchange *x, uint32_t v)
{
	if (io->dir == PROTO_TO_SERVER)
		x->mark = (x->mark & UINT32_MAX) | (uint64_t)v << 32;
	else
		x->mark = (x->mark >> 32 << 32) | v;
}

/* A gRPC message of @n bytes begins. */
static void message_begin(const struct proto_io *io, struct exchange *x, uint32_t n)
{
	if (half_get(io, x) & MARK_ONE)
		x->req.flags |= REQ_STREAM;
	x->req.items += io->dir == PROTO_TO_CLIENT;
	half_set(io, x, MARK_ONE | (n < MARK_LOST ? n : MARK_LOST));
}

static void message_lost(const struct proto_io *io, struct exchange *x)
{
	half_set(io, x, half_get(io, x) | MARK_LOST);
}

/*
 * How much of the payload can be skipped now: to the end of the frame, or of the gRPC message. 0: a prefix is needed
 * that is not there yet.
 */
static uint32_t data_step(struct proto_io *io, struct side *s, struct exchange *x, struct cur *c)
{
	uint32_t rest;
	struct str prefix;

	if (!x || !is_grpc(x) || s->data.type != FRAME_DATA || !s->left)
		return s->left;
	rest = half_get(io, x) & ~MARK_ONE;
	if (s->data.flags & FRAME_PADDED || (!rest && s->left < GRPC_PREFIX)) {
		message_lost(io, x);
		return s->left;
	}
	if (rest == MARK_LOST)
		return s->left;
	if (!rest) {
		if (!cur_str(c, GRPC_PREFIX, &prefix)) {
			s->held = (uint32_t)cur_left(c);
			return 0;
		}
		s->held = 0;
		s->left -= GRPC_PREFIX;
		count(io, x, GRPC_PREFIX);
		message_begin(io, x, u32_be(prefix.p + 1));
		rest = half_get(io, x) & ~MARK_ONE;
		if (rest == MARK_LOST)
			return s->left;
	}
	if (rest > s->left) {
		half_set(io, x, MARK_ONE | (rest - s->left));
		return s->left;
	}
	half_set(io, x, MARK_ONE);
	return rest;
}

static enum proto_result data_end(struct proto_io *io, struct side *s, struct exchange *x)
{
	s->in_data = false;
	if (s->data.type <= FRAME_HEADERS && s->data.flags & FRAME_END_STREAM)
		stream_end(io, x);
	return PROTO_OK;
}

static enum proto_result take_data(struct proto_io *io, struct side *s, struct cur *c)
{
	struct exchange *x = s->data.stream ? exchange_find(io, s->data.stream) : NULL;
	const uint8_t *from = c->p;

	if (s->step) { /* a skip has ended; at the end of the connection too early */
		uint32_t n = io->skipped < s->step ? (uint32_t)io->skipped : s->step;

		count(io, x, n);
		if (n < s->step) {
			s->data.stream = 0;
			s->step = s->left = 0;
			return data_end(io, s, NULL);
		}
		s->left -= n;
	}
	if (!s->left) {
		s->step = 0;
		return data_end(io, s, x);
	}
	s->step = data_step(io, s, x, c);
	io->skip = s->step;
	return s->step || c->p > from ? PROTO_OK : PROTO_MORE;
}

/* --- frames --- */

static enum proto_result take_frame(struct http2 *h, struct proto_io *io, struct cur *c)
{
	struct side *s = &h->side[io->dir];
	struct cur at = *c;
	struct frame f;
	struct str payload;
	const char *wrong;

	if (!frame_read(&at, &f))
		return PROTO_MORE;
	wrong = frame_wrong(&f);
	if (wrong)
		return reject(io, wrong);
	if ((f.type == FRAME_CONTINUATION) != s->in_block)
		return reject(io, "continuation");
	if (f.type == FRAME_HEADERS || f.type == FRAME_PUSH_PROMISE)
		return take_head(h, io, &f, c);
	if (f.type < FRAME_TYPES && takers[f.type].take) {
		if (!cur_str(&at, f.length, &payload))
			return PROTO_MORE;
		c->p = at.p;
		takers[f.type].take(h, io, &f, payload);
		return PROTO_OK;
	}
	s->in_block &= !(f.flags & FRAME_END_HEADERS);
	s->data = f;
	if (f.type != FRAME_DATA)
		s->data.stream = 0; /* counted for nobody */
	s->left = f.length;
	s->step = 0;
	s->in_data = true;
	if (f.type == FRAME_DATA)
		count(io, exchange_find(io, f.stream), FRAME_HEAD);
	c->p = at.p;
	return PROTO_OK;
}

static enum proto_result take_preface(struct http2 *h, struct proto_io *io, struct cur *c)
{
	struct side *s = &h->side[io->dir];
	struct str b = { (const char *)c->p, cur_left(c) };

	if (io->dir == PROTO_TO_SERVER && b.n < preface.n && str_starts(preface, b))
		return PROTO_MORE;
	s->begun = true;
	if (io->dir == PROTO_TO_SERVER && str_starts(b, preface)) {
		hpack_known(&s->hpack);
		return cur_skip(c, preface.n) ? PROTO_OK : PROTO_MORE;
	}
	if (!io->midway)
		hpack_known(&s->hpack);
	return PROTO_OK;
}

static enum proto_result http2_parse(void *state, struct proto_io *io, struct cur *bytes)
{
	struct http2 *h = state;
	struct side *s = &h->side[io->dir];
	const uint8_t *from = bytes->p;
	enum proto_result res;
	bool was;

	do {
		was = s->in_data;
		if (!s->begun && cur_left(bytes))
			res = take_preface(h, io, bytes);
		else if (s->in_data)
			res = take_data(io, s, bytes);
		else
			res = take_frame(h, io, bytes);
	} while (res == PROTO_OK && !io->skip && (cur_left(bytes) || s->in_data != was));
	if (res == PROTO_MORE && bytes->p > from)
		res = PROTO_OK;
	return res;
}

/* --- after a gap --- */

/* The gap may lie in DATA alone, whose end is known. */
static bool in_payload(struct http2 *h, struct proto_io *io)
{
	struct side *s = &h->side[io->dir];
	uint64_t n = io->lost + s->held;
	struct exchange *x;

	if (s->resyncing || !s->in_data || s->step || n > s->left)
		return false;
	x = exchange_find(io, s->data.stream);
	s->held = 0;
	s->left -= (uint32_t)n;
	if (x) {
		count(io, x, n);
		x->req.lost_bytes += n;
		message_lost(io, x);
	}
	return true;
}

static bool http2_resync(void *state, struct proto_io *io, struct cur *bytes)
{
	struct http2 *h = state;
	struct side *s = &h->side[io->dir];
	struct str b = { (const char *)bytes->p, cur_left(bytes) };
	size_t at;

	if (in_payload(h, io))
		return true;
	at = frame_find(b);
	if (!s->resyncing) { /* whatever was lost may have belonged to any that waits */
		for (struct exchange *x = exchange_oldest(io); x; x = x->next)
			x->req.flags |= REQ_LOST;
		if (exchange_oldest(io))
			exchange_oldest(io)->req.lost_bytes += io->lost;
		hpack_lost(&s->hpack);
	}
	h->last = 0;
	s->begun = true;
	s->in_data = s->in_block = false;
	s->step = s->left = s->held = 0;
	s->resyncing = at == b.n;
	return cur_skip(bytes, at) && at < b.n;
}

/* --- guessing --- */

/* Which way a head goes, by its first field: most begin with one of the static table. */
static enum proto_guess guess_block(struct str block)
{
	uint8_t first = block.n ? (uint8_t)block.p[0] : 0;
	unsigned index = first & 0x80 ? first & 0x7f : first & 0x40 ? first & 0x3f : first & 15;

	if (index >= 1 && index <= 7)
		return GUESS_REQUEST;
	return index >= 8 && index <= 14 ? GUESS_RESPONSE : GUESS_MORE;
}

static enum proto_guess guess_frames(struct str head)
{
	struct cur c = cur_of(head.p, head.n);
	struct frame f;
	struct str payload, block;

	while (frame_read(&c, &f) && cur_str(&c, f.length, &payload)) {
		enum proto_guess g;

		if (f.type != FRAME_HEADERS || !frame_block(&f, payload, &block))
			continue;
		g = guess_block(block);
		if (g != GUESS_MORE)
			return g;
	}
	return GUESS_MORE;
}

static enum proto_guess http2_guess(struct str head, bool usual)
{
	size_t frames;
	bool exact;
	struct frame f;
	struct cur c = cur_of(head.p, head.n);

	(void)usual;
	if (str_starts(head, (struct str){ preface.p, 18 }))
		return GUESS_REQUEST;
	if (str_starts(preface, head))
		return GUESS_MORE;
	if (!frame_chain(head, &frames, &exact))
		return GUESS_NO;
	if (head.n < FRAME_HEAD || (!exact && frames < 2))
		return head.n < 3 || head.p[0] == 0 ? GUESS_MORE : GUESS_NO;
	/* Who has no preface and sends settings that are no acknowledgement is the server. */
	if (frame_read(&c, &f) && f.type == FRAME_SETTINGS && !(f.flags & FRAME_ACK) && f.length)
		return GUESS_RESPONSE;
	return guess_frames(head);
}

static const uint16_t ports[] = { 50051, 8080, 80, 0 };

const struct proto proto_http2 = {
	.name = "http2",
	.help = "HTTP/2 and gRPC",
	.ports = ports,
	.stream = true,
	.state_bytes = sizeof(struct http2),
	.guess = http2_guess,
	.parse = http2_parse,
	.resync = http2_resync,
};
