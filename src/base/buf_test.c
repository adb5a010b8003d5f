/* The growing buffer: growth, its maximum, numbers against printf, and what buf_text lets through. */
#include "base/buf.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static void expect(struct buf *b, struct str want)
{
	assert_false(b->failed);
	assert_int_equal(b->n, want.n);
	assert_memory_equal(b->p, want.p, want.n);
	buf_reset(b);
}

static void test_grows(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_char(&b, (char)i);
	assert_false(b.failed);
	assert_int_equal(b.n, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], (char)i);
	buf_reset(&b);
	assert_int_equal(b.n, 0);
	assert_true(b.cap >= 100000);
	buf_add(&b, NULL, 0);
	buf_str(&b, STR_NONE);
	assert_int_equal(b.n, 0);
	assert_false(b.failed);
}

static void test_maximum(void **state)
{
	_cleanup_(buf_free) struct buf b = { .max = 1000 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_char(&b, 'x');
	assert_false(b.failed);
	buf_char(&b, 'y');
	buf_str(&b, STR("more"));
	buf_u64(&b, 1);
	buf_printf(&b, "%d", 1);
	assert_true(b.failed);
	assert_int_equal(b.n, 1000);
	buf_reset(&b);
	assert_null(buf_grow(&b, SIZE_MAX));
	assert_true(b.failed);
	buf_reset(&b);
	buf_char(&b, 'z');
	expect(&b, STR("z"));
	assert_int_equal(b.max, 1000);
}

static void test_printf(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	char want[1200];

	(void)state;
	for (int n = 200; n < 300; n++) {
		int len = snprintf(want, sizeof(want), "%0*d|", n, 7);

		buf_printf(&b, "%0*d|", n, 7);
		expect(&b, (struct str){ want, (size_t)len });
	}
	for (int n = 0; n < 600; n += 60)
		buf_printf(&b, "%*s.", n, "");
	assert_int_equal(b.n, 10 + 60 * 45);
	assert_false(b.failed);
}

static void test_numbers(void **state)
{
	static const uint64_t some[] = { 0,	    1,		9,	     10,
					 99,	    100,	4294967295u, UINT64_MAX,
					 INT64_MAX, 1ull << 63, 1000000000,  999999999 };
	_cleanup_(buf_free) struct buf b = { 0 };
	char want[32];

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		snprintf(want, sizeof(want), "%" PRIu64, some[i]);
		buf_u64(&b, some[i]);
		expect(&b, str_of(want));
		snprintf(want, sizeof(want), "%" PRId64, (int64_t)some[i]);
		buf_i64(&b, (int64_t)some[i]);
		expect(&b, str_of(want));
		snprintf(want, sizeof(want), "%" PRId64, (int64_t)(0 - some[i]));
		buf_i64(&b, (int64_t)(0 - some[i]));
		expect(&b, str_of(want));
	}
}

static const struct {
	struct str in, out;
} text_golden[] = {
	{ STR(""), STR("") },
	{ STR("plain /bin/ls -l"), STR("plain /bin/ls -l") },
	{ STR("a\nb\tc\rd\\e"), STR("a\\nb\\tc\\rd\\\\e") },
	{ STR("\0\x01\x1b[2J\x7f"), STR("\\x00\\x01\\x1b[2J\\x7f") },
	{ STR("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
	  STR("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80") },
	{ STR("\xff\xc3(\xe2\x82"), STR("\\xff\\xc3(\\xe2\\x82") },
	{ STR("\xc2\x9b"
	      "2J"),
	  STR("\\xc2\\x9b2J") },
	{ STR("\xe2\x80\xae"
	      "exe"),
	  STR("\\xe2\\x80\\xaeexe") },
	{ STR("\xed\xa0\x80"), STR("\\xed\\xa0\\x80") },
	{ STR("\xc0\x8a"), STR("\\xc0\\x8a") },
};

static void test_text_golden(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(text_golden) / sizeof(text_golden[0]); i++) {
		buf_text(&b, text_golden[i].in);
		expect(&b, text_golden[i].out);
	}
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Undoes buf_text; -> bytes written to @to. */
static size_t text_undo(struct str s, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '\\') {
			to[n++] = s.p[i];
			continue;
		}
		i++;
		if (s.p[i] == 'x') {
			to[n++] = (char)(hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2]));
			i += 2;
		} else {
			to[n++] = s.p[i] == 'n' ? '\n' :
				  s.p[i] == 't' ? '\t' :
				  s.p[i] == 'r' ? '\r' :
						  '\\';
		}
	}
	return n;
}

/* Nothing but printable characters, and no byte lost: every 3-byte string over awkward bytes. */
static void test_text_is_harmless_and_whole(void **state)
{
	static const char pick[] = "a\\xn\n\t\r\x1b\x7f\x80\x9b\xa8\xae\xc2\xc3\xe2\xed\xf0\xff\0\"'";
	_cleanup_(buf_free) struct buf b = { 0 };
	size_t k = sizeof(pick) - 1;

	(void)state;
	for (size_t v = 0; v < k * k * k; v++) {
		char in[3] = { pick[v / k / k], pick[v / k % k], pick[v % k] }, back[16];

		buf_reset(&b);
		buf_text(&b, (struct str){ in, 3 });
		for (size_t i = 0, n; i < b.n; i += n) {
			n = utf8_char((uint8_t *)b.p + i, b.n - i);
			assert_true(n > 0);
			assert_true(n > 1 || (b.p[i] >= 0x20 && b.p[i] < 0x7f));
			assert_false(utf8_is_control((uint8_t *)b.p + i, n));
		}
		assert_int_equal(text_undo(buf_slice(&b), back), 3);
		assert_memory_equal(back, in, 3);
	}
}

static void test_short_figures(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	buf_span(&b, 1500, 0, 0, 1);
	buf_span(&b, 999999, 10, 1, 1);
	buf_span(&b, 1000000, 10, 1, 1);
	buf_span(&b, 1234000000, 0, 1, 2);
	buf_span(&b, 12340000000, 10, 1, 1);
	expect(&b, STR("2us  1000.0us     1.0ms1.23s     12.3s"));
	buf_size(&b, 0, 0);
	buf_size(&b, 999, 7);
	buf_size(&b, 1000, 7);
	buf_size(&b, 3 << 20, 0);
	buf_size(&b, UINT64_MAX, 0);
	expect(&b, STR("0B   999B   1.0K3.0M16.0E"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_figures),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_text_golden),
		cmocka_unit_test(test_text_is_harmless_and_whole),
	};

	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
