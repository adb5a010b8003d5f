/*
 * NATS (docs.nats.io, "Client protocol"): lines, some of which announce a payload, which is skipped.
 *
 *     PUB orders.new _INBOX.x.1 11\r\nhello world\r\n          MSG _INBOX.x.1 9 2\r\nok\r\n
 *
 * A PUB that names a subject for the reply is a request: the MSG on that subject answers it. The other way round
 * for who serves: a MSG that names one is answered by the PUB on it. Other messages are one-way. CONNECT ends with the
 * first thing the server says after it, PING with its PONG. In verbose mode +OK answers CONNECT, SUB, UNSUB and PUB
 * in their order. Passwords stand in CONNECT, so nothing of it is kept but the client's name.
 */
#include <strings.h>

#include "base/hash.h"
#include "proto/exchange.h"
#include "proto/fold.h"

#define LINE_MAX_BYTES 16000 /* INFO lists a cluster's addresses */
#define WORDS	       6
#define PAYLOAD_MAX    (64u << 20) /* the servers' own bound; 1 MiB by default */
#define ERROR_MAX      256
#define HEADER_SEEN    64 /* bytes of a header: its first line has the status */

static const uint16_t ports[] = { 4222, 0 };

enum finish {
	FINISH_NOT, /* it waits for its answer */
	FINISH_ONEWAY,
	FINISH_DONE,
};

/* A payload that passes by, and what ends with it. */
struct passing {
	uint64_t key;
	uint32_t left; /* bytes of it that are still to be skipped; the line end not counted */
	uint8_t finish;
	bool at_end; /* its line end comes next */
	bool refused; /* the line, whose rest is to be passed over: HPUB without its H is an operation too */
};

struct nats {
	struct passing side[2];
	uint64_t made; /* keys of exchanges that have no subject for a reply */
	bool verbose;
};

/* exchange.mark */
enum {
	WAITS_OK = 1,	    /* for +OK, in order */
	WAITS_PONG = 2,	    /* in order */
	WAITS_ANYTHING = 4, /* CONNECT */
};

/* One line: its words, the first being the operation. */
struct line {
	struct nats *n;
	struct proto_io *io;
	struct str whole, word[WORDS];
	unsigned words;
	uint64_t bytes; /* with the payload and its line end */
	uint64_t header, payload;
	struct str seen; /* of the payload */
};

/* --- the pieces of a line --- */

static bool decimal(struct str s, uint64_t *ret)
{
	uint64_t n = 0;

	if (!s.n || s.n > 9)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	*ret = n;
	return true;
}

static enum proto_result line_read(struct cur *c, struct str *ret)
{
	size_t left = cur_left(c) < LINE_MAX_BYTES ? cur_left(c) : LINE_MAX_BYTES;
	const uint8_t *lf = left ? memchr(c->p, '\n', left) : NULL;
	struct str s;

	if (!lf)
		return cur_left(c) < LINE_MAX_BYTES ? PROTO_MORE : PROTO_BAD;
	if (!cur_str(c, (size_t)(lf + 1 - c->p), &s) || s.n < 2 || s.p[s.n - 2] != '\r')
		return PROTO_BAD;
	*ret = (struct str){ s.p, s.n - 2 };
	return PROTO_OK;
}

static bool blank(char ch)
{
	return ch == ' ' || ch == '\t';
}

/* The last word takes the rest when there are too many. */
static void words_split(struct line *l)
{
	struct str s = l->whole;

	l->words = 0;
	while (l->words < WORDS) {
		size_t n = 0;

		while (s.n && blank(s.p[0]))
			s = str_skip(s, 1);
		while (n < s.n && !blank(s.p[n]))
			n++;
		if (!n)
			return;
		l->word[l->words++] = (struct str){ s.p, l->words == WORDS - 1 ? s.n : n };
		s = str_skip(s, n);
	}
}

static bool subject_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 127)
			return false;
	return s.n > 0;
}

static uint64_t subject_key(struct str s)
{
	return hash_str(s) >> 1;
}

static struct exchange *begin(struct line *l, uint64_t key, const char *method, struct str subject)
{
	struct exchange *x = exchange_begin(l->io, key);
	char folded[FOLD_MAX];

	if (!x)
		return NULL;
	exchange_static(x, &x->req.method, method);
	if (str_starts(subject, STR("_INBOX."))) {
		exchange_static(x, &x->req.resource, "_INBOX.{id}");
		x->req.route = x->req.resource;
	} else if (subject.n) {
		exchange_set(x, &x->req.resource, subject);
		exchange_set(x, &x->req.route, fold_name(subject, folded));
	}
	if (l->io->dir == PROTO_TO_SERVER)
		x->req.request_bytes = l->bytes;
	else
		x->req.response_bytes = l->bytes;
	return x;
}

static uint64_t key_make(struct nats *n)
{
	return ++n->made | (uint64_t)1 << 63;
}

/* The oldest that waits for one of @what. */
static struct exchange *waiting(const struct proto_io *io, unsigned what)
{
	struct exchange *x = exchange_oldest(io);

	while (x && !(x->mark & what))
		x = x->next;
	return x;
}

static void finish_with(struct line *l, uint64_t key, enum finish how)
{
	struct passing *p = &l->n->side[l->io->dir];

	p->key = key;
	p->finish = (uint8_t)how;
}

/* What has no payload and gets +OK in verbose mode only. */
static void told(struct line *l, struct exchange *x)
{
	if (x && l->n->verbose)
		x->mark = WAITS_OK;
	else
		exchange_oneway(l->io, x);
}

/* --- towards the server --- */

/* "name":"..." of CONNECT, without escapes. */
static struct str json_text(struct str json, struct str name)
{
	const char *p = json.n ? memmem(json.p, json.n, name.p, name.n) : NULL;
	struct str s, none = STR_NONE;
	const char *end;

	if (!p)
		return none;
	s = str_skip(json, (size_t)(p - json.p) + name.n);
	while (s.n && (s.p[0] == ' ' || s.p[0] == ':'))
		s = str_skip(s, 1);
	if (!s.n || s.p[0] != '"')
		return s;
	s = str_skip(s, 1);
	end = s.n ? memchr(s.p, '"', s.n) : NULL;
	return end ? (struct str){ s.p, (size_t)(end - s.p) } : none;
}

static const char *connect_take(struct line *l)
{
	struct exchange *x = begin(l, key_make(l->n), "CONNECT", STR_NONE);
	struct str name = json_text(l->whole, STR("\"name\""));

	l->n->verbose = str_starts(json_text(l->whole, STR("\"verbose\"")), STR("true"));
	if (!x)
		return NULL;
	if (name.n && name.n <= 128)
		exchange_set(x, &x->req.agent, name);
	x->mark = WAITS_ANYTHING;
	return NULL;
}

static const char *ping_take(struct line *l)
{
	struct exchange *x;

	if (l->io->dir == PROTO_TO_CLIENT) /* the server's own */
		return NULL;
	x = begin(l, key_make(l->n), "PING", STR_NONE);
	if (x)
		x->mark = WAITS_PONG;
	return NULL;
}

static const char *sub_take(struct line *l)
{
	struct exchange *x;

	if (!subject_ok(l->word[1]))
		return "subject";
	x = begin(l, key_make(l->n), "SUB", l->word[1]);
	if (x)
		x->req.flags |= REQ_STREAM;
	told(l, x);
	return NULL;
}

static const char *unsub_take(struct line *l)
{
	told(l, begin(l, key_make(l->n), "UNSUB", STR_NONE));
	return NULL;
}

/* NATS/1.0 503 No Responders */
static void header_status(struct exchange *x, struct str seen, uint64_t header)
{
	static const char first[] = "NATS/1.0 ";
	const char *cr;
	uint64_t code;

	if (header < seen.n)
		seen.n = (size_t)header;
	cr = seen.n ? memchr(seen.p, '\r', seen.n) : NULL;
	if (!cr || !str_starts(seen, STR(first)))
		return;
	seen = str_skip((struct str){ seen.p, (size_t)(cr - seen.p) }, sizeof(first) - 1);
	if (seen.n < 3 || !decimal((struct str){ seen.p, 3 }, &code))
		return;
	exchange_code(x, (int64_t)code);
	x->req.ok = code >= 400 ? REQ_OK_NO : REQ_OK_YES;
	seen = str_skip(seen, 4);
	if (seen.n)
		exchange_set(x, &x->req.error, seen);
}

/* A reply to @x is in this line. */
static void reply_take(struct line *l, struct exchange *x)
{
	exchange_answered(l->io, x);
	x->req.items = 1;
	x->req.ok = REQ_OK_YES;
	x->req.response_bytes += l->bytes;
	if (l->header)
		header_status(x, l->seen, l->header);
	if (!x->req.status.p)
		exchange_static(x, &x->req.status, "OK");
	finish_with(l, x->key, FINISH_DONE);
}

/* @subject is published, for @reply if there is one. */
static const char *message_take(struct line *l, const char *method, struct str subject,
				struct str reply)
{
	bool out = l->io->dir == PROTO_TO_SERVER;
	struct exchange *x;

	if (!subject_ok(subject) || (reply.n && !subject_ok(reply)))
		return "subject";
	x = exchange_find(l->io, subject_key(subject));
	if (x) {
		reply_take(l, x);
		return NULL;
	}
	x = begin(l, reply.n ? subject_key(reply) : key_make(l->n), method, subject);
	finish_with(l, x ? x->key : 0, reply.n ? FINISH_NOT : FINISH_ONEWAY);
	if (!x)
		return NULL;
	x->req.items = 1;
	if (!out) { /* whoever serves it sees a request */
		x->req.request_bytes = reply.n ? l->bytes : 0;
		x->req.response_bytes = reply.n ? 0 : l->bytes;
	}
	if (out && l->n->verbose) {
		x->mark = WAITS_OK;
		finish_with(l, x->key, FINISH_NOT);
	}
	return NULL;
}

static const char *pub_take(struct line *l)
{
	return message_take(l, "PUB", l->word[1], l->words == 4 ? l->word[2] : STR_NONE);
}

static const char *hpub_take(struct line *l)
{
	return message_take(l, "PUB", l->word[1], l->words == 5 ? l->word[2] : STR_NONE);
}

/* --- towards the client --- */

static const char *msg_take(struct line *l)
{
	return message_take(l, "MSG", l->word[1], l->words == 5 ? l->word[3] : STR_NONE);
}

static const char *hmsg_take(struct line *l)
{
	return message_take(l, "MSG", l->word[1], l->words == 6 ? l->word[3] : STR_NONE);
}

static const char *nothing_take(struct line *l)
{
	(void)l;
	return NULL;
}

static void answered(struct line *l, struct exchange *x)
{
	if (!x)
		return;
	x->req.response_bytes += l->bytes;
	if (x->req.ok == REQ_OK_UNKNOWN) {
		x->req.ok = REQ_OK_YES;
		exchange_static(x, &x->req.status, "OK");
	}
	exchange_done(l->io, x);
}

static const char *pong_take(struct line *l)
{
	struct exchange *connect = waiting(l->io, WAITS_ANYTHING);

	if (l->io->dir == PROTO_TO_SERVER)
		return NULL;
	if (connect && !l->n->verbose) {
		connect->req.ok = REQ_OK_YES;
		exchange_static(connect, &connect->req.status, "OK");
		exchange_done(l->io, connect);
	}
	answered(l, waiting(l->io, WAITS_PONG));
	return NULL;
}

static const char *ok_take(struct line *l)
{
	struct exchange *x = waiting(l->io, WAITS_OK | WAITS_ANYTHING);

	if (!x)
		return NULL;
	if (x->mark & WAITS_OK && x->key < (uint64_t)1 << 63) { /* a request: its answer is to come */
		x->mark = 0;
		x->req.response_bytes += l->bytes;
		return NULL;
	}
	answered(l, x);
	return NULL;
}

/* -ERR 'Authorization Violation': of CONNECT or what else waits in order, else of nobody. */
static const char *err_take(struct line *l)
{
	struct exchange *x = waiting(l->io, WAITS_OK | WAITS_ANYTHING);
	struct str text = str_skip(l->whole, l->word[0].n);
	bool own = !x;

	while (text.n && (blank(text.p[0]) || text.p[0] == '\''))
		text = str_skip(text, 1);
	while (text.n && (blank(text.p[text.n - 1]) || text.p[text.n - 1] == '\''))
		text.n--;
	if (own)
		x = begin(l, key_make(l->n), "ERR", STR_NONE);
	if (!x)
		return NULL;
	x->req.ok = REQ_OK_NO;
	exchange_static(x, &x->req.status, "ERR");
	for (size_t k = 0; k < text.n; k++)
		if (text.p[k] == '"' || k == ERROR_MAX) /* subjects stand in quotes */
			text.n = k;
	exchange_set(x, &x->req.error, text);
	if (own)
		exchange_oneway(l->io, x);
	else
		answered(l, x);
	return NULL;
}

/* --- lines --- */

static const struct operation {
	const char *name;
	const char *(*take)(struct line *l); /* what is wrong with it, or NULL */
	bool to_server, to_client;
	uint8_t words_min, words_max;
	uint8_t sizes; /* 1: the last word is the payload's; 2: the one before is the header's */
} operations[] = {
	{ "PUB", pub_take, true, false, 3, 4, 1 },
	{ "HPUB", hpub_take, true, false, 4, 5, 2 },
	{ "MSG", msg_take, false, true, 4, 5, 1 },
	{ "HMSG", hmsg_take, false, true, 5, 6, 2 },
	{ "SUB", sub_take, true, false, 3, 4, 0 },
	{ "UNSUB", unsub_take, true, false, 2, 3, 0 },
	{ "PING", ping_take, true, true, 1, 1, 0 },
	{ "PONG", pong_take, true, true, 1, 1, 0 },
	{ "+OK", ok_take, false, true, 1, 1, 0 },
	{ "-ERR", err_take, false, true, 1, WORDS, 0 },
	{ "CONNECT", connect_take, true, false, 2, WORDS, 0 },
	{ "INFO", nothing_take, false, true, 2, WORDS, 0 },
};

static const struct operation *operation_find(struct str name, enum proto_dir dir)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		const struct operation *op = &operations[i];

		if (name.n == strlen(op->name) && strncasecmp(name.p, op->name, name.n) == 0 &&
		    (dir == PROTO_TO_SERVER ? op->to_server : op->to_client))
			return op;
	}
	return NULL;
}

/* The line in l->whole: which operation, how long is what follows. NULL: *ret_why. */
static const struct operation *line_check(struct line *l, enum proto_dir dir, const char **ret_why)
{
	const struct operation *op;

	words_split(l);
	op = l->words ? operation_find(l->word[0], dir) : NULL;
	l->header = l->payload = 0;
	*ret_why = "operation";
	if (!op)
		return NULL;
	*ret_why = "words";
	if (l->words < op->words_min || l->words > op->words_max)
		return NULL;
	*ret_why = "size";
	if (op->sizes && (!decimal(l->word[l->words - 1], &l->payload) || l->payload > PAYLOAD_MAX))
		return NULL;
	if (op->sizes == 2 && (!decimal(l->word[l->words - 2], &l->header) || l->header > l->payload))
		return NULL;
	return op;
}

static void payload_end(struct nats *n, struct proto_io *io)
{
	struct passing *p = &n->side[io->dir];
	struct exchange *x = p->finish != FINISH_NOT ? exchange_find(io, p->key) : NULL;

	if (p->finish == FINISH_DONE)
		exchange_done(io, x);
	else
		exchange_oneway(io, x);
	*p = (struct passing){ 0 };
}

static enum proto_result line_end(struct nats *n, struct proto_io *io, struct cur *c)
{
	uint8_t crlf[2];

	if (cur_left(c) && *c->p != '\r')
		io->reject = "payload-end";
	else if (!cur_copy(c, crlf, 2))
		return PROTO_MORE;
	else if (crlf[1] != '\n')
		io->reject = "payload-end";
	if (io->reject)
		return PROTO_BAD;
	payload_end(n, io);
	return PROTO_OK;
}

static enum proto_result line_take(struct line *l, struct cur *c)
{
	struct passing *p = &l->n->side[l->io->dir];
	struct cur at = *c;
	enum proto_result res = line_read(&at, &l->whole);
	const struct operation *op;
	size_t want, have;

	if (res != PROTO_OK) {
		l->io->reject = res == PROTO_BAD ? "line" : NULL;
		return res;
	}
	op = line_check(l, l->io->dir, &l->io->reject);
	if (!op) {
		p->refused = true;
		return PROTO_BAD;
	}
	l->io->reject = NULL;
	want = l->header < HEADER_SEEN ? (size_t)l->header : HEADER_SEEN;
	if (cur_left(&at) < want)
		return PROTO_MORE;
	l->seen = (struct str){ (const char *)at.p, want };
	l->bytes = (uint64_t)(at.p - c->p) + (op->sizes ? l->payload + 2 : 0);
	*p = (struct passing){ 0 };
	l->io->reject = op->take(l);
	if (l->io->reject)
		return PROTO_BAD;
	*c = at;
	if (!op->sizes)
		return PROTO_OK;
	have = cur_left(c) < l->payload ? cur_left(c) : (size_t)l->payload;
	l->io->skip = l->payload - have;
	p->at_end = true;
	return cur_skip(c, have) ? PROTO_OK : PROTO_MORE;
}

static enum proto_result parse(void *state, struct proto_io *io, struct cur *c)
{
	struct line l = { .n = state, .io = io };

	if (!cur_left(c))
		return PROTO_MORE;
	if (l.n->side[io->dir].at_end)
		return line_end(l.n, io, c);
	if (*c->p == 0x16) { /* no operation begins so, but TLS does, after INFO asked for it */
		io->ignore = "tls";
		return PROTO_OK;
	}
	return line_take(&l, c);
}

/* --- which connections, and where to go on --- */

/* A whole line of either direction; @strict: not those that other protocols have too. */
static enum proto_guess line_guess(struct str head, bool strict)
{
	struct cur c = cur_of(head.p, head.n);
	struct line l = { 0 };
	const struct operation *op;
	const char *why;
	bool to_server;

	if (line_read(&c, &l.whole) != PROTO_OK)
		return GUESS_NO;
	op = line_check(&l, PROTO_TO_SERVER, &why);
	to_server = op != NULL;
	if (!op)
		op = line_check(&l, PROTO_TO_CLIENT, &why);
	if (!op || (op->sizes && !subject_ok(l.word[1])))
		return GUESS_NO;
	if (op->words_max == WORDS && op->take != hmsg_take && op->take != err_take &&
	    l.word[1].p[0] != '{') /* CONNECT host:443 is HTTP's */
		return GUESS_NO;
	if (op->take == err_take && (l.words < 2 || l.word[1].p[0] != '\''))
		return GUESS_NO;
	if (strict && op->words_max == 1)
		return GUESS_NO;
	return to_server ? GUESS_REQUEST : GUESS_RESPONSE;
}

static enum proto_guess guess(struct str head, bool usual)
{
	static const char info[] = "INFO {", connect[] = "CONNECT {";
	enum proto_guess g = line_guess(head, !usual);

	if (g != GUESS_NO)
		return g;
	if (str_starts(head, STR(info)))
		return GUESS_RESPONSE;
	if (str_starts(head, STR(connect)))
		return GUESS_REQUEST;
	if (head.n < sizeof(connect) - 1 &&
	    (str_starts(STR(info), head) || str_starts(STR(connect), head)))
		return GUESS_MORE;
	return GUESS_NO;
}

/* What waits in order may have been answered in the gap; what waits for a subject waits on. */
static void order_lost(struct proto_io *io)
{
	struct exchange *x;

	for (unsigned i = 0; i < WINDOW_MAX; i++) {
		x = waiting(io, WAITS_OK | WAITS_PONG | WAITS_ANYTHING);
		if (!x)
			return;
		x->req.flags |= REQ_LOST;
		if (x->mark & WAITS_PONG)
			exchange_drop(io, x);
		else
			exchange_oneway(io, x);
	}
}

static bool resync(void *state, struct proto_io *io, struct cur *c)
{
	struct nats *n = state;
	struct passing *p = &n->side[io->dir];
	struct exchange *x = p->at_end && p->finish ? exchange_find(io, p->key) : NULL;
	bool beginning = !p->refused;

	if (x) {
		x->req.flags |= REQ_LOST;
		x->req.lost_bytes += io->lost;
		payload_end(n, io);
	}
	*p = (struct passing){ 0 };
	if (io->dir == PROTO_TO_CLIENT)
		order_lost(io);
	for (;; beginning = true) {
		struct str left = { (const char *)c->p, cur_left(c) };
		const char *lf = left.n ? memchr(left.p, '\n', left.n) : NULL;

		if (beginning && line_guess(left, false) ==
					 (io->dir == PROTO_TO_SERVER ? GUESS_REQUEST : GUESS_RESPONSE))
			return true;
		if (!lf || !cur_skip(c, (size_t)(lf + 1 - left.p)))
			return false;
	}
}

const struct proto proto_nats = {
	.name = "nats",
	.help = "NATS: publish, subscribe, requests by their reply subjects",
	.ports = ports,
	.stream = true,
	.state_bytes = sizeof(struct nats),
	.guess = guess,
	.parse = parse,
	.resync = resync,
};
