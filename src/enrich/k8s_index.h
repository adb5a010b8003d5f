#pragma once
/*
 * The two building blocks of enrich/k8s.c: an index of items by a key that lies in the item, and
 * shared strings. Open addressing with linear probing, at most three quarters full; removal closes
 * the gap, so look-ups never slow down with age. Bounds are the caller's. One owner, one thread.
 */
#include "base/str.h"

struct k8s_slot {
	void *item; /* NULL: empty */
	uint32_t hash;
};

struct k8s_index {
	struct str (*key)(const void *item);
	struct k8s_slot *slots;
	uint32_t cap, n;
};

/* NULL when there is none. Never allocates. */
void *k8s_index_find(const struct k8s_index *ix, struct str key);

/* Adds an item whose key is not there yet. 0 or -ENOMEM. */
int k8s_index_add(struct k8s_index *ix, void *item);

/* Takes @item out; nothing when another item, or none, has its key. */
void k8s_index_remove(struct k8s_index *ix, const void *item);

/* Frees the index, not the items. */
void k8s_index_free(struct k8s_index *ix);

/* Strings many objects have in common: one copy each, counted. */
struct k8s_strings {
	struct k8s_index index;
};

void k8s_strings_init(struct k8s_strings *s);

/* A shared copy of @in; empty stays absent. 0 or -ENOMEM. Release with k8s_string_put. */
int k8s_string_get(struct k8s_strings *s, struct str in, struct str *ret);
void k8s_string_put(struct k8s_strings *s, struct str shared);

/* Whatever is still shared is freed. */
void k8s_strings_free(struct k8s_strings *s);
