/*
 * Text to tree, by recursive descent along the grammar in ast.h. Chains of and, or and not take no
 * stack; only parentheses do, and their depth is bounded.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "lang/scan.h"

static int parse_or(struct scan *s, struct ast_node **ret);

static struct ast_node *node_new(struct scan *s, enum ast_kind kind, size_t at)
{
	struct ast_node *n = pool_alloc(s->pool, sizeof(*n));

	if (n) {
		n->kind = kind;
		n->at = (uint32_t)at;
	}
	return n;
}

/* What people write from habit, and what it is called here. */
static const struct {
	struct str found;
	const char *say;
} habits[] = {
	{ STR("&"), "and" },   { STR("|"), "or" },  { STR("!"), "not" },
	{ STR("AND"), "and" }, { STR("OR"), "or" }, { STR("NOT"), "not" },
};

static int error_expected(struct scan *s, const char *expected)
{
	struct str rest = str_skip(s->text, s->at);
	char found[64];

	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
		if (str_starts(rest, habits[i].found))
			return scan_error(s, s->at, "expected %s, found %s; write '%s'", expected,
					  scan_found(s, &found), habits[i].say);
	return scan_error(s, s->at, "expected %s, found %s", expected, scan_found(s, &found));
}

static bool is_keyword(struct str name)
{
	static const struct str words[] = { STR("and"), STR("or"), STR("not"),
					    STR("AND"), STR("OR"), STR("NOT") };
	enum expr_op op;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq(name, words[i]))
			return true;
	return op_find_word(name, &op);
}

/* "(" [value ("," value)*] ")", the opening parenthesis being next. */
static int parse_list(struct scan *s, struct ast_text **ret)
{
	size_t open = s->at++;
	struct ast_text **tail = ret;
	int r;

	scan_blanks(s);
	if (scan_char(s, ')'))
		return 0;
	for (;;) {
		scan_blanks(s);
		r = scan_string(s, tail);
		if (r == -ENOENT && s->at >= s->text.n)
			return scan_error(s, open, "this list is never closed");
		if (r == -ENOENT)
			return error_expected(s, "a value");
		if (r < 0)
			return r;
		tail = &(*tail)->next;
		scan_blanks(s);
		if (scan_char(s, ','))
			continue;
		if (scan_char(s, ')'))
			return 0;
		if (s->at >= s->text.n)
			return scan_error(s, open, "this list is never closed");
		return error_expected(s, "',' or ')'");
	}
}

/* `val(field)` or `transformer(...)`: a name with a parenthesis right behind it. */
static int parse_call(struct scan *s, struct ast_operand **ret)
{
	size_t start = s->at;
	struct str name;

	if (scan_name(s, false, &name) && scan_peek(s) == '(')
		return scan_call(s, name, start, ret);
	s->at = start;
	return -ENOENT;
}

static bool parse_modifier(struct scan *s, struct ast_check *c)
{
	size_t start = s->at;
	enum expr_modifier m;
	struct str name;

	if (scan_name(s, false, &name) && modifier_find(name, &m)) {
		scan_blanks(s);
		if (scan_peek(s) == '(') {
			c->modifier = m;
			return true;
		}
	}
	s->at = start;
	return false;
}

/* What stands right of the operator. */
static int parse_right(struct scan *s, struct ast_check *c)
{
	enum op_takes takes = op_takes(c->op);
	int r;

	scan_blanks(s);
	if (takes == OP_TAKES_NOTHING)
		return 0;
	if (takes == OP_TAKES_VALUE && parse_modifier(s, c))
		return parse_list(s, &c->values);
	if (takes == OP_TAKES_LIST && scan_peek(s) == '(')
		return parse_list(s, &c->values);
	r = parse_call(s, &c->right);
	if (r == -ENOENT)
		r = scan_string(s, &c->values);
	if (r == -ENOENT && scan_peek(s) == '(')
		return scan_error(
			s, s->at,
			"'%s' takes one value; several are written in (a, b) or %s anyof (a, b)",
			op_name(c->op), op_name(c->op));
	if (r == -ENOENT)
		return error_expected(s,
				      takes == OP_TAKES_LIST ? "a list such as (a, b)" : "a value");
	return r;
}

static bool parse_op(struct scan *s, enum expr_op *ret)
{
	size_t start = s->at, len;
	struct str name;

	if (op_find_symbol(str_skip(s->text, s->at), ret, &len)) {
		s->at += len;
		return true;
	}
	if (scan_name(s, false, &name) && op_find_word(name, ret))
		return true;
	s->at = start;
	return false;
}

/* A check whose left side is known; or, without an operator behind a plain name, a macro. */
static int parse_check(struct scan *s, struct ast_operand *left, struct ast_node **ret)
{
	struct ast_node *n = node_new(s, AST_CHECK, left->at);
	size_t end = s->at;
	enum expr_op op;

	if (!n)
		return -ENOMEM;
	scan_blanks(s);
	size_t op_at = s->at;

	if (!parse_op(s, &op)) {
		if (left->kind != AST_FIELD || left->arg || memchr(left->name.p, '.', left->name.n))
			return error_expected(s, "an operator such as =, != or contains");
		n->kind = AST_IDENT;
		n->ident = left->name;
		s->at = end;
		*ret = n;
		return 0;
	}
	n->check = pool_alloc(s->pool, sizeof(*n->check));
	if (!n->check)
		return -ENOMEM;
	n->check->left = left;
	n->check->op = op;
	n->check->op_at = (uint32_t)op_at;
	*ret = n;
	return parse_right(s, n->check);
}

static int parse_group(struct scan *s, struct ast_node **ret)
{
	size_t open = s->at++;
	int r;

	if (++s->depth > AST_DEPTH_MAX)
		return scan_error(s, open, "nested deeper than %d", AST_DEPTH_MAX);
	r = parse_or(s, ret);
	if (r < 0)
		return r;
	scan_blanks(s);
	if (s->at >= s->text.n)
		return scan_error(s, open, "this parenthesis is never closed");
	if (!scan_char(s, ')'))
		return error_expected(s, "'and', 'or' or ')'");
	s->depth--;
	return 0;
}

static int parse_primary(struct scan *s, struct ast_node **ret)
{
	static const char expected[] = "a condition such as proc.name=nginx";
	size_t start = s->at;
	struct ast_operand *left = NULL;
	struct str name;
	int r;

	if (scan_peek(s) == '(')
		return parse_group(s, ret);
	if (!scan_name(s, true, &name))
		return error_expected(s, expected);
	if (is_keyword(name)) {
		s->at = start;
		return error_expected(s, expected);
	}
	if (scan_peek(s) == '(')
		r = scan_call(s, name, start, &left);
	else
		r = scan_field(s, name, start, &left);
	return r < 0 ? r : parse_check(s, left, ret);
}

static int parse_not(struct scan *s, struct ast_node **ret)
{
	struct ast_node *n;
	bool negated = false;
	size_t start;

	scan_blanks(s);
	start = s->at;
	while (scan_keyword(s, STR("not"))) {
		negated = !negated;
		scan_blanks(s);
	}
	if (!negated)
		return parse_primary(s, ret);
	n = node_new(s, AST_NOT, start);
	if (!n)
		return -ENOMEM;
	*ret = n;
	return parse_primary(s, &n->child);
}

/* @kind chains of what @part parses, joined by @word; a single part stays as it is. */
static int parse_chain(struct scan *s, enum ast_kind kind, struct str word,
		       int (*part)(struct scan *, struct ast_node **), struct ast_node **ret)
{
	struct ast_node *first = NULL, *chain, **tail = &first;
	int r;

	do {
		r = part(s, tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
		scan_blanks(s);
	} while (scan_keyword(s, word));
	if (!first->next) {
		*ret = first;
		return 0;
	}
	chain = node_new(s, kind, first->at);
	if (!chain)
		return -ENOMEM;
	chain->child = first;
	*ret = chain;
	return 0;
}

static int parse_and(struct scan *s, struct ast_node **ret)
{
	return parse_chain(s, AST_AND, STR("and"), parse_not, ret);
}

static int parse_or(struct scan *s, struct ast_node **ret)
{
	return parse_chain(s, AST_OR, STR("or"), parse_and, ret);
}

int ast_parse(struct str text, struct ast **ret, struct lang_error *e)
{
	_cleanup_(ast_freep) struct ast *a = calloc(1, sizeof(*a));
	struct scan s = { .text = text, .error = e };
	int r;

	if (!a)
		return -ENOMEM;
	r = scan_check(&s);
	if (r < 0)
		return r;
	if (!pool_str(&a->pool, text.p ? text : STR(""), &a->text))
		return -ENOMEM;
	s.text = a->text;
	s.pool = &a->pool;
	scan_blanks(&s);
	if (s.at == s.text.n)
		return scan_error(&s, 0, "the expression is empty");
	r = parse_or(&s, &a->root);
	if (r < 0)
		return r;
	if (s.at < s.text.n)
		return error_expected(&s, "'and', 'or' or the end");
	*ret = take_ptr(a);
	return 0;
}

void ast_free(struct ast *a)
{
	if (!a)
		return;
	pool_free(&a->pool);
	free(a);
}
