/* Requests and replies: there and back, and what is refused. */
#include "api/question.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void there_and_back(void **state)
{
	static const struct question requests[] = {
		{ .cmd = "status" },
		{ .cmd = "events",
		  .kinds = "exec,open",
		  .where = "proc.name=\"a\\\"b\"",
		  .pod = "ns/x",
		  .container = "0123456789ab",
		  .fields = "a,b",
		  .format = "%evt.time\t\x01 \xc3\xa4",
		  .pid = UINT32_MAX,
		  .count = INT64_MAX,
		  .tree = true,
		  .json = true },
		{ .cmd = "events", .where = "" },
		{ .cmd = "top",
		  .by = "route,pod",
		  .sort = "p99",
		  .form = "",
		  .wide = true,
		  .raw = true,
		  .explain = true,
		  .pages = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		_cleanup_(buf_free) struct buf one = { 0 }, two = { 0 }, why = { 0 };
		struct question r;

		question_print(&requests[i], &one);
		assert_int_equal(one.p[one.n - 1], '\n');
		assert_ptr_equal(memchr(one.p, '\n', one.n), one.p + one.n - 1);
		assert_int_equal(question_parse(buf_slice(&one), &r, &why), 0);
		assert_string_equal(r.cmd, requests[i].cmd);
		assert_int_equal(r.pid, requests[i].pid);
		assert_int_equal(r.tree, requests[i].tree);
		if (requests[i].format)
			assert_string_equal(r.format, requests[i].format);
		question_print(&r, &two);
		assert_true(str_eq(buf_slice(&one), buf_slice(&two)));
		question_free(&r);
	}
}

static void refused(void **state)
{
	static const struct {
		struct str line;
		const char *want;
	} bad[] = {
		{ STR(""), "request: not a JSON object" },
		{ STR("[]"), "request: not a JSON object" },
		{ STR("null"), "request: not a JSON object" },
		{ STR("{\"cmd\":\"x\"} x"), "request: not a JSON object" },
		{ STR("{\"cmd\":\"x\",\"cmd\":\"y\"}"), "request: not a JSON object" },
		{ STR("{\"cmd\":\"\xff\"}"), "request: not a JSON object" },
		{ STR("{}"), "request: \"cmd\" is missing" },
		{ STR("{\"pid\":1}"), "request: \"cmd\" is missing" },
		{ STR("{\"cmd\":1}"), "request: \"cmd\" must be a string" },
		{ STR("{\"cmd\":null}"), "request: \"cmd\" must be a string" },
		{ STR("{\"cmd\":\"a\\u0000b\"}"), "request: not a JSON object" },
		{ STR("{\"cmd\":\"x\",\"pid\":-1}"), "request: \"pid\" must be a whole number" },
		{ STR("{\"cmd\":\"x\",\"pid\":1.5}"), "request: \"pid\" must be a whole number" },
		{ STR("{\"cmd\":\"x\",\"pid\":4294967296}"),
		  "request: \"pid\" must be a whole number" },
		{ STR("{\"cmd\":\"x\",\"pid\":\"1\"}"), "request: \"pid\" must be a whole number" },
		{ STR("{\"cmd\":\"x\",\"tree\":1}"), "request: \"tree\" must be true or false" },
		{ STR("{\"cmd\":\"x\",\"\\u001b[\":1}"), "request: unknown member \"\\x1b[\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		_cleanup_(buf_free) struct buf why = { 0 };
		struct question r = { .pid = 77 };

		assert_int_equal(question_parse(bad[i].line, &r, &why), -EINVAL);
		if (!str_eq(buf_slice(&why), str_of(bad[i].want)))
			fail_msg("%.*s: got \"%.*s\"", STR_ARG(bad[i].line),
				 STR_ARG(buf_slice(&why)));
		assert_int_equal(r.pid, 77);
	}
}

static void prefixes(void **state)
{
	static const char line[] = "{\"cmd\":\"events\",\"where\":\"a=b\",\"pid\":12,\"tree\":true}";

	(void)state;
	for (size_t n = 0; n < sizeof(line) - 1; n++) {
		_cleanup_(buf_free) struct buf why = { 0 };
		_cleanup_(freep) char *copy = malloc(n ? n : 1);
		struct question r;

		assert_non_null(copy);
		memcpy(copy, line, n);
		assert_int_equal(question_parse((struct str){ copy, n }, &r, &why), -EINVAL);
	}
}

static void too_long(void **state)
{
	_cleanup_(buf_free) struct buf line = { 0 }, why = { 0 };
	struct question r;

	(void)state;
	buf_str(&line, STR("{\"cmd\":\""));
	while (line.n <= REQUEST_BYTES_MAX)
		buf_char(&line, 'x');
	buf_str(&line, STR("\"}"));
	assert_int_equal(question_parse(buf_slice(&line), &r, &why), -EINVAL);
	assert_true(str_eq(buf_slice(&why), STR("request: too long")));
}

static void replies(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct reply r;

	(void)state;
	reply_error(STR("1:1: no\n  x\x1b\n  ^\n"), false, &b);
	assert_int_equal(reply_parse(buf_slice(&b), &r), 0);
	assert_false(r.ok);
	assert_true(str_eq(buf_slice(&r.text), STR("1:1: no\n  x\x1b\n  ^")));
	reply_free(&r);
	assert_int_equal(
		reply_parse(STR("{\"ok\":true,\"pid\":5,\"warnings\":[\"a\\u001b\",1,\"b\"]}"), &r),
		0);
	assert_true(r.ok);
	assert_int_equal(r.pid, 5);
	assert_true(str_eq(buf_slice(&r.text), STR("a\\x1b\nb\n")));
	reply_free(&r);
	assert_int_equal(
		reply_parse(
			STR("{\"end\":\"a very long word\",\"matched\":-1,\"lost\":\"x\",\"losses\":7}"),
			&r),
		0);
	assert_string_equal(r.end, "a very long wor");
	assert_int_equal(r.matched, 0);
	assert_int_equal(r.lost, 0);
	reply_free(&r);
	assert_int_equal(reply_parse(STR("{\"page\":7,\"report\":9}"), &r), 0);
	assert_int_equal(r.page, 7);
	assert_int_equal(r.report, 0);
	reply_free(&r);
	assert_int_equal(reply_parse(STR("{\"report\":16777216}"), &r), 0);
	assert_int_equal(r.report, REQUEST_TEXT_MAX);
	reply_free(&r);
	assert_int_equal(reply_parse(STR("{\"report\":16777217}"), &r), -EBADMSG);
	assert_int_equal(reply_parse(STR("{\"page\":99999999999999999}"), &r), -EBADMSG);
	assert_int_equal(reply_parse(STR("{\"error\":\"no\",\"alone\":true}"), &r), 0);
	assert_true(r.alone);
	reply_free(&r);
	assert_int_equal(reply_parse(STR("x"), &r), -EBADMSG);
	assert_int_equal(reply_parse(STR_NONE, &r), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back), cmocka_unit_test(refused),
		cmocka_unit_test(prefixes),	  cmocka_unit_test(too_long),
		cmocka_unit_test(replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
