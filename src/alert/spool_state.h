#pragma once
/*
 * Inside a spool: a chain of segments for each priority, readers with a place in each chain.
 * Everything is under `lock`, but what does not change after opening. Internal to alert/spool*.
 */
#include <pthread.h>

#include "alert/segment.h"
#include "alert/spool.h"

struct head {
	struct segment *segment; /* NULL: nothing of this priority yet */
	uint64_t at;
	uint32_t read; /* records before it in the segment */
};

struct reader {
	struct head heads[PRIORITIES];
	uint64_t position; /* done up to this number */
	uint64_t bytes;	   /* of what it has before it */
	int fd;		   /* of its position file, -1: none */
	bool absent;	   /* nobody reads: only its place is kept */
	struct spool_reader_stats stats;
};

struct chain {
	struct segment *first, *last;
};

struct spool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	int dir, lock_fd; /* -1: in memory */
	uint64_t segment_bytes, reader_max, next;
	unsigned segments;
	struct chain chains[PRIORITIES];
	struct reader readers[SPOOL_READERS_MAX];
	unsigned nreaders;
	bool unsynced;	   /* some segment is */
	struct buf record; /* scratch */
	struct spool_stats stats;
};

/* Adds a segment; readers that had none of its priority begin with it. */
void chain_add(struct spool *s, struct segment *g);

/* Removes what all have read, but not the segment that is written to. */
void chain_clean(struct spool *s, unsigned p);
bool segment_passed(const struct spool *s, const struct segment *g);

/* The head of the record at a reader's place; false when there is none. */
bool head_read(struct head *h, struct record_head *ret);
void head_advance(struct head *h, uint64_t size);
void position_write(struct reader *r);
