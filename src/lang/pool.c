/* A list of blocks, the newest filled from its front; large things get a block of their own. */
#include "lang/pool.h"

#include <stdlib.h>

#define BLOCK_BYTES 4064u

struct pool_block {
	struct pool_block *prev;
	size_t n, cap;
	_Alignas(16) char data[];
};

void *pool_alloc(struct pool *p, size_t n)
{
	struct pool_block *b = p->last;
	size_t cap;

	n = (n + 15) & ~(size_t)15;
	if (!b || n > b->cap - b->n) {
		/* Blocks grow with the pool, so that a large text does not take thousands. */
		cap = p->bytes / 4 < BLOCK_BYTES ? BLOCK_BYTES : p->bytes / 4;
		cap = n > cap ? n : cap;
		if (cap > POOL_MAX_BYTES || p->bytes > POOL_MAX_BYTES - cap)
			return NULL;
		b = calloc(1, sizeof(*b) + cap);
		if (!b)
			return NULL;
		b->cap = cap;
		b->prev = p->last;
		p->last = b;
		p->bytes += cap;
	}
	b->n += n;
	return b->data + b->n - n;
}

bool pool_str(struct pool *p, struct str s, struct str *ret)
{
	char *to;

	if (!s.p) {
		*ret = s;
		return true;
	}
	to = pool_alloc(p, s.n + 1);
	if (!to)
		return false;
	memcpy(to, s.p, s.n);
	*ret = (struct str){ to, s.n };
	return true;
}

void pool_free(struct pool *p)
{
	struct pool_block *b = p->last;

	while (b) {
		struct pool_block *prev = b->prev;

		free(b);
		b = prev;
	}
	*p = (struct pool){ 0 };
}
