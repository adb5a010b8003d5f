/* The folder of kept profiles: names, bounds, and what an interval is made of. */
#include "agent/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "agent/profile_dir.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/folder.h"

#define MINUTE (60ll * (int64_t)NS_PER_SEC)
#define BASE   (1796000000ll * (int64_t)NS_PER_SEC) /* 2026-11-30 00:53:20 UTC */

static char dir_path[] = "/tmp/porthole-kept-XXXXXX";
static int dir = -1;

/* One stack a series, so many ns each. */
static void part_put(int64_t at, int64_t length, const char *pod, const char *pid, uint64_t ns)
{
	const struct profile_opts o = { .types = { { STR("cpu"), STR("nanoseconds") } },
					.ntypes = 1,
					.time_ns = at,
					.duration_ns = (uint64_t)length };
	const struct profile_label l[] = { { STR("pod"), str_of(pod) },
					   { STR("container"), STR("0123456789ab") },
					   { STR("pid"), str_of(pid) } };
	const struct frame f = { .function = STR("spin"), .kind = FRAME_NATIVE };
	_cleanup_(profile_freep) struct profile *p = NULL;
	uint32_t frame, series;

	assert_int_equal(profile_new(&o, &p), 0);
	assert_int_equal(profile_frame(p, &f, &frame), 0);
	assert_int_equal(profile_series(p, l, 3, &series), 0);
	assert_int_equal(profile_add(p, series, &frame, 1, &ns), 0);
	assert_int_equal(profile_dir_write(dir, p), 0);
}

static void dir_clear(void)
{
	uint64_t removed, bytes;

	assert_int_equal(profile_dir_prune(dir, 0, INT64_MAX, &removed, &bytes), 0);
	assert_int_equal(bytes, 0);
}

static uint64_t total(const struct kept_opts *o)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_(buf_free) struct buf why = { 0 };
	const struct profile_sample *s;
	uint64_t all = 0;
	size_t n;
	int err = kept_profile(o, &p, &why);

	if (err)
		fail_msg("%d %.*s", err, STR_ARG(buf_slice(&why)));
	s = profile_samples(p, &n);
	for (size_t i = 0; i < n; i++)
		all += s[i].value[0];
	return all;
}

static void test_interval(void **state)
{
	struct kept_opts o = { .directory = dir_path,
			       .from = "2026-11-30T00:54:00Z",
			       .to = "2026-11-30T00:55:00Z" };

	(void)state;
	dir_clear();
	part_put(BASE - MINUTE, MINUTE, "shop/cart", "1", 1);
	part_put(BASE, MINUTE, "shop/cart", "1", 10); /* 00:53:20 to 00:54:20 */
	part_put(BASE + MINUTE, MINUTE, "shop/web", "2", 100);
	part_put(BASE + 2 * MINUTE, MINUTE, "shop/cart", "1", 1000); /* from 00:55:20 */
	assert_int_equal(total(&o), 110);
	o.pod = "shop/cart";
	assert_int_equal(total(&o), 10);
	o.pod = "web";
	assert_int_equal(total(&o), 100);
	o.pod = "shop/we";
	assert_int_equal(total(&o), 0);
	o.pod = NULL;
	o.pid = 1;
	assert_int_equal(total(&o), 10);
	o.container = "0123456789abcdef";
	assert_int_equal(total(&o), 10);
	o.container = "0123";
	assert_int_equal(total(&o), 10);
	o.container = "1234";
	assert_int_equal(total(&o), 0);
}

static void test_none(void **state)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_(buf_free) struct buf why = { 0 };
	struct kept_opts o = { .directory = dir_path, .from = "10m ago", .to = "11m ago" };

	(void)state;
	assert_int_equal(kept_profile(&o, &p, &why), -EINVAL);
	o.from = "x";
	assert_int_equal(kept_profile(&o, &p, &why), -EINVAL);
	o.from = "1970-01-02 00:00";
	o.to = "1970-01-02 01:00";
	buf_reset(&why);
	assert_int_equal(kept_profile(&o, &p, &why), -ENOENT);
	o.directory = "/tmp/porthole-kept-absent";
	assert_int_equal(kept_profile(&o, &p, &why), -ENOENT);
	assert_null(p);
}

static void bytes_put(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void test_damaged(void **state)
{
	const struct kept_opts o = { .directory = dir_path,
				     .from = "2026-11-30T00:50:00Z",
				     .to = "2026-11-30T00:59:00Z" };

	(void)state;
	dir_clear();
	part_put(BASE, MINUTE, "shop/cart", "1", 10);
	bytes_put("profile-1796000060000000000-60000000000.pp", "PRTHPROF but no more");
	assert_int_equal(total(&o), 10);
}

static size_t listed(void)
{
	_cleanup_(profile_parts_free) struct profile_parts l = { 0 };

	assert_int_equal(profile_dir_list(dir, &l), 0);
	for (size_t i = 1; i < l.n; i++)
		assert_true(l.list[i - 1].start_ns <= l.list[i].start_ns);
	return l.n;
}

static uint64_t bytes_from(const struct profile_parts *l, size_t first)
{
	uint64_t all = 0;

	for (size_t i = first; i < l->n; i++)
		all += l->list[i].bytes;
	return all;
}

static void test_bounds(void **state)
{
	_cleanup_(profile_parts_free) struct profile_parts l = { 0 };
	uint64_t removed, bytes;
	struct stat st;

	(void)state;
	dir_clear();
	bytes_put("other", "stays");
	bytes_put("profile-1-60.pp", "not a name of ours");
	bytes_put("profile-1796000060000000000-60000000000.ppx", "nor this");
	for (int i = 9; i >= 0; i--)
		part_put(BASE + i * MINUTE, MINUTE, "shop/cart", "1", 1);
	assert_int_equal(listed(), 10);
	assert_int_equal(profile_dir_list(dir, &l), 0);
	/* Those that ended before: three. */
	assert_int_equal(profile_dir_prune(dir, UINT64_MAX, BASE + 3 * MINUTE + 1, &removed, &bytes),
			 0);
	assert_int_equal(removed, 3);
	assert_int_equal(bytes, bytes_from(&l, 3));
	assert_int_equal(profile_dir_prune(dir, bytes_from(&l, 8), 0, &removed, &bytes), 0);
	assert_int_equal(removed, 5);
	assert_int_equal(listed(), 2);
	profile_parts_free(&l);
	assert_int_equal(profile_dir_list(dir, &l), 0);
	assert_int_equal(l.list[0].start_ns, BASE + 8 * MINUTE);
	assert_int_equal(fstatat(dir, "other", &st, 0), 0);
	assert_int_equal(fstatat(dir, "profile-1-60.pp", &st, 0), 0);
	unlinkat(dir, "other", 0);
	unlinkat(dir, "profile-1-60.pp", 0);
	unlinkat(dir, "profile-1796000060000000000-60000000000.ppx", 0);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir_path) ? folder_open(dir_path, &dir) : -1;
}

static int teardown(void **state)
{
	(void)state;
	dir_clear();
	close(dir);
	return rmdir(dir_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
