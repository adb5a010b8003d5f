/* Moments in two time zones, and what is none. */
#include "base/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define S   1000000000ll
#define NOW (1796000000ll * S) /* 2026-11-30 00:53:20 UTC */

static void is(const char *text, int64_t want_s)
{
	int64_t got = -1;

	assert_true(when_parse(text, NOW, &got));
	assert_int_equal(got, want_s * S);
}

static void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static void test_utc(void **state)
{
	const int64_t midnight = 1796000000 - (53 * 60 + 20);

	(void)state;
	zone("UTC");
	is("now", 1796000000);
	is("00:50", midnight + 50 * 60);
	is("00:50:07", midnight + 50 * 60 + 7);
	is("00:53:20", 1796000000);
	is("00:53:21", 1796000001 - 86400);
	is("02:57", midnight + 2 * 3600 + 57 * 60 - 86400);
	is("2026-11-30 00:10", midnight + 600);
	is("2026-11-30T00:10:05", midnight + 605);
	is("2026-11-30T00:10:05Z", midnight + 605);
	is("10m ago", 1796000000 - 600);
	is("1h30m ago", 1796000000 - 5400);
	is("2d ago", 1796000000 - 2 * 86400);
}

static void test_zone(void **state)
{
	(void)state;
	zone("XXX-2"); /* two hours east */
	is("02:53:20", 1796000000);
	is("02:53", 1796000000 - 20);
	is("2026-11-30 02:53:20", 1796000000);
	is("2026-11-30T00:53:20Z", 1796000000);
	zone("UTC");
}

static void test_wrong(void **state)
{
	static const char *const wrong[] = {
		"",
		"x",
		"24:00",
		"12:60",
		"12:00:60",
		"12",
		"12:",
		"12:0x",
		" 12:00",
		"-1:00",
		"12:00 ",
		"12:00Z",
		"2026-11-30",
		"2026-13-01 00:00",
		"2026-02-30 00:00",
		"2026-11-30x00:00",
		"ago",
		"10 ago",
		"10m",
		"10y ago",
		"0m ago",
		"99999999999999999d ago",
		"1969-01-01 00:00",
		"12:00:00:00",
	};
	int64_t got = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (when_parse(wrong[i], NOW, &got))
			fail_msg("taken: %s", wrong[i]);
	assert_int_equal(got, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utc),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
