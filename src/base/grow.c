/* Growth of arrays by half, within a budget. */
#include "base/grow.h"

#include <string.h>

#define FIRST 32

int grow_array(struct budget *g, void *a, size_t n, size_t *cap, size_t size, size_t max)
{
	size_t want = *cap + *cap / 2 + FIRST;
	void *old, *p;
	int err;

	if (n < *cap)
		return 0;
	if (n >= max)
		return -ENOSPC;
	if (want > max)
		want = max;
	err = budget_take(g, (want - *cap) * size);
	if (err)
		return err;
	memcpy(&old, a, sizeof(old));
	p = realloc(old, want * size);
	if (!p) {
		g->used -= (want - *cap) * size;
		return -ENOMEM;
	}
	memcpy(a, &p, sizeof(p));
	*cap = want;
	return 0;
}
