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

#define THREADS	     16384
#define THREAD_WAYS  4
#define THREAD_BITS  12	  /* 2^THREAD_BITS * THREAD_WAYS = THREADS */
#define THREADS_MORE 4096 /* that find no place */
#define SITES	     32	  /* a power of two */

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
	u64 delay_ns; /* that it had waited for CPUs in all, when its state began */
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
	u8 wanted, held;
	u8 queued; /* the state that its wait for a CPU is told as, until that is over */
	char waker_comm[16];
};

/* A thread is known by its task. (Its id may change: when another thread than the first calls exec.) */
static __always_inline u64 thread_key(struct task_struct *t)
{
	return pointer_number(t);
}

/* The places that a thread can have: of those entries which it has. */
struct thread_places {
	u64 key[THREAD_WAYS]; /* 0: free */
};

/*
 * A look into a hash table is a call that costs as much as all the rest of a switch; arrays are read without one.
 * Threads whose places are all taken are in a hash table.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, THREADS / THREAD_WAYS);
	__type(key, u32);
	__type(value, struct thread_places);
} sched_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, THREADS);
	__type(key, u32);
	__type(value, struct thread);
} sched_threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREADS_MORE);
	__type(key, u64);
	__type(value, struct thread);
} sched_more SEC(".maps");

static __always_inline u32 thread_place(u64 key)
{
	return key * 0x9e3779b97f4a7c15ull >> (64 - THREAD_BITS);
}

/* The number of a thread's entry, or THREADS. */
static __always_inline u32 thread_number(u64 key)
{
	u32 at = thread_place(key), n = THREADS;
	struct thread_places *p = bpf_map_lookup_elem(&sched_places, &at);

	for (u32 i = 0; p && i < THREAD_WAYS; i++)
		if (p->key[i] == key)
			n = at * THREAD_WAYS + i;
	return n;
}

static __always_inline struct thread *thread_find_key(u64 key)
{
	u32 n = thread_number(key);
	struct thread *e;

	if (n < THREADS) {
		e = bpf_map_lookup_elem(&sched_threads, &n);
		/* One call for either map would be a call, where the kernel has code for this one. */
		asm volatile("" : "+r"(e));
		return e;
	}
	return bpf_map_lookup_elem(&sched_more, &key);
}

static __always_inline struct thread *thread_find(struct task_struct *t)
{
	return thread_find_key(thread_key(t));
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
	const struct thread *e = thread_find_key(bpf_get_current_task());
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
