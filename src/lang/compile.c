/*
 * Tree as written to program: fields and macros looked up, types checked, constants prepared
 * (sets hashed, patterns compiled), jumps laid. All errors of meaning come from here.
 *
 * Recursion goes as deep as the tree, which EXPR_TREE_DEPTH_MAX bounds; that is also what stops a
 * macro that refers to itself.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "lang/literal.h"
#include "lang/program.h"

struct compiler {
	const struct catalogue *catalogue;
	const struct expr_opts *opts;
	struct expr *x;
	struct str text; /* of the tree being compiled */
	struct lang_error *error;
	unsigned depth;
	uint32_t checks;
};

#define compiler_error(c, at, ...) lang_error_at((c)->error, (c)->text, (at), __VA_ARGS__)

/* Constants */

static size_t texts_count(const struct ast_text *t)
{
	size_t n = 0;

	for (; t; t = t->next)
		n++;
	return n;
}

static int value_read(struct compiler *c, const struct check *k, const struct ast_text *t,
		      struct expr_value *ret)
{
	const char *expected = literal_read(t->str, k->left->type, k->left->unit, ret);

	if (expected)
		return compiler_error(c, t->at, "expected %s, found '%.*s'", expected,
				      t->str.n > 60 ? 60 : STR_ARG(t->str));
	if (ret->v.type == VALUE_STR && !pool_str(&c->x->pool, t->str, &ret->v.str))
		return -ENOMEM;
	return 0;
}

static int constant_hex(struct compiler *c, const struct ast_text *t, struct constant *ret)
{
	char *to = pool_alloc(&c->x->pool, t->str.n / 2 + 1);

	if (!to)
		return -ENOMEM;
	if (!literal_hex(t->str, to))
		return compiler_error(c, t->at, "expected pairs of hexadecimal digits, found '%.*s'",
				      t->str.n > 60 ? 60 : STR_ARG(t->str));
	ret->v = (struct value){ .type = VALUE_STR, .str = { to, t->str.n / 2 } };
	return 0;
}

static int regex_keep(struct compiler *c, struct regex *re)
{
	struct expr *x = c->x;
	struct regex **more;

	if ((x->nregexes & (x->nregexes - 1)) == 0) {
		more = realloc(x->regexes, (x->nregexes ? x->nregexes * 2 : 1) * sizeof(*more));
		if (!more) {
			regex_free(re);
			return -ENOMEM;
		}
		x->regexes = more;
	}
	x->regexes[x->nregexes++] = re;
	return 0;
}

static int constant_pattern(struct compiler *c, const struct ast_text *t, enum compare_wants wants,
			    struct constant *ret)
{
	struct regex *re;
	char why[128];
	int r;

	if (t->str.n > EXPR_PATTERN_MAX_BYTES)
		return compiler_error(c, t->at, "this pattern is longer than %u bytes",
				      EXPR_PATTERN_MAX_BYTES);
	if (wants == WANTS_PATTERN)
		return 0;
	if (c->x->nregexes == EXPR_REGEX_MAX)
		return compiler_error(c, t->at, "more than %u regular expressions", EXPR_REGEX_MAX);
	r = regex_new(t->str.p, t->str.n, EXPR_REGEX_MAX_BYTES, &re, why, sizeof(why));
	if (r == -EINVAL)
		return compiler_error(c, t->at, "bad regular expression: %s", why);
	if (r < 0)
		return r;
	ret->regex = re;
	return regex_keep(c, re);
}

/* One value, for operators and modifiers that take such. */
static int constant_one(struct compiler *c, const struct check *k, enum compare_wants wants,
			const struct ast_text *t, const struct expr_value *value,
			struct constant *ret)
{
	ret->v = value->v;
	switch (wants) {
	case WANTS_HEX:
		return constant_hex(c, t, ret);
	case WANTS_PATTERN:
	case WANTS_REGEX:
		return constant_pattern(c, t, wants, ret);
	default:
		if (k->left->type == VALUE_IP)
			net_of(value, &ret->net);
		return 0;
	}
}

static int word_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int set_strs(struct compiler *c, const struct check *k, struct constant *ret)
{
	struct strset *set = strset_new(&c->x->pool, k->nvalues);

	if (!set)
		return -ENOMEM;
	for (size_t i = 0; i < k->nvalues; i++)
		strset_add(set, k->values[i].v.str);
	ret->set = set;
	return 0;
}

static int set_words(struct compiler *c, const struct check *k, struct constant *ret)
{
	uint64_t *words = pool_alloc(&c->x->pool, k->nvalues * sizeof(*words));

	if (!words)
		return -ENOMEM;
	for (size_t i = 0; i < k->nvalues; i++)
		words[i] = k->values[i].v.u64;
	qsort(words, k->nvalues, sizeof(*words), word_order);
	ret->words = words;
	ret->n = k->nvalues;
	return 0;
}

static int set_nets(struct compiler *c, const struct check *k, struct constant *ret)
{
	struct net *nets = pool_alloc(&c->x->pool, k->nvalues * sizeof(*nets));

	if (!nets)
		return -ENOMEM;
	for (size_t i = 0; i < k->nvalues; i++)
		net_of(&k->values[i], &nets[i]);
	ret->nets = nets;
	ret->n = k->nvalues;
	return 0;
}

static int set_paths(struct compiler *c, const struct check *k, struct constant *ret)
{
	struct str *strs = pool_alloc(&c->x->pool, k->nvalues * sizeof(*strs));

	if (!strs)
		return -ENOMEM;
	for (size_t i = 0; i < k->nvalues; i++)
		strs[i] = k->values[i].v.str;
	ret->strs = strs;
	ret->n = k->nvalues;
	return 0;
}

static int constant_set(struct compiler *c, const struct check *k, struct constant *ret)
{
	switch (k->left->type) {
	case VALUE_STR:
	case VALUE_LIST:
		return set_strs(c, k, ret);
	case VALUE_IP:
		return set_nets(c, k, ret);
	case VALUE_BOOL:
		for (size_t i = 0; i < k->nvalues; i++)
			ret->bools |= 1u << k->values[i].v.b;
		return 0;
	default:
		return set_words(c, k, ret);
	}
}

static int values_read(struct compiler *c, const struct ast_check *a, struct check *k)
{
	size_t n = texts_count(a->values);
	struct expr_value *values = pool_alloc(&c->x->pool, n * sizeof(*values));
	int r = values ? 0 : -ENOMEM;

	k->values = values;
	k->nvalues = n;
	for (const struct ast_text *t = a->values; r == 0 && t; t = t->next)
		r = value_read(c, k, t, values++);
	return r;
}

static int constants_each(struct compiler *c, const struct ast_check *a, enum compare_wants wants,
			  struct check *k)
{
	struct constant *each = pool_alloc(&c->x->pool, k->nvalues * sizeof(*each));
	const struct ast_text *t = a->values;
	int r = each ? 0 : -ENOMEM;

	k->each = each;
	for (size_t i = 0; r == 0 && i < k->nvalues; i++, t = t->next)
		r = constant_one(c, k, wants, t, &k->values[i], &each[i]);
	return r;
}

enum expr_op glob_simplify(struct str *s)
{
	struct str t = *s;
	bool before = t.n && t.p[0] == '*', after = t.n > 1 && t.p[t.n - 1] == '*';

	t = (struct str){ t.p + before, t.n - before - after };
	for (size_t i = 0; i < t.n; i++)
		if (strchr("*?[\\", t.p[i]))
			return EXPR_GLOB;
	*s = t;
	return before && after ? EXPR_CONTAINS :
	       before	       ? EXPR_ENDSWITH :
	       after	       ? EXPR_STARTSWITH :
				 EXPR_EQ;
}

/* The check still says glob: analysis reads it so. */
static void check_simplify(struct check *k)
{
	struct str s = k->k.v.str;
	enum expr_op op = glob_simplify(&s);

	if (op == EXPR_GLOB)
		return;
	k->k.v.str = s;
	k->compare = comparison_find(op, VALUE_STR)->fn;
}

static int constants_make(struct compiler *c, const struct ast_check *a, enum compare_wants wants,
			  struct check *k)
{
	int r = values_read(c, a, k);

	if (r < 0)
		return r;
	if (k->modifier)
		return constants_each(c, a, wants, k);
	if (wants == WANTS_SET)
		return constant_set(c, k, &k->k);
	if (wants == WANTS_PATHS) {
		for (const struct ast_text *t = a->values; r == 0 && t; t = t->next)
			r = constant_pattern(c, t, WANTS_PATTERN, &k->k);
		return r < 0 ? r : set_paths(c, k, &k->k);
	}
	r = constant_one(c, k, wants, a->values, k->values, &k->k);
	if (r == 0 && k->op == EXPR_GLOB)
		check_simplify(k);
	return r;
}

/* Checks */

static struct operand_site site_of(const struct compiler *c, bool right)
{
	return (struct operand_site){
		.catalogue = c->catalogue,
		.pool = &c->x->pool,
		.text = c->text,
		.error = c->error,
		.right = right,
	};
}

static int operand_add(struct compiler *c, const struct ast_operand *a, bool right,
		       const struct operand **ret)
{
	struct operand_site site = site_of(c, right);
	struct operand *o = pool_alloc(&c->x->pool, sizeof(*o));
	int r = o ? operand_compile(&site, a, o) : -ENOMEM;

	*ret = o;
	return r;
}

static bool is_kind_field(const struct operand *o)
{
	return o->ref.field && (strcmp(o->ref.field->name, "evt.type") == 0 ||
				strcmp(o->ref.field->name, "evt.kind") == 0);
}

static int check_right(struct compiler *c, const struct ast_check *a, struct check *k,
		       const struct comparison *how)
{
	int r = operand_add(c, a->right, true, &k->right);

	if (r < 0)
		return r;
	if (!how->with_value)
		return compiler_error(c, a->right->at, "'%s' compares with values, not with fields",
				      op_name(k->op));
	if (k->left->any || k->right->any)
		return compiler_error(c, a->right->at,
				      "a field with several values cannot be compared with another");
	if (is_kind_field(k->left))
		return compiler_error(c, a->right->at, "%.*s compares with values, not with fields",
				      STR_ARG(a->left->name));
	if (k->left->type != k->right->type)
		return compiler_error(c, a->right->at, "%s and %s cannot be compared",
				      value_type_name(k->left->type),
				      value_type_name(k->right->type));
	k->compare = how->with_value;
	return 0;
}

static int check_fill(struct compiler *c, const struct ast_check *a, struct check *k)
{
	const struct comparison *how;
	int r = operand_add(c, a->left, false, &k->left);

	if (r < 0)
		return r;
	k->op = a->op;
	k->modifier = a->modifier;
	if (k->op == EXPR_EXISTS)
		return 0;
	how = comparison_find(k->op, k->left->type);
	if (how->wants == WANTS_NONE)
		return compiler_error(c, a->op_at, "'%s' does not fit %.*s, of type %s",
				      op_name(k->op), STR_ARG(a->left->name),
				      value_type_name(k->left->type));
	if (k->modifier && k->left->any)
		return compiler_error(c, a->op_at,
				      "%.*s has several values and takes no oneof, anyof or allof",
				      STR_ARG(a->left->name));
	k->compare = how->fn;
	if (a->right)
		return check_right(c, a, k, how);
	return constants_make(c, a, how->wants, k);
}

static int compile_check(struct compiler *c, const struct ast_node *a, struct tree **ret)
{
	struct tree *t = pool_alloc(&c->x->pool, sizeof(*t));
	struct check *k = pool_alloc(&c->x->pool, sizeof(*k));
	int r;

	if (!t || !k)
		return -ENOMEM;
	if (c->checks == EXPR_CHECKS_MAX)
		return compiler_error(c, a->at, "more than %u comparisons", EXPR_CHECKS_MAX);
	c->checks++;
	r = check_fill(c, a->check, k);
	if (r < 0)
		return r;
	program_test_set(k);
	t->kind = AST_CHECK;
	t->check = k;
	*ret = t;
	return 0;
}

/* Trees */

static int compile_node(struct compiler *c, const struct ast_node *a, struct tree **ret);

static int compile_ident(struct compiler *c, const struct ast_node *a, struct tree **ret)
{
	const struct expr_opts *o = c->opts;
	const struct ast *macro = o && o->ident ? o->ident(o->ctx, a->ident) : NULL;
	struct str outer = c->text;
	int r;

	if (!macro && o && o->ident)
		return compiler_error(c, a->at, "no macro is called %.*s", STR_ARG(a->ident));
	if (!macro)
		return compiler_error(c, a->at, "expected an operator behind %.*s",
				      STR_ARG(a->ident));
	c->text = macro->text;
	r = compile_node(c, macro->root, ret);
	c->text = outer;
	return r;
}

static int compile_children(struct compiler *c, const struct ast_node *a, struct tree **ret)
{
	struct tree *t = pool_alloc(&c->x->pool, sizeof(*t));
	size_t n = 0;
	int r = 0;

	for (const struct ast_node *x = a->child; x; x = a->kind == AST_NOT ? NULL : x->next)
		n++;
	if (t)
		t->child = pool_alloc(&c->x->pool, n * sizeof(struct tree *));
	if (!t || !t->child)
		return -ENOMEM;
	t->kind = a->kind;
	for (const struct ast_node *x = a->child; r == 0 && t->n < n; x = x->next)
		r = compile_node(c, x, &t->child[t->n++]);
	*ret = t;
	return r;
}

static int compile_node(struct compiler *c, const struct ast_node *a, struct tree **ret)
{
	int r;

	if (c->depth == EXPR_TREE_DEPTH_MAX)
		return compiler_error(c, a->at, "nested too deep; does a macro refer to itself?");
	c->depth++;
	if (a->kind == AST_CHECK)
		r = compile_check(c, a, ret);
	else if (a->kind == AST_IDENT)
		r = compile_ident(c, a, ret);
	else
		r = compile_children(c, a, ret);
	c->depth--;
	return r;
}

/* Lays @t so that it goes on to @yes or @no; last part first, so that targets are known. */
static uint32_t lay(struct expr *x, struct tree *t, uint32_t yes, uint32_t no)
{
	struct check *k;

	switch (t->kind) {
	case AST_NOT:
		return lay(x, t->child[0], no, yes);
	case AST_AND:
		for (size_t i = t->n; i > 0; i--)
			yes = lay(x, t->child[i - 1], yes, no);
		return yes;
	case AST_OR:
		for (size_t i = t->n; i > 0; i--)
			no = lay(x, t->child[i - 1], yes, no);
		return no;
	default:
		k = &x->checks[x->n];
		*k = *t->check;
		k->yes = yes;
		k->no = no;
		t->check = k;
		return x->n++;
	}
}

int expr_compile(const struct catalogue *catalogue, const struct ast *ast,
		 const struct expr_opts *opts, struct expr **ret, struct lang_error *e)
{
	_cleanup_(expr_freep) struct expr *x = calloc(1, sizeof(*x));
	struct compiler c = { .catalogue = catalogue, .opts = opts, .x = x, .text = ast->text };
	int r;

	if (!x)
		return -ENOMEM;
	c.error = e;
	x->type_kinds = opts ? opts->type_kinds : NULL;
	r = compile_node(&c, ast->root, &x->root);
	if (r < 0)
		return r;
	x->checks = calloc(c.checks, sizeof(*x->checks));
	if (!x->checks)
		return -ENOMEM;
	x->entry = lay(x, x->root, PROGRAM_TRUE, PROGRAM_FALSE);
	*ret = take_ptr(x);
	return 0;
}

int expr_parse(const struct catalogue *c, struct str text, const struct expr_opts *opts,
	       struct expr **ret, struct lang_error *e)
{
	_cleanup_(ast_freep) struct ast *ast = NULL;
	int r = ast_parse(text, &ast, e);

	return r < 0 ? r : expr_compile(c, ast, opts, ret, e);
}

void expr_free(struct expr *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->nregexes; i++)
		regex_free(x->regexes[i]);
	free(x->regexes);
	free(x->checks);
	pool_free(&x->pool);
	free(x);
}

size_t expr_checks(const struct expr *x)
{
	return x->n;
}
