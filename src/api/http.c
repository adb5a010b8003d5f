/*
 * Two pages on libmicrohttpd's own select thread. Requests carry no body we would read: one with a
 * body is answered and its bytes are dropped by the library, within its time limit.
 */
#include "api/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define PAGE_BYTES_MAX (4u << 20)

struct http {
	struct http_opts opts;
	struct MHD_Daemon *daemon;
	uint16_t port;
};

bool http_address(struct str text, struct str *ret_host, uint16_t *ret_port)
{
	const char *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
	struct str host, port;
	uint32_t v = 0;
	char name[INET6_ADDRSTRLEN + 1];
	struct in6_addr in;
	bool six;

	if (!colon)
		return false;
	host = (struct str){ text.p, (size_t)(colon - text.p) };
	port = str_skip(text, host.n + 1);
	six = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	if (six)
		host = (struct str){ host.p + 1, host.n - 2 };
	if (port.n == 0 || port.n > 5 || host.n >= sizeof(name))
		return false;
	for (size_t i = 0; i < port.n; i++) {
		if (port.p[i] < '0' || port.p[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(port.p[i] - '0');
	}
	memcpy(name, host.p, host.n);
	name[host.n] = '\0';
	if (v > UINT16_MAX || memchr(host.p, '\0', host.n) ||
	    inet_pton(six ? AF_INET6 : AF_INET, name, &in) != 1)
		return false;
	*ret_host = host;
	*ret_port = (uint16_t)v;
	return true;
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type,
			      const void *body, size_t n)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(n, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ok = MHD_NO;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned status, const char *text)
{
	return answer(c, status, "text/plain; charset=utf-8", text, strlen(text));
}

static enum MHD_Result metrics_answer(struct http *h, struct MHD_Connection *c)
{
	_cleanup_(buf_free) struct buf b = { .max = PAGE_BYTES_MAX };

	if (h->opts.metrics(h->opts.ctx, &b) != 0 || b.failed)
		return answer_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no metrics now\n");
	return answer(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", b.p, b.n);
}

static enum MHD_Result health_answer(struct http *h, struct MHD_Connection *c)
{
	if (h->opts.health(h->opts.ctx) != 0)
		return answer_text(c, MHD_HTTP_SERVICE_UNAVAILABLE,
				   "the main loop does not answer\n");
	return answer_text(c, MHD_HTTP_OK, "ok\n");
}

static const struct {
	const char *path;
	enum MHD_Result (*answer)(struct http *h, struct MHD_Connection *c);
} pages[] = {
	{ "/metrics", metrics_answer },
	{ "/healthz", health_answer },
};

/* Called once at the headers (*@state NULL), then for the body, then at its end. */
static enum MHD_Result request(void *ctx, struct MHD_Connection *c, const char *url,
			       const char *method, const char *version, const char *body,
			       size_t *body_n, void **state)
{
	static int seen;
	struct http *h = ctx;

	(void)version;
	(void)body;
	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*body_n) {
		*body_n = 0;
		return MHD_YES;
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(url, pages[i].path) == 0)
			return pages[i].answer(h, c);
	return answer_text(c, MHD_HTTP_NOT_FOUND, "there are /metrics and /healthz\n");
}

/* The library's own complaints about clients are of no use to anybody. */
static void no_log(void *ctx, const char *fmt, va_list ap)
{
	(void)ctx;
	(void)fmt;
	(void)ap;
}

static int listen_at(struct str host, uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_storage to = { 0 };
	struct sockaddr_in *four = (struct sockaddr_in *)&to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&to;
	bool is_six = memchr(host.p, ':', host.n) != NULL;
	_cleanup_(closep) int fd = -1;
	char name[INET6_ADDRSTRLEN + 1] = "";
	socklen_t n = is_six ? sizeof(*six) : sizeof(*four);
	int one = 1;

	memcpy(name, host.p, host.n);
	to.ss_family = is_six ? AF_INET6 : AF_INET;
	four->sin_port = htons(port); /* at the same place in both */
	inet_pton(to.ss_family, name, is_six ? (void *)&six->sin6_addr : (void *)&four->sin_addr);
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&to, n) != 0 || listen(fd, HTTP_CONNECTIONS) != 0)
		return -errno;
	n = sizeof(to);
	if (getsockname(fd, (struct sockaddr *)&to, &n) != 0)
		return -errno;
	*ret_port = ntohs(four->sin_port);
	return take_fd(&fd);
}

int http_start(const struct http_opts *o, struct http **ret, struct buf *why)
{
	_cleanup_(freep) struct http *h = calloc(1, sizeof(*h));
	_cleanup_(closep) int fd = -1;
	struct str host;
	uint16_t port;

	if (!h)
		return -ENOMEM;
	if (!http_address(str_of(o->address), &host, &port)) {
		buf_printf(why, "\"%s\" is not an address and a port", o->address);
		return -EINVAL;
	}
	h->opts = *o;
	fd = listen_at(host, port, &h->port);
	if (fd < 0) {
		buf_printf(why, "listening on %s: %s", o->address, strerror(-fd));
		return fd;
	}
	h->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		request, h, MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_TIMEOUT_S, MHD_OPTION_END);
	if (!h->daemon) {
		buf_printf(why, "serving on %s: no thread or no memory", o->address);
		return -EAGAIN;
	}
	take_fd(&fd); /* the daemon closes it */
	*ret = take_ptr(h);
	return 0;
}

uint16_t http_port(const struct http *h)
{
	return h->port;
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->daemon);
	free(h);
}
