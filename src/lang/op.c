/* The table of operators. A new one is a row here and its comparisons in compare.c. */
#include "lang/op.h"

static const struct op {
	const char *name;
	enum op_takes takes;
} ops[EXPR_OPS] = {
	[EXPR_EQ] = { "=", OP_TAKES_VALUE },
	[EXPR_NE] = { "!=", OP_TAKES_VALUE },
	[EXPR_LT] = { "<", OP_TAKES_NUMBER },
	[EXPR_LE] = { "<=", OP_TAKES_NUMBER },
	[EXPR_GT] = { ">", OP_TAKES_NUMBER },
	[EXPR_GE] = { ">=", OP_TAKES_NUMBER },
	[EXPR_IN] = { "in", OP_TAKES_LIST },
	[EXPR_INTERSECTS] = { "intersects", OP_TAKES_LIST },
	[EXPR_CONTAINS] = { "contains", OP_TAKES_VALUE },
	[EXPR_ICONTAINS] = { "icontains", OP_TAKES_VALUE },
	[EXPR_BCONTAINS] = { "bcontains", OP_TAKES_VALUE },
	[EXPR_STARTSWITH] = { "startswith", OP_TAKES_VALUE },
	[EXPR_BSTARTSWITH] = { "bstartswith", OP_TAKES_VALUE },
	[EXPR_ENDSWITH] = { "endswith", OP_TAKES_VALUE },
	[EXPR_GLOB] = { "glob", OP_TAKES_VALUE },
	[EXPR_IGLOB] = { "iglob", OP_TAKES_VALUE },
	[EXPR_REGEX] = { "regex", OP_TAKES_VALUE },
	[EXPR_PMATCH] = { "pmatch", OP_TAKES_LIST },
	[EXPR_EXISTS] = { "exists", OP_TAKES_NOTHING },
};

/* Longest first. */
static const struct {
	struct str text;
	enum expr_op op;
} symbols[] = {
	{ STR("=="), EXPR_EQ }, { STR("!="), EXPR_NE }, { STR("<="), EXPR_LE },
	{ STR(">="), EXPR_GE }, { STR("="), EXPR_EQ },	{ STR("<"), EXPR_LT },
	{ STR(">"), EXPR_GT },
};

static const char *const modifiers[] = {
	[EXPR_ONEOF] = "oneof",
	[EXPR_ANYOF] = "anyof",
	[EXPR_ALLOF] = "allof",
};

const char *op_name(enum expr_op op)
{
	return ops[op].name;
}

enum op_takes op_takes(enum expr_op op)
{
	return ops[op].takes;
}

bool op_find_word(struct str word, enum expr_op *ret)
{
	for (unsigned op = EXPR_IN; op < EXPR_OPS; op++)
		if (str_eq(word, str_of(ops[op].name))) {
			*ret = (enum expr_op)op;
			return true;
		}
	return false;
}

bool op_find_symbol(struct str text, enum expr_op *ret, size_t *ret_len)
{
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (str_starts(text, symbols[i].text)) {
			*ret = symbols[i].op;
			*ret_len = symbols[i].text.n;
			return true;
		}
	return false;
}

bool modifier_find(struct str word, enum expr_modifier *ret)
{
	for (unsigned m = EXPR_ONEOF; m <= EXPR_ALLOF; m++)
		if (str_eq(word, str_of(modifiers[m]))) {
			*ret = (enum expr_modifier)m;
			return true;
		}
	return false;
}
