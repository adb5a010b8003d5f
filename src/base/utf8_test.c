/*
 * utf8_char against a decoder written from the definition (decode, then compare with the shortest
 * form), for all of Unicode, all short byte strings, and every prefix against an unmapped page.
 */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/guard_test.h"

static size_t encode(uint32_t c, uint8_t *to)
{
	if (c < 0x80) {
		to[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (uint8_t)(0xc0 | c >> 6);
		to[1] = (uint8_t)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (uint8_t)(0xe0 | c >> 12);
		to[1] = (uint8_t)(0x80 | (c >> 6 & 63));
		to[2] = (uint8_t)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (uint8_t)(0xf0 | c >> 18);
	to[1] = (uint8_t)(0x80 | (c >> 12 & 63));
	to[2] = (uint8_t)(0x80 | (c >> 6 & 63));
	to[3] = (uint8_t)(0x80 | (c & 63));
	return 4;
}

/* Length by the lead byte's ones, value by shifting; well-formed when encode gives it back. */
static size_t naive_char(const uint8_t *p, size_t n)
{
	uint8_t back[4];
	uint32_t c;
	size_t len;

	if (n == 0)
		return 0;
	len = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 4;
	if (len > n || (len == 4 && (p[0] & 0xf8) != 0xf0))
		return 0;
	c = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++)
		c = c << 6 | (p[i] & 63);
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return encode(c, back) == len && memcmp(back, p, len) == 0 ? len : 0;
}

static void test_all_of_unicode(void **state)
{
	struct guard g = guard_make();
	uint8_t c[4];

	(void)state;
	for (uint32_t u = 0; u < 0x110000; u++) {
		bool surrogate = u >= 0xd800 && u < 0xe000;
		size_t n = encode(u, c);
		const uint8_t *p = guard_put(&g, c, n);

		assert_int_equal(utf8_char(p, n), surrogate ? 0 : n);
		if (u % 251 == 0)
			for (size_t cut = 0; cut < n; cut++)
				assert_int_equal(utf8_char(guard_put(&g, c, cut), cut), 0);
	}
	guard_free(&g);
}

static void test_all_short_strings(void **state)
{
	static const uint8_t tails[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff };
	struct guard g = guard_make();

	(void)state;
	for (uint32_t v = 0; v < 1u << 16; v++) {
		for (size_t t = 0; t < sizeof(tails) * sizeof(tails); t++) {
			uint8_t s[4] = { (uint8_t)(v >> 8), (uint8_t)v, tails[t / sizeof(tails)],
					 tails[t % sizeof(tails)] };

			assert_int_equal(utf8_char(s, 4), naive_char(s, 4));
		}
		for (size_t n = 0; n <= 2; n++) {
			uint8_t s[2] = { (uint8_t)(v >> 8), (uint8_t)v };

			assert_int_equal(utf8_char(guard_put(&g, s, n), n), naive_char(s, n));
		}
	}
	guard_free(&g);
}

static void test_ill_formed(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xfe",
		"\xff",
		"\xc2\x41",
		"\xe2\x82\x41",
		"\xf0\x9f\x98\x41",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(utf8_char((const uint8_t *)bad[i], strlen(bad[i])), 0);
}

/* The list in the header, by code point. */
static bool reshapes(uint32_t u)
{
	return (u >= 0x80 && u < 0xa0) || u == 0x2028 || u == 0x2029 ||
	       (u >= 0x202a && u <= 0x202e) || (u >= 0x2066 && u <= 0x2069);
}

static void test_controls(void **state)
{
	uint8_t c[4];

	(void)state;
	for (uint32_t u = 0x80; u < 0x110000; u++) {
		size_t n = encode(u, c);

		assert_int_equal(utf8_is_control(c, n), reshapes(u));
	}
}

static void test_counted_and_cut(void **state)
{
	static const char text[] =
		"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"; /* of 1, 2, 3, 4 and 1 bytes */
	static const size_t ends[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };

	(void)state;
	assert_int_equal(utf8_chars((struct str){ text, 11 }), 5);
	assert_int_equal(utf8_chars(STR("\x80\x80")), 0);
	for (size_t max = 0; max < sizeof(ends) / sizeof(ends[0]); max++)
		assert_int_equal(utf8_cut((struct str){ text, 11 }, max).n, ends[max]);
	assert_int_equal(utf8_cut(STR("\x80\x80\x80"), 2).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_unicode),	cmocka_unit_test(test_all_short_strings),
		cmocka_unit_test(test_ill_formed),	cmocka_unit_test(test_controls),
		cmocka_unit_test(test_counted_and_cut),
	};

	return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
