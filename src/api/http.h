#pragma once
/*
 * The HTTP side: GET /metrics and /healthz on one address, nothing else. libmicrohttpd's own
 * thread; at most HTTP_CONNECTIONS at once, each ended after HTTP_TIMEOUT_S without progress.
 *
 * The callbacks run on that thread. http_start opens the socket before it returns, and the thread
 * has the capabilities the caller has then.
 */
#include "base/buf.h"

#define HTTP_CONNECTIONS      16
#define HTTP_CONNECTION_BYTES (16u << 10)
#define HTTP_TIMEOUT_S	      5

struct http;

struct http_opts {
	const char *address; /* "127.0.0.1:9876", "[::1]:9876"; port 0: any */
	/* Writes the page. 0 or -errno (the answer is 503 then). */
	int (*metrics)(void *ctx, struct buf *b);
	/* 0: the agent is well; -errno: it is not. */
	int (*health)(void *ctx);
	void *ctx;
};

/* 0 or -errno with the reason appended to @why. */
int http_start(const struct http_opts *o, struct http **ret, struct buf *why);

/* The port listened on. */
uint16_t http_port(const struct http *h);

/* Ends the thread; open connections are closed. */
void http_stop(struct http *h);

/* "127.0.0.1:80", "[::1]:80" to its parts; false when it is neither. @ret_host: without brackets. */
bool http_address(struct str text, struct str *ret_host, uint16_t *ret_port);
