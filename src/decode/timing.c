/*
 * The table of threads: open addressing, each at one of WAYS places. A thread with nothing open may be overwritten.
 */
#include "decode/timing.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "probe/stream/data.h"
#include "probe/stream/stream.h"

#define WAYS 8

/* Of one thread and side: how many it began, and how many of them are open. */
struct count {
	uint64_t begun;
	uint32_t open;
	uint32_t tid; /* 0: free */
};

struct timing {
	uint64_t full;
	struct count count[2][TIMING_THREADS];
};

void timing_mark(const struct rec_stream *r, struct timing_mark *ret)
{
	const struct rec_stream_times *t = stream_times(&r->hdr);

	ret->time.ns = 0;
	if (!t || !r->hdr.tid)
		return;
	ret->time.ns = r->hdr.time_ns;
	ret->tid = r->hdr.tid;
	memcpy(ret->ns, t->ns, sizeof(ret->ns));
}

int timing_new(struct timing **ret)
{
	struct timing *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	*ret = t;
	return 0;
}

void timing_free(struct timing *t)
{
	free(t);
}

uint64_t timing_full(const struct timing *t)
{
	return t->full;
}

/* @make: a free place, or one with nothing open, when it is not there. */
static struct count *count_find(struct timing *t, unsigned side, uint32_t tid, bool make)
{
	size_t at = hash_u64(tid) & (TIMING_THREADS - 1);
	struct count *room = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct count *c = &t->count[side][(at + i) & (TIMING_THREADS - 1)];

		if (c->tid == tid)
			return c;
		if (!room && !c->open)
			room = c;
	}
	if (!make)
		return NULL;
	if (!room) {
		t->full++;
		return NULL;
	}
	*room = (struct count){ .tid = tid };
	return room;
}

void timing_begin(struct timing *t, const struct timing_mark *m, unsigned side,
		  struct request_times *ret, uint64_t *ret_turn)
{
	struct count *c = m ? count_find(t, side & 1, m->tid, true) : NULL;

	*ret = (struct request_times){ .why = TIMES_NOT_SEEN };
	*ret_turn = 0;
	if (!c)
		return;
	ret->tid = m->tid;
	ret->why = c->open ? TIMES_SHARED : TIMES_KNOWN;
	memcpy(ret->ns, m->ns, sizeof(ret->ns));
	c->open++;
	*ret_turn = ++c->begun;
}

static enum request_times_why why_not(const struct request_times *times, const struct count *c,
				      const struct timing_mark *m, uint64_t turn)
{
	if (times->why != TIMES_KNOWN)
		return times->why;
	if (!c || c->begun != turn)
		return TIMES_SHARED;
	if (!m)
		return TIMES_NOT_SEEN;
	if (m->tid != times->tid)
		return TIMES_THREADS;
	for (size_t i = 0; i < THREAD_STATE_COUNT; i++)
		if (m->ns[i] < times->ns[i])
			return TIMES_NOT_SEEN; /* another thread of that number */
	return TIMES_KNOWN;
}

void timing_end(struct timing *t, const struct timing_mark *m, unsigned side,
		struct request_times *times, uint64_t turn)
{
	struct count *c = turn ? count_find(t, side & 1, times->tid, false) : NULL;

	times->why = why_not(times, c, m, turn);
	for (size_t i = 0; i < THREAD_STATE_COUNT; i++)
		times->ns[i] = times->why == TIMES_KNOWN ? m->ns[i] - times->ns[i] : 0;
	if (c && c->open)
		c->open--;
}
