/* PostgreSQL's messages by direction and type, and what bytes look like them. See message.h. */
#include "proto/postgres/message.h"

#include "proto/sql.h"

#define BIG	    0x1fffffff /* PostgreSQL's is twice that; text instead of a length is always more */
#define CHAIN	    4	       /* messages in a row that are believed */
#define STARTUP_MAX 10000

/* --- bodies --- */

static bool ready(struct cur some, uint32_t n)
{
	uint8_t c = 0;

	(void)n;
	return !cur_u8(&some, &c) || c == 'I' || c == 'T' || c == 'E';
}

/* Its name begins with which kind of name it is. */
static bool named(struct cur some, uint32_t n)
{
	uint8_t c = 0;

	(void)n;
	return !cur_u8(&some, &c) || c == 'S' || c == 'P';
}

static bool data_row(struct cur some, uint32_t n)
{
	uint16_t columns = 0;

	return !pg_be16(&some, &columns) || 2 + 4 * (uint32_t)columns <= n;
}

static bool row_description(struct cur some, uint32_t n)
{
	uint16_t columns = 0;

	return !pg_be16(&some, &columns) || 2 + 19 * (uint32_t)columns <= n;
}

static bool parameters(struct cur some, uint32_t n)
{
	uint16_t columns = 0;

	return !pg_be16(&some, &columns) || 2 + 4 * (uint32_t)columns == n;
}

static bool copy_response(struct cur some, uint32_t n)
{
	uint8_t format = 0;
	uint16_t columns = 0;

	if (cur_u8(&some, &format) && format > 1)
		return false;
	return !pg_be16(&some, &columns) || 3 + 2 * (uint32_t)columns == n;
}

/* Fields, of which the first is the severity. */
static bool notice(struct cur some, uint32_t n)
{
	uint8_t c = 0;

	(void)n;
	return !cur_u8(&some, &c) || c == 'S';
}

static bool tag(struct cur some, uint32_t n)
{
	uint8_t c = 0;

	(void)n;
	return !cur_u8(&some, &c) || (c >= 'A' && c <= 'Z');
}

/* Text that ends with the body. */
static bool text(struct cur some, uint32_t n)
{
	const void *nul = cur_left(&some) ? memchr(some.p, 0, cur_left(&some)) : NULL;

	return !nul || (const uint8_t *)nul == some.p + n - 1;
}

static bool authentication(struct cur some, uint32_t n)
{
	uint32_t code = 0;

	(void)n;
	return !pg_be32(&some, &code) || code <= 12;
}

/* --- the tables --- */

/* clang-format off */
static const struct pg_message client[128] = {
	['B'] = { 12, BIG, true },	      ['C'] = { 6, 1024, true, named },	['D'] = { 6, 1024, false, named },
	['E'] = { 9, 1024, true },	      ['F'] = { 14, BIG, true },	['H'] = { 4, 4 },
	['P'] = { 8, BIG, true },	      ['Q'] = { 5, BIG, true, text },	['S'] = { 4, 4 },
	['X'] = { 4, 4 },		      ['c'] = { 4, 4 },			['d'] = { 4, BIG },
	['f'] = { 5, 65536, false, text },    ['p'] = { 5, 65540 },
};
static const struct pg_message server[128] = {
	['1'] = { 4, 4 },		      ['2'] = { 4, 4 },			['3'] = { 4, 4 },
	['A'] = { 10, 65536, true },	      ['C'] = { 5, 512, true, tag },	['D'] = { 6, BIG, false, data_row },
	['E'] = { 5, BIG, true, notice },     ['G'] = { 7, 65536, false, copy_response },
	['H'] = { 7, 65536, false, copy_response }, ['I'] = { 4, 4 },		['K'] = { 12, 512 },
	['N'] = { 5, BIG, false, notice },    ['R'] = { 8, 65536, true, authentication },
	['S'] = { 6, 65536 },		      ['T'] = { 6, 1 << 20, false, row_description },
	['V'] = { 8, BIG },		      ['W'] = { 7, 65536, false, copy_response },
	['Z'] = { 5, 5, true, ready },	      ['c'] = { 4, 4 },			['d'] = { 4, BIG },
	['n'] = { 4, 4 },		      ['s'] = { 4, 4 },			['t'] = { 6, 1 << 18, false, parameters },
	['v'] = { 12, 65536 },
};
/* clang-format on */

const struct pg_message *pg_message(enum proto_dir dir, uint8_t type)
{
	const struct pg_message *m = dir == PROTO_TO_SERVER ? client : server;

	return type < 128 && m[type].max ? &m[type] : NULL;
}

int pg_head(enum proto_dir dir, struct cur bytes, uint8_t *ret_type, uint32_t *ret_length)
{
	const struct pg_message *m;
	uint8_t type;
	uint32_t length;

	if (!cur_u8(&bytes, &type))
		return 0;
	m = pg_message(dir, type);
	if (!m)
		return -1;
	if (!pg_be32(&bytes, &length))
		return 0;
	if (length < m->min || length > m->max)
		return -1;
	if (cur_left(&bytes) > length - 4)
		bytes.end = bytes.p + (length - 4);
	if (m->body && !m->body(bytes, length - 4))
		return -1;
	*ret_type = type;
	*ret_length = length;
	return 1;
}

/* --- what bytes look like --- */

struct chain {
	unsigned n;	/* messages with whole heads */
	unsigned whole; /* of them whole */
	bool ends;	/* the last ends with the bytes */
	uint8_t last;
};

/* Messages that follow each other from here on; false: something does not fit. */
static bool chain(enum proto_dir dir, struct cur bytes, struct chain *ret)
{
	struct chain c = { 0 };
	uint32_t length = 0;
	int res = 1;

	while (c.n < CHAIN && cur_left(&bytes)) {
		res = pg_head(dir, bytes, &c.last, &length);
		if (res <= 0)
			break;
		c.n++;
		if (!cur_skip(&bytes, 1 + (size_t)length))
			break;
		c.whole++;
	}
	c.ends = c.n && c.whole == c.n && cur_left(&bytes) == 0;
	*ret = c;
	return res >= 0;
}

/* Three heads in a row, or two that end with the bytes, or the mark after each answer. */
static bool believed(enum proto_dir dir, struct cur bytes)
{
	struct chain c;

	if (!chain(dir, bytes, &c) || c.n == 0)
		return false;
	if (c.n >= CHAIN - 1)
		return true;
	return c.ends && (c.n >= 2 || c.last == 'Z' || c.last == 'Q' || c.last == 'C');
}

bool pg_find(enum proto_dir dir, struct cur *bytes)
{
	for (struct cur c = *bytes; cur_left(&c); c.p++)
		if (pg_message(dir, *c.p) && believed(dir, c)) {
			bytes->p = c.p;
			return true;
		}
	return false;
}

static enum proto_guess guess_startup(struct cur c)
{
	uint32_t length, code;

	if (!pg_be32(&c, &length) || !pg_be32(&c, &code))
		return GUESS_MORE;
	if ((code == PG_SSL || code == PG_GSS) && length == 8)
		return GUESS_REQUEST;
	if (code == PG_CANCEL && length >= 16 && length <= 268)
		return GUESS_REQUEST;
	if (code >> 16 != 3 || (code & 0xffff) > 2 || length < 9 || length > STARTUP_MAX)
		return GUESS_NO;
	return GUESS_REQUEST;
}

/* Whether the first message is a statement in SQL. */
static bool is_statement(struct cur c)
{
	struct str name, s;
	uint8_t type = *c.p;
	struct sql sql;

	if ((type != 'Q' && type != 'P') || !cur_skip(&c, PG_HEAD))
		return false;
	if (type == 'P' && !pg_text(&c, &name))
		return false;
	if (!pg_text(&c, &s))
		return false;
	sql_read(s, SQL_POSTGRES, &sql);
	return sql.method.n && !str_eq(sql.method, STR("OTHER"));
}

/* Elsewhere than at the usual port a message has to be a statement, or an answer be whole. */
static bool sure(enum proto_dir dir, struct cur bytes, const struct chain *c, bool usual)
{
	if (usual)
		return c->whole >= 1 || c->n >= 2;
	if (dir == PROTO_TO_SERVER)
		return (c->whole >= 1 && is_statement(bytes)) ||
		       (c->whole >= 3 && c->ends && c->last == 'S');
	return c->n >= CHAIN || (c->whole >= 2 && c->ends && c->last == 'Z');
}

enum proto_guess pg_guess(struct str head, bool usual)
{
	static const enum proto_guess dirs[] = { GUESS_REQUEST, GUESS_RESPONSE };
	struct cur bytes = cur_of(head.p, head.n);
	enum proto_guess res = GUESS_NO;
	struct chain c;

	if (head.p[0] == 0)
		return guess_startup(bytes);
	for (int dir = PROTO_TO_SERVER; dir <= PROTO_TO_CLIENT; dir++) {
		if (!chain((enum proto_dir)dir, bytes, &c))
			continue;
		if (c.n && sure((enum proto_dir)dir, bytes, &c, usual))
			return dirs[dir];
		/* Text that begins like a head has a length that is out of reach. */
		if (c.whole == 0 || usual)
			res = GUESS_MORE;
	}
	return res;
}
