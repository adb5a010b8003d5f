#pragma once
/*
 * The dimension of paths: for each clause that needs a certain name, directory, beginning, end or
 * part of the path (expr_triggers), these as patterns of one automaton; and what paths that stand in
 * an expression by name leave of it ("and not fd.name=/dev/null"), once their name is known.
 */
#include "agent/pushdown_calls.h"
#include "agent/pushdown_triggers.h"

/* Bytes of a pattern: longer ones are cut, and let more through. */
#define PATH_PATTERN_MAX 128

/*
 * Fills the table. *ret_clears: the clauses that a path may clear; 0, and nothing is written, when
 * there is none or they are too many for the table. 0 or -ENOMEM.
 */
int paths_judge(const struct clause *list, size_t n, struct filter_path *table, uint64_t *ret_clears);

/* As triggers_find: the conditions on the path that every event of the clause meets one of. */
int paths_triggers(const struct pushdown_clause *c, trigger_add_fn add, void *ctx);
