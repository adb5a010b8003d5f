#pragma once
/*
 * Hashing for in-memory tables. hash_u64 mixes one word (the finalizer of MurmurHash3); hash_str
 * is FNV-1a over bytes with that mix at the end. Not for untrusted keys without a bound on the
 * table: every table here has one.
 */
#include "base/str.h"

static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	x ^= x >> 33;
	return x;
}

static inline uint64_t hash_str(struct str s)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3ull;
	return hash_u64(h);
}
