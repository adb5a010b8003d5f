/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * From a hook to a record: is it asked for, does the filter let it pass, room in the ring, header,
 * counters. A handler is: kind_asked, filter_pass, record_reserve, fill, record_submit.
 *
 * Records are written where they will be read: reserved in the ring at one of a few constant
 * sizes, filled in place, `len` telling how much of it is in use. There is no scratch buffer that
 * another program on the same CPU could overwrite.
 */
#include "bpf/filter.h"

static __always_inline struct ctl *ctl_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&ctl, &zero);
}

static __always_inline struct kind_stats *stats_get(u32 kind)
{
	return bpf_map_lookup_elem(&stats, &kind);
}

/* One event of a counted kind in the task's cgroup, for the board. */
static __always_inline void count_add(u32 kind, u64 cgroup, bool error)
{
	struct cg_key key = { .cgroup = cgroup, .kind = kind };
	struct cg_val one = { .events = 1, .errors = error };
	struct cg_val *v = bpf_map_lookup_elem(&cg_count, &key);
	struct kind_stats *s;

	if (v) {
		v->events++;
		v->errors += error;
	} else if (bpf_map_update_elem(&cg_count, &key, &one, BPF_ANY) != 0) {
		s = stats_get(kind);
		if (s)
			s->map_full++;
	}
}

static __always_inline u32 seq_next(void)
{
	u32 zero = 0;
	u32 *n = bpf_map_lookup_elem(&seq, &zero);

	return n ? (*n)++ : 0;
}

/* Fills the header for the running task, which @t is; `len` is set at submit. */
static __always_inline void hdr_fill(struct rec_hdr *h, u32 type, struct task_struct *t, u32 number)
{
	h->time_ns = bpf_ktime_get_boot_ns();
	h->len = 0;
	h->seq = number;
	h->type = type;
	h->cpu = bpf_get_smp_processor_id();
	current_fill(t, h);
}

/*
 * @size bytes (a constant) of @ring, or NULL with the loss counted. The caller must submit or
 * discard. A lost record uses up a sequence number, so the gap shows.
 */
static __always_inline void *record_reserve(void *ring, u32 size, u32 kind, u32 *ret_number)
{
	void *r = bpf_ringbuf_reserve(ring, size, 0);

	*ret_number = seq_next();
	if (!r) {
		struct kind_stats *s = stats_get(kind);

		if (s)
			s->ring_full++;
	}
	return r;
}

/* Where in the ring its reader was woken last, by this object's programs. A race costs a wakeup. */
static volatile u64 woken_at;

/*
 * The reader looks every few milliseconds by itself; it is woken early only when an eighth of the ring waits, and
 * then once for each further eighth: a wakeup is an interrupt, which on a virtual machine costs microseconds.
 */
static __always_inline u64 wake_flags(void *ring, u64 ring_bytes)
{
	u64 at;

	if (bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) <= ring_bytes / 8)
		return BPF_RB_NO_WAKEUP;
	at = bpf_ringbuf_query(ring, BPF_RB_PROD_POS);
	if (at - woken_at <= ring_bytes / 8)
		return BPF_RB_NO_WAKEUP;
	woken_at = at;
	return BPF_RB_FORCE_WAKEUP;
}

/* How many small records are submitted before it is looked whether the reader is to be woken. */
#define SMALL	       1024
#define SMALL_IN_A_ROW 8

static __always_inline void record_submit(void *ring, u64 ring_bytes, void *r, u32 kind)
{
	struct kind_stats *s = stats_get(kind);
	u64 flags = BPF_RB_NO_WAKEUP;

	if (!s || ++s->events % SMALL_IN_A_ROW == 0 || ((struct rec_hdr *)r)->len > SMALL)
		flags = wake_flags(ring, ring_bytes);
	bpf_ringbuf_submit(r, flags);
}

/* For a record that is made elsewhere, of any length: copies it. A lost one is counted. */
static __always_inline void record_output(void *ring, u64 ring_bytes, void *r, u64 len, u32 kind)
{
	struct kind_stats *s = stats_get(kind);
	long err = bpf_ringbuf_output(ring, r, len, wake_flags(ring, ring_bytes));

	if (s && err)
		s->ring_full++;
	else if (s)
		s->events++;
}
