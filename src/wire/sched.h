/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The states that a thread's time is split into. It is in exactly one at any moment. Captures hold the
 * numbers: append, never reorder.
 */
#include <linux/types.h>

/* X(ID, name, help) */
#define SCHED_STATES(X)                                                                            \
	X(RUNNING, running, "runs on a CPU")                                                       \
	X(RUNNABLE, runnable, "could run, but waits for a CPU")                                    \
	X(THROTTLED, throttled, "could run, but its cgroup has used up its quota of CPU time")     \
	X(DISK, disk, "reads, writes or syncs files or block devices")                             \
	X(NETWORK, network, "connects, sends or receives on a socket")                             \
	X(LOCK, lock, "waits for a futex, file lock or semaphore that another has or signals")     \
	X(PAGEFAULT, pagefault, "touched memory that has to be brought in")                        \
	X(SLEEP, sleep, "sleeps for a time it chose")                                              \
	X(WAIT, wait, "waits for a child, a signal, a pipe, a terminal, an eventfd")               \
	X(OTHER, other, "is blocked in the kernel otherwise; kernel threads")                      \
	X(POLL, poll, "waits for any of many: epoll, poll, select, accept, io_uring; mostly idle") \
	X(STOPPED, stopped, "is stopped by a signal, a debugger or the freezer")

enum sched_state {
#define X(ID, name, help) SCHED_##ID,
	SCHED_STATES(X)
#undef X
	SCHED_STATE_COUNT
};

#define SCHED_NO_CALL 0xffff /* rec_offcpu.nr: it was in no system call, or not told which */
