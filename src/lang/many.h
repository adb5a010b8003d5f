#pragma once
/*
 * Many expressions over one event: which of them match. The same answers as expr_match on each, for
 * less: equal comparisons and equal parts (also those that came from one macro) are evaluated once
 * per event, what evt.type alone decides is decided once per type, conditions that many share are
 * tested for all of them together, and an expression is looked at only when one of its triggers
 * (judge.h) fired, which whole strings and numbers find by hashing, starts and ends of strings by a
 * tree, other parts by one pass of an automaton.
 *
 * Prepared per evt.type on first sight (ev->type's address and kind; types are static strings): a
 * few microseconds for each expression. Types that come to the same share what is prepared. An
 * event of a type beyond MANY_TYPES_MAX, or of one for which memory ran out, is matched the plain
 * way. Nothing is allocated otherwise. Relies on field->kinds: a field has no value in an event of
 * another kind. The expressions are borrowed. One thread.
 */
#include "lang/expr.h"

#define MANY_TYPES_MAX 1024

struct many;

/* 0 or -ENOMEM. */
int many_new(const struct expr *const *list, size_t n, struct many **ret);
void many_free(struct many *m);

/*
 * Places of matching expressions, ascending, to @hit; stops when it returns false. How many were
 * handed out.
 */
size_t many_match(struct many *m, const struct event *ev, bool (*hit)(void *ctx, uint32_t place),
		  void *ctx);

/* How often expression @place was looked at by itself, for costs: gates and triggers are not it. */
uint64_t many_looked(const struct many *m, uint32_t place);
