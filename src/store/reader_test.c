/* Statements of anybody: what is refused, and that all of it ends within its time and memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "store/testing.h"

struct fixture {
	struct store_schema *schema;
	char dir[64];
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	struct store_opts o = { .directory = x->dir,
				.max_bytes = STORE_BYTES_MIN,
				.max_age_ns = 3600 * NS_PER_SEC };
	struct store *st = NULL;

	o.schema = x->schema = store_test_schema();
	snprintf(x->dir, sizeof(x->dir), "/tmp/porthole-reader-XXXXXX");
	assert_non_null(mkdtemp(x->dir));
	assert_int_equal(store_open(&o, &st), 0);
	assert_int_equal(store_start(st), 0);
	for (uint64_t i = 1; i <= 2000; i++)
		store_test_put(st, i, i, "sh", STR("exec"));
	assert_true(store_close(st, 5000));
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", x->dir);
	assert_int_equal(system(cmd), 0);
	free(x->schema);
	free(x);
	return 0;
}

static int head(void *ctx, size_t n, const char *const *names, const char *const *types)
{
	(void)ctx;
	(void)n;
	(void)names;
	(void)types;
	return 0;
}

static int row(void *ctx, size_t n, const struct store_value *v)
{
	struct buf *b = ctx;

	for (size_t i = 0; i < n && b->n < 4096; i++) {
		if (v[i].type == STORE_INT)
			buf_i64(b, v[i].i64);
		else if (v[i].type == STORE_REAL)
			buf_printf(b, "%g", v[i].real);
		else if (v[i].type == STORE_TEXT)
			buf_str(b, v[i].str);
		else
			buf_char(b, '-');
		buf_char(b, i + 1 < n ? ',' : ';');
	}
	return 0;
}

static int ask(struct fixture *x, struct str sql, struct buf *out, struct buf *why)
{
	const struct store_reader_opts o = { .directory = x->dir,
					     .schema = x->schema,
					     .to_ns = INT64_MAX,
					     .now_ns = 1000 * (int64_t)NS_PER_SEC,
					     .timeout_ns = 500 * NS_PER_MS,
					     .memory_bytes = 32 << 20,
					     .rows_max = 1000 };
	const struct store_result to = { out, head, row };
	struct store_reader *r = NULL;
	struct store_read read;
	int err;

	assert_int_equal(store_reader_open(&o, &r, why), 0);
	err = store_reader_query(r, sql, &to, &read, why);
	store_reader_close(r);
	return err;
}

/* Not allowed, or wrong: -EINVAL with a reason. */
static const char *const refused[] = {
	"attach '/etc/passwd' as x",
	"attach ':memory:' as x",
	"detach main",
	"pragma database_list",
	"pragma temp_store_directory='/'",
	"select * from pragma_table_info('requests')",
	"create table x(a)",
	"create temp table x(a)",
	"create virtual table x using fts5(a)",
	"insert into processes(time) values(1)",
	"delete from processes",
	"update processes set time=1",
	"drop table processes",
	"vacuum into '/tmp/porthole-reader-vacuum'",
	"begin",
	"analyze",
	"reindex",
	"select load_extension('/lib/x.so')",
	"select printf('%.*c', 2000000000, 'x')",
	"select format('%d', 1)",
	"select * from dbstat",
	"select * from sqlite_stmt",
	"select count(*) from dbstat",
	"select count(*) from pragma_database_list",
	"select count(*) from pragma_table_info('requests')",
	"select count(*) from bytecode('select 1')",
	"select zeroblob(100000000)",
	"select 1; select 2",
	"select 1; drop table processes",
	"select ?1000",
	"",
	";;",
	"-- nothing",
	"select ago('soon')",
	"select percentile(time, 101) from processes",
	"select nosuch from processes",
	"select * from subjects",
	"select hex(randomblob(2000000))",
	"select 'a' like replace(hex(zeroblob(500)),'0','%')",
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		_cleanup_(buf_free) struct buf out = { 0 }, why = { 0 };
		int err = ask(*state, str_of(refused[i]), &out, &why);

		if (err != -EINVAL || !why.n)
			fail_msg("%s: %d %.*s", refused[i], err, STR_ARG(buf_slice(&why)));
	}
	assert_int_equal(access("/tmp/porthole-reader-vacuum", F_OK), -1);
}

/* They would go on for ever, or take all memory. */
static const char *const endless[] = {
	"with recursive a(x) as (select 1 union all select x+1 from a) select count(*) from a",
	"with recursive a(x) as (select 1 union select x+1 from a) select max(x) from a",
	"with recursive a(x) as (select 'x' union all select x||x from a) select length(x) from a",
	"with recursive a(x) as (select randomblob(400000) union all select randomblob(400000) from a) "
	"select count(*) from (select x from a order by x)",
	"select count(*) from processes a, processes b, processes c, processes d",
	"select a.time from processes a, processes b, processes c where a.evt_kind||b.evt_kind = "
	"c.evt_kind",
	"with recursive a(x) as (select 1 union all select x+1 from a) select group_concat(x, "
	"'aaaaaaaaaaaaaaaa') from a",
	"with recursive a(x) as (select 1 union all select x+1 from a) select percentile(x, 50) from a",
	"with recursive a(x) as (select 1 union all select x+1 from a) select json_group_array(x) "
	"from a",
	"with recursive a(x) as (select 1 union all select x+1 from a) select x, row_number() over "
	"(order by -x) from a",
	"select count(*) from json_each((select json_group_array(time) from processes)) a, "
	"json_each((select json_group_array(time) from processes)) b, processes c",
};

/* Of some a text becomes too long first, which is -EINVAL. */
static void test_ends(void **state)
{
	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		_cleanup_(buf_free) struct buf out = { 0 }, why = { 0 };
		const uint64_t begin = clock_read_ns(CLOCK_MONOTONIC);
		int err = ask(*state, str_of(endless[i]), &out, &why);

		const bool text = strstr(endless[i], "group_concat") ||
				  strstr(endless[i], "x||x") || strstr(endless[i], "json_group");

		if (err != -ETIME && err != -ENOMEM && !(text && err == -EINVAL))
			fail_msg("%s: %d %.*s", endless[i], err, STR_ARG(buf_slice(&why)));
		if (clock_read_ns(CLOCK_MONOTONIC) - begin > 8 * NS_PER_SEC)
			fail_msg("%s: too long", endless[i]);
	}
}

/* One function over the longest texts there may be: no step of SQLite's between. */
static void test_single_steps(void **state)
{
	static const char *const slow[] = {
		"select instr(replace(hex(zeroblob(250000)),'0','a'), replace(hex(zeroblob(125000)),'0','a')||'b')",
		"select replace(hex(zeroblob(250000)),'0','a') like '%a%a%a%a%a%a%a%a%a%a%a%b'",
		"select replace(hex(zeroblob(250000)),'0','a') glob '*a*a*a*a*a*a*a*a*a*a*a*b'",
		"select length(replace(replace(hex(zeroblob(125000)),'0','a'), replace(hex(zeroblob(62500)),'0','a')||'b', 'c'))",
		"select trim(replace(hex(zeroblob(250000)),'0','a'), replace(hex(zeroblob(250000)),'0','b')||'a')",
		"select json_valid(replace(hex(zeroblob(200000)),'0','['))",
	};

	for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
		_cleanup_(buf_free) struct buf out = { 0 }, why = { 0 };
		const uint64_t begin = clock_read_ns(CLOCK_MONOTONIC);
		uint64_t took;

		ask(*state, str_of(slow[i]), &out, &why);
		took = clock_read_ns(CLOCK_MONOTONIC) - begin;
		if (took > 10 * NS_PER_SEC)
			fail_msg("%s: %.1f s", slow[i], (double)took / 1e9);
	}
}

static void nested(struct buf *b, const char *open, const char *middle, const char *close, size_t n)
{
	buf_str(b, STR("select "));
	for (size_t i = 0; i < n; i++)
		buf_str(b, str_of(open));
	buf_str(b, str_of(middle));
	for (size_t i = 0; i < n; i++)
		buf_str(b, str_of(close));
}

static void test_deep_and_long(void **state)
{
	static const struct {
		const char *open, *middle, *close;
		size_t n;
	} cases[] = {
		{ "(", "1", ")", 10000 },
		{ "-", "1", "", 20000 },
		{ "(select ", "1", ")", 5000 },
		{ "abs(", "1", ")", 5000 },
		{ "1+", "1", "", 20000 },
		{ "not ", "1", "", 10000 },
		{ "", "1", " union select 1", 2000 },
		{ "", "1", ", 1", 20000 },
		{ "", "'", "x", 70000 },
		{ "case when ", "1", " then 1 end", 2000 },
		{ "", "1 from processes", ", processes", 200 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(buf_free) struct buf sql = { 0 }, out = { 0 }, why = { 0 };

		nested(&sql, cases[i].open, cases[i].middle, cases[i].close, cases[i].n);
		assert_int_equal(ask(*state, buf_slice(&sql), &out, &why), -EINVAL);
	}
}

static void answer_is(struct fixture *x, const char *sql, const char *want)
{
	_cleanup_(buf_free) struct buf out = { 0 }, why = { 0 };
	int err = ask(x, str_of(sql), &out, &why);

	buf_char(&out, '\0');
	if (err || strcmp(out.p, want) != 0)
		fail_msg("%s: %d %.*s, %s", sql, err, STR_ARG(buf_slice(&why)), out.p);
}

static void test_functions(void **state)
{
	struct fixture *x = *state;

	setenv("TZ", "UTC", 1);
	answer_is(x, "select ago('10s'), ago('1m')", "990000000000,940000000000;");
	answer_is(x, "select dur('200ms'), dur('1.5s'), dur('2h')",
		  "200000000,1500000000,7200000000000;");
	answer_is(x, "select clock(1500000000), clock(null)", "1970-01-01 00:00:01.500,-;");
	answer_is(x, "select bucket(1234, '100ns'), bucket(null, '1m')", "1200,-;");
	answer_is(x,
		  "select percentile(time, 0), percentile(time, 50), percentile(time, 100) from "
		  "processes",
		  "1,1000.5,2000;");
	answer_is(x, "select percentile(time, 50) from processes where time < 0", "-;");
	answer_is(x, "select max(at('1970-01-01 00:00:05Z'))", "5000000000;");
	answer_is(x, "select count(*) from processes where time between 11 and 20", "10;");
	answer_is(x, "select j.value from json_each('[1,2]') j", "1;2;");
	answer_is(x,
		  "with a as materialized (select proc_pid p, count(*) n from processes group by 1) "
		  "select sum(n) from a",
		  "2000;");
}

static void test_caret(void **state)
{
	_cleanup_(buf_free) struct buf out = { 0 }, why = { 0 };

	assert_int_equal(ask(*state, STR("select time\nfrom processes wher x"), &out, &why), -EINVAL);
	buf_char(&why, '\0');
	assert_non_null(strstr(why.p, "\n  from processes wher x\n"));
	assert_non_null(strstr(why.p, "^"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	     cmocka_unit_test(test_ends),
		cmocka_unit_test(test_single_steps), cmocka_unit_test(test_deep_and_long),
		cmocka_unit_test(test_functions),    cmocka_unit_test(test_caret),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
