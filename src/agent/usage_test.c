/* Accounting against a made-up version 2 hierarchy: what is new, what is the children's, once each. */
#include "agent/usage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/usage_test.XXXXXX";

static void file_put(const char *path, const char *name, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s/%s", root, path, name);
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* The cgroup @path has used so many microseconds. */
static void cpu_put(const char *path, unsigned usec)
{
	char full[512], text[128];

	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
	snprintf(text, sizeof(text), "usage_usec %u\nuser_usec 1\nsystem_usec 2\n", usec);
	file_put(path, "cpu.stat", text);
}

static struct usage *usage_made(void)
{
	struct cgroup_layout l = { 0 };
	struct usage *u;

	snprintf(l.v2_mount, sizeof(l.v2_mount), "%s", root);
	assert_int_equal(usage_open(&l, &u), 0);
	return u;
}

static struct cgroup cgroup_at(const char *path)
{
	return (struct cgroup){ .id = 1, .path = str_of(path) };
}

static void tick(struct usage *u, unsigned second)
{
	usage_begin(u, (struct boot_ns){ second * NS_PER_SEC });
}

static void test_plain(void **state)
{
	struct usage *u = usage_made();
	struct cgroup cg = cgroup_at("/plain");
	struct usage_sample s;

	(void)state;
	cpu_put("/plain", 7000000);
	file_put("/plain", "memory.current", "4096\n");
	tick(u, 1);
	s = usage_read(u, &cg);
	assert_false(s.has_cpu); /* it may be older than we are */
	assert_true(s.has_memory);
	assert_int_equal(s.memory_bytes, 4096);
	usage_end(u);
	cpu_put("/plain", 7250000);
	tick(u, 2);
	s = usage_read(u, &cg);
	assert_true(s.has_cpu);
	assert_int_equal(s.cpu_ns, 250 * NS_PER_MS);
	s = usage_read(u, &cg); /* told already */
	assert_false(s.has_cpu || s.has_memory);
	usage_end(u);
	usage_close(u);
}

/* One that comes later is new if it cannot be older than the last tick. */
static void test_new(void **state)
{
	struct cgroup young = cgroup_at("/young"), old = cgroup_at("/old");
	struct usage *u = usage_made();
	struct usage_sample s;

	(void)state;
	tick(u, 1);
	usage_end(u);
	cpu_put("/young", 300000);
	cpu_put("/old", 3000000000u);
	tick(u, 2);
	s = usage_read(u, &young);
	assert_true(s.has_cpu);
	assert_int_equal(s.cpu_ns, 300 * NS_PER_MS);
	assert_false(usage_read(u, &old).has_cpu);
	usage_end(u);
	usage_close(u);
}

static void test_children_are_not_mine(void **state)
{
	struct cgroup parent = cgroup_at("/parent"), child = cgroup_at("/parent/one");
	struct usage *u = usage_made();
	struct usage_sample s;

	(void)state;
	cpu_put("/parent", 1000000);
	cpu_put("/parent/one", 400000);
	cpu_put("/parent/two", 300000);
	file_put("/parent", "memory.current", "1000000\n");
	tick(u, 1);
	usage_read(u, &parent);
	usage_read(u, &child);
	usage_end(u);
	cpu_put("/parent", 1900000);
	cpu_put("/parent/one", 600000);
	cpu_put("/parent/two", 800000);
	tick(u, 2);
	s = usage_read(u, &parent);
	assert_true(s.has_cpu);
	assert_int_equal(s.cpu_ns, 200 * NS_PER_MS); /* 900 - 200 - 500 */
	assert_false(s.has_memory);
	s = usage_read(u, &child);
	assert_true(s.has_cpu);
	assert_int_equal(s.cpu_ns, 200 * NS_PER_MS);
	usage_end(u);
	usage_close(u);
}

/* A container is its topmost cgroup with all below, told once. */
static void test_container(void **state)
{
	struct container c = { .id = STR("deadbeef") };
	struct cgroup below = { .id = 2, .path = STR("/pod/cri-deadbeef.scope/init"), .container = &c };
	struct cgroup top = { .id = 1, .path = STR("/pod/cri-deadbeef.scope"), .container = &c };
	struct usage *u = usage_made();
	struct usage_sample s;

	(void)state;
	cpu_put("/pod", 1);
	cpu_put("/pod/cri-deadbeef.scope", 100);
	cpu_put("/pod/cri-deadbeef.scope/init", 90);
	tick(u, 1);
	usage_read(u, &below);
	usage_end(u);
	cpu_put("/pod/cri-deadbeef.scope", 500100);
	tick(u, 2);
	s = usage_read(u, &below);
	assert_true(s.has_cpu);
	assert_int_equal(s.cpu_ns, 500 * NS_PER_MS);
	assert_false(usage_read(u, &top).has_cpu);
	usage_end(u);
	usage_close(u);
}

/* Nothing known, nothing followed that leads elsewhere. */
static void test_refused(void **state)
{
	static const char *const paths[] = { "/../plain", "/x/../plain", "/..", "plain",
					     "",	  "/not-there",	 NULL };
	struct usage *u = usage_made();
	static char longest[5000];
	struct cgroup cg = { .id = 1, .path = { longest, sizeof(longest) } };

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	for (unsigned i = 1; i < 4; i++) {
		tick(u, i);
		for (size_t k = 0; paths[k]; k++) {
			struct cgroup odd = cgroup_at(paths[k]);

			assert_false(usage_read(u, &odd).has_cpu);
		}
		assert_false(usage_read(u, &cg).has_cpu);
		assert_false(usage_read(u, &(struct cgroup){ .id = 1 }).has_cpu);
		usage_end(u);
	}
	usage_close(u);
}

/* No more than so many a tick. */
static void test_bounded(void **state)
{
	struct usage *u = usage_made();
	struct cgroup cg = cgroup_at("/plain");

	(void)state;
	cpu_put("/plain", 1000);
	for (unsigned i = 1; i < 3; i++) {
		tick(u, i);
		for (size_t k = 0; i == 2 && k < USAGE_CGROUPS_MAX; k++) {
			struct cgroup odd = cgroup_at("/not-there");

			usage_read(u, &odd);
		}
		assert_false(usage_read(u, &cg).has_cpu);
		usage_end(u);
	}
	usage_close(u);
}

static int made(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int removed(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command) == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_children_are_not_mine),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, made, removed);
}
