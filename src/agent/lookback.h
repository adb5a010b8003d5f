#pragma once
/*
 * Look-back: the last seconds of records are kept in memory, and around an alert they are written
 * as a capture that --replay opens, with the processes, cgroups, containers and cluster objects
 * that its records speak of.
 *
 * A capture covers `window` before its alert and `after` behind it; it is written in one piece when
 * that time is over (or at the end of the run) by a thread of its own. Alerts that come meanwhile
 * share it. What is kept are the records that came out of the kernel: what its filters drop is not
 * there. A process that ran another program earlier in the window is shown with its last one until
 * its exec record.
 *
 * Bounded: memory (the oldest records go first, counted), captures per hour, bytes on disk (the
 * oldest captures are removed). All functions but the thread are the pipeline thread's.
 */
#include "enrich/enrich.h"
#include "rule/rule.h"

#define LOOKBACK_NAME 256

struct lookback_opts {
	uint64_t window_ns, after_ns;
	uint64_t memory_bytes, disk_bytes;
	const char *directory; /* made when it is not there */
	uint32_t per_hour;
	bool marked_only; /* rules with capture: true */
};

struct lookback_stats {
	uint64_t captures, failed; /* written; could not be */
	uint64_t limited; /* alerts without one: too many this hour, or the writer was busy */
	uint64_t cut;	  /* captures whose window was longer than the memory */
	uint64_t removed; /* old ones, for room on disk */
	int last_error;	  /* -errno of the last failure */
};

struct lookback;

/* 0 or -errno (of making the directory). */
int lookback_new(const struct lookback_opts *o, const struct event_host *host, struct lookback **ret);

/* Every record, after its events. */
void lookback_record(struct lookback *l, const struct rec_hdr *h);

/*
 * An alert of @r at @now. True: a capture of it will be there, under the name (no directory) put
 * into @ret_name.
 */
bool lookback_alert(struct lookback *l, const struct rule *r, struct boot_ns now,
		    char ret_name[LOOKBACK_NAME]);

/* After each batch: writes what is due. */
void lookback_turn(struct lookback *l, struct enrich *e, struct boot_ns now);

/* Writes what is pending, waits for it, and frees. */
void lookback_close(struct lookback *l, struct enrich *e);

struct lookback_stats lookback_stats(const struct lookback *l);
