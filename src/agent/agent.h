#pragma once
/*
 * The agent: one session over this kernel with everything that stands beside it: the lock of the
 * node, the board, names from outside the kernel, the control socket and metrics. `porthole run` is
 * this and a face.
 *
 * Nothing is recorded that nobody asks for: process life comes always, the kinds of the
 * configuration are counted by cgroup in the kernel, and only what clients subscribe to is sent.
 *
 * One thread (outside/ and metrics have their own); signals INT and TERM end agent_run.
 */
#include "agent/config.h"
#include "agent/feed.h"
#include "agg/board_print.h"

#define AGENT_INTERVAL_MIN_NS (100 * NS_PER_MS)
#define AGENT_INTERVAL_MAX_NS (3600 * NS_PER_SEC)

struct agent;

struct agent_opts {
	const struct config *config; /* borrowed */
	uint64_t interval_ns;
	/*
	 * After each interval, when the board is new; also once more before agent_run returns.
	 * Nonzero ends agent_run.
	 */
	int (*tick)(void *ctx, struct agent *a);
	/* Whenever the loop turns, ten times a second or more; may be NULL. Nonzero ends agent_run. */
	int (*turn)(void *ctx, struct agent *a);
	void *ctx;
};

/* 0 or -errno with the reason appended to @why. */
int agent_open(const struct agent_opts *o, struct agent **ret, struct buf *why);

/* Lines for people: what is on, degraded or off, and why; where metrics and the socket are. */
void agent_describe(struct agent *a, struct buf *b);

/* 0, or -errno when the kernel could not be read any more. */
int agent_run(struct agent *a);

void agent_close(struct agent *a);

/* Of the last tick. */
struct board *agent_board(struct agent *a);
void agent_about(struct agent *a, struct board_about *ret);

/* What was seen and lost since the start, by reason, and what porthole itself took. */
void agent_totals(struct agent *a, struct buf *b);
