#pragma once
/*
 * Many expressions over one event: which of them match. The same answers as expr_match on each, for
 * less: equal comparisons (also those that came from one macro) are evaluated once per event, what
 * evt.type alone decides is decided once per type, and an expression is looked at only when one of
 * its triggers (trigger.h) fired, which sets of strings find by hashing and parts of strings by one
 * pass of an automaton.
 *
 * Prepared per evt.type on first sight (ev->type's address and kind; types are static strings),
 * MANY_TYPES_MAX of them; an event of any further type is matched the plain way. The expressions
 * are borrowed. One thread.
 */
#include "lang/expr.h"

#define MANY_TYPES_MAX 1024

struct many;

int many_new(const struct expr *const *list, size_t n, struct many **ret);
void many_free(struct many *m);

/*
 * Places of matching expressions, ascending, to @hit; stops when it returns false. How many were
 * handed out.
 */
size_t many_match(struct many *m, const struct event *ev, bool (*hit)(void *ctx, uint32_t place),
		  void *ctx);

/* How often expression @place was looked at, for costs. */
uint64_t many_looked(const struct many *m, uint32_t place);
