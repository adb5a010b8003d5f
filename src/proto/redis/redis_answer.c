/*
 * Values, of which one at the top is an answer or a push:
 *
 *     *2\r\n  $1\r\na\r\n  %1\r\n  +k\r\n  :1\r\n         stack: 2, 1, 0 -> whole
 *
 * Every value is consumed as soon as its head is there; strings are passed over. An aggregate puts the number of its
 * values onto a stack of REDIS_DEPTH counters, so a reply of a million values takes no more than a small one.
 *
 * A push of RESP2 is an array like any other: it is one when its first string says so (message, subscribe, ...)
 * and the connection has subscriptions, or waits for no answer, or for a subscription's.
 */
#include "proto/redis/redis.h"

#define ERROR_SEEN 256 /* bytes looked at of an error that is a string */

/* One call. */
struct answering {
	struct redis *r;
	struct proto_io *io;
	struct exchange *x; /* the command answered; NULL: not known */
	bool whole;	    /* the reply is */
};

typedef enum proto_result value_fn(struct answering *k, struct cur *c, uint8_t type);

static enum proto_result reject(struct proto_io *io, enum proto_result res, const char *why)
{
	if (res == PROTO_BAD && !io->reject)
		io->reject = why;
	return res;
}

/* The exchange whose answer comes next; one that had to be pushed out is missed. */
static struct exchange *waiting(const struct redis *r, const struct proto_io *io)
{
	struct exchange *x = exchange_oldest(io);

	return x && x->key == r->answered && r->answered < r->asked ? x : NULL;
}

/* --- what comes without having been asked for --- */

static const struct push {
	const char *word, *method; /* method: of a one-way message; NULL: confirms a subscription */
	uint8_t channel;	   /* which element */
} pushes[] = {
	{ "message", "MESSAGE", 1 },   { "pmessage", "PMESSAGE", 2 },
	{ "smessage", "SMESSAGE", 1 }, { "subscribe", NULL, 1 },
	{ "psubscribe", NULL, 1 },     { "ssubscribe", NULL, 1 },
	{ "unsubscribe", NULL, 1 },    { "punsubscribe", NULL, 1 },
	{ "sunsubscribe", NULL, 1 },   { "invalidate", "INVALIDATE" },
};
static const struct push push_other = { "", "PUSH", 0 };

#define PUSHES	   (sizeof(pushes) / sizeof(pushes[0]))
#define PUSH_WORD  16
#define PUSH_NONE  255
#define PUSH_OTHER 254

/* "$7\r\nmessage\r\n" or "+message\r\n": the string; a NULL one: another value, or a longer one. */
static enum proto_result short_string(struct cur *c, size_t max, struct str *ret)
{
	struct cur at = *c;
	struct str s = STR_NONE;
	int64_t len;
	uint8_t b;
	enum proto_result res;

	if (!cur_u8(&at, &b))
		return PROTO_MORE;
	*ret = STR_NONE;
	if (b != '$' && b != '+')
		return PROTO_OK;
	res = b == '$' ? redis_number(&at, &len) : redis_line(&at, &s);
	if (res != PROTO_OK)
		return res;
	if (b == '$') {
		if (len < 0 || (uint64_t)len > max)
			return PROTO_OK;
		if (!cur_str(&at, (size_t)len, &s))
			return PROTO_MORE;
		res = redis_crlf(&at);
		if (res != PROTO_OK)
			return res;
	}
	*ret = s;
	*c = at;
	return PROTO_OK;
}

static uint8_t push_find(struct str word)
{
	for (size_t i = 0; i < PUSHES; i++)
		if (str_eq(word, str_of(pushes[i].word)))
			return (uint8_t)i;
	return PUSH_NONE;
}

/* A message up to the head of what it carries, whose length is all there is to know: handed on here. */
static enum proto_result message(struct answering *k, struct cur c, const struct push *p)
{
	const uint8_t *from = c.p;
	struct str channel = STR_NONE;
	char folded[FOLD_MAX];
	struct exchange *x;
	int64_t n;
	uint8_t b;
	enum proto_result res;

	if (!cur_u8(&c, &b))
		return PROTO_MORE;
	res = redis_number(&c, &n);
	for (unsigned i = 0; res == PROTO_OK && i <= p->channel; i++) {
		res = short_string(&c, REDIS_ARG, &channel);
		if (res == PROTO_OK && !channel.p)
			return PROTO_OK; /* a name too long to be shown: not told of */
	}
	if (res != PROTO_OK)
		return res;
	if (!cur_u8(&c, &b))
		return PROTO_MORE;
	if (b != '$')
		return PROTO_OK;
	res = redis_number(&c, &n);
	if (res != PROTO_OK || n < 0)
		return res;
	x = exchange_begin(k->io, UINT64_MAX);
	if (!x)
		return PROTO_OK;
	exchange_static(x, &x->req.method, p->method);
	exchange_set(x, &x->req.resource, fold_name(channel, folded));
	x->req.route = x->req.method;
	x->req.items = 1;
	x->req.response_bytes = (uint64_t)(c.p - from) + (uint64_t)n + 2;
	exchange_oneway(k->io, x);
	return PROTO_OK;
}

/* Whether what begins here is a push: which. */
static enum proto_result push_look(struct answering *k, struct cur c, uint8_t type, uint8_t *ret)
{
	struct redis *r = k->r;
	struct exchange *x = waiting(r, k->io);
	struct str word = STR_NONE;
	int64_t n;
	uint8_t b;
	enum proto_result res;

	*ret = PUSH_NONE;
	if (type != '>' && (r->resp3 || !(r->subscribed || r->asked == r->answered ||
					  (x && REDIS_MARK_ACT(x->mark) == REDIS_ACT_SUBSCRIBE))))
		return PROTO_OK;
	if (!cur_u8(&c, &b))
		return PROTO_MORE;
	res = redis_number(&c, &n);
	if (res == PROTO_OK && n > REDIS_ELEMENTS / 2)
		res = PROTO_BAD;
	if (res != PROTO_OK)
		return reject(k->io, res, "count");
	if (n > 0)
		res = short_string(&c, PUSH_WORD, &word);
	if (res != PROTO_OK)
		return reject(k->io, res, "push");
	*ret = push_find(word);
	if (*ret != PUSH_NONE && type == '*' && (n < 3 || n > 4))
		*ret = PUSH_NONE;
	if (type == '>' && *ret == PUSH_NONE)
		*ret = PUSH_OTHER;
	return PROTO_OK;
}

static void push_end(struct answering *k)
{
	struct redis_answer *a = &k->r->answer;
	const struct push *p = a->push < PUSHES ? &pushes[a->push] : &push_other;
	struct exchange *x;

	if (p->channel) /* a message: told of when it began */
		return;
	x = exchange_begin(k->io, UINT64_MAX);
	if (!x)
		return;
	exchange_static(x, &x->req.method, p->method);
	x->req.route = x->req.method;
	x->req.response_bytes = a->bytes;
	x->req.items = 1;
	exchange_oneway(k->io, x);
}

/* --- a reply begins and ends --- */

static enum proto_result reply_begin(struct answering *k, struct cur *c)
{
	struct redis *r = k->r;
	struct redis_answer *a = &r->answer;
	struct cur at = *c;
	uint8_t type, push = PUSH_NONE;
	struct str line;
	enum proto_result res = PROTO_OK;

	if (!cur_u8(&at, &type))
		return PROTO_MORE;
	if (r->monitor && type == '+' && !cur_left(&at))
		return PROTO_MORE;
	if (r->monitor && type == '+' && *at.p >= '0' && *at.p <= '9') {
		res = redis_line(&at, &line);
		if (res == PROTO_OK)
			*c = at;
		return reject(k->io, res, "line");
	}
	if (type == '*' || type == '>')
		res = push_look(k, *c, type, &push);
	if (res == PROTO_OK && push < PUSHES && pushes[push].method && pushes[push].channel)
		res = message(k, *c, &pushes[push]);
	if (res != PROTO_OK)
		return reject(k->io, res, "push");
	a->push = push;
	a->reply = push == PUSH_NONE			 ? REDIS_REPLY_PLAIN :
		   push < PUSHES && !pushes[push].method ? REDIS_REPLY_CONFIRM :
							   REDIS_REPLY_PUSH;
	a->bytes = 0;
	a->items = 0;
	a->depth = 0;
	k->x = a->reply == REDIS_REPLY_PUSH ? NULL : waiting(r, k->io);
	exchange_answered(k->io, k->x);
	r->resp3 |= type == '>' || type == '%' || type == '_' || type == '|';
	return PROTO_OK;
}

/* What the command was for: SELECT 3 holds from its answer on. */
static void act(struct redis *r, struct proto_io *io, struct exchange *x)
{
	switch (REDIS_MARK_ACT(x->mark)) {
	case REDIS_ACT_SELECT:
		r->database = (int32_t)REDIS_MARK_N(x->mark);
		break;
	case REDIS_ACT_HELLO:
		r->resp3 = REDIS_MARK_N(x->mark) ? REDIS_MARK_N(x->mark) >= 3 : r->resp3;
		break;
	case REDIS_ACT_MONITOR:
		r->monitor = true;
		x->req.flags |= REQ_STREAM;
		break;
	case REDIS_ACT_REPLICA:
		io->ignore = "replication";
		x->req.flags |= REQ_STREAM;
		break;
	case REDIS_ACT_RESET:
		r->monitor = r->resp3 = false;
		r->subscribed = 0;
		r->database = 0;
		r->name_n = 0;
		break;
	}
}

static void answered(struct answering *k)
{
	struct redis *r = k->r;

	if (k->x && !k->x->req.status.p)
		exchange_static(k->x, &k->x->req.status, "OK");
	if (k->x && k->x->req.ok == REQ_OK_UNKNOWN)
		k->x->req.ok = REQ_OK_YES;
	if (k->x && k->x->req.ok == REQ_OK_YES && !str_eq(k->x->req.status, STR("QUEUED")))
		act(r, k->io, k->x);
	exchange_done(k->io, k->x);
	k->x = NULL;
	if (r->answered < r->asked)
		r->answered++;
	if (r->unsure > 1)
		r->unsure--;
}

/* One of the confirmations of (UN)SUBSCRIBE; the last one ends it. */
static void confirmed(struct answering *k)
{
	struct redis *r = k->r;
	struct exchange *x = k->x;

	r->subscribed = r->answer.number > 0 ? (uint32_t)r->answer.number : 0;
	if (!x || REDIS_MARK_ACT(x->mark) != REDIS_ACT_SUBSCRIBE)
		return;
	x->mark--;
	x->req.items++;
	x->req.flags |= str_contains(x->req.method, STR("UNSUB")) ? 0 : REQ_STREAM;
	if (!REDIS_MARK_N(x->mark))
		answered(k);
}

static void reply_end(struct answering *k)
{
	struct redis_answer *a = &k->r->answer;

	if (a->reply == REDIS_REPLY_PUSH) {
		push_end(k);
	} else if (a->reply == REDIS_REPLY_CONFIRM) {
		confirmed(k);
	} else {
		if (k->x)
			k->x->req.items = a->items;
		answered(k);
	}
	a->reply = REDIS_REPLY_NONE;
}

/* A value is whole, and so may be those around it. */
static void value_end(struct answering *k)
{
	struct redis_answer *a = &k->r->answer;

	while (a->depth) {
		struct redis_frame *f = &a->stack[a->depth - 1];

		if (f->kind == REDIS_FRAME_OPEN)
			a->items += a->depth == 1;
		if (f->kind == REDIS_FRAME_OPEN || f->kind == REDIS_FRAME_CHUNKS || --f->left)
			return;
		a->depth--;
		if (f->kind == REDIS_FRAME_ATTRIBUTE)
			return; /* its value comes now */
	}
	k->whole = true;
}

/* --- values by type --- */

static bool push_frame(struct answering *k, uint32_t left, enum redis_frame_kind kind)
{
	struct redis_answer *a = &k->r->answer;

	if (a->depth == REDIS_DEPTH)
		return false;
	a->stack[a->depth++] = (struct redis_frame){ .left = left, .kind = (uint8_t)kind };
	return true;
}

static void scalar(struct answering *k)
{
	k->r->answer.items += k->r->answer.depth == 0;
	value_end(k);
}

static void none(struct answering *k)
{
	if (k->x && !k->r->answer.depth)
		exchange_static(k->x, &k->x->req.status, "NIL");
	value_end(k);
}

/* Quoted parts are what the client sent: '?' instead, unless raw text is wanted. */
static struct str error_clean(struct str line, bool raw, char *to, size_t max)
{
	static const char args[] = ", with args beginning with:";
	const char *tail = line.n ? memmem(line.p, line.n, args, sizeof(args) - 1) : NULL;
	size_t n = 0;

	if (tail) /* may be what AUTH was meant to get: not even as raw text */
		line.n = (size_t)(tail - line.p);
	if (line.n > max)
		line.n = max;
	for (size_t i = 0; i < line.n; i++) {
		char ch = line.p[i];
		const char *close = NULL;

		to[n++] = ch;
		if (!raw && (ch == '\'' || ch == '"') && i && line.p[i - 1] == ' ')
			close = memchr(line.p + i + 1, ch, line.n - i - 1);
		if (close && close > line.p + i + 1) {
			to[n++] = '?';
			i = (size_t)(close - line.p) - 1;
		}
	}
	return (struct str){ to, n };
}

/* The first error counts, also inside of an EXEC's answer. */
static void error_take(struct answering *k, struct str line)
{
	char clean[ERROR_SEEN];
	struct exchange *x = k->x;
	size_t n = 0;

	if (x && x->req.ok != REQ_OK_NO && k->r->answer.reply == REDIS_REPLY_PLAIN) {
		while (n < line.n && n < REDIS_WORD &&
		       ((line.p[n] >= 'A' && line.p[n] <= 'Z') || line.p[n] == '_'))
			n++;
		x->req.ok = REQ_OK_NO;
		if (n && (n == line.n || line.p[n] == ' '))
			exchange_set(x, &x->req.status, (struct str){ line.p, n });
		else
			exchange_static(x, &x->req.status, "ERR");
		exchange_set(x, &x->req.error,
			     error_clean(line, k->io->opts->raw, clean, sizeof(clean)));
	}
}

static enum proto_result line_value(struct answering *k, struct cur *c, uint8_t type)
{
	struct str line;
	enum proto_result res = redis_line(c, &line);

	if (res != PROTO_OK)
		return reject(k->io, res, "line");
	if (type == '-') {
		error_take(k, line);
		value_end(k);
		return PROTO_OK;
	}
	if (type == '+' && k->x && !k->r->answer.depth)
		exchange_static(k->x, &k->x->req.status,
				str_eq(line, STR("QUEUED")) ? "QUEUED" : "OK");
	scalar(k);
	return PROTO_OK;
}

/* ":-12\r\n", ",1.5e3\r\n", "(123456789012345678901\r\n", "#t\r\n", "_\r\n" */
static enum proto_result number_value(struct answering *k, struct cur *c, uint8_t type)
{
	static const char *const allowed[] = {
		[':'] = "+-0123456789", ['('] = "+-0123456789", [','] = "+-0123456789.eEinfa", ['#'] = "tf"
	};
	struct str line;
	int64_t n = 0;
	enum proto_result res = redis_line(c, &line);

	if (res == PROTO_OK && ((type == '_') != (line.n == 0) || line.n > 4096))
		res = PROTO_BAD;
	for (size_t i = 0; res == PROTO_OK && i < line.n; i++) {
		if (!strchr(allowed[type], line.p[i]) || !line.p[i])
			res = PROTO_BAD;
		n = i < 12 && line.p[i] >= '0' ? n * 10 + (line.p[i] - '0') : n;
	}
	if (res != PROTO_OK)
		return reject(k->io, res, "number");
	if (type == ':')
		k->r->answer.number = line.p[0] == '-' ? -n : n;
	if (type == '_')
		none(k);
	else
		scalar(k);
	return PROTO_OK;
}

/* $5\r\nhello\r\n; = with its kind in front, ! an error, ; a piece */
static enum proto_result bulk_value(struct answering *k, struct cur *c, uint8_t type)
{
	struct redis_answer *a = &k->r->answer;
	size_t seen, want;
	struct str s;
	int64_t len;
	enum proto_result res = redis_number(c, &len);

	if (res != PROTO_OK)
		return reject(k->io, res, "bulk-length");
	if (len == -1 && type == '$') {
		none(k);
		return PROTO_OK;
	}
	if (len == -2 && type == '$')
		return push_frame(k, 0, REDIS_FRAME_CHUNKS) ? PROTO_OK :
							      reject(k->io, PROTO_BAD, "depth");
	if (len < 0 || len > REDIS_BULK)
		return reject(k->io, PROTO_BAD, "bulk-length");
	if (len == 0 && type == ';') {
		a->depth--;
		scalar(k);
		return PROTO_OK;
	}
	want = type != '!' ? 0 : len < ERROR_SEEN ? (size_t)len : ERROR_SEEN;
	if (cur_left(c) < want)
		return PROTO_MORE;
	seen = cur_left(c) < (uint64_t)len ? cur_left(c) : (size_t)len;
	if (!cur_str(c, seen, &s))
		return PROTO_MORE;
	if (seen < (uint64_t)len) {
		/* With its CRLF: behind the part of a call that is copied, nothing else may be known. */
		k->io->skip = (uint64_t)len - seen + 2;
		a->skipping = true;
	}
	a->at_end = true;
	a->error = type == '!';
	if (a->error)
		error_take(k, (struct str){ s.p, want });
	return PROTO_OK;
}

static void bulk_over(struct answering *k)
{
	k->r->answer.at_end = false;
	if (k->r->answer.error)
		value_end(k);
	else
		scalar(k);
	k->r->answer.error = false;
}

static enum proto_result bulk_end(struct answering *k, struct cur *c)
{
	enum proto_result res = redis_crlf(c);

	if (res != PROTO_OK)
		return reject(k->io, res, "bulk-end");
	bulk_over(k);
	return PROTO_OK;
}

/* "*3\r\n", "%2\r\n", "|1\r\n", "*?\r\n" */
static enum proto_result aggregate_value(struct answering *k, struct cur *c, uint8_t type)
{
	struct redis_answer *a = &k->r->answer;
	unsigned each = type == '%' || type == '|' ? 2 : 1;
	int64_t n;
	enum proto_result res = redis_number(c, &n);

	if (res != PROTO_OK)
		return reject(k->io, res, "count");
	if (n > REDIS_ELEMENTS / 2 || (n == -1 && type != '*') || (n == -2 && type == '|'))
		return reject(k->io, PROTO_BAD, "count");
	if (n == -1) {
		none(k);
		return PROTO_OK;
	}
	if (!a->depth && type != '|' && n > 0)
		a->items = (uint64_t)n;
	if (n == 0 && type != '|')
		value_end(k);
	else if (n != 0 && !push_frame(k, n > 0 ? (uint32_t)n * each : 0,
				       n == -2	   ? REDIS_FRAME_OPEN :
				       type == '|' ? REDIS_FRAME_ATTRIBUTE :
						     REDIS_FRAME_COUNTED))
		return reject(k->io, PROTO_BAD, "depth");
	return PROTO_OK;
}

/* ".\r\n" */
static enum proto_result open_end(struct answering *k, struct cur *c, uint8_t type)
{
	enum proto_result res = redis_crlf(c);

	(void)type;
	if (res != PROTO_OK)
		return reject(k->io, res, "end");
	k->r->answer.depth--;
	value_end(k);
	return PROTO_OK;
}

static value_fn *const values[128] = {
	['+'] = line_value,	 ['-'] = line_value,	  [':'] = number_value,
	['('] = number_value,	 [','] = number_value,	  ['#'] = number_value,
	['_'] = number_value,	 ['$'] = bulk_value,	  ['='] = bulk_value,
	['!'] = bulk_value,	 [';'] = bulk_value,	  ['*'] = aggregate_value,
	['~'] = aggregate_value, ['%'] = aggregate_value, ['|'] = aggregate_value,
	['>'] = aggregate_value, ['.'] = open_end,
};

/* One value's head, or a string's end. Nothing is consumed but with PROTO_OK. */
static enum proto_result value(struct answering *k, struct cur *c)
{
	struct redis_answer *a = &k->r->answer;
	uint8_t inside = a->depth ? a->stack[a->depth - 1].kind : REDIS_FRAME_COUNTED;
	struct cur at = *c;
	uint8_t type;
	enum proto_result res;

	if (!cur_u8(&at, &type))
		return PROTO_MORE;
	if (type >= sizeof(values) / sizeof(values[0]) || !values[type] ||
	    (type == ';') != (inside == REDIS_FRAME_CHUNKS) ||
	    (type == '.' && inside != REDIS_FRAME_OPEN) || (type == '>' && a->depth))
		return reject(k->io, PROTO_BAD, "type");
	res = values[type](k, &at, type);
	if (res == PROTO_OK)
		*c = at;
	return res;
}

enum proto_result redis_answer_parse(struct redis *r, struct proto_io *io, struct cur *c)
{
	struct answering k = { .r = r, .io = io };
	struct redis_answer *a = &r->answer;
	uint64_t passed = a->skipping ? io->skipped : 0;
	bool over = a->skipping && !io->closed; /* all of the skip */
	const uint8_t *from = c->p;
	enum proto_result res = PROTO_OK;

	a->skipping = false;
	if (a->reply == REDIS_REPLY_NONE) {
		res = reply_begin(&k, c);
		if (res == PROTO_OK && a->reply == REDIS_REPLY_NONE)
			return res; /* a line of MONITOR */
	} else if (a->reply != REDIS_REPLY_PUSH) {
		k.x = waiting(r, io);
	}
	if (over && a->at_end)
		bulk_over(&k);
	while (res == PROTO_OK && !k.whole && !io->skip)
		res = a->at_end ? bulk_end(&k, c) : value(&k, c);
	a->bytes += (uint64_t)(c->p - from) + passed;
	if (k.x)
		k.x->req.response_bytes += (uint64_t)(c->p - from) + passed;
	if (res == PROTO_BAD)
		return res;
	if (k.whole)
		reply_end(&k);
	return c->p > from || io->skip || over ? PROTO_OK : PROTO_MORE;
}
