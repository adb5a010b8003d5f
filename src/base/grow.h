#pragma once
/*
 * Arrays that grow within a budget: whoever owns several of them states one maximum of bytes for all
 * together, and a thing that does not fit is told from a machine that has no memory left.
 *
 * Sizes are counted as allocated, not as used. One thread.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct budget {
	size_t used, max; /* bytes */
};

/* 0, or -ENOSPC when @more bytes do not fit. */
static inline int budget_take(struct budget *g, size_t more)
{
	if (g->used > g->max || more > g->max - g->used)
		return -ENOSPC;
	g->used += more;
	return 0;
}

/*
 * Room for element @n of the array *@a with *@cap elements of @size bytes, at most @max of them.
 * Grows by half, at most to @max. 0, -ENOSPC (maximum or budget), -ENOMEM; the array stays valid.
 */
int grow_array(struct budget *g, void *a, size_t n, size_t *cap, size_t size, size_t max);
