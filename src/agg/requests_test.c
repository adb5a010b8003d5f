/* Counting by key: sums, percentiles within the stated error, the bound on keys. */
#include "agg/requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct tally *make(void)
{
	struct tally *t;

	assert_int_equal(tally_new(&t), 0);
	return t;
}

static void add(struct tally *t, const char *key, uint64_t ns)
{
	struct tally_request r = {
		.timed = true, .latency_ns = ns, .request_bytes = 10, .response_bytes = 100
	};

	assert_int_equal(tally_add(t, str_of(key), &r), 0);
}

static void test_sums(void **state)
{
	struct tally *t = make();
	const struct tally_request bad = { .failed = true }, none = { .unanswered = true };
	const struct tally_row *rows;

	(void)state;
	add(t, "a", 1000);
	add(t, "b", 2000000);
	add(t, "a", 3000);
	tally_add(t, STR("a"), &bad);
	tally_add(t, STR("b"), &none);
	assert_int_equal(tally_rows(t, TALLY_BY_COUNT, &rows), 2);
	assert_true(str_eq(rows[0].key, STR("a")));
	assert_int_equal(rows[0].n, 3);
	assert_int_equal(rows[0].failed, 1);
	assert_int_equal(rows[0].timed, 2);
	assert_int_equal(rows[0].total_ns, 4000);
	assert_int_equal(rows[0].max_ns, 3000);
	assert_int_equal(rows[0].request_bytes, 20);
	assert_int_equal(rows[0].response_bytes, 200);
	assert_int_equal(rows[1].unanswered, 1);
	assert_int_equal(tally_rows(t, TALLY_BY_P99, &rows), 2);
	assert_true(str_eq(rows[0].key, STR("b")));
	assert_int_equal(tally_rows(t, TALLY_BY_KEY, &rows), 2);
	assert_true(str_eq(rows[0].key, STR("a")));
	tally_clear(t);
	assert_int_equal(tally_rows(t, TALLY_BY_COUNT, &rows), 0);
	tally_free(t);
}

static void near(uint64_t got, double want)
{
	double off = ((double)got - want) / want;

	if (off < -0.05 || off > 0.05) {
		print_error("%llu is not near %f\n", (unsigned long long)got, want);
		fail();
	}
}

/* One value at each magnitude: what comes back is within 5 % of it, all the way. */
static void test_error(void **state)
{
	struct tally *t = make();
	const struct tally_row *rows;

	(void)state;
	for (double ns = 1000; ns < 1e12; ns *= 1.013) {
		tally_clear(t);
		add(t, "x", (uint64_t)ns);
		add(t, "x", (uint64_t)ns * 1000); /* or the maximum would say it */
		assert_int_equal(tally_rows(t, TALLY_BY_COUNT, &rows), 1);
		near(rows[0].p50_ns, ns);
	}
	tally_clear(t);
	add(t, "x", 0);
	add(t, "x", UINT64_MAX / 2);
	add(t, "x", UINT64_MAX / 2);
	assert_int_equal(tally_rows(t, TALLY_BY_COUNT, &rows), 1);
	assert_true(rows[0].p50_ns > 1000000000ull * 60 * 16);
	tally_free(t);
}

static void test_percentiles(void **state)
{
	struct tally *t = make();
	const struct tally_row *rows;

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++)
		add(t, "x", i * 7919 % 1000 * 10000 + 10000); /* 10 us to 10 ms, in disorder */
	assert_int_equal(tally_rows(t, TALLY_BY_COUNT, &rows), 1);
	near(rows[0].p50_ns, 5.0e6);
	near(rows[0].p90_ns, 9.0e6);
	near(rows[0].p99_ns, 9.9e6);
	assert_int_equal(rows[0].max_ns, 10000000);
	tally_free(t);
}

static void test_bound(void **state)
{
	struct tally *t = make(), *sum = make();
	const struct tally_row *rows;
	char key[32];

	(void)state;
	for (int i = 0; i < TALLY_KEYS + 1000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		add(t, key, 5000);
	}
	add(t, "key 0", 5000);
	assert_int_equal(tally_other(t), 1000);
	assert_int_equal(tally_rows(t, TALLY_BY_COUNT, &rows), TALLY_KEYS + 1);
	assert_true(str_eq(rows[0].key, STR("other")));
	assert_int_equal(rows[0].n, 1000);
	assert_int_equal(rows[1].n, 2);
	add(sum, "key 0", 5000);
	assert_int_equal(tally_merge(sum, t), 0);
	assert_int_equal(tally_rows(sum, TALLY_BY_COUNT, &rows), TALLY_KEYS + 1);
	assert_int_equal(rows[0].n, 1000);
	assert_int_equal(tally_other(sum), 1000);
	assert_int_equal(rows[1].n, 3);
	tally_free(t);
	tally_free(sum);
}

static void test_words(void **state)
{
	enum tally_sort sort = TALLY_BY_KEY;

	(void)state;
	assert_true(tally_sort_parse("p99", &sort));
	assert_int_equal(sort, TALLY_BY_P99);
	assert_false(tally_sort_parse("p98", &sort));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),	    cmocka_unit_test(test_error),
		cmocka_unit_test(test_percentiles), cmocka_unit_test(test_bound),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
