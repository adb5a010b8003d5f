/*
 * MySQL's and MariaDB's protocol: a command and its answer to one request.
 *
 *     server  greeting (0)       OK (2)             columns, definitions, [EOF], rows.., EOF or OK
 *     client           login (1)       COM_QUERY (0)
 *     request         [CONNECT        ][SELECT                                               ]
 *
 * One command waits at a time (of several sent ahead the oldest is answered). `step` says where in its answer the
 * server is. Whether an EOF stands between definitions and rows is seen by its length, 5, which an OK in its place never
 * has; so it does not have to be known what was negotiated, and connections met midway read alike. Rows, parameters and
 * files are skipped.
 *
 * Status is the error's number, the SQLSTATE stands before the error's text.
 */
#include "proto/mysql/packet.h"
#include "proto/statement.h"

#define BODY_HOLD 512 /* bytes of a packet, other than a statement, that are read */
#define EOF_BYTES 5
#define PROGRESS  0xffff /* MariaDB's: no error, but how far a long command has come */

enum phase {
	NEW,
	LOGIN, /* greeted */
	READY,
};

enum step {
	FIRST,	 /* the first packet of an answer, or of its next result */
	COLUMNS, /* `left` definitions */
	BETWEEN, /* they may be followed by an EOF */
	ROWS,
	PARAMETERS, /* `left` definitions of parameters, then `columns` of columns */
	AUTH,
};

struct my {
	struct statements statements;
	uint32_t server, client; /* capabilities */
	uint32_t left, columns;
	uint8_t phase, step;
	uint8_t number; /* of the answer's next packet */
	bool more[2];	/* the next packet of the direction goes on with the last */
	bool lost;	/* some of the answer was */
	uint8_t last_n; /* bytes of the database, user */
	uint8_t user_n;
	char database[STATEMENT_NAME], user[STATEMENT_NAME];
	uint32_t last; /* statement prepared last: MariaDB executes it as -1 */
};

/* --- exchanges: key is the command, mark the statement's number --- */

static struct exchange *begin(struct my *s, struct proto_io *io, const struct my_packet *p, uint8_t id)
{
	struct exchange *x = exchange_begin(io, id);

	if (exchange_oldest(io) == x) {
		s->step = FIRST;
		s->lost = false;
		s->number = 1;
	}
	if (!x)
		return NULL;
	x->req.request_bytes = MY_HEAD + p->n;
	if (s->last_n)
		exchange_set(x, &x->req.host, (struct str){ s->database, s->last_n });
	if (s->user_n)
		exchange_set(x, &x->req.agent, (struct str){ s->user, s->user_n });
	return x;
}

static void done(struct my *s, struct proto_io *io, struct exchange *x)
{
	if (x->req.ok == REQ_OK_UNKNOWN) {
		x->req.ok = REQ_OK_YES;
		exchange_static(x, &x->req.status, "OK");
	}
	s->step = FIRST;
	s->lost = false;
	s->number = 1;
	exchange_done(io, x);
}

static void name_set(char *to, uint8_t *n, struct str name)
{
	*n = (uint8_t)(name.n < STATEMENT_NAME ? name.n : STATEMENT_NAME);
	if (*n)
		memcpy(to, name.p, *n);
}

/* Messages whose quotes hold names only; those of others may hold data. */
static bool tells_names(uint16_t code)
{
	static const uint16_t codes[] = { 1007, 1008, 1044, 1045, 1046, 1049, 1050, 1051,
					  1054, 1060, 1061, 1072, 1091, 1109, 1142, 1146,
					  1176, 1227, 1305, 1364, 1451, 1698 };

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static void failed(struct my *s, struct proto_io *io, struct exchange *x, struct cur c)
{
	struct str state = STR_NONE, message;
	uint16_t code;

	if (!cur_skip(&c, 1) || !my_le16(&c, &code) || code == PROGRESS)
		return;
	if (cur_left(&c) >= 6 && *c.p == '#' && cur_skip(&c, 1) && !cur_str(&c, 5, &state))
		return;
	message = (struct str){ (const char *)c.p, cur_left(&c) };
	x->req.ok = REQ_OK_NO;
	exchange_code(x, code);
	statement_error(x, state, message, io->opts->raw || tells_names(code) ? 0 : '\'');
	if (x->key == MY_PREPARE)
		exchange_static(x, &x->req.method, "PREPARE");
	done(s, io, x);
}

/* --- from the server --- */

/* OK: rows that were changed, and whether more follows. EOF has its status elsewhere. */
static uint16_t ok_status(struct cur c, uint32_t n, uint64_t *ret_rows)
{
	uint16_t status = 0;
	uint64_t rows = 0, id;
	uint8_t first;

	*ret_rows = 0;
	if (!cur_u8(&c, &first))
		return 0;
	if (first == 0xfe && n == EOF_BYTES)
		return cur_skip(&c, 2) && my_le16(&c, &status) ? status : 0;
	if (!my_lenenc(&c, &rows) || !my_lenenc(&c, &id) || !my_le16(&c, &status))
		return 0;
	*ret_rows = rows;
	return status;
}

/* A result has ended; maybe another follows. */
static void result_end(struct my *s, struct proto_io *io, struct exchange *x,
		       const struct my_packet *p)
{
	uint64_t rows;
	uint16_t status = ok_status(p->some, p->n, &rows);

	x->req.items += rows;
	if (status & MY_MORE_RESULTS) {
		s->step = FIRST;
		return;
	}
	if (x->key == MY_INIT_DB)
		name_set(s->database, &s->last_n, x->req.resource);
	done(s, io, x);
}

static void prepared(struct my *s, struct proto_io *io, struct exchange *x, struct cur c)
{
	uint32_t id;
	uint16_t columns, parameters;

	if (!cur_skip(&c, 1) || !my_le32(&c, &id) || !my_le16(&c, &columns) ||
	    !my_le16(&c, &parameters))
		return;
	statement_keep(&s->statements, id, x);
	s->last = id;
	exchange_static(x, &x->req.method, "PREPARE");
	s->step = PARAMETERS;
	s->left = parameters;
	s->columns = columns;
	if (!parameters && !columns)
		done(s, io, x);
}

static void columns(struct my *s, struct cur c)
{
	uint64_t n;
	uint8_t follow = 1;

	if (!my_lenenc(&c, &n))
		n = 0;
	if (cur_left(&c) && !cur_u8(&c, &follow)) /* only where sending them is a choice */
		follow = 1;
	s->left = follow && n < UINT32_MAX ? (uint32_t)n : 0;
	s->step = s->left ? COLUMNS : ROWS;
}

static void first(struct my *s, struct proto_io *io, struct exchange *x, const struct my_packet *p)
{
	const struct my_command *m = my_command((uint8_t)x->key);
	uint8_t answer = m ? m->answer : MY_AUTH, byte = *p->some.p;

	if (answer == MY_STREAM) {
		x->req.flags |= REQ_STREAM;
		done(s, io, x);
	} else if (answer == MY_TEXT) {
		done(s, io, x);
	} else if (answer == MY_PREPARED && byte == 0) {
		prepared(s, io, x, p->some);
	} else if (answer == MY_ROWS && byte != 0xfe) {
		x->req.items++;
		s->step = ROWS;
	} else if (byte == 0 || byte == 0xfe) {
		result_end(s, io, x, p);
	} else if (byte == 0xfb) {
		; /* the client sends a file; then OK or an error comes */
	} else if (answer == MY_RESULT) {
		columns(s, p->some);
	} else {
		done(s, io, x);
	}
}

static void row(struct my *s, struct proto_io *io, struct exchange *x, const struct my_packet *p)
{
	uint8_t byte = *p->some.p;
	uint64_t rows;

	if (byte == 0xfe && p->n < MY_LONGEST) {
		if (s->step == BETWEEN && p->n == EOF_BYTES &&
		    !(ok_status(p->some, p->n, &rows) & MY_CURSOR)) {
			s->step = ROWS;
			return;
		}
		result_end(s, io, x, p);
		return;
	}
	s->step = ROWS;
	x->req.items++;
}

static void definition(struct my *s, struct proto_io *io, struct exchange *x,
		       const struct my_packet *p)
{
	bool eof = *p->some.p == 0xfe && p->n == EOF_BYTES;

	if (s->step == COLUMNS) {
		if (--s->left == 0)
			s->step = BETWEEN;
		return;
	}
	if (eof)
		return;
	if (s->left)
		s->left--;
	else if (s->columns)
		s->columns--;
	if (!s->left && !s->columns)
		done(s, io, x);
}

/* Logging in, or as somebody else: the server may ask back any number of times. */
static void auth(struct my *s, struct proto_io *io, struct exchange *x, const struct my_packet *p)
{
	if (*p->some.p != 0)
		return;
	s->phase = READY;
	done(s, io, x);
	if (s->client & s->server & (MY_COMPRESS | MY_ZSTD))
		io->ignore = "compressed";
}

static void answer(struct my *s, struct proto_io *io, struct exchange *x, const struct my_packet *p)
{
	const struct my_command *m = my_command((uint8_t)x->key);

	if (*p->some.p == 0xff && s->step != COLUMNS)
		failed(s, io, x, p->some);
	else if (!m || m->answer == MY_AUTH)
		auth(s, io, x, p);
	else if (s->step == FIRST)
		first(s, io, x, p);
	else if (s->step == COLUMNS || s->step == PARAMETERS)
		definition(s, io, x, p);
	else
		row(s, io, x, p);
}

/* --- from the client --- */

static void skip_auth(const struct my *s, struct cur *c)
{
	struct str password;
	uint64_t n = 0;
	uint8_t byte;

	if (s->client & MY_AUTH_LENENC ? my_lenenc(c, &n) :
	    s->client & MY_SECURE      ? cur_u8(c, &byte) && (n = byte, true) :
					 my_text(c, &password))
		c->p += n < cur_left(c) ? n : cur_left(c);
}

static void login(struct my *s, struct proto_io *io, const struct my_packet *p)
{
	struct cur c = p->some;
	struct str user, database;
	struct exchange *x;

	if (!my_le32(&c, &s->client))
		return;
	if (s->client & MY_SSL && p->n <= 32) {
		io->ignore = "tls";
		return;
	}
	s->last_n = s->user_n = 0;
	if (s->client & MY_PROTOCOL_41 && cur_skip(&c, 4 + 1 + 23) && my_text(&c, &user)) {
		name_set(s->user, &s->user_n, user);
		skip_auth(s, &c);
		if (s->client & MY_CONNECT_WITH_DB && my_text(&c, &database))
			name_set(s->database, &s->last_n, database);
	}
	s->phase = READY;
	x = begin(s, io, p, 0);
	s->number = 2;
	if (x)
		exchange_static(x, &x->req.method, "CONNECT");
}

static void command(struct my *s, struct proto_io *io, const struct my_packet *p,
		    const struct my_command *m)
{
	struct cur c = p->some;
	struct exchange *x;
	uint32_t id = 0;
	uint8_t byte = 0;
	bool cut = cur_left(&c) < p->n;
	const struct exchange *waits = exchange_oldest(io);

	/* Who asks again before the answer's end has read it, and we have not. */
	if (s->lost || (waits && waits == exchange_newest(io) && waits->req.answered.ns))
		exchange_abandon(io);
	if (!cur_u8(&c, &byte) || (m->answer == MY_NONE && byte != MY_QUIT)) {
		if (byte == MY_CLOSE && my_le32(&c, &id))
			statement_forget(&s->statements, id);
		return;
	}
	x = begin(s, io, p, byte);
	if (!x)
		return;
	exchange_static(x, &x->req.method, m->name);
	if (byte == MY_QUIT) {
		exchange_oneway(io, x);
	} else if (byte == MY_INIT_DB) {
		exchange_set(x, &x->req.resource, (struct str){ (const char *)c.p, cur_left(&c) });
	} else if (byte == MY_QUERY || byte == MY_PREPARE) {
		struct str text = my_statement(c);

		if (text.p)
			statement_set(io, x, text, SQL_MYSQL, cut);
		if (!x->req.method.p)
			exchange_static(x, &x->req.method, m->name);
	} else if ((byte == MY_EXECUTE || byte == MY_BULK || byte == MY_FETCH) && my_le32(&c, &id)) {
		if (statement_recall(&s->statements, id == UINT32_MAX ? s->last : id, x) &&
		    byte == MY_FETCH)
			exchange_static(x, &x->req.method, "FETCH");
	}
}

/* --- packets --- */

/* How much of the payload has to be there. */
static uint32_t hold(const struct my *s, const struct proto_io *io, const struct my_packet *p)
{
	uint8_t byte = cur_left(&p->some) ? *p->some.p : 0;
	uint32_t most = BODY_HOLD;

	if (!cur_left(&p->some))
		most = 1;
	else if (io->dir == PROTO_TO_SERVER && (byte == MY_QUERY || byte == MY_PREPARE) &&
		 p->number == 0)
		most = STATEMENT_HOLD;
	else if (io->dir == PROTO_TO_CLIENT && s->step != FIRST && byte < 0xfe)
		most = 1;
	return p->n < most ? p->n : most;
}

/* 1: one is there, and consumed; its rest is to be skipped. */
static int packet_take(struct my *s, struct proto_io *io, struct cur *bytes, struct my_packet *ret)
{
	uint32_t there;
	bool more = s->more[io->dir];

	if (!my_head(*bytes, ret))
		return 0;
	there = (uint32_t)cur_left(&ret->some);
	if (!more && there < hold(s, io, ret) && !io->closed && !io->cut)
		return 0;
	s->more[io->dir] = ret->n == MY_LONGEST;
	io->skip = ret->n - there;
	bytes->p = ret->some.p + there;
	return more || !there ? 2 : 1;
}

static enum proto_result bad(struct proto_io *io, struct my *s, const uint8_t *from,
			     struct cur *bytes, const char *why)
{
	bytes->p = from;
	io->skip = 0;
	s->more[io->dir] = false;
	io->reject = why;
	return PROTO_BAD;
}

static enum proto_result parse_client(struct my *s, struct proto_io *io, struct cur *bytes)
{
	const struct my_command *m;
	const uint8_t *from = bytes->p;
	struct exchange *x = exchange_oldest(io);
	struct my_packet p;
	int res = packet_take(s, io, bytes, &p);

	if (res == 0)
		return PROTO_MORE;
	if (res == 2 || (p.number && s->phase != LOGIN)) {
		/* More of a command, of a login, of a file. */
		if (x && (res == 2 || !s->lost))
			x->req.request_bytes += MY_HEAD + p.n;
		if (x)
			s->number = (uint8_t)(p.number + 1);
		return PROTO_OK;
	}
	if (s->phase == LOGIN && p.number) {
		login(s, io, &p);
		return PROTO_OK;
	}
	m = my_command(*p.some.p);
	if (!m || p.n < m->min || (m->max && p.n > m->max))
		return bad(io, s, from, bytes, "command");
	s->phase = READY;
	command(s, io, &p, m);
	return PROTO_OK;
}

static enum proto_result parse_server(struct my *s, struct proto_io *io, struct cur *bytes)
{
	const uint8_t *from = bytes->p;
	struct exchange *x = exchange_oldest(io);
	struct my_packet p;
	int res;

	if (!x && s->phase != NEW) {
		bytes->p = bytes->end; /* to something asked before */
		s->more[io->dir] = false;
		return PROTO_OK;
	}
	res = packet_take(s, io, bytes, &p);
	if (res == 0)
		return PROTO_MORE;
	if (!x) {
		s->phase = my_greeting(&p, &s->server) ? LOGIN : READY;
		return PROTO_OK;
	}
	if (p.number != s->number)
		return bad(io, s, from, bytes, "number");
	s->number++;
	exchange_answered(io, x);
	x->req.response_bytes += MY_HEAD + p.n;
	if (res == 1)
		answer(s, io, x, &p);
	return PROTO_OK;
}

static enum proto_result my_parse(void *state, struct proto_io *io, struct cur *bytes)
{
	struct my *s = state;
	enum proto_result res;

	if (!cur_left(bytes))
		return io->skipped ? PROTO_OK : PROTO_MORE;
	if (io->midway && s->phase == NEW)
		s->phase = READY;
	if (io->dir == PROTO_TO_SERVER)
		return parse_client(s, io, bytes);
	res = parse_server(s, io, bytes);
	/* Many small rows follow each other. */
	while (res == PROTO_OK && !io->skip && !io->ignore && cur_left(bytes) && exchange_oldest(io))
		if (parse_server(s, io, bytes) != PROTO_OK)
			break;
	return res;
}

/*
 * Of an answer's rows some may be missing: what counts on is taken for more of them. Where the answer's form is not
 * known yet, and when a command is missing, what waits is given up.
 */
static bool my_resync(void *state, struct proto_io *io, struct cur *bytes)
{
	struct my *s = state;
	struct exchange *x = exchange_oldest(io);
	const uint8_t *from = bytes->p;
	struct my_packet p;

	s->more[io->dir] = false;
	if (s->phase != READY || (io->dir == PROTO_TO_CLIENT && !x)) {
		s->phase = READY;
		bytes->p = bytes->end;
		return false;
	}
	if (io->dir == PROTO_TO_CLIENT && x == exchange_newest(io) && s->step != FIRST &&
	    s->step != PARAMETERS) {
		s->lost = true;
		if (!my_find_answer(bytes) || !my_head(*bytes, &p))
			return false;
		s->number = p.number;
		s->step = ROWS;
		x->req.flags |= REQ_LOST;
		x->req.lost_bytes += io->lost;
		x->req.response_bytes += io->lost + (uint64_t)(bytes->p - from);
		return true;
	}
	/* The end of what was asked before is missing, and this begins the next. */
	if (io->dir == PROTO_TO_CLIENT && x == exchange_newest(io) && s->step == FIRST &&
	    my_head(*bytes, &p) && p.number == s->number && my_follows(*bytes))
		return true;
	exchange_abandon(io);
	return io->dir == PROTO_TO_SERVER && my_find_command(bytes);
}

static void my_release(void *state)
{
	struct my *s = state;

	statements_free(&s->statements);
}

const struct proto proto_mysql = {
	.name = "mysql",
	.help = "MySQL and MariaDB: statements, text and prepared, and other commands",
	.ports = (const uint16_t[]){ 3306, 6033, 0 },
	.stream = true,
	.state_bytes = sizeof(struct my),
	.guess = my_guess,
	.parse = my_parse,
	.resync = my_resync,
	.release = my_release,
};
