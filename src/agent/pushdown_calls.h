#pragma once
/*
 * The dimensions of system calls: what each call, with each way it can end and each access mode,
 * leaves of the clauses; what the value of one of its arguments leaves, where that is one of several
 * with names (ptrace's request, socket's domain, bpf's command); and what the family of a
 * descriptor's socket leaves.
 */
#include "agent/pushdown.h"
#include "agent/pushdown_judge.h"

struct clause {
	struct pushdown_clause c; /* no life kinds */
	uint64_t bit;
};

/* What a value of the argument that filter.arg names leaves. */
struct call_arg {
	uint32_t nr, value;
	uint64_t mask;
};

struct call_masks {
	uint64_t family[FAMILY_COUNT];
	uint64_t args; /* clauses that some argument clears */
	struct call_arg arg[FILTER_ARGS / 2];
	size_t narg;
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

/* The kinds whose calls have a descriptor that the kernel looks behind at their return. */
uint64_t calls_descriptor_kinds(void);

/* The name that the argument's value has, or NULL. */
const char *calls_arg_name(uint32_t nr, uint32_t value);

/* The name of a call that calls_judge tells of. */
const char *calls_name(uint32_t nr);
