/* Open addressing, at most half full. The strings are the rule author's, so no keyed hash. */
#include "lang/strset.h"

#include "base/hash.h"

uint32_t strset_hash(struct str s)
{
	uint64_t h = s.n * 0x9e3779b97f4a7c15ull, w = 0;
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&w, s.p + i, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	w = 0;
	if (i < s.n)
		memcpy(&w, s.p + i, s.n - i);
	return (uint32_t)(hash_u64(h ^ w) >> 32);
}

struct strset *strset_new(struct pool *p, size_t n)
{
	struct strset *s;
	size_t slots = 2;

	while (slots < 2 * n)
		slots *= 2;
	s = pool_alloc(p, sizeof(*s) + slots * sizeof(s->slots[0]));
	if (s)
		s->mask = slots - 1;
	return s;
}

void strset_add(struct strset *s, struct str str)
{
	uint32_t h = strset_hash(str);
	size_t i = h & s->mask;

	if (!str.p)
		str.p = "";
	for (; s->slots[i].str.p; i = (i + 1) & s->mask)
		if (s->slots[i].hash == h && str_eq(s->slots[i].str, str))
			return;
	s->slots[i].str = str;
	s->slots[i].hash = h;
	s->lengths |= 1ull << (str.n % 64);
	s->n++;
}
