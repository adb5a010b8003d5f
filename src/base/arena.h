#pragma once
/*
 * Bump allocator for the *record* lifetime: everything decoded from one record is taken from it
 * and goes at once with arena_reset. One block, no growth: a record's derived data is bounded, so
 * running out is a counted truncation, not an error to recover from.
 */
#include "base/str.h"

struct arena {
	char *p;
	size_t n, cap;
	uint64_t full; /* allocations refused since the start */
};

/* 0 or -ENOMEM. */
int arena_init(struct arena *a, size_t cap);
void arena_free(struct arena *a);

static inline void arena_reset(struct arena *a)
{
	a->n = 0;
}

/* @n bytes, 8-aligned, not zeroed; NULL (counted in `full`) when there is no room. */
static inline void *arena_alloc(struct arena *a, size_t n)
{
	size_t at = (a->n + 7) & ~(size_t)7;

	if (at > a->cap || n > a->cap - at) {
		a->full++;
		return NULL;
	}
	a->n = at + n;
	return a->p + at;
}
