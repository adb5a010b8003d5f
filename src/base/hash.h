#pragma once
/*
 * Hashing for in-memory tables. hash_u64 mixes one word (the finalizer of MurmurHash3); hash_str
 * is FNV-1a over bytes with that mix at the end, the same everywhere; hash_bytes takes eight bytes at a time,
 * for tables asked often, and differs between machines. Not for untrusted keys without a bound on the
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

static inline uint64_t hash_bytes(const void *p, size_t n)
{
	const char *at = p;
	uint64_t word, h = n;

	for (; n >= sizeof(word); n -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	word = 0;
	for (size_t i = 0; i < n; i++)
		word = word << 8 | (uint8_t)at[i];
	return hash_u64(h ^ word);
}
