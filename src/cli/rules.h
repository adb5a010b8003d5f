#pragma once
/*
 * What the parts of `porthole rules` share: its options, and one function for each action that has
 * a file of its own. Each returns enum cli_exit.
 */
#include "base/buf.h"
#include "cli/cli.h"

struct rules_opts {
	struct cli_strings files;
	const char *replay, *socket;
	enum cli_format output;
};

int rules_explain(const struct rules_opts *o, size_t n, char **operands);
int rules_test(const struct rules_opts *o, size_t n, char **operands);

/* Kinds by name, separated by blanks; "none". */
void rules_kinds_put(uint64_t kinds, struct buf *b);
