#pragma once
/* The conditions of a clause that a dimension of the kernel's filter can look for. */
#include "agent/pushdown.h"
#include "lang/judge.h"

typedef bool (*trigger_usable_fn)(void *ctx, const struct expr_cond *c);
typedef void (*trigger_add_fn)(void *ctx, const struct expr_cond *c);

/*
 * As expr_triggers, of where and scope: at least one of what is added holds for every event of @kinds
 * that the clause matches.
 */
int triggers_find(const struct pushdown_clause *c, uint64_t kinds, trigger_usable_fn usable,
		  trigger_add_fn add, void *ctx);
