#pragma once
/*
 * The dimension of system calls: what each call, with each way it can end and each access mode,
 * leaves of the clauses; and what the family of a descriptor's socket leaves.
 */
#include "agent/pushdown.h"
#include "agent/pushdown_judge.h"

struct clause {
	struct pushdown_clause c; /* no life kinds */
	uint64_t bit;
};

struct call_masks {
	uint64_t family[FAMILY_COUNT];
	size_t n;
	struct {
		uint32_t nr;
		struct filter_call filter;
	} call[];
};

/* Bits that are not @used are set in all masks. The caller's to free; NULL: out of memory. */
struct call_masks *calls_judge(const struct clause *list, size_t n, uint64_t used);

/* Whether the clause can match by what is known. */
bool clause_possible(const struct clause *c, const struct knowledge *know);

/* Whether anything in it depends on the cgroup. */
bool clause_by_cgroup(const struct pushdown_clause *c);

/* The name of a call that calls_judge tells of. */
const char *calls_name(uint32_t nr);
