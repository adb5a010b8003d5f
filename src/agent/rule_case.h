#pragma once
/*
 * Unit tests for rules: events given field by field, and the rules that are expected to fire. For
 * `porthole rules test`; the file's form is in doc/RULES.md:
 *
 *	- name: a shell reads the passwords
 *	  event:
 *	    evt.type: openat
 *	    evt.arg.flags: O_RDONLY
 *	    fd.name: /etc/shadow
 *	    proc.name: bash
 *	  expect: [Read sensitive file untrusted]
 *	- name: nothing else happens in this capture
 *	  capture: quiet.cap
 *	  expect: []
 *	  reject: [Terminal shell in container]
 *
 * What a case does not say is absent, except for what follows from what it says, and what nearly
 * every rule takes for granted: one table, rule_case_assumed. The rules are compiled against a
 * catalogue of the same fields that read a case's values.
 */
#include "rule/rule.h"

#define RULE_CASES_MAX	     10000
#define RULE_CASE_FIELDS_MAX 128

struct rule_case {
	struct str name;
	unsigned line;
	const struct node *event; /* NULL: a capture */
	struct str capture;
	const struct node *expect, *reject; /* sequences; may be NULL */
};

struct rule_cases {
	struct pool *pool;
	struct rule_case *list;
	size_t n;
};

/* Reads a file of cases. 0, or -errno with the reason appended to @why. */
int rule_cases_read(const char *path, struct rule_cases *ret, struct buf *why);
void rule_cases_free(struct rule_cases *c);

/* The agent's fields, reading a case's values. Made once; NULL without memory. */
const struct catalogue *rule_case_catalogue(void);

/*
 * Calls @fired for each rule that the case's event makes fire. 0, or -EINVAL with the reason
 * appended to @why (a field that does not exist, a value that is not of its type).
 */
int rule_case_run(const struct rule_case *c, const struct ruleset *rules,
		  void (*fired)(void *ctx, const struct rule *r), void *ctx, struct buf *why);

/* Appends what is not as the case says, a line each; nothing when all is. */
void rule_case_verdict(const struct rule_case *c, const struct str *fired, size_t n, struct buf *b);

/* Values that a case need not give: for `rules test --help` and the tests. */
struct rule_case_assumed {
	const char *field, *value, *when; /* when: the field that must be given, or NULL: always */
};
extern const struct rule_case_assumed rule_case_assumed[];
