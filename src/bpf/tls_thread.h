/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * What a thread, or a goroutine, is in the middle of at a TLS library: left by the probe there (probe/tls), and told by the
 * programs at sockets which one it uses meanwhile. The maps are shared: while that probe does not run they are empty,
 * and a look at one word is all that a socket call pays.
 */
#include "bpf/sock_call.h"

#define TLS_THREADS    16384
#define TLS_GOROUTINES 32768 /* a reader and a writer of each connection */

/* Of a thread, or a goroutine, that has called a TLS library. */
struct tls_thread {
	u64 object; /* of the call that runs; 0: none */
	u64 at;	    /* its bytes */
	u64 moved;  /* where it writes how many; 0: its result tells */
	u64 sp;	    /* of a goroutine: below its stack's end */
	u64 sk;	    /* that it used */
	u64 heard;  /* socket that the thread has received from last */
	u64 way;
	u64 on_stack; /* the bytes are on the goroutine's stack, so far below its end; 0: elsewhere */
};

/* The library's object of a connection; of a goroutine its runtime.g. */
struct tls_key {
	u64 object;
	u64 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TLS_THREADS);
	__type(key, u32);
	__type(value, struct tls_thread);
} tls_threads SEC(".maps");

/* Goroutines in calls, by the address of their runtime.g. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TLS_GOROUTINES);
	__type(key, struct tls_key);
	__type(value, struct tls_thread);
} tls_goroutines SEC(".maps");

/* Whether any has been seen so far. */
struct tls_seen {
	u32 thread, goroutine;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tls_seen);
} tls_seen SEC(".maps");

static __always_inline struct tls_seen *tls_seen_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&tls_seen, &zero);
}

static __always_inline bool tls_any(void)
{
	struct tls_seen *s = tls_seen_get();

	return s && (s->thread | s->goroutine);
}

static __always_inline struct tls_thread *tls_thread_get(void)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct tls_seen *s = tls_seen_get();

	return s && s->thread ? bpf_map_lookup_elem(&tls_threads, &tid) : NULL;
}

static __always_inline void tls_key_of(u64 object, struct tls_key *ret)
{
	ret->object = object;
	ret->pid = bpf_get_current_pid_tgid() >> 32;
}

/* The call that the running goroutine is in, seen from a system call. */
static __always_inline struct tls_thread *tls_goroutine_get(const bool typed)
{
	struct tls_seen *s = tls_seen_get();
	struct tls_key key;
	struct pt_regs *r;

	if (!s || !s->goroutine)
		return NULL;
	if (typed) {
		r = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
		tls_key_of(r->r14, &key);
	} else {
		r = task_regs((void *)bpf_get_current_task());
		tls_key_of(BPF_CORE_READ(r, r14), &key);
	}
	return bpf_map_lookup_elem(&tls_goroutines, &key);
}

/* The running thread has used a socket of TCP. */
static __always_inline void tls_socket_used(u64 sk, bool received, const bool typed)
{
	struct tls_thread *t = tls_goroutine_get(typed);

	if (!t)
		t = tls_thread_get();
	if (!t)
		return;
	if (t->object)
		t->sk = sk;
	else if (received)
		t->heard = sk;
}
