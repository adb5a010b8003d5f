/* Rule files from disk, and problems as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "rule/testing.h"

static char dir[] = "/tmp/rule_files_test.XXXXXX";

static const char *in_dir(const char *name)
{
	static char paths[8][128];
	static unsigned at;
	char *p = paths[at++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

static void file_put(const char *name, const char *text)
{
	_cleanup_(fclosep) FILE *f = fopen(in_dir(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
}

static void rule_put(const char *file, const char *rule)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "- rule: %s\n  desc: d\n  condition: evt.type=open\n  output: o\n  priority: info\n",
		 rule);
	file_put(file, text);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || mkdir(in_dir("rules.d"), 0700) < 0 || mkdir(in_dir("empty"), 0700) < 0 ||
	    mkdir(in_dir("rules.d/sub.yaml.d"), 0700) < 0 || mkfifo(in_dir("pipe.yaml"), 0600) < 0)
		return -1;
	rule_put("rules.d/20-b.yaml", "b");
	rule_put("rules.d/10-a.yml", "a");
	rule_put("rules.d/B.yaml", "upper");
	file_put("rules.d/30.yaml.orig", "not: rules");
	file_put("rules.d/README", "not: rules");
	rule_put("one.yaml", "one");
	file_put("bad.yaml", "- rule: bad\n  desc: \"a \\\"\n");
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {
		"rules.d/20-b.yaml", "rules.d/10-a.yml",   "rules.d/B.yaml", "rules.d/30.yaml.orig",
		"rules.d/README",    "rules.d/sub.yaml.d", "rules.d",	     "one.yaml",
		"bad.yaml",	     "pipe.yaml",	   "empty",	     ""
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (remove(in_dir(names[i])) < 0)
			return -1;
	return 0;
}

static void test_order(void **state)
{
	const char *const paths[] = { in_dir("one.yaml"), in_dir("rules.d"), in_dir("empty/") };
	static const char *const names[] = { "one", "a", "b", "upper" };
	_cleanup_(problems_free) struct problems p = { 0 };
	_cleanup_(ruleset_freep) struct ruleset *rs = NULL;
	struct rule_opts o = test_opts();

	(void)state;
	assert_int_equal(ruleset_load_files(&o, paths, 3, &p, &rs), 0);
	assert_int_equal(p.n, 0);
	assert_int_equal(rs->n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(str_eq(rs->rules[i]->name, str_of(names[i])));
	assert_string_equal(rs->rules[1]->file, in_dir("rules.d/10-a.yml"));
}

/* One path with a problem, what is said, and that a good file beside it does not help. */
static void expect_wrong(const char *path, const char *says)
{
	const char *const paths[] = { in_dir("one.yaml"), path };
	_cleanup_(problems_free) struct problems p = { 0 };
	struct rule_opts o = test_opts();
	struct ruleset *rs = NULL;

	assert_int_equal(ruleset_load_files(&o, paths, 2, &p, &rs), -EINVAL);
	assert_null(rs);
	assert_int_equal(p.n, 1);
	assert_true(p.list[0].error);
	assert_string_equal(p.list[0].code, "LOAD_ERR_FILE_READ");
	assert_string_equal(p.list[0].message, says);
	assert_string_equal(p.list[0].file, path);
	assert_int_equal(p.list[0].line, 0);
	assert_int_equal(p.list[0].column, 0);
}

static void test_unreadable(void **state)
{
	(void)state;
	expect_wrong(in_dir("nothing.yaml"), "No such file or directory");
	expect_wrong(in_dir("one.yaml/x"), "Not a directory");
	expect_wrong(in_dir("pipe.yaml"), "not a file");
	expect_wrong("/dev/zero", "not a file");
}

static void test_too_many(void **state)
{
	const char *paths[RULE_FILES_MAX + 1];
	_cleanup_(problems_free) struct problems p = { 0 };
	struct rule_opts o = test_opts();
	struct ruleset *rs = NULL;

	(void)state;
	for (size_t i = 0; i <= RULE_FILES_MAX; i++)
		paths[i] = in_dir("one.yaml");
	assert_int_equal(ruleset_load_files(&o, paths, RULE_FILES_MAX + 1, &p, &rs), -EINVAL);
	assert_string_equal(p.list[0].message, "more than 256 rule files");
	assert_int_equal(ruleset_load_files(&o, paths, RULE_FILES_MAX, &p, &rs), 0);
	assert_int_equal(rs->total, 1);
	ruleset_free(rs);
}

static void test_json(void **state)
{
	const struct rule_source file = { "dir/\x1b"
					  "a\"b.yaml",
					  STR("- rule: \"x\\ty\"\n  desc: d\n  condition: proc.nam=\"a\n"
					      "  output: o\n  priority: info\n") };
	_cleanup_(problems_free) struct problems p = { 0 };
	_cleanup_(buf_free) struct buf b = { 0 };
	struct rule_opts o = test_opts();
	struct ruleset *rs = NULL;

	(void)state;
	assert_int_equal(ruleset_load(&o, &file, 1, &p, &rs), -EINVAL);
	assert_int_equal(p.n, 1);
	problem_json(&p.list[0], &b);
	buf_char(&b, 0);
	assert_string_equal(b.p,
			    "{\"severity\":\"error\",\"code\":\"LOAD_ERR_COMPILE_CONDITION\","
			    "\"file\":\"dir/\\\\x1ba\\\"b.yaml\",\"line\":3,\"column\":23,"
			    "\"item\":\"rule: x\\\\ty\",\"message\":\"this quote is never closed\","
			    "\"excerpt\":\"  condition: proc.nam=\\\"a\","
			    "\"caret\":\"                      ^\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
