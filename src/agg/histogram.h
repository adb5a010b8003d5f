#pragma once
/*
 * How long things took, as counts in buckets that are 1/16 of a power of two wide: a percentile is off by at most
 * 1/32 (3.2 %) of itself, from 1 us to 18 minutes; below, by 32 ns; above, it says 18 minutes. `max_ns` and `total_ns`
 * are exact. 2 KiB each, plain data: zeroed is empty.
 */
#include <stdint.h>

#define HISTOGRAM_UNIT_BITS 6  /* of the smallest buckets: 64 ns */
#define HISTOGRAM_SUB_BITS  4  /* 16 buckets for each power of two */
#define HISTOGRAM_TOP_BITS  34 /* of a latency in units: 18 minutes */
#define HISTOGRAM_SUBS	    (1u << HISTOGRAM_SUB_BITS)
#define HISTOGRAM_BUCKETS   ((HISTOGRAM_TOP_BITS - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUBS)

struct histogram {
	uint64_t n, max_ns, total_ns;
	uint32_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *h, const struct histogram *from);

/* The value that @share (0 to 1) of all are not above; 0 when there are none. */
uint64_t histogram_percentile(const struct histogram *h, double share);
