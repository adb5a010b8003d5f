/* The protobuf writer against the examples of the format's specification and its own decoding. */
#include "base/protobuf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void expect(struct buf *b, struct str want)
{
	assert_false(b->failed);
	assert_int_equal(b->n, want.n);
	assert_memory_equal(b->p, want.p, want.n);
	buf_reset(b);
}

static void test_examples(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	pb_uint(&b, 1, 150);
	expect(&b, STR("\x08\x96\x01"));
	pb_bytes(&b, 2, STR("testing"));
	expect(&b, STR("\x12\x07testing"));
	pb_int(&b, 1, -2);
	expect(&b, STR("\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
	pb_uint(&b, 536870911, 1);
	expect(&b, STR("\xf8\xff\xff\xff\x0f\x01"));
	pb_uint(&b, 1, 0);
	pb_bytes(&b, 1, STR(""));
	assert_int_equal(b.n, 0);
	pb_bytes_always(&b, 6, STR_NONE);
	expect(&b, STR("\x32\x00"));
}

static void test_varints(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int64_t off = -1; off <= 1; off++) {
			uint64_t v = (1ull << bit) + (uint64_t)off, back = 0;

			buf_reset(&b);
			pb_varint(&b, v);
			for (size_t i = 0; i < b.n; i++) {
				back |= (uint64_t)(b.p[i] & 0x7f) << (7 * i);
				assert_int_equal((uint8_t)b.p[i] >> 7, i + 1 < b.n);
			}
			assert_true(back == v && b.n <= PB_VARINT_MAX);
		}
	}
}

static void test_full(void **state)
{
	_cleanup_(buf_free) struct buf b = { .max = 5 };

	(void)state;
	pb_bytes(&b, 1, STR("abcdef"));
	assert_true(b.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_varints),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("base/protobuf", tests, NULL, NULL);
}
