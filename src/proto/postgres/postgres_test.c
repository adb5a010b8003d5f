/*
 * Conversations with PostgreSQL as bytes, and the requests in them. The bytes are as the manual's chapter 55 has them.
 */
#include "proto/feed_test.h"
#include "proto/postgres/message.h"
#include "proto/statement.h"

#define STARTUP "\0\0\0 \0\3\0\0user\0bob\0database\0shop\0\0"
#define AUTH_OK "R\0\0\0\x08\0\0\0\0"
#define KEY	"K\0\0\0\x0c\0\0\0\1\0\0\0\2"
#define READY	"Z\0\0\0\5I"
#define ROW                       \
	"D\0\0\0\x0b\0\1\0\0\0\1" \
	"1"
#define COLUMNS "T\0\0\0\x1a\0\1x\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\0"
#define SYNC	"S\0\0\0\4"
#define BIND	"B\0\0\0\x0c\0\0\0\0\0\0\0\0"
#define BIND_S1 "B\0\0\0\x0e\0s1\0\0\0\0\0\0\0"
#define EXECUTE "E\0\0\0\x09\0\0\0\0\0"
#define SELECT1 "C\0\0\0\x0dSELECT 1\0"
#define PARSED	"1\0\0\0\4"
#define BOUND	"2\0\0\0\4"
#define NO_DATA "n\0\0\0\4"
#define INSERT	"P\0\0\0\x10\0INSERT a\0\0\0"

static void startup_and_queries(void **state)
{
	static const struct feed talk[] = {
		CLIENT("\0\0\0\x08\x04\xd2\x16\x2f"),
		SERVER("N"),
		CLIENT(STARTUP),
		SERVER("R\0\0\0\x08\0\0\0\3"),
		CLIENT("p\0\0\0\x0bsecret\0"),
		SERVER(AUTH_OK "S\0\0\0\x08"
			       "a\0b\0" KEY READY),
		CLIENT("Q\0\0\0\x1cSELECT a FROM t WHERE 1\0"),
		SERVER(COLUMNS ROW ROW "C\0\0\0\x0dSELECT 2\0" READY),
		CLIENT("Q\0\0\0#BEGIN; UPDATE t SET a='7'; END\0"),
		SERVER("C\0\0\0\x0a"
		       "BEGIN\0"
		       "C\0\0\0\x0dUPDATE 3\0"
		       "C\0\0\0\x0b"
		       "COMMIT\0" READY),
		CLIENT("Q\0\0\0\5\0"),
		SERVER("I\0\0\0\4" READY),
		CLIENT("X\0\0\0\4"),
	};

	(void)state;
	FEED_CHECK(&proto_postgres, talk,
		   "postgres CONNECT - OK ok req=44 resp=46 host=shop agent=bob times=3+1+3\n"
		   "postgres SELECT \"SELECT a FROM t WHERE ?\" OK ok req=29 resp=71 items=2 "
		   "route=\"SELECT t\" host=shop agent=bob times=7+1+1\n"
		   "postgres BEGIN \"BEGIN; UPDATE t SET a=?; END\" OK ok req=36 resp=43 items=3 "
		   "route=\"BEGIN UPDATE t END\" host=shop agent=bob times=9+1+1\n"
		   "postgres QUERY \"\" OK ok req=6 resp=11 host=shop agent=bob times=11+1+1\n"
		   "postgres TERMINATE - - unknown req=5 resp=0 host=shop agent=bob times=13+none+0 "
		   "flags=oneway\n",
		   .times = true);
}

static void encryption(void **state)
{
	static const struct feed tls[] = {
		CLIENT("\0\0\0\x08\x04\xd2\x16\x30"),
		SERVER("N"),
		CLIENT("\0\0\0\x08\x04\xd2\x16\x2f"),
		SERVER("S"),
		CLIENT("\x16\3\1"
		       "Q\0\0\0\5\0"),
	};
	static const struct feed cancel[] = { CLIENT("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2") };
	static const struct feed refused[] = {
		CLIENT(STARTUP),
		SERVER("E\0\0\0*SFATAL\0VFATAL\0C28P01\0Mwrong password\0\0"),
	};

	(void)state;
	FEED_CHECK(&proto_postgres, tls, "");
	FEED_CHECK(&proto_postgres, cancel,
		   "postgres CANCEL - - unknown req=16 resp=0 flags=oneway\n");
	FEED_CHECK(&proto_postgres, refused,
		   "postgres CONNECT - 28P01 error req=32 resp=43 host=shop agent=bob "
		   "error=\"FATAL: wrong password\"\n");
}

static void extended(void **state)
{
	static const struct feed talk[] = {
		/* all at once, unnamed */
		CLIENT("P\0\0\0 \0SELECT a FROM t WHERE $1\0\0\0" BIND "D\0\0\0\6P\0" EXECUTE SYNC),
		SERVER(PARSED BOUND COLUMNS ROW SELECT1 READY),
		/* prepared first, then executed: whole, in two parts, after its end */
		CLIENT("P\0\0\0\x1bs1\0INSERT INTO u (1)\0\0\0"
		       "D\0\0\0\x08Ss1\0" SYNC),
		SERVER(PARSED "t\0\0\0\6\0\0" NO_DATA READY),
		CLIENT(BIND_S1 EXECUTE SYNC),
		SERVER(BOUND "C\0\0\0\x0fINSERT 0 5\0" READY),
		CLIENT(BIND_S1 "E\0\0\0\x09\0\0\0\0\2" SYNC),
		SERVER(BOUND ROW ROW "s\0\0\0\4" READY),
		CLIENT(EXECUTE SYNC),
		SERVER(ROW SELECT1 READY),
		CLIENT("C\0\0\0\x08Ss1\0" SYNC),
		SERVER("3\0\0\0\4" READY),
		CLIENT(BIND_S1 EXECUTE SYNC),
		SERVER("E\0\0\0\x1fSERROR\0C26000\0Mno such s1\0\0" READY),
		/* not executed, and not understood */
		CLIENT(BIND SYNC),
		SERVER(BOUND READY),
		CLIENT("P\0\0\0\x0f\0SELEC 1\0\0\0" BIND EXECUTE SYNC),
		SERVER("E\0\0\0'SERROR\0C42601\0Mat \"SELEC\" or near\0\0" READY),
	};

	(void)state;
	FEED_CHECK(
		&proto_postgres, talk,
		"postgres SELECT \"SELECT a FROM t WHERE ?\" OK ok req=68 resp=63 items=1 route=\"SELECT t\"\n"
		"postgres PREPARE \"INSERT INTO u (?)\" OK ok req=42 resp=5 route=\"INSERT u\"\n"
		"postgres INSERT \"INSERT INTO u (?)\" OK ok req=30 resp=21 items=5 route=\"INSERT u\"\n"
		"postgres INSERT \"INSERT INTO u (?)\" OK ok req=30 resp=34 items=2 route=\"INSERT u\"\n"
		"postgres INSERT \"INSERT INTO u (?)\" OK ok req=15 resp=26 items=1 route=\"INSERT u\"\n"
		"postgres EXECUTE - 26000 error req=30 resp=32 error=\"ERROR: no such s1\"\n"
		"postgres BIND \"SELECT a FROM t WHERE ?\" OK ok req=18 resp=11 route=\"SELECT t\"\n"
		"postgres OTHER \"SELEC ?\" 42601 error req=44 resp=40 error=\"ERROR: at ? or near\"\n");
}

/* Several Sync outstanding, an error in the middle of a group, and what it takes with it. */
static void pipelined(void **state)
{
	static const struct feed talk[] = {
		CLIENT(INSERT BIND EXECUTE SYNC INSERT BIND EXECUTE INSERT BIND EXECUTE BIND EXECUTE
			       SYNC INSERT BIND EXECUTE SYNC),
		SERVER(PARSED BOUND "C\0\0\0\x0fINSERT 0 1\0" READY PARSED BOUND
				    "E\0\0\0\x1aSERROR\0C23505\0Mtwice\0\0" READY),
		SERVER(PARSED BOUND "C\0\0\0\x0fINSERT 0 2\0" READY),
	};

	(void)state;
	FEED_CHECK(&proto_postgres, talk,
		   "postgres INSERT \"INSERT a\" OK ok req=45 resp=26 items=1 route=\"INSERT a\"\n"
		   "postgres INSERT \"INSERT a\" 23505 error req=40 resp=37 route=\"INSERT a\" "
		   "error=\"ERROR: twice\"\n"
		   "postgres INSERT \"INSERT a\" - error req=40 resp=6 route=\"INSERT a\" "
		   "error=\"not executed: a statement before it failed\"\n"
		   "postgres INSERT \"INSERT a\" - error req=28 resp=0 route=\"INSERT a\" "
		   "error=\"not executed: a statement before it failed\"\n"
		   "postgres INSERT \"INSERT a\" OK ok req=45 resp=26 items=2 route=\"INSERT a\"\n");
}

static void copy(void **state)
{
	static const struct feed talk[] = {
		CLIENT("Q\0\0\0\x16"
		       "COPY t FROM STDIN\0"),
		SERVER("G\0\0\0\x09\0\0\1\0\0"),
		CLIENT("d\0\0\0\x08"
		       "1\x0a"
		       "2\x0a"
		       "c\0\0\0\4"),
		SERVER("C\0\0\0\x0b"
		       "COPY 2\0" READY),
		CLIENT("Q\0\0\0\x15"
		       "COPY t TO STDOUT\0"),
		SERVER("H\0\0\0\x09\0\0\1\0\0"
		       "d\0\0\0\6"
		       "1\x0a"
		       "d\0\0\0\6"
		       "2\x0a"
		       "c\0\0\0\4"
		       "C\0\0\0\x0b"
		       "COPY 2\0" READY),
		CLIENT("Q\0\0\0\x16"
		       "COPY t FROM STDIN\0"),
		SERVER("G\0\0\0\x09\0\0\1\0\0"),
		CLIENT("d\0\0\0\6"
		       "1\x0a"
		       "f\0\0\0\x0cno more\0"),
		SERVER("E\0\0\0\x1cSERROR\0C57014\0Mno more\0\0" READY),
		CLIENT("Q\0\0\0\x16START_REPLICATION\0"),
		SERVER("W\0\0\0\7\0\0\0"
		       "d\0\0\0\6"
		       "1\x0a"),
		CLIENT("d\0\0\0\6r1"
		       "c\0\0\0\4"),
		SERVER("A\0\0\0\x0d\0\0\0\1ch\0p\0"
		       "N\0\0\0\x0bSNOTE\0\0"
		       "C\0\0\0\x16START_REPLICATION\0" READY),
		CLIENT("F\0\0\0\x0e\0\0\0\1\0\0\0\0\0\1"),
		SERVER("V\0\0\0\x08\xff\xff\xff\xff" READY),
	};

	(void)state;
	FEED_CHECK(&proto_postgres, talk,
		   "postgres COPY \"COPY t FROM STDIN\" OK ok req=37 resp=28 items=2 route=\"COPY t\"\n"
		   "postgres COPY \"COPY t TO STDOUT\" OK ok req=22 resp=47 items=2 route=\"COPY t\"\n"
		   "postgres COPY \"COPY t FROM STDIN\" 57014 error req=43 resp=45 route=\"COPY t\" "
		   "error=\"ERROR: no more\"\n"
		   "postgres OTHER START_REPLICATION OK ok req=23 resp=8 flags=stream\n"
		   "postgres NOTIFY ch - unknown req=0 resp=14 items=1 flags=oneway\n"
		   "postgres FUNCTION - OK ok req=15 resp=15\n");
}

/* Values in messages on data and syntax only when asked for, as the statement itself. */
static void errors(void **state)
{
	static const struct feed talk[] = {
		CLIENT("Q\0\0\0\x14SELECT 'x'::int\0"),
		SERVER("E\0\0\0"
		       "1SFEHLER\0VERROR\0C22P02\0Minvalid int: \"x\"\0Dno\0\0" READY),
		CLIENT("Q\0\0\0\x0dSELECT 2\0"),
		SERVER("E\0\0\0\x1dSFATAL\0C57P01\0Mshutdown\0\0"),
	};

	(void)state;
	FEED_CHECK(&proto_postgres, talk,
		   "postgres SELECT \"SELECT ?::int\" 22P02 error req=21 resp=56 route=SELECT "
		   "error=\"ERROR: invalid int: ?\"\n"
		   "postgres SELECT \"SELECT ?\" 57P01 error req=14 resp=30 route=SELECT "
		   "error=\"FATAL: shutdown\"\n");
	FEED_CHECK(&proto_postgres, talk,
		   "postgres SELECT \"SELECT ?::int\" 22P02 error req=21 resp=56 route=SELECT "
		   "error=\"ERROR: invalid int: \"x\"\" text=\"SELECT 'x'::int\"\n"
		   "postgres SELECT \"SELECT ?\" 57P01 error req=14 resp=30 route=SELECT "
		   "error=\"FATAL: shutdown\" text=\"SELECT 2\"\n",
		   .raw = true);
}

/* Met in the middle of an answer, and with statements that were prepared before. */
static void midway(void **state)
{
	static const struct feed talk[] = {
		SERVER(ROW ROW SELECT1 READY),	   CLIENT(BIND_S1 EXECUTE SYNC),
		SERVER(BOUND ROW SELECT1 READY),   CLIENT("Q\0\0\0\x0dSELECT 1\0"),
		SERVER(COLUMNS ROW SELECT1 READY),
	};

	(void)state;
	FEED_CHECK(&proto_postgres, talk,
		   "postgres EXECUTE - OK ok req=30 resp=31 items=1 flags=midway\n"
		   "postgres SELECT \"SELECT ?\" OK ok req=14 resp=59 items=1 route=SELECT flags=midway\n",
		   .midway = true);
}

/* A gap in an answer leaves its request; one in what was asked, or with several waiting, does not. */
static void gaps(void **state)
{
	static const struct feed answer[] = {
		CLIENT("Q\0\0\0\x0dSELECT 1\0"),
		SERVER(COLUMNS ROW),
		SERVER_LOST(1000),
		SERVER("\0\0\0" ROW ROW ROW "C\0\0\0\x0eSELECT 99\0" READY),
		CLIENT("Q\0\0\0\x0dSELECT 2\0"),
		SERVER(COLUMNS SELECT1 READY),
	};
	static const struct feed asked[] = {
		CLIENT("Q\0\0\0\x0dSELECT 1\0"),   CLIENT_LOST(100),
		SERVER(COLUMNS ROW SELECT1 READY), CLIENT("Q\0\0\0\x0dSELECT 2\0"),
		SERVER(COLUMNS SELECT1 READY),
	};
	static const struct feed end[] = {
		CLIENT("Q\0\0\0\x0dSELECT 1\0"), SERVER(COLUMNS ROW),		SERVER_LOST(100),
		CLIENT("Q\0\0\0\x0dSELECT 2\0"), SERVER(COLUMNS SELECT1 READY),
	};
	static const struct feed several[] = {
		CLIENT(INSERT BIND EXECUTE SYNC INSERT BIND EXECUTE SYNC),
		SERVER_LOST(20),
		SERVER(PARSED BOUND SELECT1 READY),
		CLIENT("Q\0\0\0\x0dSELECT 2\0"),
		SERVER(COLUMNS SELECT1 READY),
	};

	(void)state;
	FEED_CHECK(&proto_postgres, answer,
		   "postgres SELECT \"SELECT ?\" OK ok req=14 resp=1099 lost=1000 items=99 route=SELECT "
		   "flags=lost\n"
		   "postgres SELECT \"SELECT ?\" OK ok req=14 resp=47 items=1 route=SELECT\n",
		   .once = true);
	FEED_CHECK(&proto_postgres, asked,
		   "postgres SELECT \"SELECT ?\" OK ok req=14 resp=59 items=1 route=SELECT\n"
		   "postgres SELECT \"SELECT ?\" OK ok req=14 resp=47 items=1 route=SELECT\n",
		   .once = true);
	FEED_CHECK(&proto_postgres, end,
		   "postgres SELECT \"SELECT ?\" - unknown req=14 resp=39 route=SELECT flags=lost\n"
		   "postgres SELECT \"SELECT ?\" OK ok req=14 resp=47 items=1 route=SELECT\n",
		   .once = true);
	FEED_CHECK(&proto_postgres, several,
		   "postgres INSERT \"INSERT a\" - unknown req=45 resp=0 lost=20 route=\"INSERT a\" flags=lost\n"
		   "postgres INSERT \"INSERT a\" - unknown req=45 resp=0 route=\"INSERT a\" flags=lost\n"
		   "postgres SELECT \"SELECT ?\" OK ok req=14 resp=47 items=1 route=SELECT\n",
		   .once = true);
}

/* Rows and statements far larger than what is kept, captured or not. */
static void large(void **state)
{
	static char row[70000], query[70000];
	struct feed talk[] = {
		CLIENT("Q\0\0\0\x0dSELECT 1\0"),
		SERVER(COLUMNS),
		{ PROTO_TO_CLIENT, { row, sizeof(row) }, 0 },
		SERVER(SELECT1 READY),
		{ PROTO_TO_SERVER, { query, sizeof(query) }, 0 },
		SERVER("C\0\0\0\x11INSERT 0 900\0" READY),
	};
	static const char insert[] = "INSERT INTO t VALUES ('";

	(void)state;
	memcpy(row, "D\0\1\x11\x6f\0\1\0\1\x11\x65", 11);
	memcpy(query, "Q\0\1\x11\x6f", 5);
	memset(query + 5, 'x', sizeof(query) - 5);
	memcpy(query + 5, insert, sizeof(insert) - 1);
	query[sizeof(query) - 1] = 0;
	FEED_CHECK(&proto_postgres, talk,
		   "postgres SELECT \"SELECT ?\" OK ok req=14 resp=70047 items=1 route=SELECT\n"
		   "postgres INSERT \"INSERT INTO t VALUES (?\" OK ok req=70000 resp=24 items=900 "
		   "route=\"INSERT t\" flags=cut\n");
	FEED_CHECK(&proto_postgres, talk,
		   "postgres SELECT \"SELECT ?\" OK ok req=14 resp=70047 items=1 route=SELECT\n"
		   "postgres INSERT \"INSERT INTO t VALUES (?\" OK ok req=70000 resp=24 items=900 "
		   "route=\"INSERT t\" flags=cut\n",
		   .capture = STATEMENT_HOLD + 8);
	/* What the kernel copies of a large call is less than is waited for. */
	FEED_CHECK(&proto_postgres, talk,
		   "postgres SELECT \"SELECT ?\" OK ok req=14 resp=70047 items=1 route=SELECT\n"
		   "postgres INSERT \"INSERT INTO t VALUES (?\" OK ok req=70000 resp=24 items=900 "
		   "route=\"INSERT t\" flags=cut\n",
		   .capture = STATEMENT_HOLD / 2);
}

/* More statements prepared than are remembered; a portal's statement forgotten. */
static void table(void **state)
{
	static char names[600][48];
	static struct feed talk[3 * 300 + 4];
	static const struct feed end[] = { CLIENT(BIND_S1 EXECUTE SYNC), SERVER(BOUND SELECT1 READY) };
	struct feed_run f;
	size_t n = 0;

	(void)state;
	talk[n++] = (struct feed)CLIENT("P\0\0\0\x12s1\0SELECT 1\0\0\0" SYNC);
	for (int i = 0; i < 300; i++) {
		int len = snprintf(names[i], sizeof(names[i]), "P%c%c%c%cn%03d%cSELECT 1%c%c%c", 0,
				   0, 0, 20, i, 0, 0, 0, 0);

		talk[n++] = (struct feed){ PROTO_TO_SERVER, { names[i], (size_t)len }, 0 };
	}
	talk[n++] = end[0];
	talk[n++] = end[1];
	feed_begin(&f, &proto_postgres, &(const struct feed_opts){ 0 }, talk, n,
		   &(const struct feed_cut){ 0 });
	assert_non_null(strstr(f.lines.p, "postgres EXECUTE - - unknown req=30"));
	feed_end(&f);
}

#define G(lit) { (lit), sizeof(lit) - 1 }

static const struct {
	struct str head;
	bool usual;
	enum proto_guess guess;
} guesses[] = {
	/* clang-format off */
	{ G("\0\0\0\x08\x04\xd2\x16\x2f"), false, GUESS_REQUEST },
	{ G(STARTUP), false, GUESS_REQUEST },
	{ G("Q\0\0\0\x0dselect 1\0"), false, GUESS_REQUEST },
	{ G("P\0\0\0&s\0with x as (select 1) select 1\0\0\0"), false, GUESS_REQUEST },
	{ G(BIND_S1 EXECUTE SYNC), false, GUESS_REQUEST },
	{ G(BIND_S1), true, GUESS_REQUEST },
	{ G(COLUMNS ROW SELECT1 READY), false, GUESS_RESPONSE },
	{ G(AUTH_OK READY), false, GUESS_RESPONSE },
	{ G(PARSED BOUND COLUMNS ROW), false, GUESS_RESPONSE },
	{ G("\0\0\0"), false, GUESS_MORE },
	{ G("Q\0\0"), false, GUESS_MORE },
	{ G("\0\0\0\x08\x04\xd2\x16\x2d"), true, GUESS_NO },
	{ G("\0\0\0\x08\0\3\0\0"), true, GUESS_NO },
	{ G("Q\0\0\0\x0ahello\0"), false, GUESS_NO },
	{ G("Q\0\0\0\x0dsel\0ct 1\0"), true, GUESS_NO },
	{ G("GET / HTTP/1.1\r\n\r\n"), true, GUESS_NO },
	{ G("POST / HTTP/1.1\r\n\r\n"), true, GUESS_NO },
	{ G("SSH-2.0-OpenSSH\r\n"), true, GUESS_NO },
	{ G("EHLO a\r\n"), true, GUESS_NO },
	{ G("*1\r\n$4\r\nPING\r\n"), true, GUESS_NO },
	{ G("\x16\3\1\2\0\1\0\1\xfc\3\3"), true, GUESS_NO },
	{ G("PING\r\n"), true, GUESS_NO },
	{ G("INFO {}\r\n"), true, GUESS_NO },
	{ G("Z\0\0\0\5X"), true, GUESS_NO },
	{ G("\x1f\0\0\0\1\0\0\0\0\0\0\0\xd4\7\0\0"), true, GUESS_NO },
	/* clang-format on */
};

static void guess(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++) {
		enum proto_guess g = proto_postgres.guess(guesses[i].head, guesses[i].usual);

		if (g != guesses[i].guess)
			print_error("row %zu: %d\n", i, g);
		assert_int_equal(g, guesses[i].guess);
	}
}

/* What is none of its messages is refused, and said. */
static void hostile(void **state)
{
	static const struct {
		struct feed bytes;
		const char *lines;
	} rows[] = {
		/* clang-format off */
		{ CLIENT("y"), "! message\n" },
		{ CLIENT("\xff\xff\xff\xff\xff"), "! message\n" },
		{ CLIENT("Q\0\0\0\0"), "! message\n" },
		{ CLIENT("Q\xff\xff\xff\xff" "x"), "! message\n" },
		{ CLIENT("S\0\0\0\5"), "! message\n" },
		{ CLIENT("Q\0\0\0\x08" "a\0b\0"), "! message\n" },
		{ CLIENT("C\0\0\0\6X\0"), "! message\n" },
		{ CLIENT("\0\0\0\0\0\3\0\0"), "! startup\n" },
		{ CLIENT("\0\0\0\x08\0\4\0\0"), "! startup\n" },
		{ CLIENT("\0\1\0\0\0\3\0\0"), "! startup\n" },
		{ SERVER("Z\0\0\0\5?"), "! message\n" },
		{ SERVER("D\0\0\0\6\xff\xff"), "! message\n" },
		{ SERVER("T\0\0\0\6\0\1"), "! message\n" },
		{ SERVER("t\0\0\0\6\0\1"), "! message\n" },
		{ SERVER("R\0\0\0\x08\xff\0\0\0"), "! message\n" },
		{ SERVER("G\0\0\0\7\5\0\0"), "! message\n" },
		{ SERVER("E\0\0\0\5\0"), "! message\n" },
		{ SERVER("Q\0\0\0\4"), "! message\n" },
		/* well formed, and without effect or end */
		{ CLIENT("B\0\0\0\x0cxxxxxxxx"), "" },
		{ CLIENT("E\0\0\0\x0cxxxxxxxx"), "" },
		{ CLIENT("P\0\0\0\x0cxxxxxxxx"), "postgres PREPARE - - unknown req=13 resp=0 flags=unanswered\n" },
		{ SERVER(READY READY READY), "" },
		{ SERVER(PARSED BOUND SELECT1), "" },
		{ SERVER("C\0\0\0 SELECT 99999999999999999999\0"), "" },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		feed_check(&proto_postgres, &(const struct feed_opts){ .once = true },
			   &rows[i].bytes, 1, rows[i].lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(startup_and_queries),
		cmocka_unit_test(encryption),
		cmocka_unit_test(extended),
		cmocka_unit_test(pipelined),
		cmocka_unit_test(copy),
		cmocka_unit_test(errors),
		cmocka_unit_test(midway),
		cmocka_unit_test(gaps),
		cmocka_unit_test(large),
		cmocka_unit_test(table),
		cmocka_unit_test(guess),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
