/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Stacks of threads that leave the CPU: taken at the switch, when the thread's memory is the one that
 * is mapped, kept while it is away, put into a record when it is back.
 *
 *     off_stack_take(ctx, prev, next, now)          HELD_*: where it waits
 *     at = off_stack_put(s, at, held, prev, now)    its head and what follows, into s->tail
 *
 * For programs on sched_switch only: interrupts are off, so this object's scratch (bpf/unwind.h) is
 * its own. What most stacks need is kept in small room; deep ones, and those with a copy because
 * their tables are not there yet, in a few large ones. When too many wait, those that wait longest
 * lose theirs.
 *
 * The kernel's part begins with __schedule: what called this program before it is cut. Where
 * __schedule is tells the next task, which went to sleep in it: its return address waits where
 * __switch_to_asm pushed it (x86-64: struct inactive_task_frame). How many frames lie above depends
 * on who else is attached, so the count is kept, and looked for again when it leads elsewhere.
 */
#include "bpf/owner.h"
#include "bpf/unwind.h"

#define PF_IO_WORKER_V	    0x00000010
#define INACTIVE_RET	    48	 /* bytes from a sleeping task's stack pointer */
#define SCHEDULE_BYTES	    8192 /* __schedule is smaller, and what calls us is further away */
#define SCHEDULE_ABOVE	    16	 /* frames */
#define OFF_STACKS	    2048
#define OFF_DEEP_STACKS	    128
#define OFF_STACK_BYTES	    2016
#define OFF_STACK_BYTES_MAX (UW_TAIL_BYTES - UW_PAGE)

enum off_held {
	HELD_NOT,
	HELD_STACK,
	HELD_DEEP,
};

struct off_head {
	u64 off_ns; /* which leaving */
	u32 len;    /* of the tail */
	u32 pad;
	struct rec_stack stack; /* last: the tail follows, as in records */
};

struct off_stack {
	struct off_head head;
	u8 tail[OFF_STACK_BYTES];
};

struct off_deep_stack {
	struct off_head head;
	u8 tail[OFF_STACK_BYTES_MAX];
};

/* By task. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, OFF_STACKS);
	__type(key, u64);
	__type(value, struct off_stack);
} sched_held SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, OFF_DEEP_STACKS);
	__type(key, u64);
	__type(value, struct off_deep_stack);
} sched_held_deep SEC(".maps");

static u64 schedule_at;	   /* an address within __schedule; 0: not known yet */
static u64 schedule_above; /* frames above it, lately */

static __always_inline bool within_schedule(u64 address, u64 at)
{
	return at && address - at + SCHEDULE_BYTES < 2 * SCHEDULE_BYTES;
}

/* How many frames of the stack in the scratch lie above @at's function; SCHEDULE_ABOVE: it is not there. */
VERIFIED_ONCE int frames_above(u64 at)
{
	struct uw_scratch *s = uw_get();
	const u64 *frame;

	if (!s)
		return SCHEDULE_ABOVE;
	frame = (void *)s->tail;
	for (u32 i = 0; i < SCHEDULE_ABOVE; i++)
		if (within_schedule(frame[i], at))
			return i;
	return SCHEDULE_ABOVE;
}

static __always_inline void frames_read(void *ctx, struct uw_scratch *s, u64 skip)
{
	long n = bpf_get_stack(ctx, s->tail, STACK_KERNEL_MAX * 8, skip & BPF_F_SKIP_FIELD_MASK);

	s->nkernel = n > 0 ? (u32)n / 8 : 0;
}

static __always_inline void off_kernel(void *ctx, struct uw_scratch *s, struct task_struct *next)
{
	u64 above = schedule_above, at = schedule_at, slept = 0;

	frames_read(ctx, s, above);
	if (within_schedule(*(u64 *)s->tail, at))
		return;
	if (above)
		frames_read(ctx, s, 0);
	if (!at) {
		bpf_probe_read_kernel(&slept, sizeof(slept),
				      (void *)BPF_CORE_READ(next, thread.sp) + INACTIVE_RET);
		at = slept;
	}
	above = frames_above(at); /* a new task did not go to sleep: not there */
	if (above >= SCHEDULE_ABOVE)
		return;
	schedule_at = at;
	schedule_above = above;
	frames_read(ctx, s, above);
}

/* The user's part, of the running task. Not a function of its own: five frames would not fit up to 6.12. */
static __always_inline void off_user(struct uw_scratch *s)
{
	uw_regs_task(s, (void *)bpf_get_current_task());
	uw_user(s);
}

/*
 * Interpreted frames, when the user's part has met an interpreter. A thread that leaves the CPU has
 * mostly touched its frames just now; where one is not there any more they end with INTERP_FAULT,
 * counted in off_keep, and the profile says so in a frame.
 */
VERIFIED_ONCE int off_interp(u32 unused)
{
	struct uw_scratch *s = uw_get();

	if (s)
		uw_interp(s, (void *)bpf_get_current_task());
	return 0;
}

/* Completes it and keeps it; HELD_*. */
VERIFIED_ONCE int off_keep(u64 now)
{
	u64 key = bpf_get_current_task();
	struct kind_stats *st = stats_get(KIND_OFFCPU);
	struct uw_scratch *s = uw_get();
	struct off_head *h;
	u64 len;

	if (!s)
		return HELD_NOT;
	h = uw_record(s, sizeof(*h));
	h->off_ns = now;
	h->pad = 0;
	len = uw_end(s, &h->stack);
	h->len = len;
	if (st && (s->end == STACK_FAULT || py_ended(INTERP_FAULT)))
		st->fault++;
	if (st && (s->end == STACK_DEEP || py_ended(INTERP_DEEP)))
		st->cut++;
	if (len <= OFF_STACK_BYTES && bpf_map_update_elem(&sched_held, &key, h, BPF_ANY) == 0)
		return HELD_STACK;
	if (len > OFF_STACK_BYTES && bpf_map_update_elem(&sched_held_deep, &key, h, BPF_ANY) == 0)
		return HELD_DEEP;
	return HELD_NOT;
}

/* The stack of the running task, which @t is and which leaves the CPU to @next. */
static __always_inline u8 off_stack_take(void *ctx, struct task_struct *t, struct task_struct *next,
					 u64 now)
{
	struct uw_scratch *s = uw_begin(t);

	if (!s)
		return HELD_NOT;
	off_kernel(ctx, s, next);
	/*
	 * An io worker has memory, but is never in user space. Where reading user memory may take the
	 * kernel's lock of its own mappings, doing it under a run queue's can hang the machine.
	 */
	if ((t->flags & PF_IO_WORKER_V) || knobs.kernel_stacks_only)
		s->mm = 0;
	off_user(s);
	off_interp(0);
	return off_keep(now);
}

/* Copies what was kept to s->tail; its bytes, or 0 when it is another leaving's. */
static __always_inline u64 off_copy(struct uw_scratch *s, u64 at, struct off_head *h, u64 max,
				    u64 off_ns)
{
	u64 n = h ? h->len : 0;

	if (!h || h->off_ns != off_ns)
		return 0;
	asm volatile("" : "+r"(n), "+r"(at));
	if (n > max || at > UW_PAGE / 2)
		return 0;
	n += sizeof(struct rec_stack);
	if (bpf_probe_read_kernel(s->tail + at, n, &h->stack) != 0 || h->off_ns != off_ns)
		return 0;
	return n;
}

/* The stack's head and what follows it, to s->tail at @at: how many bytes. */
static __always_inline u64 off_stack_put(struct uw_scratch *s, u64 at, u8 held, u64 key, u64 off_ns)
{
	if (held == HELD_DEEP)
		return off_copy(s, at, bpf_map_lookup_elem(&sched_held_deep, &key),
				OFF_STACK_BYTES_MAX, off_ns);
	return off_copy(s, at, bpf_map_lookup_elem(&sched_held, &key), OFF_STACK_BYTES, off_ns);
}

static __always_inline void off_stack_drop(u8 held, u64 key)
{
	if (held == HELD_DEEP)
		bpf_map_delete_elem(&sched_held_deep, &key);
	else
		bpf_map_delete_elem(&sched_held, &key);
}
