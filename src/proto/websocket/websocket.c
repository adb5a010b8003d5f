/*
 *	 0   0        1    1          2                           (masked: to the server only)
 *	| FIN RSV op | MASK length 7 | length 16 or 64 | mask 32 | payload
 */
#include "proto/websocket/websocket.h"

#include "proto/upgrade.h"

#define OP_CONTINUATION 0
#define OP_TEXT		1
#define OP_BINARY	2
#define OP_CLOSE	8
#define OP_PING		9
#define OP_PONG		10
#define CONTROL_MAX	125

static const char *const names[16] = {
	[OP_TEXT] = "TEXT", [OP_BINARY] = "BINARY", [OP_CLOSE] = "CLOSE",
	[OP_PING] = "PING", [OP_PONG] = "PONG",
};

struct head {
	uint8_t op;
	bool fin, masked;
	uint8_t reserved;
	uint32_t mask; /* as it stands there */
	uint64_t length;
};

struct side {
	struct head head; /* of the frame whose payload is skipped */
	bool in_payload;
	bool in_message; /* a message waits for its next frame */
	bool uncertain;	 /* joined or lost: whether one waits is not known */
	bool resyncing;
};

struct websocket {
	struct side side[2];
};

/* Exchange keys: the message that is under way, by direction. */
static uint64_t key_of(const struct proto_io *io)
{
	return 2 + (uint64_t)io->dir;
}

static bool be(struct cur *c, size_t n, uint64_t *ret)
{
	struct str s;

	if (!cur_str(c, n, &s))
		return false;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret << 8 | (uint8_t)s.p[i];
	return true;
}

/* False: not whole. */
static bool head_read(struct cur *c, struct head *ret)
{
	struct head h = { 0 };
	uint64_t first, mask = 0;

	if (!be(c, 2, &first))
		return false;
	h.fin = first & 0x8000;
	h.reserved = first >> 12 & 7;
	h.op = first >> 8 & 15;
	h.masked = first & 0x80;
	h.length = first & 0x7f;
	if (h.length == 126 && !be(c, 2, &h.length))
		return false;
	if (h.length == 127 && !be(c, 8, &h.length))
		return false;
	if (h.masked && !be(c, 4, &mask))
		return false;
	h.mask = (uint32_t)mask;
	*ret = h;
	return true;
}

/* NULL, or why there can be no such frame in this direction. */
static const char *head_wrong(const struct head *h, enum proto_dir dir)
{
	bool control = h->op & 8;

	if (h->op && !names[h->op])
		return "opcode";
	if (h->reserved & 3 || (h->reserved && control)) /* RSV1 is a compressed message */
		return "reserved";
	if (h->masked != (dir == PROTO_TO_SERVER))
		return "mask";
	if (control && (!h->fin || h->length > CONTROL_MAX))
		return "control";
	return h->length >> 62 ? "length" : NULL;
}

static void count(const struct proto_io *io, struct exchange *x, uint64_t n)
{
	if (x && io->dir == PROTO_TO_SERVER)
		x->req.request_bytes += n;
	else if (x)
		x->req.response_bytes += n;
}

/* What the upgrade left for us. Our own exchange may have pushed it out. */
static void message_where(struct proto_io *io, struct exchange *x)
{
	const struct exchange *w = exchange_find(io, UPGRADE_KEY);

	if (!x || !w)
		return;
	exchange_set(x, &x->req.resource, w->req.resource);
	exchange_set(x, &x->req.route, w->req.route);
	exchange_set(x, &x->req.host, w->req.host);
	exchange_set(x, &x->req.agent, w->req.agent);
}

static struct exchange *message_begin(struct proto_io *io, uint64_t key, uint8_t op)
{
	struct exchange *x = exchange_begin(io, key);

	if (op)
		exchange_static(x, x ? &x->req.method : NULL, names[op]);
	message_where(io, x);
	return x;
}

/* Control frames are short and wait for their payload; they may stand inside of a message. */
static enum proto_result take_control(struct proto_io *io, const struct head *h, struct cur *c,
				      size_t head_n)
{
	struct cur at = *c;
	struct exchange *x;
	struct str payload;

	if (!cur_skip(&at, head_n) || !cur_str(&at, h->length, &payload))
		return PROTO_MORE;
	x = message_begin(io, 4, h->op);
	if (x) {
		x->req.items = 1;
		if (h->op == OP_CLOSE && payload.n >= 2)
			exchange_code(x, ((uint8_t)payload.p[0] << 8 | (uint8_t)payload.p[1]) ^
						 (h->mask >> 16));
		count(io, x, head_n + payload.n);
		exchange_oneway(io, x);
	}
	c->p = at.p;
	return PROTO_OK;
}

static enum proto_result payload_end(struct proto_io *io, struct side *s)
{
	struct exchange *x = exchange_find(io, key_of(io));

	s->in_payload = false;
	count(io, x, io->skipped);
	if (io->skipped < s->head.length) /* the connection has ended */
		return PROTO_OK;
	s->in_message = !s->head.fin;
	if (s->head.fin)
		exchange_oneway(io, x);
	return PROTO_OK;
}

static enum proto_result reject(struct proto_io *io, const char *why)
{
	io->reject = why;
	return PROTO_BAD;
}

static enum proto_result take_frame(struct proto_io *io, struct side *s, struct cur *c)
{
	struct cur at = *c;
	struct head h;
	struct exchange *x;
	const char *wrong;

	if (!head_read(&at, &h))
		return PROTO_MORE;
	wrong = head_wrong(&h, io->dir);
	if (!wrong && !s->uncertain && !(h.op & 8) && (h.op == OP_CONTINUATION) != s->in_message)
		wrong = "fragment";
	if (wrong)
		return reject(io, wrong);
	if (h.op & 8)
		return take_control(io, &h, c, (size_t)(at.p - c->p));
	x = s->in_message ? exchange_find(io, key_of(io)) : message_begin(io, key_of(io), h.op);
	s->uncertain = false;
	s->in_message = true;
	if (x) {
		x->req.items++;
		count(io, x, (uint64_t)(at.p - c->p));
	}
	c->p = at.p;
	s->head = h;
	s->in_payload = true;
	io->skip = h.length;
	if (h.length)
		return PROTO_OK;
	io->skipped = 0;
	return payload_end(io, s);
}

static enum proto_result websocket_parse(void *state, struct proto_io *io, struct cur *bytes)
{
	struct websocket *w = state;
	struct side *s = &w->side[io->dir];
	const uint8_t *from = bytes->p;
	enum proto_result res;

	do {
		if (s->in_payload)
			res = payload_end(io, s);
		else
			res = take_frame(io, s, bytes);
	} while (res == PROTO_OK && !io->skip && cur_left(bytes));
	if (io->closed)
		exchange_drop(io, exchange_find(io, UPGRADE_KEY));
	if (res == PROTO_MORE && bytes->p > from)
		res = PROTO_OK;
	return res;
}

/* --- finding one's way --- */

/* Frames that end where the bytes end. */
static bool chain(struct str s, enum proto_dir dir)
{
	struct cur c = cur_of(s.p, s.n);
	struct head h;

	for (int n = 0; n < 64 && cur_left(&c); n++)
		if (!head_read(&c, &h) || head_wrong(&h, dir) || !cur_skip(&c, h.length))
			return false;
	return true;
}

/* A record after a loss mostly begins with a frame. */
static bool websocket_resync(void *state, struct proto_io *io, struct cur *bytes)
{
	struct websocket *w = state;
	struct side *s = &w->side[io->dir];
	struct exchange *x = exchange_find(io, key_of(io));

	if (x) { /* how it ended was not seen */
		x->req.flags |= REQ_LOST;
		x->req.lost_bytes += io->lost;
		exchange_oneway(io, x);
	}
	*s = (struct side){ .uncertain = true };
	return chain((struct str){ (const char *)bytes->p, cur_left(bytes) }, io->dir);
}

/* One whole frame with a text of some length that can be read. */
static enum proto_guess websocket_guess(struct str head, bool usual)
{
	struct cur c = cur_of(head.p, head.n);
	struct head h;
	struct str text;

	(void)usual;
	if (!head_read(&c, &h) || h.op != OP_TEXT || !h.fin || h.reserved || h.length < 8 ||
	    !cur_str(&c, h.length, &text) || cur_left(&c))
		return GUESS_NO;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t b = (uint8_t)text.p[i] ^ (uint8_t)(h.mask >> (24 - i % 4 * 8));

		if (b < ' ' && b != '\t' && b != '\n' && b != '\r')
			return GUESS_NO;
	}
	return h.masked ? GUESS_REQUEST : GUESS_RESPONSE;
}

const struct proto proto_websocket = {
	.name = "websocket",
	.help = "WebSocket messages, after an upgrade of HTTP/1.1",
	.stream = true,
	.state_bytes = sizeof(struct websocket),
	.guess = websocket_guess,
	.parse = websocket_parse,
	.resync = websocket_resync,
};
