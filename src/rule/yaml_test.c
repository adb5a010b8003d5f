/*
 * The tree of a YAML text, and that a byte of a scalar's value is found again in the file, whatever
 * the scalar's style.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/guard_test.h"
#include "rule/yaml.h"

static void node_dump(const struct node *n, struct buf *b)
{
	static const char *const open[] = { "null", "'", "{", "[" }, *const close[] = { "", "'",
											"}", "]" };

	buf_str(b, str_of(open[n->kind]));
	if (n->kind == NODE_SCALAR)
		buf_text(b, n->text);
	for (const struct node *c = n->child; c; c = c->next) {
		node_dump(c, b);
		if (c->next)
			buf_str(b, STR(" "));
	}
	buf_str(b, str_of(close[n->kind]));
}

static const struct {
	const char *text, *tree;
} trees[] = {
	{ "", "" },
	{ "a", "'a'" },
	{ "~", "null" },
	{ "''", "''" },
	{ "[]", "[]" },
	{ "- a\n- b: c\n  d: [e, ~, '', null]\n-\n", "['a' {'b' 'c' 'd' ['e' null '' null]} null]" },
	{ "--- a\n--- [b]\n...\n", "'a' ['b']" },
	{ "- &x [a, b]\n- *x\n- c\n", "[['a' 'b'] ['a' 'b'] 'c']" },
	{ "- &x a\n- &x b\n- *x\n", "['a' 'b' 'b']" },
	{ "- !!int 5\n- !mine {a: b}\n", "['5' {'a' 'b'}]" },
	{ "? [a, b]\n: c\n", "{['a' 'b'] 'c'}" },
	{ "a: |\n  x\n   y\nb: >\n  x\n  y\n\n  z\n", "{'a' 'x\\n y\\n' 'b' 'x y\\nz\\n'}" },
	{ "\"a\\x41\\u00e4\"", "'aAä'" },
};

static void test_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		const struct rule_file file = { "t", str_of(trees[i].text) };
		_cleanup_(pool_free) struct pool pool = { 0 };
		_cleanup_(buf_free) struct buf b = { 0 };
		struct yaml_wrong wrong;
		struct node *documents;
		size_t nodes = 0, sum = 0;

		assert_int_equal(yaml_read(&pool, &file, &nodes, &documents, &wrong), 0);
		for (const struct node *d = documents; d; d = d->next) {
			node_dump(d, &b);
			buf_str(&b, d->next ? STR(" ") : STR(""));
			sum += d->size;
		}
		buf_char(&b, 0);
		assert_string_equal(b.p, trees[i].tree);
		assert_int_equal(sum, nodes);
	}
}

static const struct {
	const char *text;
	size_t at;
	const char *message;
} wrongs[] = {
	{ "a: b: c", 4, "not YAML: mapping values are not allowed in this context" },
	{ "- a\n- *x\n", 6, "an alias of an anchor that does not stand before it" },
	{ "- &x [a, [*x]]\n", 10, "an alias inside of what it stands for" },
	{ "--- &x a\n--- *x\n", 13, "an alias of an anchor that does not stand before it" },
	{ "ä: \xff", 4, "not YAML: invalid leading UTF-8 octet" },
	{ "ä: [b\n", 7, "not YAML: did not find expected ',' or ']' while parsing a flow sequence" },
	{ "%YAML 3.0\n---\n", 0, "not YAML: found incompatible YAML document" },
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct rule_file file = { "t", str_of(wrongs[i].text) };
		_cleanup_(pool_free) struct pool pool = { 0 };
		struct node *documents = NULL;
		struct yaml_wrong wrong = { 0 };
		size_t nodes = 0;

		assert_int_equal(yaml_read(&pool, &file, &nodes, &documents, &wrong), -EINVAL);
		assert_null(documents);
		assert_string_equal(wrong.message, wrongs[i].message);
		assert_int_equal(wrong.at, wrongs[i].at);
	}
}

/* Each holds the words of the value in order; every letter of theirs is there once. */
static const char *const scalars[] = {
	"abc defg hijk lmn",
	"  abc defg  \n  hijk\n\n  lmn  \n",
	"'abc defg hijk lmn'",
	"'abc\n\n  defg\n hijk lmn' # no",
	"\"abc defg hijk lmn\"",
	"\"abc\\n\\x20defg\\t\\\n  hijk \\u0020lmn\"",
	"|\n  abc defg\n   hijk\n  lmn",
	">\n  abc\n  defg\n\n    hijk\n  lmn\n\n",
	">1- # a header with abc in it\n  abc\n defg\n hijk lmn\n",
	"|+\r\n  abc defg\r\n  hijk\r\n  lmn\r\n",
	"!!str abc defg hijk lmn",
	"&abcdefg abc defg hijk lmn",
	"!t &defg 'abc defg hijk lmn'",
	"ä€abc defg hijk lmn",
};

static void offset_check(const char *text)
{
	const struct rule_file file = { "t", str_of(text) };
	_cleanup_(pool_free) struct pool pool = { 0 };
	struct yaml_wrong wrong;
	struct node *n;
	size_t nodes = 0, last = 0;

	assert_int_equal(yaml_read(&pool, &file, &nodes, &n, &wrong), 0);
	assert_int_equal(n->kind, NODE_SCALAR);
	for (size_t i = 0; i < n->text.n; i++) {
		size_t at = node_offset(n, i);

		assert_true(at >= last && at <= n->end);
		last = at;
		if (n->text.p[i] >= 'a' && n->text.p[i] <= 'z')
			assert_int_equal(text[at], n->text.p[i]);
		else if (i + 1 < n->text.n && n->text.p[i + 1] >= 'a' && n->text.p[i + 1] <= 'z')
			assert_int_equal(text[at], n->text.p[i] == ' ' || n->text.p[i] == '\n' ||
								   n->text.p[i] == '\t' ?
							   n->text.p[i + 1] :
							   text[at]);
	}
	assert_int_equal(text[node_offset(n, n->text.n) - 1], 'n');
	assert_int_equal(node_offset(n, 100000), node_offset(n, n->text.n));
}

static void test_offsets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
		offset_check(scalars[i]);
}

/* Every prefix of a text with everything in it, against an unmapped page. */
static void test_prefixes(void **state)
{
	static const char text[] =
		"- &a \"x\\x41\\\n  ä\": [*a, 'b''c', {d: >\n   e}]\n- !t |2+\n   f\n"
		"? g\n: h\n--- ~\n...\n";
	struct guard g = guard_make();

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		const struct rule_file file = { "t", { (const char *)guard_put(&g, text, n), n } };
		_cleanup_(pool_free) struct pool pool = { 0 };
		struct node *documents = NULL;
		struct yaml_wrong wrong;
		size_t nodes = 0;
		int r = yaml_read(&pool, &file, &nodes, &documents, &wrong);

		assert_true(r == 0 || (r == -EINVAL && wrong.at <= n));
		for (const struct node *d = documents; d; d = d->next)
			if (d->kind == NODE_SCALAR)
				assert_true(node_offset(d, d->text.n) <= n);
	}
	guard_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
