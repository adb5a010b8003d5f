/* Index and shared strings. */
#include "enrich/k8s_index.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define CAP_MIN 64u

static uint32_t key_hash(struct str key)
{
	return (uint32_t)hash_str(key);
}

/* The slot of @key, or the empty one where it would go. The index has room. */
static struct k8s_slot *slot_of(const struct k8s_index *ix, struct str key, uint32_t hash)
{
	uint32_t at = hash & (ix->cap - 1);

	while (ix->slots[at].item &&
	       !(ix->slots[at].hash == hash && str_eq(ix->key(ix->slots[at].item), key)))
		at = (at + 1) & (ix->cap - 1);
	return &ix->slots[at];
}

void *k8s_index_find(const struct k8s_index *ix, struct str key)
{
	return ix->n ? slot_of(ix, key, key_hash(key))->item : NULL;
}

static int index_grow(struct k8s_index *ix)
{
	struct k8s_index more = { .key = ix->key, .cap = ix->cap ? ix->cap * 2 : CAP_MIN };

	more.slots = calloc(more.cap, sizeof(*more.slots));
	if (!more.slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < ix->cap; i++) {
		const struct k8s_slot *s = &ix->slots[i];

		if (s->item)
			*slot_of(&more, ix->key(s->item), s->hash) = *s;
	}
	more.n = ix->n;
	free(ix->slots);
	*ix = more;
	return 0;
}

int k8s_index_add(struct k8s_index *ix, void *item)
{
	struct str key = ix->key(item);
	uint32_t hash = key_hash(key);

	if (ix->n >= ix->cap - ix->cap / 4 && index_grow(ix))
		return -ENOMEM;
	*slot_of(ix, key, hash) = (struct k8s_slot){ item, hash };
	ix->n++;
	return 0;
}

void k8s_index_remove(struct k8s_index *ix, const void *item)
{
	uint32_t mask = ix->cap - 1, gap, at;
	struct k8s_slot *s;

	if (!ix->n)
		return;
	s = slot_of(ix, ix->key(item), key_hash(ix->key(item)));
	if (s->item != item)
		return;
	gap = (uint32_t)(s - ix->slots);
	/* Move back what probing would no longer reach across the gap. */
	for (at = (gap + 1) & mask; ix->slots[at].item; at = (at + 1) & mask) {
		uint32_t home = ix->slots[at].hash & mask;

		if (((at - home) & mask) >= ((at - gap) & mask)) {
			ix->slots[gap] = ix->slots[at];
			gap = at;
		}
	}
	ix->slots[gap] = (struct k8s_slot){ 0 };
	ix->n--;
}

void k8s_index_free(struct k8s_index *ix)
{
	free(ix->slots);
	ix->slots = NULL;
	ix->cap = ix->n = 0;
}

struct shared {
	uint32_t refs;
	uint32_t n;
	char p[];
};

static struct str shared_key(const void *item)
{
	const struct shared *s = item;

	return (struct str){ s->p, s->n };
}

void k8s_strings_init(struct k8s_strings *s)
{
	s->index = (struct k8s_index){ .key = shared_key };
}

int k8s_string_get(struct k8s_strings *s, struct str in, struct str *ret)
{
	struct shared *one;

	if (!in.n) {
		*ret = STR_NONE;
		return 0;
	}
	one = k8s_index_find(&s->index, in);
	if (!one) {
		one = malloc(sizeof(*one) + in.n);
		if (!one)
			return -ENOMEM;
		one->refs = 0;
		one->n = (uint32_t)in.n;
		memcpy(one->p, in.p, in.n);
		if (k8s_index_add(&s->index, one)) {
			free(one);
			return -ENOMEM;
		}
	}
	one->refs++;
	*ret = shared_key(one);
	return 0;
}

void k8s_string_put(struct k8s_strings *s, struct str shared)
{
	struct shared *one;

	if (!shared.p)
		return;
	one = (struct shared *)(shared.p - offsetof(struct shared, p));
	if (--one->refs)
		return;
	k8s_index_remove(&s->index, one);
	free(one);
}

void k8s_strings_free(struct k8s_strings *s)
{
	for (uint32_t i = 0; i < s->index.cap; i++)
		free(s->index.slots[i].item);
	k8s_index_free(&s->index);
}
