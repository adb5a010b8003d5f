/* The newest of overlapping ranges, compared with a plain array of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>

#include "symbol/ranges.h"

#define SPACE 512

static void random_layers(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		int plain[SPACE];
		struct ranges r = { 0 };
		struct range got;

		memset(plain, -1, sizeof(plain));
		for (int id = 0; id < 60; id++) {
			unsigned start = (unsigned)rand_r(&seed) % SPACE;
			unsigned size = (unsigned)rand_r(&seed) % (id % 3 ? 16 : 200);

			assert_int_equal(ranges_add(&r, start, size, (uint32_t)id), 0);
			for (unsigned i = start; i < start + size && i < SPACE; i++)
				plain[i] = id;
			/* Settling in between changes nothing. */
			if (id % 7 == round % 7)
				assert_int_equal(ranges_settle(&r), 0);
		}
		assert_int_equal(ranges_settle(&r), 0);
		for (unsigned i = 0; i < SPACE; i++) {
			assert_int_equal(ranges_find(&r, i, &got), plain[i] >= 0);
			if (plain[i] >= 0)
				assert_int_equal(got.id, plain[i]);
		}
		ranges_free(&r);
	}
}

static void edges(void **state)
{
	struct ranges r = { 0 };
	struct range got;

	(void)state;
	assert_int_equal(ranges_settle(&r), 0);
	assert_false(ranges_find(&r, 0, &got));
	assert_int_equal(ranges_add(&r, 5, 0, 0), 0);
	assert_int_equal(ranges_add(&r, UINT64_MAX, 2, 1), 0);
	assert_int_equal(r.n, 0);
	assert_int_equal(ranges_add(&r, UINT64_MAX - 8, 8, 2), 0);
	assert_int_equal(ranges_settle(&r), 0);
	assert_true(ranges_find(&r, UINT64_MAX - 1, &got));
	assert_false(ranges_find(&r, UINT64_MAX, &got));
	assert_int_equal(ranges_add(&r, 5, 1, RANGES_MAX), -ENOSPC);
	ranges_free(&r);
}

/* All of them open at once. */
static void nested(void **state)
{
	struct ranges r = { 0 };
	struct range got;
	unsigned n = 100000;

	(void)state;
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(ranges_add(&r, i, 2 * (uint64_t)(n - i), i), 0);
	assert_int_equal(ranges_settle(&r), 0);
	for (unsigned i = 0; i < n; i++) {
		assert_true(ranges_find(&r, i, &got));
		assert_int_equal(got.id, i);
	}
	ranges_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_layers),
		cmocka_unit_test(edges),
		cmocka_unit_test(nested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
