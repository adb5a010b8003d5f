/* What was written comes back; what was damaged does not. */
#include "agg/profile_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agg/profile_testing.h"
#include "base/cleanup.h"
#include "base/guard_test.h"

static void same_frames(const struct profile *a, const struct profile *b)
{
	size_t na, nb;
	const struct frame *fa = profile_frames(a, &na), *fb = profile_frames(b, &nb);

	assert_int_equal(na, nb);
	for (size_t i = 0; i < na; i++) {
		assert_true(str_eq(fa[i].function, fb[i].function));
		assert_true(str_eq(fa[i].linkage, fb[i].linkage));
		assert_true(str_eq(fa[i].module, fb[i].module));
		assert_true(str_eq(fa[i].build_id, fb[i].build_id));
		assert_true(str_eq(fa[i].file, fb[i].file));
		assert_int_equal(fa[i].line, fb[i].line);
		assert_int_equal(fa[i].address, fb[i].address);
		assert_int_equal(fa[i].kind, fb[i].kind);
		assert_int_equal(fa[i].inlined, fb[i].inlined);
	}
}

static void same_series(const struct profile *a, const struct profile *b)
{
	assert_int_equal(profile_series_count(a), profile_series_count(b));
	for (uint32_t i = 0; i < profile_series_count(a); i++) {
		size_t na, nb;
		const struct profile_label *la = profile_series_labels(a, i, &na);
		const struct profile_label *lb = profile_series_labels(b, i, &nb);

		assert_int_equal(na, nb);
		for (size_t k = 0; k < na; k++) {
			assert_true(str_eq(la[k].key, lb[k].key));
			assert_true(str_eq(la[k].value, lb[k].value));
		}
	}
}

static uint64_t sum(const struct profile *p, size_t type)
{
	uint64_t all = 0;
	size_t n;
	const struct profile_sample *s = profile_samples(p, &n);

	for (size_t i = 0; i < n; i++)
		all += s[i].value[type];
	return all;
}

static void same(const struct profile *a, const struct profile *b)
{
	const struct profile_opts *oa = profile_opts(a), *ob = profile_opts(b);
	size_t na, nb;

	assert_int_equal(oa->ntypes, ob->ntypes);
	assert_int_equal(oa->time_ns, ob->time_ns);
	assert_int_equal(oa->duration_ns, ob->duration_ns);
	assert_int_equal(oa->period, ob->period);
	assert_true(str_eq(oa->title, ob->title));
	assert_true(str_eq(oa->types[1].unit, ob->types[1].unit));
	assert_true(str_eq(oa->period_type.type, ob->period_type.type));
	same_frames(a, b);
	same_series(a, b);
	profile_nodes(a, &na);
	profile_nodes(b, &nb);
	assert_int_equal(na, nb);
	for (size_t i = 0; i < oa->ntypes; i++)
		assert_int_equal(sum(a, i), sum(b, i));
}

static void round_trip(struct profile *made)
{
	_cleanup_(profile_freep) struct profile *p = made, *q = NULL, *again = NULL;
	_cleanup_(buf_free) struct buf b = { 0 }, c = { 0 };

	assert_int_equal(profile_file_write(p, &b), 0);
	assert_int_equal(profile_file_read(buf_slice(&b), &q), 0);
	same(p, q);
	assert_int_equal(profile_file_write(q, &c), 0);
	assert_int_equal(profile_file_read(buf_slice(&c), &again), 0);
	same(q, again);
}

static void test_round_trip(void **state)
{
	struct profile *nothing;

	(void)state;
	round_trip(testing_plain());
	round_trip(testing_hostile_profile());
	assert_int_equal(profile_new(&testing_opts, &nothing), 0);
	round_trip(nothing);
}

static void test_prefixes(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain(), *q = NULL;
	_cleanup_(buf_free) struct buf b = { 0 };
	struct guard g = guard_make();

	(void)state;
	assert_int_equal(profile_file_write(p, &b), 0);
	for (size_t n = 0; n < b.n; n++) {
		const struct str part = { (const char *)guard_put(&g, b.p, n), n };

		assert_int_equal(profile_file_read(part, &q), -EBADMSG);
	}
	guard_free(&g);
	buf_char(&b, 0);
	assert_int_equal(profile_file_read(buf_slice(&b), &q), -EBADMSG);
	assert_null(q);
}

static void test_bits(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain(), *q = NULL;
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	assert_int_equal(profile_file_write(p, &b), 0);
	for (size_t i = 0; i < b.n * 8; i++) {
		int err;

		b.p[i / 8] ^= (char)(1 << i % 8);
		err = profile_file_read(buf_slice(&b), &q);
		assert_true(err == -EBADMSG || (err == -ENOTSUP && (i / 8 == 8 || i / 8 == 9)));
		b.p[i / 8] ^= (char)(1 << i % 8);
	}
	assert_int_equal(profile_file_read(buf_slice(&b), &q), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
