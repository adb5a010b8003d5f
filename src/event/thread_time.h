#pragma once
/*
 * The states that a thread's time is split into: those of the scheduler probe (wire/sched.h, the one
 * list), under the name that totals, labels of stacks and findings use. A thread is in exactly one of
 * them at any moment, so the times add up to its life.
 */
#include <stdint.h>

#include "wire/sched.h"

#define THREAD_STATES SCHED_STATES

enum thread_state {
#define X(ID, name, help) THREAD_##ID,
	THREAD_STATES(X)
#undef X
	THREAD_STATE_COUNT
};
