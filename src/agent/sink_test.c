/* Sinks: forms, fields, count, the buffer's end, what is refused. */
#include "agent/stream_test.h"

#include <errno.h>

static struct sink sink; /* does not move once it is made */

static void sink_open(const struct sink_opts *o, struct stream *s)
{
	struct buf why = { 0 };

	if (sink_make(o, &sink, &why) != 0)
		fail_msg("%.*s", (int)why.n, why.p);
	assert_int_equal(why.n, 0);
	stream_open(s);
	sink_start(&sink, &s->p);
}

/* What was written so far. */
static const char *sink_text(void)
{
	buf_char(&sink.buf, '\0');
	sink.buf.n--;
	return sink.buf.p;
}

static void sink_close(struct stream *s)
{
	pipeline_unsubscribe(&s->p, &sink.subscription);
	sink_free(&sink);
	sink_free(&sink); /* a freed one is an empty one */
	stream_close(s);
}

static void work(struct stream *s)
{
	stream_seen(s, 10, 1, 0, "sh");
	stream_fork(s, 10, 11, "sh");
	stream_exec(s, 11, 10, "a\tb");
	stream_exit(s, 11, "a\tb", 3 << 8);
}

static void test_fields(void **state)
{
	struct sink_opts o = { .fields = "evt.type,proc.pid,proc.name,exit.code" };
	struct stream s;

	(void)state;
	sink_open(&o, &s);
	work(&s);
	assert_string_equal(sink_text(), "clone\t10\tsh\t-\n"
					 "execve\t11\ta\\tb\t-\n"
					 "procexit\t11\ta\\tb\t3\n");
	sink_close(&s);
}

static void test_json(void **state)
{
	struct sink_opts o = { .json = true,
			       .fields = "evt.type,proc.pid,proc.name,exit.code",
			       .query.where = "proc.name startswith a" };
	struct stream s;

	(void)state;
	sink_open(&o, &s);
	work(&s);
	assert_string_equal(
		sink_text(),
		"{\"evt.type\":\"execve\",\"proc.pid\":11,\"proc.name\":\"a\\tb\"}\n"
		"{\"evt.type\":\"procexit\",\"exit.code\":3,\"proc.pid\":11,\"proc.name\":\"a\\tb\"}\n");
	sink_close(&s);
}

/* Brackets, with commas and more in them, as in a format; the JSON key has them too. */
static void test_index(void **state)
{
	struct sink_opts o = {
		.fields = "evt.type,proc.aname[0],proc.apid[1],container.mount.dest[a,b]"
	};
	struct stream s;

	(void)state;
	sink_open(&o, &s);
	work(&s);
	assert_string_equal(sink_text(), "clone\tsh\t-\t-\nexecve\ta\\tb\t10\t-\n"
					 "procexit\ta\\tb\t10\t-\n");
	sink_close(&s);
	o = (struct sink_opts){ .json = true,
				.fields = "proc.aname[0],proc.aname[1]",
				.query.kinds = "exit" };
	sink_open(&o, &s);
	work(&s);
	assert_string_equal(sink_text(), "{\"proc.aname[0]\":\"a\\tb\",\"proc.aname[1]\":\"sh\"}\n");
	sink_close(&s);
}

static void test_format(void **state)
{
	struct sink_opts o = { .format = "<%proc.pid %evt.type>", .query.kinds = "exec,exit" };
	struct stream s;

	(void)state;
	sink_open(&o, &s);
	work(&s);
	assert_string_equal(sink_text(), "<11 execve>\n<11 procexit>\n");
	sink_close(&s);
}

static void test_count(void **state)
{
	struct sink_opts o = { .fields = "evt.type", .count = 2 };
	struct stream s;

	(void)state;
	sink_open(&o, &s);
	assert_false(sink.done);
	work(&s);
	assert_true(sink.done);
	assert_string_equal(sink_text(), "clone\nexecve\n");
	sink_close(&s);
}

/* A full buffer loses whole lines, counted, and goes on when it is emptied. */
static void test_full(void **state)
{
	struct sink_opts o = { .fields = "evt.type" };
	struct stream s;

	(void)state;
	sink_open(&o, &s);
	sink.buf.max = 16;
	work(&s);
	assert_string_equal(sink_text(), "clone\nexecve\n");
	assert_int_equal(sink.lost, 1);
	buf_reset(&sink.buf);
	stream_exit(&s, 10, "sh", 0);
	assert_string_equal(sink_text(), "procexit\n");
	sink_close(&s);
}

static void test_errors(void **state)
{
	static const struct {
		struct sink_opts o;
		const char *said;
	} cases[] = {
		{ { .fields = "proc.nam" }, "proc.name" },
		{ { .fields = "proc.name,,evt.type" }, "\"\"" },
		{ { .fields = "proc.aname[1" }, "never closed" },
		{ { .fields = "proc.name[1]" }, "proc.name" },
		{ { .fields = "proc.aname[1]x" }, "not a field" },
		{ { .fields = "proc.name\x1b" }, "\\x1b" },
		{ { .format = "%proc.nme" }, "proc.name" },
		{ { .query.where = "(" }, "^" },
		{ { .fields = "evt.type", .query.kinds = "x" }, "\"x\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf why = { 0 };
		struct sink s;

		if (sink_make(&cases[i].o, &s, &why) != -EINVAL)
			fail_msg("case %zu is taken", i);
		buf_char(&why, '\0');
		if (!strstr(why.p, cases[i].said))
			fail_msg("case %zu says: %s", i, why.p);
		buf_free(&why);
	}
}

static void test_fields_max(void **state)
{
	struct buf list = { 0 }, why = { 0 };
	struct sink_opts o = { 0 };
	struct sink s;

	(void)state;
	for (int i = 0; i <= SINK_FIELDS_MAX; i++)
		buf_str(&list, i ? STR(",evt.type") : STR("evt.type"));
	buf_char(&list, '\0');
	o.fields = list.p;
	assert_int_equal(sink_make(&o, &s, &why), -EINVAL);
	list.p[list.n - 1 - strlen(",evt.type")] = '\0';
	assert_int_equal(sink_make(&o, &s, &why), 0);
	assert_int_equal(s.nrefs, SINK_FIELDS_MAX);
	sink_free(&s);
	buf_free(&list);
	buf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields), cmocka_unit_test(test_json),
		cmocka_unit_test(test_index),  cmocka_unit_test(test_format),
		cmocka_unit_test(test_count),  cmocka_unit_test(test_full),
		cmocka_unit_test(test_errors), cmocka_unit_test(test_fields_max),
	};

	return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
