/* The JSON writer: golden output, and for all awkward bytes: jansson reads it, UTF-8 stays valid. */
#include "base/json.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/guard_test.h"
#include "base/utf8.h"

#define REPLACED "\xef\xbf\xbd"

static const struct {
	struct str in, out;
} golden[] = {
	{ STR(""), STR("\"\"") },
	{ STR("nginx"), STR("\"nginx\"") },
	{ STR("a\"b\\c/d"), STR("\"a\\\"b\\\\c/d\"") },
	{ STR("\b\f\n\r\t"), STR("\"\\b\\f\\n\\r\\t\"") },
	{ STR("\0\x01\x1f\x7f"), STR("\"\\u0000\\u0001\\u001f\\u007f\"") },
	{ STR("\xc3\xa4\xf0\x9f\x98\x80"), STR("\"\xc3\xa4\xf0\x9f\x98\x80\"") },
	{ STR("\xff"
	      "a\xc3"),
	  STR("\"" REPLACED "a" REPLACED "\"") },
	{ STR("\xc0\xaf"), STR("\"" REPLACED REPLACED "\"") },
	{ STR("\xed\xa0\x80"), STR("\"" REPLACED REPLACED REPLACED "\"") },
	{ STR("\xe2\x82"), STR("\"" REPLACED REPLACED "\"") },
};

static void test_golden(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		buf_reset(&b);
		json_str(&b, golden[i].in);
		assert_int_equal(b.n, golden[i].out.n);
		assert_memory_equal(b.p, golden[i].out.p, b.n);
	}
}

/* What @s must read back as: ill-formed bytes replaced, one by one. */
static void replace(struct str s, struct buf *to)
{
	for (size_t i = 0, n; i < s.n; i += n ? n : 1) {
		n = utf8_char((const uint8_t *)s.p + i, s.n - i);
		buf_str(to, n ? (struct str){ s.p + i, n } : STR(REPLACED));
	}
}

static void check(struct str s)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	_cleanup_(buf_free) struct buf want = { 0 };
	json_t *read;

	json_str(&b, s);
	assert_false(b.failed);
	read = json_loadb(b.p, b.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert_non_null(read);
	replace(s, &want);
	assert_int_equal(json_string_length(read), want.n);
	if (want.n)
		assert_memory_equal(json_string_value(read), want.p, want.n);
	json_decref(read);
}

static void test_awkward_bytes(void **state)
{
	static const char pick[] = "a\"\\\n\x1f\x7f\x80\x9f\xa0\xbf\xc2\xe0\xe2\xed\xf0\xf4\xff\0";
	size_t k = sizeof(pick) - 1;

	(void)state;
	for (size_t v = 0; v < k * k * k; v++) {
		char in[3] = { pick[v / k / k], pick[v / k % k], pick[v % k] };

		check((struct str){ in, 3 });
	}
	for (int c = 0; c < 256; c++)
		check((struct str){ (char[]){ (char)c }, 1 });
}

static void test_every_prefix(void **state)
{
	static const char text[] = "p\xc3\xb6"
				   "d \"x\\y\" \xe2\x82\xac\n\xf0\x9f\x98\x80\xf0\x9f\x98";
	struct guard g = guard_make();

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++)
		check((struct str){ (const char *)guard_put(&g, text, n), n });
	guard_free(&g);
}

static void test_keys(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	buf_char(&b, '{');
	json_key(&b, STR("evt.num"));
	buf_u64(&b, 1);
	json_key(&b, STR("proc.name"));
	json_str(&b, STR("{"));
	json_key(&b, STR("x"));
	buf_char(&b, '{');
	json_key(&b, STR("y"));
	buf_str(&b, STR("[]}}"));
	assert_true(
		str_eq(buf_slice(&b), STR("{\"evt.num\":1,\"proc.name\":\"{\",\"x\":{\"y\":[]}}")));
}

static void test_full(void **state)
{
	_cleanup_(buf_free) struct buf b = { .max = 8 };

	(void)state;
	json_str(&b, STR("longer than that"));
	assert_true(b.failed);
	assert_true(b.n <= 8);
	json_key(&b, STR("k"));
	assert_true(b.n <= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),	     cmocka_unit_test(test_awkward_bytes),
		cmocka_unit_test(test_every_prefix), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
