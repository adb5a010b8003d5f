/* What a process costs: this one, of which enough is known, and one that is not there. */
#include "agent/cost.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void test_process(void **state)
{
	uint64_t cpu = 0, rss = 0, before = cpu_ns();
	char *room = malloc(8 << 20);

	(void)state;
	assert_non_null(room);
	memset(room, 1, 8 << 20);
	while (cpu_ns() < before + 50000000)
		room[before % 4096]++;
	assert_int_equal(cost_process(getpid(), &cpu, &rss), 0);
	assert_true(cpu + 30000000 >= cpu_ns() && cpu <= cpu_ns() + 30000000);
	assert_true(rss >= 8 << 20);
	free(room);
}

/* A name can hold what ends a name in /proc/PID/stat. */
static void test_hostile_name(void **state)
{
	uint64_t cpu = 0, rss = 0;

	(void)state;
	prctl(PR_SET_NAME, ") R 1 (x) 2");
	assert_int_equal(cost_process(getpid(), &cpu, &rss), 0);
	assert_true(rss > 100000 && rss < 1ull << 36);
	prctl(PR_SET_NAME, "cost_test");
}

static void test_read(void **state)
{
	struct cost *c = malloc(sizeof(*c));
	uint64_t cpu = 1, rss = 2;

	(void)state;
	assert_non_null(c);
	assert_int_equal(cost_read(getpid(), c), 0);
	assert_int_equal(c->nprograms, 0);
	assert_int_equal(c->nmaps, 0);
	assert_int_equal(cost_run_ns(c), 0);
	assert_int_equal(cost_read(0x7ffffffe, c), -ENOENT);
	assert_int_equal(cost_process(0x7ffffffe, &cpu, &rss), -ENOENT);
	assert_true(cpu == 1 && rss == 2);
	assert_string_equal(cost_map_type(1), "hash");
	assert_string_equal(cost_map_type(60000), "other");
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_hostile_name),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
