/*
 * Redis messages a second through the reader and the parser, on one core: bench/resp [seconds]
 *
 * "single": SET and GET with their answers, a record each, as clients without pipelines speak. "pipeline": sixteen
 * commands in a record, then their answers. A message is a command or an answer. Prints millions a second.
 * Built against build/libporthole.a by whoever measures.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/reader.h"

#define PIPELINE 16

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

static void run(const char *name, double seconds, unsigned each)
{
	static const char set[] = "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000123456\r\n$3\r\nVXK\r\n";
	static const char get[] = "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000123456\r\n";
	static const char answers[] = "+OK\r\n$3\r\nVXK\r\n";
	struct readers env = { .held.max = 1u << 24, .pool.done = done };
	char ask[PIPELINE * sizeof(set)], answer[PIPELINE * sizeof(answers)];
	size_t asks = 0, n = 0;
	uint64_t messages = 0;
	struct reader r;
	double begin = now(), end;

	for (unsigned i = 0; i < each; i++) {
		const char *a = i & 1 ? get : set;
		const char *b = i & 1 ? answers + 5 : answers;
		size_t a_n = i & 1 ? sizeof(get) - 1 : sizeof(set) - 1, b_n = i & 1 ? 9 : 5;

		memcpy(ask + asks, a, a_n);
		memcpy(answer + n, b, b_n);
		asks += a_n;
		n += b_n;
	}
	reader_init(&r, &env, NULL);
	if (reader_start(&r, proto_find(STR("redis")), 0) != 0)
		exit(1);
	done_n = 0;
	do {
		for (unsigned i = 0; i < 10000; i++) {
			struct boot_ns t = { ++messages };

			reader_feed_next(&r, 0, (uint32_t)asks, (struct str){ ask, asks }, t);
			reader_feed_next(&r, 1, (uint32_t)n, (struct str){ answer, n }, t);
		}
		end = now();
	} while (end - begin < seconds);
	if (done_n != messages * each) {
		fprintf(stderr, "%s: %lu of %lu requests\n", name, (unsigned long)done_n,
			(unsigned long)(messages * each));
		exit(1);
	}
	printf("redis %-9s %6.2f million messages/s\n", name,
	       2.0 * (double)done_n / (end - begin) / 1e6);
	reader_close(&r, (struct boot_ns){ messages });
	exchange_pool_free(&env.pool);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 2;

	run("single", seconds, 1);
	run("pipeline", seconds, PIPELINE);
	return 0;
}
