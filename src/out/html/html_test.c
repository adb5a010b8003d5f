/*
 * The page's data: columns and sums as jansson reads them, hostile names, a pair, small buffers. With
 * the name of a folder it writes pages there instead, for the browser (test/e2e/flame.sh).
 */
#include "out/html/html.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static const struct profile_opts opts = {
	.types = { { STR("samples"), STR("count") }, { STR("cpu"), STR("nanoseconds") } },
	.ntypes = 2,
	.period = 10101010,
	.time_ns = 1790000000000000000,
	.duration_ns = 10000000000,
	.title = STR("shop/cart </title><script>alert(1)</script>"),
};

static const struct profile_out_opts plain = { 0 };

static const struct str hostile[] = {
	STR("</script><script>window.pwned=1;alert(1)</script>"),
	STR("<!--<script>"),
	STR("<img src=x onerror=\"window.pwned=1\">"),
	STR("nul\0bel\a esc\033[31m"),
	STR("\xff\xfe\xc0<\xaf<"),
	STR("quote\"back\\slash"),
	STR("\xe2\x80\xaeturned"),
	STR("]]>&amp;"),
	STR("__proto__"),
	STR("<"),
	STR("<<<<"),
};

#define NHOSTILE (sizeof(hostile) / sizeof(hostile[0]))

static void add(struct profile *p, uint32_t series, const struct frame *f, size_t n, uint64_t count)
{
	uint64_t values[] = { count, count * 10101010 };
	uint32_t ids[8];

	for (size_t i = 0; i < n; i++)
		assert_int_equal(profile_frame(p, &f[i], &ids[i]), 0);
	assert_int_equal(profile_add(p, series, ids, n, values), 0);
}

/* main > serve > vfs_read 70, main > serve 20, 0x1f40 of lib.so 10. @more is added to vfs_read. */
static struct profile *known_profile(uint64_t more)
{
	struct frame read = { .function = STR("vfs_read"), .module = STR("[kernel]") };
	struct frame serve = { .function = STR("serve"),
			       .module = STR("/usr/bin/cart"),
			       .file = STR("cart.c"),
			       .line = 20,
			       .address = 0x1234,
			       .kind = FRAME_NATIVE,
			       .inlined = true };
	struct frame top = { .function = STR("main"),
			     .module = STR("/usr/bin/cart"),
			     .kind = FRAME_NATIVE };
	struct frame bare = { .module = STR("/opt/lib.so"), .address = 0x1f40, .kind = FRAME_NATIVE };
	struct profile_label labels[] = { { STR("pod"), STR("shop/cart") },
					  { STR("thread"), STR("w") } };
	struct frame stack[] = { read, serve, top };
	struct profile *p;
	uint32_t series;

	assert_int_equal(profile_new(&opts, &p), 0);
	assert_int_equal(profile_series(p, labels, 2, &series), 0);
	add(p, series, stack, 3, 70 + more);
	add(p, series, stack + 1, 2, 20);
	add(p, PROFILE_SERIES_NONE, &bare, 1, 10);
	return p;
}

static struct profile *hostile_profile(void)
{
	struct profile *p;

	assert_int_equal(profile_new(&opts, &p), 0);
	for (size_t i = 0; i < NHOSTILE; i++) {
		struct str s = hostile[i];
		struct frame f = { .function = s, .module = s, .file = s, .kind = i % FRAME_KINDS };
		struct profile_label l[] = { { STR("pod"), s }, { s, s } };
		uint32_t series;

		assert_int_equal(profile_series(p, l, 2, &series), 0);
		add(p, series, &f, 1, i + 1);
	}
	return p;
}

static json_t *data_of(const struct profile *before, const struct profile *p,
		       const struct profile_out_opts *o)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	json_t *json;

	assert_int_equal(html_data(before, p, o, &b), 0);
	assert_false(str_contains(buf_slice(&b), STR("<")));
	for (size_t i = 0, n; i < b.n; i += n)
		assert_true((n = utf8_char((const uint8_t *)b.p + i, b.n - i)) > 0);
	json = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	assert_non_null(json);
	return json;
}

static json_int_t number(json_t *list, size_t i)
{
	assert_true(i < json_array_size(list));
	return json_integer_value(json_array_get(list, i));
}

static json_t *at(json_t *p, const char *table, const char *column)
{
	json_t *t = json_object_get(json_object_get(p, table), column);

	assert_non_null(t);
	return t;
}

/* The text of column @column of the frame of node @node. */
static const char *text_of(json_t *p, size_t node, const char *column)
{
	size_t frame = (size_t)number(at(p, "nodes", "frame"), node - 1);
	size_t id = (size_t)number(at(p, "frames", column), frame);

	return json_string_value(json_array_get(json_object_get(p, "strings"), id));
}

static void test_known(void **state)
{
	_cleanup_(profile_freep) struct profile *p = known_profile(0);
	json_t *json = data_of(NULL, p, &plain), *one, *up, *values, *node;
	json_int_t sum = 0;

	(void)state;
	assert_int_equal(json_array_size(json_object_get(json, "profiles")), 1);
	one = json_array_get(json_object_get(json, "profiles"), 0);
	up = at(one, "nodes", "up");
	values = json_array_get(at(one, "samples", "values"), 0);
	node = at(one, "samples", "node");
	for (size_t i = 0; i < json_array_size(values); i++) {
		size_t n = (size_t)number(node, i);
		json_int_t v = number(values, i);

		sum += v;
		if (v == 70) {
			assert_string_equal(text_of(one, n, "function"), "vfs_read");
			n -= (size_t)number(up, n - 1);
			assert_string_equal(text_of(one, n, "function"), "serve");
			assert_string_equal(text_of(one, n, "file"), "cart.c");
			assert_string_equal(text_of(one, n, "address"), "");
			n -= (size_t)number(up, n - 1);
			assert_string_equal(text_of(one, n, "function"), "main");
			assert_int_equal(n - (size_t)number(up, n - 1), 0);
		} else if (v == 10) {
			assert_string_equal(text_of(one, n, "function"), "");
			assert_string_equal(text_of(one, n, "address"), "1f40");
		}
	}
	assert_int_equal(sum, 100);
	json_decref(json);
}

/* Type and group are those of the view; a pair is before, after. */
static void test_view_and_pair(void **state)
{
	_cleanup_(profile_freep) struct profile *p = known_profile(0), *q = known_profile(30);
	const struct str roots[] = { STR("pod") };
	struct profile_out_opts o = { .view = { .type = 1, .roots = roots, .nroots = 1 } };
	json_t *json = data_of(p, q, &o);
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	assert_string_equal(json_string_value(json_object_get(json, "type")), "cpu");
	assert_string_equal(json_string_value(json_object_get(json, "group")), "pod");
	assert_int_equal(json_array_size(json_object_get(json, "profiles")), 2);
	json_decref(json);
	o.view.type = 2;
	assert_int_equal(html_render(NULL, p, &o, &b), -EINVAL);
}

static void test_hostile(void **state)
{
	_cleanup_(profile_freep) struct profile *p = hostile_profile();
	json_t *json = data_of(NULL, p, &plain), *one, *strings;
	size_t found = 0;

	(void)state;
	one = json_array_get(json_object_get(json, "profiles"), 0);
	assert_string_equal(json_string_value(json_object_get(one, "title")), opts.title.p);
	strings = json_object_get(one, "strings");
	for (size_t i = 0; i < json_array_size(strings); i++) {
		json_t *s = json_array_get(strings, i);

		for (size_t k = 0; k < NHOSTILE; k++)
			found += str_eq((struct str){ json_string_value(s), json_string_length(s) },
					hostile[k]);
	}
	assert_int_equal(found, NHOSTILE - 1); /* all but the one that is no UTF-8 */
	json_decref(json);
}

/* The page ends where it should, whatever the data: as many script ends as it has itself. */
static void test_page(void **state)
{
	_cleanup_(profile_freep) struct profile *p = hostile_profile();
	_cleanup_(buf_free) struct buf b = { 0 }, small = { .max = 100000 };
	const struct profile_out_ops *ops = profile_out_find(STR("html"));
	struct str end = STR("</script>");
	size_t ends = 0;

	(void)state;
	assert_non_null(ops);
	assert_int_equal(ops->render(p, &plain, &b), 0);
	assert_true(str_starts(buf_slice(&b), STR("<!doctype html>")));
	assert_true(str_ends(buf_slice(&b), STR("</html>\n")));
	assert_true(str_contains(buf_slice(&b), STR("default-src 'none'")));
	assert_false(str_contains(buf_slice(&b), STR("<!--data-->")));
	assert_false(str_contains(buf_slice(&b), STR("<!--include")));
	for (size_t i = 0; i + end.n <= b.n; i++)
		ends += memcmp(b.p + i, end.p, end.n) == 0;
	assert_int_equal(ends, 2);
	small.max = b.n - 1;
	assert_int_equal(ops->render(p, &plain, &small), -EFBIG);
}

static int page_write(const char *folder, const char *name, const struct profile *before,
		      struct profile *p, bool absolute)
{
	const struct profile_out_opts o = { .absolute = absolute };
	_cleanup_(buf_free) struct buf b = { 0 };
	_cleanup_(fclosep) FILE *f = NULL;
	char path[4096];
	int err = html_render(before, p, &o, &b);

	snprintf(path, sizeof(path), "%s/%s.html", folder, name);
	f = fopen(path, "w");
	profile_free(p);
	return err || !f || fwrite(b.p, 1, b.n, f) != b.n;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_view_and_pair),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_page),
	};

	if (argc > 1) {
		_cleanup_(profile_freep) struct profile *before = known_profile(0);

		return page_write(argv[1], "c-known", NULL, known_profile(0), false) ||
		       page_write(argv[1], "c-pair", before, known_profile(30), false) ||
		       page_write(argv[1], "c-absolute", before, known_profile(30), true) ||
		       page_write(argv[1], "c-hostile", NULL, hostile_profile(), false);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
