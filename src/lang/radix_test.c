/* Random sets of strings against random texts: the same answers as asking for each string. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lang/radix.h"
#include "lang/testing_random.h"

#define SETS	  3000
#define TEXTS	  50
#define SET_MAX	  12
#define BYTES_MAX 6

static size_t random_text(char *to)
{
	size_t n = test_pick(BYTES_MAX + 1);

	for (size_t i = 0; i < n; i++)
		to[i] = "ab/\xff"[test_pick(4)];
	return n;
}

static void texts_try(const struct radix *r, const struct radix_entry *list, size_t n)
{
	for (unsigned t = 0; t < TEXTS; t++) {
		char room[BYTES_MAX];
		struct str text = { room, random_text(room) };
		struct radix_search s = { .radix = r, .text = text };
		size_t found = 0, last = 0;
		uint32_t number;

		while ((number = radix_next(&s)) != RADIX_NONE) {
			struct str one = list[number].str;

			assert_true(number < n && (!found || one.n > last));
			assert_true(r->reversed ? str_ends(text, one) : str_starts(text, one));
			last = one.n;
			found++;
		}
		assert_int_equal(radix_next(&s), RADIX_NONE);
		for (size_t i = 0; i < n; i++)
			found -= r->reversed ? str_ends(text, list[i].str) :
					       str_starts(text, list[i].str);
		assert_int_equal(found, 0);
	}
}

static void set_try(bool reversed)
{
	_cleanup_(pool_free) struct pool pool = { 0 };
	struct radix_entry list[SET_MAX], sorted[SET_MAX];
	char room[SET_MAX][BYTES_MAX];
	size_t n = 0, want = test_pick(SET_MAX + 1);
	struct radix r;

	for (size_t i = 0; i < want; i++) {
		struct str s = { room[n], random_text(room[n]) };
		bool there = false;

		for (size_t k = 0; k < n; k++)
			there |= str_eq(list[k].str, s);
		list[n] = (struct radix_entry){ s, (uint32_t)n };
		n += !there;
	}
	memcpy(sorted, list, sizeof(list));
	assert_int_equal(radix_make(&pool, sorted, n, reversed, &r), 0);
	texts_try(&r, list, n);
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SETS; i++)
		set_try(i & 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
