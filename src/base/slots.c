/* Growing of the hash index: twice as many slots, filled anew. */
#include "base/slots.h"

#include "base/cleanup.h"

#define FIRST_SLOTS 64
#define SLOTS_MAX   (1u << 31)

void slots_free(struct slots *ix)
{
	free(ix->slot);
	*ix = (struct slots){ 0 };
}

int slots_room(struct slots *ix, struct budget *g, slots_hash_fn hash_of, const void *ctx)
{
	struct slots more = { .cap = ix->cap ? ix->cap * 2 : FIRST_SLOTS };
	size_t bytes = (size_t)(more.cap - ix->cap) * sizeof(*more.slot);
	int err;

	if (ix->n < ix->cap - ix->cap / 4)
		return 0;
	if (ix->cap >= SLOTS_MAX)
		return -ENOSPC;
	err = budget_take(g, bytes);
	if (err)
		return err;
	more.slot = calloc(more.cap, sizeof(*more.slot));
	if (!more.slot) {
		g->used -= bytes;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < ix->cap; i++)
		if (ix->slot[i])
			slots_put(&more, hash_of(ctx, ix->slot[i] - 1), ix->slot[i] - 1);
	free(ix->slot);
	*ix = more;
	return 0;
}
