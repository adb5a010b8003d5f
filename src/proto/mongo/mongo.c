/*
 * MongoDB: messages behind a 16-byte head, little-endian, paired by request number. Read are OP_MSG, and OP_QUERY with
 * OP_REPLY, which drivers still say hello with; OP_COMPRESSED is paired and counted, its command stays unknown.
 * Source: the MongoDB wire protocol and BSON 1.1 specifications.
 *
 * Of a document only the elements of the top level are looked at, one after the other: long ones become skips, so the
 * end of a reply ("ok") is found behind a batch of any size. No values of a command are kept, save names: the
 * first element's (the command, its collection), $db, collection. A stream of replies to one request (exhaust) is that
 * request's first reply, marked REQ_STREAM; what follows it is passed over.
 */
#include <stdio.h>

#include "proto/exchange.h"
#include "proto/mongo/bson.h"

#define MESSAGE_MAX (48u << 20) /* bytes; servers say maxMessageSizeBytes 48000000 */
#define NAME_MAX_   256

enum {
	OP_REPLY = 1,
	OP_UPDATE = 2001,
	OP_INSERT = 2002,
	OP_QUERY = 2004,
	OP_GET_MORE = 2005,
	OP_DELETE = 2006,
	OP_KILL_CURSORS = 2007,
	OP_COMPRESSED = 2012,
	OP_MSG = 2013
};

#define MSG_CHECKSUM 1u
#define MSG_MORE     2u
#define MSG_UNKNOWN  0xfffcu /* bits that must be understood, and are not defined */

enum phase {
	HEAD,
	OPENING, /* what stands between head and document */
	SECTION,
	ELEMENTS,
	REST, /* nothing more to read in this message */
};

#define MARK_BAD  1u /* the reply told an error */
#define MARK_OK	  2u /* it told ok */
#define MARK_MANY 4u /* more replies come */

struct side {
	uint32_t left;	   /* bytes of the message */
	uint32_t document; /* bytes of the document */
	uint32_t op, flags;
	uint64_t key;
	uint32_t asked;
	uint8_t phase; /* enum phase */
	bool first;    /* the next element is the document's first */
};

struct mongo {
	struct side side[2];
};

struct head {
	uint32_t size, id, to, op;
};

struct op {
	uint32_t op;
	const char *name;
	bool request, answer, oneway;
};

static const struct op ops[] = {
	{ OP_REPLY, "OP_REPLY", false, true, false },
	{ OP_UPDATE, "OP_UPDATE", true, false, true },
	{ OP_INSERT, "OP_INSERT", true, false, true },
	{ OP_QUERY, "OP_QUERY", true, false, false },
	{ OP_GET_MORE, "OP_GET_MORE", true, false, false },
	{ OP_DELETE, "OP_DELETE", true, false, true },
	{ OP_KILL_CURSORS, "OP_KILL_CURSORS", true, false, true },
	{ OP_COMPRESSED, "OP_COMPRESSED", true, true, false },
	{ OP_MSG, "OP_MSG", true, true, false },
};

static const struct op *op_find(uint32_t n)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (ops[i].op == n)
			return &ops[i];
	return NULL;
}

/* --- heads --- */

static enum proto_result head_read(struct cur *c, enum proto_dir dir, struct head *ret,
				   const char **ret_why)
{
	struct cur at = *c;
	const struct op *op;
	struct head h;

	if (!bson_u32(&at, &h.size))
		return PROTO_MORE;
	*ret_why = "size";
	if (h.size < 16 || h.size > MESSAGE_MAX)
		return PROTO_BAD;
	if (!bson_u32(&at, &h.id) || !bson_u32(&at, &h.to) || !bson_u32(&at, &h.op))
		return PROTO_MORE;
	op = op_find(h.op);
	*ret_why = "opcode";
	if (!op || !(dir == PROTO_TO_SERVER ? op->request : op->answer))
		return PROTO_BAD;
	*ret_why = "response-to";
	if (dir == PROTO_TO_SERVER && h.to != 0)
		return PROTO_BAD;
	*ret = h;
	*c = at;
	return PROTO_OK;
}

static enum proto_result on_head(struct mongo *m, struct proto_io *io, struct cur *c)
{
	struct side *s = &m->side[io->dir];
	struct exchange *x;
	struct head h;
	enum proto_result r = head_read(c, io->dir, &h, &io->reject);
	bool ask = io->dir == PROTO_TO_SERVER;

	if (r != PROTO_OK)
		return r;
	*s = (struct side){ .left = h.size - 16, .op = h.op, .phase = OPENING };
	s->key = ask ? h.id : h.to;
	if (h.op != OP_MSG && h.op != OP_QUERY && h.op != OP_REPLY)
		s->phase = REST;
	x = ask ? exchange_begin(io, s->key) : exchange_find(io, s->key);
	if (!x)
		return PROTO_OK;
	if (!ask) {
		x->req.response_bytes += h.size;
		exchange_answered(io, x);
		return PROTO_OK;
	}
	x->req.request_bytes = h.size;
	exchange_static(x, &x->req.method, op_find(h.op)->name);
	if (op_find(h.op)->oneway)
		s->flags = MSG_MORE;
	return PROTO_OK;
}

static struct exchange *side_exchange(struct mongo *m, struct proto_io *io)
{
	struct side *s = &m->side[io->dir];
	struct exchange *x;

	if (io->dir == PROTO_TO_CLIENT)
		return exchange_find(io, s->key);
	x = exchange_newest(io);
	return x && x->key == s->key ? x : NULL;
}

/* --- elements --- */

/* The message, up to where it quotes values: { key: "value" }. */
static void set_error(struct exchange *x, struct str text)
{
	size_t n = 0;

	while (n < text.n && text.p[n] != '{' && text.p[n] != '"')
		n++;
	while (n && text.p[n - 1] == ' ')
		n--;
	if (n)
		exchange_set(x, &x->req.error, (struct str){ text.p, n });
}

static void set_code(struct exchange *x, const struct bson *e)
{
	int64_t code;

	x->mark |= MARK_BAD;
	if (bson_number(e, &code) && x->req.code == -1) {
		struct str status = x->req.status;

		exchange_code(x, code);
		if (status.p)
			x->req.status = status;
	}
}

/* Of an array of documents: the first's code and message. */
static void on_write_errors(struct exchange *x, const struct bson *e)
{
	struct cur array = e->inside, first;
	struct bson row, field;

	if (!cur_left(&array) || !bson_next(&array, &row))
		return;
	x->mark |= MARK_BAD;
	first = row.inside;
	while (bson_next(&first, &field))
		if (str_eq(field.name, STR("code")))
			set_code(x, &field);
		else if (str_eq(field.name, STR("errmsg")) && field.text.p && !x->req.error.p)
			set_error(x, field.text);
}

static void on_cursor(struct exchange *x, const struct bson *e)
{
	struct cur cursor = e->inside;
	struct bson field, row;

	while (bson_next(&cursor, &field)) {
		struct cur batch = field.inside;

		if (!str_eq(field.name, STR("firstBatch")) && !str_eq(field.name, STR("nextBatch")))
			continue;
		while (bson_next(&batch, &row))
			x->req.items++;
	}
}

static void on_ok(struct exchange *x, const struct bson *e)
{
	int64_t n;

	if (bson_number(e, &n))
		x->mark |= n ? MARK_OK : MARK_BAD;
}

static void on_errmsg(struct exchange *x, const struct bson *e)
{
	if (e->text.p)
		set_error(x, e->text);
}

static void on_code_name(struct exchange *x, const struct bson *e)
{
	if (e->text.p)
		exchange_set(x, &x->req.status, e->text);
}

static void on_n(struct exchange *x, const struct bson *e)
{
	int64_t n;

	if (bson_number(e, &n) && n > 0)
		x->req.items = (uint64_t)n;
}

static void on_db(struct exchange *x, const struct bson *e)
{
	if (e->text.p)
		exchange_set(x, &x->req.host, e->text);
}

/* getMore names it so. */
static void on_collection(struct exchange *x, const struct bson *e)
{
	if (e->text.p && !x->req.resource.p)
		exchange_set(x, &x->req.resource, e->text);
}

static const struct {
	const char *name;
	enum proto_dir dir;
	void (*on)(struct exchange *x, const struct bson *e);
} elements[] = {
	{ "$db", PROTO_TO_SERVER, on_db },
	{ "collection", PROTO_TO_SERVER, on_collection },
	{ "ok", PROTO_TO_CLIENT, on_ok },
	{ "errmsg", PROTO_TO_CLIENT, on_errmsg },
	{ "$err", PROTO_TO_CLIENT, on_errmsg },
	{ "code", PROTO_TO_CLIENT, set_code },
	{ "codeName", PROTO_TO_CLIENT, on_code_name },
	{ "writeErrors", PROTO_TO_CLIENT, on_write_errors },
	{ "cursor", PROTO_TO_CLIENT, on_cursor },
	{ "n", PROTO_TO_CLIENT, on_n },
};

static void on_element(struct mongo *m, struct proto_io *io, const struct bson *e)
{
	struct side *s = &m->side[io->dir];
	struct exchange *x = side_exchange(m, io);
	bool first = s->first;

	s->first = false;
	if (!x)
		return;
	if (io->dir == PROTO_TO_SERVER && first) {
		exchange_set(x, &x->req.method, e->name);
		if (e->text.p)
			exchange_set(x, &x->req.resource, e->text);
		return;
	}
	for (size_t i = 0; i < sizeof(elements) / sizeof(*elements); i++)
		if (elements[i].dir == io->dir && str_eq(e->name, str_of(elements[i].name)))
			elements[i].on(x, e);
}

/* --- messages --- */

/* "db.collection", and "find db.collection". */
static void request_names(struct exchange *x)
{
	char text[2 * NAME_MAX_];
	int n = 0;

	if (x->req.resource.p && x->req.host.n)
		n = snprintf(text, sizeof(text), "%.*s.%.*s", STR_ARG(x->req.host),
			     STR_ARG(x->req.resource));
	if (n > 0 && (size_t)n < sizeof(text))
		exchange_set(x, &x->req.resource, (struct str){ text, (size_t)n });
	n = snprintf(text, sizeof(text), "%.*s%s%.*s", STR_ARG(x->req.method),
		     x->req.resource.n ? " " : "", STR_ARG(x->req.resource));
	if (n > 0 && (size_t)n < sizeof(text))
		exchange_set(x, &x->req.route, (struct str){ text, (size_t)n });
}

static void answer_end(struct mongo *m, struct proto_io *io, struct exchange *x)
{
	struct side *s = &m->side[io->dir];

	if (x->mark & MARK_BAD)
		x->req.ok = REQ_OK_NO;
	else if (x->mark & MARK_OK) {
		x->req.ok = REQ_OK_YES;
		exchange_static(x, &x->req.status, "OK");
	}
	if (s->op == OP_MSG && s->flags & MSG_MORE)
		x->req.flags |= REQ_STREAM;
	exchange_done(io, x);
}

static enum proto_result over(struct side *s, struct proto_io *io, struct cur *c, uint32_t n)
{
	if (!cur_skip(c, n))
		io->skip = s->asked = n;
	s->left -= n;
	return PROTO_OK;
}

static enum proto_result on_rest(struct mongo *m, struct proto_io *io, struct cur *c)
{
	struct side *s = &m->side[io->dir];
	struct exchange *x;

	if (s->left)
		return over(s, io, c, s->left);
	s->phase = HEAD;
	x = side_exchange(m, io);
	if (x && io->dir == PROTO_TO_CLIENT) {
		answer_end(m, io, x);
	} else if (x) {
		request_names(x);
		if (s->flags & MSG_MORE)
			exchange_oneway(io, x);
	}
	return PROTO_OK;
}

static enum proto_result bad(struct proto_io *io, const char *why)
{
	io->reject = why;
	return PROTO_BAD;
}

/* A document's length; its elements come next. */
static enum proto_result document(struct side *s, struct proto_io *io, struct cur *c)
{
	uint32_t n;

	if (!bson_u32(c, &n))
		return PROTO_MORE;
	if (n < 5 || n > s->left)
		return bad(io, "document");
	s->left -= 4;
	s->document = n - 4;
	s->first = true;
	s->phase = ELEMENTS;
	return PROTO_OK;
}

static enum proto_result on_section(struct mongo *m, struct proto_io *io, struct cur *c)
{
	struct side *s = &m->side[io->dir];
	struct cur at = *c;
	uint32_t size;
	uint8_t kind;

	if (s->left <= (s->flags & MSG_CHECKSUM ? 4 : 0)) {
		s->phase = REST;
		return PROTO_OK;
	}
	if (s->left < 5)
		return bad(io, "section");
	if (!cur_u8(&at, &kind))
		return PROTO_MORE;
	if (kind > 1)
		return bad(io, "section");
	if (!bson_u32(&at, &size))
		return PROTO_MORE;
	if (size < 5 || size > s->left - 1)
		return bad(io, "section");
	c->p++;
	s->left--;
	return kind == 1 ? over(s, io, c, size) : document(s, io, c);
}

/* The elements end with a 0; what follows the document is another section, or (OP_REPLY) not read. */
static enum proto_result on_elements(struct mongo *m, struct proto_io *io, struct cur *c)
{
	struct side *s = &m->side[io->dir];
	size_t n = cur_left(c) < s->document ? cur_left(c) : s->document;
	struct cur at = cur_of(c->p, n);
	struct bson e;
	uint32_t skip = 0;
	enum bson_step step;

	if (s->document == 1) {
		if (!cur_left(c))
			return PROTO_MORE;
		c->p++;
		s->left--;
		s->phase = s->op == OP_MSG ? SECTION : REST;
		return PROTO_OK;
	}
	step = bson_step(&at, s->document - 1, &e, &skip);
	if (step == BSON_MORE)
		return n == s->document ? bad(io, "element") : PROTO_MORE;
	if (step == BSON_BAD)
		return bad(io, "element");
	s->document -= (uint32_t)(at.p - c->p) + skip;
	s->left -= (uint32_t)(at.p - c->p) + skip;
	c->p = at.p;
	on_element(m, io, &e);
	if (skip)
		io->skip = s->asked = skip;
	return PROTO_OK;
}

/* "db.$cmd": the document is a command; otherwise the name is a collection, and the command is a find. */
static void query_names(struct exchange *x, struct side *s, struct str name)
{
	const char *dot = memchr(name.p, '.', name.n);
	struct str db = { name.p, dot ? (size_t)(dot - name.p) : name.n };

	exchange_set(x, &x->req.host, db);
	if (str_ends(name, STR(".$cmd")))
		return;
	exchange_set(x, &x->req.resource, str_skip(name, db.n + 1));
	s->phase = REST;
}

static enum proto_result open_query(struct mongo *m, struct proto_io *io, struct cur *c)
{
	struct side *s = &m->side[io->dir];
	struct cur at = *c;
	struct exchange *x;
	struct str name;

	if (s->left < 4 + 1 + 8 + 5)
		return bad(io, "size");
	if (!cur_skip(&at, 4))
		return PROTO_MORE;
	if (!bson_cstring(&at, NAME_MAX_, &name))
		return cur_left(&at) >= NAME_MAX_ ? bad(io, "name") : PROTO_MORE;
	if (!cur_skip(&at, 8))
		return PROTO_MORE;
	if ((size_t)(at.p - c->p) + 5 > s->left)
		return bad(io, "size");
	if (cur_left(&at) < 4)
		return PROTO_MORE;
	s->left -= (uint32_t)(at.p - c->p);
	c->p = at.p;
	x = side_exchange(m, io);
	if (x)
		query_names(x, s, name);
	return s->phase == REST ? PROTO_OK : document(s, io, c);
}

static enum proto_result open_reply(struct side *s, struct proto_io *io, struct cur *c)
{
	if (s->left < 20)
		return bad(io, "size");
	if (s->left == 20) {
		s->phase = REST;
		return PROTO_OK;
	}
	if (s->left < 25)
		return bad(io, "size");
	if (cur_left(c) < 24)
		return PROTO_MORE;
	c->p += 20;
	s->left -= 20;
	return document(s, io, c);
}

static enum proto_result on_opening(struct mongo *m, struct proto_io *io, struct cur *c)
{
	struct side *s = &m->side[io->dir];

	if (s->op == OP_QUERY)
		return open_query(m, io, c);
	if (s->op == OP_REPLY)
		return open_reply(s, io, c);
	if (s->left < 4)
		return bad(io, "size");
	if (!bson_u32(c, &s->flags))
		return PROTO_MORE;
	if (s->flags & MSG_UNKNOWN)
		return bad(io, "flags");
	s->left -= 4;
	s->phase = SECTION;
	return PROTO_OK;
}

static enum proto_result mongo_parse(void *state, struct proto_io *io, struct cur *c)
{
	static enum proto_result (*const phases[])(struct mongo *, struct proto_io *, struct cur *) = {
		[HEAD] = on_head,	  [OPENING] = on_opening, [SECTION] = on_section,
		[ELEMENTS] = on_elements, [REST] = on_rest,
	};
	struct mongo *m = state;
	struct side *s = &m->side[io->dir];
	uint32_t asked = s->asked;
	enum proto_result r;

	s->asked = 0;
	if (asked && io->skipped < asked) { /* the connection ended in there */
		s->phase = HEAD;
		return PROTO_OK;
	}
	r = phases[s->phase](m, io, c);
	/* A message ends with its last byte, not with the next one's first. */
	while (r == PROTO_OK && !io->skip && !s->left && s->phase != HEAD)
		r = phases[s->phase](m, io, c);
	return r;
}

/* The answer that was being read ends here; numbers still pair the others. */
static bool mongo_resync(void *state, struct proto_io *io, struct cur *c)
{
	struct mongo *m = state;
	struct side *s = &m->side[io->dir];
	struct exchange *x = s->phase == HEAD ? NULL : side_exchange(m, io);

	if (x) {
		x->req.flags |= REQ_LOST;
		x->req.lost_bytes += io->lost;
		if (io->dir == PROTO_TO_CLIENT)
			answer_end(m, io, x);
		else
			request_names(x);
	}
	*s = (struct side){ .phase = HEAD };
	for (; cur_left(c) >= 16; c->p++) {
		struct cur here = *c;
		const char *why;
		struct head h;

		if (head_read(&here, io->dir, &h, &why) == PROTO_OK &&
		    (io->dir == PROTO_TO_SERVER || exchange_find(io, h.to)))
			return true;
	}
	return false;
}

static enum proto_guess mongo_guess(struct str head, bool usual)
{
	struct cur ask = cur_of(head.p, head.n), answer = ask;
	enum proto_result a, b;
	struct head h;
	const char *why;

	(void)usual;
	a = head_read(&ask, PROTO_TO_SERVER, &h, &why);
	if (a == PROTO_OK)
		return GUESS_REQUEST;
	b = head_read(&answer, PROTO_TO_CLIENT, &h, &why);
	if (b == PROTO_OK)
		return h.to && h.op != OP_REPLY ? GUESS_RESPONSE :
		       h.to && usual		? GUESS_RESPONSE :
						  GUESS_NO;
	return a == PROTO_MORE || b == PROTO_MORE ? GUESS_MORE : GUESS_NO;
}

static const uint16_t ports[] = { 27017, 27018, 27019, 0 };

const struct proto proto_mongo = {
	.name = "mongo",
	.help = "MongoDB: commands, database and collection, errors",
	.ports = ports,
	.stream = true,
	.state_bytes = sizeof(struct mongo),
	.guess = mongo_guess,
	.parse = mongo_parse,
	.resync = mongo_resync,
};
