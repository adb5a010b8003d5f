/*
 * Conversations with MySQL and MariaDB as bytes, and the requests in them. Packets are as MySQL's internals manual has
 * them.
 */
#include "proto/feed_test.h"
#include "proto/mysql/packet.h"
#include "proto/statement.h"

#define GREETED       \
	"4\0\0\0\x0a" \
	"8.0.36\0\1\0\0\0abcdefgh\0\xff\xff-\2\0\xff\xff\x15\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0"
#define LOGIN \
	"3\0\0\1\x0d\xa2:\0\0\0\0\1!\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0bob\0\2pwshop\0native\0"
#define PACKED \
	"3\0\0\1-\xa2:\0\0\0\0\1!\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0bob\0\2pwshop\0native\0"
#define TLS    " \0\0\1\x0d\xaa:\0\0\0\0\1!\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define OK1    "\7\0\0\1\0\0\0\2\0\0\0"
#define OK2    "\7\0\0\2\0\0\0\2\0\0\0"
#define SELECT "\x1c\0\0\0\3SELECT a FROM t WHERE b='7'"
#define PING   "\1\0\0\0\x0e"
/* One column, two rows: with EOF, and with OK in its place. */
#define RESULT                 \
	"\1\0\0\1\1"           \
	"\4\0\0\2\3def"        \
	"\5\0\0\3\xfe\0\0\2\0" \
	"\2\0\0\4\1"           \
	"1"                    \
	"\2\0\0\5\1"           \
	"2"                    \
	"\5\0\0\6\xfe\0\0\2\0"
#define RESULT_OK       \
	"\1\0\0\1\1"    \
	"\4\0\0\2\3def" \
	"\2\0\0\3\1"    \
	"1"             \
	"\2\0\0\4\1"    \
	"2"             \
	"\7\0\0\5\xfe\0\0\2\0\0\0"

static void login(void **state)
{
	static const struct feed talk[] = {
		SERVER(GREETED),
		CLIENT(LOGIN),
		SERVER("\x09\0\0\2\xfesha2\0abc"),
		CLIENT("\6\0\0\3secret"),
		SERVER("\2\0\0\4\1\3"
		       "\7\0\0\5\0\0\0\2\0\0\0"),
		CLIENT(SELECT),
		SERVER(RESULT),
		CLIENT("\6\0\0\0\2other"),
		SERVER(OK1),
		CLIENT(PING),
		SERVER(OK1),
		CLIENT("\5\0\0\0\x11tom\0"),
		SERVER("\x09\0\0\1\xfesha2\0abc"),
		CLIENT("\6\0\0\2secret"),
		SERVER("%\0\0\3\xff\x15\4#28000Access denied for user 'tom'"),
		CLIENT("\1\0\0\0\1"),
	};

	(void)state;
	FEED_CHECK(&proto_mysql, talk,
		   "mysql CONNECT - OK ok req=65 resp=30 host=shop agent=bob times=2+1+3\n"
		   "mysql SELECT \"SELECT a FROM t WHERE b=?\" OK ok req=32 resp=43 items=2 "
		   "route=\"SELECT t\" host=shop agent=bob times=6+1+1\n"
		   "mysql INIT_DB other OK ok req=10 resp=11 host=shop agent=bob times=8+1+1\n"
		   "mysql PING - OK ok req=5 resp=11 host=other agent=bob times=10+1+1\n"
		   "mysql CHANGE_USER - 1045 error req=19 resp=54 host=other agent=bob "
		   "error=\"28000: Access denied for user 'tom'\" times=12+1+3\n"
		   "mysql QUIT - - unknown req=5 resp=0 host=other agent=bob times=16+none+0 flags=oneway\n",
		   .times = true);
}

static void unreadable(void **state)
{
	static const struct feed tls[] = { SERVER(GREETED), CLIENT(TLS), CLIENT("\x16\3\1" SELECT),
					   SERVER(RESULT) };
	static const struct feed packed[] = { SERVER(GREETED), CLIENT(PACKED), SERVER(OK2),
					      CLIENT(SELECT), SERVER(RESULT) };

	(void)state;
	FEED_CHECK(&proto_mysql, tls, "");
	FEED_CHECK(&proto_mysql, packed,
		   "mysql CONNECT - OK ok req=55 resp=11 host=shop agent=bob\n");
}

static void queries(void **state)
{
	static const struct feed talk[] = {
		CLIENT(SELECT),
		SERVER(RESULT_OK),
		CLIENT("\x1d\0\0\0\3INSERT INTO t VALUES (1),(2)"),
		SERVER("\7\0\0\1\0\2\0\2\0\0\0"),
		/* two statements, then a procedure's result and its OK */
		CLIENT("\x13\0\0\0\3SELECT 1; CALL p()"),
		SERVER("\1\0\0\1\1"
		       "\4\0\0\2\3def"
		       "\5\0\0\3\xfe\0\0\x0a\0"
		       "\2\0\0\4\1"
		       "1"
		       "\5\0\0\5\xfe\0\0\x0a\0"
		       "\1\0\0\6\1"
		       "\4\0\0\7\3def"
		       "\5\0\0\x08\xfe\0\0\x0a\0"
		       "\1\0\0\x09\xfb"
		       "\5\0\0\x0a\xfe\0\0\x0a\0"
		       "\7\0\0\x0b\0\1\0\2\0\0\0"),
		/* fails at once, and in the middle of its rows */
		CLIENT("\x0a\0\0\0\3SELEC 'x'"),
		SERVER("#\0\0\1\xff(\4#42000near 'SELEC 'x'' at line 1"),
		CLIENT(SELECT),
		SERVER("\1\0\0\1\1"
		       "\4\0\0\2\3def"
		       "\5\0\0\3\xfe\0\0\2\0"
		       "\2\0\0\4\1"
		       "1"
		       "\x14\0\0\5\xff%\5#70100interrupted"),
	};

	(void)state;
	FEED_CHECK(
		&proto_mysql, talk,
		"mysql SELECT \"SELECT a FROM t WHERE b=?\" OK ok req=32 resp=36 items=2 route=\"SELECT t\"\n"
		"mysql INSERT \"INSERT INTO t VALUES (?)\" OK ok req=33 resp=11 items=2 route=\"INSERT t\"\n"
		"mysql SELECT \"SELECT ?; CALL p()\" OK ok req=23 resp=84 items=3 route=\"SELECT CALL p\"\n"
		"mysql OTHER \"SELEC ?\" 1064 error req=14 resp=39 error=\"42000: near ? at line 1\"\n"
		"mysql SELECT \"SELECT a FROM t WHERE b=?\" 1317 error req=32 resp=52 items=1 "
		"route=\"SELECT t\" error=\"70100: interrupted\"\n");
}

static void other_commands(void **state)
{
	static const struct feed talk[] = {
		/* with MySQL 8's attributes: none, one */
		CLIENT("\x0b\0\0\0\3\0\1SELECT 1"),
		SERVER(RESULT),
		CLIENT("\x13\0\0\0\3\1\1\0\1\3\0\1a\5xSELECT 1"),
		SERVER(RESULT),
		CLIENT("(\0\0\0\3LOAD DATA LOCAL INFILE 'x' INTO TABLE t"),
		SERVER("\2\0\0\1\xfbx"),
		CLIENT("\4\0\0\2"
		       "1\x0a"
		       "2\x0a"
		       "\0\0\0\3"),
		SERVER("\x0d\0\0\4\xff\xff\xff\1\2\2\0\0\0\3end"
		       "\7\0\0\5\0\2\0\2\0\0\0"),
		CLIENT("\1\0\0\0\x09"),
		SERVER("\x09\0\0\1Uptime: 1"),
		CLIENT("\3\0\0\0\4t\0"),
		SERVER("\4\0\0\1\3def"
		       "\4\0\0\2\3def"
		       "\5\0\0\3\xfe\0\0\2\0"),
	};

	(void)state;
	FEED_CHECK(&proto_mysql, talk,
		   "mysql SELECT \"SELECT ?\" OK ok req=15 resp=43 items=2 route=SELECT\n"
		   "mysql QUERY - OK ok req=23 resp=43 items=2\n"
		   "mysql LOAD \"LOAD DATA LOCAL INFILE ? INTO TABLE t\" OK ok req=56 resp=34 items=2 "
		   "route=\"LOAD t\"\n"
		   "mysql STATISTICS - OK ok req=5 resp=13\n"
		   "mysql FIELD_LIST - OK ok req=7 resp=25 items=2\n");
}

#define EXECUTE7 "\x0a\0\0\0\x17\7\0\0\0\0\1\0\0\0"

static void prepared(void **state)
{
	static const struct feed talk[] = {
		CLIENT("\"\0\0\0\x16SELECT a FROM t WHERE b=? AND c=3"),
		SERVER("\x0c\0\0\1\0\7\0\0\0\1\0\1\0\0\0\0"
		       "\4\0\0\2\3def"
		       "\5\0\0\3\xfe\0\0\2\0"
		       "\4\0\0\4\3def"
		       "\5\0\0\5\xfe\0\0\2\0"),
		CLIENT("\x0b\0\0\0\x18\7\0\0\0\0\0data"),
		CLIENT(EXECUTE7),
		SERVER("\1\0\0\1\1"
		       "\4\0\0\2\3def"
		       "\5\0\0\3\xfe\0\0\2\0"
		       "\3\0\0\4\0\0\1"
		       "\5\0\0\5\xfe\0\0\2\0"),
		/* with a cursor, then its rows */
		CLIENT("\x0a\0\0\0\x17\7\0\0\0\1\1\0\0\0"),
		SERVER("\1\0\0\1\1"
		       "\4\0\0\2\3def"
		       "\5\0\0\3\xfe\0\0B\0"),
		CLIENT("\x09\0\0\0\x1c\7\0\0\0\2\0\0\0"),
		SERVER("\3\0\0\1\0\0\1"
		       "\3\0\0\2\0\0\2"
		       "\5\0\0\3\xfe\0\0\x82\0"),
		CLIENT("\5\0\0\0\x1a\7\0\0\0"),
		SERVER(OK1),
		CLIENT("\x0a\0\0\0\x17\xff\xff\xff\xff\0\1\0\0\0"),
		SERVER("\1\0\0\1\1"
		       "\4\0\0\2\3def"
		       "\3\0\0\3\0\0\1"
		       "\7\0\0\4\xfe\0\0\2\0\0\0"),
	};

	(void)state;
	FEED_CHECK(&proto_mysql, talk,
		   "mysql PREPARE \"SELECT a FROM t WHERE b=? AND c=?\" OK ok req=38 resp=41 route=\"SELECT t\"\n"
		   "mysql SELECT \"SELECT a FROM t WHERE b=? AND c=?\" OK ok req=14 resp=38 items=1 "
		   "route=\"SELECT t\"\n"
		   "mysql SELECT \"SELECT a FROM t WHERE b=? AND c=?\" OK ok req=14 resp=22 route=\"SELECT t\"\n"
		   "mysql FETCH \"SELECT a FROM t WHERE b=? AND c=?\" OK ok req=13 resp=23 items=2 "
		   "route=\"SELECT t\"\n"
		   "mysql RESET - OK ok req=9 resp=11\n"
		   "mysql SELECT \"SELECT a FROM t WHERE b=? AND c=?\" OK ok req=14 resp=31 items=1 "
		   "route=\"SELECT t\"\n");
}

/* Closed, never known, refused; and what is no answer. */
static void not_prepared(void **state)
{
	static const struct feed talk[] = {
		CLIENT("\x09\0\0\0\x16SELECT 1"),
		SERVER("\x0c\0\0\1\0\7\0\0\0\0\0\0\0\0\0\0"),
		CLIENT("\5\0\0\0\x19\7\0\0\0"),
		CLIENT(EXECUTE7),
		SERVER("\x1e\0\0\1\xff\xdb\4#HY000Unknown statement (7)"),
		CLIENT("\x14\0\0\0\x16INSERT t VALUES (1)"),
		SERVER("\x0c\0\0\1\0\x08\0\0\0\0\0\0\0\0\0\0"),
		CLIENT("\2\0\0\0\x16x"),
		SERVER("\x11\0\0\1\xff(\4#42000near 'x'"),
		CLIENT("\x0c\0\0\0\x12\4\0\0\0\0\0\1\0\0\0b"),
		SERVER("\6\0\0\1\0event"
		       "\6\0\0\2\0event"),
	};

	(void)state;
	FEED_CHECK(&proto_mysql, talk,
		   "mysql PREPARE \"SELECT ?\" OK ok req=13 resp=16 route=SELECT\n"
		   "mysql EXECUTE - 1243 error req=14 resp=34 error=\"HY000: Unknown statement (7)\"\n"
		   "mysql PREPARE \"INSERT t VALUES (?)\" OK ok req=24 resp=16 route=\"INSERT t\"\n"
		   "mysql PREPARE x 1064 error req=6 resp=21 error=\"42000: near ?\"\n"
		   "mysql BINLOG_DUMP - OK ok req=16 resp=10 flags=stream\n");
}

static void midway(void **state)
{
	static const struct feed talk[] = {
		SERVER("rows of something"),
		CLIENT(EXECUTE7),
		SERVER(RESULT_OK),
		CLIENT(SELECT),
		SERVER(RESULT),
	};

	(void)state;
	FEED_CHECK(&proto_mysql, talk,
		   "mysql EXECUTE - OK ok req=14 resp=36 items=2 flags=midway\n"
		   "mysql SELECT \"SELECT a FROM t WHERE b=?\" OK ok req=32 resp=43 items=2 "
		   "route=\"SELECT t\" flags=midway\n",
		   .midway = true);
}

/* Rows that are missing leave their request; its head, or a command, does not. */
static void gaps(void **state)
{
	static const struct feed rows[] = {
		CLIENT(SELECT),
		SERVER("\1\0\0\1\1"
		       "\4\0\0\2\3def"
		       "\5\0\0\3\xfe\0\0\2\0"
		       "\2\0\0\4\1"
		       "1"),
		SERVER_LOST(100),
		SERVER("xxx"
		       "\2\0\0\x14\1"
		       "1"
		       "\2\0\0\x15\1"
		       "2"
		       "\5\0\0\x16\xfe\0\0\2\0"),
		CLIENT(SELECT),
		SERVER(RESULT),
	};
	static const struct feed end[] = {
		CLIENT(SELECT),
		SERVER("\1\0\0\1\1"
		       "\4\0\0\2\3def"
		       "\5\0\0\3\xfe\0\0\2\0"
		       "\2\0\0\4\1"
		       "1"),
		SERVER_LOST(100),
		CLIENT(SELECT),
		SERVER(RESULT),
		CLIENT(SELECT),
		SERVER(RESULT),
	};
	static const struct feed asked[] = {
		CLIENT_LOST(40),
		SERVER(RESULT),
		CLIENT(SELECT),
		SERVER(RESULT),
	};

	(void)state;
	FEED_CHECK(
		&proto_mysql, rows,
		"mysql SELECT \"SELECT a FROM t WHERE b=?\" OK ok req=32 resp=152 lost=100 items=3 "
		"route=\"SELECT t\" flags=lost\n"
		"mysql SELECT \"SELECT a FROM t WHERE b=?\" OK ok req=32 resp=43 items=2 route=\"SELECT t\"\n",
		.once = true);
	FEED_CHECK(
		&proto_mysql, end,
		"mysql SELECT \"SELECT a FROM t WHERE b=?\" - unknown req=32 resp=28 items=1 "
		"route=\"SELECT t\" flags=lost\n"
		"mysql SELECT \"SELECT a FROM t WHERE b=?\" OK ok req=32 resp=43 items=2 route=\"SELECT t\"\n"
		"mysql SELECT \"SELECT a FROM t WHERE b=?\" OK ok req=32 resp=43 items=2 route=\"SELECT t\"\n",
		.once = true);
	FEED_CHECK(&proto_mysql, asked,
		   "mysql SELECT \"SELECT a FROM t WHERE b=?\" OK ok req=32 resp=43 items=2 route=\"SELECT t\"\n",
		   .once = true);
}

/* A row of more than 16 MiB in two packets, most of it never captured; a statement longer than is kept. */
static void large(void **state)
{
	static char query[70000];
	static const struct feed talk[] = {
		CLIENT(SELECT),
		SERVER("\1\0\0\1\1"
		       "\4\0\0\2\3def"
		       "\5\0\0\3\xfe\0\0\2\0"
		       "\xff\xff\xff\4"
		       "\xfd"),
		SERVER_LOST(0xffffff - 1),
		SERVER("\2\0\0\5"
		       "xx"
		       "\2\0\0\6\1"
		       "1"
		       "\5\0\0\7\xfe\0\0\2\0"),
		{ PROTO_TO_SERVER, { query, sizeof(query) }, 0 },
		SERVER("\7\0\0\1\0\1\0\2\0\0\0"),
	};

	(void)state;
	memset(query, 'x', sizeof(query));
	memcpy(query, "\x6c\x11\1\0\3INSERT INTO t VALUES ('", 28);
	FEED_CHECK(&proto_mysql, talk,
		   "mysql SELECT \"SELECT a FROM t WHERE b=?\" OK ok req=32 resp=16777262 items=2 route=\"SELECT t\"\n"
		   "mysql INSERT \"INSERT INTO t VALUES (?\" OK ok req=70000 resp=11 items=1 route=\"INSERT t\" "
		   "flags=cut\n",
		   .once = true);
	/* What the kernel copies of a large call is less than is waited for. */
	FEED_CHECK(&proto_mysql, talk,
		   "mysql SELECT \"SELECT a FROM t WHERE b=?\" OK ok req=32 resp=16777262 items=2 route=\"SELECT t\"\n"
		   "mysql INSERT \"INSERT INTO t VALUES (?\" OK ok req=70000 resp=11 items=1 route=\"INSERT t\" "
		   "flags=cut\n",
		   .capture = STATEMENT_HOLD / 2);
}

#define G(lit) { (lit), sizeof(lit) - 1 }

static const struct {
	struct str head;
	bool usual;
	enum proto_guess guess;
} guesses[] = {
	/* clang-format off */
	{ G(GREETED), false, GUESS_RESPONSE },
	{ G(SELECT), false, GUESS_REQUEST },
	{ G("\x0a\0\0\0\x16 select 1"), false, GUESS_REQUEST },
	{ G("\x14\0\0\0\3\0\1/* x */ SET a = 1"), false, GUESS_REQUEST },
	{ G(PING), true, GUESS_REQUEST },
	{ G(EXECUTE7), true, GUESS_REQUEST },
	{ G(RESULT), true, GUESS_RESPONSE },
	{ G(OK1), true, GUESS_RESPONSE },
	{ G("\x30\0\0\0\3SEL"), false, GUESS_MORE },
	{ G("\1\0"), false, GUESS_MORE },
	{ G(PING), false, GUESS_NO },
	{ G(EXECUTE7), false, GUESS_NO },
	{ G(RESULT), false, GUESS_NO },
	{ G(OK1), false, GUESS_NO },
	{ G("\6\0\0\0\3hello"), false, GUESS_NO },
	{ G("GET / HTTP/1.1\r\n\r\n"), true, GUESS_NO },
	{ G("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), true, GUESS_NO },
	{ G("*1\r\n$4\r\nPING\r\n"), true, GUESS_NO },
	{ G("\x16\3\1\2\0\1\0\1\xfc\3\3"), true, GUESS_NO },
	{ G("SSH-2.0-OpenSSH\r\n"), true, GUESS_NO },
	{ G("\0\0\0\x08\x04\xd2\x16\x2f"), true, GUESS_NO },
	{ G("AMQP\0\0\x09\1"), true, GUESS_NO },
	{ G("\5\0\0\0\x0axyz\0"), true, GUESS_NO },
	{ G("\1\0\0\0\x7f"), true, GUESS_NO },
	/* clang-format on */
};

static void guess(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++) {
		enum proto_guess g = proto_mysql.guess(guesses[i].head, guesses[i].usual);

		if (g != guesses[i].guess)
			print_error("row %zu: %d\n", i, g);
		assert_int_equal(g, guesses[i].guess);
	}
}

/* What is no command or does not count on is refused, and said; the rest has no effect. */
static void hostile(void **state)
{
	static const struct {
		struct feed items[2];
		const char *lines;
	} rows[] = {
		/* clang-format off */
		{ { CLIENT("\1\0\0\0\x7f") }, "! command\n" },
		{ { CLIENT("\2\0\0\0\x0e\0") }, "! command\n" },
		{ { CLIENT("\2\0\0\0\x19\0") }, "! command\n" },
		{ { CLIENT("\3\0\0\0\x17\1\0") }, "! command\n" },
		{ { CLIENT("\1\0\0\0\3") }, "! command\n" },
		{ { CLIENT("\xff\xff\xff\0\xff") }, "! command\n" },
		{ { CLIENT(PING), SERVER(OK2) }, "! number\nmysql PING - - unknown req=5 resp=0 flags=lost\n" },
		{ { CLIENT(PING), SERVER("\0\0\0\0") }, "! number\nmysql PING - - unknown req=5 resp=0 flags=lost\n" },
		{ { CLIENT(SELECT), SERVER("\1\0\0\1\1" "\4\0\0\3\3def") }, "! number\nmysql SELECT \"SELECT a FROM t WHERE b=?\" - unknown req=32 resp=5 route=\"SELECT t\" flags=unanswered\n" },
		{ { CLIENT("\0\0\0\0") }, "" },
		{ { CLIENT("\4\0\0\5xxxx") }, "" },
		{ { SERVER(RESULT) }, "" },
		{ { SERVER("\xff\xff\xff\xff\xff") }, "" },
		{ { CLIENT(PING), SERVER("\1\0\0\1\xff") }, "mysql PING - - unknown req=5 resp=5 flags=unanswered\n" },
		{ { CLIENT(SELECT), SERVER("\x09\0\0\1\xfe\xff\xff\xff\xff\xff\xff\xff\xff") }, "mysql SELECT \"SELECT a FROM t WHERE b=?\" OK ok req=32 resp=13 route=\"SELECT t\"\n" },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		feed_check(&proto_mysql, &(const struct feed_opts){ .once = true }, rows[i].items,
			   rows[i].items[1].bytes.n ? 2 : 1, rows[i].lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(login),    cmocka_unit_test(unreadable),
		cmocka_unit_test(queries),  cmocka_unit_test(other_commands),
		cmocka_unit_test(prepared), cmocka_unit_test(not_prepared),
		cmocka_unit_test(midway),   cmocka_unit_test(gaps),
		cmocka_unit_test(large),    cmocka_unit_test(guess),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
