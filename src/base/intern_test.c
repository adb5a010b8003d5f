/* Interned strings, the hash index and the budget under both. */
#include "base/intern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void test_same_number(void **state)
{
	struct budget g = { .max = 1 << 20 };
	_cleanup_(intern_free) struct intern in;
	const struct str nul = { "a\0b", 3 };
	uint32_t a, b, c;

	(void)state;
	assert_int_equal(intern_init(&in, &g, 100), 0);
	assert_int_equal(intern_put(&in, STR("abc"), &a), 0);
	assert_int_equal(intern_put(&in, nul, &b), 0);
	assert_int_equal(intern_put(&in, STR("abc"), &c), 0);
	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	assert_int_equal(c, 1);
	assert_true(str_eq(intern_get(&in, 2), nul));
	assert_int_equal(intern_put(&in, STR_NONE, &a), 0);
	assert_int_equal(intern_put(&in, STR(""), &b), 0);
	assert_int_equal(a, 0);
	assert_int_equal(b, 0);
	assert_null(intern_get(&in, 0).p);
}

/* Of all sizes, so that each way to get bytes is taken; copies stay where they are. */
static void test_many(void **state)
{
	struct budget g = { .max = 256 << 20 };
	_cleanup_(intern_free) struct intern in;
	static const char *kept[30000];
	static char text[40000];

	(void)state;
	assert_int_equal(intern_init(&in, &g, 1 << 20), 0);
	memset(text, 'x', sizeof(text));
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 1; i < 30000; i++) {
			size_t n = 8 + (i % 1000 == 0 ? i : i % 200);
			char head[9];
			uint32_t id;

			snprintf(head, sizeof(head), "%08u", i);
			memcpy(text, head, 8);
			assert_int_equal(intern_put(&in, (struct str){ text, n }, &id), 0);
			assert_int_equal(id, i);
			assert_true(str_eq(intern_get(&in, id), (struct str){ text, n }));
			if (round)
				assert_ptr_equal(intern_get(&in, id).p, kept[i]);
			kept[i] = intern_get(&in, id).p;
		}
	}
	assert_true(g.used > 30000 * 100 && g.used < 16 << 20);
}

static void test_maximum(void **state)
{
	struct budget g = { .max = 1 << 20 };
	_cleanup_(intern_free) struct intern in;
	uint32_t id;

	(void)state;
	assert_int_equal(intern_init(&in, &g, 3), 0);
	assert_int_equal(intern_put(&in, STR("a"), &id), 0);
	assert_int_equal(intern_put(&in, STR("b"), &id), 0);
	id = 77;
	assert_int_equal(intern_put(&in, STR("c"), &id), -ENOSPC);
	assert_int_equal(id, 77);
	assert_int_equal(intern_put(&in, STR("b"), &id), 0);
	assert_int_equal(id, 2);
}

/* Whatever the budget is, it holds, and what was there is still found. */
static void test_budget(void **state)
{
	(void)state;
	for (size_t max = 0; max < 200000; max += 999) {
		struct budget g = { .max = max };
		struct intern in;
		uint32_t n = 0, id;
		int err = intern_init(&in, &g, 1 << 20);

		for (; !err; n += !err) {
			err = intern_put(&in, (struct str){ (char *)&n, sizeof(n) }, &id);
			assert_true(err || id == n + 1);
		}
		assert_int_equal(err, -ENOSPC);
		assert_true(g.used <= max);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(intern_put(&in, (struct str){ (char *)&i, sizeof(i) }, &id),
					 0);
			assert_int_equal(id, i + 1);
		}
		intern_free(&in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_number),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests_name("base/intern", tests, NULL, NULL);
}
