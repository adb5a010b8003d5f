#pragma once
/*
 * The first stage: a record becomes an event. Picks the decoder by the record's type from the
 * probes' descriptors; the agent's own records are decoded here. Pure: no tables, no I/O.
 */
#include "event/event.h"
#include "probe/stack.h"

struct arena;

struct decode_stats {
	uint64_t unknown; /* records of a type this version does not know */
	uint64_t bad;	  /* records that are not what their type says */
};

/*
 * 1 and *ret filled (zeroed first; everything in it borrows from the record and the arena), or 0
 * when the record yields none, counted in @st. @h->len bytes at least a header's are readable.
 */
int decode_record(const struct rec_hdr *h, const struct event_host *host, struct arena *a,
		  struct decode_stats *st, struct event *ret);

/*
 * The stack in a record, and where its head (struct rec_stack) is; false when there is none, or
 * nothing that can be one.
 */
bool decode_stack(const struct rec_hdr *h, size_t *ret_at, struct stack *ret);
