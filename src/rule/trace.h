#pragma once
/*
 * A text put together from pieces of rule files, which remembers where each piece came from: a
 * condition with its appended parts, its exceptions and the items of its lists. An error in it is
 * shown where a person wrote the words.
 *
 * Memory is the pool's. Too long (TRACE_BYTES_MAX) or out of memory: later pieces do nothing and
 * the owner asks once, trace_check.
 */
#include "lang/ast.h"
#include "rule/report.h"

#define TRACE_BYTES_MAX AST_TEXT_MAX_BYTES

struct trace;

/* From @at on, the text is that of @node or @trace from @off on; @fixed: all of it stands for @off. */
struct origin {
	uint32_t at, off;
	bool fixed;
	const struct node *node;
	const struct trace *trace;
};

struct trace {
	struct pool *pool;
	char *p;
	size_t n, cap;
	struct origin *origins;
	size_t norigins, origins_cap;
	bool too_long, no_memory;
};

static inline struct str trace_text(const struct trace *t)
{
	return (struct str){ t->p ? t->p : "", t->n };
}

/* Bytes [from, from + n) of the scalar's text. */
void trace_part(struct trace *t, const struct node *node, size_t from, size_t n);
/* A whole scalar. */
void trace_node(struct trace *t, const struct node *node);
/* A scalar as a value in a condition: one with a blank in it gets quotes, unless it has some. */
void trace_value(struct trace *t, const struct node *node);
/* The loader's own words, on behalf of @node. */
void trace_words(struct trace *t, struct str words, const struct node *node);
/* Bytes [from, from + n) of another trace, which must live as long. */
void trace_trace(struct trace *t, const struct trace *other, size_t from, size_t n);

/* 0, -E2BIG, -ENOMEM. */
int trace_check(const struct trace *t);

/* Where byte @off of the text was written. */
struct place trace_place(const struct trace *t, size_t off);

/* The offset in @text of a line and column as struct lang_error counts them. */
size_t text_offset(struct str text, unsigned line, unsigned column);
