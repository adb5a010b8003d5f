/*
 * traceparent by W3C's rules; and spans, resources and log records as bytes, looked into with a reader of these tests. That
 * a real reader of the public definitions takes them is test/e2e/otlp.sh's to show.
 */
#include "out/otlp/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "agg/request_testing.h"
#include "base/cleanup.h"
#include "base/cur.h"
#include "base/guard_test.h"

/* --- traceparent --- */

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define GOOD   "00-" TRACE "-" PARENT "-01"

static bool parses(const char *s)
{
	struct otlp_trace t = { 0 }, before = t;
	bool yes = otlp_traceparent(str_of(s), &t);

	if (!yes)
		assert_memory_equal(&t, &before, sizeof(t)); /* untouched */
	return yes;
}

static void test_traceparent(void **state)
{
	static const char *const yes[] = {
		GOOD,
		"00-" TRACE "-" PARENT "-00",
		"00-" TRACE "-" PARENT "-ff",
		"01-" TRACE "-" PARENT "-01",
		"cc-" TRACE "-" PARENT "-01-what-the-future-brings",
		"cc-" TRACE "-" PARENT "-01-",
	};
	static const char *const no[] = {
		"",
		"00",
		"ff-" TRACE "-" PARENT "-01", /* forbidden version */
		GOOD "-more",		      /* version 0 has no more */
		GOOD "0",
		"cc-" TRACE "-" PARENT "-01.more",
		"00-" TRACE "-" PARENT "-0",
		"00-" TRACE "-" PARENT "-0x",
		"0x-" TRACE "-" PARENT "-01",
		"00_" TRACE "-" PARENT "-01",
		"00-" TRACE "_" PARENT "-01",
		"00-" TRACE "-" PARENT "_01",
		"00-00000000000000000000000000000000-" PARENT "-01",
		"00-" TRACE "-0000000000000000-01",
		"00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", /* upper case */
		"00-" TRACE "-B7AD6B7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319g-" PARENT "-01",
		" " GOOD,
	};
	struct otlp_trace t = { .span = { 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!parses(yes[i]))
			fail_msg("refused: %s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (parses(no[i]))
			fail_msg("taken: %s", no[i]);
	assert_true(otlp_traceparent(STR(GOOD), &t));
	assert_true(t.has_parent && t.span[0] == 1);
	assert_memory_equal(t.trace,
			    "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c", 16);
	assert_memory_equal(t.parent, "\xb7\xad\x6b\x71\x69\x20\x33\x31", 8);
}

static void test_traceparent_prefixes(void **state)
{
	struct guard g = guard_make();
	struct otlp_trace t = { 0 };

	(void)state;
	for (size_t n = 0; n < sizeof(GOOD) - 1; n++) {
		const char *p = (const char *)guard_put(&g, GOOD, n);

		assert_false(otlp_traceparent((struct str){ p, n }, &t));
	}
	guard_free(&g);
}

/* --- a reader for these tests: the @nth field @number of a message --- */

static uint64_t varint_must(struct cur *c)
{
	uint64_t v = 0;
	uint8_t b = 0x80;

	for (unsigned shift = 0; b & 0x80; shift += 7) {
		assert_true(cur_u8(c, &b));
		v |= (uint64_t)(b & 0x7f) << shift;
	}
	return v;
}

static bool field_find(struct str m, uint64_t number, size_t nth, struct str *bytes, uint64_t *value)
{
	struct cur c = cur_of(m.p, m.n);

	while (cur_left(&c)) {
		uint64_t tag = varint_must(&c);
		struct str s = STR_NONE;
		uint64_t v = 0;

		if ((tag & 7) == 2)
			assert_true(cur_str(&c, varint_must(&c), &s));
		else if ((tag & 7) == 1)
			assert_true(cur_u64(&c, &v));
		else
			v = varint_must(&c);
		if (tag >> 3 == number && !nth--) {
			*bytes = s;
			*value = v;
			return true;
		}
	}
	return false;
}

static struct str text_at(struct str m, uint64_t number)
{
	struct str s = STR_NONE;
	uint64_t v;

	field_find(m, number, 0, &s, &v);
	return s;
}

static uint64_t number_at(struct str m, uint64_t number)
{
	struct str s;
	uint64_t v = 0;

	field_find(m, number, 0, &s, &v);
	return v;
}

/* "key=value;" of all KeyValues in field @number, in their order; integers as #n. */
static void attrs_text(struct str m, uint64_t number, struct buf *b)
{
	struct str kv;
	uint64_t v;

	for (size_t i = 0; field_find(m, number, i, &kv, &v); i++) {
		struct str any = text_at(kv, 2), s;

		buf_str(b, text_at(kv, 1));
		buf_char(b, '=');
		if (field_find(any, 1, 0, &s, &v))
			buf_str(b, s);
		else
			buf_printf(b, "#%llu", (unsigned long long)number_at(any, 3));
		buf_char(b, ';');
	}
	buf_char(b, 0);
}

struct seen {
	struct buf bytes, attrs;
	struct str m;
};

static void seen_free(struct seen *s)
{
	buf_free(&s->bytes);
	buf_free(&s->attrs);
}

static void span_see(struct made *d, struct seen *s)
{
	struct otlp_trace t = { .trace = { 1 }, .span = { 2 } };
	struct sem_view v;

	buf_reset(&s->bytes);
	buf_reset(&s->attrs);
	sem_look(&d->ev, STR_NONE, &v);
	otlp_span(&v, &t, 1000, &s->bytes);
	assert_false(s->bytes.failed);
	s->m = buf_slice(&s->bytes);
	attrs_text(s->m, 9, &s->attrs);
}

#define PEER_C "network.peer.address=192.0.2.7;network.peer.port=#80;"
#define PEER_S "network.peer.address=192.0.2.7;network.peer.port=#40000;client.address=192.0.2.7;"

static void span_must(struct made *d, const char *name, uint64_t kind, const char *attrs)
{
	_cleanup_(seen_free) struct seen s = { 0 };

	span_see(d, &s);
	if (!str_eq(text_at(s.m, 5), str_of(name)) || number_at(s.m, 6) != kind)
		fail_msg("is called \"%.*s\", kind %llu", STR_ARG(text_at(s.m, 5)),
			 (unsigned long long)number_at(s.m, 6));
	assert_string_equal(s.attrs.p, attrs);
	assert_int_equal(number_at(s.m, 7), NS_PER_SEC + 1000);
	assert_int_equal(number_at(s.m, 8), NS_PER_SEC + 20 * NS_PER_MS + 1000);
}

static void test_http(void **state)
{
	struct made d;

	(void)state;
	made_http(&d, true, "GET", "/users/{id}", 200);
	d.r.resource = STR("/users/7");
	span_must(&d, "GET /users/{id}", 2,
		  "http.request.method=GET;url.scheme=http;http.route=/users/{id};"
		  "http.response.status_code=#200;url.path=/users/7;"
		  "server.address=cart.example;"
		  "server.port=#8080;" PEER_S);
	made_http(&d, false, "BREW", "/pot", 404);
	d.r.agent = STR("tea/1");
	span_must(&d, "HTTP /pot", 3,
		  "http.request.method=_OTHER;server.address=cart.example;server.port=#8080;"
		  "http.response.status_code=#404;error.type=404;http.request.method_original=BREW;"
		  "user_agent.original=tea/1;url.full=http://cart.example:8080/pot;url.template=/pot;" PEER_C);
}

static void test_families(void **state)
{
	struct made d;

	(void)state;
	made_request(&d, true, "grpc");
	d.r.resource = d.r.route = STR("shop.Cart/Add");
	d.r.status = STR("OK");
	span_must(&d, "shop.Cart/Add", 2,
		  "rpc.system.name=grpc;rpc.method=shop.Cart/Add;rpc.response.status_code=OK;"
		  "server.address=10.0.0.1;server.port=#8080;" PEER_S);
	made_request(&d, false, "postgres");
	d.r.method = STR("SELECT");
	d.r.route = STR("SELECT users");
	d.r.resource = STR("SELECT * FROM users WHERE id = ?");
	d.r.host = STR("shopdb");
	span_must(&d, "SELECT users", 3,
		  "db.system.name=postgresql;db.operation.name=SELECT;db.namespace=shopdb;"
		  "db.query.summary=SELECT users;server.address=192.0.2.7;server.port=#80;"
		  "db.query.text=SELECT * FROM users WHERE id = ?;" PEER_C);
	made_request(&d, false, "kafka");
	d.r.method = STR("Produce");
	d.r.resource = STR("orders");
	span_must(&d, "Produce orders", 3,
		  "messaging.system=kafka;messaging.operation.name=Produce;"
		  "messaging.operation.type=send;messaging.destination.name=orders;server.address=192.0.2.7;server.port=#80;" PEER_C);
	made_request(&d, false, "redis");
	d.r.method = STR("GET");
	d.r.resource = STR("user:{id}");
	d.r.route = STR("GET user:*");
	span_must(&d, "GET user:*", 3,
		  "db.system.name=redis;db.operation.name=GET;db.query.summary=GET user:*;"
		  "server.address=192.0.2.7;server.port=#80;db.query.text=GET user:{id};" PEER_C);
	made_request(&d, false, "mongo");
	d.r.method = STR("find");
	d.r.resource = STR("shop.orders");
	d.r.route = STR("find shop.orders");
	d.r.host = STR("shop");
	span_must(&d, "find shop.orders", 3,
		  "db.system.name=mongodb;db.operation.name=find;db.namespace=shop;"
		  "db.query.summary=find shop.orders;server.address=192.0.2.7;server.port=#80;"
		  "db.collection.name=orders;" PEER_C);
	made_request(&d, false, "dns");
	d.r.method = STR("A");
	d.r.resource = STR("api.shop.example");
	d.r.route = STR("*.shop.example");
	span_must(&d, "A *.shop.example", 3, "dns.question.name=api.shop.example;" PEER_C);
	made_request(&d, false, "toy");
	d.r.method = STR("PLAY");
	span_must(&d, "PLAY", 3, "network.protocol.name=toy;" PEER_C);
}

/* Bytes that are no UTF-8, quotes and line ends, and an answer that never came. */
static void test_hostile(void **state)
{
	_cleanup_(seen_free) struct seen s = { 0 };
	struct made d;

	(void)state;
	made_http(&d, true, "GET", "/a\xff\"\n", 200);
	d.r.error = STR("\xc3(");
	d.r.flags = REQ_UNANSWERED;
	d.r.end.ns = 0; /* before its start */
	span_see(&d, &s);
	assert_true(str_eq(text_at(s.m, 5), STR("GET /a?\"\n")));
	assert_true(str_eq(text_at(text_at(s.m, 15), 2), STR("?(")));
	assert_int_equal(number_at(text_at(s.m, 15), 3), 2);
	assert_non_null(strstr(s.attrs.p, "error.type=unanswered;"));
	assert_int_equal(number_at(s.m, 8), number_at(s.m, 7));
}

/* A URL longer than there is room for is cut. */
static void test_long_url(void **state)
{
	_cleanup_(seen_free) struct seen s = { 0 };
	char path[4000];
	struct made d;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	made_http(&d, false, "GET", "/x", 200);
	d.r.resource = str_of(path);
	span_see(&d, &s);
	assert_non_null(strstr(s.attrs.p, "url.full=http://cart.example:8080xxx"));
	assert_true(s.bytes.n < 4000);
}

static void test_resource(void **state)
{
	const struct otlp_node n = { STR("host-1"), STR("node-1") };
	_cleanup_(seen_free) struct seen s = { 0 };
	struct sem_view v;
	struct made d;

	(void)state;
	made_http(&d, true, "GET", "/", 200);
	d.pod.ip = (struct ip){ { 10, 0, 0, 1 }, 4 };
	d.container.id = STR("0123456789abcdef");
	d.container.repository = STR("example/cart");
	sem_look(&d.ev, STR_NONE, &v);
	otlp_resource(&v, &n, &s.bytes);
	attrs_text(buf_slice(&s.bytes), 1, &s.attrs);
	assert_string_equal(s.attrs.p,
			    "service.name=cart;service.namespace=shop;service.version=3;"
			    "k8s.namespace.name=shop;k8s.pod.name=cart-0;k8s.pod.uid=0b1f;"
			    "k8s.pod.ip=10.0.0.1;k8s.statefulset.name=cart;"
			    "service.instance.id=shop.cart-0.web;k8s.container.name=web;"
			    "container.id=0123456789abcdef;container.image.name=example/cart;"
			    "host.name=host-1;k8s.node.name=node-1;");
}

static void test_log(void **state)
{
	const struct otlp_log l = { .wall_ns = 5,
				    .priority = 2,
				    .priority_name = STR("Critical"),
				    .rule = STR("R"),
				    .text = STR("a\xff"),
				    .json = STR("{}") };
	_cleanup_(seen_free) struct seen s = { 0 };
	struct str m;

	(void)state;
	otlp_log_record(&l, &s.bytes);
	m = buf_slice(&s.bytes);
	attrs_text(m, 6, &s.attrs);
	assert_string_equal(s.attrs.p, "porthole.rule=R;porthole.alert={};");
	assert_int_equal(number_at(m, 1), 5);
	assert_int_equal(number_at(m, 2), 18);
	assert_true(str_eq(text_at(m, 3), STR("Critical")));
	assert_true(str_eq(text_at(text_at(m, 5), 1), STR("a?")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_traceparent), cmocka_unit_test(test_traceparent_prefixes),
		cmocka_unit_test(test_http),	    cmocka_unit_test(test_families),
		cmocka_unit_test(test_hostile),	    cmocka_unit_test(test_long_url),
		cmocka_unit_test(test_resource),    cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests_name("otlp spans", tests, NULL, NULL);
}
