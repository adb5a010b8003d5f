/* The board's forms against golden text, at many sizes, and with hostile names. */
#include "agg/board_print.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agg/board_print_gold_test.h"
#include "base/cleanup.h"

#define S(lit) { (lit), sizeof(lit) - 1 }

static struct pod shop = { .uid = S("1b2c3d4e-0000-4000-8000-000000000001"),
			   .ns = S("shop"),
			   .name = S("cart-7d9f") };
static struct pod unnamed = { .uid = S("1b2c3d4e-0000-4000-8000-000000000002") };
static struct container app = { .id = S("aaaabbbbccccddddeeee"),
				.id12 = S("aaaabbbbcccc"),
				.name = S("app"),
				.image = S("cart:1"),
				.pod = &shop };
static struct container nameless = { .id = S("0123456789abcdef"),
				     .id12 = S("0123456789ab"),
				     .pod = &unnamed };
static struct container hostile_container = { .id = S("feedfeedfeed"),
					      .id12 = S("feedfeedfeed"),
					      .name = S("a\033[2J\nb\xff\"\\") };

static const struct cgroup cgroups[] = {
	{ .id = 1, .path = S("/kubepods/a"), .container = &app, .pod = &shop },
	{ .id = 2, .path = S("/kubepods/b"), .container = &nameless, .pod = &unnamed },
	{ .id = 3, .path = S("/system.slice/nginx.service"), .unit = S("nginx.service") },
	{ .id = 4, .path = S("/") },
	{ .id = CGROUP_V1 | 5 },
	{ .id = 6, .path = S("/x"), .container = &hostile_container },
};

static struct board_row rows[] = {
	{ .scope = BOARD_CONTAINER,
	  .cgroup = &cgroups[0],
	  .cgroups = 2,
	  .procs = 12,
	  .now = { [KIND_FORK] = { 40, 0 },
		   [KIND_EXEC] = { 20, 0 },
		   [KIND_OPEN] = { 5000, 100 },
		   [KIND_CONNECT] = { 10, 2 },
		   [KIND_ACCEPT] = { 2, 0 },
		   [KIND_EXIT] = { 38, 1 } },
	  .total = { [KIND_OPEN] = { 70000, 1000 } },
	  .cpu_ns = 1500000000,
	  .cpu_total_ns = 9000000000,
	  .has_cpu = true,
	  .memory_bytes = 123 << 20,
	  .has_memory = true },
	{ .scope = BOARD_CONTAINER,
	  .cgroup = &cgroups[1],
	  .cgroups = 1,
	  .procs = 1,
	  .now = { [KIND_OPEN] = { 1, 0 } },
	  .cpu_ns = 2000000,
	  .has_cpu = true },
	{ .scope = BOARD_UNIT,
	  .cgroup = &cgroups[2],
	  .cgroups = 1,
	  .procs = 3,
	  .now = { [KIND_ACCEPT] = { 400000, 0 } },
	  .has_cpu = true },
	{ .scope = BOARD_CGROUP, .cgroup = &cgroups[3], .cgroups = 1, .procs = 100 },
	{ .scope = BOARD_CGROUP, .cgroup = &cgroups[4], .cgroups = 1, .procs = 1 },
	{ .scope = BOARD_CONTAINER, .cgroup = &cgroups[5], .cgroups = 1, .procs = 1 },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct board_row sum = {
	.cgroups = 7,
	.procs = 118,
	.now = { [KIND_FORK] = { 40, 0 },
		 [KIND_EXEC] = { 20, 0 },
		 [KIND_OPEN] = { 5001, 100 },
		 [KIND_CONNECT] = { 10, 2 },
		 [KIND_ACCEPT] = { 400002, 0 },
		 [KIND_EXIT] = { 38, 1 } },
	.total = { [KIND_OPEN] = { 70001, 1000 } },
	.cpu_ns = 1502000000,
	.cpu_total_ns = 9002000000,
	.has_cpu = true,
};

static const struct board_about about = {
	.host = S("node-1"),
	.clock = S("12:03:04"),
	.now = { 1700000000000000000 },
	.up_ns = 83 * NS_PER_SEC,
	.interval_ns = 2 * NS_PER_SEC,
	.lost = 7,
	.self_cpu_ns = 5000000,
	.self_rss_bytes = 22 << 20,
};

static void assert_text(const struct buf *b, const char *expected)
{
	if (b->n != strlen(expected) || memcmp(b->p, expected, b->n) != 0) {
		print_message("got:\n%.*s", (int)b->n, b->p);
		assert_true(false);
	}
}

static void test_screen_wide(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	board_screen(rows, ROWS, &sum, &about, 140, 40, &b);
	assert_text(&b, GOLD_WIDE);
}

static void test_screen_standard(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	board_screen(rows, ROWS, &sum, &about, 80, 8, &b);
	assert_text(&b, GOLD_STANDARD);
}

static void test_screen_narrow(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	board_screen(rows, ROWS, &sum, &about, 40, 7, &b);
	assert_text(&b, GOLD_NARROW);
}

/* Characters of the longest line, and how many lines. */
static void measure(const struct buf *b, size_t *ret_widest, size_t *ret_lines)
{
	size_t widest = 0, lines = 0, n = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->p[i] == '\n') {
			widest = n > widest ? n : widest;
			lines++;
			n = 0;
		} else if (((unsigned char)b->p[i] & 0xc0) != 0x80) {
			n++;
		}
	}
	assert_int_equal(n, 0); /* the last line is ended */
	*ret_widest = widest;
	*ret_lines = lines;
}

static void test_screen_every_size(void **state)
{
	struct buf b = { 0 };
	size_t widest, lines;

	(void)state;
	for (unsigned width = 3; width <= 220; width++)
		for (unsigned height = 0; height <= 14; height++)
			for (size_t n = 0; n <= ROWS; n++) {
				buf_reset(&b);
				board_screen(rows, n, &sum, &about, width, height, &b);
				assert_false(b.failed);
				measure(&b, &widest, &lines);
				assert_true(widest <= width);
				assert_true(lines <= height);
			}
	buf_free(&b);
}

/* No byte below a blank but newline, none of DEL: the terminal gets no orders from a name. */
static void test_names_give_no_orders(void **state)
{
	static char path[256];
	const struct cgroup cg = { .id = 9, .path = { path, sizeof(path) } };
	const struct board_row row = { .scope = BOARD_CGROUP, .cgroup = &cg, .cgroups = 1 };
	struct board_about odd = about;
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = (char)i;
	odd.host = (struct str){ path, sizeof(path) };
	board_screen(&row, 1, &sum, &odd, 4000, 40, &b);
	board_line(&row, 1, &sum, &odd, &b);
	for (size_t i = 0; i < b.n; i++)
		assert_true((unsigned char)b.p[i] >= ' ' ? b.p[i] != 127 : b.p[i] == '\n');
	assert_null(memchr(b.p, '\033', b.n));
	buf_free(&b);
}

static void test_line(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	board_line(rows, ROWS, &sum, &about, &b);
	assert_text(&b, GOLD_LINE);
}

static void test_json(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	board_json(&rows[0], "row", &about, &b);
	board_json(&rows[1], "row", &about, &b);
	board_json(&rows[2], "row", &about, &b);
	board_json(&sum, "node", &about, &b);
	board_json(&sum, "totals", &about, &b);
	assert_text(&b, GOLD_JSON);
}

static void test_json_is_valid(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		json_t *j;

		buf_reset(&b);
		board_json(&rows[i], "row", &about, &b);
		assert_int_equal(b.p[b.n - 1], '\n');
		assert_ptr_equal(memchr(b.p, '\n', b.n), b.p + b.n - 1);
		j = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(j);
		assert_string_equal(json_string_value(json_object_get(j, "type")), "row");
		json_decref(j);
	}
	buf_free(&b);
}

/* In the first tick there is no time to divide by. */
static void test_no_interval(void **state)
{
	struct board_about first = about;
	struct buf b = { 0 };

	(void)state;
	first.interval_ns = 0;
	board_screen(rows, ROWS, &sum, &first, 100, 20, &b);
	board_line(rows, ROWS, &sum, &first, &b);
	assert_null(memmem(b.p, b.n, "nan", 3));
	assert_null(memmem(b.p, b.n, "inf", 3));
	buf_free(&b);
}

static void test_units(void **state)
{
	static const struct {
		uint64_t v;
		const char *bytes, *time;
	} cases[] = {
		{ 0, "0.0 KiB", "0.0s" },
		{ 1024, "1.0 KiB", "0.0s" },
		{ 10 << 20, "10 MiB", "0.0s" },
		{ 999ull << 20, "999 MiB", "1.0s" },
		{ 1000ull << 20, "1.0 GiB", "1.0s" },
		{ 61 * NS_PER_SEC, "57 GiB", "1m 01s" },
		{ 3700 * NS_PER_SEC, "3.4 TiB", "1h 01m" },
		{ UINT64_MAX, "16777216 TiB", "5124095h 34m" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(buf_free) struct buf bytes = { 0 }, time = { 0 };

		board_bytes(cases[i].v, &bytes);
		board_time(cases[i].v, &time);
		assert_text(&bytes, cases[i].bytes);
		assert_text(&time, cases[i].time);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_screen_wide),
		cmocka_unit_test(test_screen_standard),
		cmocka_unit_test(test_screen_narrow),
		cmocka_unit_test(test_screen_every_size),
		cmocka_unit_test(test_names_give_no_orders),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_is_valid),
		cmocka_unit_test(test_no_interval),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
