/*
 * Bytes and exchanges a second through the reader and a parser, on one core: bench/l7 [seconds]
 *
 * A case is what one exchange sends in each direction, and how much of that is captured. Bytes count as they went over
 * the connection, heads and bodies. Prints GiB and thousands of exchanges a second. Another protocol is a line
 * in `cases`. Built against build/libporthole.a by whoever measures.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/reader.h"

#define BODY 2048

/* clang-format off */
#define GET \
	"GET /api/v1/shops/4711/orders?page=2&sort=date HTTP/1.1\r\nHost: shop.example.com\r\n" \
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" \
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n" \
	"Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCookie: session=0123456789abcdef\r\n" \
	"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n"
#define ANSWER \
	"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 30 Nov 2026 17:00:00 GMT\r\nContent-Type: application/json\r\n" \
	"Content-Length: 2048\r\nConnection: keep-alive\r\nETag: \"6745e5a3-800\"\r\nAccept-Ranges: bytes\r\n\r\n"
#define EMPTY "HTTP/1.1 204 No Content\r\nServer: nginx/1.22.1\r\nDate: Mon, 30 Nov 2026 17:00:00 GMT\r\n\r\n"

/* A call as grpc-go writes it from its second one on: everything but the time is in the tables. */
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
#define CALL \
	"\0\0\x26\1\4\0\0\0\1\x83\x86\x44\x0a/a.B/Hello\x41\x04shop\x5f\x10" "application/grpc" \
	"\0\0\x10\0\1\0\0\0\1\0\0\0\0\x0b" "hello world"
#define REPLY \
	"\0\0\1\1\4\0\0\0\1\x88\0\0\x10\0\0\0\0\0\1\0\0\0\0\x0b" "hello world\0\0\x0f\1\5\0\0\0\1\x00\x0bgrpc-status\x01" "0"

static const struct bench_case {
	const char *name, *proto;
	struct str begin, ask, answer;
	size_t body;	 /* bytes behind the answer */
	bool captured;	 /* these too */
	unsigned stream; /* where both frames' streams are counted up; 0: nowhere */
} cases[] = {
#define S(lit) { lit, sizeof(lit) - 1 }
	{ "keep-alive, 2 KiB bodies", "http", S(""), S(GET), S(ANSWER), BODY, true, 0 },
	{ "the same, heads captured", "http", S(""), S(GET), S(ANSWER), BODY, false, 0 },
	{ "heads alone", "http", S(""), S(GET), S(EMPTY), 0, true, 0 },
	{ "gRPC, unary", "http2", S(PREFACE), S(CALL), S(REPLY), 0, true, 1 },
};
/* clang-format on */

static uint64_t done_n;

static void done(void *ctx, struct window *w, struct exchange *x)
{
	(void)ctx;
	(void)w;
	done_n += x->req.ok == REQ_OK_YES;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The next stream in every frame of a message. */
static void streams_set(char *p, size_t n, uint32_t id)
{
	for (size_t at = 0; at + 9 <= n;) {
		const uint8_t *b = (const uint8_t *)p + at;

		p[at + 5] = (char)(id >> 24);
		p[at + 6] = (char)(id >> 16);
		p[at + 7] = (char)(id >> 8);
		p[at + 8] = (char)id;
		at += 9 + ((size_t)b[0] << 16 | (size_t)b[1] << 8 | b[2]);
	}
}

static void run(const struct bench_case *c, double seconds)
{
	struct readers env = { .held.max = 1u << 24, .pool.done = done };
	static char ask[4096], answer[8192];
	size_t seen = c->answer.n + c->body, captured = c->captured ? seen : c->answer.n;
	uint64_t n = 0;
	struct reader r;
	double begin = now(), end;

	memcpy(ask, c->ask.p, c->ask.n);
	memcpy(answer, c->answer.p, c->answer.n);
	memset(answer + c->answer.n, 'b', c->body);
	reader_init(&r, &env, NULL);
	if (reader_start(&r, proto_find(str_of(c->proto)), 0) != 0)
		exit(1);
	reader_feed_next(&r, 0, (uint32_t)c->begin.n, c->begin, (struct boot_ns){ 1 });
	done_n = 0;
	do {
		for (unsigned i = 0; i < 10000; i++) {
			struct boot_ns t = { ++n };

			if (c->stream) {
				streams_set(ask, c->ask.n, (uint32_t)n * 2 - 1);
				streams_set(answer, c->answer.n, (uint32_t)n * 2 - 1);
			}
			reader_feed_next(&r, 0, (uint32_t)c->ask.n, (struct str){ ask, c->ask.n }, t);
			reader_feed_next(&r, 1, (uint32_t)seen, (struct str){ answer, captured }, t);
		}
		end = now();
	} while (end - begin < seconds);
	if (done_n != n) {
		fprintf(stderr, "%s: %lu of %lu requests\n", c->name, (unsigned long)done_n,
			(unsigned long)n);
		exit(1);
	}
	printf("%-6s %-26s %6.2f GiB/s %8.0f thousand exchanges/s\n", c->proto, c->name,
	       (double)(c->ask.n + seen) * (double)n / (end - begin) / (1u << 30),
	       (double)n / (end - begin) / 1e3);
	reader_close(&r, (struct boot_ns){ n });
	exchange_pool_free(&env.pool);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 2;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		run(&cases[i], seconds);
	return 0;
}
