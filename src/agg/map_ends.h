#pragma once
/*
 * What is known of an address, or of an address and port: who has been seen there. A bounded cache in sets of eight; a
 * new entry takes the place of the set's longest unused one.
 *
 * A port of a loopback address is somebody else's in each network namespace: such an end is told apart by the port at
 * the other end as well (map_end_key does it). One thread.
 */
#include "base/str.h"
#include "event/value.h"

#define MAP_NOBODY UINT32_MAX

struct map_end_key {
	struct ip ip;
	uint16_t port, rport; /* 0: any */
	uint8_t l4;
};

struct map_end {
	struct map_end_key key; /* ip.len 0: free */
	uint32_t who;		/* a number of the owner's; MAP_NOBODY: not told */
	uint32_t peer;		/* likewise, of whom it speaks to */
	uint16_t to;		/* the port it speaks to; 0: it is the server */
	bool read;		/* requests of it were read, as it sees them */
	uint64_t used;
};

struct map_ends;

/* Room for @max entries, a multiple of eight. 0 or -ENOMEM. */
int map_ends_new(uint32_t max, struct map_ends **ret);
void map_ends_free(struct map_ends *t);

struct map_end_key map_end_key(const struct ip *ip, uint8_t l4, uint16_t port, uint16_t rport);

/* NULL: not known. Valid until the next map_ends_put. */
struct map_end *map_ends_find(struct map_ends *t, const struct map_end_key *key);
/* The entry of that key, a fresh one when there is none. */
struct map_end *map_ends_put(struct map_ends *t, const struct map_end_key *key);

/* Entries that others took the place of. */
uint64_t map_ends_evicted(const struct map_ends *t);

/* 127.0.0.0/8, ::1, and the first in the form of the second. */
bool map_ip_loopback(const struct ip *ip);
