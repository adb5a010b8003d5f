/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The running task's frames of CPython (wire/python.h), for bpf/unwind.h, which has met a mapping of
 * an interpreter: py_begin, py_mapping for each mapping of the native walk, py_walk, py_record.
 *
 * All that is read is the program's memory, by probing: what is not there ends the frames with a
 * reason. Other threads may change the lists meanwhile; walks are bounded, and the frames are those
 * of the task itself, which stands still.
 */
#include "bpf/maps.h"
#include "wire/python.h"
#include "wire/unwind.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PY_FILES);
	__type(key, struct file_key);
	__type(value, u32);
} py_files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PY_FILES);
	__type(key, u32);
	__type(value, struct py_layout);
} py_layouts SEC(".maps");

struct py_scratch {
	struct py_layout layout;
	u64 known;   /* 0: the native walk has met no interpreter */
	u64 walked;  /* and its frames were asked for */
	u64 base;    /* address of the file's first byte, by its mapping */
	u64 fs_base; /* the thread's */
	u64 interp, thread, frame;
	u64 n;
	u64 end; /* enum interp_end */
	u64 word[16];
	struct rec_interp head;
	struct rec_interp_frame frames[PY_FRAMES_MAX + 1]; /* the last: what the verifier wants */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct py_scratch);
} py_scratch SEC(".maps");

static __always_inline volatile struct py_scratch *py_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&py_scratch, &zero);
}

static __always_inline void py_begin(void)
{
	volatile struct py_scratch *p = py_get();

	if (!p)
		return;
	p->known = p->walked = 0;
	p->n = 0;
	p->end = INTERP_WHOLE;
}

/* A mapping of @file, whose first byte would be at @base. */
static __always_inline void py_mapping(const struct file_key *file, u64 base)
{
	struct py_scratch *p = (void *)py_get();
	struct py_layout *layout;
	u32 *index;

	if (!p || p->known)
		return;
	index = bpf_map_lookup_elem(&py_files, file);
	layout = index ? bpf_map_lookup_elem(&py_layouts, index) : NULL;
	if (!layout)
		return;
	p->layout = *layout;
	p->base = base;
	p->known = 1;
}

/* A word at an address; false: it is not there. */
static __always_inline bool py_word(volatile u64 *ret, u64 at)
{
	return bpf_probe_read_user((void *)ret, 8, (void *)at) == 0;
}

/* 1: p->thread is the sampled thread's; 0: it is another's; the next one comes. -1: there is none. */
VERIFIED_ONCE int py_thread_step(u32 unused)
{
	volatile struct py_scratch *p = py_get();

	if (!p)
		return -1;
	if (!p->thread) {
		if (!p->interp || !py_word(&p->interp, p->interp + p->layout.interp_next) ||
		    !p->interp || !py_word(&p->thread, p->interp + p->layout.interp_threads))
			return -1;
		return 0;
	}
	if (!py_word(&p->word[0], p->thread + p->layout.thread_id))
		return -1;
	if (p->word[0] == p->fs_base)
		return 1;
	return py_word(&p->thread, p->thread + p->layout.thread_next) ? 0 : -1;
}

/* The thread that has the interpreters' lock is the usual one. True: it is the sampled thread. */
VERIFIED_ONCE int py_thread_current(u32 unused)
{
	volatile struct py_scratch *p = py_get();
	u64 at;

	if (!p)
		return 0;
	at = p->base + p->layout.runtime + p->layout.current;
	if (!p->layout.current) {
		if (!py_word(&p->word[0], p->interp + p->layout.interp_gil))
			return 0;
		at = p->word[0] + p->layout.gil_holder;
	}
	if (!py_word(&p->thread, at) || !p->thread ||
	    !py_word(&p->word[0], p->thread + p->layout.thread_id))
		return 0;
	return p->word[0] == p->fs_base;
}

VERIFIED_ONCE int py_thread_find(u32 unused)
{
	volatile struct py_scratch *p = py_get();
	int found;

	if (!p || !p->fs_base ||
	    !py_word(&p->interp, p->base + p->layout.runtime + p->layout.interpreters) || !p->interp)
		return 0;
	if (py_thread_current(0) > 0)
		return 1;
	if (!py_word(&p->thread, p->interp + p->layout.interp_threads))
		return 0;
	for (int i = 0; i < PY_THREADS_MAX; i++) {
		found = py_thread_step(0);
		if (found)
			return found > 0;
	}
	return 0;
}

/* A frame of no code: what ran before it was entered from native code. */
static __always_inline void py_entered(volatile struct py_scratch *p)
{
	u64 n = p->n, last = n - 1;

	if (n && last < PY_FRAMES_MAX && !(p->frames[last].flags & INTERP_ENTRY)) {
		p->frames[last].flags |= INTERP_ENTRY;
		return;
	}
	if (n >= PY_FRAMES_MAX)
		return;
	p->frames[n].code = 0;
	p->frames[n].instr = 0;
	p->frames[n].flags = INTERP_ENTRY;
	p->n = n + 1;
}

/* Notes p->frame and goes to its caller's. 0: it was the last. */
VERIFIED_ONCE int py_frame_step(u32 unused)
{
	volatile struct py_scratch *p = py_get();
	u64 code, mark, n;

	if (!p || !p->frame)
		return 0;
	n = p->n;
	p->end = INTERP_DEEP;
	if (n >= PY_FRAMES_MAX)
		return 0;
	p->end = INTERP_FAULT;
	if (bpf_probe_read_user((void *)p->word, PY_FRAME_WORDS * 8, (void *)p->frame) != 0)
		return 0;
	code = p->word[p->layout.frame_code / 8 & 15];
	mark = p->word[p->layout.frame_mark / 8 & 15] >> (p->layout.frame_mark % 8 * 8) & 255;
	if (p->layout.mark_owner && mark == PY_OWNER_CSTACK) {
		py_entered(p);
	} else {
		p->frames[n].code = code;
		p->frames[n].instr =
			p->word[p->layout.frame_instr / 8 & 15] - (code + p->layout.code_instr);
		p->frames[n].flags = !p->layout.mark_owner && mark ? INTERP_ENTRY : 0;
		p->n = n + 1;
	}
	p->frame = p->word[p->layout.frame_previous / 8 & 15];
	p->end = INTERP_WHOLE;
	return p->frame != 0;
}

/* The running task's frames, if the native walk has met an interpreter. */
VERIFIED_ONCE int py_walk(u64 fs_base)
{
	volatile struct py_scratch *p = py_get();

	if (!p || !p->known)
		return 0;
	p->walked = 1;
	p->fs_base = fs_base;
	p->n = 0;
	p->end = INTERP_NO_THREAD;
	if (py_thread_find(0) <= 0)
		return 0;
	p->end = INTERP_FAULT;
	if (!py_word(&p->frame, p->thread + p->layout.thread_frame))
		return 0;
	if (p->layout.cframe_frame != PY_NONE &&
	    (!p->frame || !py_word(&p->frame, p->frame + p->layout.cframe_frame)))
		return 0;
	p->end = INTERP_WHOLE;
	for (int i = 0; i < PY_FRAMES_MAX * 2; i++)
		if (!py_frame_step(0))
			break;
	return 0;
}

static __always_inline bool py_ended(enum interp_end end)
{
	volatile struct py_scratch *p = py_get();

	return p && p->known && p->end == end;
}

/* What is to be sent, and its bytes; 0: nothing. */
static __always_inline u64 py_record(const void **ret)
{
	volatile struct py_scratch *p = py_get();
	u64 n;

	if (!p || !p->walked)
		return 0;
	n = p->n;
	asm volatile("" : "+r"(n));
	if (n > PY_FRAMES_MAX)
		return 0;
	p->head.loop = p->base + p->layout.loop_begin;
	p->head.loop_n = p->layout.loop_n;
	p->head.version = p->layout.version;
	p->head.n = n;
	p->head.end = p->end;
	*ret = (const void *)&p->head;
	return sizeof(struct rec_interp) + n * sizeof(struct rec_interp_frame);
}
