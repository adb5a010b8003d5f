#pragma once
/*
 * Detection over a session: the rules in force, matched on each event; a match that its scopes let
 * through is handed to the owner as an alert. Rules are exchanged between two records, so nothing
 * is judged by half a set and no event is missed; everything the tables know stays.
 *
 * One thread, the pipeline's. It borrows the session and its options.
 */
#include "agent/rulebook.h"
#include "agent/scope.h"
#include "agent/session.h"
#include "rule/match.h"

/* How often files are looked at; a change counts when it has stood still for as long. */
#define DETECT_LOOK_NS NS_PER_SEC

struct detect_opts {
	struct rulebook book;
	bool all; /* each rule that matches an event, not the first only */
	const char *const *scopes, *const *disabled;
	size_t nscopes, ndisabled;
	/* An alert. Nothing may be kept but by copying. */
	void (*alert)(void *ctx, const struct rule *r, const struct event *ev);
	/* Other rules are in force; the old ones are gone when this returns. May be NULL. */
	void (*changed)(void *ctx, const struct ruleset *now);
	void *ctx;
};

struct detect_counts {
	uint64_t events, alerts, reloads, refused; /* refused: sets that were wrong */
};

struct detect;

/* Loads the rules. 0, or -EINVAL with @problems (or @why) saying what is wrong, or -ENOMEM. */
int detect_new(const struct detect_opts *o, struct problems *problems, struct detect **ret,
	       struct buf *why);
void detect_free(struct detect *d);

const struct ruleset *detect_rules(const struct detect *d);
/* Kinds that the rules want; whether a rule reads environments. */
uint64_t detect_kinds(const struct detect *d);
bool detect_env(const struct detect *d);

/*
 * What the rules want of the kernel, for pushdown_set: a clause each, appended to @list, which has
 * room for detect_rules(d)->n more. @shown: FIELD_* of what alerts show beside their rules' outputs.
 * They borrow from the rules in force. How many.
 */
size_t detect_clauses(const struct detect *d, uint32_t shown, struct pushdown_clause *list);

/* Subscribes; from now on there are alerts. */
void detect_start(struct detect *d, struct session *s);

/*
 * After each batch: reloads when @asked or when files have changed. 1: other rules are in force, and
 * the owner renews the push-down; 0: the same as before.
 */
int detect_turn(struct detect *d, bool asked, struct boot_ns now);

struct detect_counts detect_counts(const struct detect *d);
/* Of rule @index of the rules in force, also from before a reload (by name). */
struct match_count detect_rule_count(const struct detect *d, uint32_t index, uint64_t *ret_alerts);
