#pragma once
/*
 * The second half of sql.h: tokens of a statement in, its method and summary out. Made for sql.c, which
 * passes each token once, in order; they stay valid until sql_tokens_end.
 */
#include "proto/sql.h"

#define SQL_DEPTH_MAX 32 /* parentheses in which targets are still looked for */
#define SQL_WITH_MAX  8	 /* names of WITH that are remembered */

enum sql_token {
	SQL_WORD,
	SQL_QUOTED, /* a quoted name, with its quotes */
	SQL_LITERAL,
	SQL_PUNCT, /* one byte */
};

/* What the shape has to know of a word. */
enum sql_word {
	SQL_WORD_OTHER,
	SQL_WORD_IN,
	SQL_WORD_ARRAY,
	SQL_WORD_VALUES,
};

struct sql_level {
	bool from;   /* its statement has a FROM */
	bool list;   /* after a comma another target comes */
	bool want;   /* a target comes */
	bool into;   /* INTO and USING name targets */
	bool nested; /* what is wanted may be in parentheses */
};

struct sql_tokens {
	struct sql *out;
	const char *end; /* of the statement */
	struct str target, with[SQL_WITH_MAX];
	const char *method; /* outside of parentheses; else the first inside */
	const char *inner;
	uint32_t depth, with_n;
	uint8_t before; /* kind of the word before, 0: none or no word */
	bool dot;	/* the target goes on */
	bool begin;	/* a statement begins here */
	bool may;	/* a verb may be here */
	bool kind;	/* CREATE and such: the kind of object comes */
	bool stop;	/* nothing more until the next statement */
	bool with_name; /* a name that WITH defines comes */
	bool in_with, full, any;
	struct sql_level level[SQL_DEPTH_MAX];
};

void sql_tokens_begin(struct sql_tokens *t, struct str statement, struct sql *out);
enum sql_word sql_tokens_add(struct sql_tokens *t, enum sql_token kind, struct str token);
void sql_tokens_end(struct sql_tokens *t);

/* Bytes of @s into @to as well-formed UTF-8, each bad byte and control as _; at most @room. -> bytes written */
size_t sql_copy(char *to, size_t room, struct str s);
