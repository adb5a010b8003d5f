#pragma once
/*
 * The kernel's counters per cgroup and kind (map cg_count, wire/ctl.h), read as a whole and summed
 * over CPUs: by batches where the kernel has them (5.6), else key by key. Values only grow, until
 * counters_delete. One owner, one thread; memory for at most CG_COUNT_ENTRIES entries.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/ctl.h"

struct counter {
	struct cg_key key;
	struct cg_val sum;
};

struct counters {
	int fd; /* of the map, borrowed */
	int ncpus;
	bool no_batch;
	struct cg_key *keys;   /* one batch */
	struct cg_val *values; /* batch * ncpus */
	uint32_t batch;
	struct counter *all;
	size_t n, cap;
};

/* 0 or -errno. */
int counters_open(int fd, struct counters *ret);
void counters_close(struct counters *c);

/* Fills c->all and c->n anew. 0 or -errno; what was read before is gone then. */
int counters_read(struct counters *c);

/* 0 or -errno. */
int counters_delete(struct counters *c, const struct cg_key *key);
