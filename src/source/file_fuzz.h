#pragma once
/*
 * For fuzzers of readers of files: any bytes as a file, as they are, and with made right what stands before the part
 * worth reaching. Each byte of what comes out is read.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/record.h"

#define FILE_FUZZ_MAX (256u << 10)

static inline void must(bool ok)
{
	if (!ok)
		abort();
}

static volatile uint8_t file_fuzz_sink; /* what was read must not be left out */

static inline void record_touch(const struct rec_hdr *h)
{
	const uint8_t *p = (const uint8_t *)h;
	uint8_t x = 0;

	must(h->len >= sizeof(*h) && h->len <= REC_MAX && (uintptr_t)h % 8 == 0);
	for (uint32_t i = 0; i < h->len; i++)
		x ^= p[i];
	file_fuzz_sink = x;
}

/* @right gets a copy, of @least bytes or more. */
static inline int file_fuzz(const uint8_t *data, size_t size, size_t least,
			    void (*read_all)(const uint8_t *data, size_t size),
			    void (*right)(uint8_t *p, size_t n))
{
	_cleanup_(freep) uint8_t *copy = NULL;

	if (size > FILE_FUZZ_MAX)
		return 0;
	read_all(data, size);
	if (size < least)
		return 0;
	copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data, size);
	right(copy, size);
	read_all(copy, size);
	return 0;
}
