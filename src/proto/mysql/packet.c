/* Packets, commands and greetings of MySQL, and what bytes look like them. See packet.h. */
#include "proto/mysql/packet.h"

#include "proto/sql.h"

#define GREETING_MAX 512
#define CHAIN	     3 /* packets in a row that count on */

/* clang-format off */
static const struct my_command commands[256] = {
	[MY_QUIT] = { "QUIT", MY_NONE, 1, 1 },
	[MY_INIT_DB] = { "INIT_DB", MY_PLAIN, 2, 257 },
	[MY_QUERY] = { "QUERY", MY_RESULT, 2, 0 },
	[0x04] = { "FIELD_LIST", MY_ROWS, 2, 512 },
	[0x05] = { "CREATE_DB", MY_PLAIN, 2, 257 },
	[0x06] = { "DROP_DB", MY_PLAIN, 2, 257 },
	[0x07] = { "REFRESH", MY_PLAIN, 2, 2 },
	[0x08] = { "SHUTDOWN", MY_PLAIN, 1, 2 },
	[0x09] = { "STATISTICS", MY_TEXT, 1, 1 },
	[0x0a] = { "PROCESS_INFO", MY_RESULT, 1, 1 },
	[0x0c] = { "PROCESS_KILL", MY_PLAIN, 5, 5 },
	[0x0d] = { "DEBUG", MY_PLAIN, 1, 1 },
	[0x0e] = { "PING", MY_PLAIN, 1, 1 },
	[0x11] = { "CHANGE_USER", MY_AUTH, 3, 65536 },
	[0x12] = { "BINLOG_DUMP", MY_STREAM, 11, 1024 },
	[0x15] = { "REGISTER_SLAVE", MY_PLAIN, 18, 1024 },
	[MY_PREPARE] = { "PREPARE", MY_PREPARED, 2, 0 },
	[MY_EXECUTE] = { "EXECUTE", MY_RESULT, 10, 0 },
	[0x18] = { "SEND_LONG_DATA", MY_NONE, 7, 0 },
	[MY_CLOSE] = { "CLOSE", MY_NONE, 5, 5 },
	[0x1a] = { "RESET", MY_PLAIN, 5, 5 },
	[0x1b] = { "SET_OPTION", MY_PLAIN, 3, 3 },
	[MY_FETCH] = { "FETCH", MY_ROWS, 9, 9 },
	[0x1e] = { "BINLOG_DUMP_GTID", MY_STREAM, 23, 0 },
	[0x1f] = { "RESET_CONNECTION", MY_PLAIN, 1, 1 },
	[MY_BULK] = { "BULK_EXECUTE", MY_RESULT, 7, 0 },
};
/* clang-format on */

const struct my_command *my_command(uint8_t id)
{
	return commands[id].name ? &commands[id] : NULL;
}

bool my_head(struct cur bytes, struct my_packet *ret)
{
	uint8_t h[MY_HEAD];

	if (!cur_copy(&bytes, h, sizeof(h)))
		return false;
	ret->n = h[0] | (uint32_t)h[1] << 8 | (uint32_t)h[2] << 16;
	ret->number = h[3];
	ret->some = cur_of(bytes.p, cur_left(&bytes) < ret->n ? cur_left(&bytes) : ret->n);
	return true;
}

static bool little(struct cur *c, unsigned bytes, uint64_t *ret)
{
	uint8_t b[8];
	uint64_t v = 0;

	if (!cur_copy(c, b, bytes))
		return false;
	for (unsigned i = bytes; i-- > 0;)
		v = v << 8 | b[i];
	*ret = v;
	return true;
}

bool my_le16(struct cur *c, uint16_t *ret)
{
	uint64_t v;

	if (!little(c, 2, &v))
		return false;
	*ret = (uint16_t)v;
	return true;
}

bool my_le32(struct cur *c, uint32_t *ret)
{
	uint64_t v;

	if (!little(c, 4, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

bool my_lenenc(struct cur *c, uint64_t *ret)
{
	struct cur at = *c;
	uint8_t first;
	uint64_t v;

	if (!cur_u8(&at, &first) || first == 0xfb || first == 0xff)
		return false;
	v = first;
	if (first >= 0xfc && !little(&at, first == 0xfc ? 2 : first == 0xfd ? 3 : 8, &v))
		return false;
	*c = at;
	*ret = v;
	return true;
}

bool my_text(struct cur *c, struct str *ret)
{
	const void *nul = cur_left(c) ? memchr(c->p, 0, cur_left(c)) : NULL;

	return nul && cur_str(c, (size_t)((const uint8_t *)nul - c->p), ret) && cur_skip(c, 1);
}

bool my_greeting(const struct my_packet *p, uint32_t *ret_capabilities)
{
	struct cur c = p->some;
	struct str version;
	uint8_t protocol;
	uint16_t low, high = 0;

	if (p->number != 0 || p->n > GREETING_MAX || !cur_u8(&c, &protocol) || protocol != 10)
		return false;
	if (!my_text(&c, &version) || version.n < 3 || version.n > 64)
		return false;
	if (version.p[0] < '0' || version.p[0] > '9' || !memchr(version.p, '.', version.n))
		return false;
	/* thread, 8 bytes of the challenge, 0 */
	if (!cur_skip(&c, 4 + 8) || cur_left(&c) < 1 || *c.p != 0 || !cur_skip(&c, 1) ||
	    !my_le16(&c, &low))
		return false;
	if (cur_skip(&c, 1 + 2) && !my_le16(&c, &high))
		high = 0;
	*ret_capabilities = low | (uint32_t)high << 16;
	return true;
}

struct str my_statement(struct cur c)
{
	/* Attributes: how many, then how many sets of them (1). Text never begins so. */
	if (cur_left(&c) >= 2 && c.p[0] == 0 && c.p[1] == 1)
		c.p += 2;
	else if (cur_left(&c) >= 2 && c.p[0] < '\t' && c.p[1] == 1)
		return STR_NONE;
	return (struct str){ (const char *)c.p, cur_left(&c) };
}

/* A packet that begins a command, as far as its head tells. */
static const struct my_command *as_command(const struct my_packet *p)
{
	const struct my_command *m;

	if (p->number != 0 || p->n == 0 || !cur_left(&p->some))
		return NULL;
	m = my_command(*p->some.p);
	return m && p->n >= m->min && (!m->max || p->n <= m->max) ? m : NULL;
}

bool my_find_command(struct cur *bytes)
{
	struct my_packet p;

	for (struct cur c = *bytes; my_head(c, &p); c.p++)
		if (as_command(&p) && cur_left(&c) == MY_HEAD + p.n) {
			bytes->p = c.p;
			return true;
		}
	return false;
}

/* Packets with numbers that count on, from here on; *ret_ends: the last ends with the bytes. */
static unsigned chain(struct cur c, bool *ret_ends)
{
	struct my_packet p;
	unsigned n = 0;
	uint8_t next = 0;

	*ret_ends = false;
	while (n < CHAIN && my_head(c, &p) && p.n && (n == 0 || p.number == next)) {
		next = (uint8_t)(p.number + 1);
		n++;
		if (cur_left(&p.some) < p.n)
			return n;
		c.p += MY_HEAD + p.n;
		*ret_ends = cur_left(&c) == 0;
	}
	if (n < CHAIN && cur_left(&c) >= MY_HEAD)
		return 0;
	return n;
}

bool my_follows(struct cur bytes)
{
	bool ends;

	return chain(bytes, &ends) >= CHAIN || ends;
}

bool my_find_answer(struct cur *bytes)
{
	bool ends;

	for (struct cur c = *bytes; cur_left(&c) > MY_HEAD; c.p++) {
		unsigned n = chain(c, &ends);

		if (n >= CHAIN || (n == 2 && ends)) {
			bytes->p = c.p;
			return true;
		}
	}
	return false;
}

/* A command that is whole; elsewhere than at the usual port it has to be a statement in SQL. */
static bool sure(const struct my_packet *p, bool whole, bool usual)
{
	struct sql sql;
	struct cur c = p->some;
	uint8_t id;

	if (!whole || !cur_u8(&c, &id))
		return false;
	if (id != MY_QUERY && id != MY_PREPARE)
		return usual;
	sql_read(my_statement(c), SQL_MYSQL, &sql);
	return sql.method.n && !str_eq(sql.method, STR("OTHER"));
}

enum proto_guess my_guess(struct str head, bool usual)
{
	struct cur c = cur_of(head.p, head.n);
	struct my_packet p;
	uint32_t capabilities;
	bool ends;

	if (!my_head(c, &p) || (p.n && !cur_left(&p.some)))
		return GUESS_MORE;
	if (!p.n)
		return GUESS_NO;
	if (my_greeting(&p, &capabilities))
		return GUESS_RESPONSE;
	if (as_command(&p)) {
		if (sure(&p, cur_left(&c) == MY_HEAD + p.n, usual))
			return GUESS_REQUEST;
		return cur_left(&p.some) < p.n ? GUESS_MORE : GUESS_NO;
	}
	if (p.number == 0 && *p.some.p == 10 && p.n <= GREETING_MAX && cur_left(&p.some) < p.n)
		return GUESS_MORE;
	if (usual && p.number == 1 && (chain(c, &ends) >= CHAIN || ends))
		return GUESS_RESPONSE;
	return GUESS_NO;
}
