/* The page of requests: golden lines, and the format by a small parser: names, labels, no series twice, buckets that grow. */
#include "out/prometheus/requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agg/request_testing.h"
#include "base/cleanup.h"

static void page_make(struct made *all, size_t n, struct buf *ret)
{
	_cleanup_(rm_snapshot_free) struct rm_snapshot s = { 0 };
	struct request_metrics *m;

	assert_int_equal(request_metrics_new(&(struct request_metrics_opts){ 0 }, &m), 0);
	for (size_t i = 0; i < n; i++) {
		struct sem_view v;

		sem_look(&all[i].ev, STR_NONE, &v);
		request_metrics_add(m, &v, all[i].ev.time);
	}
	assert_int_equal(request_metrics_take(m, &s), 0);
	requests_page(&s, ret);
	buf_char(ret, 0);
	assert_false(ret->failed);
	request_metrics_free(m);
}

static void must_have(const char *page, const char *line)
{
	if (!strstr(page, line))
		fail_msg("\"%s\" is not in:\n%s", line, page);
}

#define OF "{service_name=\"cart\",namespace=\"shop\",pod=\"cart-0\",container=\"web\","

static void test_golden(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct made d[2];

	(void)state;
	made_http(&d[0], true, "GET", "/a\"b\\\n", 200);
	made_http(&d[1], true, "GET", "/a\"b\\\n", 500);
	page_make(d, 2, &b);
	must_have(b.p,
		  "# HELP http_server_request_duration_seconds Duration of HTTP requests that were "
		  "served.\n# TYPE http_server_request_duration_seconds histogram\n");
	must_have(b.p, "\nhttp_server_request_duration_seconds_bucket" OF
		       "http_request_method=\"GET\",url_scheme=\"http\",http_route=\"/a\\\"b\\\\\\n\","
		       "http_response_status_code=\"200\",le=\"0.01\"} 0\n");
	must_have(b.p, "http_response_status_code=\"200\",le=\"0.025\"} 1\n");
	must_have(b.p, "http_response_status_code=\"200\",le=\"+Inf\"} 1\n");
	must_have(b.p, "http_response_status_code=\"200\"} 0.020000000\n");
	must_have(b.p, "# TYPE traces_service_graph_request_total counter\n"
		       "traces_service_graph_request_total{client=\"outside\",server=\"cart\"} 2\n");
	must_have(b.p,
		  "# TYPE traces_service_graph_request_failed_total counter\n"
		  "traces_service_graph_request_failed_total{client=\"outside\",server=\"cart\"} 1\n");
}

/* --- the parser --- */

static size_t name_length(const char *p)
{
	size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789");

	assert_true(n > 0 && !(*p >= '0' && *p <= '9'));
	return n;
}

/* Past name="value". */
static const char *label_parse(const char *p)
{
	p += name_length(p);
	assert_memory_equal(p, "=\"", 2);
	for (p += 2; *p != '"'; p++) {
		assert_true(*p && *p != '\n');
		if (*p == '\\') {
			p++;
			assert_true(*p == '\\' || *p == '"' || *p == 'n');
		}
	}
	return p + 1;
}

/* Past the labels; what is left is the value. */
static const char *sample_parse(const char *line)
{
	const char *p = line + name_length(line);

	assert_true(*p++ == '{');
	while (*p != '}') {
		p = label_parse(p);
		p += *p == ',' && p[1] != '}';
	}
	assert_true(p[1] == ' ');
	return p + 2;
}

static void lines_check(char *page)
{
	const char *seen[256];
	size_t n = 0;
	double before = -1;

	for (char *line = strtok(page, "\n"); line; line = strtok(NULL, "\n")) {
		const char *value;
		char *end;
		double v;

		if (*line == '#')
			continue;
		value = sample_parse(line);
		v = strtod(value, &end);
		assert_true(end > value && !*end);
		if (strstr(line, "_bucket{"))
			assert_true(v >= before);
		before = strstr(line, "_bucket{") && !strstr(line, "+Inf") ? v : -1;
		for (size_t i = 0; i < n; i++)
			assert_false(strncmp(seen[i], line, (size_t)(value - line)) == 0);
		assert_true(n < 256);
		seen[n++] = line;
	}
	assert_true(n > 50);
}

static void test_format(void **state)
{
	static const char *const others[] = { "grpc", "redis", "kafka", "dns" };
	_cleanup_(buf_free) struct buf b = { 0 };
	struct made d[7];

	(void)state;
	made_http(&d[0], true, "GET", "/a\"b\\\n\xff\xfe", 200);
	made_http(&d[1], false, "GET", "/{,}", 500);
	for (size_t i = 0; i < 4; i++)
		made_request(&d[2 + i], false, others[i]);
	made_request(&d[6], true, "grpc");
	page_make(d, 7, &b);
	for (size_t i = 0; i < sem_metrics_n; i++) {
		_cleanup_(buf_free) struct buf name = { 0 };

		sem_prom_name(&sem_metrics[i], &name);
		buf_char(&name, 0);
		must_have(b.p, name.p);
	}
	lines_check(b.p);
}

static void test_empty(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	page_make(NULL, 0, &b);
	assert_string_equal(b.p, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests_name("requests page", tests, NULL, NULL);
}
