#pragma once
/*
 * An expression as written: the tree between parser and compiler. Nothing is looked up yet: names
 * of fields, macros and transformers are text.
 *
 * The rules engine parses each macro once with ast_parse and hands the trees to expr_compile
 * through expr_opts.ident; lists are substituted into the text before it comes here.
 *
 * Grammar (Falco's; blanks are space, tab, newline, carriage return, backspace):
 *
 *	or      := and ("or" and)*
 *	and     := not ("and" not)*
 *	not     := "not"* (check | "(" or ")")
 *	check   := operand condition | NAME                        NAME: a macro
 *	operand := field | transformer "(" args ")"
 *	field   := NAME ("." NAME)* ["[" (bare | quoted) "]"]
 *	condition := "exists" | op value | op modifier list | ("in"|"intersects"|"pmatch") list
 *	value   := bare | quoted | "val(" field ")" | transformer "(" args ")"
 *	list    := "(" [value ("," value)*] ")" | value
 *
 * Bare strings exclude blanks and ( ) " ' = , and have no escapes. Quoted ones take either quote
 * and \b \f \n \r \t \\ \/ \" \' \xHH; a backslash before a blank stands for a backslash alone.
 *
 * An ast owns its text and its nodes; ast_free releases both. It is read-only once parsed.
 */
#include "lang/error.h"
#include "lang/op.h"
#include "lang/pool.h"

#define AST_TEXT_MAX_BYTES (1u << 20)
#define AST_DEPTH_MAX	   1000 /* parentheses and transformers inside each other */

struct ast_text {
	struct str str; /* unescaped */
	uint32_t at;	/* offset in the text */
	bool quoted;
	struct ast_text *next;
};

enum ast_operand_kind {
	AST_FIELD,  /* name, arg */
	AST_CALL,   /* name of a transformer, args */
	AST_STRING, /* name is the string; only inside a call */
	AST_LIST,   /* args; only inside a call */
};

struct ast_operand {
	enum ast_operand_kind kind;
	uint32_t at;
	struct str name;
	struct ast_text *arg; /* what stands in the brackets, or NULL */
	struct ast_operand *args, *next;
};

struct ast_check {
	struct ast_operand *left;
	enum expr_op op;
	enum expr_modifier modifier;
	uint32_t op_at;
	struct ast_text *values;   /* or */
	struct ast_operand *right; /* val(...), a transformer */
};

enum ast_kind {
	AST_AND,
	AST_OR,
	AST_NOT,
	AST_CHECK,
	AST_IDENT,
};

struct ast_node {
	enum ast_kind kind;
	uint32_t at;
	struct ast_node *child, *next; /* children of AND, OR (two or more) and NOT (one) */
	struct ast_check *check;
	struct str ident;
};

struct ast {
	struct pool pool;
	struct str text;
	struct ast_node *root;
};

/* 0, -ENOMEM, or -EINVAL with @e filled. */
int ast_parse(struct str text, struct ast **ret, struct lang_error *e);
void ast_free(struct ast *a);

static inline void ast_freep(struct ast **a)
{
	ast_free(*a);
}
