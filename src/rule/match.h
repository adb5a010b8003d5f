#pragma once
/*
 * Which rules match an event. Made for one ruleset and one thread; borrows the ruleset.
 *
 * For each evt.type seen, the rules that can match it are prepared once (lang/many.h): equal
 * comparisons are evaluated once per event, rules whose necessary conditions fail are not looked
 * at. The answer is that of expr_match on each rule, always (tested).
 */
#include "rule/rule.h"

struct matcher;

int matcher_new(const struct ruleset *r, struct matcher **ret);
void matcher_free(struct matcher *m);

/* Calls @hit for each match in order of definition; the first only unless @all. How many. */
size_t matcher_run(struct matcher *m, const struct event *ev, bool all,
		   void (*hit)(void *ctx, const struct rule *r, const struct event *ev), void *ctx);

/* Of rule @index, since the start. `evaluated` counts events that its conditions were tried on. */
struct match_count {
	uint64_t evaluated, matched;
};
struct match_count matcher_count(const struct matcher *m, uint32_t index);
