/*
 * PostgreSQL's protocol 3: messages of both directions to one request for each statement executed.
 *
 *     client   Startup          Q            P B D E   B E   S         messages
 *     group    0                1            2 2 2 2   2 2   2         = Q, S and such sent before
 *     request  [CONNECT      ]  [SELECT   ]  [SELECT] [SELECT]
 *     server   R.. S.. K     Z  T D D C   Z  1 2 T D C 2 D C     Z     Z ends the group
 *
 * Statements are answered in order. Each exchange's key is its group; its mark holds what it still expects. An error
 * ends its group: what comes after it in the group is not executed. A message's body is read as far as it
 * tells something, STATEMENT_HOLD bytes at most; rows and COPY data are skipped.
 *
 * Limits: of portals the last 8 are remembered. A cancelled statement is told by its error, CancelRequest by itself (it
 * has a connection of its own). Replication is told as a stream when it begins; what follows is skipped.
 */
#include "base/hash.h"
#include "proto/postgres/message.h"
#include "proto/statement.h"

#define PORTALS 8

/* exchange.mark: flags, and above them the rows counted. */
enum {
	M_PARSE = 1,	/* ParseComplete is to come */
	M_BIND = 2,	/* BindComplete is to come */
	M_EXECUTE = 4,	/* is executed */
	M_GROUP = 8,	/* ends with its group: simple query, function call */
	M_CONNECT = 16, /* startup and authentication */
	M_OPEN = 32,	/* Bind, Execute may still belong to it */
	M_ROW = 64,
};

struct pg {
	uint64_t sent, answered; /* groups */
	uint64_t statement;	 /* of the newest exchange that is M_OPEN, as key */
	struct statements statements;
	struct {
		uint64_t name, statement;
	} portals[PORTALS];
	uint8_t portal_next;
	uint8_t asked; /* 'S': for TLS, 'G': for GSSAPI; one byte answers */
	bool failed;   /* there was an error in this group */
	uint8_t database_n, user_n;
	char database[STATEMENT_NAME], user[STATEMENT_NAME];
};

/* One message: its type, its size with the head, and what of its body is there. */
struct message {
	uint8_t type;
	uint32_t size;
	bool whole;
	struct cur body;
};

/* --- exchanges --- */

/* The one that the server is answering. */
static struct exchange *current(const struct pg *s, const struct proto_io *io)
{
	struct exchange *x = exchange_oldest(io);

	return x && x->key == s->answered ? x : NULL;
}

/* The one that the client's messages still belong to. */
static struct exchange *open_one(const struct pg *s, const struct proto_io *io)
{
	struct exchange *x = exchange_newest(io);

	return x && x->key == s->sent && x->mark & M_OPEN ? x : NULL;
}

static struct exchange *begin(struct pg *s, struct proto_io *io, const struct message *m,
			      uint64_t mark)
{
	struct exchange *x = exchange_begin(io, s->sent);

	if (!x)
		return NULL;
	x->mark = mark;
	x->req.request_bytes = m->size;
	if (s->database_n)
		exchange_set(x, &x->req.host, (struct str){ s->database, s->database_n });
	if (s->user_n)
		exchange_set(x, &x->req.agent, (struct str){ s->user, s->user_n });
	return x;
}

static void done(struct proto_io *io, struct exchange *x)
{
	if (x->req.ok == REQ_OK_UNKNOWN) {
		x->req.ok = REQ_OK_YES;
		exchange_static(x, &x->req.status, "OK");
	}
	exchange_done(io, x);
}

/* The group is answered: what is left of it was executed as a whole, or never. */
static void group_end(struct pg *s, struct proto_io *io)
{
	struct exchange *x;

	while ((x = current(s, io))) {
		if (s->failed && !(x->mark & (M_GROUP | M_CONNECT))) {
			x->req.ok = REQ_OK_NO;
			exchange_static(x, &x->req.error,
					"not executed: a statement before it failed");
		}
		done(io, x);
	}
	s->failed = false;
	s->answered++;
}

/* --- from the client --- */

/* Who sends a query before the answer to the last has ended has read it, and we have not. */
static void answer_missed(struct pg *s, struct proto_io *io)
{
	const struct exchange *x = exchange_oldest(io);

	if (!x || x != exchange_newest(io) || !(x->mark & M_GROUP) || !x->req.answered.ns)
		return;
	exchange_abandon(io);
	s->answered = s->sent;
	s->failed = false;
}

static struct exchange *query_begin(struct pg *s, struct proto_io *io, struct message *m)
{
	answer_missed(s, io);
	return begin(s, io, m, M_GROUP);
}

static void on_query(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = query_begin(s, io, m);
	struct str text = { (const char *)m->body.p, cur_left(&m->body) };

	if (text.n && text.p[text.n - 1] == 0)
		text.n--;
	statement_set(io, x, text, SQL_POSTGRES, !m->whole);
	if (x && !x->req.method.p)
		exchange_static(x, &x->req.method, "QUERY"); /* nothing but blanks */
	s->sent++;
}

static void on_parse(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = begin(s, io, m, M_PARSE | M_OPEN);
	struct str name, text;
	bool all;

	if (x)
		exchange_static(x, &x->req.method, "PREPARE");
	if (!pg_text(&m->body, &name))
		return;
	all = pg_text(&m->body, &text);
	if (!all)
		text = (struct str){ (const char *)m->body.p, cur_left(&m->body) };
	s->statement = hash_str(name);
	statement_set(io, x, text, SQL_POSTGRES, !all);
	statement_keep(&s->statements, s->statement, x);
	/* Until it is executed. */
	if (x)
		exchange_static(x, &x->req.method, "PREPARE");
}

static uint64_t portal_find(const struct pg *s, uint64_t name, bool *ret_known)
{
	for (unsigned i = 0; i < PORTALS; i++)
		if (s->portals[i].name == name) {
			*ret_known = true;
			return s->portals[i].statement;
		}
	*ret_known = false;
	return 0;
}

static void portal_set(struct pg *s, uint64_t name, uint64_t statement)
{
	unsigned i = 0;

	while (i < PORTALS && s->portals[i].name != name)
		i++;
	if (i == PORTALS)
		i = s->portal_next++ % PORTALS;
	s->portals[i].name = name;
	s->portals[i].statement = statement;
}

static void on_bind(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = open_one(s, io);
	struct str portal, name;

	if (!pg_text(&m->body, &portal) || !pg_text(&m->body, &name))
		return;
	portal_set(s, hash_str(portal), hash_str(name));
	if (x && x->mark & M_PARSE && !(x->mark & M_BIND) && s->statement == hash_str(name)) {
		x->req.request_bytes += m->size;
	} else {
		x = begin(s, io, m, M_OPEN);
		s->statement = hash_str(name);
		statement_recall(&s->statements, s->statement, x);
	}
	if (!x)
		return;
	x->mark |= M_BIND;
	exchange_static(x, &x->req.method, "BIND");
}

/* Its method was that of a step before. */
static void executed(struct pg *s, struct exchange *x, uint64_t statement)
{
	if (!x)
		return;
	x->mark = (x->mark | M_EXECUTE) & ~(uint64_t)M_OPEN;
	if (x->req.resource.p)
		x->req.method = statement_method(&s->statements, statement);
	else
		statement_recall(&s->statements, statement, x);
	if (!x->req.method.p || !x->req.resource.p)
		exchange_static(x, &x->req.method, "EXECUTE");
}

static void on_execute(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = open_one(s, io);
	struct str portal;
	uint64_t statement;
	bool known;

	if (!pg_text(&m->body, &portal))
		return;
	statement = portal_find(s, hash_str(portal), &known);
	if (x && known && statement == s->statement)
		x->req.request_bytes += m->size;
	else
		x = begin(s, io, m, 0);
	executed(s, x, known ? statement : 0);
}

static void on_close(struct pg *s, struct proto_io *io, struct message *m)
{
	struct str name;
	uint8_t kind;

	(void)io;
	if (cur_u8(&m->body, &kind) && kind == 'S' && pg_text(&m->body, &name))
		statement_forget(&s->statements, hash_str(name));
}

static void on_sync(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = exchange_newest(io);

	if (x && x->key == s->sent) {
		x->req.request_bytes += m->size;
		x->mark &= ~(uint64_t)M_OPEN;
	}
	s->sent++;
}

static void on_call(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = begin(s, io, m, M_GROUP);

	if (x)
		exchange_static(x, &x->req.method, "FUNCTION");
	s->sent++;
}

/* Belongs to the request before it: Describe, Flush. */
static void on_part(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = exchange_newest(io);

	if (x && x->key == s->sent)
		x->req.request_bytes += m->size;
}

/* Data and its end for the COPY that the server is at, and answers to authentication. */
static void on_more(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = current(s, io);

	if (x)
		x->req.request_bytes += m->size;
}

static void on_terminate(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = begin(s, io, m, 0);

	if (!x)
		return;
	exchange_static(x, &x->req.method, "TERMINATE");
	exchange_oneway(io, x);
}

/* --- from the server --- */

static void on_parsed(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = current(s, io);

	(void)m;
	if (!x || !(x->mark & M_PARSE))
		return;
	x->mark &= ~(uint64_t)M_PARSE;
	if (!(x->mark & (M_BIND | M_EXECUTE | M_GROUP | M_CONNECT)))
		done(io, x);
}

static void on_bound(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = current(s, io);

	(void)m;
	if (x)
		x->mark &= ~(uint64_t)M_BIND;
}

static void on_row(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = current(s, io);

	(void)m;
	if (x)
		x->mark += M_ROW;
}

/* The number at the end of a tag: "INSERT 0 3"; false: there is none. */
static bool tag_rows(struct str tag, uint64_t *ret)
{
	uint64_t v = 0, unit = 1;
	size_t i = tag.n;

	for (; i > 0 && tag.n - i < 18 && tag.p[i - 1] >= '0' && tag.p[i - 1] <= '9'; i--) {
		v += unit * (uint64_t)(tag.p[i - 1] - '0');
		unit *= 10;
	}
	if (i == tag.n || i == 0 || tag.p[i - 1] != ' ')
		return false;
	*ret = v;
	return true;
}

static void on_complete(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = current(s, io);
	struct str tag = STR_NONE;
	uint64_t rows;

	if (!x)
		return;
	if (!pg_text(&m->body, &tag) || !tag_rows(tag, &rows))
		rows = x->mark / M_ROW;
	x->req.items += rows;
	x->mark &= M_ROW - 1;
	if (x->mark & M_EXECUTE)
		done(io, x);
}

static void on_suspended(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = current(s, io);

	(void)m;
	if (!x || !(x->mark & M_EXECUTE))
		return;
	x->req.items += x->mark / M_ROW;
	done(io, x);
}

static void on_empty(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = current(s, io);

	(void)m;
	if (x && x->mark & M_EXECUTE)
		done(io, x);
}

static void on_ready(struct pg *s, struct proto_io *io, struct message *m)
{
	(void)m;
	if (s->answered < s->sent)
		group_end(s, io);
}

/* Values of the statement may stand in messages on data and syntax. */
static bool tells_data(struct str code)
{
	return str_starts(code, STR("22")) || str_eq(code, STR("42601"));
}

static void on_error(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = current(s, io);
	struct str severity = STR_NONE, code = STR_NONE, message = STR_NONE, field;
	bool fatal;
	uint8_t kind;

	while (cur_u8(&m->body, &kind) && kind && pg_text(&m->body, &field)) {
		if (kind == 'V' || (kind == 'S' && !severity.p))
			severity = field; /* S may be translated */
		else if (kind == 'C')
			code = field;
		else if (kind == 'M')
			message = field;
	}
	if (!x)
		return;
	fatal = str_eq(severity, STR("FATAL")) || str_eq(severity, STR("PANIC"));
	x->req.ok = REQ_OK_NO;
	x->req.items += x->mark / M_ROW;
	x->mark &= M_ROW - 1;
	exchange_set(x, &x->req.status, code);
	statement_error(x, severity, message, tells_data(code) && !io->opts->raw ? '"' : 0);
	s->failed = true;
	if (x->mark & M_GROUP && !fatal)
		return;
	if (x->mark & (M_GROUP | M_CONNECT)) {
		s->answered++;
		s->failed = false;
	}
	exchange_done(io, x);
}

static void on_stream(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = current(s, io);

	(void)m;
	if (!x)
		return;
	x->req.flags |= REQ_STREAM;
	done(io, x);
}

static void on_notify(struct pg *s, struct proto_io *io, struct message *m)
{
	struct exchange *x = begin(s, io, m, 0);
	struct str channel;
	uint32_t pid;

	if (!x)
		return;
	x->req.request_bytes = 0;
	x->req.response_bytes = m->size;
	x->req.items = 1;
	exchange_static(x, &x->req.method, "NOTIFY");
	if (pg_be32(&m->body, &pid) && pg_text(&m->body, &channel))
		exchange_set(x, &x->req.resource, channel);
	exchange_oneway(io, x);
}

typedef void on_message(struct pg *s, struct proto_io *io, struct message *m);

static on_message *const handlers[2][128] = {
	{ ['B'] = on_bind,
	  ['C'] = on_close,
	  ['D'] = on_part,
	  ['E'] = on_execute,
	  ['F'] = on_call,
	  ['H'] = on_part,
	  ['P'] = on_parse,
	  ['Q'] = on_query,
	  ['S'] = on_sync,
	  ['X'] = on_terminate,
	  ['c'] = on_more,
	  ['d'] = on_more,
	  ['f'] = on_more,
	  ['p'] = on_more },
	{ ['1'] = on_parsed,
	  ['2'] = on_bound,
	  ['A'] = on_notify,
	  ['C'] = on_complete,
	  ['D'] = on_row,
	  ['E'] = on_error,
	  ['I'] = on_empty,
	  ['W'] = on_stream,
	  ['Z'] = on_ready,
	  ['s'] = on_suspended },
};

/* --- before authentication --- */

static void name_set(char *to, uint8_t *n, struct str s)
{
	*n = (uint8_t)(s.n < STATEMENT_NAME ? s.n : STATEMENT_NAME);
	memcpy(to, s.p, *n);
}

static void startup(struct pg *s, struct proto_io *io, struct message *m)
{
	struct str key, value;
	struct exchange *x;

	s->database_n = s->user_n = 0;
	while (pg_text(&m->body, &key) && key.n && pg_text(&m->body, &value)) {
		if (str_eq(key, STR("user")))
			name_set(s->user, &s->user_n, value);
		else if (str_eq(key, STR("database")))
			name_set(s->database, &s->database_n, value);
	}
	if (!s->database_n)
		name_set(s->database, &s->database_n, (struct str){ s->user, s->user_n });
	x = begin(s, io, m, M_CONNECT);
	if (x)
		exchange_static(x, &x->req.method, "CONNECT");
	s->sent++;
}

static enum proto_result parse_startup(struct pg *s, struct proto_io *io, struct cur *bytes)
{
	struct cur c = *bytes;
	struct message m = { .whole = true };
	uint32_t code;
	struct exchange *x;

	if (!pg_be32(&c, &m.size) || !pg_be32(&c, &code))
		return PROTO_MORE;
	io->reject = "startup";
	if (m.size < 8 || m.size > 10000)
		return PROTO_BAD;
	if (!cur_sub(&c, m.size - 8, &m.body))
		return PROTO_MORE;
	if (code >> 16 == PG_VERSION_3 >> 16) {
		startup(s, io, &m);
	} else if (code == PG_SSL || code == PG_GSS) {
		s->asked = code == PG_SSL ? 'S' : 'G';
	} else if (code == PG_CANCEL) {
		x = begin(s, io, &m, 0);
		if (x)
			exchange_static(x, &x->req.method, "CANCEL");
		exchange_oneway(io, x);
	} else {
		return PROTO_BAD;
	}
	bytes->p = c.p;
	return PROTO_OK;
}

/* The one byte that answers a wish for encryption; an error message begins with E and comes as such. */
static enum proto_result parse_asked(struct pg *s, struct proto_io *io, struct cur *bytes)
{
	uint8_t answer;

	if (!cur_u8(bytes, &answer))
		return PROTO_MORE;
	if (answer == s->asked)
		io->ignore = s->asked == 'S' ? "tls" : "gss";
	else if (answer == 'E')
		bytes->p--;
	else if (answer != 'N') {
		io->reject = "encryption";
		return PROTO_BAD;
	}
	s->asked = 0;
	return PROTO_OK;
}

/* --- messages --- */

/* 1: one is there, and consumed; its rest is to be skipped. */
static int message_take(struct proto_io *io, struct cur *bytes, struct message *ret)
{
	const struct pg_message *kind;
	struct cur c = *bytes;
	uint32_t length = 0, n;
	uint8_t type = 0;
	int res = pg_head(io->dir, *bytes, &type, &length);

	if (res <= 0)
		return res;
	kind = pg_message(io->dir, type);
	n = length - 4;
	if (!cur_skip(&c, PG_HEAD))
		return 0;
	if (kind->hold && n > cur_left(&c) && cur_left(&c) < STATEMENT_HOLD && !io->closed && !io->cut)
		return 0;
	if (n > cur_left(&c)) {
		/* The first bytes tell whether it can be one. */
		if (kind->body && cur_left(&c) < 3)
			return 0;
		io->skip = n - cur_left(&c);
		n = (uint32_t)cur_left(&c);
	}
	*ret = (struct message){ type, 1 + length, io->skip == 0, cur_of(c.p, n) };
	bytes->p = c.p + n;
	return 1;
}

static enum proto_result parse_message(struct pg *s, struct proto_io *io, struct cur *bytes)
{
	struct message m;
	on_message *on;
	int res = message_take(io, bytes, &m);
	struct exchange *x;

	if (res == 0)
		return PROTO_MORE;
	if (res < 0) {
		io->reject = "message";
		return PROTO_BAD;
	}
	x = io->dir == PROTO_TO_CLIENT && m.type != 'A' ? current(s, io) : NULL;
	if (x) {
		exchange_answered(io, x);
		x->req.response_bytes += m.size;
	}
	on = handlers[io->dir][m.type];
	if (on)
		on(s, io, &m);
	return PROTO_OK;
}

static enum proto_result pg_parse(void *state, struct proto_io *io, struct cur *bytes)
{
	struct pg *s = state;
	enum proto_result res = PROTO_OK;

	if (!cur_left(bytes))
		return io->skipped ? PROTO_OK : PROTO_MORE;
	if (io->dir == PROTO_TO_SERVER && *bytes->p == 0)
		return parse_startup(s, io, bytes);
	if (io->dir == PROTO_TO_CLIENT && s->asked)
		return parse_asked(s, io, bytes);
	res = parse_message(s, io, bytes);
	/* Many small ones follow each other. */
	while (res == PROTO_OK && io->dir == PROTO_TO_CLIENT && !io->skip && cur_left(bytes)) {
		enum proto_result next = parse_message(s, io, bytes);

		if (next != PROTO_OK)
			break;
	}
	return res;
}

/*
 * Bytes from the server are missing: with at most one exchange waiting what comes still belongs to it. Otherwise it
 * cannot be known which were answered. From the client: its statements are not known.
 */
static bool pg_resync(void *state, struct proto_io *io, struct cur *bytes)
{
	struct pg *s = state;
	struct exchange *x = current(s, io);
	const uint8_t *from = bytes->p;
	bool found = pg_find(io->dir, bytes);

	s->asked = 0;
	if (io->dir == PROTO_TO_CLIENT && x && x == exchange_newest(io)) {
		if (!found || !x->req.answered.ns)
			return found;
		x->req.flags |= REQ_LOST;
		x->req.lost_bytes += io->lost;
		x->req.response_bytes += io->lost + (uint64_t)(bytes->p - from);
		x->mark &= ~(uint64_t)(M_PARSE | M_BIND);
		return true;
	}
	exchange_abandon(io);
	s->answered = s->sent;
	s->failed = false;
	return found;
}

static void pg_release(void *state)
{
	struct pg *s = state;

	statements_free(&s->statements);
}

const struct proto proto_postgres = {
	.name = "postgres",
	.help = "PostgreSQL: statements, simple and prepared, and COPY",
	.ports = (const uint16_t[]){ 5432, 6432, 0 },
	.stream = true,
	.state_bytes = sizeof(struct pg),
	.guess = pg_guess,
	.parse = pg_parse,
	.resync = pg_resync,
	.release = pg_release,
};
