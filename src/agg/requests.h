#pragma once
/*
 * Requests counted by key: how many, how many failed, how long they took. A key is text that the caller makes (its
 * columns joined by tabs).
 *
 * Percentiles are those of agg/histogram.h: within 3.2 %. `max` is exact.
 *
 * At most TALLY_KEYS keys; requests of others are counted together under the key "other". 2 KiB a key. One thread.
 */
#include "base/str.h"

#define TALLY_KEYS 4096

struct tally;

struct tally_request {
	bool failed;	 /* the protocol says that it did not go well */
	bool unanswered; /* likewise a failure, in its own column */
	bool timed;	 /* latency_ns is there */
	uint64_t latency_ns, request_bytes, response_bytes;
};

struct tally_row {
	struct str key;
	uint64_t n, failed, unanswered, timed;
	uint64_t p50_ns, p90_ns, p99_ns, max_ns; /* 0 when none was timed */
	uint64_t total_ns, request_bytes, response_bytes;
};

enum tally_sort {
	TALLY_BY_COUNT,
	TALLY_BY_FAILED, /* unanswered ones too */
	TALLY_BY_P50,
	TALLY_BY_P99,
	TALLY_BY_TIME, /* all latencies together */
	TALLY_BY_KEY,
};

/* 0 or -ENOMEM. */
int tally_new(struct tally **ret);
void tally_free(struct tally *t);

/* 0, or -ENOMEM and nothing was counted. */
int tally_add(struct tally *t, struct str key, const struct tally_request *r);

/* Adds all that @from has. 0 or -ENOMEM. */
int tally_merge(struct tally *t, const struct tally *from);

/* Forgets all keys. */
void tally_clear(struct tally *t);

/* Requests that were counted under "other". */
uint64_t tally_other(const struct tally *t);

/* Sorted, largest first (keys: smallest). Valid until @t changes. Returns how many, or -ENOMEM. */
long tally_rows(struct tally *t, enum tally_sort sort, const struct tally_row **ret);

/* "count", "failed", "p50", "p99", "time", "key". */
bool tally_sort_parse(const char *word, enum tally_sort *ret);
