/*
 * All output forms of profiles: goldens for a plain profile, laws for a hostile and an empty one,
 * small buffers. With the name of a folder it writes each profile in each form there, for the
 * programs that read them (test/e2e/profile_forms.sh).
 */
#include "out/profile_out.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <zlib.h>

#include <cmocka.h>

#include "agg/profile_testing.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "out/profile_out_gold_test.h"

static const struct str roots[] = { { "pod", 3 }, { "thread", 6 } };

static struct profile *empty_profile(void)
{
	struct profile *p;

	assert(profile_new(&testing_opts, &p) == 0);
	return p;
}

static const struct sample {
	const char *name;
	struct profile *(*make)(void);
} samples[] = {
	{ "plain", testing_plain },
	{ "hostile", testing_hostile_profile },
	{ "empty", empty_profile },
};

static const struct variant {
	const char *name;
	struct profile_out_opts opts;
} variants[] = {
	{ "default", { .view = { .type = 1 } } },
	{ "samples", { .view = { .type = 0 } } },
	{ "roots", { .view = { .type = 1, .roots = roots, .nroots = 2 } } },
	{ "threads", { .view = { .type = 1 }, .by_thread = true } },
	{ "narrow", { .view = { .type = 1 }, .cut = 0.1, .top = 3, .width = 60 } },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void render(const char *form, const struct profile *p, const struct profile_out_opts *o,
		   struct buf *b)
{
	const struct profile_out_ops *ops = profile_out_find(str_of(form));

	assert_non_null(ops);
	buf_reset(b);
	assert_int_equal(ops->render(p, o, b), 0);
	assert_false(b->failed);
}

static void golden(const char *form, const struct profile_out_opts *o, const char *want)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain();
	_cleanup_(buf_free) struct buf b = { 0 };

	render(form, p, o, &b);
	buf_char(&b, 0);
	assert_string_equal(b.p, want);
}

static void test_goldens(void **state)
{
	(void)state;
	golden("folded", &variants[1].opts, gold_folded);
	golden("folded", &variants[2].opts, gold_folded_roots);
	golden("text", &variants[0].opts, gold_toptree);
	golden("text", &variants[2].opts, gold_toptree_roots);
	golden("text", &variants[4].opts, gold_toptree_narrow);
	golden("speedscope", &variants[1].opts, gold_speedscope);
}

static void test_hostile_folded(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_hostile_profile();
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	render("folded", p, &variants[2].opts, &b);
	buf_char(&b, 0);
	assert_string_equal(b.p, gold_hostile_folded);
}

/* No control character but the newline, and valid UTF-8. */
static void text_check(const struct buf *b)
{
	for (size_t i = 0, n; i < b->n; i += n) {
		const uint8_t *at = (const uint8_t *)b->p + i;

		n = utf8_char(at, b->n - i);
		assert_int_not_equal(n, 0);
		assert_true(*at == '\n' || (*at >= 0x20 && *at != 0x7f));
		assert_false(utf8_is_control(at, n));
	}
}

/* At most @width characters a line. */
static void width_check(const struct buf *b, size_t width)
{
	size_t chars = 0;

	for (size_t i = 0; i < b->n; i++) {
		chars = b->p[i] == '\n' ? 0 : chars + ((b->p[i] & 0xc0) != 0x80);
		assert_true(chars <= width);
	}
}

static void test_text_is_clean(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		_cleanup_(profile_freep) struct profile *p = samples[i].make();

		for (size_t k = 0; k < COUNT(variants); k++) {
			struct profile_out_opts o = variants[k].opts;

			render("folded", p, &o, &b);
			text_check(&b);
			for (o.width = 60; o.width < 130; o.width += 7) {
				render("text", p, &o, &b);
				text_check(&b);
				width_check(&b, o.width);
			}
		}
	}
}

/* The weights of a sampled profile, which must be as many as its stacks. */
static uint64_t weights_sum(const json_t *profile, size_t nframes)
{
	const json_t *stacks = json_object_get(profile, "samples");
	const json_t *weights = json_object_get(profile, "weights"), *v, *f;
	uint64_t sum = 0;
	size_t i, k;

	assert_int_equal(json_array_size(stacks), json_array_size(weights));
	json_array_foreach(weights, i, v)
		sum += (uint64_t)json_integer_value(v);
	json_array_foreach(stacks, i, v)
		json_array_foreach(v, k, f)
			assert_true((size_t)json_integer_value(f) < nframes);
	return sum;
}

static uint64_t samples_sum(const struct profile *p, size_t type)
{
	uint64_t sum = 0;
	size_t n;
	const struct profile_sample *s = profile_samples(p, &n);

	for (size_t i = 0; i < n; i++)
		sum += s[i].value[type];
	return sum;
}

static void speedscope_check(const struct profile *p, const struct profile_out_opts *o)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	uint64_t sum[2] = { 0 };
	json_t *top, *v;
	size_t i, nframes;

	render("speedscope", p, o, &b);
	top = json_loadb(b.p, b.n, JSON_ALLOW_NUL, NULL);
	assert_non_null(top);
	nframes = json_array_size(json_object_get(json_object_get(top, "shared"), "frames"));
	json_array_foreach(json_object_get(top, "profiles"), i, v) {
		const char *name = json_string_value(json_object_get(v, "name"));
		uint64_t one = weights_sum(v, nframes);

		assert_int_equal(json_integer_value(json_object_get(v, "endValue")), one);
		sum[strncmp(name, "cpu", 3) == 0] += one;
	}
	for (i = 0; i < 2; i++)
		assert_int_equal(sum[i], samples_sum(p, i));
	json_decref(top);
}

static void test_speedscope_sums(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT(variants); k++) {
		_cleanup_(profile_freep) struct profile *p = testing_plain();

		speedscope_check(p, &variants[k].opts);
	}
}

/* jansson refuses numbers above 2^63; all else of the hostile profile must be read. */
static void test_speedscope_hostile(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_hostile_profile();
	_cleanup_(buf_free) struct buf b = { 0 };
	json_error_t e;
	json_t *top;

	(void)state;
	render("speedscope", p, &variants[2].opts, &b);
	top = json_loadb(b.p, b.n, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &e);
	assert_non_null(top);
	json_decref(top);
}

/* A folded form's values add up to the profile's. */
static void test_folded_sums(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain();
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	for (size_t k = 0; k < COUNT(variants); k++) {
		uint64_t sum = 0;

		render("folded", p, &variants[k].opts, &b);
		buf_char(&b, 0);
		for (char *line = strtok(b.p, "\n"); line; line = strtok(NULL, "\n"))
			sum += strtoull(strrchr(line, ' ') + 1, NULL, 10);
		assert_int_equal(sum, samples_sum(p, variants[k].opts.view.type));
	}
}

static void test_same_again(void **state)
{
	(void)state;
	for (const struct profile_out_ops *const *o = profile_outs; *o; o++) {
		_cleanup_(profile_freep) struct profile *p = testing_plain();
		_cleanup_(profile_freep) struct profile *q = testing_plain();
		_cleanup_(buf_free) struct buf a = { 0 }, b = { 0 };

		render((*o)->name, p, &variants[2].opts, &a);
		render((*o)->name, q, &variants[2].opts, &b);
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.p, b.p, a.n);
	}
}

/* Every maximum of the buffer below what is needed is an error, and said so. */
static void test_small_buffers(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_hostile_profile();

	(void)state;
	for (const struct profile_out_ops *const *o = profile_outs; *o; o++) {
		_cleanup_(buf_free) struct buf whole = { 0 };

		render((*o)->name, p, &variants[0].opts, &whole);
		for (size_t max = 1; max < whole.n; max += 97) {
			_cleanup_(buf_free) struct buf b = { .max = max };

			assert_int_equal((*o)->render(p, &variants[0].opts, &b), -EFBIG);
		}
	}
}

static void test_bad_views(void **state)
{
	_cleanup_(profile_freep) struct profile *p = testing_plain();
	struct str many[PROFILE_LABELS_MAX + 1];
	struct profile_out_opts type = { .view.type = 2 };
	struct profile_out_opts deep = { .view = { .roots = many, .nroots = COUNT(many) } };
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = STR("pod");
	for (const struct profile_out_ops *const *o = profile_outs; *o; o++) {
		assert_int_equal((*o)->render(p, &type, &b), -EINVAL);
		assert_int_equal((*o)->render(p, &deep, &b), -EINVAL);
		assert_int_equal(b.n, 0);
	}
	assert_null(profile_out_find(STR("nosuch")));
	assert_null(profile_out_find(STR("")));
}

static int write_all(const char *folder)
{
	for (size_t i = 0; i < COUNT(samples) * COUNT(variants); i++) {
		const struct sample *s = &samples[i / COUNT(variants)];
		const struct variant *v = &variants[i % COUNT(variants)];
		_cleanup_(profile_freep) struct profile *p = s->make();

		for (const struct profile_out_ops *const *o = profile_outs; *o; o++) {
			_cleanup_(buf_free) struct buf b = { 0 };
			_cleanup_(fclosep) FILE *f = NULL;
			char path[4096];

			snprintf(path, sizeof(path), "%s/%s-%s%s", folder, s->name, v->name,
				 (*o)->suffix);
			f = fopen(path, "w");
			if (!f || (*o)->render(p, &v->opts, &b) || fwrite(b.p, 1, b.n, f) != b.n)
				return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goldens),		cmocka_unit_test(test_hostile_folded),
		cmocka_unit_test(test_text_is_clean),	cmocka_unit_test(test_folded_sums),
		cmocka_unit_test(test_speedscope_sums), cmocka_unit_test(test_speedscope_hostile),
		cmocka_unit_test(test_same_again),	cmocka_unit_test(test_small_buffers),
		cmocka_unit_test(test_bad_views),
	};

	if (argc > 1)
		return write_all(argv[1]);
	return cmocka_run_group_tests_name("out/profile_out", tests, NULL, NULL);
}
