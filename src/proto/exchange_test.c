/* The window: pairing by order and by key, its bounds, texts. */
#include "proto/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct seen {
	uint64_t n, unanswered, lost, oneway;
	uint64_t last_key;
	struct request last;
	char status[64];
};

static void done(void *ctx, struct window *w, struct exchange *x)
{
	struct seen *s = ctx;

	assert_ptr_equal(w->owner, ctx);
	s->n++;
	s->unanswered += !!(x->req.flags & REQ_UNANSWERED);
	s->lost += !!(x->req.flags & REQ_LOST);
	s->oneway += !!(x->req.flags & REQ_ONEWAY);
	s->last_key = x->key;
	s->last = x->req;
	snprintf(s->status, sizeof(s->status), "%.*s", STR_ARG(x->req.status));
}

struct fixture {
	struct seen seen;
	struct exchange_pool pool;
	struct window w;
	struct proto_io io;
};

static struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->pool.done = done;
	f->pool.ctx = &f->seen;
	window_init(&f->w, &f->pool, STR("test"), &f->seen);
	f->io.window = &f->w;
	return f;
}

static void fixture_free(struct fixture *f)
{
	window_close(&f->w, (struct boot_ns){ 99 });
	assert_int_equal(f->pool.n, 0);
	exchange_pool_free(&f->pool);
	free(f);
}

static void test_times(void **state)
{
	struct fixture *f = fixture_new();
	struct exchange *x;

	(void)state;
	f->io.begun.ns = 1;
	f->io.time.ns = 2;
	f->io.midway = true;
	f->w.retransmits = 7;
	x = exchange_begin(&f->io, 0);
	assert_ptr_equal(exchange_oldest(&f->io), x);
	assert_ptr_equal(exchange_newest(&f->io), x);
	f->io.begun.ns = 5;
	exchange_answered(&f->io, x);
	f->io.begun.ns = 6;
	f->io.time.ns = 9;
	exchange_code(x, 404);
	exchange_done(&f->io, x);
	assert_int_equal(f->seen.n, 1);
	assert_int_equal(f->seen.last.start.ns, 1);
	assert_int_equal(f->seen.last.answered.ns, 5);
	assert_int_equal(f->seen.last.end.ns, 9);
	assert_int_equal(f->seen.last.code, 404);
	assert_int_equal(f->seen.last.retransmits, 7);
	assert_int_equal(f->seen.last.flags, REQ_MIDWAY);
	assert_string_equal(f->seen.status, "404");
	assert_true(str_eq(f->seen.last.protocol, STR("test")));
	assert_null(exchange_oldest(&f->io));
	fixture_free(f);
}

/* Many under their keys, some keys twice; answered in another order. */
static void test_keys(void **state)
{
	struct fixture *f = fixture_new();

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		exchange_begin(&f->io, i % 600);
	assert_int_equal(f->w.n, 1000);
	assert_null(exchange_find(&f->io, 600));
	for (uint64_t i = 0; i < 600; i++) {
		struct exchange *x = exchange_find(&f->io, (i * 7) % 600);

		assert_int_equal(x->key, (i * 7) % 600);
		exchange_done(&f->io, x);
		assert_int_equal(f->seen.last_key, (i * 7) % 600);
	}
	assert_int_equal(f->w.n, 400);
	for (uint64_t i = 0; i < 400; i++)
		exchange_drop(&f->io, exchange_find(&f->io, 399 - i));
	assert_int_equal(f->seen.n, 600);
	assert_null(f->w.slot);
	fixture_free(f);
}

/* Of equal keys the oldest, whatever was taken out between. */
static void test_same_key(void **state)
{
	struct fixture *f = fixture_new();
	struct exchange *x[100];

	(void)state;
	for (int i = 0; i < 100; i++) {
		x[i] = exchange_begin(&f->io, 5);
		x[i]->mark = (uint64_t)i;
	}
	assert_ptr_equal(exchange_find(&f->io, 5), x[0]);
	exchange_drop(&f->io, x[99]);
	exchange_drop(&f->io, x[50]);
	exchange_drop(&f->io, x[0]);
	x[0] = exchange_begin(&f->io, 5);
	assert_ptr_equal(exchange_find(&f->io, 5), x[1]);
	for (int i = 1; i < 99; i++)
		if (i != 50) {
			assert_ptr_equal(exchange_find(&f->io, 5), x[i]);
			exchange_done(&f->io, x[i]);
		}
	assert_ptr_equal(exchange_find(&f->io, 5), x[0]);
	fixture_free(f);
}

static void test_million_unanswered(void **state)
{
	struct fixture *f = fixture_new();

	(void)state;
	for (uint64_t i = 0; i < 1000000; i++) {
		assert_non_null(exchange_begin(&f->io, i & 1 ? i : 1));
		if (i == 100)
			assert_non_null(exchange_find(&f->io, 1));
	}
	assert_int_equal(f->w.n, WINDOW_MAX);
	assert_int_equal(f->pool.n, WINDOW_MAX);
	assert_int_equal(f->pool.pushed_out, 1000000 - WINDOW_MAX);
	assert_int_equal(f->seen.unanswered, 1000000 - WINDOW_MAX);
	assert_int_equal(exchange_find(&f->io, 999999)->key, 999999);
	window_close(&f->w, (struct boot_ns){ 5 });
	assert_int_equal(f->seen.unanswered, 1000000);
	assert_int_equal(f->seen.last.end.ns, 5);
	fixture_free(f);
}

/* The pool is all connections': one without any of its own is refused, and all functions bear it. */
static void test_pool_full(void **state)
{
	struct fixture *f = fixture_new();
	struct window other;
	struct proto_io io = { .window = &other };
	struct exchange *x;
	struct str text = STR_NONE;

	(void)state;
	window_init(&other, &f->pool, STR("other"), &f->seen);
	f->pool.max = 100;
	for (uint64_t i = 0; i < 150; i++)
		exchange_begin(&f->io, i);
	assert_int_equal(f->w.n, 100);
	assert_int_equal(f->pool.pushed_out, 50);
	x = exchange_begin(&io, 0);
	assert_null(x);
	assert_int_equal(f->pool.refused, 1);
	exchange_set(x, &text, STR("a"));
	exchange_static(x, &text, "a");
	exchange_code(x, 1);
	exchange_answered(&io, x);
	exchange_done(&io, x);
	exchange_oneway(&io, x);
	exchange_drop(&io, x);
	exchange_abandon(&io);
	assert_null(text.p);
	fixture_free(f);
}

static void test_texts(void **state)
{
	struct fixture *f = fixture_new();
	struct exchange *x = exchange_begin(&f->io, 0);
	char longer[EXCHANGE_TEXT + 10];

	(void)state;
	memset(longer, 'x', sizeof(longer));
	exchange_set(x, &x->req.method, STR("GET"));
	exchange_set(x, &x->req.resource, STR("/a"));
	exchange_set(x, &x->req.resource, STR("/abc")); /* in its place */
	assert_int_equal(x->used, 7);
	exchange_set(x, &x->req.method, STR("POST"));
	assert_true(str_eq(x->req.method, STR("POST")));
	assert_true(str_eq(x->req.resource, STR("/abc")));
	exchange_set(x, &x->req.host, STR(""));
	assert_non_null(x->req.host.p);
	exchange_set(x, &x->req.host, STR_NONE);
	assert_null(x->req.host.p);
	exchange_static(x, &x->req.status, "OK");
	exchange_set(x, &x->req.status, STR("NO"));
	assert_false(x->req.flags & REQ_CUT);
	exchange_set(x, &x->req.text, (struct str){ longer, sizeof(longer) });
	assert_true(x->req.flags & REQ_CUT);
	assert_int_equal(x->used, EXCHANGE_TEXT);
	exchange_set(x, &x->req.error, STR("e"));
	assert_int_equal(x->req.error.n, 0);
	assert_true(str_eq(x->req.resource, STR("/abc")));
	fixture_free(f);
}

static void test_ends(void **state)
{
	struct fixture *f = fixture_new();

	(void)state;
	f->io.time.ns = 3;
	exchange_oneway(&f->io, exchange_begin(&f->io, 0));
	assert_int_equal(f->seen.oneway, 1);
	assert_int_equal(f->seen.last.end.ns, 3);
	exchange_begin(&f->io, 1);
	exchange_begin(&f->io, 2);
	f->io.lost = 77;
	exchange_abandon(&f->io);
	assert_int_equal(f->seen.lost, 2);
	assert_int_equal(f->seen.last_key, 2);
	assert_int_equal(f->seen.last.end.ns, 0);
	assert_int_equal(f->seen.last.lost_bytes, 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),	  cmocka_unit_test(test_keys),
		cmocka_unit_test(test_same_key),  cmocka_unit_test(test_million_unanswered),
		cmocka_unit_test(test_pool_full), cmocka_unit_test(test_texts),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
