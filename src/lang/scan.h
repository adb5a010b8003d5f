#pragma once
/*
 * The tokens of the language, taken from the front of a text. Which token comes next depends on
 * where the parser is (a bare string may hold what is elsewhere an operator), so there is no
 * token stream: the parser asks for what it expects. Readers that find something else leave the
 * position alone.
 */
#include "lang/ast.h"

struct scan {
	struct str text;
	size_t at;
	struct pool *pool; /* of the result */
	struct lang_error *error;
	unsigned depth;
};

/* 0, or the error: NUL bytes, invalid UTF-8, too long. */
int scan_check(const struct scan *s);

/* The next byte, 0 at the end. */
static inline char scan_peek(const struct scan *s)
{
	return s->at < s->text.n ? s->text.p[s->at] : 0;
}

static inline bool scan_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\b';
}

void scan_blanks(struct scan *s);
bool scan_char(struct scan *s, char c);

/* A letter, then letters, digits and _; with dots: several such parts. */
bool scan_name(struct scan *s, bool dots, struct str *ret);

/* The keyword @word followed by a blank, '(' or the end. */
bool scan_keyword(struct scan *s, struct str word);

/* A quoted or bare string. 0, -ENOENT when there is none here, -EINVAL, -ENOMEM. */
int scan_string(struct scan *s, struct ast_text **ret);

/* The part in brackets, the '[' being next; same returns, never -ENOENT. */
int scan_bracket(struct scan *s, struct ast_text **ret);

/* Field or transformer as an operand (ast.h). Same returns as scan_string. */
int scan_operand(struct scan *s, struct ast_operand **ret);

/* A field whose name was already taken; scan_call: a transformer's, '(' being next. */
int scan_field(struct scan *s, struct str name, size_t at, struct ast_operand **ret);
int scan_call(struct scan *s, struct str name, size_t at, struct ast_operand **ret);

/* Describes what stands at the position: `'&&'`, `end of text`; for messages, at most 40 bytes. */
const char *scan_found(const struct scan *s, char (*buf)[64]);

#define scan_error(s, where, ...) lang_error_at((s)->error, (s)->text, (where), __VA_ARGS__)
