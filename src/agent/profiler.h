#pragma once
/*
 * From events of the kinds sample and offcpu to a profile: who (labels), where (stack), how much.
 *
 * One collector for one question: `porthole profile`, the two of `porthole why`, the agent's
 * continuous one. Give it events between profiler_begin and profiler_end; profiler_event is cheap
 * and keeps what the event borrows. Pipeline thread; naming happens in profiler_end.
 */
#include "agent/naming.h"
#include "event/event.h"
#include "out/profile_out.h" /* the forms that a profile can be written in */

enum profiler_label {
	LABEL_POD = 1,
	LABEL_CONTAINER = 2,
	LABEL_PROCESS = 4, /* command name */
	LABEL_PID = 8,
	LABEL_THREAD = 16,
	LABEL_CPU = 32,
	LABEL_STATE = 64, /* running, or what the thread waited for */
	LABEL_LOCK = 128, /* address of the futex, in hex */
};

struct profiler_opts {
	uint32_t hz;	 /* of the samples: what each stands for */
	uint32_t labels; /* enum profiler_label */
	uint64_t kinds;	 /* KIND_BITs of sample, offcpu, or both */
	bool wall;	 /* the type is called wall time, not CPU time: both sorts add up */
	bool off_cpu;	 /* the type is called time off the CPU: only kind offcpu comes */
	struct str title;
};

struct profiler;

/* @naming is borrowed. 0 or -ENOMEM. */
int profiler_new(const struct profiler_opts *o, struct naming *naming, struct profiler **ret);
void profiler_free(struct profiler *p);

static inline void profiler_freep(struct profiler **p)
{
	profiler_free(*p);
}

/* Starts anew at @wall_ns (wall clock). 0 or -ENOMEM. */
int profiler_begin(struct profiler *p, int64_t wall_ns);

void profiler_event(struct profiler *p, const struct event *ev);

/* Names all that came; the profile is the caller's. 0 or -ENOMEM. */
int profiler_end(struct profiler *p, uint64_t duration_ns, struct profile **ret);

/* Samples taken, and those that found no room. */
uint64_t profiler_samples(const struct profiler *p);
uint64_t profiler_lost(const struct profiler *p);
