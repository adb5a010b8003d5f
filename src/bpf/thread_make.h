/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Threads' entries (bpf/thread.h) come and go: made at fork, at exec and by the iterator, dropped at exit. One program makes
 * them; the others find them.
 */
#include "bpf/record.h"
#include "bpf/thread.h"

/* An entry in its first moment: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct thread);
} sched_zero SEC(".maps");

/* Who has an entry of sched_threads: two tasks begin at once, and one gets it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREADS);
	__type(key, u32);
	__type(value, u64);
} sched_claims SEC(".maps");

/* A free place for a thread that has none; THREADS: they are taken. */
static __always_inline u32 thread_claim(u64 key)
{
	u32 at = thread_place(key), n;
	struct thread_places *p = bpf_map_lookup_elem(&sched_places, &at);

	for (u32 i = 0; p && i < THREAD_WAYS; i++) {
		n = at * THREAD_WAYS + i;
		if (!p->key[i] && bpf_map_update_elem(&sched_claims, &n, &key, BPF_NOEXIST) == 0)
			return n;
	}
	return THREADS;
}

static __always_inline void thread_place_set(u32 n, u64 key)
{
	u32 at = n / THREAD_WAYS;
	struct thread_places *p = bpf_map_lookup_elem(&sched_places, &at);

	if (p)
		p->key[n % THREAD_WAYS] = key;
}

/* An empty entry; one that it has already is emptied. NULL: no room, counted. */
static __always_inline struct thread *thread_make(struct task_struct *t)
{
	u64 key = thread_key(t);
	u32 zero = 0, n = thread_number(key);
	void *none = bpf_map_lookup_elem(&sched_zero, &zero);
	struct thread *e;
	struct kind_stats *s;

	if (n >= THREADS)
		n = thread_claim(key);
	if (!none)
		return NULL;
	if (n < THREADS) {
		e = bpf_map_lookup_elem(&sched_threads, &n);
		if (e)
			bpf_probe_read_kernel(e, sizeof(*e), none);
		thread_place_set(n, key);
		return e;
	}
	bpf_map_update_elem(&sched_more, &key, none, BPF_ANY);
	e = bpf_map_lookup_elem(&sched_more, &key);
	s = e ? NULL : stats_get(KIND_OFFCPU);
	if (s)
		s->map_full++;
	return e;
}

static __always_inline void thread_drop(struct task_struct *t)
{
	u64 key = thread_key(t);
	u32 n = thread_number(key);

	if (n >= THREADS) {
		bpf_map_delete_elem(&sched_more, &key);
		return;
	}
	thread_place_set(n, 0);
	bpf_map_delete_elem(&sched_claims, &n);
}
