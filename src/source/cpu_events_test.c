/* The kernel's lists of CPUs. Events themselves are tested live (test/e2e/profile.sh). */
#include "source/cpu_events.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka.h needs those before it. */
#include <cmocka.h>
#include <string.h>

#define WORDS (CPU_EVENTS_MAX / 64)

static void test_lists(void **state)
{
	uint64_t set[WORDS];

	(void)state;
	assert_int_equal(cpu_list_parse("0-1\n", set), 0);
	assert_int_equal(set[0], 3);
	assert_int_equal(cpu_list_parse("0,2-3,63-64,127", set), 0);
	assert_int_equal(set[0], 1ull << 63 | 13);
	assert_int_equal(set[1], 1ull << 63 | 1);
	assert_int_equal(cpu_list_parse("", set), 0);
	assert_int_equal(set[0], 0);
	/* More CPUs than there is room for: the rest is left out, whatever the number. */
	assert_int_equal(cpu_list_parse("4095-99999999999999999999", set), 0);
	assert_int_equal(set[WORDS - 1], 1ull << 63);
	assert_int_equal(cpu_list_parse("5-2", set), 0);
	assert_int_equal(set[0], 0);
}

static void test_bad(void **state)
{
	static const char *const bad[] = { "-1", "0-", "0-x", "a", "0,,1", "0 1", "0;1", "1-2-3" };
	uint64_t set[WORDS] = { 42 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cpu_list_parse(bad[i], set), -EBADMSG);
	assert_int_equal(set[0], 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lists), cmocka_unit_test(test_bad) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
