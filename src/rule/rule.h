#pragma once
/*
 * Detection rules: what is left of rule files once they are loaded. A ruleset is made by
 * ruleset_load (load.h) and does not change afterwards, so that threads may share it; what changes
 * while it runs (counters, memory of one event) is the matcher's (match.h).
 *
 * A ruleset owns everything its rules point to. Order is the order of definition, as Falco's: a
 * rule that was replaced keeps its first place.
 */
#include "lang/expr.h"
#include "lang/format.h"
#include "rule/problem.h"

/* syslog's numbers; names and their spellings: priority_name, priority_parse. */
enum priority {
	PRIORITY_EMERGENCY,
	PRIORITY_ALERT,
	PRIORITY_CRITICAL,
	PRIORITY_ERROR,
	PRIORITY_WARNING,
	PRIORITY_NOTICE,
	PRIORITY_INFORMATIONAL,
	PRIORITY_DEBUG,
	PRIORITIES
};

/* "Emergency" ... "Debug", as alerts show it. */
const char *priority_name(enum priority p);
/* Any case; "info" is Informational. */
bool priority_parse(struct str text, enum priority *ret);

struct rule {
	uint32_t index; /* place in the ruleset */
	struct str name, desc, source;
	enum priority priority;
	const struct str *tags; /* sorted */
	size_t ntags;
	struct str condition; /* as written, appended parts included */
	struct str resolved;  /* with lists and macros put in and exceptions applied, for people */
	struct expr *expr;
	struct str output_text;
	struct format *output;
	uint64_t kinds;	     /* expr_kinds */
	bool capture;	     /* wants a capture around its alerts (look-back) */
	uint32_t capture_ms; /* how long after the alert; 0: the standard */
	const char *file;
	unsigned line, column;
};

struct ruleset {
	struct rule **rules; /* enabled ones, ready to run */
	size_t n;
	/* Of what was read, for summaries. */
	size_t total, disabled, skipped, macros, lists;
	size_t checks;	/* comparisons in all rules */
	uint64_t kinds; /* of all rules */
	struct ruleset_pool *pool;
};

void ruleset_free(struct ruleset *r);

static inline void ruleset_freep(struct ruleset **r)
{
	ruleset_free(*r);
}

/* The rule of that name, or NULL. */
const struct rule *ruleset_find(const struct ruleset *r, struct str name);
