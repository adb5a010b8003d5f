#pragma once
/*
 * The operators of the expression language: Falco's, by name. Which types each takes and how it
 * compares is compare.h's; this is what the parser needs.
 */
#include "base/str.h"

enum expr_op {
	EXPR_EQ, /* = and == */
	EXPR_NE,
	EXPR_LT,
	EXPR_LE,
	EXPR_GT,
	EXPR_GE,
	EXPR_IN,
	EXPR_INTERSECTS,
	EXPR_CONTAINS,
	EXPR_ICONTAINS,
	EXPR_BCONTAINS,
	EXPR_STARTSWITH,
	EXPR_BSTARTSWITH,
	EXPR_ENDSWITH,
	EXPR_GLOB,
	EXPR_IGLOB,
	EXPR_REGEX,
	EXPR_PMATCH,
	EXPR_EXISTS,
	EXPR_OPS
};

/* How many of the values in a list must compare true: `startswith anyof (/etc, /usr)`. */
enum expr_modifier {
	EXPR_NO_MODIFIER,
	EXPR_ONEOF,
	EXPR_ANYOF,
	EXPR_ALLOF,
};

enum op_takes {
	OP_TAKES_VALUE,
	OP_TAKES_NUMBER, /* a value too, but no modifier */
	OP_TAKES_LIST,
	OP_TAKES_NOTHING,
};

const char *op_name(enum expr_op op);
enum op_takes op_takes(enum expr_op op);

/* The operator spelled by a whole word (`contains`) or, symbols, by the longest start of @text. */
bool op_find_word(struct str word, enum expr_op *ret);
bool op_find_symbol(struct str text, enum expr_op *ret, size_t *ret_len);
bool modifier_find(struct str word, enum expr_modifier *ret);
