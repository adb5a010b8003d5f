/* The board: differences, groups, order, what is forgotten, and what never adds up wrongly. */
#include "agg/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct pod shop = { .uid = { "uid-1", 5 }, .ns = { "shop", 4 }, .name = { "cart", 4 } };
static struct container app = {
	.id = { "aaaa", 4 }, .id12 = { "aaaa", 4 }, .name = { "app", 3 }, .pod = &shop
};
static struct container side = {
	.id = { "bbbb", 4 }, .id12 = { "bbbb", 4 }, .name = { "side", 4 }, .pod = &shop
};

#define P(lit) { (lit), sizeof(lit) - 1 }
static const struct cgroup cg_app = {
	.id = 1, .path = P("/pod/aaaa"), .container = &app, .pod = &shop, .unit = P("x.slice")
};
static const struct cgroup cg_app2 = {
	.id = 2, .path = P("/pod/aaaa/init"), .container = &app, .pod = &shop
};
static const struct cgroup cg_side = {
	.id = 3, .path = P("/pod/bbbb"), .container = &side, .pod = &shop
};
static const struct cgroup cg_unit = { .id = 4,
				       .path = P("/system.slice/nginx.service"),
				       .unit = P("nginx.service") };
static const struct cgroup cg_unit2 = { .id = 5,
					.path = P("/system.slice/nginx.service/x"),
					.unit = P("nginx.service") };
static const struct cgroup cg_plain = { .id = 6, .path = P("/plain") };
static const struct cgroup cg_bare = { .id = 7 };

static struct boot_ns at(uint64_t s)
{
	return (struct boot_ns){ s * NS_PER_SEC };
}

static const struct board_row *find(const struct board_row *rows, long n, const struct cgroup *cg)
{
	for (long i = 0; i < n; i++)
		if (rows[i].cgroup == cg)
			return &rows[i];
	return NULL;
}

static struct board *made(void)
{
	struct board *b;

	assert_int_equal(board_new(&b), 0);
	return b;
}

static void opens(struct board *b, const struct cgroup *cg, uint64_t events, uint64_t errors)
{
	board_count(b, cg, KIND_OPEN, events, errors);
}

static void test_differences(void **state)
{
	struct board *b = made();
	const struct board_row *rows;
	uint64_t values[] = { 10, 10, 25, 25 };
	uint64_t expected[] = { 10, 0, 15, 0 };

	(void)state;
	for (uint64_t i = 0; i < 4; i++) {
		board_begin(b, at(10 + 2 * i), true);
		opens(b, &cg_plain, values[i], values[i] / 5);
		board_process(b, &cg_plain);
		board_end(b);
		assert_int_equal(board_rows(b, BOARD_BY_CONTAINER, BOARD_SORT_BUSY, &rows), 1);
		assert_int_equal(rows[0].now[KIND_OPEN].events, expected[i]);
		assert_int_equal(rows[0].now[KIND_OPEN].errors, expected[i] / 5);
		assert_int_equal(rows[0].total[KIND_OPEN].events, values[i]);
		assert_int_equal(board_interval_ns(b), i ? 2 * NS_PER_SEC : 0);
		assert_int_equal(rows[0].procs, 1);
	}
	board_free(b);
}

/* The kernel's entry was deleted and began again, with and without our knowing. */
static void test_counter_restarts(void **state)
{
	struct board *b = made();
	struct board_row sum;

	(void)state;
	board_begin(b, at(1), true);
	opens(b, &cg_plain, 100, 50);
	board_end(b);
	board_begin(b, at(2), true);
	opens(b, &cg_plain, 7, 0);
	board_end(b);
	board_sum(b, &sum);
	assert_int_equal(sum.now[KIND_OPEN].events, 7);
	assert_int_equal(sum.total[KIND_OPEN].events, 107);
	board_forget(b, cg_plain.id);
	board_forget(b, 12345); /* not there: nothing happens */
	board_begin(b, at(3), true);
	opens(b, &cg_plain, 9, 0);
	board_end(b);
	board_sum(b, &sum);
	assert_int_equal(sum.now[KIND_OPEN].events, 9);
	assert_int_equal(sum.total[KIND_OPEN].events, 116);
	board_free(b);
}

static void all_once(struct board *b)
{
	board_begin(b, at(1), true);
	opens(b, &cg_app, 1, 0);
	opens(b, &cg_app2, 2, 0);
	opens(b, &cg_side, 4, 0);
	opens(b, &cg_unit, 8, 0);
	opens(b, &cg_unit2, 16, 0);
	opens(b, &cg_plain, 32, 0);
	opens(b, &cg_bare, 64, 0);
	board_end(b);
}

static void groups_check(enum board_by by, const uint64_t *expected, size_t n)
{
	const struct board_row *rows;
	struct board *b = made();
	struct board_row sum;

	all_once(b);
	assert_int_equal(board_rows(b, by, BOARD_SORT_OPENS, &rows), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(rows[i].now[KIND_OPEN].events, expected[i]);
	board_sum(b, &sum);
	assert_int_equal(sum.now[KIND_OPEN].events, 127);
	assert_int_equal(sum.cgroups, 7);
	board_free(b);
}

static void test_groups(void **state)
{
	(void)state;
	groups_check(BOARD_BY_CONTAINER, (uint64_t[]){ 64, 32, 24, 4, 3 }, 5);
	groups_check(BOARD_BY_POD, (uint64_t[]){ 64, 32, 24, 7 }, 4);
	/* Without a unit, a cgroup stands for itself. */
	groups_check(BOARD_BY_UNIT, (uint64_t[]){ 64, 32, 24, 4, 2, 1 }, 6);
	groups_check(BOARD_BY_CGROUP, (uint64_t[]){ 64, 32, 16, 8, 4, 2, 1 }, 7);
}

static void test_scopes(void **state)
{
	const struct board_row *rows, *r;
	struct board *b = made();
	long n;

	(void)state;
	all_once(b);
	n = board_rows(b, BOARD_BY_CONTAINER, BOARD_SORT_NAME, &rows);
	r = find(rows, n, &cg_side);
	assert_non_null(r);
	assert_int_equal(r->scope, BOARD_CONTAINER);
	r = find(rows, n, &cg_plain);
	assert_non_null(r);
	assert_int_equal(r->scope, BOARD_CGROUP);
	n = board_rows(b, BOARD_BY_POD, BOARD_SORT_NAME, &rows);
	assert_int_equal(rows[0].scope, BOARD_POD); /* pods first by name */
	assert_int_equal(rows[0].cgroups, 3);
	assert_int_equal(n, 4);
	board_free(b);
}

static int cpu_add(void *ctx, struct board_cgroup *c)
{
	(void)ctx;
	board_cpu(c, c->cgroup->id * 1000);
	board_memory(c, 1u << c->cgroup->id);
	return 0;
}

static void test_cpu_and_order(void **state)
{
	const struct board_row *rows;
	struct board *b = made();
	long n;

	(void)state;
	all_once(b);
	board_each(b, cpu_add, NULL);
	n = board_rows(b, BOARD_BY_CONTAINER, BOARD_SORT_CPU, &rows);
	assert_int_equal(rows[0].cpu_ns, 9000); /* two cgroups of nginx.service: 4 and 5 */
	assert_int_equal(rows[0].memory_bytes, 16 + 32);
	assert_true(rows[0].has_cpu && rows[0].has_memory);
	for (long i = 1; i < n; i++)
		assert_true(rows[i - 1].cpu_ns >= rows[i].cpu_ns);
	n = board_rows(b, BOARD_BY_CONTAINER, BOARD_SORT_MEMORY, &rows);
	for (long i = 1; i < n; i++)
		assert_true(rows[i - 1].memory_bytes >= rows[i].memory_bytes);
	/* An event weighs as much as 20 us of CPU. */
	n = board_rows(b, BOARD_BY_CONTAINER, BOARD_SORT_BUSY, &rows);
	assert_ptr_equal(rows[0].cgroup, &cg_bare);
	assert_int_equal(n, 5);
	board_free(b);
}

/* The idle and the dead leave, their counts stay in the sum. */
static void test_leaving(void **state)
{
	const struct board_row *rows;
	struct board *b = made();
	struct board_row sum;

	(void)state;
	all_once(b);
	for (uint64_t i = 2; i < 5; i++) {
		board_begin(b, at(i), true);
		opens(b, &cg_side, 4, 0);
		board_process(b, &cg_unit);
		board_end(b);
		assert_int_equal(board_rows(b, BOARD_BY_CONTAINER, BOARD_SORT_BUSY, &rows), 1);
		assert_ptr_equal(rows[0].cgroup, &cg_unit); /* alive; the other is silent */
		assert_int_equal(board_idle(b, cg_side.id), i - 1);
		assert_int_equal(board_idle(b, cg_unit.id), 0);
		board_sum(b, &sum);
		assert_int_equal(sum.total[KIND_OPEN].events, 127);
		assert_int_equal(sum.now[KIND_OPEN].events, 0);
	}
	board_free(b);
}

/* Several ticks make one interval. */
static void test_long_interval(void **state)
{
	struct board *b = made();
	struct board_row sum;

	(void)state;
	board_begin(b, at(1), true);
	board_end(b);
	for (uint64_t i = 1; i <= 6; i++) {
		board_begin(b, at(1 + 10 * i), i % 3 == 1);
		opens(b, &cg_plain, 5 * i, 0);
		/* One that lives for a tick of the first interval. */
		if (i == 2)
			opens(b, &cg_app, 100, 0);
		board_end(b);
		board_sum(b, &sum);
		assert_int_equal(sum.now[KIND_OPEN].events,
				 5 * ((i - 1) % 3 + 1) + (i == 2 || i == 3 ? 100 : 0));
		assert_int_equal(board_interval_ns(b), 10 * ((i - 1) % 3 + 1) * NS_PER_SEC);
	}
	assert_int_equal(sum.total[KIND_OPEN].events, 130);
	board_free(b);
}

static void test_bounded(void **state)
{
	static struct cgroup many[BOARD_CGROUPS_MAX + 10];
	const struct board_row *rows;
	struct board *b = made();

	(void)state;
	board_begin(b, at(1), true);
	for (size_t i = 0; i < BOARD_CGROUPS_MAX + 10; i++) {
		many[i].id = 1000 + i;
		opens(b, &many[i], 1, 0);
		board_process(b, &many[i]);
	}
	board_end(b);
	assert_int_equal(board_full(b), 20);
	assert_int_equal(board_rows(b, BOARD_BY_CONTAINER, BOARD_SORT_BUSY, &rows),
			 BOARD_CGROUPS_MAX);
	/* All of them went: there is room again. */
	for (uint64_t i = 2; i < 4; i++) {
		board_begin(b, at(i), true);
		board_end(b);
	}
	board_begin(b, at(4), true);
	opens(b, &cg_plain, 1, 0);
	board_end(b);
	assert_int_equal(board_full(b), 0);
	assert_int_equal(board_rows(b, BOARD_BY_CONTAINER, BOARD_SORT_BUSY, &rows), 1);
	board_free(b);
}

static void test_meaning(void **state)
{
	struct board_count c[KIND_COUNT] = {
		[KIND_OPEN] = { 10, 3 }, [KIND_CONNECT] = { 5, 1 }, [KIND_ACCEPT] = { 2, 0 },
		[KIND_EXIT] = { 9, 9 },	 [KIND_BIND] = { 1, 1 },
	};

	(void)state;
	assert_int_equal(board_done(c, KIND_OPEN), 7);
	assert_int_equal(board_conns(c), 6);
	assert_int_equal(board_errors(c), 5); /* an exit status is no failed call */
	assert_int_equal(board_events(c), 27);
	c[KIND_OPEN].errors = 11; /* read while it changed */
	assert_int_equal(board_done(c, KIND_OPEN), 0);
}

static void test_words(void **state)
{
	enum board_sort sort = BOARD_SORT_BUSY;
	enum board_by by = BOARD_BY_CONTAINER;

	(void)state;
	assert_true(board_by_parse("cgroup", &by) && by == BOARD_BY_CGROUP);
	assert_true(board_by_parse("container", &by) && by == BOARD_BY_CONTAINER);
	assert_true(board_sort_parse("name", &sort) && sort == BOARD_SORT_NAME);
	assert_true(board_sort_parse("conns", &sort) && sort == BOARD_SORT_CONNS);
	assert_false(board_by_parse("pods", &by));
	assert_false(board_sort_parse("", &sort));
	assert_int_equal(sort, BOARD_SORT_CONNS);
}

/* A kind no table knows, from a kernel program of another version: not counted, nothing broken. */
static void test_unknown_kind(void **state)
{
	struct board *b = made();
	struct board_row sum;

	(void)state;
	board_begin(b, at(1), true);
	board_count(b, &cg_plain, (enum kind_id)KIND_COUNT, 5, 5);
	board_count(b, &cg_plain, (enum kind_id)0xffffffff, 5, 5);
	board_end(b);
	board_sum(b, &sum);
	assert_int_equal(board_events(sum.total), 0);
	board_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences),   cmocka_unit_test(test_counter_restarts),
		cmocka_unit_test(test_groups),	      cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_cpu_and_order), cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_long_interval), cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_meaning),	      cmocka_unit_test(test_words),
		cmocka_unit_test(test_unknown_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
