/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Stacks of the running task, kernel and user, the user's also without frame pointers, by the tables
 * that user space made (wire/unwind.h).
 *
 *     s = uw_begin(task);                     this CPU's scratch
 *     uw_kernel(ctx, s);                      may be left out
 *     uw_regs_task(s, task);  uw_user(s);     may be left out
 *     uw_interp(s, task);                     may be left out: frames of interpreters that it met
 *     tail = uw_end(s, &r->stack);            r = uw_record(s, sizeof(*r)), filled in between
 *     record_output(&ring, ..., r, sizeof(*r) + tail, kind)
 *
 * The scratch belongs to the CPU: for programs that nothing else of their object can interrupt (perf
 * events; with interrupts off). It is each object's own, so programs of different objects may
 * interrupt one another. A frame is one call of a function that is verified once, and what its loops
 * carry is kept in the scratch, where the verifier forgets it: its work does not grow with the depth.
 *
 * User memory is read by probing: what is not present ends the stack (STACK_FAULT). Mappings are
 * read from the mm at that moment, without locks (bpf/vma.h).
 */
#include "bpf/python.h"
#include "bpf/record.h"
#include "bpf/vma.h"

#define UW_READ(to, bytes, from) bpf_probe_read_user(to, bytes, (void *)(from))
#include "wire/unwind_step.h"

#define UW_HEAD_BYTES 256
#define UW_PAGE	      4096u
/*
 * Addresses, mappings, a copy, and the room that the verifier wants behind the last piece, which is also
 * that of interpreted frames: a copy behind the largest of all is a little shorter.
 */
#define UW_TAIL_BYTES                                                   \
	((STACK_KERNEL_MAX + STACK_USER_MAX) * 8 + STACK_VMA_MAX * 40 + \
	 sizeof(struct rec_stack_copy) + STACK_COPY_MAX + UW_PAGE)
#define UW_ADDRESS_MASK 0x3ff8 /* holds (STACK_KERNEL_MAX + STACK_USER_MAX) * 8 */

struct uw_block {
	struct unwind_row row[UW_BLOCK_ROWS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UW_FILES);
	__type(key, struct file_key);
	__type(value, u32);
} uw_files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UW_PAGES);
	__type(key, struct uw_page_key);
	__type(value, struct uw_page);
} uw_pages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, UW_BLOCKS);
	__type(key, u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(u32));
			__uint(value_size, sizeof(struct uw_block));
		});
} uw_rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UW_RULES);
	__type(key, u32);
	__type(value, struct unwind_rule);
} uw_rules SEC(".maps");

/*
 * What code of a file was last found to have which rule: most samples meet return addresses that
 * earlier ones met. Numbers of files are not given out again and a table does not change, so an entry
 * never gets wrong. Of each CPU, replaced by whatever comes to the same place.
 */
#define UW_MEMOS 2048 /* a power of two */

struct uw_memo {
	u64 off;
	u32 number; /* 0: empty */
	u32 rule;
};

struct uw_memos {
	struct uw_memo memo[UW_MEMOS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct uw_memos);
} uw_memos SEC(".maps");

/*
 * Mappings of the mms that this CPU last sampled, kept until their sequence count says that they may
 * have changed (bpf/vma.h); where there is no such count, nothing is kept.
 */
#define UW_KNOWN     16
#define UW_KNOWN_MMS 4

struct uw_known {
	struct vma_state state;
	u32 n, next;
	struct rec_vma vma[UW_KNOWN];
};

struct uw_scratch {
	struct vma_walk walk;
	struct unwind_regs regs;
	u64 mm; /* 0: no user part */
	u32 nkernel, nuser, nvma;
	u32 cur; /* the mapping of the last frame */
	u32 end;
	u32 unknown;		       /* the walk ended at a file that uw_files does not have */
	u32 lo, hi;		       /* of a search */
	u32 number[STACK_VMA_MAX + 2]; /* of each mapping's file, as uw_files has it; 0: not there */
	struct rec_vma vma[STACK_VMA_MAX + 1]; /* the last: of those that found no room */
	struct uw_known known[UW_KNOWN_MMS];
	u64 turn;		/* whose place the next new mm takes */
	u64 which;		/* of known: the mm's */
	u8 head[UW_HEAD_BYTES]; /* a record's fixed part ends where its tail begins */
	u8 tail[UW_TAIL_BYTES] __attribute__((aligned(8)));
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct uw_scratch);
} uw_scratch SEC(".maps");

static __always_inline struct uw_scratch *uw_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&uw_scratch, &zero);
}

#define PF_KTHREAD_V 0x00200000

/* Finds the mappings that are kept of @mm; those of an earlier state of it are forgotten. */
static __always_inline void uw_known_begin(struct uw_scratch *s, struct mm_struct *mm)
{
	struct vma_state now;
	struct uw_known *k;
	u64 at = s->turn & (UW_KNOWN_MMS - 1);

	vma_state(mm, &now);
	for (u32 i = 0; i < UW_KNOWN_MMS; i++)
		if (s->known[i].state.mm == (u64)mm)
			at = i;
	asm volatile("" : "+r"(at));
	at &= UW_KNOWN_MMS - 1;
	s->which = at;
	k = &s->known[at];
	if (now.told && k->state.told && now.mm == k->state.mm && now.args == k->state.args &&
	    now.seq == k->state.seq && now.tgid == k->state.tgid)
		return;
	if (now.mm != k->state.mm)
		s->turn++;
	k->state = now;
	k->n = k->next = 0;
}

/* NULL: there is none, which does not happen. */
static __always_inline struct uw_scratch *uw_begin(struct task_struct *t)
{
	struct uw_scratch *s = uw_get();

	if (!s)
		return NULL;
	s->nkernel = s->nuser = s->nvma = s->cur = s->unknown = 0;
	s->end = STACK_NONE;
	s->mm = 0;
	py_begin();
	if (!(BPF_CORE_READ(t, flags) & PF_KTHREAD_V))
		s->mm = (u64)BPF_CORE_READ(t, mm);
	if (s->mm)
		uw_known_begin(s, (void *)s->mm);
	return s;
}

#define uw_record(s, bytes) ((void *)((s)->head + UW_HEAD_BYTES - (bytes)))

/* Before the user part. */
static __always_inline void uw_kernel(void *ctx, struct uw_scratch *s)
{
	long n = bpf_get_stack(ctx, s->tail, STACK_KERNEL_MAX * 8, 0);

	s->nkernel = n > 0 ? (u32)n / 8 : 0;
}

/* Words of struct pt_regs, a user interface (ptrace). */
enum uw_pt {
	PT_R15,
	PT_R14,
	PT_R13,
	PT_R12,
	PT_BP,
	PT_BX,
	PT_R11,
	PT_R10,
	PT_R9,
	PT_R8,
	PT_AX,
	PT_CX,
	PT_DX,
	PT_SI,
	PT_DI,
	PT_IP = 16,
	PT_CS,
	PT_SP = 19,
	PT_WORDS = 21
};

/* From the words of a struct pt_regs in s->walk.node. */
static __always_inline void uw_regs_words(struct uw_scratch *s)
{
	const u64 *w = s->walk.node;
	struct unwind_regs *r = &s->regs;

	r->ip = w[PT_IP];
	r->sp = w[PT_SP];
	r->bp = w[PT_BP];
	r->reg[0] = w[PT_AX];
	r->reg[1] = w[PT_DX];
	r->reg[2] = w[PT_CX];
	r->reg[3] = w[PT_BX];
	r->reg[4] = w[PT_SI];
	r->reg[5] = w[PT_DI];
	r->reg[8] = w[PT_R8];
	r->reg[9] = w[PT_R9];
	r->reg[10] = w[PT_R10];
	r->reg[11] = w[PT_R11];
	r->reg[12] = w[PT_R12];
	r->reg[13] = w[PT_R13];
	r->reg[14] = w[PT_R14];
	r->reg[15] = w[PT_R15];
	r->exact = 1;
	r->bp_lost = 0;
	r->switches = 0;
}

/* As the running task, which @t is, entered the kernel. */
static __always_inline void uw_regs_task(struct uw_scratch *s, struct task_struct *t)
{
	struct pt_regs *regs;

	if (!s->mm)
		return;
	regs = task_regs(t);
	if (bpf_probe_read_kernel(s->walk.node, PT_WORDS * 8, regs) != 0)
		s->mm = 0;
	else
		uw_regs_words(s);
}

static __always_inline void uw_file_key(struct file *f, struct file_key *ret)
{
	struct inode *inode = BPF_CORE_READ(f, f_inode);

	ret->ino = BPF_CORE_READ(inode, i_ino);
	ret->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	ret->gen = BPF_CORE_READ(inode, i_generation);
}

static __always_inline void uw_mapping_read(struct vm_area_struct *vma, struct mm_struct *mm,
					    struct rec_vma *v)
{
	struct file *f = BPF_CORE_READ(vma, vm_file);

	v->start = BPF_CORE_READ(vma, vm_start);
	v->end = BPF_CORE_READ(vma, vm_end);
	v->off = 0;
	if (f) {
		uw_file_key(f, &v->file);
		v->off = BPF_CORE_READ(vma, vm_pgoff) * UW_PAGE;
	} else {
		v->file.ino = 0;
		v->file.gen = 0;
		v->file.dev = v->start == (u64)BPF_CORE_READ(mm, context.vdso) ? VMA_VDSO : VMA_ANON;
	}
}

static __always_inline u32 uw_number(struct rec_vma *v)
{
	u32 *number;

	if (!v->file.ino && v->file.dev == VMA_ANON)
		return UW_FILE_FRAMES;
	number = bpf_map_lookup_elem(&uw_files, &v->file);
	return number ? *number : 0;
}

static __always_inline struct uw_known *uw_known(struct uw_scratch *s)
{
	u64 which = s->which;

	asm volatile("" : "+r"(which));
	return &s->known[which & (UW_KNOWN_MMS - 1)];
}

/*
 * Where @pc's mapping is among those that are kept, and among those that this stack went through; -1: nowhere. By
 * themselves: what follows a loop with many exits, the verifier goes through once for each.
 */
VERIFIED_ONCE int uw_known_at(u64 pc)
{
	struct uw_scratch *s = uw_get();
	struct uw_known *k;

	if (!s)
		return -1;
	k = uw_known(s);
	for (u32 i = 0; i < UW_KNOWN; i++) {
		if (i >= k->n)
			break;
		if (pc - k->vma[i].start < k->vma[i].end - k->vma[i].start)
			return i;
	}
	return -1;
}

VERIFIED_ONCE int uw_met_at(u64 pc)
{
	struct uw_scratch *s = uw_get();

	for (u32 i = 0; s && i < STACK_VMA_MAX; i++) {
		if (i >= s->nvma)
			break;
		if (pc - s->vma[i].start < s->vma[i].end - s->vma[i].start)
			return i;
	}
	return -1;
}

static __always_inline void uw_known_add(struct uw_known *k, const struct rec_vma *v)
{
	u64 at = k->next;

	if (!k->state.told)
		return;
	asm volatile("" : "+r"(at));
	at &= UW_KNOWN - 1;
	k->vma[at] = *v;
	k->next = at + 1;
	if (k->n < UW_KNOWN)
		k->n++;
}

/* Makes @pc's mapping s->cur, or gives STACK_NO_MAPPING. */
VERIFIED_ONCE int uw_mapping(u64 pc)
{
	struct uw_scratch *s = uw_get();
	struct vm_area_struct *vma;
	struct mm_struct *mm;
	struct uw_known *k;
	int found;
	u64 at;

	if (!s)
		return STACK_NONE;
	found = uw_met_at(pc);
	if (found >= 0) {
		s->cur = found;
		return UW_GOES_ON;
	}
	at = s->nvma;
	asm volatile("" : "+r"(at));
	if (at > STACK_VMA_MAX)
		at = STACK_VMA_MAX;
	k = uw_known(s);
	found = uw_known_at(pc);
	if (found >= 0) {
		s->vma[at] = k->vma[found & (UW_KNOWN - 1)];
	} else {
		mm = (void *)s->mm;
		vma = vma_of(&s->walk, mm, pc);
		if (!vma || !vma_exec(vma))
			return STACK_NO_MAPPING;
		uw_mapping_read(vma, mm, &s->vma[at]);
		uw_known_add(k, &s->vma[at]);
	}
	s->number[at] = uw_number(&s->vma[at]);
	if (s->vma[at].file.ino)
		py_mapping(&s->vma[at].file, s->vma[at].start - s->vma[at].off);
	s->cur = at;
	if (at < STACK_VMA_MAX)
		s->nvma = at + 1;
	return UW_GOES_ON;
}

/* The rule for an offset of a file, or -1: its table has no row for it. */
VERIFIED_ONCE int uw_search(u32 number, u64 off)
{
	struct uw_page_key key = { number, off >> UW_PAGE_SHIFT };
	u32 pc = off & ((1u << UW_PAGE_SHIFT) - 1), zero = 0, block;
	struct uw_page *page = bpf_map_lookup_elem(&uw_pages, &key);
	volatile struct uw_scratch *s = uw_get();
	struct uw_block *rows;
	void *inner;
	u32 at;

	if (!page || !s)
		return -1;
	block = page->block;
	inner = bpf_map_lookup_elem(&uw_rows, &block);
	rows = inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
	if (!rows)
		return -1;
	s->lo = page->first;
	s->hi = s->lo + page->n;
	for (int i = 0; i < 15; i++) { /* 2^14 rows: the first whose pc is above */
		u32 mid = (s->lo + s->hi) / 2;

		if (s->lo >= s->hi)
			break;
		if (rows->row[mid & (UW_BLOCK_ROWS - 1)].pc <= pc)
			s->lo = mid + 1;
		else
			s->hi = mid;
	}
	at = s->lo;
	if (at <= page->first)
		return -1;
	return rows->row[(at - 1) & (UW_BLOCK_ROWS - 1)].rule;
}

/* Likewise, by what was found before. */
static __always_inline int uw_rule(u32 number, u64 off)
{
	u64 at = (off ^ off >> 11 ^ (u64)number << 4) & (UW_MEMOS - 1);
	u32 zero = 0;
	struct uw_memos *all = bpf_map_lookup_elem(&uw_memos, &zero);
	struct uw_memo *m;
	int rule;

	if (!all)
		return -1;
	asm volatile("" : "+r"(at));
	m = &all->memo[at & (UW_MEMOS - 1)];
	if (m->number == number && m->off == off)
		return m->rule;
	rule = uw_search(number, off);
	if (rule >= 0) {
		m->number = number;
		m->off = off;
		m->rule = rule;
	}
	return rule;
}

/* Notes the frame and goes to its caller's; UW_GOES_ON or why there is none (enum stack_end). */
static __always_inline int uw_frame(struct uw_scratch *s)
{
	struct unwind_rule rule = { .cfa = UW_FRAME }, *known;
	u64 pc = s->regs.exact ? s->regs.ip : s->regs.ip - 1;
	u64 at = s->nuser, cur;
	u32 number;
	int found;

	at = ((s->nkernel + at) * 8) & UW_ADDRESS_MASK;
	asm volatile("" : "+r"(at));
	*(u64 *)(s->tail + (at & UW_ADDRESS_MASK)) = s->regs.ip | (s->regs.exact ? STACK_EXACT : 0);
	s->nuser++;
	cur = s->cur;
	asm volatile("" : "+r"(cur));
	if (cur >= STACK_VMA_MAX || cur >= s->nvma ||
	    pc - s->vma[cur].start >= s->vma[cur].end - s->vma[cur].start) {
		found = uw_mapping(pc);
		if (found != UW_GOES_ON)
			return found;
		cur = s->cur;
		asm volatile("" : "+r"(cur));
	}
	if (cur > STACK_VMA_MAX)
		return STACK_NO_MAPPING;
	number = s->number[cur];
	if (number != UW_FILE_FRAMES) {
		s->unknown = !number;
		if (!number || number == UW_FILE_NONE)
			return STACK_NO_TABLE;
		found = uw_rule(number, pc - s->vma[cur].start + s->vma[cur].off);
		known = found < 0 ? NULL : bpf_map_lookup_elem(&uw_rules, &found);
		if (!known)
			return STACK_NO_ROW;
		rule = *known;
	}
	return unwind_step(&s->regs, &rule);
}

/* A frame; 0: it was the last. */
VERIFIED_ONCE int uw_step(u32 unused)
{
	struct uw_scratch *s = uw_get();
	int end;

	if (!s)
		return 0;
	end = uw_frame(s);
	if (end == UW_GOES_ON)
		return 1;
	s->end = end;
	return 0;
}

/* The user's stack from s->regs on. */
static __always_inline void uw_user(struct uw_scratch *s)
{
	if (!s->mm || !s->regs.ip) /* kernel threads, and those that never were in user space */
		return;
	s->end = STACK_DEEP;
	for (int i = 0; i < STACK_USER_MAX; i++)
		if (!uw_step(0))
			break;
}

/* After uw_user: @t is the running task. */
static __always_inline void uw_interp(struct uw_scratch *s, struct task_struct *t)
{
	if (s->mm)
		py_walk(BPF_CORE_READ(t, thread.fsbase));
}

/* Bytes from the program's stack to the tail at @at: how many. Page by page, as far as it is there. */
VERIFIED_ONCE int uw_copy(u64 at, u64 sp)
{
	volatile struct uw_scratch *s = uw_get();
	u64 done;

	if (!s)
		return 0;
	s->lo = 0;
	for (u32 i = 0; i < STACK_COPY_MAX / UW_PAGE + 1; i++) {
		u64 from = sp + s->lo, to = at + s->lo, n = UW_PAGE - (from & (UW_PAGE - 1));

		done = s->lo;
		if (n > STACK_COPY_MAX - done)
			n = STACK_COPY_MAX - done;
		asm volatile("" : "+r"(n), "+r"(to));
		if (done >= STACK_COPY_MAX || to > UW_TAIL_BYTES - UW_PAGE || n > UW_PAGE)
			break;
		if (bpf_probe_read_user((void *)s->tail + to, n, (void *)from) != 0)
			break;
		s->lo = done + n;
	}
	return s->lo;
}

/* The copy behind what is in the tail already; its new end. */
static __always_inline u64 uw_copy_end(struct uw_scratch *s, u64 at)
{
	struct rec_stack_copy *c;
	u64 sp = (s->regs.sp & ~7ull) - STACK_COPY_BELOW;
	int n;

	asm volatile("" : "+r"(at));
	if (at > UW_TAIL_BYTES - UW_PAGE)
		return at;
	c = (void *)(s->tail + at);
	c->regs = s->regs;
	c->sp = sp;
	c->pad = 0;
	n = uw_copy(at + sizeof(*c), sp);
	c->len = n > 0 ? n : 0;
	return at + sizeof(*c) + c->len;
}

/* Interpreted frames behind what is in the tail already; its new end. */
static __always_inline u64 uw_interp_end(struct uw_scratch *s, struct rec_stack *ret, u64 at)
{
	const void *from = NULL;
	u64 n = py_record(&from);

	asm volatile("" : "+r"(n), "+r"(at));
	if (!n || n > sizeof(struct rec_interp) + PY_FRAMES_MAX * sizeof(struct rec_interp_frame) ||
	    at > UW_ADDRESS_MASK + STACK_VMA_MAX * sizeof(struct rec_vma) || !from)
		return at;
	bpf_probe_read_kernel(s->tail + at, n, from);
	ret->flags |= STACK_INTERP;
	return at + n;
}

/* Completes the tail: its bytes. */
static __always_inline u64 uw_end(struct uw_scratch *s, struct rec_stack *ret)
{
	u64 at = ((s->nkernel + s->nuser) * 8) & UW_ADDRESS_MASK, n = s->nvma;

	ret->nkernel = s->nkernel;
	ret->nuser = s->nuser;
	ret->nvma = s->nvma;
	ret->end = s->end;
	ret->flags = s->unknown ? STACK_COPY : 0;
	asm volatile("" : "+r"(n), "+r"(at));
	n *= sizeof(struct rec_vma);
	if (n > STACK_VMA_MAX * sizeof(struct rec_vma) || at > UW_ADDRESS_MASK)
		return 0;
	bpf_probe_read_kernel(s->tail + at, n, s->vma);
	at = uw_interp_end(s, ret, at + n);
	return s->unknown ? uw_copy_end(s, at) : at;
}
