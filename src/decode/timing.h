#pragma once
/*
 * Where the time of requests went: what records of socket calls tell of their threads (rec_stream_times), from the
 * call that began an exchange to the one that ended it. Said only when one thread did both and had no other exchange
 * of the same side open meanwhile: what else it did is then part of serving this one (or of waiting for it).
 *
 * Threads that have something open are kept in a table, TIMING_THREADS at most; one that does not fit is told as not
 * seen, and counted. Nothing is allocated before the first record with times. One thread.
 */
#include "event/request.h"

struct rec_stream;
struct rec_stream_times;
struct timing;

#define TIMING_THREADS 16384

struct timing_mark {
	struct boot_ns time; /* 0: none */
	uint32_t tid;
	uint64_t ns[THREAD_STATE_COUNT];
};

/* *ret: what @r tells; only ret->time is set, to 0, when it tells no times. */
void timing_mark(const struct rec_stream *r, struct timing_mark *ret);

/* 0 or -ENOMEM. */
int timing_new(struct timing **ret);
void timing_free(struct timing *t);

/*
 * An exchange begins at @m. *ret->ns: the thread's times then, *ret_turn: to be given back. @side: 0 client, 1 server.
 * Without a mark (NULL) it is not seen.
 */
void timing_begin(struct timing *t, const struct timing_mark *m, unsigned side,
		  struct request_times *ret, uint64_t *ret_turn);

/* It is over at @m (NULL: no such call, or it was none). @times: as begun; becomes the difference, or why not. */
void timing_end(struct timing *t, const struct timing_mark *m, unsigned side,
		struct request_times *times, uint64_t turn);

/* Threads that found no room. */
uint64_t timing_full(const struct timing *t);
