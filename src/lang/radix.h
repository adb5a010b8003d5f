#pragma once
/*
 * Strings by their starts: all of a fixed set that a text begins with (or, reversed, ends with), in
 * time of the longest common part, which for most texts is a few bytes. Made once in a pool, never
 * changed; each string has a number that the caller gives it.
 *
 *	/etc/ /etc/ssh /root        "/" -+- "etc/" (1) --- "ssh" (2)
 *	                                 +- "root" (3)
 */
#include "lang/pool.h"

#define RADIX_NONE UINT32_MAX

struct radix_entry {
	struct str str;
	uint32_t number;
};

struct radix_node {
	const char *label; /* in the order of reading */
	uint32_t n, number;
	uint32_t nchildren;
	const uint8_t *bytes; /* first one of each child's label */
	const struct radix_node *children;
};

struct radix {
	struct radix_node root;
	bool reversed;
};

/* Sorts @list, whose strings differ. 0 or -ENOMEM. */
int radix_make(struct pool *p, struct radix_entry *list, size_t n, bool reversed, struct radix *ret);

/* A search: {radix, text}, then the numbers of all strings found, shortest first, then RADIX_NONE. */
struct radix_search {
	const struct radix *radix;
	struct str text;
	const struct radix_node *node;
	size_t at;
};

uint32_t radix_next(struct radix_search *s);
