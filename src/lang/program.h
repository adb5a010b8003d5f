#pragma once
/*
 * A compiled expression from the inside: what the compiler makes, match.c runs and analysis.c
 * reads. Two forms of one thing:
 *
 *   tree    and/or/not over checks, macros resolved: for analysis
 *   checks  an array in which each check names the next one for true and for false; and, or and
 *           not are only these jumps. A jump past the array ends the run:
 *
 *   a=1 and (b=2 or not c=3)      [0] c=3: yes FALSE, no TRUE
 *                                 [1] b=2: yes TRUE,  no 0
 *                                 [2] a=1: yes 1,     no FALSE      <- entry
 */
#include "lang/compare.h"
#include "lang/operand.h"

#define PROGRAM_TRUE  UINT32_MAX
#define PROGRAM_FALSE (UINT32_MAX - 1)

struct check {
	bool (*test)(const struct check *c, const struct event *ev);
	compare_fn compare;
	uint32_t yes, no;
	field_get get; /* of left, when it is a field */
	const struct field_ref *ref;
	struct constant k;
	/* The rest is for the slower tests and for analysis. */
	const struct operand *left, *right; /* right NULL: compares with values */
	enum expr_op op;
	enum expr_modifier modifier;
	const struct expr_value *values;
	size_t nvalues;
	const struct constant *each; /* one for each value, when there is a modifier */
};

struct tree {
	enum ast_kind kind; /* AST_AND, AST_OR, AST_NOT, AST_CHECK */
	const struct check *check;
	struct tree **child;
	size_t n;
};

struct expr {
	struct pool pool;
	struct check *checks;
	uint32_t n, entry;
	struct tree *root;
	uint64_t (*type_kinds)(struct str type);
	struct regex **regexes;
	size_t nregexes;
};

/* The test that fits a check whose other members are set. */
void program_test_set(struct check *c);

/* Can no event pass it, whatever it is? An empty set, evt.num=0. */
bool check_never(const struct check *k);

/*
 * `glob /etc/x*` is a prefix: a pattern with stars at its ends only becomes the operator that means
 * the same, which is returned, and @s loses the stars. EXPR_GLOB: it is not so simple.
 */
enum expr_op glob_simplify(struct str *s);
