#pragma once
/*
 * A process's memory that is made of a few pieces: code objects as CPython 3.11 has them, for tests of
 * what reads them. One thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FAKE_BASE  0x7f0000000000ull
#define FAKE_BYTES 65536

struct fake {
	uint8_t bytes[FAKE_BYTES];
	size_t n; /* beyond, nothing is there */
};

static inline bool fake_read(void *ctx, uint64_t at, void *ret, size_t n)
{
	const struct fake *f = ctx;

	if (at < FAKE_BASE || at - FAKE_BASE > f->n || n > f->n - (at - FAKE_BASE))
		return false;
	memcpy(ret, f->bytes + (at - FAKE_BASE), n);
	return true;
}

/* @n bytes, zero; the address. */
static inline uint64_t fake_room(struct fake *f, size_t n)
{
	uint64_t at = FAKE_BASE + f->n;

	f->n += (n + 15) & ~(size_t)15;
	return at;
}

static inline void *fake_at(struct fake *f, uint64_t at)
{
	return f->bytes + (at - FAKE_BASE);
}

static inline void fake_put(struct fake *f, uint64_t at, uint64_t value)
{
	memcpy(fake_at(f, at), &value, sizeof(value));
}
