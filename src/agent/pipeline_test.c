/* The pipeline with records made by hand: names, subscriptions, what a capture keeps. */
#include "agent/stream_test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/oom/oom.h"

struct log {
	struct subscription sub;
	struct buf text; /* "exec true 11;" for each event */
};

static void log_event(void *ctx, const struct event *ev)
{
	struct log *l = ctx;
	const struct account *a = proc_account(ev->proc, ev->proc->user);
	struct str user = a ? a->name : STR_NONE;

	buf_printf(&l->text, "%s %s %u %.*s;", ev->kind->name.p, ev->proc->comm, ev->proc->pid,
		   user.n ? (int)user.n : 1, user.n ? user.p : "-");
}

static void log_open(struct log *l, uint64_t kinds)
{
	*l = (struct log){ .sub = { .kinds = kinds, .event = log_event, .ctx = l } };
}

static const char *log_text(struct log *l)
{
	buf_char(&l->text, '\0');
	assert_false(l->text.failed);
	return l->text.p;
}

static void test_names(void **state)
{
	struct stream s;
	struct log l;

	(void)state;
	stream_open(&s);
	log_open(&l, KINDS_ALL);
	pipeline_subscribe(&s.p, &l.sub);
	stream_seen(&s, 10, 1, 0, "sh");
	stream_users(&s, "0:root\n7:lp\n");
	stream_fork(&s, 10, 11, "sh");
	stream_exec(&s, 11, 10, "true");
	stream_exit(&s, 11, "true", 0);
	assert_string_equal(log_text(&l), "fork sh 10 root;exec true 11 root;exit true 11 root;");
	assert_int_equal(s.p.records, 5);
	assert_int_equal(s.p.events, 3);
	assert_int_equal(l.sub.matched, 3);
	assert_int_equal(s.p.now.ns, s.time_ns);
	buf_free(&l.text);
	stream_close(&s);
}

/* Names are borrowed from the table of users: a new table must not leave old names behind. */
static void test_users_again(void **state)
{
	struct stream s;
	struct log l;

	(void)state;
	stream_open(&s);
	log_open(&l, KIND_BIT(KIND_EXIT));
	pipeline_subscribe(&s.p, &l.sub);
	stream_seen(&s, 10, 1, 7, "old");
	stream_users(&s, "0:root\n7:lp\n");
	stream_users(&s, "0:root\n7:printer\n");
	stream_header(&s, REC_EXIT, sizeof(s.r.exit), 10);
	s.r.hdr.uid = 7;
	memcpy(s.r.hdr.comm, "old", 3);
	stream_put(&s);
	assert_string_equal(log_text(&l), "exit old 10 printer;");
	buf_free(&l.text);
	stream_close(&s);
}

static void test_subscriptions(void **state)
{
	struct stream s;
	struct log all, exec;

	(void)state;
	stream_open(&s);
	log_open(&all, KINDS_ALL);
	log_open(&exec, KIND_BIT(KIND_EXEC));
	pipeline_subscribe(&s.p, &all.sub);
	pipeline_subscribe(&s.p, &exec.sub);
	stream_seen(&s, 10, 1, 0, "sh");
	stream_exec(&s, 10, 1, "a");
	pipeline_unsubscribe(&s.p, &all.sub);
	pipeline_unsubscribe(&s.p, &all.sub); /* not there: nothing happens */
	stream_exec(&s, 10, 1, "b");
	stream_exit(&s, 10, "b", 0);
	pipeline_unsubscribe(&s.p, &exec.sub);
	stream_fork(&s, 10, 12, "b");
	assert_string_equal(log_text(&all), "exec a 10 -;");
	assert_string_equal(log_text(&exec), "exec a 10 -;exec b 10 -;");
	buf_free(&all.text);
	buf_free(&exec.text);
	stream_close(&s);
}

static void test_bad_records(void **state)
{
	struct stream s;
	struct log l;

	(void)state;
	stream_open(&s);
	log_open(&l, KINDS_ALL);
	pipeline_subscribe(&s.p, &l.sub);
	stream_header(&s, REC_TYPE_COUNT, sizeof(s.r.hdr), 1);
	stream_put(&s);
	stream_header(&s, REC_NONE, sizeof(s.r.hdr), 1);
	stream_put(&s);
	stream_header(&s, REC_EXEC, offsetof(struct rec_exec, exe) - 1, 1);
	stream_put(&s);
	assert_int_equal(s.p.decoded.unknown, 2);
	assert_int_equal(s.p.decoded.bad, 1);
	assert_int_equal(s.p.events, 0);
	assert_string_equal(log_text(&l), "");
	buf_free(&l.text);
	stream_close(&s);
}

/* How many records a capture has, and what the events in it are. */
static size_t capture_read(const char *path, struct buf *ret)
{
	const char *why = "";
	struct source *src;
	const struct rec_hdr *h;
	size_t n = 0;

	assert_int_equal(capture_open(path, &src, &why), 0);
	while (source_next(src, &h) > 0) {
		buf_printf(ret, "%u ", h->type);
		n++;
	}
	assert_true(src->ended);
	assert_null(src->damage);
	source_close(src);
	buf_char(ret, '\0');
	return n;
}

static void oom_put(struct stream *s)
{
	stream_header(s, REC_OOM, sizeof(struct rec_oom), 10);
	stream_put(s);
}

/* Of a condition, a capture keeps what matches and what names hang on. */
static void test_capture(void **state)
{
	char path[] = "/tmp/porthole-pipeline-test-XXXXXX";
	_cleanup_(closep) int fd = mkstemp(path);
	_cleanup_(buf_free) struct buf types = { 0 };
	struct stream s;
	char want[64];
	struct log l;

	(void)state;
	assert_true(fd >= 0);
	stream_open(&s);
	log_open(&l, KIND_BIT(KIND_EXEC));
	assert_int_equal(capture_create(path, &s.p.host, &s.p.capture), 0);
	pipeline_subscribe(&s.p, &l.sub);
	s.p.capture_of = &l.sub;
	stream_cgroup(&s, 1, "/");
	stream_seen(&s, 10, 1, 0, "sh");
	stream_fork(&s, 10, 11, "sh"); /* matches nothing, but is life */
	stream_exec(&s, 11, 10, "true");
	stream_header(&s, REC_LOSS, sizeof(s.r.hdr), 1); /* of no decoder: not ours to judge */
	stream_put(&s);
	oom_put(&s); /* neither matches nor is life */
	stream_exit(&s, 11, "true", 0);
	l.sub.kinds |= KIND_BIT(KIND_OOM);
	oom_put(&s);
	assert_int_equal(capture_end(take_ptr(s.p.capture), NULL), 0);
	assert_int_equal(s.p.capture_err, 0);
	assert_int_equal(s.p.records, 8);
	assert_int_equal(s.p.captured, 7);
	assert_int_equal(capture_read(path, &types), 7);
	snprintf(want, sizeof(want), "%d %d %d %d %d %d %d ", REC_CGROUP_SEEN, REC_TASK_SEEN,
		 REC_FORK, REC_EXEC, REC_LOSS, REC_EXIT, REC_OOM);
	assert_string_equal(types.p, want);
	unlink(path);
	buf_free(&l.text);
	stream_close(&s);
}

/* A write that fails is remembered, tried no more, and stops nothing else. */
static void test_capture_fails(void **state)
{
	struct stream s;
	struct log l;

	(void)state;
	if (access("/dev/full", W_OK) != 0)
		skip();
	stream_open(&s);
	log_open(&l, KINDS_ALL);
	pipeline_subscribe(&s.p, &l.sub);
	if (capture_create("/dev/full", &s.p.host, &s.p.capture) == 0) {
		for (int i = 0; i < 20000 && !s.p.capture_err; i++)
			stream_exec(&s, (uint32_t)(10 + i * 7919 % 30000), 1, "x");
		assert_int_not_equal(capture_end(take_ptr(s.p.capture), NULL), 0);
		assert_int_equal(l.sub.matched, s.p.events);
	}
	buf_free(&l.text);
	stream_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	      cmocka_unit_test(test_users_again),
		cmocka_unit_test(test_subscriptions), cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_capture),	      cmocka_unit_test(test_capture_fails),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
