/*
 * From an event to rules: in order of definition, all or the first, counted. That the answers are
 * right is lang/many_test.c's to show.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "rule/load.h"
#include "rule/match.h"

static bool name_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	(void)ref;
	*ret = (struct value){ .type = VALUE_STR, .str = ev->fd.name };
	return nth == 0 && ev->fd.name.p;
}

static const struct field fields[] = {
	{ "fd.name", VALUE_STR, "", KINDS_ALL, 0, name_get, 0, "" },
	{ 0 },
};

static const char text[] = "- rule: first\n  desc: d\n  condition: fd.name startswith /a\n"
			   "  output: o\n  priority: NOTICE\n"
			   "- rule: off\n  desc: d\n  condition: fd.name startswith /a\n"
			   "  output: o\n  priority: NOTICE\n  enabled: false\n"
			   "- rule: second\n  desc: d\n  condition: fd.name startswith /b\n"
			   "  output: o\n  priority: NOTICE\n"
			   "- rule: third\n  desc: d\n  condition: fd.name = /a/b\n"
			   "  output: o\n  priority: NOTICE\n";

static void note(void *ctx, const struct rule *r, const struct event *ev)
{
	struct buf *b = ctx;

	assert_non_null(ev);
	buf_printf(b, "%.*s ", STR_ARG(r->name));
}

static void run(struct matcher *m, const char *name, bool all, const char *want)
{
	struct event ev = { .kind = &kind_table[KIND_OPEN], .type = STR("open") };
	_cleanup_(buf_free) struct buf b = { 0 };
	size_t n, words = 0;

	ev.fd.name = str_of(name);
	n = matcher_run(m, &ev, all, note, &b);
	for (size_t i = 0; want[i]; i++)
		words += want[i] == ' ';
	buf_char(&b, 0);
	assert_string_equal(b.p, want);
	assert_int_equal(n, words);
}

static void test_order(void **state)
{
	static const struct field *const tables[] = { fields };
	_cleanup_(ruleset_freep) struct ruleset *rules = NULL;
	struct problems problems = { 0 };
	struct catalogue c;
	struct rule_source source = { "x.yaml", STR(text) };
	struct rule_opts opts = { .catalogue = &c, .least = PRIORITY_DEBUG };
	struct matcher *m;

	(void)state;
	assert_int_equal(catalogue_join(tables, 1, &c), 0);
	assert_int_equal(ruleset_load(&opts, &source, 1, &problems, &rules), 0);
	assert_int_equal(rules->n, 3);
	assert_int_equal(matcher_new(rules, &m), 0);
	run(m, "/a/b", true, "first third ");
	run(m, "/a/b", false, "first ");
	run(m, "/b", true, "second ");
	run(m, "/c", true, "");
	run(m, NULL, true, "");
	assert_int_equal(matcher_count(m, 0).matched, 2);
	assert_int_equal(matcher_count(m, 1).matched, 1);
	assert_int_equal(matcher_count(m, 2).matched, 1);
	assert_true(matcher_count(m, 0).evaluated >= 2);
	matcher_free(m);
	problems_free(&problems);
	catalogue_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
