/*
 * Rule files made to hurt: too deep, too long, doubling themselves, wrong in every line. Each ends
 * in a clear error, in bounded CPU time; what is merely large loads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "rule/loader.h"
#include "rule/testing.h"

/* CPU time one input may take, sanitizers and a slow machine included. */
#define SECONDS_MAX 20

#define RULE_HEAD "- rule: r\n  desc: d\n  output: o\n  priority: info\n  condition: "

/* Loads @b; with @says NULL it must succeed, else its first error must contain it. Frees @b. */
static void expect(struct buf *b, const char *says)
{
	const struct rule_source file = { "big.yaml", buf_slice(b) };
	_cleanup_(problems_free) struct problems p = { 0 };
	_cleanup_(ruleset_freep) struct ruleset *rs = NULL;
	uint64_t start = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	struct rule_opts o = test_opts();
	const struct problem *first = NULL;
	int err;

	assert_false(b->failed);
	err = ruleset_load(&o, &file, 1, &p, &rs);
	for (size_t i = 0; i < p.n && !first; i++)
		if (p.list[i].error)
			first = &p.list[i];
	print_message("%zu bytes in %.0f ms: %s\n", b->n,
		      (double)(clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - start) / 1e6,
		      first ? first->message : "loaded");
	assert_int_equal(err, says ? -EINVAL : 0);
	if (says && !strstr(first->message, says))
		fail_msg("expected '%s'", says);
	assert_true(p.n <= PROBLEMS_MAX);
	assert_true(clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - start < SECONDS_MAX * NS_PER_SEC);
	buf_free(b);
}

static void repeat(struct buf *b, const char *text, size_t n)
{
	while (n--)
		buf_str(b, str_of(text));
}

static void test_depth(void **state)
{
	static const char *const open[] = { "[", "{a: ", "- ", "? ", "- - ", "[{", "&a [" };
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		repeat(&b, open[i], 10000);
		expect(&b, "nested deeper than 64");
	}
	for (int i = 0; i < 3000; i++)
		buf_printf(&b, "%*s-\n", i, "");
	expect(&b, "nested deeper than 64");
	buf_str(&b, STR(RULE_HEAD));
	repeat(&b, "(", 10000);
	expect(&b, "deep");
	buf_str(&b, STR(RULE_HEAD "not "));
	repeat(&b, "(not ", 900);
	buf_str(&b, STR("evt.num=1"));
	repeat(&b, ")", 900);
	expect(&b, NULL);
}

static void test_aliases(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_str(&b, STR("- list: l\n  items: &a0 [x, y, z]\n"));
	for (int i = 1; i < 40; i++)
		buf_printf(&b, "- list: l%d\n  items: &a%d [*a%d, *a%d, *a%d]\n", i, i, i - 1,
			   i - 1, i - 1);
	expect(&b, "more than 1048576 values");
	for (int i = 0; i < 2000; i++)
		buf_printf(&b, "- &a%d x\n", i);
	expect(&b, "more than 1024 anchors");
	repeat(&b, "- [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]\n", 40000);
	expect(&b, "more than 1048576 values");
}

static void test_doubling(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_str(&b, STR("- macro: m0\n  condition: evt.num=1\n"));
	for (int i = 1; i < 64; i++)
		buf_printf(&b, "- macro: m%d\n  condition: m%d and m%d\n", i, i - 1, i - 1);
	expect(&b, "longer than 1048576 bytes with its macros");
	buf_str(&b, STR("- list: l0\n  items: [a, b]\n"));
	for (int i = 1; i < 64; i++)
		buf_printf(&b, "- list: l%d\n  items: [l%d, l%d]\n", i, i - 1, i - 1);
	expect(&b, "longer than 1048576 bytes");
	/* Many that are large: in lists, in macros, in rules. */
	for (int kind = 0; kind < 3; kind++) {
		buf_str(&b, STR("- list: big\n  items: ["));
		for (int i = 0; i < 60000; i++)
			buf_printf(&b, "%sname%d", i ? "," : "", i);
		buf_str(&b, STR("]\n- macro: big\n  condition: proc.name in (big)\n"));
		for (int i = 0; i < 300; i++)
			if (kind == 0)
				buf_printf(&b, "- list: l%d\n  items: [big, c%d]\n", i, i);
			else if (kind == 1)
				buf_printf(&b, "- macro: m%d\n  condition: proc.name in (big)\n", i);
			else
				buf_printf(&b,
					   "- rule: r%d\n  desc: d\n  output: o\n  priority: info\n"
					   "  condition: evt.type=open and proc.name in (big)\n",
					   i);
		expect(&b, kind == 0 ? "takes more than 268435456 bytes of memory" :
			   kind == 1 ? "all macros up to this one" :
				       "the conditions of all rules, up to this one");
	}
}

static void test_chains(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int n = 900; n <= 30000; n += 29100) {
		buf_str(&b, STR("- macro: m0\n  condition: evt.num=1\n"));
		for (int i = 1; i < n; i++)
			buf_printf(&b, "- macro: m%d\n  condition: m%d\n", i, i - 1);
		buf_printf(&b,
			   "- rule: r\n  desc: d\n  output: o\n  priority: info\n"
			   "  condition: m%d\n",
			   n - 1);
		expect(&b, n == 900 ? NULL : "more than 1000 macros inside each other");
		/* The same from the far end: each is defined again, so that it sees the next. */
		for (int i = n; i > 0; i--)
			buf_printf(&b, "- macro: m%d\n  condition: evt.num=1\n", i);
		for (int i = n; i > 1; i--)
			buf_printf(&b, "- macro: m%d\n  condition: m%d\n", i, i - 1);
		expect(&b, n == 900 ? NULL : "more than 1000 macros inside each other");
		for (int i = 0; i < n; i++)
			buf_printf(&b, "- list: l%d\n  items: [l%d, x]\n", i, i + 1);
		expect(&b, "more than 64 lists inside each other");
	}
	for (int i = 1; i < 900; i++)
		buf_printf(&b, "- list: l%d\n  items: [l%d, x]\n", i, i - 1);
	expect(&b, NULL);
}

static void test_long(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_str(&b, STR(RULE_HEAD "evt.type=open and proc.name in ("));
	for (int i = 0; i < 80000; i++)
		buf_printf(&b, "%sname%d", i ? ", " : "", i);
	buf_str(&b, STR(")\n"));
	expect(&b, NULL);
	buf_str(&b, STR(RULE_HEAD "evt.type=open"));
	repeat(&b, "\n    and proc.name=x", 80000);
	expect(&b, "longer than 1048576 bytes");
	buf_str(&b, STR(RULE_HEAD "evt.type=open"));
	repeat(&b, "\n    and proc.nam=x", 50000);
	expect(&b, "no field is called proc.nam");
	buf_str(&b, STR(RULE_HEAD "evt.type=open"));
	repeat(&b, "\n    and nosuch", 60000);
	expect(&b, "no macro is called nosuch");
	buf_str(&b, STR(RULE_HEAD "evt.type=open"));
	repeat(&b, "\n    or evt.dir=< or evt.type=nope", 25000);
	expect(&b, NULL);
	buf_str(&b,
		STR("- rule: r\n  desc: d\n  condition: evt.num=1\n  priority: info\n  output: "));
	repeat(&b, "x %container.info ", 20000);
	expect(&b, NULL);
	buf_str(&b,
		STR("- rule: r\n  desc: d\n  condition: evt.num=1\n  priority: info\n  output: "));
	repeat(&b, "x %proc.name ", 60000);
	expect(&b, "too long");
	buf_str(&b, STR("- rule: "));
	repeat(&b, "name ", 200000);
	buf_str(&b, STR("\n  desc: d\n"));
	expect(&b, "condition is missing");
	repeat(&b, "#", RULE_FILE_BYTES_MAX + 1);
	expect(&b, "longer than 16777216 bytes");
}

static void test_many(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < RULE_ITEMS_MAX; i++)
		buf_printf(&b, "- list: l%d\n  items: []\n", i);
	expect(&b, NULL);
	for (int i = 0; i <= RULE_ITEMS_MAX; i++)
		buf_printf(&b, "- list: l%d\n  items: []\n", i);
	expect(&b, "more than 65536 rules, macros and lists");
	for (int i = 0; i < 30000; i++)
		buf_printf(&b, "- macro: some_macro_of_mine_%d\n  condition: some_macro_of_mine%d\n",
			   i, i);
	expect(&b, "no macro is called some_macro_of_mine0; did you mean some_macro_of_mine_0?");
	buf_str(&b, STR("- rule: r\n"));
	for (int i = 0; i < 200000; i++)
		buf_printf(&b, "  conditions%d: x\n", i);
	expect(&b, "condition is missing");
	repeat(&b, "- nothing: x\n", 200000);
	expect(&b, NULL);
}

/* The list ends, the counts go on; warnings do not push errors out. */
static void test_problems(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	_cleanup_(problems_free) struct problems p = { 0 };
	struct rule_opts o = test_opts();
	struct ruleset *rs = NULL;
	struct rule_source file = { .name = "a.yaml" };

	(void)state;
	repeat(&b, "- nothing: x\n", 500);
	repeat(&b, "- x\n", 500);
	file.text = buf_slice(&b);
	assert_int_equal(ruleset_load(&o, &file, 1, &p, &rs), -EINVAL);
	assert_null(rs);
	assert_int_equal(p.n, PROBLEMS_MAX);
	assert_int_equal(p.warnings, 500);
	assert_int_equal(p.errors, 500);
	assert_false(p.list[PROBLEMS_MAX / 2 - 1].error);
	assert_true(p.list[PROBLEMS_MAX / 2].error);
	assert_int_equal(p.list[PROBLEMS_MAX / 2].line, 501);
}

static void test_regexes(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_str(&b, STR(RULE_HEAD "proc.name regex '((a{1,100}){1,100}){1,100}'\n"));
	expect(&b, "bad regular expression");
	buf_str(&b, STR(RULE_HEAD "proc.name regex '"));
	repeat(&b, "(", 3000);
	buf_str(&b, STR("'\n"));
	expect(&b, "bad regular expression");
	buf_str(&b, STR("- macro: evil\n  condition: proc.name regex '(x+x+)+y'\n"));
	for (int i = 0; i < RULE_REGEX_MAX + 1; i++)
		buf_printf(&b,
			   "- rule: r%d\n  desc: d\n  output: o\n  priority: info\n"
			   "  condition: evt.type=open and evil\n",
			   i);
	expect(&b, "more than 4096 regular expressions in all rules");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depth),	 cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_doubling), cmocka_unit_test(test_chains),
		cmocka_unit_test(test_long),	 cmocka_unit_test(test_many),
		cmocka_unit_test(test_regexes),	 cmocka_unit_test(test_problems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
