/* Each reader of the cursor: what it reads, and that it changes nothing when bytes are missing. */
#include "base/cur.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/guard_test.h"

/*
 *  0        1       3               7                               15      18
 *  +--------+-------+---------------+-------------------------------+-------+
 *  | u8     | u16   | u32           | u64                           | "abc" |
 */
#define SAMPLE_BYTES 18

static void sample_make(uint8_t *to)
{
	uint16_t b = 0x1234;
	uint32_t c = 0x89abcdef;
	uint64_t d = 0xfedcba9876543210ull;

	to[0] = 0xa5;
	memcpy(to + 1, &b, 2);
	memcpy(to + 3, &c, 4);
	memcpy(to + 7, &d, 8);
	memcpy(to + 15, "abc", 3);
}

/* Reads the sample to its end; -> how many elements were there. Fails at the first missing one. */
static int sample_read(struct cur *c)
{
	uint64_t d = 1;
	uint32_t w = 1;
	uint16_t b = 1;
	uint8_t a = 1;
	struct str s = STR_NONE;

	if (!cur_u8(c, &a))
		return assert_int_equal(a, 1), 0;
	assert_int_equal(a, 0xa5);
	if (!cur_u16(c, &b))
		return assert_int_equal(b, 1), 1;
	assert_int_equal(b, 0x1234);
	if (!cur_u32(c, &w))
		return assert_int_equal(w, 1), 2;
	assert_int_equal(w, 0x89abcdef);
	if (!cur_u64(c, &d))
		return assert_int_equal(d, 1), 3;
	assert_true(d == 0xfedcba9876543210ull);
	if (!cur_str(c, 3, &s))
		return assert_null(s.p), 4;
	assert_true(str_eq(s, STR("abc")));
	return 5;
}

static void test_every_prefix(void **state)
{
	static const size_t ends[] = { 1, 3, 7, 15, 18 };
	struct guard g = guard_make();
	uint8_t sample[SAMPLE_BYTES];

	(void)state;
	sample_make(sample);
	for (size_t n = 0; n <= SAMPLE_BYTES; n++) {
		struct cur c = cur_of(guard_put(&g, sample, n), n);
		size_t whole = 0;
		int read;

		while (whole < 5 && ends[whole] <= n)
			whole++;
		read = sample_read(&c);
		assert_int_equal(read, whole);
		assert_int_equal(cur_left(&c), n - (whole ? ends[whole - 1] : 0));
	}
	guard_free(&g);
}

static void test_sub_is_bounded(void **state)
{
	const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6 };
	struct cur c = cur_of(bytes, sizeof(bytes)), sub, none = { 0 };
	uint32_t w = 7;
	uint8_t b = 0;

	(void)state;
	assert_true(cur_sub(&c, 3, &sub));
	assert_false(cur_u32(&sub, &w));
	assert_int_equal(w, 7);
	assert_int_equal(cur_left(&sub), 3);
	assert_true(cur_skip(&sub, 3));
	assert_false(cur_u8(&sub, &b));
	assert_true(cur_u8(&c, &b));
	assert_int_equal(b, 4);
	assert_false(cur_sub(&c, 3, &none));
	assert_null(none.p);
	assert_int_equal(cur_left(&c), 2);
}

static void test_huge_lengths(void **state)
{
	const uint8_t bytes[] = { 1, 2, 3 };
	struct cur c = cur_of(bytes, sizeof(bytes)), sub = { 0 };
	struct str s = STR_NONE;

	(void)state;
	for (size_t n = 4; n <= SIZE_MAX / 2; n *= 2) {
		assert_false(cur_skip(&c, n));
		assert_false(cur_str(&c, n, &s));
		assert_false(cur_sub(&c, n, &sub));
	}
	assert_false(cur_skip(&c, SIZE_MAX));
	assert_false(cur_str(&c, SIZE_MAX, &s));
	assert_int_equal(cur_left(&c), 3);
}

static void test_nothing(void **state)
{
	struct cur c = cur_of("", 0), sub;
	struct str s;
	uint8_t b = 9;

	(void)state;
	assert_true(cur_skip(&c, 0));
	assert_true(cur_sub(&c, 0, &sub));
	assert_true(cur_str(&c, 0, &s));
	assert_non_null(s.p);
	assert_int_equal(s.n, 0);
	assert_false(cur_u8(&c, &b));
	assert_int_equal(b, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_sub_is_bounded),
		cmocka_unit_test(test_huge_lengths),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests_name("base/cur", tests, NULL, NULL);
}
