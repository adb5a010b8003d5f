/*
 * What a profile costs: SAMPLES stacks of DEPTH frames, STACKS of them different, added in random
 * order; frames are made before. Prints samples a second, bytes a node, and what each form takes.
 *
 *	cc -O2 -Isrc -D_GNU_SOURCE bench/profile.c build/libporthole.a -lz -o build/bench-profile
 *
 * Two shapes: "shared", stacks that branch as programs do (a child of 1 to 3 at each step), and
 * "apart", stacks that have only their first four frames in common, the worst that can come.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "out/profile_out.h"

#define SAMPLES 1000000
#define STACKS	100000
#define DEPTH	40
#define FRAMES	20000

static uint32_t stacks[STACKS][DEPTH]; /* leaf first */
static uint32_t seed = 1;

static uint32_t chance(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stacks_make(struct profile *p, int apart)
{
	uint32_t ids[FRAMES];

	for (uint32_t i = 0; i < FRAMES; i++) {
		char name[64];
		struct frame f = { .module = STR("/usr/lib/libexample.so.1"), .address = i * 16,
				   .kind = FRAME_NATIVE };

		f.function.n = (size_t)snprintf(name, sizeof(name), "example::function_%u(int)", i / 4);
		f.function.p = name;
		if (profile_frame(p, &f, &ids[i]))
			exit(1);
	}
	for (uint32_t s = 0; s < STACKS; s++) {
		uint64_t at = 0;

		for (int d = 0; d < DEPTH; d++) {
			uint32_t ways = apart ? (d < 4 ? 1 : FRAMES) : d % 3 == 2 ? 3 : 1;

			at = at * 31 + chance(ways) + (uint32_t)d * 7;
			stacks[s][DEPTH - 1 - d] = ids[at % FRAMES];
		}
	}
}

int main(void)
{
	for (int apart = 0; apart < 2; apart++) {
		struct profile_opts o = { .types = { { STR("samples"), STR("count") },
						     { STR("cpu"), STR("nanoseconds") } },
					  .ntypes = 2 };
		struct profile_label l = { STR("pod"), STR("shop/cart") };
		uint64_t values[2] = { 1, 10101010 };
		struct profile *p;
		size_t before, nnodes, nsamples, empty_nodes;
		uint32_t series;
		double t;

		if (profile_new(&o, &p) || profile_series(p, &l, 1, &series))
			return 1;
		stacks_make(p, apart);
		before = profile_stats(p).bytes;
		profile_nodes(p, &empty_nodes);
		t = now();
		for (int i = 0; i < SAMPLES; i++)
			if (profile_add(p, series, stacks[chance(STACKS)], DEPTH, values))
				return 1;
		t = now() - t;
		profile_nodes(p, &nnodes);
		profile_samples(p, &nsamples);
		printf("%s: %.2f M samples/s, %zu nodes, %zu stacks, %.1f bytes/node, %.1f MiB, "
		       "%llu folded\n",
		       apart ? "apart" : "shared", SAMPLES / t / 1e6, nnodes, nsamples,
		       (double)(profile_stats(p).bytes - before) / (double)(nnodes - empty_nodes),
		       (double)profile_stats(p).bytes / 1048576,
		       (unsigned long long)profile_stats(p).folded);
		for (const struct profile_out_ops *const *f = profile_outs; *f; f++) {
			struct profile_out_opts oo = { .view.type = 1 };
			struct buf b = { .max = 1u << 30 };
			int err;

			t = now();
			err = (*f)->render(p, &oo, &b);
			printf("  %-10s %6.0f ms %8.2f MiB%s\n", (*f)->name, (now() - t) * 1e3,
			       (double)b.n / 1048576, err ? " failed" : "");
			buf_free(&b);
		}
		profile_free(p);
	}
	return 0;
}
