#pragma once
/*
 * Names of lists, macros or rules to what they name: a hash table, memory from a pool. Names are
 * borrowed. Never more than RULE_ITEMS_MAX entries (the loader's bound).
 */
#include "lang/pool.h"

struct names {
	struct pool *pool;
	struct name_slot *slots;
	size_t n, cap;
};

/* NULL when there is none. */
void *names_find(const struct names *t, struct str name);
/* @name is not in it yet. 0 or -ENOMEM. */
int names_add(struct names *t, struct str name, void *thing);
