/*
 * What is written as pprof reads back as the same, also cut and damaged; and two profiles compared:
 * the words and figures of each form that has differences.
 */
#include "agg/profile_pprof.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <zlib.h>

#include <cmocka.h>

#include "agg/profile_testing.h"
#include "base/cleanup.h"
#include "base/guard_test.h"
#include "base/protobuf.h"
#include "out/profile_out.h"

static const struct str roots[] = { { "pod", 3 }, { "thread", 6 } };
static const struct profile_out_opts samples = { .view = { .type = 0 } };
static const struct profile_out_opts in_ns = { .view = { .type = 1 } };

static void render(const char *form, const struct profile *p, const struct profile_out_opts *o,
		   struct buf *b)
{
	buf_reset(b);
	assert_int_equal(profile_out_find(str_of(form))->render(p, o, b), 0);
}

/* As pprof and back; the type told to the writer comes first. */
static struct profile *again(const struct profile *p, const struct profile_out_opts *o)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct profile *q = NULL;

	render("pprof", p, o, &b);
	assert_int_equal(profile_pprof_read(buf_slice(&b), &q), 0);
	return q;
}

static void same_folded(const struct profile *p, size_t type, const struct profile *q)
{
	struct profile_out_opts o = { .view = { .type = type, .roots = roots, .nroots = 2 } };
	_cleanup_(buf_free) struct buf a = { 0 }, b = { 0 };

	render("folded", p, &o, &a);
	o.view.type = 0;
	render("folded", q, &o, &b);
	buf_char(&a, 0);
	buf_char(&b, 0);
	assert_string_equal(a.p, b.p);
}

static void test_round(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain();
	_cleanup_(profile_freep) struct profile *q = again(p, &samples), *r = again(p, &in_ns);
	const struct profile_opts *o = profile_opts(r);

	(void)state;
	same_folded(p, 0, q);
	same_folded(p, 1, r);
	assert_true(str_eq(o->types[0].type, STR("cpu")));
	assert_true(str_eq(o->types[1].unit, STR("count")));
	assert_true(str_eq(o->title, testing_opts.title));
	assert_int_equal(o->period, testing_opts.period);
	assert_int_equal(o->time_ns, testing_opts.time_ns);
	assert_int_equal(o->duration_ns, testing_opts.duration_ns);
}

/* Names that are no UTF-8 are changed by the writer; the sums stay. */
static void test_hostile(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_hostile_profile();
	_cleanup_(profile_freep) struct profile *q = again(p, &samples);
	size_t n, k;

	(void)state;
	profile_samples(p, &n);
	profile_samples(q, &k);
	assert_in_range(k, n / 2, n + 1);
}

/* Each prefix of the plain bytes, and of the packed ones, is refused or read, and no byte beyond. */
static void test_cut(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain();
	_cleanup_(buf_free) struct buf b = { 0 }, raw = { 0 };
	struct guard g = guard_make();
	z_stream z = { 0 };

	(void)state;
	render("pprof", p, &samples, &b);
	assert_non_null(buf_grow(&raw, 65536));
	z.next_in = (Bytef *)b.p;
	z.avail_in = (uInt)b.n;
	z.next_out = (Bytef *)raw.p;
	z.avail_out = 65536;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	raw.n = z.total_out;
	inflateEnd(&z);
	for (size_t i = 0; i <= raw.n; i++) {
		struct str part = { (const char *)guard_put(&g, raw.p, i), i };
		_cleanup_(profile_freep) struct profile *q = NULL;
		int err = profile_pprof_read(part, &q);

		assert_true(err == -EBADMSG || err == 0);
		assert_true(i < raw.n || !err);
	}
	for (size_t i = 0; i < b.n; i++) {
		struct str part = { (const char *)guard_put(&g, b.p, i), i };
		struct profile *q;

		assert_int_equal(profile_pprof_read(part, &q), -EBADMSG);
	}
	guard_free(&g);
}

/* A message of one type "n" "u", one location that function 9 stands in, and @sample. */
static int read_with(const void *more, size_t n, struct profile **ret)
{
	static const char base[] =
		"\x0a\x04\x08\x01\x10\x02"		   /* type: n, u */
		"\x22\x08\x08\x07\x22\x04\x08\x09\x10\x05" /* location 7: function 9, line 5 */
		"\x2a\x04\x08\x09\x10\x03"		   /* function 9: f */
		"\x32\x00\x32\x01n\x32\x01u\x32\x01"
		"f";
	_cleanup_(buf_free) struct buf b = { 0 };

	buf_add(&b, base, sizeof(base) - 1);
	buf_add(&b, more, n);
	return profile_pprof_read(buf_slice(&b), ret);
}

#define READ_WITH(more, ret) read_with(more, sizeof(more) - 1, ret)

static void test_wrong(void **state)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	struct profile *q = NULL;

	(void)state;
	assert_int_equal(READ_WITH("\x12\x06\x0a\x01\x07\x12\x01\x05", &p), 0);
	assert_int_equal(READ_WITH("\x12\x04\x08\x07\x10\x05", &q), 0); /* not packed */
	same_folded(p, 0, q);
	profile_free(q);
	q = NULL;
	/* A location that is not there; no value; two values; a negative one; a group. */
	assert_int_equal(READ_WITH("\x12\x06\x0a\x01\x08\x12\x01\x05", &q), -EBADMSG);
	assert_int_equal(READ_WITH("\x12\x03\x0a\x01\x07", &q), -EBADMSG);
	assert_int_equal(READ_WITH("\x12\x07\x0a\x01\x07\x12\x02\x05\x05", &q), -EBADMSG);
	assert_int_equal(
		READ_WITH("\x12\x0f\x0a\x01\x07\x12\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &q),
		-EDOM);
	assert_int_equal(READ_WITH("\x13\x14", &q), -EBADMSG);
	assert_int_equal(profile_pprof_read(STR("text"), &q), -EBADMSG);
	assert_int_equal(profile_pprof_read(STR_NONE, &q), -EBADMSG);
	assert_null(q);
}

/* A stack of few bytes and many frames, again and again: work is bounded. */
static void test_steps(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 }, l = { 0 }, s = { 0 };
	struct profile *q = NULL;

	(void)state;
	pb_bytes_always(&b, 1, STR("\x08\x01"));
	pb_uint(&l, 1, 1);
	for (int i = 0; i < PPROF_LOCATION_MAX + 10; i++)
		pb_bytes_always(&l, 4, STR(""));
	pb_bytes_always(&b, 4, buf_slice(&l));
	for (int i = 0; i < 2000; i++)
		buf_char(&s, 1);
	buf_reset(&l);
	pb_bytes(&l, 1, buf_slice(&s));
	pb_bytes(&l, 2, STR("\x01"));
	pb_bytes_always(&b, 6, STR(""));
	pb_bytes_always(&b, 6, STR("n"));
	for (int i = 0; i < 20000; i++)
		pb_bytes_always(&b, 2, buf_slice(&l));
	assert_false(b.failed);
	assert_int_equal(profile_pprof_read(buf_slice(&b), &q), -EFBIG);
}

/* --- differences ----------------------------------------------------------------------------------- */

/* main > parse 60, main > gone 40; then main > parse 60, main > parse > fresh 90. */
static struct profile *side(bool after)
{
	struct profile_opts o = testing_opts;
	struct profile *p;
	uint32_t s;

	o.title = after ? STR("after it") : STR("before it");
	o.duration_ns *= after ? 3 : 1;
	assert_int_equal(profile_new(&o, &p), 0);
	s = testing_series(p, "shop/cart", "cart", "1");
	testing_add(p, s,
		    after ? STR("main|/v2/cart>parse|/v2/cart") : STR("main|/v1/cart>parse|/v1/cart"),
		    1, 60);
	if (after)
		testing_add(p, s, STR("main|/v2/cart>parse|/v2/cart>fresh|/v2/cart"), 1, 90);
	else
		testing_add(p, s, STR("main|/v1/cart>gone|/v1/cart"), 1, 40);
	testing_add(p, s, STR(""), 0, 1);
	return p;
}

static void differ(const char *form, bool absolute, struct buf *b)
{
	_cleanup_(profile_freep) struct profile *before = side(false), *after = side(true);
	const struct profile_out_opts o = { .absolute = absolute };
	struct profile_difference d = { .before = before, .after = after };

	assert_int_equal(profile_pair_type(before, after, 0, d.types), 0);
	buf_reset(b);
	assert_int_equal(profile_out_find(str_of(form))->difference(&d, &o, b), 0);
	buf_char(b, 0);
}

static void test_folded(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	differ("folded", false, &b);
	assert_string_equal(b.p, "[no stack] 1 1\n"
				 "main;parse 60 60\n"
				 "main;parse;fresh 0 90\n"
				 "main;gone 40 0\n");
}

static void test_text(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	differ("text", false, &b);
	assert_string_equal(
		b.p,
		"samples, by the change of each function's share of all\n"
		"before  101 in 10.0 s  before it\n"
		"after   151 in 30.0 s  after it\n"
		"change         +50 (+49.5 %)\n"
		"\n"
		"   before     %    after     %    change points  function, its own\n"
		"        -     -       90  59.6       +90  +59.6  fresh                                  cart\n"
		"       40  39.6        -     -       -40  -39.6  gone                                   cart\n"
		"       60  59.4       60  39.7         -  -19.7  parse                                  cart\n"
		"\n"
		"   before     %    after     %    change points  function, with all it calls\n"
		"        -     -       90  59.6       +90  +59.6  fresh                                  cart\n"
		"       60  59.4      150  99.3       +90  +39.9  parse                                  cart\n"
		"       40  39.6        -     -       -40  -39.6  gone                                   cart\n"
		"      100  99.0      150  99.3       +50   +0.3  main                                   cart\n");
	differ("text", true, &b);
	assert_non_null(strstr(b.p, "of different length: compare shares"));
	assert_non_null(strstr(b.p, "by the change of the values themselves"));
	assert_null(strstr(strstr(b.p, "its own"), "parse") < strstr(b.p, "with all") ? b.p : NULL);
}

static void test_html(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	differ("html", true, &b);
	assert_non_null(strstr(b.p, "\"scale\":\"absolute\",\"profiles\":[{\"title\":\"before it\""));
	differ("html", false, &b);
	assert_null(strstr(b.p, "\"scale\":\"absolute\""));
	assert_null(profile_out_find(STR("pprof"))->difference);
}

/* Small buffers are told, and hostile profiles are compared with each other and with nothing. */
static void test_any(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_hostile_profile(), *q = testing_plain();
	_cleanup_(profile_freep) struct profile *none = NULL;
	const struct profile *sides[] = { p, q, NULL };

	(void)state;
	assert_int_equal(profile_new(&testing_opts, &none), 0);
	sides[2] = none;
	for (size_t i = 0; i < 9; i++) {
		const struct profile_difference d = { sides[i / 3], sides[i % 3], { 0, 0 } };

		for (const struct profile_out_ops *const *o = profile_outs; *o; o++) {
			_cleanup_(buf_free) struct buf b = { 0 }, small = { .max = 40 };

			if (!(*o)->difference)
				continue;
			assert_int_equal((*o)->difference(&d, &samples, &b), 0);
			if (b.n > small.max)
				assert_int_equal((*o)->difference(&d, &samples, &small), -EFBIG);
		}
	}
}

static void test_types(void **state)
{
	struct profile_opts o = { .types = { { STR("wall"), STR("nanoseconds") } }, .ntypes = 1 };
	_cleanup_(profile_freep) struct profile *p = testing_plain(), *wall = NULL,
						*ns = again(p, &in_ns);
	size_t t[PAIR_SIDES];

	(void)state;
	assert_int_equal(profile_new(&o, &wall), 0);
	assert_int_equal(profile_pair_type(wall, p, 0, t), -ENOENT);
	assert_int_equal(profile_pair_type(ns, p, 0, t), 0);
	assert_int_equal(t[PAIR_BEFORE], 1);
	assert_int_equal(t[PAIR_AFTER], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_cut),   cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_steps), cmocka_unit_test(test_folded),
		cmocka_unit_test(test_text),  cmocka_unit_test(test_html),
		cmocka_unit_test(test_any),   cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests_name("out/difference", tests, NULL, NULL);
}
