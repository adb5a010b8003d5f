#pragma once
/*
 * HTTP/1.1 for the laboratory's programs: requests without a body, one after the other on a connection.
 * The answer is a function's: what it writes to @body is the body, what it returns the status.
 */
#include "app.h"

typedef int (*http_answer_fn)(const char *path, char *body, size_t size);

struct http_service {
	int fd;
	http_answer_fn answer;
};

/* Up to the empty line; false when the peer is gone. */
static inline bool http_head(int fd, char *buf, size_t size)
{
	ssize_t got;

	for (size_t n = 0; n + 1 < size; n += (size_t)got) {
		got = recv(fd, buf + n, size - 1 - n, 0);
		if (got <= 0)
			return false;
		buf[n + (size_t)got] = '\0';
		if (strstr(buf, "\r\n\r\n"))
			return true;
	}
	return false;
}

static inline void *http_thread(void *arg)
{
	struct http_service s = *(struct http_service *)arg;
	char head[2048], path[512], body[1024], out[2048];

	free(arg);
	while (http_head(s.fd, head, sizeof(head)) && sscanf(head, "GET %511s", path) == 1) {
		int status, n;

		body[0] = '\0';
		status = s.answer(path, body, sizeof(body));
		n = snprintf(out, sizeof(out),
			     "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			     status, status < 400 ? "OK" : "Error", strlen(body), body);
		if (!move(s.fd, out, (size_t)n, true))
			break;
	}
	close(s.fd);
	return NULL;
}

/* For ever. */
static inline void http_serve(int port, http_answer_fn answer)
{
	int l = listen_on(port, 128), fd, one = 1;
	struct http_service *s;

	while ((fd = accept(l, NULL, NULL)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		s = malloc(sizeof(*s));
		*s = (struct http_service){ fd, answer };
		pthread_detach(thread_start(http_thread, s));
	}
	need(false, "accept");
}

/* One request; false when the peer is gone. An answer fits one buffer here. */
static inline bool http_get(int fd, const char *host, const char *path)
{
	char buf[2048], *body, *length;
	int n = snprintf(buf, sizeof(buf), "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n\r\n", path, host);
	size_t have, want;

	if (!move(fd, buf, (size_t)n, true) || !http_head(fd, buf, sizeof(buf)))
		return false;
	body = strstr(buf, "\r\n\r\n") + 4;
	length = strstr(buf, "Content-Length: ");
	want = length ? strtoul(length + 16, NULL, 10) : 0;
	have = strlen(body);
	return have >= want || (want - have < sizeof(buf) && move(fd, buf, want - have, false));
}
