#pragma once
/*
 * What an event adds to the sums of a watch (agent/watching_sums.h). Pure but for the sums, and for
 * the names of descriptors, which are asked of /proc when a total comes in.
 */
#include "agent/watching_sums.h"
#include "event/event.h"

/* Values of SUM_THREAD: the states, then these. */
enum {
	THREAD_V_SWITCHES = THREAD_STATE_COUNT,
	THREAD_V_PREEMPTED,
	THREAD_V_WAKEUPS,
};
_Static_assert(THREAD_V_WAKEUPS < SUM_VALUES, "a thread's values fit");

/* v[] of the other sorts, by place. */
enum {
	CALL_V_COUNT,
	CALL_V_BYTES
};
enum {
	IO_V_CALLS,
	IO_V_BYTES,
	IO_V_MODE,
	IO_V_FLAGS
};
enum {
	WAIT_V_NS,
	WAIT_V_N
};
enum {
	PEER_V_NS,
	PEER_V_N,
	PEER_V_CONNECTS,
	PEER_V_CONNECT_NS,
	PEER_V_FAILS,
	PEER_V_RESETS,
	PEER_V_RETRANSMITS,
	PEER_V_SEGMENTS,
	PEER_V_RTT_NS,
	PEER_V_LPORT,
	PEER_V_ASKED,
	PEER_V_ASKED_NS,
	PEER_V_ERROR
};
enum {
	REQUEST_V_COUNT,
	REQUEST_V_FAILED,
	REQUEST_V_UNANSWERED,
	REQUEST_V_NS,
	REQUEST_V_WORST
};
enum {
	NAME_V_ASKED,
	NAME_V_ANSWERED,
	NAME_V_FAILED,
	NAME_V_NS,
	NAME_V_WORST
};
enum {
	EXEC_V_STARTED,
	EXEC_V_ENDED,
	EXEC_V_LIFE
};

/* "pod shop/cart", "container 1234..", a unit; absent when nothing of it is known. */
struct str watching_where(struct sums *s, const struct cgroup *cg);

/* Events of the target: its scope holds. */
void watching_take(struct sums *s, const struct event *ev);

/* Events of anybody: who ran meanwhile, signals that come from elsewhere. */
void watching_take_any(struct sums *s, const struct event *ev);
