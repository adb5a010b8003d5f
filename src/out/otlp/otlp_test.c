/*
 * What waits and what is left out: queues that are full, requests made of them, and sampling by rate, failure and latency.
 * Nothing is sent here; a receiver that refuses, delays and rejects is in test/e2e/otlp.sh.
 */
#include "out/otlp/otlp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "agg/request_testing.h"
#include "base/cleanup.h"
#include "out/otlp/queue.h"

/* --- the queue --- */

static void test_queue_full(void **state)
{
	struct otlp_queue q = { .bytes = { .max = 64 } };
	_cleanup_(buf_free) struct buf r = { 0 };
	size_t before;

	(void)state;
	assert_true(otlp_queue_put(&q, STR("res"), STR("0123456789")));
	assert_true(otlp_queue_put(&q, STR("res"), STR("0123456789")));
	assert_true(otlp_queue_put(&q, STR("res"), STR("0123456789")));
	before = q.bytes.n;
	assert_false(otlp_queue_put(&q, STR("res"), STR("0123456789"))); /* 63 of 64 are taken */
	assert_int_equal(q.bytes.n, before);
	assert_int_equal(q.n, 3);
	assert_int_equal(otlp_queue_take(&q, 1, &r), 1); /* one in any case */
	assert_int_equal(q.n, 2);
	assert_true(otlp_queue_put(&q, STR("res"), STR("0123456789")));
	assert_int_equal(otlp_queue_take(&q, 1000, &r), 3);
	assert_int_equal(q.n, 0);
	assert_int_equal(otlp_queue_take(&q, 1000, &r), 0);
	buf_free(&q.bytes);
}

/* Neighbours of one resource share a group; order is kept. */
static void test_queue_groups(void **state)
{
	struct otlp_queue q = { .bytes = { .max = 1000 } };
	_cleanup_(buf_free) struct buf got = { 0 }, want = { 0 };

	(void)state;
	otlp_queue_put(&q, STR("A"), STR("1"));
	otlp_queue_put(&q, STR("A"), STR("2"));
	otlp_queue_put(&q, STR("B"), STR("3"));
	otlp_queue_put(&q, STR("A"), STR("4"));
	assert_int_equal(otlp_queue_take(&q, 1000, &got), 4);
	otlp_group(STR("A"),
		   STR("\x12\x01"
		       "1\x12\x01"
		       "2"),
		   &want);
	otlp_group(STR("B"),
		   STR("\x12\x01"
		       "3"),
		   &want);
	otlp_group(STR("A"),
		   STR("\x12\x01"
		       "4"),
		   &want);
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
	buf_free(&q.bytes);
}

/* --- the sender, never started --- */

static int no_metrics(void *ctx, struct rm_snapshot *ret)
{
	(void)ctx;
	(void)ret;
	return -1;
}

static struct otlp *sender(uint32_t percent, uint64_t slow_ns, size_t queue_bytes)
{
	const struct otlp_opts o = { .endpoint = "http://127.0.0.1:9",
				     .on = { true, true, true },
				     .interval_ns = NS_PER_SEC,
				     .queue_bytes = queue_bytes,
				     .sample_percent = percent,
				     .slow_ns = slow_ns,
				     .snapshot = no_metrics };
	_cleanup_(buf_free) struct buf why = { 0 };
	struct otlp *ret;

	assert_int_equal(otlp_new(&o, &ret, &why), 0);
	return ret;
}

static void put(struct otlp *o, struct made *d)
{
	struct sem_view v;

	sem_look(&d->ev, STR_NONE, &v);
	otlp_span_put(o, &v);
}

static uint64_t unsampled(struct otlp *o)
{
	struct otlp_stats s;

	otlp_stats(o, &s);
	return s.of[OTLP_TRACES].unsampled;
}

/* By the trace's id, so that every agent that sees a piece of a trace says the same. */
static void test_rate(void **state)
{
	static const struct {
		uint32_t percent;
		unsigned kept; /* of 256 ids a 256th apart */
	} cases[] = { { 0, 0 }, { 1, 2 }, { 10, 25 }, { 50, 128 }, { 99, 253 }, { 100, 256 } };
	char parent[64];
	struct made d;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct otlp *o = sender(cases[i].percent, 0, 1 << 20);

		for (unsigned k = 0; k < 256; k++) {
			snprintf(parent, sizeof(parent),
				 "00-0af7651916cd43dd84%02xeb211c80319c-b7ad6b7169203331-01", k);
			made_http(&d, true, "GET", "/x", 200);
			d.r.trace = str_of(parent);
			put(o, &d);
		}
		assert_int_equal(unsampled(o), 256 - cases[i].kept);
		assert_int_equal(otlp_stop(o, 0), cases[i].kept);
	}
}

/* Without an id of the application's the share is right by chance. */
static void test_rate_random(void **state)
{
	struct otlp *o = sender(25, 0, 16 << 20);
	struct made d;

	(void)state;
	made_http(&d, true, "GET", "/x", 200);
	for (unsigned k = 0; k < 10000; k++)
		put(o, &d);
	assert_in_range(unsampled(o), 7200, 7800); /* 4.6 standard deviations */
	otlp_stop(o, 0);
}

static void test_failed_and_slow(void **state)
{
	struct otlp *o = sender(0, 20 * NS_PER_MS, 1 << 20);
	struct made d;

	(void)state;
	made_http(&d, true, "GET", "/x", 500);
	d.r.end.ns = d.r.start.ns + 1;
	put(o, &d);
	assert_int_equal(unsampled(o), 0);
	made_http(&d, true, "GET", "/x", 404); /* no failure of the server */
	d.r.end.ns = d.r.start.ns + 1;
	put(o, &d);
	assert_int_equal(unsampled(o), 1);
	made_http(&d, false, "GET", "/x", 404);
	d.r.end.ns = d.r.start.ns + 1;
	put(o, &d);
	made_request(&d, false, "redis");
	d.r.ok = REQ_OK_NO;
	d.r.end.ns = d.r.start.ns + 1;
	put(o, &d);
	made_http(&d, true, "GET", "/x", 200); /* 20 ms: slow */
	put(o, &d);
	assert_int_equal(unsampled(o), 1);
	d.r.end.ns--;
	put(o, &d);
	assert_int_equal(unsampled(o), 2);
	assert_int_equal(otlp_stop(o, 0), 4);
}

/* A producer never waits: what does not fit is counted, in spans and in log records. */
static void test_full(void **state)
{
	struct otlp *o = sender(100, 0, 4096);
	const struct otlp_log l = { .text = STR("a text of some length, and then some more"),
				    .rule = STR("R") };
	struct otlp_stats s;
	struct made d;

	(void)state;
	made_http(&d, true, "GET", "/x", 200);
	for (unsigned k = 0; k < 100; k++)
		put(o, &d);
	for (unsigned k = 0; k < 100; k++)
		otlp_log_put(o, &l);
	otlp_stats(o, &s);
	assert_in_range(s.of[OTLP_TRACES].queue_full, 80, 99);
	assert_in_range(s.of[OTLP_LOGS].queue_full, 50, 99);
	assert_int_equal(otlp_stop(o, 0),
			 200 - s.of[OTLP_TRACES].queue_full - s.of[OTLP_LOGS].queue_full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_full),
		cmocka_unit_test(test_queue_groups),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_random),
		cmocka_unit_test(test_failed_and_slow),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("otlp", tests, NULL, NULL);
}
