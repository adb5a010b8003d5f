/* Merging and filtering: what comes out is what went in, by the sum and by the stack. */
#include "agg/profile_merge.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agg/profile_testing.h"
#include "base/cleanup.h"

static struct profile *empty(size_t bytes_max, size_t ntypes)
{
	struct profile_opts o = testing_opts;
	struct profile *p;

	o.bytes_max = bytes_max;
	o.ntypes = ntypes;
	assert_int_equal(profile_new(&o, &p), 0);
	return p;
}

static uint64_t sum(const struct profile *p)
{
	uint64_t all = 0;
	size_t n;
	const struct profile_sample *s = profile_samples(p, &n);

	for (size_t i = 0; i < n; i++)
		all += s[i].value[0];
	return all;
}

/* Samples, without the one that is always there. */
static size_t count(const struct profile *p)
{
	size_t n;

	profile_samples(p, &n);
	return n - 1;
}

static void test_twice(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain();
	_cleanup_(profile_freep) struct profile *q = empty(0, 2);

	(void)state;
	assert_int_equal(profile_merge(q, p, NULL, NULL), 0);
	assert_int_equal(sum(q), sum(p));
	assert_int_equal(profile_merge(q, p, NULL, NULL), 0);
	assert_int_equal(sum(q), 2 * sum(p));
	assert_int_equal(count(q), count(p));
	assert_int_equal(profile_series_count(q), profile_series_count(p));
}

static bool is_worker(void *ctx, const struct profile_label *l, size_t n)
{
	++*(int *)ctx;
	for (size_t i = 0; i < n; i++)
		if (str_eq(l[i].key, STR("thread")))
			return str_eq(l[i].value, STR("worker 1"));
	return false;
}

static void test_keep(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain();
	_cleanup_(profile_freep) struct profile *q = empty(0, 2);
	int asked = 0;

	(void)state;
	assert_int_equal(profile_merge(q, p, is_worker, &asked), 0);
	assert_int_equal(sum(q), 25 + 9 + 4 + 2 + 1);
	assert_int_equal(count(q), 5);
	assert_int_equal(asked, 3);
	assert_int_equal(profile_series_count(q), 2);
}

/* Into less room: nothing is lost from the sum. */
static void test_small(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain();

	(void)state;
	for (size_t max = 36000; max < 80000; max += 1000) {
		struct profile_opts o = testing_opts;
		_cleanup_(profile_freep) struct profile *q = NULL;

		o.bytes_max = max;
		if (profile_new(&o, &q))
			continue;
		assert_int_equal(profile_merge(q, p, NULL, NULL), 0);
		assert_int_equal(sum(q), sum(p));
		assert_true(profile_stats(q).bytes <= max);
	}
}

static void test_refused(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain();
	_cleanup_(profile_freep) struct profile *one = empty(0, 1);

	(void)state;
	assert_int_equal(profile_merge(one, p, NULL, NULL), -EINVAL);
	assert_int_equal(profile_merge(p, p, NULL, NULL), -EINVAL);
	assert_int_equal(sum(one), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("agg/profile_merge", tests, NULL, NULL);
}
