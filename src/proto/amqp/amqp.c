/*
 * AMQP 0-9-1 (amqp0-9-1.pdf, 2.3 and 4.2; www.rabbitmq.com/docs/confirms):
 *
 *     type channel size    method, or content, or nothing    0xce
 *     1    2       4       size bytes                        1
 *
 * Methods are read, contents skipped; how long a message is stands in the frame behind its method. Requests and answers
 * are paired by channel and method. A publish is one-way, unless its channel was seen to switch to confirms: then the
 * server's ack with its number answers it. An error is a close by the server; it says which method it is about.
 */
#include "proto/amqp/amqp_method.h"
#include "proto/exchange.h"
#include "proto/fold.h"

#define FRAME_BYTES 7
#define FRAME_END   0xce
#define FRAME_MAX   (64u << 20) /* RabbitMQ's default is 128 KiB; some set more */
#define METHOD_WHOLE \
	8192 /* bytes of a method that are waited for; of a longer one METHOD_SEEN are read */
#define METHOD_SEEN 1024
#define CONFIRMS    16 /* channels with confirms; publishes on others are one-way */
#define VHOST_MAX   64
#define NAME_MAX_   255

static const uint16_t ports[] = { 5672, 0 };
static const char greeting[] = "AMQP\0\0\x09\x01";
#define GREETING (sizeof(greeting) - 1)

enum frame_type {
	FRAME_METHOD = 1,
	FRAME_HEADER = 2,
	FRAME_BODY = 3,
	FRAME_HEARTBEAT = 8,
};

struct confirm {
	uint64_t published; /* messages since the channel switched */
	uint16_t channel;
	bool used;
};

struct amqp {
	struct confirm confirm[CONFIRMS];
	bool lost[2];	/* a gap, and no beginning found since */
	bool at_end[2]; /* the end of a frame that was skipped comes next */
	uint8_t vhost_n;
	char vhost[VHOST_MAX];
};

/* A method's frame. */
struct method {
	struct amqp *a;
	struct proto_io *io;
	const struct amqp_method *m;
	struct cur args;
	uint16_t channel;
	uint64_t bytes; /* of the frame, and of the message behind it */
};

static bool u16_be(struct cur *c, uint16_t *ret)
{
	uint8_t b[2];

	if (!cur_copy(c, b, sizeof(b)))
		return false;
	*ret = (uint16_t)(b[0] << 8 | b[1]);
	return true;
}

static bool u64_be(struct cur *c, uint64_t *ret)
{
	uint8_t b[8];

	if (!cur_copy(c, b, sizeof(b)))
		return false;
	*ret = 0;
	for (unsigned i = 0; i < 8; i++)
		*ret = *ret << 8 | b[i];
	return true;
}

static bool short_string(struct cur *c, struct str *ret)
{
	uint8_t n;

	return cur_u8(c, &n) && cur_str(c, n, ret);
}

/* Requests: channel and method. Publishes: channel and number, with the top bit. */
static uint64_t request_key(uint16_t channel, uint32_t id)
{
	return (uint64_t)channel << 32 | id;
}

static uint64_t publish_key(uint16_t channel, uint64_t number)
{
	return (uint64_t)1 << 63 | (uint64_t)channel << 47 | (number & (((uint64_t)1 << 47) - 1));
}

/* --- names in arguments --- */

struct names {
	struct str queue, exchange, key;
};

/* False: cut, or no names at all. */
static bool names_read(struct cur *c, const char *what, struct names *n)
{
	for (; what && *what; what++) {
		struct str s;

		switch (*what) {
		case '2':
			if (!cur_skip(c, 2))
				return false;
			continue;
		case '8':
			if (!cur_skip(c, 8))
				return false;
			continue;
		case 'b':
			if (!cur_skip(c, 1))
				return false;
			continue;
		}
		if (!short_string(c, &s))
			return false;
		*(*what == 'x' ? &n->exchange :
		  *what == 'r' ? &n->key :
		  *what == 'q' ? &n->queue :
				 &(struct str){ 0 }) = s;
	}
	return true;
}

/* exchange/key, or what there is of it. */
static void names_set(struct exchange *x, const struct names *n)
{
	char text[2 * NAME_MAX_ + 2], folded[FOLD_MAX];
	struct str s = n->queue.n ? n->queue : n->key;

	if (!n->queue.n && n->exchange.n) {
		memcpy(text, n->exchange.p, n->exchange.n);
		text[n->exchange.n] = '/';
		if (n->key.n)
			memcpy(text + n->exchange.n + 1, n->key.p, n->key.n);
		s = (struct str){ text, n->exchange.n + (n->key.n ? 1 + n->key.n : 0) };
	}
	if (!s.n)
		return;
	exchange_set(x, &x->req.resource, s);
	exchange_set(x, &x->req.route, fold_name(s, folded));
}

static struct exchange *begin(struct method *k, uint64_t key, const struct names *n)
{
	struct exchange *x = exchange_begin(k->io, key);

	if (!x)
		return NULL;
	exchange_static(x, &x->req.method, k->m->name);
	if (n)
		names_set(x, n);
	if (k->a->vhost_n)
		exchange_set(x, &x->req.host, (struct str){ k->a->vhost, k->a->vhost_n });
	if (k->io->dir == PROTO_TO_SERVER)
		x->req.request_bytes = k->bytes;
	else
		x->req.response_bytes = k->bytes;
	return x;
}

static void succeed(struct method *k, struct exchange *x, const char *status)
{
	if (!x)
		return;
	x->req.response_bytes += k->bytes;
	x->req.ok = REQ_OK_YES;
	exchange_static(x, &x->req.status, status);
	exchange_done(k->io, x);
}

/* --- confirms --- */

static struct confirm *confirm_of(struct amqp *a, uint16_t channel)
{
	for (unsigned i = 0; i < CONFIRMS; i++)
		if (a->confirm[i].used && a->confirm[i].channel == channel)
			return &a->confirm[i];
	return NULL;
}

static void confirm_end(struct amqp *a, uint16_t channel)
{
	struct confirm *f = confirm_of(a, channel);

	if (f)
		f->used = false;
}

static void confirm_begin(struct amqp *a, uint16_t channel)
{
	if (confirm_of(a, channel))
		return;
	for (unsigned i = 0; i < CONFIRMS; i++)
		if (!a->confirm[i].used) {
			a->confirm[i] = (struct confirm){ .channel = channel, .used = true };
			return;
		}
}

/* ack and nack: one number, or all up to it. */
static const char *settle(struct method *k)
{
	struct exchange *x, *next;
	uint64_t tag, from;
	uint8_t flags;
	bool ack = k->m->id == AMQP_ACK;

	if (!u64_be(&k->args, &tag) || !cur_u8(&k->args, &flags))
		return "arguments";
	if (k->io->dir == PROTO_TO_SERVER) /* of deliveries */
		return NULL;
	from = flags & 1 ? publish_key(k->channel, 0) : publish_key(k->channel, tag);
	x = flags & 1 ? exchange_oldest(k->io) : exchange_find(k->io, from);
	for (; x; x = next) {
		next = flags & 1 ? x->next : NULL;
		if (x->key < from || x->key > publish_key(k->channel, tag))
			continue;
		if (ack) {
			succeed(k, x, "OK");
			continue;
		}
		x->req.ok = REQ_OK_NO;
		x->req.response_bytes += k->bytes;
		exchange_static(x, &x->req.status, "NACK");
		exchange_done(k->io, x);
	}
	return NULL;
}

/* --- methods by kind --- */

static const char *request(struct method *k)
{
	struct names n = { 0 };
	struct exchange *x;
	uint8_t flags = 0;

	if (!names_read(&k->args, k->m->names, &n))
		return "arguments";
	if (k->m->nowait && !cur_u8(&k->args, &flags))
		return "arguments";
	if (k->io->dir == PROTO_TO_CLIENT) /* basic.cancel by the server */
		return NULL;
	if (k->m->id == AMQP_OPEN) {
		k->a->vhost_n = (uint8_t)(n.queue.n < VHOST_MAX ? n.queue.n : VHOST_MAX);
		memcpy(k->a->vhost, n.queue.p, k->a->vhost_n);
	} else if (k->m->id == AMQP_CHANNEL_OPEN) {
		confirm_end(k->a, k->channel);
	} else if (k->m->id == AMQP_SELECT) {
		confirm_begin(k->a, k->channel);
	}
	x = begin(k, request_key(k->channel, k->m->id), &n);
	if (k->m->nowait && flags & 1u << (k->m->nowait - 1))
		exchange_oneway(k->io, x);
	return NULL;
}

static const char *answer(struct method *k)
{
	uint32_t id = AMQP_ID(k->m->id >> 16, k->m->answers);
	struct exchange *x = exchange_find(k->io, request_key(k->channel, id));

	if (k->io->dir == PROTO_TO_SERVER) /* close-ok of a close by the server, which is told of */
		return NULL;
	if (x)
		x->req.items = k->m->id == AMQP_GET_OK;
	succeed(k, x, k->m->id == AMQP_GET_EMPTY ? "EMPTY" : "OK");
	return NULL;
}

static const char *oneway(struct method *k)
{
	struct confirm *f = k->m->id == AMQP_PUBLISH ? confirm_of(k->a, k->channel) : NULL;
	struct cur args = k->args;
	struct names n = { 0 };
	struct exchange *x;
	struct str text;
	uint16_t code;

	if (!names_read(&k->args, k->m->names, &n))
		return "arguments";
	x = begin(k, f ? publish_key(k->channel, ++f->published) : UINT64_MAX, &n);
	if (!x)
		return NULL;
	x->req.items = k->m->names != NULL;
	if (k->m->id == AMQP_RETURN && u16_be(&args, &code) && short_string(&args, &text)) {
		exchange_code(x, code);
		exchange_set(x, &x->req.error, text);
		x->req.ok = REQ_OK_NO;
	}
	if (!f)
		exchange_oneway(k->io, x);
	return NULL;
}

/* The server closes: the answer to the method it names, or to what waits on the channel, or news of its own. */
static const char *close_take(struct method *k)
{
	struct str text;
	uint16_t code, class, method;
	struct exchange *x;
	bool own;

	if (!u16_be(&k->args, &code) || !short_string(&k->args, &text) ||
	    !u16_be(&k->args, &class) || !u16_be(&k->args, &method))
		return "arguments";
	if (k->m->id == AMQP_CHANNEL_CLOSE)
		confirm_end(k->a, k->channel);
	if (k->io->dir == PROTO_TO_SERVER) {
		begin(k, request_key(k->channel, k->m->id), NULL);
		return NULL;
	}
	x = exchange_find(k->io, request_key(k->channel, AMQP_ID(class, method)));
	if (!x && !class && k->channel == 0)
		x = exchange_oldest(k->io);
	own = !x;
	if (own)
		x = begin(k, UINT64_MAX, NULL);
	else
		x->req.response_bytes += k->bytes;
	if (!x)
		return NULL;
	exchange_code(x, code);
	exchange_set(x, &x->req.error, text);
	x->req.ok = code == 200 || code == 320 ? REQ_OK_UNKNOWN : REQ_OK_NO;
	if (own)
		exchange_oneway(k->io, x);
	else
		exchange_done(k->io, x);
	return NULL;
}

static const char *(*const kinds[])(struct method *k) = {
	[AMQP_REQUEST] = request,  [AMQP_ANSWER] = answer, [AMQP_ONEWAY] = oneway,
	[AMQP_CLOSE] = close_take, [AMQP_SETTLE] = settle,
};

/* --- frames --- */

struct frame {
	uint8_t type;
	uint16_t channel;
	uint32_t size;
};

static bool frame_read(struct cur *c, struct frame *ret)
{
	uint8_t b[FRAME_BYTES];

	if (!cur_copy(c, b, sizeof(b)))
		return false;
	*ret = (struct frame){ b[0], (uint16_t)(b[1] << 8 | b[2]),
			       (uint32_t)b[3] << 24 | (uint32_t)b[4] << 16 | (uint32_t)b[5] << 8 |
				       b[6] };
	return true;
}

static const char *frame_wrong(const struct frame *f)
{
	if (f->type != FRAME_METHOD && f->type != FRAME_HEADER && f->type != FRAME_BODY &&
	    f->type != FRAME_HEARTBEAT)
		return "frame-type";
	if (f->size > FRAME_MAX || (f->type == FRAME_HEARTBEAT && f->size))
		return "frame-size";
	return NULL;
}

static const struct amqp_method *method_read(struct cur *c)
{
	uint16_t class, method;

	return u16_be(c, &class) && u16_be(c, &method) ? amqp_method(AMQP_ID(class, method)) : NULL;
}

/* How long the message is whose content frame follows in @c. MORE: not there yet. */
static enum proto_result content_look(struct cur c, uint16_t channel, uint64_t *ret)
{
	struct frame f;

	*ret = 0;
	if (!frame_read(&c, &f))
		return PROTO_MORE;
	if (f.type != FRAME_HEADER || f.channel != channel || f.size < 14)
		return PROTO_OK; /* another channel's frame: the size stays unknown */
	if (!cur_skip(&c, 4) || !u64_be(&c, ret))
		return PROTO_MORE;
	if (*ret > (uint64_t)1 << 40)
		*ret = 0;
	*ret += FRAME_BYTES + f.size + 1;
	return PROTO_OK;
}

/* The method in @args, with @rest behind its frame. */
static enum proto_result method_take(struct amqp *a, struct proto_io *io, const struct frame *f,
				     struct cur args, struct cur rest)
{
	struct method k = { .a = a, .io = io, .m = method_read(&args), .channel = f->channel };
	uint64_t content = 0;

	if (!k.m)
		io->reject = "method";
	else if (!(k.m->way & (io->dir == PROTO_TO_SERVER ? AMQP_TO_SERVER : AMQP_TO_CLIENT)))
		io->reject = "direction";
	if (io->reject)
		return PROTO_BAD;
	if ((k.m->names && strchr(k.m->names, 'r')) || k.m->id == AMQP_GET_OK)
		if (content_look(rest, f->channel, &content) == PROTO_MORE && !io->closed)
			return PROTO_MORE;
	k.args = args;
	k.bytes = FRAME_BYTES + (uint64_t)f->size + 1 + content;
	io->reject = kinds[k.m->kind] ? kinds[k.m->kind](&k) : NULL;
	return io->reject ? PROTO_BAD : PROTO_OK;
}

static enum proto_result frame_take(struct amqp *a, struct proto_io *io, struct cur *c)
{
	struct cur at = *c, args, rest;
	size_t seen;
	struct frame f;
	enum proto_result res;

	if (!frame_read(&at, &f))
		return PROTO_MORE;
	io->reject = frame_wrong(&f);
	if (io->reject)
		return PROTO_BAD;
	seen = f.type != FRAME_METHOD ? (cur_left(&at) < f.size ? cur_left(&at) : f.size) :
	       f.size <= METHOD_WHOLE ? f.size :
					METHOD_SEEN;
	if (!cur_sub(&at, seen, &args))
		return PROTO_MORE;
	rest = at;
	if (f.type == FRAME_METHOD) {
		if (seen == f.size && !cur_skip(&rest, 1))
			return PROTO_MORE;
		if (seen == f.size && *at.p != FRAME_END) {
			io->reject = "frame-end";
			return PROTO_BAD;
		}
		if (seen < f.size)
			rest.p = rest.end; /* nothing of what follows can be looked at */
		res = method_take(a, io, &f, args, rest);
		if (res != PROTO_OK)
			return res;
	}
	a->at_end[io->dir] = true;
	io->skip = f.size - seen;
	*c = at;
	return PROTO_OK;
}

static enum proto_result frame_end(struct amqp *a, struct proto_io *io, struct cur *c)
{
	uint8_t end;

	if (!cur_u8(c, &end))
		return PROTO_MORE;
	a->at_end[io->dir] = false;
	if (end == FRAME_END)
		return PROTO_OK;
	io->reject = "frame-end";
	return PROTO_BAD;
}

static enum proto_result parse(void *state, struct proto_io *io, struct cur *c)
{
	struct amqp *a = state;
	struct str head = { (const char *)c->p, cur_left(c) };

	if (!head.n)
		return PROTO_MORE;
	a->lost[io->dir] = false;
	if (a->at_end[io->dir])
		return frame_end(a, io, c);
	if (head.p[0] != 'A')
		return frame_take(a, io, c);
	if (head.n < GREETING)
		return str_starts((struct str){ greeting, GREETING }, head) ?
			       PROTO_MORE :
			       (io->reject = "greeting", PROTO_BAD);
	if (!str_starts(head, (struct str){ greeting, GREETING })) {
		io->reject = "greeting";
		return PROTO_BAD;
	}
	return cur_skip(c, GREETING) ? PROTO_OK : PROTO_MORE;
}

/* --- which connections, and where to go on --- */

/* A frame that is whole, and of a method that there is: by chance once in many terabytes. */
static enum proto_guess frame_guess(struct cur c)
{
	const struct amqp_method *m;
	struct cur args;
	struct frame f;
	uint8_t end;

	if (!frame_read(&c, &f) || frame_wrong(&f) || f.type != FRAME_METHOD ||
	    !cur_sub(&c, f.size, &args) || !cur_u8(&c, &end) || end != FRAME_END)
		return GUESS_NO;
	m = method_read(&args);
	if (!m || m->way == AMQP_BOTH)
		return GUESS_NO;
	return m->way == AMQP_TO_SERVER ? GUESS_REQUEST : GUESS_RESPONSE;
}

static enum proto_guess guess(struct str head, bool usual)
{
	struct str whole = { greeting, GREETING };
	struct frame f;
	struct cur c = cur_of(head.p, head.n);

	if (str_starts(head, whole))
		return GUESS_REQUEST;
	if (str_starts(whole, head))
		return GUESS_MORE;
	if (frame_guess(c) != GUESS_NO)
		return frame_guess(c);
	return usual && frame_read(&c, &f) && !frame_wrong(&f) ? GUESS_MORE : GUESS_NO;
}

static bool resync(void *state, struct proto_io *io, struct cur *c)
{
	struct amqp *a = state;

	a->at_end[io->dir] = false;
	if (io->dir == PROTO_TO_SERVER) /* the numbers of publishes are not known any more */
		memset(a->confirm, 0, sizeof(a->confirm));
	if (!a->lost[io->dir]) /* what is asked after the gap is not in doubt */
		exchange_abandon(io);
	a->lost[io->dir] = true;
	for (; cur_left(c) > FRAME_BYTES; c->p++) {
		struct cur at = *c, args = *c;
		const struct amqp_method *m;
		struct frame f;

		if (!frame_read(&at, &f) || frame_wrong(&f) || f.type != FRAME_METHOD || f.size < 4)
			continue;
		if (frame_guess(*c) == (io->dir == PROTO_TO_SERVER ? GUESS_REQUEST : GUESS_RESPONSE))
			return true;
		m = cur_skip(&args, FRAME_BYTES) ? method_read(&args) : NULL;
		if (m && cur_left(&at) >= (size_t)f.size + 1 && at.p[f.size] == FRAME_END &&
		    m->way & (io->dir == PROTO_TO_SERVER ? AMQP_TO_SERVER : AMQP_TO_CLIENT))
			return true;
	}
	return false;
}

const struct proto proto_amqp = {
	.name = "amqp",
	.help = "AMQP 0-9-1: RabbitMQ",
	.ports = ports,
	.stream = true,
	.state_bytes = sizeof(struct amqp),
	.guess = guess,
	.parse = parse,
	.resync = resync,
};
