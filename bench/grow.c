/*
 * A long capture from a short one: grow FROM TO RECORDS. The agent's own records (what was there at
 * the start) are written once, the kernel's again and again until there are RECORDS, each time
 * later by the length of the whole. A process that began within the capture begins anew each time;
 * one that was there before stays the same.
 *
 * Prints the number of records written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "probe/process/process.h"
#include "source/capture.h"

struct growth {
	const struct rec_hdr **records; /* the kernel's, in the capture's order */
	size_t n, room;
	uint64_t first_ns, last_ns;
	uint64_t shift_ns;
	uint64_t written;
};

static void fail(const char *what, int err)
{
	fprintf(stderr, "grow: %s: %s\n", what, strerror(-err));
	exit(1);
}

static bool from_kernel(const struct rec_hdr *h)
{
	return h->type <= REC_MODULE;
}

static void keep(struct growth *g, const struct rec_hdr *h)
{
	struct rec_hdr *copy = malloc(h->len);

	if (g->n == g->room) {
		g->room = g->room ? 2 * g->room : 4096;
		g->records = realloc(g->records, g->room * sizeof(*g->records));
	}
	if (!copy || !g->records)
		fail("memory", -ENOMEM);
	memcpy(copy, h, h->len);
	g->records[g->n++] = copy;
	if (!g->first_ns || h->time_ns < g->first_ns)
		g->first_ns = h->time_ns;
	if (h->time_ns > g->last_ns)
		g->last_ns = h->time_ns;
}

/* A start time within the capture moves with it. */
static void shift(const struct growth *g, __u64 *start_ns)
{
	if (*start_ns >= g->first_ns)
		*start_ns += g->shift_ns;
}

static void shift_task(const struct growth *g, struct rec_task *t)
{
	shift(g, &t->start_ns);
	shift(g, &t->parent_start_ns);
}

static void shift_record(const struct growth *g, struct rec_hdr *h)
{
	h->time_ns += g->shift_ns;
	shift(g, &h->start_ns);
	if (h->type == REC_FORK && h->len >= sizeof(struct rec_fork))
		shift_task(g, &((struct rec_fork *)h)->child);
	if (h->type == REC_EXEC && h->len >= sizeof(struct rec_exec))
		shift_task(g, &((struct rec_exec *)h)->task);
	if (h->type == REC_CGROUP && h->len >= sizeof(struct rec_cgroup))
		shift(g, &((struct rec_cgroup *)h)->task_start_ns);
}

static void write_once(const struct growth *g, struct capture_writer *to)
{
	static _Alignas(8) char room[REC_MAX];

	for (size_t i = 0; i < g->n; i++) {
		struct rec_hdr *h = (void *)room;
		int err;

		memcpy(h, g->records[i], g->records[i]->len);
		shift_record(g, h);
		err = capture_add(to, h);
		if (err)
			fail("writing", err);
	}
}

int main(int argc, char **argv)
{
	struct growth g = { 0 };
	struct kind_stats none[KIND_COUNT] = { 0 };
	const struct rec_hdr *h;
	struct capture_writer *to;
	struct source *from;
	const char *why;
	int err;

	if (argc != 4)
		return 2;
	err = capture_open(argv[1], &from, &why);
	if (err)
		fail(why, err);
	err = capture_create(argv[2], &from->host, &to);
	if (err)
		fail(argv[2], err);
	while ((err = source_next(from, &h)) > 0)
		if (from_kernel(h))
			keep(&g, h);
		else if ((err = capture_add(to, h)) != 0)
			break;
		else
			g.written++;
	if (err || !g.n)
		fail(argv[1], err ? err : -ENODATA);
	while (g.written < strtoull(argv[3], NULL, 10)) {
		write_once(&g, to);
		g.written += g.n;
		g.shift_ns += g.last_ns - g.first_ns + NS_PER_MS;
	}
	err = capture_end(to, none);
	if (err)
		fail("writing", err);
	printf("%llu %zu\n", (unsigned long long)g.written, g.n);
	source_close(from);
	return 0;
}
