/* Growing of the hash index: twice as many slots, filled anew. */
#include "base/index.h"

#include "base/cleanup.h"

#define FIRST_SLOTS 64
#define SLOTS_MAX   (1u << 31)

void index_free(struct index *ix)
{
	free(ix->slots);
	*ix = (struct index){ 0 };
}

int index_room(struct index *ix, struct budget *g, index_hash_fn hash_of, const void *ctx)
{
	struct index more = { .cap = ix->cap ? ix->cap * 2 : FIRST_SLOTS };
	size_t bytes = (size_t)(more.cap - ix->cap) * sizeof(*more.slots);
	int err;

	if (ix->n < ix->cap - ix->cap / 4)
		return 0;
	if (ix->cap >= SLOTS_MAX)
		return -ENOSPC;
	err = budget_take(g, bytes);
	if (err)
		return err;
	more.slots = calloc(more.cap, sizeof(*more.slots));
	if (!more.slots) {
		g->used -= bytes;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < ix->cap; i++)
		if (ix->slots[i])
			index_put(&more, hash_of(ctx, ix->slots[i] - 1), ix->slots[i] - 1);
	free(ix->slots);
	*ix = more;
	return 0;
}
