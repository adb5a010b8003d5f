/* The HTTP side over loopback: pages, refusals, hostile requests, and its bounds. */
#include "api/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/cleanup.h"

struct answers {
	int metrics_err, health_err;
	size_t bytes;
};

static int metrics(void *ctx, struct buf *b)
{
	struct answers *a = ctx;

	for (size_t i = 0; i < a->bytes; i++)
		buf_char(b, 'm');
	return a->metrics_err;
}

static int health(void *ctx)
{
	return ((struct answers *)ctx)->health_err;
}

static struct answers answers;
static struct http *http;

static int setup(void **state)
{
	const struct http_opts o = { "127.0.0.1:0", metrics, health, &answers };
	struct buf why = { 0 };

	(void)state;
	return http_start(&o, &http, &why);
}

static int teardown(void **state)
{
	(void)state;
	http_stop(http);
	return 0;
}

static int connect_for(int ms)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(http_port(http)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval t = { ms / 1000, ms % 1000 * 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Sends, and reads to the end; how many bytes came. */
static size_t ask(const void *p, size_t n, int ms, char *ret, size_t size)
{
	_cleanup_(closep) int fd = connect_for(ms);
	size_t at = 0;
	ssize_t got;

	send(fd, p, n, MSG_NOSIGNAL);
	while (at < size - 1 && (got = recv(fd, ret + at, size - 1 - at, 0)) > 0)
		at += (size_t)got;
	ret[at] = '\0';
	return at;
}

static const char *get(const char *line)
{
	static char reply[8192];
	char request[512];
	int n = snprintf(request, sizeof(request),
			 "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", line);

	ask(request, (size_t)n, 10000, reply, sizeof(reply));
	return reply;
}

static bool has(const char *reply, const char *part)
{
	return strstr(reply, part) != NULL;
}

static void pages(void **state)
{
	(void)state;
	answers = (struct answers){ .bytes = 1000 };
	assert_true(has(get("GET /metrics"), "HTTP/1.1 200 "));
	assert_true(has(get("GET /metrics"),
			"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_true(has(get("GET /metrics"), "\r\n\r\nmmmm"));
	assert_true(has(get("GET /metrics?x=1"), "HTTP/1.1 200 "));
	assert_true(has(get("HEAD /metrics"), "Content-Length: 1000\r\n"));
	assert_false(has(get("HEAD /metrics"), "mmm"));
	assert_true(has(get("GET /healthz"), "\r\n\r\nok\n"));
	assert_true(has(get("GET /"), "HTTP/1.1 404 "));
	assert_true(has(get("GET /metrics/"), "HTTP/1.1 404 "));
	assert_true(has(get("GET /../etc/passwd"), "HTTP/1.1 404 "));
	assert_true(has(get("DELETE /metrics"), "HTTP/1.1 405 "));
	assert_true(has(get("DELETE /metrics"), "Allow: GET, HEAD\r\n"));
}

static void unwell(void **state)
{
	(void)state;
	answers = (struct answers){ -ETIMEDOUT, -ETIMEDOUT, 0 };
	assert_true(has(get("GET /metrics"), "HTTP/1.1 503 "));
	assert_true(has(get("GET /healthz"), "HTTP/1.1 503 "));
	answers = (struct answers){ .bytes = 5u << 20 }; /* more than a page may have */
	assert_true(has(get("GET /metrics"), "HTTP/1.1 503 "));
	answers = (struct answers){ .bytes = 10 };
}

static void hostile(void **state)
{
	static const struct str bad[] = {
		STR("\r\n\r\n\r\n"),
		STR("GET\r\n\r\n"),
		STR("GET /metrics HTTP/9.9\r\n\r\n"),
		STR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"),
		STR("GET /\0/metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
		STR("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
		STR("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
		STR("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
	};
	_cleanup_(freep) char *big = malloc(1u << 20);
	char reply[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		_cleanup_(closep) int fd = connect_for(200);

		send(fd, bad[i].p, bad[i].n, MSG_NOSIGNAL);
		shutdown(fd, SHUT_WR);
		while (recv(fd, reply, sizeof(reply), 0) > 0)
			continue;
	}
	assert_non_null(big);
	memset(big, 'a', 1u << 20);
	memcpy(big, "GET /", 5);
	ask(big, 1u << 20, 200, reply, sizeof(reply));
	memcpy(big, "GET /metrics HTTP/1.1\r\nX: ", 26);
	ask(big, 1u << 20, 200, reply, sizeof(reply));
	assert_true(has(get("GET /healthz"), "\r\n\r\nok\n"));
}

/* More connections than the maximum: the rest waits, and there is room again afterwards. */
static void crowded(void **state)
{
	int fds[HTTP_CONNECTIONS + HTTP_CONNECTIONS / 2];

	(void)state;
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		fds[i] = connect_for(1000);
		send(fds[i], "GET /me", 7, MSG_NOSIGNAL);
	}
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
	usleep(50000);
	assert_true(has(get("GET /healthz"), "\r\n\r\nok\n"));
}

static void addresses(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} good[] = { { "127.0.0.1:9876", "127.0.0.1", 9876 },
		     { "0.0.0.0:0", "0.0.0.0", 0 },
		     { "[::1]:80", "::1", 80 },
		     { "[fe80::1:2]:65535", "fe80::1:2", 65535 } };
	static const char *const bad[] = {
		"",	      ":",	    "127.0.0.1", "127.0.0.1:",	 "::1:80", "1.2.3:4",
		"[::1]",      "[::1:80",    "a:1",	 "127.0.0.1:-1", "[]:1",   "1.2.3.4:65536",
		"1.2.3.4:1x", "[1.2.3.4]:1"
	};
	struct str host;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(http_address(str_of(good[i].text), &host, &port));
		assert_true(str_eq(host, str_of(good[i].host)));
		assert_int_equal(port, good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (http_address(str_of(bad[i]), &host, &port))
			fail_msg("%s is taken", bad[i]);
}

static void busy_port(void **state)
{
	char address[32];
	const struct http_opts o = { address, metrics, health, &answers };
	_cleanup_(buf_free) struct buf why = { 0 };
	struct http *second = NULL;

	(void)state;
	snprintf(address, sizeof(address), "127.0.0.1:%u", http_port(http));
	assert_int_equal(http_start(&o, &second, &why), -EADDRINUSE);
	assert_null(second);
	assert_true(str_contains(buf_slice(&why), STR("Address already in use")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages),   cmocka_unit_test(unwell),	cmocka_unit_test(hostile),
		cmocka_unit_test(crowded), cmocka_unit_test(addresses), cmocka_unit_test(busy_port),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
