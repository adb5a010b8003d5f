/* The arena's one block. */
#include "base/arena.h"

#include <errno.h>
#include <stdlib.h>

int arena_init(struct arena *a, size_t cap)
{
	char *p = malloc(cap);

	if (!p)
		return -ENOMEM;
	*a = (struct arena){ .p = p, .cap = cap };
	return 0;
}

void arena_free(struct arena *a)
{
	free(a->p);
	*a = (struct arena){ 0 };
}
