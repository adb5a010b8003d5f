/* The splitter on recordings cut at every place, on limits, and on what is no such stream. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#include "kube/split.h"
#include "kube/testdata_test.h"

struct seen {
	struct buf text; /* O{...}, E{...}, R, one a line */
	size_t objects, envelopes, rejected;
	int stop_after; /* objects; 0 never */
};

static int seen_fn(void *ctx, enum kube_split_what what, struct str json)
{
	struct seen *s = ctx;

	buf_char(&s->text, "OER"[what]);
	buf_str(&s->text, json);
	buf_char(&s->text, '\n');
	s->objects += what == KUBE_SPLIT_OBJECT;
	s->envelopes += what == KUBE_SPLIT_ENVELOPE;
	s->rejected += what == KUBE_SPLIT_REJECTED;
	return s->stop_after && s->objects == (size_t)s->stop_after ? -ECANCELED : 0;
}

static struct kube_split splitter(struct seen *s)
{
	return (struct kube_split){
		.fn = seen_fn, .ctx = s, .max_bytes = 1 << 20, .max_tokens = 100000
	};
}

/* Feeds @in in pieces of @step bytes; the last result, or that of the end. */
static int run(struct kube_split *k, enum kube_split_mode mode, struct str in, size_t step)
{
	int r = 0;

	kube_split_reset(k, mode);
	for (size_t i = 0; !r && i < in.n; i += step)
		r = kube_split_feed(k, (struct str){ in.p + i, in.n - i < step ? in.n - i : step });
	return r ? r : kube_split_end(k);
}

static int run_text(enum kube_split_mode mode, const char *in, char *ret, size_t n)
{
	struct seen s = { 0 };
	struct kube_split k = splitter(&s);
	int r = run(&k, mode, str_of(in), 1);

	snprintf(ret, n, "%.*s", (int)s.text.n, s.text.p ? s.text.p : "");
	kube_split_free(&k);
	buf_free(&s.text);
	return r;
}

static void test_shapes(void **state)
{
	static const struct {
		int mode, r;
		const char *in, *want;
	} rows[] = {
		{ KUBE_SPLIT_LIST, 0, "{\"kind\":\"L\",\"items\":[{\"a\":1},{\"b\":[{}]}],\"x\":2}",
		  "O{\"a\":1}\nO{\"b\":[{}]}\nE{\"kind\":\"L\",\"items\":[],\"x\":2}\n" },
		{ KUBE_SPLIT_LIST, 0, " {\"items\" : [ ] } \n", "E{\"items\" : [] }\n" },
		{ KUBE_SPLIT_LIST, 0, "{\"items\":null}", "E{\"items\":null}\n" },
		{ KUBE_SPLIT_LIST, 0, "{\"x\":{\"items\":[{}]}}", "E{\"x\":{\"items\":[{}]}}\n" },
		{ KUBE_SPLIT_LIST, 0, "{\"items\":[{\"s\":\"]}\\\"{[\\\\\"}]}",
		  "O{\"s\":\"]}\\\"{[\\\\\"}\nE{\"items\":[]}\n" },
		{ KUBE_SPLIT_STREAM, 0, "{\"items\":[{}]}\n\n{} {}", "O{\"items\":[{}]}\nO{}\nO{}\n" },
		{ KUBE_SPLIT_STREAM, 0, "", "" },
		{ KUBE_SPLIT_LIST, -EBADMSG, "", "" },
		{ KUBE_SPLIT_LIST, -EBADMSG, "[]", "" },
		{ KUBE_SPLIT_LIST, -EBADMSG, "{}{}", "E{}\n" },
		{ KUBE_SPLIT_LIST, -EBADMSG, "{}x", "E{}\n" },
		{ KUBE_SPLIT_LIST, -EBADMSG, "{\"items\":[1]}", "" },
		{ KUBE_SPLIT_LIST, -EBADMSG, "{\"items\":[\"a\"]}", "" },
		{ KUBE_SPLIT_LIST, -EBADMSG, "{\"items\":[[]]}", "" },
		{ KUBE_SPLIT_LIST, -EBADMSG, "{\"items\":[{}}", "O{}\n" },
		{ KUBE_SPLIT_LIST, -EBADMSG, "{\"items\":[{]", "" },
		{ KUBE_SPLIT_LIST, -EBADMSG, "}", "" },
		{ KUBE_SPLIT_STREAM, -EBADMSG, "[{}]", "" },
		{ KUBE_SPLIT_STREAM, -EBADMSG, "{}null", "O{}\n" },
		{ KUBE_SPLIT_STREAM, -EBADMSG, "<html>", "" },
		{ KUBE_SPLIT_STREAM, -EBADMSG, "{\"a\":\"", "" },
	};
	char got[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(run_text((enum kube_split_mode)rows[i].mode, rows[i].in, got,
					  sizeof(got)),
				 rows[i].r);
		assert_string_equal(got, rows[i].want);
	}
}

/* However the bytes arrive, the same objects come out. */
static void test_chunks(void **state)
{
	static const char *const files[] = { "pods.list.json", "services.list.json",
					     "pods.watch.ndjson", "real.pods.list.json" };

	(void)state;
	for (size_t f = 0; f < 4; f++) {
		struct str in = testdata_load(files[f]);
		enum kube_split_mode mode = f == 2 ? KUBE_SPLIT_STREAM : KUBE_SPLIT_LIST;
		struct seen whole = { 0 };
		struct kube_split k = splitter(&whole);

		assert_int_equal(run(&k, mode, in, in.n), 0);
		assert_true(whole.objects > 3);
		assert_int_equal(whole.envelopes, f != 2);
		for (size_t step = 1; step < 4000; step = step * 3 + 1) {
			struct seen s = { 0 };

			k.ctx = &s;
			assert_int_equal(run(&k, mode, in, step), 0);
			assert_true(str_eq(buf_slice(&s.text), buf_slice(&whole.text)));
			buf_free(&s.text);
		}
		kube_split_free(&k);
		buf_free(&whole.text);
		free((void *)in.p);
	}
}

static void test_every_prefix(void **state)
{
	struct str in = testdata_load("services.list.json");
	struct seen s = { 0 };
	struct kube_split k = splitter(&s);

	(void)state;
	while (in.p[in.n - 1] != '}')
		in.n--;
	for (size_t n = 0; n < in.n; n++)
		assert_int_equal(run(&k, KUBE_SPLIT_LIST, (struct str){ in.p, n }, n ? n : 1),
				 -EBADMSG);
	kube_split_free(&k);
	buf_free(&s.text);
	free((void *)in.p);
}

static char *deep_list(size_t depth)
{
	struct buf b = { 0 };

	buf_printf(&b, "{\"items\":[{\"a\":");
	for (size_t i = 0; i < depth; i++)
		buf_char(&b, '[');
	for (size_t i = 0; i < depth; i++)
		buf_char(&b, ']');
	buf_printf(&b, "},{\"ok\":1}]}");
	buf_char(&b, 0);
	return b.p;
}

/* What is too large, too deep or of too many parts is skipped; what follows is not hurt. */
static void test_limits(void **state)
{
	struct seen s = { 0 };
	struct kube_split k = splitter(&s);
	char *deep = deep_list(61), *deeper = deep_list(62), *abyss = deep_list(2000000);
	const char *wide = "{\"items\":[{\"a\":[1,1,1,1,1,1,1,1,1,1]},{\"b\":1}]}";
	const char *big = "{\"items\":[{\"a\":\"0123456789012345678901234567890\"},{\"b\":1}]}";

	(void)state;
	assert_int_equal(run(&k, KUBE_SPLIT_LIST, str_of(deep), 7), 0);
	assert_int_equal(s.objects, 2);
	assert_int_equal(run(&k, KUBE_SPLIT_LIST, str_of(deeper), 7), 0);
	assert_int_equal(s.objects, 3);
	assert_int_equal(s.rejected, 1);
	assert_int_equal(run(&k, KUBE_SPLIT_LIST, str_of(abyss), 4096), -EBADMSG);
	k.max_tokens = 8;
	assert_int_equal(run(&k, KUBE_SPLIT_LIST, str_of(wide), 3), 0);
	assert_int_equal(s.rejected, 2);
	assert_int_equal(s.objects, 4);
	k.max_bytes = 30;
	assert_int_equal(run(&k, KUBE_SPLIT_LIST, str_of(big), 3), 0);
	assert_int_equal(s.rejected, 3);
	assert_int_equal(s.objects, 5);
	k.max_bytes = 1;
	assert_int_equal(run(&k, KUBE_SPLIT_LIST, str_of(big), 3), -EBADMSG);
	kube_split_free(&k);
	buf_free(&s.text);
	free(deep);
	free(deeper);
	free(abyss);
}

static void test_stop(void **state)
{
	struct seen s = { .stop_after = 2 };
	struct kube_split k = splitter(&s);

	(void)state;
	assert_int_equal(run(&k, KUBE_SPLIT_STREAM, STR("{}{}{}"), 6), -ECANCELED);
	assert_int_equal(s.objects, 2);
	assert_int_equal(kube_split_feed(&k, STR("{}")), -EBADMSG);
	kube_split_free(&k);
	buf_free(&s.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),	     cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_every_prefix), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
