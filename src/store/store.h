#pragma once
/*
 * Keeps rows on disk: a bounded queue, one thread that writes, slices that go when they are too
 * old or too many. Whoever puts rows never waits for the disk: a row that finds the queue full is
 * counted and gone.
 *
 *	pipeline: event -> row (store/row.h) -> queue     STORE_QUEUE_BYTES at most, twice
 *	thread:   queue -> one transaction for STORE_BATCH_MS or STORE_CHUNK_BYTES -> slice
 *	          new slice after slice_ns or a sixteenth of max_bytes; the oldest are unlinked
 *
 * Trouble (a full disk, no permission) costs the rows of that batch, counted, and the next slice is
 * tried STORE_RETRY_MS later. All slices together stay within max_bytes; they are a little smaller,
 * because room for the log of the next transaction is kept free.
 *
 * No logging here: who owns the store looks at store_stats.
 */
#include "store/table.h"

#define STORE_DIR	  "/var/lib/porthole/history"
#define STORE_QUEUE_BYTES (4u << 20)
#define STORE_CHUNK_BYTES (512u << 10) /* of rows in one transaction */
#define STORE_BATCH_MS	  500
#define STORE_RETRY_MS	  5000
#define STORE_SLICE_NS	  (600ull * 1000000000)
#define STORE_BYTES_MIN	  (16ull << 20)
#define STORE_WHY	  160

struct store_opts {
	const char *directory;
	uint64_t max_bytes; /* at least STORE_BYTES_MIN */
	uint64_t max_age_ns;
	uint64_t slice_ns;		   /* 0: STORE_SLICE_NS */
	size_t queue_bytes;		   /* 0: STORE_QUEUE_BYTES */
	const struct store_schema *schema; /* borrowed */
};

struct store_stats {
	uint64_t rows[STORE_TABLES]; /* written */
	uint64_t queue_full;	     /* rows lost: the thread did not keep up */
	uint64_t not_written;	     /* rows lost: the disk or the folder refused them */
	uint64_t cut;		     /* texts that were longer than is kept */
	uint64_t removed, bytes;     /* slices; of those that are there */
	int err;		     /* of the last batch, 0 or -errno */
	char why[STORE_WHY];	     /* what SQLite said of it */
};

struct store;

/* Makes the folder and looks whether files can be made in it. 0 or -errno. No thread yet. */
int store_open(const struct store_opts *o, struct store **ret);

/* After privileges are dropped. 0 or -errno. */
int store_start(struct store *st);

/* One thread. The event's fields are read; nothing is borrowed. */
void store_event(struct store *st, enum store_table_id table, const struct event *ev);

/* Any thread. @row: one that row_end finished. */
void store_row(struct store *st, struct str row);

void store_stats(struct store *st, struct store_stats *ret);

/* Writes what is queued and ends, but waits no longer than @wait_ms. False: that was too short, the
 * rest is lost and what the thread uses is left to the end of the process. */
bool store_close(struct store *st, uint32_t wait_ms);
