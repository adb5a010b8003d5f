#pragma once
/*
 * Where the function begins that an address is in, for code whose symbols were stripped: by the sorted
 * table of .eh_frame_hdr, which the loader needs and nobody strips. Read with pread when asked.
 *
 * Only the encoding that linkers write is read: count as udata4, entries as datarel sdata4 pairs.
 * Source: Linux Standard Base Core 5.0, 10.6.2.
 */
#include "symbol/image.h"

/* False: no such table, or the address is before its first function. */
bool fde_start(const struct image *im, uint64_t vaddr, uint64_t *ret);
