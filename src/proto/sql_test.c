/*
 * Shapes and summaries: the conventions' own cases (test/sql), ours by dialect, hostile statements against a
 * guard page, and how fast it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/guard_test.h"
#include "base/utf8.h"
#include "proto/sql.h"

#define CASES "test/sql/db-sql-test-cases.json"

static struct sql r;

static void expect(const char *what, struct str got, const char *want)
{
	if (!str_eq(got, str_of(want)))
		print_error("%s\n  gave %.*s\n  want %s\n", what, STR_ARG(got), want);
	assert_true(str_eq(got, str_of(want)));
}

static bool text_among(struct str got, const json_t *wanted)
{
	for (size_t i = 0; i < json_array_size(wanted); i++)
		if (str_eq(got, str_of(json_string_value(json_array_get(wanted, i)))))
			return true;
	print_error("gave %.*s\n", STR_ARG(got));
	return false;
}

static void conventions(void **state)
{
	char path[512];
	const char *top = getenv("PORTHOLE_SRC");
	json_error_t error;
	json_t *cases, *c, *expected;
	size_t i;

	(void)state;
	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", CASES);
	cases = json_load_file(path, 0, &error);
	assert_non_null(cases);
	assert_int_equal(json_array_size(cases), 24);
	json_array_foreach(cases, i, c) {
		struct str in = str_of(
			json_string_value(json_object_get(json_object_get(c, "input"), "query")));

		expected = json_object_get(c, "expected");
		sql_read(in, SQL_ANSI, &r);
		assert_true(text_among(sql_shape(&r), json_object_get(expected, "db.query.text")));
		expect(in.p, sql_summary(&r),
		       json_string_value(json_object_get(expected, "db.query.summary")));
		assert_false(r.cut);
	}
	json_decref(cases);
}

/* clang-format off */
static const struct {
	enum sql_dialect dialect;
	const char *in, *shape, *summary, *method;
} rows[] = {
	/* literals */
	{ SQL_POSTGRES, "select 1_000, 0b11, 0o17, 1e5, 2.", "select ?, ?, ?, ?, ?", "select", "SELECT" },
	{ SQL_POSTGRES, "SELECT E'it\\'s', B'01', x'ff', U&'\\0041', N'n'", "SELECT ?, ?, ?, ?, ?", "SELECT", "SELECT" },
	{ SQL_POSTGRES, "SELECT '\\', 'a'", "SELECT ?, ?", "SELECT", "SELECT" },
	{ SQL_MYSQL, "SELECT '\\'', \"b\\\"c\", _utf8mb4'd'", "SELECT ?, ?, _utf8mb4?", "SELECT", "SELECT" },
	{ SQL_POSTGRES, "SELECT $$a'b$$, $t$ $$ $t$, $1, $t", "SELECT ?, ?, ?, $t", "SELECT", "SELECT" },
	{ SQL_POSTGRES, "SELECT $$open", "SELECT ?", "SELECT", "SELECT" },
	{ SQL_MYSQL, "SELECT $$ FROM a$1", "SELECT $$ FROM a$1", "SELECT a$1", "SELECT" },
	{ SQL_ANSI, "SELECT 'open", "SELECT ?", "SELECT", "SELECT" },
	{ SQL_ANSI, "SELECT \"open", "SELECT ?", "SELECT", "SELECT" },
	{ SQL_POSTGRES, "SELECT \"c1\" FROM \"T 1\".\"b\"", "SELECT \"c1\" FROM \"T 1\".\"b\"", "SELECT \"T 1\".\"b\"", "SELECT" },
	{ SQL_MYSQL, "SELECT `c1` FROM `d`.`t1` WHERE a=?", "SELECT `c1` FROM `d`.`t1` WHERE a=?", "SELECT `d`.`t1`", "SELECT" },
	{ SQL_POSTGRES, "SELECT a->0, b#>'{x}', a ? 'k', c::int", "SELECT a->?, b#>?, a ? ?, c::int", "SELECT", "SELECT" },
	{ SQL_ANSI, "SELECT a - 1, a-1, a.5", "SELECT a - ?, a?, a?", "SELECT", "SELECT" },
	{ SQL_ANSI, "SELECT \xff\xfe, \xc3\xa9 FROM t\xc3\xa9", "SELECT __, \xc3\xa9 FROM t\xc3\xa9", "SELECT t\xc3\xa9", "SELECT" },
	{ SQL_ANSI, "SELECT\001a", "SELECT a", "SELECT", "SELECT" },
	/* comments */
	{ SQL_POSTGRES, "/* a /* b */ c */SELECT 1", "SELECT ?", "SELECT", "SELECT" },
	{ SQL_MYSQL, "SELECT 1 # no\n, 2 -- no\n, 5--1", "SELECT ? \n, ? \n, ?-?", "SELECT", "SELECT" },
	{ SQL_MYSQL, "SELECT /*+ NO_INDEX(t) */ a FROM t", "SELECT  a FROM t", "SELECT t", "SELECT" },
	{ SQL_MYSQL, "/*!40101 SET NAMES utf8 */", " SET NAMES utf8 ", "SET", "SET" },
	{ SQL_ANSI, "SELECT/*x*/a /* open", "SELECT a ", "SELECT", "SELECT" },
	{ SQL_ANSI, "-- nothing", "", "", NULL },
	{ SQL_ANSI, " ;; ", " ;; ", "", NULL },
	/* lists and rows */
	{ SQL_ANSI, "SELECT a FROM t WHERE b NOT IN ( -1 , 'x',NULL, 3)", "SELECT a FROM t WHERE b NOT IN ( ?,NULL, ?)", "SELECT t", "SELECT" },
	{ SQL_POSTGRES, "SELECT a FROM t WHERE b IN ($1, $2, $3) AND c = $4", "SELECT a FROM t WHERE b IN (?) AND c = ?", "SELECT t", "SELECT" },
	{ SQL_MYSQL, "SELECT a FROM t WHERE (b,c) IN ((1,2),(3,4), (5,6))", "SELECT a FROM t WHERE (b,c) IN ((?,?))", "SELECT t", "SELECT" },
	{ SQL_POSTGRES, "SELECT a FROM t WHERE b = ANY(ARRAY[1,2,3])", "SELECT a FROM t WHERE b = ANY(ARRAY[?])", "SELECT t", "SELECT" },
	{ SQL_ANSI, "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'),\n(3, 'z')", "INSERT INTO t (a, b) VALUES (?, ?)", "INSERT t", "INSERT" },
	{ SQL_MYSQL, "INSERT INTO t VALUES (1, f(2)), (1, f(3)), (1, 2) ON DUPLICATE KEY UPDATE a=VALUES(a), b=VALUES(b)",
	  "INSERT INTO t VALUES (?, f(?)), (?, ?) ON DUPLICATE KEY UPDATE a=VALUES(a), b=VALUES(b)", "INSERT t", "INSERT" },
	{ SQL_ANSI, "SELECT f(1), (2), (3)", "SELECT f(?), (?), (?)", "SELECT", "SELECT" },
	/* summaries */
	{ SQL_ANSI, "DELETE FROM a USING b, c WHERE a.x = b.x", "DELETE FROM a USING b, c WHERE a.x = b.x", "DELETE a b c", "DELETE" },
	{ SQL_ANSI, "UPDATE t SET a = 1, b = 2 FROM u WHERE t.i = u.i", "UPDATE t SET a = ?, b = ? FROM u WHERE t.i = u.i", "UPDATE t u", "UPDATE" },
	{ SQL_MYSQL, "update a, b set a.x=1,b.y=2", "update a, b set a.x=?,b.y=?", "update a b", "UPDATE" },
	{ SQL_ANSI, "SELECT EXTRACT(YEAR FROM d) FROM t ORDER BY x, y", "SELECT EXTRACT(YEAR FROM d) FROM t ORDER BY x, y", "SELECT t", "SELECT" },
	{ SQL_ANSI, "SELECT a IS DISTINCT FROM b FROM t", "SELECT a IS DISTINCT FROM b FROM t", "SELECT t", "SELECT" },
	{ SQL_ANSI, "SELECT * FROM a JOIN b USING (id), c FOR UPDATE", "SELECT * FROM a JOIN b USING (id), c FOR UPDATE", "SELECT a b c", "SELECT" },
	{ SQL_ANSI, "SELECT REPLACE(a, 'x', 'y') FROM (t)", "SELECT REPLACE(a, ?, ?) FROM (t)", "SELECT t", "SELECT" },
	{ SQL_ANSI, "WITH r AS (SELECT * FROM o), q(x) AS (SELECT 1) INSERT INTO u SELECT * FROM r, q, p",
	  "WITH r AS (SELECT * FROM o), q(x) AS (SELECT ?) INSERT INTO u SELECT * FROM r, q, p", "SELECT o SELECT INSERT u SELECT p", "INSERT" },
	{ SQL_ANSI, "(SELECT a FROM b) UNION ALL (SELECT c FROM d)", "(SELECT a FROM b) UNION ALL (SELECT c FROM d)", "SELECT b SELECT d", "SELECT" },
	{ SQL_POSTGRES, "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 2", "INSERT INTO t VALUES (?) ON CONFLICT (id) DO UPDATE SET a = ?", "INSERT t", "INSERT" },
	{ SQL_MYSQL, "INSERT IGNORE t SET a=1", "INSERT IGNORE t SET a=?", "INSERT t", "INSERT" },
	{ SQL_MYSQL, "REPLACE INTO d.t VALUES (1)", "REPLACE INTO d.t VALUES (?)", "REPLACE d.t", "REPLACE" },
	{ SQL_ANSI, "MERGE INTO t USING s ON t.a = s.a", "MERGE INTO t USING s ON t.a = s.a", "MERGE t s", "MERGE" },
	{ SQL_POSTGRES, "EXPLAIN (ANALYZE) UPDATE t SET a=1", "EXPLAIN (ANALYZE) UPDATE t SET a=?", "EXPLAIN UPDATE t", "EXPLAIN" },
	{ SQL_POSTGRES, "COPY t (a, b) FROM STDIN", "COPY t (a, b) FROM STDIN", "COPY t", "COPY" },
	{ SQL_POSTGRES, "copy (select a from t) to stdout", "copy (select a from t) to stdout", "copy select t", "COPY" },
	{ SQL_POSTGRES, "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)", "CREATE INDEX i", "CREATE" },
	{ SQL_ANSI, "CREATE TABLE a.b AS SELECT * FROM c", "CREATE TABLE a.b AS SELECT * FROM c", "CREATE TABLE a.b SELECT c", "CREATE" },
	{ SQL_ANSI, "CREATE TABLE t (comment text, set1 int)", "CREATE TABLE t (comment text, set1 int)", "CREATE TABLE t", "CREATE" },
	{ SQL_MYSQL, "CREATE USER 'u'@'%' IDENTIFIED BY 'secret'", "CREATE USER ?@? IDENTIFIED BY ?", "CREATE USER", "CREATE" },
	{ SQL_ANSI, "DROP TABLE IF EXISTS a, b CASCADE", "DROP TABLE IF EXISTS a, b CASCADE", "DROP TABLE a b", "DROP" },
	{ SQL_ANSI, "TRUNCATE t", "TRUNCATE t", "TRUNCATE t", "TRUNCATE" },
	{ SQL_ANSI, "truncate table t", "truncate table t", "truncate table t", "TRUNCATE" },
	{ SQL_MYSQL, "LOCK TABLES t READ, u WRITE", "LOCK TABLES t READ, u WRITE", "LOCK t u", "LOCK" },
	{ SQL_MYSQL, "LOAD DATA LOCAL INFILE 'f' INTO TABLE t", "LOAD DATA LOCAL INFILE ? INTO TABLE t", "LOAD t", "LOAD" },
	{ SQL_MYSQL, "SELECT a INTO OUTFILE '/tmp/x' FROM t", "SELECT a INTO OUTFILE ? FROM t", "SELECT t", "SELECT" },
	{ SQL_MYSQL, "SHOW FULL COLUMNS FROM t", "SHOW FULL COLUMNS FROM t", "SHOW t", "SHOW" },
	{ SQL_POSTGRES, "GRANT SELECT, INSERT ON t TO u", "GRANT SELECT, INSERT ON t TO u", "GRANT", "GRANT" },
	{ SQL_POSTGRES, "BEGIN; DELETE FROM t; COMMIT", "BEGIN; DELETE FROM t; COMMIT", "BEGIN DELETE t COMMIT", "BEGIN" },
	{ SQL_ANSI, "call p(1)", "call p(?)", "call p", "CALL" },
	{ SQL_ANSI, "VALUES (1), (2)", "VALUES (?)", "VALUES", "VALUES" },
	{ SQL_ANSI, "FROBNICATE 1", "FROBNICATE ?", "", "OTHER" },
	{ SQL_ANSI, "'secret'", "?", "", "OTHER" },
	{ SQL_ANSI, "SELECT a FROM b /*c*/ . /*secret*/ d", "SELECT a FROM b  .  d", "SELECT b", "SELECT" },
};
/* clang-format on */

static void dialects(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sql_read(str_of(rows[i].in), rows[i].dialect, &r);
		expect(rows[i].in, sql_shape(&r), rows[i].shape);
		expect(rows[i].in, sql_summary(&r), rows[i].summary);
		expect(rows[i].in, r.method, rows[i].method);
		assert_int_equal(r.method.p == NULL, rows[i].method == NULL);
		assert_false(r.cut);
	}
}

static void trace(void **state)
{
	static const char in[] = "SELECT 1 /*db='x',traceparent='00-0af7651916cd43dd8448eb211c80319c-"
				 "b7ad6b7169203331-01'*/";

	(void)state;
	sql_read(STR(in), SQL_POSTGRES, &r);
	expect(in, r.trace, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
	sql_read(STR("SELECT 1 /*traceparent='00-1'*/"), SQL_POSTGRES, &r);
	assert_null(r.trace.p);
}

/* Cut between characters, said, and lists and rows of any length fit. */
static void bounds(void **state)
{
	static char text[64 << 10];
	size_t n = 0;

	(void)state;
	n += (size_t)sprintf(text, "SELECT \xc3\xa9");
	while (n < 2000)
		n += (size_t)sprintf(text + n, ", \xc3\xa9\xc3\xa9\xc3\xa9");
	sql_read((struct str){ text, n }, SQL_ANSI, &r);
	assert_true(r.cut);
	assert_true(r.shape_n <= SQL_SHAPE_MAX && r.shape_n >= SQL_SHAPE_MAX - 1);
	for (size_t i = 0, c; i < r.shape_n; i += c)
		assert_true((c = utf8_char((const uint8_t *)r.shape + i, r.shape_n - i)) > 0);

	n = (size_t)sprintf(text, "SELECT a FROM t WHERE b IN (1");
	while (n < SQL_READ_MAX - 32)
		n += (size_t)sprintf(text + n, ", %zu", n);
	n += (size_t)sprintf(text + n, ") AND c = 1");
	sql_read((struct str){ text, n }, SQL_ANSI, &r);
	assert_false(r.cut);
	expect("a long list", sql_shape(&r), "SELECT a FROM t WHERE b IN (?) AND c = ?");

	n = (size_t)sprintf(text, "INSERT INTO t VALUES (1, 'a')");
	while (n < SQL_READ_MAX + 1000)
		n += (size_t)sprintf(text + n, ", (%zu, 'a')", n);
	sql_read((struct str){ text, n }, SQL_ANSI, &r);
	assert_true(r.cut);
	assert_true(str_starts(sql_shape(&r), STR("INSERT INTO t VALUES (?, ?)")));
	assert_true(r.shape_n < 40);

	n = 0;
	while (n < 10000)
		n += (size_t)sprintf(text + n, "(SELECT a FROM t%zu ", n);
	sql_read((struct str){ text, n }, SQL_ANSI, &r);
	assert_true(r.cut);
	assert_true(r.summary_n <= SQL_SUMMARY_MAX);
	assert_true(str_starts(sql_summary(&r), STR("SELECT t0 SELECT t")));
}

/* Every prefix of every statement, against a guard page. */
static void prefixes(void **state)
{
	struct guard g = guard_make();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t n = 0; n <= strlen(rows[i].in); n++) {
			struct str in = { (const char *)guard_put(&g, rows[i].in, n), n };

			for (int d = SQL_ANSI; d <= SQL_MYSQL; d++) {
				sql_read(in, (enum sql_dialect)d, &r);
				assert_true(r.shape_n <= n);
				assert_true(!r.trace.p);
				assert_null(memmem(r.shape, r.shape_n, "secret", 6));
				assert_null(memmem(r.summary, r.summary_n, "secret", 6));
			}
		}
	}
	guard_free(&g);
}

/* Says how fast it is; fails only when something is quadratic. */
static void speed(void **state)
{
	static const char statement[] =
		"SELECT o.order_id, o.created_at, c.name, SUM(l.quantity * l.unit_price) AS total FROM orders o "
		"JOIN customers c ON c.customer_id = o.customer_id JOIN order_lines l ON l.order_id = o.order_id "
		"WHERE o.created_at >= '2024-01-01' AND c.country IN ('DE', 'FR', 'IT') AND o.status <> 7 "
		"GROUP BY o.order_id, o.created_at, c.name ORDER BY total DESC LIMIT 100";
	static char worst[SQL_READ_MAX];
	struct timespec a, b, c;
	double seconds;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 20000; i++)
		sql_read(STR(statement), SQL_POSTGRES, &r);
	clock_gettime(CLOCK_MONOTONIC, &b);
	seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	print_message("statement: %.0f MB/s, %.2f us each\n",
		      20000.0 * sizeof(statement) / seconds / 1e6, seconds * 1e6 / 20000);
	memset(worst, '$', sizeof(worst));
	for (size_t i = 0; i < sizeof(worst); i += 2)
		worst[i] = "a(/"[i % 3];
	for (int i = 0; i < 100; i++)
		sql_read((struct str){ worst, sizeof(worst) }, SQL_POSTGRES, &r);
	clock_gettime(CLOCK_MONOTONIC, &c);
	seconds = (double)(c.tv_sec - b.tv_sec) + (double)(c.tv_nsec - b.tv_nsec) / 1e9;
	assert_true(seconds < 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conventions), cmocka_unit_test(dialects), cmocka_unit_test(trace),
		cmocka_unit_test(bounds),      cmocka_unit_test(prefixes), cmocka_unit_test(speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
