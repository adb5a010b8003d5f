/* The answer written: JSON that parses, text that keeps to its width, a page that names cannot end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the ones above first */
#include <cmocka.h>
#include <jansson.h>

#include "agent/why.h"
#include "base/clock.h"

static struct watch w;
static struct profile *cpu;
static struct why y;
static uint64_t seconds[2][THREAD_STATE_COUNT];

#define HOSTILE "</script><b>\n\x1b[2J\xff\"';"

static int setup(void **state)
{
	const struct profile_opts o = { .types = { { STR("wall"), STR("nanoseconds") } },
					.ntypes = 1 };
	const struct frame f = { .function = STR(HOSTILE),
				 .module = STR("/bin/" HOSTILE),
				 .kind = FRAME_NATIVE };
	const uint64_t ns = 9 * NS_PER_SEC;
	uint32_t id;

	(void)state;
	assert_int_equal(watch_init(&w), 0);
	assert_int_equal(profile_new(&o, &cpu), 0);
	assert_int_equal(profile_frame(cpu, &f, &id), 0);
	assert_int_equal(profile_add(cpu, PROFILE_SERIES_NONE, &id, 1, &ns), 0);
	w.cpu = cpu;
	w.target = STR("pod " HOSTILE);
	w.duration_ns = 10 * NS_PER_SEC;
	w.threads_seen = 1;
	w.ns[THREAD_RUNNING] = ns;
	w.ns[THREAD_SLEEP] = NS_PER_SEC;
	seconds[1][THREAD_DISK] = NS_PER_SEC / 2;
	w.seconds = (const void *)seconds;
	w.nseconds = 2;
	watch_unseen(&w, "names of %s", HOSTILE);
	watch_hot_fill(&w);
	why_judge(&w, &y);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	profile_free(cpu);
	watch_free(&w);
	return 0;
}

static void test_json(void **state)
{
	struct buf b = { 0 };
	json_t *j, *first;

	(void)state;
	why_json(&w, &y, &b);
	j = json_loadb(b.p, b.n, 0, NULL);
	assert_non_null(j);
	assert_true(json_is_string(json_object_get(j, "verdict")));
	first = json_array_get(json_object_get(j, "findings"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "cause")), "hot-function");
	assert_string_equal(json_string_value(json_object_get(first, "confidence")), "certain");
	assert_true(json_array_size(json_object_get(first, "evidence")) > 0);
	assert_true(json_is_string(json_object_get(first, "title")));
	assert_true(json_is_string(json_object_get(first, "advice")));
	assert_int_equal(json_object_size(json_object_get(j, "time")), THREAD_STATE_COUNT);
	assert_int_equal(json_array_size(json_object_get(j, "timeline")), 2);
	assert_int_equal(json_array_size(json_object_get(j, "unseen")), 1);
	json_decref(j);
	buf_free(&b);
}

static void test_text(void **state)
{
	struct buf b = { 0 };
	const char *line;

	(void)state;
	why_text(&w, &y, 80, true, &b);
	buf_add(&b, "", 1);
	assert_null(strchr(b.p, '\x1b'));
	assert_non_null(strstr(b.p, "hot-function"));
	assert_non_null(strstr(b.p, "running 9.0 s (90 %)"));
	for (line = b.p; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 120);
	buf_free(&b);
}

static void test_page(void **state)
{
	struct buf b = { 0 };
	size_t ends = 0;

	(void)state;
	assert_int_equal(why_html(&w, &y, &b), 0);
	buf_add(&b, "", 1);
	assert_null(strstr(b.p, "<b>"));
	assert_null(strstr(b.p, "<!--why-->"));
	assert_null(strstr(b.p, "<!--data-->"));
	for (const char *p = b.p; (p = strstr(p, "</script>")); p++)
		ends++;
	assert_int_equal(ends, 3); /* the two of data, the one of code */
	buf_free(&b);
	b = (struct buf){ .max = 1000 };
	assert_int_equal(why_html(&w, &y, &b), -EFBIG);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_page),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
