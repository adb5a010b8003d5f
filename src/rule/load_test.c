/*
 * Rule files and what becomes of them (load_test.txt): each case is a name, one or several files,
 * and what is printed of them: every problem as a person sees it, then the rules that run. Whoever
 * changes an answer on purpose writes the new ones with LOAD_TEST_UPDATE=1 and reads the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "rule/testing.h"

#define FILES_MAX 4

static const char *here(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%.*s/%s", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__,
		 name);
	return path;
}

static void file_slurp(const char *path, struct buf *b)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "r");
	char part[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(b, part, n);
	assert_false(b->failed);
}

static void rule_dump(const struct rule *r, struct buf *b)
{
	buf_printf(b, "rule %.*s (%s, %s:%u:%u)", STR_ARG(r->name), priority_name(r->priority),
		   r->file, r->line, r->column);
	for (size_t i = 0; i < r->ntags; i++)
		buf_printf(b, " #%.*s", STR_ARG(r->tags[i]));
	if (r->capture)
		buf_printf(b, " capture %u ms", r->capture_ms);
	buf_printf(b, "\n  desc: %.*s\n  if: ", STR_ARG(r->desc));
	buf_text(b, r->resolved);
	buf_str(b, STR("\n  then: "));
	buf_text(b, r->output_text);
	buf_char(b, '\n');
}

static void result_dump(int err, const struct problems *p, const struct ruleset *rs, struct buf *b)
{
	for (size_t i = 0; i < p->n; i++)
		problem_print(&p->list[i], b);
	if (err) {
		assert_int_equal(err, -EINVAL);
		assert_null(rs);
		assert_true(p->errors > 0);
		return;
	}
	assert_non_null(rs);
	assert_int_equal(p->errors, 0);
	for (size_t i = 0; i < rs->n; i++) {
		assert_int_equal(rs->rules[i]->index, i);
		assert_ptr_equal(ruleset_find(rs, rs->rules[i]->name), rs->rules[i]);
		rule_dump(rs->rules[i], b);
	}
	buf_printf(b, "%zu of %zu rules, %zu disabled, %zu skipped, %zu macros, %zu lists\n", rs->n,
		   rs->total, rs->disabled, rs->skipped, rs->macros, rs->lists);
}

/* Cuts a line, with its end, off @rest. */
static struct str line_cut(struct str *rest)
{
	const char *end = memchr(rest->p, '\n', rest->n);
	struct str line = { rest->p, end ? (size_t)(end - rest->p) + 1 : rest->n };

	*rest = str_skip(*rest, line.n);
	return line;
}

/* The lines up to one that starts with one of the marks. */
static struct str lines_cut(struct str *rest)
{
	const char *start = rest->p;

	while (rest->n && !str_starts(*rest, STR("=== ")) && !str_starts(*rest, STR("--- ")) &&
	       !str_starts(*rest, STR("---> ")))
		line_cut(rest);
	return (struct str){ start, (size_t)(rest->p - start) };
}

/* One case: appends it with the answer of today to @b, and says whether the answer is the old. */
static bool case_run(struct str *rest, struct buf *b)
{
	static const char *const names[FILES_MAX] = { "a.yaml", "b.yaml", "c.yaml", "d.yaml" };
	_cleanup_(problems_free) struct problems problems = { 0 };
	_cleanup_(ruleset_freep) struct ruleset *rs = NULL;
	struct rule_source files[FILES_MAX];
	struct rule_opts o = test_opts();
	const char *start = rest->p;
	size_t n = 0, at;
	struct str old;
	int err;

	line_cut(rest);
	do {
		assert_true(n < FILES_MAX);
		files[n] = (struct rule_source){ names[n], lines_cut(rest) };
		n++;
	} while (str_starts(line_cut(rest), STR("--- ")));
	buf_add(b, start, (size_t)(rest->p - start));
	old = lines_cut(rest);
	at = b->n;
	err = ruleset_load(&o, files, n, &problems, &rs);
	result_dump(err, &problems, rs, b);
	return str_eq(old, (struct str){ b->p + at, b->n - at });
}

static void test_cases(void **state)
{
	_cleanup_(buf_free) struct buf text = { 0 }, now = { 0 };
	size_t cases = 0, wrong = 0;
	struct str rest;

	(void)state;
	file_slurp(here("load_test.txt"), &text);
	rest = buf_slice(&text);
	buf_str(&now, lines_cut(&rest)); /* the comment before the first case */
	while (rest.n) {
		size_t at = now.n;

		cases++;
		if (case_run(&rest, &now))
			continue;
		wrong++;
		print_error("now:\n%.*s\n", (int)(now.n - at), now.p + at);
	}
	assert_true(cases > 100);
	if (getenv("LOAD_TEST_UPDATE")) {
		_cleanup_(fclosep) FILE *f = fopen(here("load_test.txt"), "w");

		assert_non_null(f);
		assert_int_equal(fwrite(now.p, 1, now.n, f), now.n);
		return;
	}
	assert_int_equal(wrong, 0);
}

/* The rules that people have: no error, no warning, and fast. */
static void test_official(void **state)
{
	char stable[4200], incubating[4200];
	const char *const paths[] = { stable, incubating };
	_cleanup_(problems_free) struct problems problems = { 0 };
	_cleanup_(ruleset_freep) struct ruleset *rs = NULL;
	_cleanup_(buf_free) struct buf b = { 0 };
	struct rule_opts o = test_opts();
	uint64_t start = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	const struct rule *r;
	int err;

	(void)state;
	snprintf(stable, sizeof(stable), "%s", here("../../test/rules/falco/falco_rules.yaml"));
	snprintf(incubating, sizeof(incubating), "%s",
		 here("../../test/rules/falco/falco-incubating_rules.yaml"));
	err = ruleset_load_files(&o, paths, 2, &problems, &rs);
	for (size_t i = 0; i < problems.n; i++)
		problem_print(&problems.list[i], &b);
	print_message("%.*s%.1f ms\n", STR_ARG(buf_slice(&b)),
		      (double)(clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - start) / 1e6);
	assert_int_equal(err, 0);
	assert_int_equal(problems.warnings, 0);
	assert_int_equal(rs->n, 56);
	assert_int_equal(rs->total, 56);
	assert_int_equal(rs->disabled + rs->skipped, 0);
	assert_int_equal(rs->macros, 157);
	assert_int_equal(rs->lists, 83);
	r = ruleset_find(rs, STR("Terminal shell in container"));
	assert_non_null(r);
	assert_int_equal(r->priority, PRIORITY_NOTICE);
	assert_int_equal(r->ntags, 5);
	assert_true(str_eq(r->tags[0], STR("T1059")));
	assert_true(str_eq(r->tags[4], STR("shell")));
	assert_true(str_eq(r->source, STR("syscall")));
	assert_int_equal(r->kinds, KIND_BIT(KIND_EXEC));
	assert_true(str_starts(r->condition, STR("spawned_process and container and shell_procs")));
	assert_true(str_starts(r->resolved, STR("((evt.type in (execve, execveat)))")));
	assert_null(ruleset_find(rs, STR("Terminal")));
}

/* A thousand rules that share macros and lists: what is asked of `rules check` and of a reload. */
static void test_thousand(void **state)
{
	_cleanup_(problems_free) struct problems problems = { 0 };
	_cleanup_(ruleset_freep) struct ruleset *rs = NULL;
	_cleanup_(buf_free) struct buf b = { 0 };
	struct rule_source files[2] = { { "falco.yaml" }, { "made.yaml" } };
	struct rule_opts o = test_opts();
	_cleanup_(buf_free) struct buf made = { 0 };
	uint64_t start;

	(void)state;
	file_slurp(here("../../test/rules/falco/falco_rules.yaml"), &b);
	for (int i = 0; i < 1000; i++)
		buf_printf(&made,
			   "- rule: Made %d\n  desc: made\n  condition: >\n"
			   "    spawned_process and container and not proc.name in (shell_binaries)\n"
			   "    and sensitive_files and proc.cmdline contains \"x%d\" and not\n"
			   "    run_by_package_mgmt_binaries and proc.aname in (a%d, b%d)\n"
			   "  output: x file=%%fd.name user=%%user.name process=%%proc.name %d\n"
			   "  priority: WARNING\n  tags: [a, b]\n",
			   i, i, i, i, i);
	files[0].text = buf_slice(&b);
	files[1].text = buf_slice(&made);
	start = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	assert_int_equal(ruleset_load(&o, files, 2, &problems, &rs), 0);
	print_message("%zu rules in %.1f ms\n", rs->n,
		      (double)(clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - start) / 1e6);
	assert_int_equal(rs->n, 1025);
	assert_true(rs->checks > 8000);
}

static void test_priorities(void **state)
{
	static const char text[] = "- rule: a\n  desc: d\n  condition: evt.type=open\n"
				   "  output: o\n  priority: info\n"
				   "- rule: b\n  desc: d\n  condition: evt.type=exec\n"
				   "  output: o\n  priority: CRITICAL\n";
	const struct rule_source file = { "a.yaml", STR(text) };
	_cleanup_(problems_free) struct problems problems = { 0 };
	_cleanup_(ruleset_freep) struct ruleset *rs = NULL;
	struct rule_opts o = test_opts();
	enum priority p;

	(void)state;
	o.least = PRIORITY_WARNING;
	assert_int_equal(ruleset_load(&o, &file, 1, &problems, &rs), 0);
	assert_int_equal(rs->n, 1);
	assert_int_equal(rs->total, 2);
	assert_int_equal(rs->skipped, 1);
	assert_int_equal(rs->rules[0]->index, 0);
	assert_true(str_eq(rs->rules[0]->name, STR("b")));
	assert_int_equal(rs->kinds, KIND_BIT(KIND_EXEC));
	for (unsigned i = 0; i < PRIORITIES; i++) {
		assert_true(priority_parse(str_of(priority_name((enum priority)i)), &p));
		assert_int_equal(p, i);
	}
	assert_true(priority_parse(STR("iNFo"), &p));
	assert_int_equal(p, PRIORITY_INFORMATIONAL);
	assert_false(priority_parse(STR("inf"), &p));
	assert_false(priority_parse(STR("Warnings"), &p));
	assert_false(priority_parse(STR_NONE, &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_official),
		cmocka_unit_test(test_thousand),
		cmocka_unit_test(test_priorities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
