/*
 * The golden table expr_test.txt: events made field by field, expressions against them, and what
 * must come out: true, false, or the error with its caret. And what a table cannot hold.
 *
 * `expr_test --print` writes the table anew with what comes out now, to be read before it is kept.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lang/testing.h"

static struct catalogue catalogue;
static struct arena arena;
static bool print;
static unsigned rows, bad_rows;

/* \n, \t and \xHH (other than inside quotes, where the language has its own) in place. */
static struct str unescape(char *s)
{
	bool quoted = false;
	char *to = s, *p = s;
	unsigned hex;

	for (; *p; p++) {
		quoted ^= *p == '"';
		if (*p == '\\' && !quoted && p[1] == 'n') {
			*to++ = '\n';
			p++;
		} else if (*p == '\\' && !quoted && p[1] == 't') {
			*to++ = '\t';
			p++;
		} else if (*p == '\\' && !quoted && sscanf(p + 1, "x%2x", &hex) == 1) {
			*to++ = (char)hex;
			p += 3;
		} else {
			*to++ = *p;
		}
	}
	return (struct str){ s, (size_t)(to - s) };
}

/* What the expression does, as the table shows it. */
static void outcome(const struct test_event *t, const char *line, struct buf *ret)
{
	_cleanup_(freep) char *copy = strdup(line);
	_cleanup_(expr_freep) struct expr *x = NULL;
	struct lang_error e;
	struct buf text = { 0 };
	bool start = true;

	if (expr_parse(&catalogue, unescape(copy), NULL, &x, &e) == 0) {
		arena_reset(&arena);
		buf_printf(ret, "%s %s\n", expr_match(x, &t->ev) ? "true " : "false", line);
		return;
	}
	lang_error_print(&e, &text);
	buf_printf(ret, "error %s\n", line);
	for (size_t i = 0; i < text.n; i++) {
		if (start)
			buf_str(ret, STR("\t"));
		buf_char(ret, text.p[i]);
		start = text.p[i] == '\n';
	}
	buf_free(&text);
	bad_rows++;
}

static bool is_row(const char *line)
{
	return strncmp(line, "true  ", 6) == 0 || strncmp(line, "false ", 6) == 0 ||
	       strncmp(line, "error ", 6) == 0;
}

/* One pass over the table; what it should be goes to @ret. */
static void table_run(FILE *file, struct buf *ret)
{
	static char line[8192], names[64][2048];
	static struct test_event t;
	bool in_event = false;
	unsigned n = 0;

	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "event ", 6) == 0) {
			t = (struct test_event){ 0 };
			in_event = true;
			n = 0;
		} else if (in_event && line[0]) {
			char *tab = strchr(line, '\t');

			assert_non_null(tab);
			assert_true(n < 64);
			strcpy(names[n], line);
			test_set(&t, &catalogue, (struct str){ names[n], (size_t)(tab - line) },
				 str_of(names[n] + (tab - line) + 1));
			n++;
		} else if (is_row(line)) {
			outcome(&t, line + 6, ret);
			rows++;
			continue;
		} else if (line[0] == '\t') {
			continue; /* the error of the row above: made anew */
		} else {
			in_event = false;
		}
		buf_printf(ret, "%s\n", line);
	}
}

static void test_table(void **state)
{
	_cleanup_(buf_free) struct buf want = { 0 }, have = { 0 };
	char path[4096], chunk[4096];
	_cleanup_(fclosep) FILE *file = NULL;
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%.*s/expr_test.txt", (int)(strrchr(__FILE__, '/') - __FILE__),
		 __FILE__);
	file = fopen(path, "r");
	assert_non_null(file);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_add(&want, chunk, n);
	rewind(file);
	table_run(file, &have);
	if (print) {
		fwrite(have.p, 1, have.n, stdout);
		return;
	}
	assert_true(rows >= 150 && bad_rows >= 80);
	/* The first line that differs says more than a whole table. */
	for (size_t at = 0; at < want.n && at < have.n;) {
		size_t len = strcspn(want.p + at, "\n") + 1;

		if (at + len > have.n || memcmp(want.p + at, have.p + at, len) != 0)
			print_error("want: %.*shave: %.*s\n", (int)len, want.p + at,
				    (int)(have.n - at < len + 80 ? have.n - at : len + 80),
				    have.p + at);
		assert_true(at + len <= have.n);
		assert_memory_equal(want.p + at, have.p + at, len);
		at += len;
	}
	assert_int_equal(want.n, have.n);
}

/* Macros */

struct macros {
	struct ast *first, *self, *bad;
};

static const struct ast *macro_find(void *ctx, struct str name)
{
	const struct macros *m = ctx;

	if (str_eq(name, STR("first")))
		return m->first;
	if (str_eq(name, STR("self")))
		return m->self;
	return str_eq(name, STR("bad")) ? m->bad : NULL;
}

static void test_macros(void **state)
{
	struct macros m = { 0 };
	struct expr_opts opts = { .ident = macro_find, .ctx = &m };
	struct test_event t = { 0 };
	struct lang_error e;
	struct expr *x = NULL;

	(void)state;
	test_set(&t, &catalogue, STR("proc.name"), STR("nginx"));
	assert_int_equal(ast_parse(STR("proc.name=sh or proc.name=nginx"), &m.first, &e), 0);
	assert_int_equal(ast_parse(STR("first and self"), &m.self, &e), 0);
	assert_int_equal(ast_parse(STR("first or\n  proc.nam=1"), &m.bad, &e), 0);

	assert_int_equal(expr_parse(&catalogue, STR("first and not proc.name=sh"), &opts, &x, &e), 0);
	assert_true(expr_match(x, &t.ev));
	expr_free(take_ptr(x));
	assert_int_equal(expr_parse(&catalogue, STR("not first"), &opts, &x, &e), 0);
	assert_false(expr_match(x, &t.ev));
	expr_free(take_ptr(x));

	assert_int_equal(expr_parse(&catalogue, STR("self"), &opts, &x, &e), -EINVAL);
	assert_non_null(strstr(e.message, "does a macro refer to itself"));
	assert_int_equal(expr_parse(&catalogue, STR("first and frist"), &opts, &x, &e), -EINVAL);
	assert_string_equal(e.message, "no macro is called frist");
	assert_int_equal(e.column, 11);
	/* A mistake inside a macro is shown in the macro's text. */
	assert_int_equal(expr_parse(&catalogue, STR("bad"), &opts, &x, &e), -EINVAL);
	assert_int_equal(e.line, 2);
	assert_int_equal(e.column, 3);
	assert_null(x);
	ast_free(m.first);
	ast_free(m.self);
	ast_free(m.bad);
}

/* The text may go away, and the error structure is optional. */
static void test_owns_its_text(void **state)
{
	char text[] = "proc.name=nginx and proc.name in (nginx, sh) and proc.name startswith ng "
		      "and proc.env[HOME]=/root and concat(proc.name, \"-\")=\"nginx-\"";
	struct test_event t = { 0 };
	struct expr *x = NULL;

	(void)state;
	test_set(&t, &catalogue, STR("proc.name"), STR("nginx"));
	test_set(&t, &catalogue, STR("proc.env[HOME]"), STR("/root"));
	assert_int_equal(expr_parse(&catalogue, str_of(text), NULL, &x, NULL), 0);
	memset(text, 'x', sizeof(text));
	arena_reset(&arena);
	assert_true(expr_match(x, &t.ev));
	assert_int_equal(expr_checks(x), 5);
	expr_free(x);
	x = NULL;
	assert_int_equal(expr_parse(&catalogue, STR("proc.name=("), NULL, &x, NULL), -EINVAL);
	assert_null(x);
}

/* Without room for strings made on the spot there is no value, and no crash. */
static void test_arena_full(void **state)
{
	struct arena small = { 0 };
	struct test_event t = { 0 };
	struct expr *x = NULL;

	(void)state;
	test_set(&t, &catalogue, STR("proc.name"), STR("a-name-longer-than-the-arena"));
	assert_int_equal(expr_parse(&catalogue, STR("toupper(proc.name) exists"), NULL, &x, NULL), 0);
	arena_reset(&arena);
	assert_true(expr_match(x, &t.ev));
	assert_int_equal(arena_init(&small, 16), 0);
	field_arena_set(&small);
	assert_false(expr_match(x, &t.ev));
	assert_true(small.full > 0);
	field_arena_set(NULL);
	assert_false(expr_match(x, &t.ev));
	field_arena_set(&arena);
	arena_free(&small);
	expr_free(x);
}

static void field_count(void *ctx, const struct field_ref *ref)
{
	unsigned *n = ctx;

	n[0]++;
	n[1] += ref->has_index;
	n[2] += ref->key.n > 0;
}

static void test_fields_visited(void **state)
{
	struct expr *x = NULL;
	unsigned n[3] = { 0 };

	(void)state;
	assert_int_equal(expr_parse(&catalogue,
				    STR("proc.aname[2]=a or not (concat(proc.name, fd.name)=x and "
					"proc.env[A]=val(proc.pname))"),
				    NULL, &x, NULL),
			 0);
	expr_fields(x, field_count, n);
	assert_int_equal(n[0], 5);
	assert_int_equal(n[1], 1);
	assert_int_equal(n[2], 1);
	expr_free(x);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	       cmocka_unit_test(test_macros),
		cmocka_unit_test(test_owns_its_text),  cmocka_unit_test(test_arena_full),
		cmocka_unit_test(test_fields_visited),
	};
	int r;

	print = argc > 1 && strcmp(argv[1], "--print") == 0;
	catalogue = test_catalogue();
	if (arena_init(&arena, 1 << 16) < 0)
		return 1;
	field_arena_set(&arena);
	r = print ? (test_table(NULL), 0) : cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(&arena);
	catalogue_free(&catalogue);
	return r;
}
