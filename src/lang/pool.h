#pragma once
/*
 * Memory of one parsed text: everything is taken from it, nothing is given back singly, all goes
 * at once. A zeroed pool is empty and ready. One owner.
 */
#include "base/str.h"

#define POOL_MAX_BYTES (256u << 20)

struct pool_block;

struct pool {
	struct pool_block *last;
	size_t bytes; /* taken from the system */
};

/* @n bytes, zeroed, 16-aligned; NULL when memory or POOL_MAX_BYTES runs out. */
void *pool_alloc(struct pool *p, size_t n);

/* A copy of @s; an absent one stays absent. False when memory runs out. */
bool pool_str(struct pool *p, struct str s, struct str *ret);
void pool_free(struct pool *p);
