/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Pieces of a record's tail (wire/record.h): of any record that has `piece`, of a power of two or
 * less, and the flags `cut` and `fault` beside it. Macros, because the record's type is the probe's.
 */
#include "bpf/walk.h"

#define ADDR_MAX 128 /* of an address, or of the first bytes of data; the last one is not used */

/* The piece is what the tail has got since @from; @head: bytes in front of the tail. */
static __always_inline void piece_note(struct rec_str *p, u32 head, u32 from, const struct tail *t)
{
	u32 to = tail_end(t);

	p->off = to > from ? head + from : 0;
	p->len = to - from;
}

/* @was_cut may be what fills the piece. */
#define piece_set(r, which, from, t, was_cut)                                  \
	({                                                                     \
		bool cut_ = (was_cut);                                         \
                                                                               \
		piece_note(&(r)->piece[(which) & 7], sizeof(*(r)), (from), t); \
		if (cut_)                                                      \
			(r)->cut |= REC_CUT(which);                            \
	})

/* Appends @n bytes of memory, ADDR_MAX - 1 at most. False: they could not be read. */
static __always_inline bool bytes_append(const struct tail *t, u64 from, u32 n, bool kernel)
{
	u32 at = tail_end(t);
	long err;

	if (!from || at > t->mask - ADDR_MAX)
		return true;
	if (n > ADDR_MAX - 1)
		n = ADDR_MAX - 1;
	if (kernel)
		err = bpf_probe_read_kernel(t->p + at, n & (ADDR_MAX - 1), (void *)from);
	else
		err = bpf_probe_read_user(t->p + at, n & (ADDR_MAX - 1), (void *)from);
	if (err)
		return false;
	*t->end = at + (n & (ADDR_MAX - 1));
	return true;
}

/* The same as a piece: of the program's memory, or with @kernel of the kernel's. */
#define bytes_fill(r, which, from, n, t, kernel)                \
	({                                                      \
		u32 at_ = tail_end(t);                          \
		if (!bytes_append(t, (from), (n), (kernel)))    \
			(r)->fault |= REC_CUT(which);           \
		else if (tail_end(t) != at_)                    \
			piece_set((r), (which), at_, t, false); \
	})
