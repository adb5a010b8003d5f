/* Which series requests make, the buckets, the bounds, and what goes when it is idle. */
#include "agg/request_metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "agg/request_testing.h"
#include "base/cleanup.h"

static struct request_metrics *metrics_new(uint32_t series, uint32_t values)
{
	struct request_metrics *m;

	assert_int_equal(request_metrics_new(&(struct request_metrics_opts){ .series = series,
									     .values = values },
					     &m),
			 0);
	return m;
}

static void add(struct request_metrics *m, struct made *d, uint64_t now_s)
{
	struct sem_view v;

	sem_look(&d->ev, STR_NONE, &v);
	request_metrics_add(m, &v, (struct boot_ns){ now_s * NS_PER_SEC });
}

/* A series as "metric label=value ... n failed". */
static void series_text(const struct rm_snapshot *s, const struct rm_series *r, struct buf *b)
{
	sem_prom_name(&sem_metrics[r->metric], b);
	for (size_t i = 0; i < r->nlabels; i++) {
		if (!r->value[i])
			continue;
		buf_char(b, ' ');
		sem_prom_label(rm_label(r, i), b);
		buf_char(b, '=');
		buf_str(b, s->values[r->value[i]]);
	}
	buf_printf(b, " %llu %llu\n", (unsigned long long)r->n, (unsigned long long)r->failed);
}

static void must_be(struct request_metrics *m, const char *want)
{
	_cleanup_(rm_snapshot_free) struct rm_snapshot s = { 0 };
	_cleanup_(buf_free) struct buf b = { 0 };

	assert_int_equal(request_metrics_take(m, &s), 0);
	for (size_t i = 0; i < s.n; i++)
		series_text(&s, &s.series[i], &b);
	buf_char(&b, 0);
	assert_string_equal(b.p, want);
}

#define OWNER "service_name=cart namespace=shop pod=cart-0 container=web"
#define HTTP  "http_server_request_duration_seconds " OWNER " http_request_method="

static void test_server(void **state)
{
	struct request_metrics *m = metrics_new(0, 0);
	struct made d;

	(void)state;
	made_http(&d, true, "GET", "/users/{id}", 200);
	add(m, &d, 1);
	add(m, &d, 1);
	made_http(&d, true, "BREW", "/users/{id}", 503);
	add(m, &d, 1);
	made_http(&d, true, "GET", "/users/{id}", 404);
	add(m, &d, 1);
	must_be(m,
		"traces_service_graph_request client=outside server=cart 4 1\n"
		"traces_service_graph_request_server_seconds client=outside server=cart 4 1\n" HTTP
		"GET url_scheme=http http_route=/users/{id} http_response_status_code=200 2 0\n" HTTP
		"GET url_scheme=http http_route=/users/{id} http_response_status_code=404 1 0\n" HTTP
		"_OTHER url_scheme=http http_route=/users/{id} http_response_status_code=503 "
		"error_type=503 1 1\n");
	request_metrics_free(m);
}

static void test_clients(void **state)
{
	struct request_metrics *m = metrics_new(0, 0);
	struct made d;

	(void)state;
	made_http(&d, false, "GET", "/x", 404);
	add(m, &d, 1);
	made_request(&d, false, "postgres");
	d.r.method = STR("SELECT");
	d.r.route = STR("SELECT users");
	d.r.host = STR("shopdb");
	d.r.status = STR("23505");
	d.r.ok = REQ_OK_NO;
	add(m, &d, 1);
	made_request(&d, false, "nats");
	d.r.method = STR("PUB");
	d.r.flags = REQ_ONEWAY;
	add(m, &d, 1);
	made_request(&d, false, "toy");
	add(m, &d, 1);
	must_be(m, "traces_service_graph_request client=cart server=cart.example 1 1\n"
		   "traces_service_graph_request client=cart server=192.0.2.7 2 1\n"
		   "traces_service_graph_request_client_seconds client=cart server=cart.example 1 1\n"
		   "traces_service_graph_request_client_seconds client=cart server=192.0.2.7 1 1\n"
		   "http_client_request_duration_seconds " OWNER
		   " http_request_method=GET server_address=cart.example server_port=8080 "
		   "http_response_status_code=404 error_type=404 1 1\n"
		   "db_client_operation_duration_seconds " OWNER
		   " db_system_name=postgresql db_operation_name=SELECT db_namespace=shopdb "
		   "db_query_summary=SELECT users db_response_status_code=23505 error_type=23505 "
		   "server_address=192.0.2.7 server_port=80 1 1\n");
	request_metrics_free(m);
}

/* What is whose fault, and whom the client named. */
static void test_reading(void **state)
{
	static const struct {
		const char *host, *address, *port;
	} hosts[] = {
		{ "cart", "cart", "80" },	   { "cart:8080", "cart", "8080" },
		{ "[::1]:8080", "::1", "8080" },   { "[::1]", "::1", "80" },
		{ "[::1", "[::1", "80" },	   { "::1", "::1", "80" },
		{ "10.0.0.1:1", "10.0.0.1", "1" }, { "cart:", "cart", "80" },
	};
	struct sem_view v;
	struct made d;
	struct str s;

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		made_http(&d, false, "GET", "/x", 200);
		d.r.host = str_of(hosts[i].host);
		sem_look(&d.ev, STR_NONE, &v);
		assert_true(sem_get(&v, SEM_SERVER_ADDRESS, &s));
		assert_true(str_eq(s, str_of(hosts[i].address)));
		assert_true(sem_get(&v, SEM_SERVER_PORT, &s));
		assert_true(str_eq(s, str_of(hosts[i].port)));
	}
	for (int64_t code = 0; code < 17; code++) {
		bool fault = code == 2 || code == 4 || (code >= 12 && code <= 15);

		made_request(&d, true, "grpc");
		d.r.code = code;
		d.r.ok = code ? REQ_OK_NO : REQ_OK_YES;
		sem_look(&d.ev, STR_NONE, &v);
		assert_int_equal(sem_failed(&v), fault);
		d.ev.fd.conn.is_server = 0;
		sem_look(&d.ev, STR_NONE, &v);
		assert_int_equal(sem_failed(&v), code != 0);
	}
}

/* Both ends on this node: the client's side counts the edge. */
static void test_edge_once(void **state)
{
	struct request_metrics *m = metrics_new(0, 0);
	struct made d;

	(void)state;
	made_http(&d, true, "GET", "/x", 200);
	d.ev.fd.conn.remote = d.ev.fd.conn.local;
	add(m, &d, 1);
	d.ev.fd.conn.remote = (struct ip){ { 10, 9, 9, 9 }, 4 };
	d.ev.fd.peer = (struct peer){ STR("pod"), STR("shop"), STR("front-1") };
	add(m, &d, 1);
	must_be(m, "traces_service_graph_request_server_seconds client=local server=cart 1 0\n"
		   "traces_service_graph_request_server_seconds client=front-1 server=cart 1 0\n" HTTP
		   "GET url_scheme=http http_route=/x http_response_status_code=200 2 0\n");
	request_metrics_free(m);
}

static void test_folded(void **state)
{
	struct request_metrics *m = metrics_new(0, 2);
	struct rm_counts c;
	struct made d;
	char route[16];

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(route, sizeof(route), "/%d", i);
		made_http(&d, true, "GET", route, 200);
		add(m, &d, 1);
	}
	must_be(m, "traces_service_graph_request client=outside server=cart 5 0\n"
		   "traces_service_graph_request_server_seconds client=outside server=cart 5 0\n" HTTP
		   "GET url_scheme=http http_route=other http_response_status_code=200 3 0\n" HTTP
		   "GET url_scheme=http http_route=/0 http_response_status_code=200 1 0\n" HTTP
		   "GET url_scheme=http http_route=/1 http_response_status_code=200 1 0\n");
	request_metrics_counts(m, &c);
	assert_int_equal(c.folded, 3);
	assert_int_equal(c.full, 0);
	request_metrics_free(m);
}

/* Beyond the series nothing is lost; after an hour of silence there is room again. */
static void test_full(void **state)
{
	struct request_metrics *m = metrics_new(4, 0);
	struct rm_counts c;
	struct made d;
	char route[16];

	(void)state;
	for (int i = 0; i < 6; i++) {
		snprintf(route, sizeof(route), "/%d", i);
		made_http(&d, true, "GET", route, 200);
		add(m, &d, 100);
	}
	request_metrics_counts(m, &c);
	assert_int_equal(c.nseries, 4);
	assert_int_equal(c.full, 4);
	made_http(&d, true, "GET", "/new", 200);
	add(m, &d, 100 + 3601);
	request_metrics_counts(m, &c);
	assert_int_equal(c.nseries, 3);
	assert_int_equal(c.full, 4);
	must_be(m, "traces_service_graph_request client=outside server=cart 1 0\n"
		   "traces_service_graph_request_server_seconds client=outside server=cart 1 0\n"
		   "http_server_request_duration_seconds service_name=other namespace=other pod=other "
		   "container=other http_request_method=other url_scheme=other http_route=other "
		   "http_response_status_code=other error_type=other 4 0\n" HTTP
		   "GET url_scheme=http http_route=/new http_response_status_code=200 1 0\n");
	request_metrics_free(m);
}

static void test_buckets(void **state)
{
	static const uint64_t ns[] = { 5000000, 5000001, 11 * NS_PER_SEC };
	struct request_metrics *m = metrics_new(0, 0);
	_cleanup_(rm_snapshot_free) struct rm_snapshot s = { 0 };
	struct made d;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		made_http(&d, true, "GET", "/x", 200);
		d.r.end.ns = d.r.start.ns + ns[i];
		add(m, &d, 1);
	}
	assert_int_equal(request_metrics_take(m, &s), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.series[2].bucket[0], 1); /* a bound is in its bucket */
	assert_int_equal(s.series[2].bucket[1], 1);
	assert_int_equal(s.series[2].bucket[14], 1);
	assert_int_equal(s.series[2].sum_ns, ns[0] + ns[1] + ns[2]);
	assert_int_equal(s.series[2].since.ns, d.r.start.ns);
	request_metrics_free(m);
}

/* Hostile texts: long, no UTF-8. */
static void test_hostile(void **state)
{
	struct request_metrics *m = metrics_new(0, 0);
	_cleanup_(rm_snapshot_free) struct rm_snapshot s = { 0 };
	char route[4096];
	struct made d;

	(void)state;
	memset(route, 0xff, sizeof(route) - 1);
	route[sizeof(route) - 1] = 0;
	made_http(&d, true, "GET", route, 200);
	add(m, &d, 1);
	route[200] = 'x';
	add(m, &d, 1);
	assert_int_equal(request_metrics_take(m, &s), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.values[s.series[2].value[6]].n, RM_VALUE_BYTES);
	assert_int_equal(s.values[s.series[2].value[6]].p[0], '?');
	request_metrics_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server),	cmocka_unit_test(test_clients),
		cmocka_unit_test(test_reading), cmocka_unit_test(test_edge_once),
		cmocka_unit_test(test_folded),	cmocka_unit_test(test_full),
		cmocka_unit_test(test_buckets), cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests_name("request metrics", tests, NULL, NULL);
}
