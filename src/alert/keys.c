/* Chained buckets of fixed number: tables here have some thousand entries at most. */
#include "alert/keys.h"

#include <stdlib.h>

#include "base/hash.h"

struct key *keys_find(const struct keys *t, struct str text)
{
	uint64_t hash = hash_str(text);
	struct key *k = t->buckets[hash % KEYS_BUCKETS];

	while (k && (k->hash != hash || !str_eq(k->text, text)))
		k = k->chain;
	return k;
}

struct key *keys_add(struct keys *t, struct str text)
{
	struct key *k = NULL, **bucket;
	char *copy;

	if (t->n < t->max)
		k = calloc(1, sizeof(*k) + t->payload + text.n);
	if (!k)
		return NULL;
	copy = k->payload + t->payload;
	if (text.n)
		memcpy(copy, text.p, text.n);
	k->text = (struct str){ copy, text.n };
	k->hash = hash_str(text);
	bucket = &t->buckets[k->hash % KEYS_BUCKETS];
	k->chain = *bucket;
	*bucket = k;
	t->n++;
	return k;
}

void keys_remove(struct keys *t, struct key *k)
{
	struct key **at = &t->buckets[k->hash % KEYS_BUCKETS];

	while (*at != k)
		at = &(*at)->chain;
	*at = k->chain;
	t->n--;
	free(k);
}

void keys_each(struct keys *t, void (*cb)(void *ctx, struct key *k), void *ctx)
{
	for (size_t i = 0; i < KEYS_BUCKETS; i++)
		for (struct key *k = t->buckets[i], *next; k; k = next) {
			next = k->chain;
			cb(ctx, k);
		}
}

void keys_clear(struct keys *t)
{
	for (size_t i = 0; i < KEYS_BUCKETS; i++)
		while (t->buckets[i])
			keys_remove(t, t->buckets[i]);
}
