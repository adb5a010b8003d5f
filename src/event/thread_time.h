#pragma once
/*
 * The states that a thread's time is split into, the one list behind totals, stacks' labels and
 * findings. A thread is in exactly one of them at any moment, so the times add up to its life.
 *
 * X(ID, name, help)
 */
#include <stdint.h>

#define THREAD_STATES(X)                                                                 \
	X(RUNNING, running, "on a CPU")                                                  \
	X(RUNNABLE, runnable, "ready, waiting for a CPU")                                \
	X(THROTTLED, throttled, "ready, but its cgroup's CPU quota is used up")          \
	X(DISK, disk, "waiting for a block device")                                      \
	X(NETWORK, network, "waiting for a peer: socket calls, polls that hold sockets") \
	X(LOCK, lock, "waiting for a lock: futex, file locks, semaphores")               \
	X(PAGEFAULT, pagefault, "waiting for a page")                                    \
	X(SLEEP, sleep, "sleeping until a time")                                         \
	X(WAIT, wait, "waiting for another process: pipes, children, ptrace, terminals") \
	X(OTHER, other, "waiting for something else in the kernel")

enum thread_state {
#define X(ID, name, help) THREAD_##ID,
	THREAD_STATES(X)
#undef X
	THREAD_STATE_COUNT
};
