#pragma once
/*
 * A fixed set of strings, asked often with strings that are mostly not in it: lengths are tested
 * first, then a hash, then bytes. Made once from a pool and never changed; strings are borrowed.
 */
#include "lang/pool.h"

struct strset_slot {
	struct str str; /* p NULL: free */
	uint32_t hash;
};

struct strset {
	uint64_t lengths; /* bit n % 64 for each string of n bytes */
	size_t mask, n;
	struct strset_slot slots[];
};

/* NULL when memory runs out. */
struct strset *strset_new(struct pool *p, size_t n);

/* At most the @n of strset_new; an absent string is taken as an empty one. */
void strset_add(struct strset *s, struct str str);

uint32_t strset_hash(struct str s);

/* Is a string of @n bytes in it, as far as that tells? */
static inline bool strset_has_length(const struct strset *s, size_t n)
{
	return s->lengths >> (n % 64) & 1;
}

/* @h is strset_hash(str). */
static inline bool strset_has_hashed(const struct strset *s, struct str str, uint32_t h)
{
	for (size_t i = h & s->mask; s->slots[i].str.p; i = (i + 1) & s->mask)
		if (s->slots[i].hash == h && str_eq(s->slots[i].str, str))
			return true;
	return false;
}

static inline bool strset_has(const struct strset *s, struct str str)
{
	return strset_has_length(s, str.n) && strset_has_hashed(s, str, strset_hash(str));
}
