/* Answers of receivers: good, hostile, cut at every byte; and which codes ask for another try. */
#include "out/otlp/reply.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/guard_test.h"

static const struct {
	long code;
	struct str body;
	bool ok;
	uint64_t rejected;
	struct str message;
} cases[] = {
	{ 200, STR(""), true, 0, STR("") },
	{ 200, STR("\x0a\x00"), true, 0, STR("") },
	{ 200, STR("\x0a\x06\x08\x01\x12\x02no"), true, 1, STR("no") },
	{ 202, STR("\x0a\x06\x12\x02no\x08\x01"), true, 1, STR("no") }, /* the other way round */
	{ 200, STR("\x0a\x04\x12\x02no"), true, 0, STR("no") },		/* a warning */
	{ 200, STR("\x0a\x03\x08\xac\x02"), true, 300, STR("") },	/* two bytes */
	{ 200, STR("\x10\x05\x0a\x02\x08\x02"), true, 2, STR("") }, /* unknown fields: varint, */
	{ 200,
	  STR("\x15"
	      "1234\x0a\x02\x08\x02"),
	  true, 2, STR("") }, /* four bytes, */
	{ 200,
	  STR("\x11"
	      "12345678\x0a\x02\x08\x02"),
	  true, 2, STR("") }, /* eight, */
	{ 200,
	  STR("\x1a\x03"
	      "abc\x0a\x02\x08\x02"),
	  true, 2, STR("") },						    /* text */
	{ 200, STR("\x0a\x02\x08\x02\x0a\x02\x08\x03"), true, 3, STR("") }, /* twice */
	{ 200, STR("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), true, 0, STR("") }, /* -1 */
	{ 200, STR("{\"partialSuccess\":{\"rejectedSpans\":\"1\"}}"), false, 0, STR("") },
	{ 200, STR("<html>"), false, 0, STR("") },
	{ 200, STR("\x0a\x07\x08\x01\x12\x02no"), false, 0, STR("") }, /* longer than there is */
	{ 200, STR("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false, 0, STR("") },
	{ 200, STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false, 0, STR("") },
	{ 200, STR("\x0a\x02\x08\x80"), false, 0, STR("") }, /* a varint runs out of its message */
	{ 200, STR("\x02\x00"), false, 0, STR("") },	     /* field 0 */
	{ 200, STR("\x0b\x08\x01\x0c"), false, 0, STR("") }, /* a group */
	{ 200, STR("\x0f"), false, 0, STR("") },	     /* wire type 7 */
	{ 400,
	  STR("\x08\x03\x12\x07"
	      "bad one"),
	  true, 0, STR("bad one") },
	{ 503,
	  STR("\x12\x04"
	      "full"),
	  true, 0, STR("full") },
	{ 404, STR("not found"), false, 0, STR("") },
	{ 500, STR(""), true, 0, STR("") },
};

static void test_cases(void **state)
{
	struct otlp_reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (otlp_reply_read(cases[i].code, cases[i].body, &r) != cases[i].ok ||
		    r.rejected != cases[i].rejected || !str_eq(r.message, cases[i].message))
			fail_msg("case %zu: %llu \"%.*s\"", i, (unsigned long long)r.rejected,
				 STR_ARG(r.message));
	}
}

/* No read beyond the end, and nothing is said that is not there. */
static void test_prefixes(void **state)
{
	struct guard g = guard_make();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t n = 0; n < cases[i].body.n; n++) {
			const char *p = (const char *)guard_put(&g, cases[i].body.p, n);
			struct otlp_reply r;

			if (otlp_reply_read(cases[i].code, (struct str){ p, n }, &r))
				assert_true(!r.message.n || (r.message.p >= p &&
							     r.message.p + r.message.n <= p + n));
			else
				assert_true(!r.rejected && !r.message.n);
		}
	guard_free(&g);
}

/* The protocol's table of retryable answers, and no other code. */
static void test_again(void **state)
{
	static const long yes[] = { 0, 429, 502, 503, 504 };
	size_t n = 0;

	(void)state;
	for (long code = 0; code < 1000; code++) {
		if (!otlp_again(code))
			continue;
		assert_true(n < 5);
		assert_int_equal(code, yes[n]);
		n++;
	}
	assert_int_equal(n, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests_name("otlp replies", tests, NULL, NULL);
}
