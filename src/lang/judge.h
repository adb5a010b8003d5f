#pragma once
/*
 * What an expression comes to when only some of its conditions are decided: the base of all early
 * filtering. Both functions are for set-up, not for each event.
 */
#include "lang/expr.h"

enum judgement {
	JUDGE_NO,
	JUDGE_YES,
	JUDGE_UNKNOWN,
};

/* One comparison as it stands (negation is the tree's). UNKNOWN when it cannot be said. */
typedef enum judgement (*judge_fn)(void *ctx, const struct expr_cond *c);

/*
 * Kleene's three-valued logic over the tree. Comparisons with transformers or another field on the
 * right are unknown without asking, and so is every operator that expr_cond cannot express except
 * those it passes as they are: all operators of one field against constants are asked.
 */
enum judgement expr_judge(const struct expr *x, judge_fn judge, void *ctx);

/*
 * Triggers: conditions at least one of which holds for every event that matches, given what @judge
 * (may be NULL) decides, all of them on fields and operators that @usable accepts. Of several such
 * sets the one with the fewest values. Globs are offered as the longest literal part they need
 * (CONTAINS), or prefix, or suffix. Returns 1 and calls @add for each; 0: there is no such set (the
 * expression can match without any); -1: it can never match; -ENOMEM.
 */
int expr_triggers(const struct expr *x, judge_fn judge,
		  bool (*usable)(void *ctx, const struct expr_cond *c),
		  void (*add)(void *ctx, const struct expr_cond *c), void *ctx);
