#pragma once
/*
 * Ranges of addresses where the newest wins: code that a JIT compiler put over older code.
 *
 * Ranges are added in the order of time, each with a number; ranges_settle cuts them into pieces
 * that do not overlap (at most two for each range, O(n log n) however they overlap), and
 * ranges_find answers from those. 24 bytes a piece. At most RANGES_MAX ranges. One thread.
 */
#include "base/str.h"

#define RANGES_MAX (256u << 10)

struct range {
	uint64_t start, end; /* [start, end) */
	uint32_t id;	     /* the larger, the newer */
};

struct ranges {
	struct range *piece;
	size_t n, cap, settled; /* the first `settled` do not overlap and are sorted */
};

/* 0, -ENOMEM or -ENOSPC. @id: larger than any before. An empty range, or one that wraps, is none. */
int ranges_add(struct ranges *r, uint64_t start, uint64_t size, uint32_t id);
/* 0 or -ENOMEM (then nothing changed). */
int ranges_settle(struct ranges *r);
/* After ranges_settle. */
bool ranges_find(const struct ranges *r, uint64_t addr, struct range *ret);
void ranges_free(struct ranges *r);
