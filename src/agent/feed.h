#pragma once
/*
 * Fills the board from this kernel: counters by cgroup, living processes, CPU time and memory. One
 * call a tick, on the pipeline's thread; about 10 us a cgroup.
 *
 * Counters of cgroups that were removed are deleted from the kernel's map after they have been
 * read, and when the map is more than half full, those of cgroups that have been silent for
 * FEED_IDLE_TICKS ticks, so that it does not fill.
 */
#include "agent/session.h"
#include "agg/board.h"

#define FEED_IDLE_TICKS 60

struct feed;

/* 0 or -errno. @s is live and outlives the feed; so does @b. */
int feed_open(struct session *s, struct board *b, struct feed **ret);
void feed_close(struct feed *f);

/* A tick at @now; @fresh: of a new interval (board_begin). 0 or -errno: the board is as it was. */
int feed_tick(struct feed *f, struct boot_ns now, bool fresh);
