/* The arena: alignment, its bound, what is counted, and that a reset gives everything back. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_aligned_and_apart(void **state)
{
	struct arena a;
	char *last = NULL;

	(void)state;
	assert_int_equal(arena_init(&a, 4096), 0);
	for (size_t n = 0; n < 40; n++) {
		char *p = arena_alloc(&a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 8, 0);
		assert_true(!last || p >= last);
		memset(p, (int)n, n);
		last = p + n;
	}
	for (char *p = last - 39; p < last; p++)
		assert_int_equal(*p, 39);
	assert_int_equal(a.full, 0);
	arena_free(&a);
}

static void test_full_is_counted(void **state)
{
	struct arena a;

	(void)state;
	assert_int_equal(arena_init(&a, 64), 0);
	assert_null(arena_alloc(&a, 65));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 7));
	assert_int_equal(a.full, 3);
	assert_non_null(arena_alloc(&a, 57));
	assert_null(arena_alloc(&a, 1));
	assert_non_null(arena_alloc(&a, 0));
	assert_int_equal(a.full, 4);
	arena_free(&a);
}

static void test_reset_reuses(void **state)
{
	struct arena a;
	void *first;

	(void)state;
	assert_int_equal(arena_init(&a, 64), 0);
	first = arena_alloc(&a, 64);
	assert_non_null(first);
	assert_null(arena_alloc(&a, 8));
	arena_reset(&a);
	assert_ptr_equal(arena_alloc(&a, 64), first);
	assert_int_equal(a.full, 1);
	arena_free(&a);
	assert_null(a.p);
	assert_null(arena_alloc(&a, 1));
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aligned_and_apart),
		cmocka_unit_test(test_full_is_counted),
		cmocka_unit_test(test_reset_reuses),
	};

	return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
