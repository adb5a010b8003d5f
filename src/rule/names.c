/* Open addressing, at most half full, no deletion. */
#include "rule/names.h"

#include <errno.h>

#include "base/hash.h"

struct name_slot {
	struct str name;
	void *thing; /* NULL: free */
};

static struct name_slot *slot_of(struct name_slot *slots, size_t cap, struct str name)
{
	size_t i = hash_str(name) & (cap - 1);

	while (slots[i].thing && !str_eq(slots[i].name, name))
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

void *names_find(const struct names *t, struct str name)
{
	return t->cap ? slot_of(t->slots, t->cap, name)->thing : NULL;
}

static int grow(struct names *t)
{
	size_t cap = t->cap ? t->cap * 2 : 64;
	struct name_slot *slots = pool_alloc(t->pool, cap * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i].thing)
			*slot_of(slots, cap, t->slots[i].name) = t->slots[i];
	t->slots = slots;
	t->cap = cap;
	return 0;
}

int names_add(struct names *t, struct str name, void *thing)
{
	int r = t->n * 2 >= t->cap ? grow(t) : 0;

	if (r == 0) {
		*slot_of(t->slots, t->cap, name) = (struct name_slot){ name, thing };
		t->n++;
	}
	return r;
}
