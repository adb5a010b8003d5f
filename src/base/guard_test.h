#pragma once
/*
 * For tests: bytes that end at an unmapped page, so that reading one byte too many is a crash and
 * not luck. guard_put moves a copy of @n bytes against the page and returns it; it is valid until
 * the next guard_put. At most GUARD_MAX bytes. One thread. Release with guard_free.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define GUARD_MAX  ((size_t)1 << 20)
#define GUARD_PAGE ((size_t)65536) /* a multiple of every page size in use */

struct guard {
	uint8_t *base;
};

static inline struct guard guard_make(void)
{
	struct guard g;

	g.base = mmap(NULL, GUARD_MAX + GUARD_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert(g.base != MAP_FAILED);
	assert(mprotect(g.base + GUARD_MAX, GUARD_PAGE, PROT_NONE) == 0);
	return g;
}

static inline const uint8_t *guard_put(struct guard *g, const void *p, size_t n)
{
	assert(n <= GUARD_MAX);
	if (n)
		memcpy(g->base + GUARD_MAX - n, p, n);
	return g->base + GUARD_MAX - n;
}

static inline void guard_free(struct guard *g)
{
	munmap(g->base, GUARD_MAX + GUARD_PAGE);
}
