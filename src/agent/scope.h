#pragma once
/*
 * Where rules apply, without editing them: lines of "SELECTOR where EXPRESSION". A selector is `*`
 * or a pattern (fnmatch) of rule names, `tag:PATTERN` or `file:PATTERN` (of the rule file's path).
 *
 *	tag:network where k8s.ns.name in (shop, pay)
 *	Terminal shell in container where not k8s.pod.label[debug] = "true"
 *	* where container.id != host
 *
 * All scopes that select a rule must hold for an alert. A scope that selects no rule is worth a
 * warning. Also the bare selectors of `rules.disable`.
 */
#include "rule/rule.h"

#define SCOPES_MAX 64

struct scope {
	struct str selector; /* borrowed from the line */
	struct expr *where;
};

struct scopes {
	struct scope list[SCOPES_MAX];
	size_t n;
};

/* 0, or -EINVAL with the reason appended to @why, or -ENOMEM, -E2BIG. Lines are borrowed. */
int scopes_parse(const char *const *lines, size_t n, struct scopes *ret, struct buf *why);
void scopes_free(struct scopes *s);

bool selector_matches(struct str selector, const struct rule *r);

/* Do all scopes that select @r hold for @ev? */
bool scopes_hold(const struct scopes *s, const struct rule *r, const struct event *ev);
