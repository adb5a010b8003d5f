/* Output formats: golden results, the exact errors, widths, and what the visitors see. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lang/format.h"
#include "lang/testing.h"

static struct catalogue catalogue;
static struct arena arena;

static const struct {
	const char *format, *want; /* an error starts with its position */
} rows[] = {
	{ "", "" },
	{ "plain text, no field", "plain text, no field" },
	{ "%proc.name", "nginx" },
	{ "<%proc.name>", "<nginx>" },
	{ "%proc.name%proc.pid", "nginx4711" },
	{ "%proc.name %proc.pid\n", "nginx 4711\n" },
	{ "proc=%proc.name.", "proc=nginx." },
	{ "%proc.name.foo", "nginx.foo" },
	{ "%proc.names", "nginxs" },
	{ "%proc.pidfile", "4711file" },
	{ "%fd.name=%fd.num,", "/etc/\\xffpasswd=-1," },
	{ "%proc.pname", "<NA>" },
	{ "%proc.pname %evt.res", "<NA> <NA>" },
	{ "%proc.argv", "(nginx,-g)" },
	{ "%proc.caps", "()" },
	{ "%proc.aname[1]", "sh" },
	{ "%proc.aname[9]", "<NA>" },
	{ "%proc.aname", "nginx" },
	{ "%proc.env[HOME]/x", "/root/x" },
	{ "%proc.env[\"HOME\"]", "/root" },
	{ "%evt.arg.flags %evt.arg[flags]", "O_RDWR O_RDWR" },
	{ "%evt.arg.nothing", "<NA>" },
	{ "%evt.is_open_read", "true" },
	{ "%fd.ip", "10.1.2.3" },
	{ "%fd.sip", "2001:db8::1" },
	{ "%proc.duration", "1500000000" },
	{ "%evt.buffer", "a\\nb" },
	/* widths: characters */
	{ "[%8proc.name]", "[nginx   ]" },
	{ "[%5proc.name]", "[nginx]" },
	{ "[%3proc.name]", "[ngi]" },
	{ "[%1proc.name]", "[n]" },
	{ "[%6proc.pname]", "[<NA>  ]" },
	{ "[%2proc.pname]", "[<N]" },
	{ "[%8container.id]", "[h\xc3\xa9llo   ]" },
	{ "[%2container.id]", "[h\xc3\xa9]" },
	{ "[%012proc.pid]", "[4711        ]" },
	/* transformers */
	{ "%toupper(proc.name)", "NGINX" },
	{ "%len(proc.name)s", "5s" },
	{ "[%8toupper(proc.name)]", "[NGINX   ]" },
	{ "%join(\" \", proc.argv)!", "nginx -g!" },
	{ "%concat(proc.name, \":\", proc.env[HOME]) x", "nginx:/root x" },
	{ "%basename(tolower(fd.name))[x]", "\\xffpasswd[x]" },
	{ "%tolower(proc.pname)", "<NA>" },
	{ "100%%", "100%" },
	{ "%%proc.name", "%proc.name" },
	{ "%%%proc.name%%", "%nginx%" },
	/* errors */
	{ "%", "1:2: expected a field behind %; write %% for a percent sign\n  %\n   ^\n" },
	{ "100% of %proc.name", "1:5: expected a field behind %; write %% for a percent sign\n"
				"  100% of %proc.name\n      ^\n" },
	{ "%proc.nam x", "1:2: no field is called proc.nam; did you mean proc.name?\n"
			 "  %proc.nam x\n   ^\n" },
	{ "a %nothing.like.this", "1:4: no field is called nothing.like.this\n"
				  "  a %nothing.like.this\n     ^\n" },
	{ "%20", "1:4: expected a field behind %; write %% for a percent sign\n  %20\n     ^\n" },
	{ "%0proc.name", "1:2: a width of nothing\n  %0proc.name\n   ^\n" },
	{ "%99999proc.name", "1:2: wider than 1024 characters\n  %99999proc.name\n   ^\n" },
	{ "%proc.env[HOME", "1:10: this bracket is never closed\n  %proc.env[HOME\n           ^\n" },
	{ "%proc.env[]", "1:11: expected a number or a key in the brackets\n"
			 "  %proc.env[]\n            ^\n" },
	{ "%proc.name[1]", "1:12: proc.name takes nothing in brackets\n"
			   "  %proc.name[1]\n             ^\n" },
	{ "%lower(proc.name)",
	  "1:2: no transformer is called lower; there are tolower, toupper, basename, b64, len, "
	  "join, concat, getopt and val\n  %lower(proc.name)\n   ^\n" },
	{ "%tolower(proc.name", "1:19: expected ',' or ')', found the end of the text\n"
				"  %tolower(proc.name\n                    ^\n" },
	{ "%tolower(proc.pid)", "1:10: this does not fit tolower(string)\n"
				"  %tolower(proc.pid)\n           ^\n" },
	{ "%tolower(proc.aname)", "1:10: proc.aname has several values and cannot be transformed\n"
				  "  %tolower(proc.aname)\n           ^\n" },
	{ "%val(proc.name)", "1:2: val() stands only on the right of an operator\n"
			     "  %val(proc.name)\n   ^\n" },
	{ "x\ny %proc.nam", "2:4: no field is called proc.nam; did you mean proc.name?\n"
			    "  y %proc.nam\n     ^\n" },
	{ "a\xff", "1:2: not UTF-8; write this byte as \"\\xff\"\n  a?\n   ^\n" },
};

static void event_fill(struct test_event *t)
{
	static const struct {
		struct str name, text;
	} fields[] = {
		{ STR("proc.name"), STR("nginx") },
		{ STR("proc.pid"), STR("4711") },
		{ STR("proc.argv"), STR("nginx -g") },
		{ STR("proc.caps"), STR("") },
		{ STR("proc.aname"), STR("nginx sh") },
		{ STR("proc.env[HOME]"), STR("/root") },
		{ STR("proc.duration"), STR("1.5s") },
		{ STR("evt.arg[flags]"), STR("O_RDWR") },
		{ STR("evt.is_open_read"), STR("true") },
		{ STR("evt.buffer"), STR("a\nb") },
		{ STR("container.id"), STR("h\xc3\xa9llo") },
		{ STR("fd.name"), STR("/etc/\xffpasswd") },
		{ STR("fd.num"), STR("-1") },
		{ STR("fd.ip"), STR("10.1.2.3 10.1.2.4") },
		{ STR("fd.sip"), STR("2001:db8::1") },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		test_set(t, &catalogue, fields[i].name, fields[i].text);
}

static void test_golden(void **state)
{
	struct test_event t = { 0 };

	(void)state;
	event_fill(&t);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(format_freep) struct format *f = NULL;
		_cleanup_(buf_free) struct buf b = { 0 };
		struct lang_error e;

		arena_reset(&arena);
		if (format_parse(&catalogue, str_of(rows[i].format), &f, &e) == 0)
			format_print(f, &t.ev, &b);
		else
			lang_error_print(&e, &b);
		buf_char(&b, 0);
		assert_string_equal(b.p, rows[i].want);
	}
}

static void field_collect(void *ctx, const struct field_ref *ref)
{
	struct buf *b = ctx;

	buf_printf(b, "%s ", ref->field->name);
}

static void test_visitors(void **state)
{
	_cleanup_(format_freep) struct format *f = NULL;
	_cleanup_(buf_free) struct buf b = { 0 };
	struct test_event t = { 0 };
	struct value v;

	(void)state;
	event_fill(&t);
	assert_int_equal(format_parse(&catalogue,
				      STR("a %9proc.name b %proc.aname[1]%evt.arg.flags, "
					  "%concat(proc.pname, fd.name) end"),
				      &f, NULL),
			 0);
	assert_int_equal(format_count(f), 4);
	assert_true(str_eq(format_name(f, 0), STR("proc.name")));
	assert_true(str_eq(format_name(f, 1), STR("proc.aname[1]")));
	assert_true(str_eq(format_name(f, 2), STR("evt.arg.flags")));
	assert_true(str_eq(format_name(f, 3), STR("concat(proc.pname, fd.name)")));
	assert_true(format_value(f, 1, &t.ev, &v) && str_eq(v.str, STR("sh")));
	assert_false(format_value(f, 3, &t.ev, &v));
	format_fields(f, field_collect, &b);
	assert_true(str_eq(buf_slice(&b), STR("proc.name proc.aname evt.arg proc.pname fd.name ")));
}

static void test_bounds(void **state)
{
	_cleanup_(freep) char *text = malloc(FORMAT_TEXT_MAX_BYTES + 1);
	_cleanup_(format_freep) struct format *f = NULL;
	struct lang_error e;

	(void)state;
	memset(text, '%', FORMAT_TEXT_MAX_BYTES + 1);
	assert_int_equal(
		format_parse(&catalogue, (struct str){ text, FORMAT_TEXT_MAX_BYTES }, &f, &e), 0);
	assert_int_equal(format_count(f), 0);
	assert_int_equal(format_parse(&catalogue, (struct str){ text, FORMAT_TEXT_MAX_BYTES + 1 },
				      &f, &e),
			 -EINVAL);
	memset(text, 'a', FORMAT_TEXT_MAX_BYTES);
	text[0] = '%';
	assert_int_equal(format_parse(&catalogue, (struct str){ text, FORMAT_TEXT_MAX_BYTES }, &f, &e),
			 -EINVAL);
}

/* A buffer that is full stays a failed buffer, nothing else happens. */
static void test_full_buffer(void **state)
{
	_cleanup_(format_freep) struct format *f = NULL;
	struct buf b = { .max = 16 };
	struct test_event t = { 0 };

	(void)state;
	event_fill(&t);
	assert_int_equal(
		format_parse(&catalogue, STR("%proc.name %20fd.name %12proc.pid"), &f, NULL), 0);
	format_print(f, &t.ev, &b);
	assert_true(b.failed && b.n <= 16);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_visitors),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_full_buffer),
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
