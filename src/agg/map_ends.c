/* Sets of eight entries behind a hash; no entry ever moves. */
#include "agg/map_ends.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define WAYS 8

struct map_ends {
	uint32_t sets;
	uint64_t clock, evicted;
	struct map_end entry[];
};

static const uint8_t v4_in_v6[12] = { [10] = 0xff, [11] = 0xff };

bool map_ip_loopback(const struct ip *ip)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (ip->len == 4)
		return ip->b[0] == 127;
	return ip->len == 16 && (memcmp(ip->b, one, 16) == 0 ||
				 (memcmp(ip->b, v4_in_v6, 12) == 0 && ip->b[12] == 127));
}

/* IPv4 in the form of IPv6 (a socket that takes both) is IPv4. */
static struct ip plain(const struct ip *ip)
{
	struct ip v4 = { .len = 4 };

	if (ip->len != 16 || memcmp(ip->b, v4_in_v6, 12) != 0)
		return *ip;
	memcpy(v4.b, ip->b + 12, 4);
	return v4;
}

struct map_end_key map_end_key(const struct ip *ip, uint8_t l4, uint16_t port, uint16_t rport)
{
	struct map_end_key k = { .ip = plain(ip), .l4 = l4, .port = port };

	k.rport = map_ip_loopback(&k.ip) ? rport : 0;
	return k;
}

int map_ends_new(uint32_t max, struct map_ends **ret)
{
	struct map_ends *t = calloc(1, sizeof(*t) + max * sizeof(t->entry[0]));

	if (!t)
		return -ENOMEM;
	t->sets = max / WAYS;
	*ret = t;
	return 0;
}

void map_ends_free(struct map_ends *t)
{
	free(t);
}

static bool same(const struct map_end_key *a, const struct map_end_key *b)
{
	return a->port == b->port && a->rport == b->rport && a->ip.len == b->ip.len &&
	       a->l4 == b->l4 && memcmp(a->ip.b, b->ip.b, sizeof(a->ip.b)) == 0;
}

static struct map_end *set_of(struct map_ends *t, const struct map_end_key *k)
{
	uint64_t h = hash_str((struct str){ (const char *)k->ip.b, sizeof(k->ip.b) });

	h = hash_u64(h ^ (uint64_t)k->port << 16 ^ k->rport ^ (uint64_t)k->l4 << 32 ^
		     (uint64_t)k->ip.len << 40);
	return &t->entry[h % t->sets * WAYS];
}

struct map_end *map_ends_find(struct map_ends *t, const struct map_end_key *key)
{
	struct map_end *set = set_of(t, key);

	for (int i = 0; key->ip.len && i < WAYS; i++)
		if (same(&set[i].key, key)) {
			set[i].used = ++t->clock;
			return &set[i];
		}
	return NULL;
}

struct map_end *map_ends_put(struct map_ends *t, const struct map_end_key *key)
{
	struct map_end *e = map_ends_find(t, key), *set = set_of(t, key);

	if (e)
		return e;
	e = set;
	for (int i = 1; i < WAYS; i++)
		if (set[i].used < e->used)
			e = &set[i];
	t->evicted += e->key.ip.len != 0;
	*e = (struct map_end){ .key = *key, .who = MAP_NOBODY, .peer = MAP_NOBODY, .used = ++t->clock };
	return e;
}

uint64_t map_ends_evicted(const struct map_ends *t)
{
	return t->evicted;
}
