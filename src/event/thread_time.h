#pragma once
/*
 * The states that a thread's time is split into, the one list behind totals, stacks' labels and
 * findings. A thread is in exactly one of them at any moment, so the times add up to its life.
 *
 * X(ID, name, help)
 */
#include <stdint.h>

#define THREAD_STATES(X)                                                                           \
	X(RUNNING, running, "runs on a CPU")                                                       \
	X(RUNNABLE, runnable, "could run, but waits for a CPU")                                    \
	X(THROTTLED, throttled, "could run, but its cgroup has used up its quota of CPU time")     \
	X(DISK, disk, "reads, writes or syncs files or block devices")                             \
	X(NETWORK, network, "connects, sends or receives on a socket")                             \
	X(LOCK, lock, "futex, file lock or semaphore: another thread holds it or has to signal")   \
	X(PAGEFAULT, pagefault, "touched memory that has to be brought in")                        \
	X(SLEEP, sleep, "sleeps for a time it chose")                                              \
	X(WAIT, wait, "waits for a child, a signal, a pipe, a terminal, an eventfd")               \
	X(POLL, poll, "waits for any of many: epoll, poll, select, accept, io_uring; mostly idle") \
	X(STOPPED, stopped, "stopped by a signal, a debugger or the freezer")                      \
	X(OTHER, other, "blocked in the kernel otherwise; kernel threads")

enum thread_state {
#define X(ID, name, help) THREAD_##ID,
	THREAD_STATES(X)
#undef X
	THREAD_STATE_COUNT
};
