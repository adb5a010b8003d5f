#pragma once
/* The transformers: tolower(proc.name), len(...), ... A new one is a function and a row. */
#include "lang/operand.h"

enum transform_takes {
	TAKES_STR,	   /* one string */
	TAKES_STR_OR_LIST, /* one of either */
	TAKES_STRS,	   /* two or more strings */
	TAKES_STR_LIST,	   /* a string, then a list */
	TAKES_ANY,	   /* one of any type, which is the result's too; right side only */
	TAKES_LIST_STR,	   /* a list, then a constant string; [c] selects an option */
};

struct transform {
	const char *name;
	enum transform_takes takes;
	enum value_type gives;
	bool (*get)(const struct operand *o, const struct event *ev, unsigned nth, struct value *ret);
	const char *usage;
};

/* NULL when there is none of that name. */
const struct transform *transform_find(struct str name);

/* A list written out: (proc.name, proc.pname). */
bool transform_list(const struct operand *o, const struct event *ev, unsigned nth, struct value *ret);
