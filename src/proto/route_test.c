/* Paths as services have them, and what is left of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include "base/guard_test.h"
#include "proto/route.h"

/* clang-format off */
static const struct { const char *path, *route; } cases[] = {
	{ "/", "/" },
	{ "", "" },
	{ "*", "*" },
	{ "//", "//" },
	{ "/healthz", "/healthz" },
	{ "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/pods" },
	{ "/apis/apps/v1beta1/deployments", "/apis/apps/v1beta1/deployments" },
	{ "/v2.1/search", "/v2.1/search" },
	{ "/users/1", "/users/{id}" },
	{ "/users/12345/orders/678", "/users/{id}/orders/{id}" },
	{ "/users/alice", "/users/alice" },
	{ "/users/-5", "/users/{id}" },
	{ "/geo/52.5200/13.4050", "/geo/{id}/{id}" },
	{ "/users/550e8400-e29b-41d4-a716-446655440000", "/users/{uuid}" },
	{ "/users/550E8400-E29B-41D4-A716-446655440000/edit", "/users/{uuid}/edit" },
	{ "/commits/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/commits/{hash}" },
	{ "/commits/da39a3e", "/commits/{hash}" },
	{ "/facade/decade", "/facade/decade" },
	{ "/tx/0x5af3", "/tx/{hash}" },
	{ "/documents/507f1f77bcf86cd799439011", "/documents/{hash}" },
	{ "/reports/2024-01-31", "/reports/{date}" },
	{ "/reports/2024/01/31", "/reports/{id}/{id}/{id}" },
	{ "/reports/2024-01-31T10:00:00Z", "/reports/{date}" },
	{ "/users/alice@example.com/avatar", "/users/{email}/avatar" },
	{ "/users/alice%40example.com", "/users/{email}" },
	{ "/nodes/10.0.0.17/stats", "/nodes/{ip}/stats" },
	{ "/nodes/fe80::1", "/nodes/{ip}" },
	{ "/orders/order-12345", "/orders/order-{id}" },
	{ "/orders/ord_998877.json", "/orders/ord_{id}.json" },
	{ "/pages/page12.html", "/pages/page12.html" },
	{ "/pages/page1234.html", "/pages/page{id}.html" },
	{ "/static/app.3f2a1b9c.js", "/static/app.{hash}.js" },
	{ "/static/css/main.min.css", "/static/css/main.min.css" },
	{ "/static/Roboto-Regular.woff2", "/static/Roboto-Regular.woff2" },
	{ "/img/logo@2x.png", "/img/logo@2x.png" },
	{ "/blog/how-to-trace-everything", "/blog/{slug}" },
	{ "/sign-in", "/sign-in" },
	{ "/opentelemetry.proto.collector.trace.v1.TraceService/Export", "/opentelemetry.proto.collector.trace.v1.TraceService/Export" },
	{ "/helloworld.Greeter/SayHello", "/helloworld.Greeter/SayHello" },
	{ "/auth/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0", "/auth/{token}" },
	{ "/s/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/s/{token}" },
	{ "/s/V1StGXR8_Z5jdHi6B-myT", "/s/{token}" },
	{ "/watch/dQw4w9WgXcQ", "/watch/dQw4w9WgXcQ" },
	{ "/files/Q2hhcnMgYW5kIGJ5dGVzIGFyZQ", "/files/{token}" },
	{ "/shop;jsessionid=1A2B3C4D/cart", "/shop/cart" },
	{ "/search/caf%C3%A9", "/search/{text}" },
	{ "/wiki/caf\xc3\xa9", "/wiki/{text}" },
	{ "/buckets/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "/buckets/{hash}" },
	{ "/buckets/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "/buckets/{text}" },
	{ "/_cluster/health", "/_cluster/health" },
	{ "/index-2024.01.31/_search", "/index-{id}.{id}.{id}/_search" },
	{ "/logstash-prod/_doc/AVx1yzQ2aGk4m9TnPq0w", "/logstash-prod/_doc/{token}" },
	{ "/odata/Products(42)", "/odata/Products({id})" },
	{ "/wp-content/uploads/2019/05/photo-1024x768.jpg", "/wp-content/uploads/{id}/{id}/photo-1024x768.jpg" },
	{ "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o", "/a/b/c/d/e/f/g/h/i/j/k/l/*" },
	{ "/../../etc/passwd", "/../../etc/passwd" },
	{ "example.com:443", "example.com:{id}" },
};
/* clang-format on */

static void test_cases(void **state)
{
	char route[ROUTE_MAX];
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct str got = { route, route_fold(str_of(cases[i].path), route) };

		if (!str_eq(got, str_of(cases[i].route))) {
			print_error("%s: %.*s and not %s\n", cases[i].path, STR_ARG(got),
				    cases[i].route);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* Any path, of any length: bounded, and nothing behind it is read. */
static void test_any(void **state)
{
	static const char from[] = "/ab01.-_;%@:F\xff";
	struct guard g = guard_make();
	uint8_t path[700];
	char route[ROUTE_MAX];
	uint32_t x = 1;

	(void)state;
	for (int turn = 0; turn < 20000; turn++) {
		size_t n = (size_t)turn % sizeof(path);

		for (size_t i = 0; i < n; i++) {
			x = x * 1664525 + 1013904223;
			path[i] = (uint8_t)from[(x >> 16) % (sizeof(from) - 1)];
		}
		assert_true(route_fold((struct str){ (const void *)guard_put(&g, path, n), n },
				       route) <= ROUTE_MAX);
	}
	guard_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_any) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
