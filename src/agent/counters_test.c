/* Counters from a map like the kernel programs', by batches and key by key. Skipped without BPF. */
#include "agent/counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ENTRIES 1000

static int map_make(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);

	return bpf_map_create(BPF_MAP_TYPE_PERCPU_HASH, "counters_test", sizeof(struct cg_key),
			      sizeof(struct cg_val), CG_COUNT_ENTRIES, &opts);
}

/* Entry i: (i + 1) events and i errors on each CPU. */
static void map_fill(int fd, int ncpus)
{
	struct cg_val *v = calloc((size_t)ncpus, sizeof(*v));

	assert_non_null(v);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		struct cg_key key = { .cgroup = i / 6, .kind = i % 6 };

		for (int c = 0; c < ncpus; c++)
			v[c] = (struct cg_val){ i + 1, i };
		assert_int_equal(bpf_map_update_elem(fd, &key, v, BPF_ANY), 0);
	}
	free(v);
}

static void all_check(const struct counters *c)
{
	static bool seen[ENTRIES];

	memset(seen, 0, sizeof(seen));
	assert_int_equal(c->n, ENTRIES);
	for (size_t i = 0; i < c->n; i++) {
		uint64_t at = c->all[i].key.cgroup * 6 + c->all[i].key.kind;

		assert_true(at < ENTRIES && !seen[at]);
		seen[at] = true;
		assert_int_equal(c->all[i].sum.events, (at + 1) * (uint64_t)c->ncpus);
		assert_int_equal(c->all[i].sum.errors, at * (uint64_t)c->ncpus);
	}
}

static void test_read(void **state)
{
	struct counters c;
	int fd = map_make();

	(void)state;
	if (fd == -EPERM || fd == -ENOSYS)
		skip();
	assert_true(fd >= 0);
	assert_int_equal(counters_open(fd, &c), 0);
	assert_int_equal(counters_read(&c), 0);
	assert_int_equal(c.n, 0);
	map_fill(fd, c.ncpus);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(counters_read(&c), 0);
		all_check(&c);
		c.no_batch = true;
	}
	assert_int_equal(counters_delete(&c, &(struct cg_key){ .cgroup = 1, .kind = 1 }), 0);
	assert_int_equal(counters_delete(&c, &(struct cg_key){ .cgroup = 1, .kind = 1 }), -ENOENT);
	assert_int_equal(counters_read(&c), 0);
	assert_int_equal(c.n, ENTRIES - 1);
	counters_close(&c);
	close(fd);
}

/* A batch smaller than a bucket grows until it holds one. */
static void test_small_batch(void **state)
{
	struct counters c;
	int fd = map_make();

	(void)state;
	if (fd == -EPERM || fd == -ENOSYS)
		skip();
	assert_int_equal(counters_open(fd, &c), 0);
	map_fill(fd, c.ncpus);
	c.batch = 1;
	assert_int_equal(counters_read(&c), 0);
	all_check(&c);
	counters_close(&c);
	close(fd);
}

static void test_no_map(void **state)
{
	struct counters c;

	(void)state;
	assert_int_equal(counters_open(-1, &c), 0);
	assert_int_equal(counters_read(&c), -EBADF);
	counters_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_small_batch),
		cmocka_unit_test(test_no_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
