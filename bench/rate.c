/*
 * HTTP requests at a fixed rate: rate PORT PATH RATE CONNECTIONS SECONDS [tls]. Each request has its moment, whether
 * the one before was answered or not; latency counts from that moment (no coordinated omission).
 *
 * Prints one line: answered, p50, p99, worst in microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS	1000000000ull
#define WAITING 256 /* requests due on one connection */

struct conn {
	int fd;
	SSL *tls; /* NULL: plain */
	uint64_t due[WAITING];
	unsigned head, n; /* of due; the first is on its way */
	size_t left;	  /* of its answer's body; head unseen: 0 */
	char in[65536];
};

static char ask[512];
static uint32_t *us;
static size_t answered, asked_max;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static void conn_ask(struct conn *c)
{
	ssize_t n = (ssize_t)strlen(ask);

	if ((c->tls ? SSL_write(c->tls, ask, (int)n) : write(c->fd, ask, (size_t)n)) != n)
		exit(1);
}

static void conn_done(struct conn *c)
{
	us[answered++] = (uint32_t)((now() - c->due[c->head]) / 1000);
	c->head = (c->head + 1) % WAITING;
	if (--c->n)
		conn_ask(c);
}

static void conn_read(struct conn *c)
{
	ssize_t n = c->tls ? SSL_read(c->tls, c->in, sizeof(c->in) - 1) :
			     read(c->fd, c->in, sizeof(c->in) - 1);
	char *body, *length;

	if (c->tls && n <= 0 && SSL_get_error(c->tls, (int)n) == SSL_ERROR_WANT_READ)
		return; /* a session ticket */
	if (n <= 0)
		exit(1);
	if (c->left) {
		c->left -= (size_t)n;
	} else {
		c->in[n] = '\0';
		body = strstr(c->in, "\r\n\r\n");
		length = strcasestr(c->in, "content-length:");
		if (!body || !length)
			exit(1);
		c->left = strtoul(length + 15, NULL, 10) - (size_t)(c->in + n - body - 4);
	}
	if (!c->left)
		conn_done(c);
}

static SSL *tls_connect(SSL_CTX *ctx, int fd)
{
	SSL *tls = SSL_new(ctx);

	if (!tls || SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1)
		exit(1);
	return tls;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	unsigned conns, i;
	uint64_t step, start, next, end;
	struct epoll_event ev[64];
	struct conn *c;
	int ep = epoll_create1(0);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (argc < 6 || !ctx)
		return 2;
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	to.sin_port = htons((uint16_t)atoi(argv[1]));
	snprintf(ask, sizeof(ask), "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", argv[2]);
	step = NS / strtoul(argv[3], NULL, 10);
	conns = (unsigned)atoi(argv[4]);
	asked_max = (size_t)(atof(argv[5]) * atof(argv[3])) + 16;
	us = calloc(asked_max + conns, sizeof(*us));
	c = calloc(conns, sizeof(*c));
	for (i = 0; i < conns; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };

		c[i].fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(c[i].fd, (struct sockaddr *)&to, sizeof(to)) != 0)
			return 1;
		if (argc > 6)
			c[i].tls = tls_connect(ctx, c[i].fd);
		epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e);
	}
	start = next = now();
	end = start + (uint64_t)(atof(argv[5]) * (double)NS);
	for (i = 0; next < end;) {
		uint64_t t = now();
		struct timespec wait = { 0, next > t ? (long)((next - t) % NS) : 0 };
		int n = epoll_pwait2(ep, ev, 64, &wait, NULL);

		for (int k = 0; k < n; k++)
			do
				conn_read(&c[ev[k].data.u32]);
			while (c[ev[k].data.u32].tls && SSL_pending(c[ev[k].data.u32].tls));
		for (t = now(); next <= t && next < end; next += step, i = (i + 1) % conns) {
			if (c[i].n == WAITING)
				continue;
			c[i].due[(c[i].head + c[i].n) % WAITING] = next;
			if (c[i].n++ == 0)
				conn_ask(&c[i]);
		}
	}
	qsort(us, answered, sizeof(*us), by_size);
	if (!answered)
		return 1;
	printf("%zu %u %u %u\n", answered, us[answered / 2], us[answered * 99 / 100], us[answered - 1]);
	return 0;
}
