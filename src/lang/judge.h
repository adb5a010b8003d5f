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

/*
 * One comparison as it stands (negation is the tree's). UNKNOWN when it cannot be said. The
 * condition lives as long as the expr, its values only during the call; expr_cond_holds answers
 * for all of them.
 */
typedef enum judgement (*judge_fn)(void *ctx, const struct expr_cond *c);

/*
 * Kleene's three-valued logic over the tree. Comparisons with transformers or another field on the
 * right are unknown without asking; all operators of one field against constants are asked, as
 * expr_cond has them: `in` and `intersects` on anything but a list as EQ, a glob with stars at its
 * ends only as what it means, bcontains and bstartswith as CONTAINS and STARTSWITH of the bytes.
 * With anyof, oneof and allof each value is asked alone.
 */
enum judgement expr_judge(const struct expr *x, judge_fn judge, void *ctx);

/*
 * Triggers: conditions at least one of which holds for every event that matches, given what @judge
 * (may be NULL) decides, all of them on fields and operators that @usable accepts. Of several such
 * sets the one with the fewest values. Other globs are offered as the longest literal part they
 * need: STARTSWITH, ENDSWITH or CONTAINS, as @usable has it. A condition is never under a negation,
 * and its field is therefore there. Conditions and arrays of
 * values live only during the call, the strings in them as long as the expr.
 *
 * Returns 1 and calls @add for each; 0: there is no such set (the expression can match without
 * any); -1: it can never match; -ENOMEM. @add is not called unless 1 is returned.
 */
int expr_triggers(const struct expr *x, judge_fn judge,
		  bool (*usable)(void *ctx, const struct expr_cond *c),
		  void (*add)(void *ctx, const struct expr_cond *c), void *ctx);
