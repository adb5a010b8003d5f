/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Which mapping of a process an address is in, by reading the process's own tree: a maple tree since
 * Linux 6.1, before that a red-black tree. Nothing is locked: the tree may change meanwhile (another
 * thread maps). A mapping that is found is one of this mm and holds the address, or it is not found.
 *
 * Source: Linux, include/linux/maple_tree.h and lib/maple_tree.c (6.1 to 7.2): nodes are aligned to
 * 256 bytes, and the low byte of a pointer to one has its type; a pivot is the last index of its
 * slot, 0 behind the last one in use; include/linux/mm_types.h.
 */
#include "bpf/maps.h"

#define MAPLE_WORDS 32 /* of a node */
#define MAPLE_DEEP  12 /* levels; 65,530 mappings, the usual most, take 6 */
#define RB_DEEP	    40 /* twice the logarithm of as many */
#define VM_EXEC_V   4

/* Where the walk keeps what must not be known to the verifier, so that every turn looks the same. */
struct vma_walk {
	u64 node[MAPLE_WORDS];
	u64 entry;
	u64 best;
	u32 at, pad;
};

enum {
	MAPLE_LEAF_64_V = 1,
	MAPLE_RANGE_64_V = 2,
	MAPLE_ARANGE_64_V = 3,
};

/* Words before a node's slots, pivots and parent. */
static __always_inline u32 maple_slots(u32 type)
{
	if (type == MAPLE_ARANGE_64_V)
		return bpf_core_field_offset(struct maple_arange_64, slot) / 8;
	return bpf_core_field_offset(struct maple_range_64, slot) / 8;
}

/* struct vm_area_struct *, or 0. */
static __always_inline u64 vma_maple(volatile struct vma_walk *w, struct mm_struct *mm, u64 addr)
{
	w->entry = (u64)BPF_CORE_READ(mm, mm_mt.ma_root);
	if ((w->entry & 3) != 2 || w->entry <= 4096)
		return 0; /* no node: empty */
	for (int depth = 0; depth < MAPLE_DEEP; depth++) {
		u64 entry = w->entry;
		u32 type = entry >> 3 & 15, slots;

		if (type < MAPLE_LEAF_64_V || type > MAPLE_ARANGE_64_V)
			return 0;
		slots = maple_slots(type);
		if (bpf_probe_read_kernel((void *)w->node, sizeof(w->node), (void *)(entry & ~255ull)))
			return 0;
		w->at = slots - 1;
		for (u32 i = 1; i < MAPLE_WORDS / 2; i++) {
			u64 pivot = w->node[i];

			if (i >= slots)
				break;
			if (addr <= pivot || (!pivot && i > 1)) {
				w->at = i - 1;
				break;
			}
		}
		w->entry = w->node[(slots + w->at) & (MAPLE_WORDS - 1)];
		if (type == MAPLE_LEAF_64_V)
			return w->entry;
	}
	return 0;
}

/* Likewise; may be the next one above @addr. */
static __always_inline u64 vma_rb(volatile struct vma_walk *w, struct mm_struct *mm, u64 addr)
{
	struct mm_struct___rb *old = (void *)mm;
	const u32 rb_off = bpf_core_field_offset(struct vm_area_struct___rb, vm_rb);

	w->entry = (u64)BPF_CORE_READ(old, mm_rb.rb_node);
	w->best = 0;
	for (int depth = 0; depth < RB_DEEP; depth++) {
		struct rb_node *node = (void *)w->entry;
		struct vm_area_struct *vma = (void *)node - rb_off;

		if (!node)
			break;
		if (addr < BPF_CORE_READ(vma, vm_end)) {
			w->best = (u64)vma;
			if (addr >= BPF_CORE_READ(vma, vm_start))
				break;
			w->entry = (u64)BPF_CORE_READ(node, rb_left);
		} else {
			w->entry = (u64)BPF_CORE_READ(node, rb_right);
		}
	}
	return w->best;
}

/* The mapping of @addr in @mm, or NULL. */
static __always_inline struct vm_area_struct *vma_of(struct vma_walk *w, struct mm_struct *mm,
						     u64 addr)
{
	struct vm_area_struct *vma;

	if (bpf_core_field_exists(mm->mm_mt))
		vma = (void *)vma_maple(w, mm, addr);
	else
		vma = (void *)vma_rb(w, mm, addr);
	if (!vma || BPF_CORE_READ(vma, vm_mm) != mm || addr < BPF_CORE_READ(vma, vm_start) ||
	    addr >= BPF_CORE_READ(vma, vm_end))
		return NULL;
	return vma;
}

/*
 * A state of an mm's mappings: as long as it is the same, they are. Since Linux 6.4, where per-VMA
 * locks are built in (CONFIG_PER_VMA_LOCK), every writer of mappings counts mm_lock_seq up when it
 * is done; since 6.13 also when it begins, odd meanwhile. An mm at the address of one that is gone is told
 * by its arguments' address, which is random, and by the process.
 */
struct vma_state {
	u64 mm;
	u64 args;
	u32 seq, tgid;
	u64 told; /* 0: this kernel does not tell, or they are being changed */
};

static __always_inline void vma_state(struct mm_struct *mm, struct vma_state *ret)
{
	struct mm_struct___seqcount *counted = (void *)mm;
	struct mm_struct___seq *plain = (void *)mm;

	ret->mm = (u64)mm;
	ret->args = BPF_CORE_READ(mm, arg_start);
	ret->tgid = bpf_get_current_pid_tgid() >> 32;
	ret->seq = 0;
	ret->told = 1;
	if (bpf_core_field_exists(counted->mm_lock_seq)) {
		ret->seq = BPF_CORE_READ(counted, mm_lock_seq.sequence);
		ret->told = !(ret->seq & 1);
	} else if (bpf_core_field_exists(plain->mm_lock_seq)) {
		ret->seq = BPF_CORE_READ(plain, mm_lock_seq);
	} else {
		ret->told = 0;
	}
}

static __always_inline bool vma_exec(struct vm_area_struct *vma)
{
	return !bpf_core_field_exists(vma->vm_flags) || (BPF_CORE_READ(vma, vm_flags) & VM_EXEC_V);
}
