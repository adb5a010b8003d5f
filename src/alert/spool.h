#pragma once
/*
 * A queue of alerts with several readers, bounded, on disk or in memory.
 *
 * Each priority has its own chain of segments (files of a 64th of the bound); readers merge them by
 * number, so order is kept over all priorities. A reader that has three quarters of the bound before
 * it loses the oldest segment of the least severe priority, the others do not; only when the whole
 * bound is reached (readers that are behind in different ways) it goes for all. What a reader loses
 * is counted, for it and by priority. A segment that all readers have passed is removed.
 *
 * On disk: PRIORITY-NUMBER.seg, NAME.pos (how far a reader is) and `lock` in a directory of mode
 * 0700. A new process reads what is there: torn and damaged records are given up and counted in
 * bytes, the rest is kept; a reader goes on behind the last alert it was done with, and one that was
 * never there before starts at the end. When the disk refuses a write the segment is kept in memory.
 *
 * What was appended survives the process at once, the machine's power once spool_sync was there: its
 * caller's thread does that once a second at most, so a power cut loses the last second. Positions
 * are not synced: alerts may come again.
 *
 * A reader of an earlier process that is none any more (a channel taken out of the configuration) keeps
 * its place for SPOOL_ABSENT_DAYS, within the bounds that all have; then it is given up, counted.
 *
 * Every function may be called from any thread, but one thread per reader, and readers are added
 * before the first append.
 */
#include "alert/alert.h"

#define SPOOL_READERS_MAX 8
#define SPOOL_BATCH	  64
#define SPOOL_BATCH_BYTES (256u << 10) /* no more alerts join a batch beyond this */
#define SPOOL_SEGMENTS	  512
#define SPOOL_ABSENT_DAYS 7
#define SPOOL_SYNC_MS	  1000
#define SPOOL_PARTS	  64 /* segments of a full spool */

struct spool;

struct spool_opts {
	const char *dir; /* NULL: memory */
	uint64_t max_bytes;
};

struct spool_alert {
	uint64_t seq;
	enum priority priority;
	struct wall_ns time;
	struct str rule, text, json;
	/* The spool's own. */
	uint64_t segment;
	uint32_t at, size;
};

struct spool_batch {
	struct spool_alert alerts[SPOOL_BATCH];
	size_t n;
	struct buf bytes;
};

struct spool_reader_stats {
	uint64_t pending;
	uint64_t dropped[PRIORITIES];
};

struct spool_stats {
	uint64_t bytes, max_bytes;
	uint64_t errors;  /* writes the disk refused */
	uint64_t damaged; /* bytes given up */
	uint64_t refused; /* alerts that no record can hold, or no memory */
	uint64_t absent;  /* alerts that wait for readers that are none any more */
	uint64_t expired; /* of those, given up after their time */
	uint64_t syncs, sync_errors;
};

/* 0; -EBUSY: another process has it; or -errno, with the reason appended to @why. */
int spool_open(const struct spool_opts *o, struct spool **ret, struct buf *why);

/* @name: plain characters. 0 with the reader's number, or -errno. */
int spool_reader(struct spool *s, const char *name, unsigned *ret);

/* After the last spool_reader: takes up the places of readers that are none any more. */
void spool_absent(struct spool *s);

/*
 * Waits until something is there that is not on the disk for good, and puts it there; then waits
 * SPOOL_SYNC_MS. Returns when *stop is set and spool_wake was called. For a thread of its own: the
 * spool is not locked while the disk works. Returns at once for a spool in memory.
 */
void spool_sync(struct spool *s, const atomic_bool *stop);

/* Wakes the readers. 0; -E2BIG or -ENOMEM (counted): it is not in. */
int spool_append(struct spool *s, const struct alert *a);

/*
 * Up to @max alerts from where the reader is, oldest first; they stay until spool_done. The batch
 * is the caller's, is used again, and ends with buf_free(&b->bytes).
 */
size_t spool_read(struct spool *s, unsigned reader, size_t max, struct spool_batch *b);

/* The first @n alerts of the batch need not come again. */
void spool_done(struct spool *s, unsigned reader, const struct spool_batch *b, size_t n);

/* Waits until there is something for @reader, *stop is set and spool_wake called, or the time is
 * over (0: no limit). */
void spool_wait(struct spool *s, unsigned reader, const atomic_bool *stop, uint32_t timeout_ms);
void spool_wake(struct spool *s);

void spool_reader_stats(struct spool *s, unsigned reader, struct spool_reader_stats *ret);
void spool_stats(struct spool *s, struct spool_stats *ret);

/* Keeps what is not read by all, on disk. NULL is fine. */
void spool_close(struct spool *s);
