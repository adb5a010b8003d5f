#pragma once
/*
 * Requests as metrics: histograms of durations by the attributes that agg/semconv.h names, and the edges of the service
 * graph. Values since the start; they only grow.
 *
 * Bounds. Each attribute has at most `values` different values: further ones are counted as "other". There are at most
 * `series` series; a request that would need one more is counted in its metric's series whose attributes are all
 * "other". Both are told (`folded`, `full`). When room is wanted, series that nothing was counted in for an hour go,
 * and the values that nobody has then. A value is at most RM_VALUE_BYTES bytes of UTF-8; longer ones are cut.
 *
 * request_metrics_add is for one thread (the pipeline's); a snapshot may be taken by any other: a short lock guards the
 * tables while it is copied. What was taken belongs to who took it.
 */
#include "agg/semconv.h"

#define RM_VALUE_BYTES 128
#define RM_LABELS      (SEM_OWNER_ATTRS + SEM_ATTRS_MAX)
#define RM_IDLE_NS     (3600 * NS_PER_SEC)
#define RM_SWEEP_NS    (60 * NS_PER_SEC)
#define RM_ABSENT      0u /* numbers of values */
#define RM_OTHER       1u

struct request_metrics;

struct request_metrics_opts {
	uint32_t series; /* 0: 2000 */
	uint32_t values; /* of each attribute; 0: 200; at most 2000 */
};

struct rm_series {
	uint8_t metric;	 /* place in sem_metrics */
	uint8_t nlabels; /* the resource's first, unless of SEM_GRAPH; then the metric's */
	uint16_t value[RM_LABELS]; /* numbers of values; RM_ABSENT: the label is not there */
	uint64_t n, failed, sum_ns;
	uint64_t bucket[SEM_BOUNDS_MAX + 1]; /* each on its own; sum_ns and these: not of counters */
	struct boot_ns since,
		last; /* first and last counting; a series that went and came back is new */
};

struct rm_counts {
	uint64_t requests; /* that came */
	uint64_t unknown;  /* of protocols without a metric */
	uint64_t folded;   /* values counted as "other" */
	uint64_t full;	   /* countings beyond the series */
	uint64_t nseries, nvalues;
};

/* A copy, sorted by owner, then metric. */
struct rm_snapshot {
	struct rm_series *series;
	size_t n;
	struct str *values; /* by number; in `text` */
	char *text;
	struct rm_counts counts;
};

/* 0 or -ENOMEM. */
int request_metrics_new(const struct request_metrics_opts *o, struct request_metrics **ret);
void request_metrics_free(struct request_metrics *m);

/* Of an event of kind request; @now: for what is idle. */
void request_metrics_add(struct request_metrics *m, struct sem_view *v, struct boot_ns now);

void request_metrics_counts(struct request_metrics *m, struct rm_counts *ret);

/* 0 or -ENOMEM. */
int request_metrics_take(struct request_metrics *m, struct rm_snapshot *ret);
void rm_snapshot_free(struct rm_snapshot *s);

/* The attribute that label @i of a series is. */
enum sem_attr rm_label(const struct rm_series *s, size_t i);
