#pragma once
/*
 * The rules in force: which files, loading them, and noticing that they changed.
 *
 * Files are looked at rather than watched: the answer of stat(2) for each, directories by their
 * .yaml and .yml files, through symbolic links. That sees every way a file is replaced (rename,
 * Kubernetes' swap of a ConfigMap's ..data link, a remount), and costs microseconds.
 */
#include "rule/load.h"

struct rulebook {
	const char *const *paths; /* borrowed; n 0: the rules shipped with porthole */
	size_t n;
	enum priority least;
	const struct catalogue *catalogue; /* NULL: the agent's */
};

/* As ruleset_load_files. */
int rulebook_load(const struct rulebook *b, struct problems *p, struct ruleset **ret);

/* Changes when a file does. 0 for the shipped rules. */
uint64_t rulebook_mark(const struct rulebook *b);

/* The shipped rules, as text. */
struct str rulebook_shipped(void);

/* Lines for people: each problem with its place, excerpt and caret. */
void rulebook_problems(const struct problems *p, struct buf *b);
