#pragma once
/*
 * A bounded table from byte strings to small payloads of one size: what fold.c and limit.c remember.
 * Entries keep their address until they are removed. One thread.
 */
#include "base/str.h"

#define KEYS_BUCKETS 1024 /* a power of two */

struct key {
	struct key *chain;
	uint64_t hash;
	struct str text; /* behind the payload */
	_Alignas(16) char payload[];
};

struct keys {
	struct key *buckets[KEYS_BUCKETS];
	size_t n, max, payload;
};

/* NULL when there is none. */
struct key *keys_find(const struct keys *t, struct str text);

/* A new one, its payload zeroed; NULL when the table is full or there is no memory. */
struct key *keys_add(struct keys *t, struct str text);
void keys_remove(struct keys *t, struct key *k);

/* Calls @cb for each; it may remove the one it gets. */
void keys_each(struct keys *t, void (*cb)(void *ctx, struct key *k), void *ctx);
void keys_clear(struct keys *t);
