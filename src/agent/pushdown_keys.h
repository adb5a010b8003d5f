#pragma once
/*
 * What the keys of one dimension leave of the clauses: for each value that stands in an expression
 * (a process, a user, a command name) a mask, and one for all other values.
 *
 * Each clause is judged once for the others and once for each of its own values; a value of other
 * clauses is to it one of the others.
 */
#include "agent/pushdown_judge.h"

#define KEYS_MAX  4096 /* half of what the kernel's maps hold */
#define KEY_BYTES 16

struct key {
	char bytes[KEY_BYTES]; /* as the map has it, zeroes behind it */
	uint64_t mask;
	size_t clause; /* the last one that names it */
};

struct keys {
	uint32_t group; /* enum know: KNOW_PID, KNOW_UID or KNOW_COMM */
	struct key *list;
	size_t n;
	uint64_t used;	/* bits of the clauses added */
	uint64_t other; /* of values that are not in the list */
	bool full;	/* too many: the dimension is of no use */
};

/* Clause number @place, of bit @bit, whose events are of @kinds. 0 or -ENOMEM. */
int keys_clause(struct keys *k, size_t place, uint64_t bit, uint64_t kinds,
		const struct expr *where, const struct expr *scope);

/* The same for a clause that matches nothing but events of the processes in its tree, from @root on. */
int keys_tree(struct keys *k, uint64_t bit, uint32_t root);

/* The key, entered with what the clauses so far leave to it; NULL when full or out of memory. */
struct key *keys_get(struct keys *k, const char bytes[KEY_BYTES]);

/* Clauses that some value clears. */
uint64_t keys_clears(const struct keys *k);
void keys_free(struct keys *k);
