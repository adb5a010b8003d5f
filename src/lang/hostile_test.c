/*
 * Texts meant to hurt: clear errors, bounded time and memory. Also every prefix of good texts
 * against a guard page.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "lang/format.h"
#include "lang/testing.h"

#define MIB (1u << 20)

static struct catalogue catalogue;
static struct arena arena;

/* @part again and again, up to @n bytes, between @head and @tail. */
static struct str repeat(struct buf *b, const char *head, const char *part, const char *tail, size_t n)
{
	size_t len = strlen(part);

	buf_reset(b);
	buf_str(b, str_of(head));
	while (b->n + len + strlen(tail) <= n)
		buf_add(b, part, len);
	buf_str(b, str_of(tail));
	return buf_slice(b);
}

static const struct {
	const char *head, *part, *tail;
	size_t n;
	const char *message; /* NULL: it is good */
} rows[] = {
	{ "", "proc.name=a or ", "proc.name=b", MIB / 2, NULL },
	{ "", "proc.name=a or ", "proc.name=b", MIB, "more than 65536 comparisons" },
	{ "", "proc.name=a or ", "proc.name=b", MIB + 20, "too long: " },
	{ "proc.name in (", "a,", "b)", MIB, NULL },
	{ "proc.name in (", "a,", "", MIB, "this list is never closed" },
	{ "proc.pid in (", "1,", "2)", MIB, NULL },
	{ "fd.ip in (", "::/1,", "::)", MIB, NULL },
	{ "proc.name pmatch (", "/a,", "/b)", MIB, NULL },
	{ "proc.name startswith anyof (", "a,", "b)", MIB, NULL },
	{ "", "not ", "proc.name=a", MIB, NULL },
	{ "", "not ", "", MIB,
	  "expected a condition such as proc.name=nginx, found the end of the text" },
	{ "", "(", "", 10000, "nested deeper than 1000" },
	{ "", "(", "", MIB, "nested deeper than 1000" },
	{ "", "not(", "", MIB, "nested deeper than 1000" },
	{ "proc.name=a", " or (proc.pid=1", "", MIB, "nested deeper than 1000" },
	{ "", "tolower(", "", MIB, "nested deeper than 1000" },
	{ "proc.name=", "tolower(", "", MIB, "nested deeper than 1000" },
	{ "join(\"\",", "(", "", MIB, "nested deeper than 1000" },
	{ "concat(", "a,", "proc.name)=a", MIB, NULL },
	{ "proc.name=\"", "a", "\"", MIB, NULL },
	{ "proc.name=\"", "a", "", MIB, "this quote is never closed" },
	{ "proc.name=\"", "\\\\", "\"", MIB, NULL },
	{ "proc.name=", "a", "", MIB, NULL },
	{ "", "a", "", MIB, "expected an operator behind aaaa" },
	{ "", "a.", "b=1", MIB, "no field is called a.a" },
	{ "proc.env[", "a", "", MIB, "this bracket is never closed" },
	{ "proc.aname[", "1", "]=a", MIB, "this index is too large" },
	{ "proc.pid=", "1", "", MIB, "expected a whole number, found '111" },
	{ "proc.pid=1e", "9", "", MIB, "expected a whole number, found '1e99" },
	{ "proc.pid=0.", "0", "", MIB, NULL },
	{ "", " ", "", MIB, "the expression is empty" },
	{ "", "\n", "x", MIB, "expected an operator behind x" },
	{ "proc.name glob \"", "*a", "\"", 4000, NULL },
	{ "proc.name glob \"", "*a", "\"", 5000, "this pattern is longer than 4096 bytes" },
	{ "proc.name regex \"", "(a*)*", "\"", 4000, NULL },
	{ "proc.name regex \"", "(", "\"", 4000, "bad regular expression: " },
	{ "proc.name regex \"", "((a{100}){100}){100}", "\"", 100, "bad regular expression: " },
	{ "proc.name regex \"", "a", "\"", 5000, "this pattern is longer than 4096 bytes" },
	{ "", "proc.name regex a or ", "proc.name=a", 1024 * 21 + 11, NULL },
	{ "", "proc.name regex a or ", "proc.name=a", 1026 * 21 + 11,
	  "more than 1024 regular expressions" },
	{ "", "\xf0\x9f\x92\xa9", "", MIB, "expected a condition such as proc.name=nginx, found '" },
	{ "proc.name=a\n", "\xc3", "", MIB, "not UTF-8; write this byte as \"\\xc3\"" },
};

static void test_hostile(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct test_event t = { 0 };

	(void)state;
	test_set(&t, &catalogue, STR("proc.name"),
		 STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"));
	test_set(&t, &catalogue, STR("proc.pid"), STR("1"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str text = repeat(&b, rows[i].head, rows[i].part, rows[i].tail, rows[i].n);
		uint64_t start = clock_read_ns(CLOCK_MONOTONIC);
		_cleanup_(expr_freep) struct expr *x = NULL;
		struct lang_error e = { 0 };
		int r = expr_parse(&catalogue, text, NULL, &x, &e);

		if (r != (rows[i].message ? -EINVAL : 0) ||
		    (r && strncmp(e.message, rows[i].message, strlen(rows[i].message))))
			print_error("%s%s...: %d %s\n", rows[i].head, rows[i].part, r, e.message);
		assert_int_equal(r, rows[i].message ? -EINVAL : 0);
		if (r < 0) {
			assert_int_equal(
				strncmp(e.message, rows[i].message, strlen(rows[i].message)), 0);
			assert_true(strlen(e.excerpt) < sizeof(e.excerpt) && e.caret < 200);
		} else {
			arena_reset(&arena);
			expr_match(x, &t.ev);
		}
		assert_true(clock_read_ns(CLOCK_MONOTONIC) - start < 5 * NS_PER_SEC);
	}
}

/* Each macro twice the one before: 2^30 comparisons if all were made. */
struct bomb {
	struct ast *level[30];
};

static const struct ast *bomb_find(void *ctx, struct str name)
{
	const struct bomb *b = ctx;

	return b->level[name.p[0] - 'a'];
}

static void test_macro_bomb(void **state)
{
	struct bomb b = { 0 };
	struct expr_opts opts = { .ident = bomb_find, .ctx = &b };
	struct expr *x = NULL;
	struct lang_error e;
	char text[32];

	(void)state;
	assert_int_equal(ast_parse(STR("proc.name=x"), &b.level[0], NULL), 0);
	for (int i = 1; i < 26; i++) {
		snprintf(text, sizeof(text), "%c and %c", 'a' + i - 1, 'a' + i - 1);
		assert_int_equal(ast_parse(str_of(text), &b.level[i], NULL), 0);
	}
	assert_int_equal(expr_parse(&catalogue, STR("z"), &opts, &x, &e), -EINVAL);
	assert_string_equal(e.message, "more than 65536 comparisons");
	for (int i = 0; i < 26; i++)
		ast_free(b.level[i]);
}

/* 43 characters that a backtracking matcher would try in 2^43 ways. */
static void test_regex_is_linear(void **state)
{
	uint64_t start = clock_read_ns(CLOCK_MONOTONIC);
	struct test_event t = { 0 };
	struct expr *x = NULL;

	(void)state;
	test_set(&t, &catalogue, STR("proc.name"),
		 STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"));
	assert_int_equal(expr_parse(&catalogue,
				    STR("proc.name regex \"(a+)+b\" or proc.name regex \"(a|aa)+b\" or "
					"proc.name regex \"(.*)(.*)(.*)(.*)(.*)(.*)(.*)x\""),
				    NULL, &x, NULL),
			 0);
	for (int i = 0; i < 1000; i++)
		assert_false(expr_match(x, &t.ev));
	assert_true(clock_read_ns(CLOCK_MONOTONIC) - start < 2 * NS_PER_SEC);
	expr_free(x);
}

static const char *const goods[] = {
	"(proc.name=nginx or not proc.aname[2] in (sh, \"b\\x61sh\", 'x')) and fd.ip in (10.0.0.0/8, ::1)",
	"getopt(proc.argv, \"ab:\")[b] startswith anyof (x, y) and proc.env[HOME]=val(fd.name)",
	"proc.duration >= 1.5e3ms and proc.name regex \"a[b-c]{1,3}\" and fd.name pmatch (/a/*/b, /c)",
	"join(\",\", (proc.name, proc.pname)) glob '[[:alpha:]-]*?' and evt.buffer bcontains cafebabe",
	"%20proc.name %proc.aname[1] %% %evt.arg.flags %concat(proc.name, \":\", fd.name)",
};

/* Every prefix, its end at the end of what may be read. */
static void test_prefixes(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++)
		for (size_t n = 0; n <= strlen(goods[i]); n++) {
			struct str text = { map + page - n, n };
			struct format *f = NULL;
			struct expr *x = NULL;
			struct lang_error e;

			memcpy(map + page - n, goods[i], n);
			if (expr_parse(&catalogue, text, NULL, &x, &e) == 0)
				expr_free(x);
			if (format_parse(&catalogue, text, &f, &e) == 0)
				format_free(f);
			if (n == strlen(goods[i]))
				assert_true(x || f);
		}
	munmap(map, 2 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_macro_bomb),
		cmocka_unit_test(test_regex_is_linear),
		cmocka_unit_test(test_prefixes),
	};
	int r;

	catalogue = test_catalogue();
	if (arena_init(&arena, 1 << 16) < 0)
		return 1;
	field_arena_set(&arena);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(&arena);
	catalogue_free(&catalogue);
	return r;
}
