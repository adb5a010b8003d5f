/* The aggregated profile against a naive one, its limits, and its tree of names. */
#include "agg/profile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agg/profile_testing.h"
#include "agg/profile_tree.h"
#include "base/cleanup.h"

static uint32_t seed;

static uint32_t chance(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static struct profile *profile_of(size_t bytes_max)
{
	struct profile_opts o = testing_opts;
	struct profile *p;

	o.bytes_max = bytes_max;
	assert_int_equal(profile_new(&o, &p), 0);
	return p;
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

/* The stack of @node, leaf first. */
static size_t stack_of(const struct profile *p, uint32_t node, uint32_t *ret)
{
	size_t n, k = 0;
	const struct profile_node *nodes = profile_nodes(p, &n);

	for (; node; node = nodes[node].parent) {
		assert_true(node < n && nodes[node].parent < node);
		ret[k++] = nodes[node].frame;
	}
	return k;
}

#define STACKS 3000
#define DEPTH  12

struct naive {
	uint32_t frames[DEPTH], series;
	size_t n;
	uint64_t value;
};

/* Random stacks: each must be there once, with the sum of what was added. */
static void test_against_naive(void **state)
{
	_cleanup_(profile_freep) struct profile *p = profile_of(0);
	static struct naive all[STACKS];
	uint32_t frames[DEPTH * 2];
	size_t n, known = 0;
	const struct profile_sample *s;

	(void)state;
	seed = 1;
	for (uint32_t i = 1; i < 40; i++)
		testing_frame(p, (struct str){ "abcdefghijklmnopqrstuvwxyzabcdefghijklmn", i },
			      i % 5);
	for (uint32_t i = 1; i < 4; i++)
		testing_series(p, "pod", "process", (const char *[]){ "", "a", "b", "c" }[i]);
	for (int i = 0; i < 20000; i++) {
		struct naive w = { .n = chance(DEPTH), .series = chance(4) };
		uint64_t values[2] = { 1 + chance(9), 5 };
		size_t k = 0;

		for (size_t j = 0; j < w.n; j++)
			w.frames[j] = 1 + chance(j < w.n - 4 ? 2 : 3);
		while (k < known && (all[k].n != w.n || all[k].series != w.series ||
				     memcmp(all[k].frames, w.frames, w.n * 4) != 0))
			k++;
		if (k == STACKS)
			continue;
		known += k == known;
		w.value = all[k].value + values[0];
		all[k] = w;
		assert_int_equal(profile_add(p, w.series, w.frames, w.n, values), 0);
	}
	s = profile_samples(p, &n);
	assert_int_equal(n, known + 1); /* and the one for what does not fit */
	assert_int_equal(s[0].value[0], 0);
	for (size_t i = 0; i < known; i++) {
		assert_int_equal(stack_of(p, s[i + 1].node, frames), all[i].n);
		assert_memory_equal(frames, all[i].frames, all[i].n * 4);
		assert_int_equal(s[i + 1].series, all[i].series);
		assert_int_equal(s[i + 1].value[0], all[i].value);
	}
}

static void test_frames(void **state)
{
	_cleanup_(profile_freep) struct profile *p = profile_of(0);
	struct frame f = { .function = STR("f"), .module = STR("m"), .address = 1 };
	struct frame each[8];
	uint32_t id, first;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		each[i] = f;
	each[1].function = STR("g");
	each[2].module = STR_NONE;
	each[3].address = 2;
	each[4].line = 1;
	each[5].kind = FRAME_JIT;
	each[6].inlined = true;
	each[7].linkage = STR("_f");
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 8; i++) {
			assert_int_equal(profile_frame(p, &each[i], &id), 0);
			assert_int_equal(id, i + 1);
		}
	}
	each[2].module = STR("");
	assert_int_equal(profile_frame(p, &each[2], &first), 0);
	assert_int_equal(first, 3);
	assert_true(str_eq(profile_frames(p, &n)[7].function, STR("f")));
	assert_int_equal(n, 9);
}

static void test_series(void **state)
{
	_cleanup_(profile_freep) struct profile *p = profile_of(0);
	struct profile_label ab[] = { { STR("a"), STR("1") }, { STR("b"), STR("2") } };
	struct profile_label ba[] = { ab[1], ab[0], { STR("c"), STR("") } };
	struct profile_label twice[] = { ab[0], ab[1], ab[0] };
	struct profile_label nokey[] = { { STR(""), STR("1") } };
	struct profile_label many[PROFILE_LABELS_MAX + 1];
	static char keys[PROFILE_LABELS_MAX + 1];
	uint32_t x, y = 0;
	size_t n;

	(void)state;
	assert_int_equal(profile_series(p, NULL, 0, &x), 0);
	assert_int_equal(x, PROFILE_SERIES_NONE);
	assert_int_equal(profile_series(p, ab, 2, &x), 0);
	assert_int_equal(profile_series(p, ba, 3, &y), 0);
	assert_int_equal(x, 1);
	assert_int_equal(y, 1);
	assert_true(str_eq(profile_series_labels(p, 1, &n)[0].key, STR("a")));
	assert_int_equal(n, 2);
	assert_true(str_eq(profile_series_label(p, 1, STR("b")), STR("2")));
	assert_int_equal(profile_series_label(p, 1, STR("c")).n, 0);
	assert_int_equal(profile_series(p, twice, 3, &x), -EINVAL);
	assert_int_equal(profile_series(p, nokey, 1, &x), -EINVAL);
	for (size_t i = 0; i <= PROFILE_LABELS_MAX; i++) {
		keys[i] = (char)('z' - i);
		many[i] = (struct profile_label){ { &keys[i], 1 }, STR("v") };
	}
	assert_int_equal(profile_series(p, many, PROFILE_LABELS_MAX + 1, &x), -EINVAL);
	assert_int_equal(profile_series(p, many, PROFILE_LABELS_MAX, &x), 0);
	assert_int_equal(profile_series_count(p), 3);
}

static void test_wrong_numbers(void **state)
{
	_cleanup_(profile_freep) struct profile *p = profile_of(0);
	struct profile_opts none = { 0 }, many = { .ntypes = PROFILE_TYPES_MAX + 1 };
	uint64_t values[2] = { 1, 1 };
	uint32_t bad = 1;
	struct profile *q = NULL;

	(void)state;
	assert_int_equal(profile_add(p, 0, &bad, 1, values), -EINVAL);
	assert_int_equal(profile_add(p, 1, NULL, 0, values), -EINVAL);
	assert_int_equal(sum(p, 0), 0);
	assert_int_equal(profile_new(&none, &q), -EINVAL);
	assert_int_equal(profile_new(&many, &q), -EINVAL);
	assert_null(q);
}

/* Stacks of random frames, some with a series of their own; what is refused goes to the reserved ones. */
static void fill(struct profile *p, uint32_t n)
{
	uint64_t values[2] = { 1, 2 };
	uint32_t frames[20], series;

	for (uint32_t i = 0; i < n; i++) {
		struct profile_label l = { STR("i"), { (char *)&i, sizeof(i) } };

		for (size_t k = 0; k < 20; k++) {
			struct frame f = { .function = STR("f"), .address = chance(300) };

			if (profile_frame(p, &f, &frames[k]))
				frames[k] = PROFILE_FRAME_FULL;
		}
		if (i % 10 || profile_series(p, &l, 1, &series))
			series = PROFILE_SERIES_NONE;
		assert_int_equal(profile_add(p, series, frames, 1 + chance(20), values), 0);
	}
}

/* With any budget: no error, no value lost, and the budget holds. */
static void test_budget(void **state)
{
	(void)state;
	for (size_t max = 100; max < 400000; max += max / 3) {
		struct profile_opts o = testing_opts;
		_cleanup_(profile_freep) struct profile *p = NULL;

		o.bytes_max = max;
		if (profile_new(&o, &p))
			continue;
		seed = 7;
		fill(p, 5000);
		assert_int_equal(sum(p, 0), 5000);
		assert_int_equal(sum(p, 1), 10000);
		assert_true(profile_stats(p).bytes <= max);
		assert_true(max > 100000 || profile_stats(p).folded > 0);
	}
}

static void test_deep_and_long(void **state)
{
	_cleanup_(profile_freep) struct profile *p = profile_of(0);
	static char text[PROFILE_STRING_MAX + 100];
	uint32_t frames[PROFILE_DEPTH_MAX + 50], back[PROFILE_DEPTH_MAX + 50];
	uint64_t values[2] = { 1, UINT64_MAX - 1 };
	struct frame f = { .function = { text, sizeof(text) } };
	size_t n, k;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(profile_frame(p, &f, &frames[0]), 0);
	assert_int_equal(profile_frames(p, &n)[1].function.n, PROFILE_STRING_MAX);
	for (size_t i = 0; i < PROFILE_DEPTH_MAX + 50; i++)
		frames[i] = frames[0];
	assert_int_equal(profile_add(p, 0, frames, PROFILE_DEPTH_MAX + 50, values), 0);
	assert_int_equal(profile_add(p, 0, frames, PROFILE_DEPTH_MAX + 40, values), 0);
	k = stack_of(p, profile_samples(p, &n)[1].node, back);
	assert_int_equal(k, PROFILE_DEPTH_MAX + 1);
	assert_int_equal(profile_frames(p, &n)[back[k - 1]].kind, FRAME_MARK);
	assert_int_equal(profile_samples(p, &n)[1].value[0], 2);
	assert_int_equal(profile_samples(p, &n)[1].value[1], UINT64_MAX);
	assert_int_equal(profile_stats(p).stacks_cut, 2);
	assert_int_equal(profile_stats(p).strings_cut, 1);
}

/* Totals are sums of children and self; siblings are sorted; all nodes are met once. */
static void tree_check(const struct profile_tree *t, uint64_t want)
{
	size_t met = 1, depth = 0;

	assert_int_equal(t->nodes[0].total, want);
	for (uint32_t i = 0;;) {
		const struct profile_tree_node *n = &t->nodes[i];
		uint64_t below = n->self;

		for (uint32_t c = n->first; c; c = t->nodes[c].next) {
			below += t->nodes[c].total;
			assert_int_equal(t->nodes[c].parent, i);
			if (t->nodes[c].next)
				assert_true(t->nodes[c].total >= t->nodes[t->nodes[c].next].total);
		}
		assert_int_equal(below, n->total);
		i = profile_tree_next(t, i, &depth);
		if (!i)
			break;
		assert_true(depth > 0 && depth <= t->depth);
		met++;
	}
	assert_int_equal(met, t->nnodes);
}

static void test_tree(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain();
	struct str roots[] = { STR("pod"), STR("thread") };

	(void)state;
	for (size_t k = 0; k < 2 * 3 * 2; k++) {
		struct profile_view v = { k % 2, roots, k / 2 % 3, k / 6 };
		_cleanup_(profile_tree_freep) struct profile_tree *t = NULL;

		assert_int_equal(profile_tree_new(p, &v, &t), 0);
		tree_check(t, sum(p, v.type));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_naive), cmocka_unit_test(test_frames),
		cmocka_unit_test(test_series),	      cmocka_unit_test(test_wrong_numbers),
		cmocka_unit_test(test_budget),	      cmocka_unit_test(test_deep_and_long),
		cmocka_unit_test(test_tree),
	};

	return cmocka_run_group_tests_name("agg/profile", tests, NULL, NULL);
}
