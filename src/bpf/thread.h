/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * What the scheduler probe keeps of each thread (probe/sched/sched.bpf.c, which alone writes it), and how another
 * probe reads the running one's. The map is shared: who only reads declares it too, and finds nothing in it
 * while that probe does not run.
 */
#include "bpf/blocked_on.h"
#include "bpf/maps.h"
#include "wire/sched.h"

#define THREADS 16384 /* where there is no task storage */
#define SITES	32    /* a power of two */

/* A place where the thread leaves the CPU. */
struct site {
	u32 sig;
	u32 usual;   /* in 2^USUAL_SHIFT ns */
	u64 lost_ns; /* since its last sample */
};

struct thread {
	u64 since_ns; /* begin of the state it is in */
	u64 begin_ns; /* of all of this */
	u64 off_ns;   /* it left the CPU */
	u64 blocked_ns;
	u64 ns[SCHED_STATE_COUNT];
	u64 wait_lost_ns; /* waiting for a CPU after wakeups, since the last sample of that */
	u64 wait_usual;
	u64 taken_ns; /* waited for a CPU, not charged to anybody yet */
	u64 judged_ns, fresh_ns;
	u64 cfs, cfs_ns; /* run queue it waits in, and that one's throttled time when it began */
	struct blocked_on on;
	u64 voluntary, involuntary, wakeups, migrations;
	struct site site[SITES];
	u32 change; /* odd while it is written to */
	u32 waker_pid, waker_tid;
	u32 at; /* site of the last switch */
	u16 cpu;
	u8 state, why; /* now; that it left the CPU for */
	u8 wanted, held, pad;
	char waker_comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREADS);
	__type(key, u64); /* struct task_struct * */
	__type(value, struct thread);
} sched_threads SEC(".maps");

static __always_inline struct thread *thread_find(struct task_struct *t)
{
	u64 key = (u64)t;

	return bpf_map_lookup_elem(&sched_threads, &key);
}

static __always_inline u64 since(u64 now, u64 then)
{
	return now > then ? now - then : 0;
}

/*
 * The running thread's time by state until @now. False when that is not kept, or it was taken off the CPU in here,
 * where a kernel allows that.
 */
static __always_inline bool thread_now(u64 ret[SCHED_STATE_COUNT], u64 now)
{
	const struct thread *e = thread_find((void *)bpf_get_current_task());
	u32 change;
	u64 begun;

	if (!e || !e->wanted || e->state != SCHED_RUNNING)
		return false;
	change = *(volatile u32 *)&e->change;
	barrier();
	begun = e->since_ns;
	__builtin_memcpy(ret, e->ns, sizeof(e->ns));
	barrier();
	ret[SCHED_RUNNING] += since(now, begun);
	return change == *(volatile u32 *)&e->change && !(change & 1);
}
