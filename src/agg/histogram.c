/* Buckets by the highest bits of a value. */
#include "agg/histogram.h"

#define UNIT_BITS HISTOGRAM_UNIT_BITS
#define SUB_BITS  HISTOGRAM_SUB_BITS
#define TOP_BITS  HISTOGRAM_TOP_BITS
#define SUBS	  HISTOGRAM_SUBS
#define BUCKETS	  HISTOGRAM_BUCKETS

static uint32_t bucket_of(uint64_t ns)
{
	uint64_t u = ns >> UNIT_BITS;
	unsigned power;

	if (u < SUBS)
		return (uint32_t)u;
	power = 63 - (unsigned)__builtin_clzll(u);
	if (power >= TOP_BITS)
		return BUCKETS - 1;
	return (power - SUB_BITS + 1) * SUBS + (uint32_t)(u >> (power - SUB_BITS) & (SUBS - 1));
}

/* The middle of the bucket. */
static uint64_t bucket_ns(uint32_t i)
{
	uint64_t low, width;

	if (i < SUBS)
		return ((uint64_t)i << UNIT_BITS) + (1u << UNIT_BITS) / 2;
	width = 1ull << (i / SUBS - 1 + UNIT_BITS);
	low = (SUBS + (i & (SUBS - 1))) * width;
	return low + width / 2;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->n++;
	h->total_ns += ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
	h->bucket[bucket_of(ns)]++;
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
	h->n += from->n;
	h->total_ns += from->total_ns;
	if (from->max_ns > h->max_ns)
		h->max_ns = from->max_ns;
	for (uint32_t i = 0; i < BUCKETS; i++)
		h->bucket[i] += from->bucket[i];
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
	uint64_t want = (uint64_t)(share * (double)h->n + 0.999999), seen, ns;
	uint32_t i = 0;

	if (!h->n)
		return 0;
	for (seen = h->bucket[0]; i < BUCKETS - 1 && seen < want; seen += h->bucket[i])
		i++;
	ns = bucket_ns(i);
	return ns < h->max_ns ? ns : h->max_ns;
}
