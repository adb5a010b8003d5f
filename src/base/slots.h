#pragma once
/*
 * A hash index over an array that somebody else keeps: hash -> position in the array. Open
 * addressing, linear probing, four bytes a slot, at most three quarters full; nothing is deleted.
 *
 *	SLOTS_EACH(ix, hash, at)
 *		if (equal(&array[at], key))
 *			return at;
 *	err = slots_room(ix, budget, hash_of, array);
 *	if (!err)
 *		slots_put(ix, hash, n);
 *
 * Slots hold position + 1, so that zeroed memory is empty. Hashes are not kept: growing asks
 * @hash_of for those of all positions put so far. At most 2^31 positions. One thread.
 */
#include "base/grow.h"

struct slots {
	uint32_t *slot;
	uint32_t cap, n; /* cap: 0 or a power of two */
};

typedef uint64_t (*slots_hash_fn)(const void *ctx, uint32_t at);

/* @at takes each candidate in turn; it ends at the first empty slot. */
#define SLOTS_EACH(ix, hash, at)                                               \
	for (uint32_t i_ = (uint32_t)(hash) & ((ix)->cap - 1), at;             \
	     (ix)->cap && (ix)->slot[i_] && ((at = (ix)->slot[i_] - 1), true); \
	     i_ = (i_ + 1) & ((ix)->cap - 1))

/* Makes sure that the next slots_put has room. 0, -ENOSPC, -ENOMEM; the index stays as it was. */
int slots_room(struct slots *ix, struct budget *g, slots_hash_fn hash_of, const void *ctx);
void slots_free(struct slots *ix);

static inline void slots_put(struct slots *ix, uint64_t hash, uint32_t at)
{
	uint32_t i = (uint32_t)hash & (ix->cap - 1);

	while (ix->slot[i])
		i = (i + 1) & (ix->cap - 1);
	ix->slot[i] = at + 1;
	ix->n++;
}
