/*
 * Conditions as trees, and macros. A macro sees the macros that were first defined before its own
 * last definition; rules see all. Nothing is put in here: the compiler asks for a macro's tree when
 * it meets the name. What it would come to is computed beforehand, so that macros that double each
 * other are refused before they take memory, and so that a loop is named.
 */
#include <errno.h>

#include "rule/loader.h"

static struct place condition_place(const struct loader *l, const struct condition *c, size_t off)
{
	return loader_place(l, true, &c->text, off);
}

static struct place error_place(const struct loader *l, const struct condition *c,
				const struct lang_error *e)
{
	return condition_place(l, c, text_offset(trace_text(&c->text), e->line, e->column));
}

/* Looking through the tree */

static size_t texts_count(const struct ast_text *t)
{
	size_t n = 0;

	for (; t; t = t->next)
		n++;
	return n;
}

static int use_add(struct loader *l, struct condition *c, const struct ast_node *n)
{
	struct use *more;

	if (c->nuses == c->uses_cap) {
		c->uses_cap = c->uses_cap ? c->uses_cap * 2 : 8;
		more = pool_alloc(c->text.pool, c->uses_cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		if (c->nuses)
			memcpy(more, c->uses, c->nuses * sizeof(*more));
		c->uses = more;
	}
	c->uses[c->nuses++] = (struct use){ n->at, n->ident, names_find(&l->macros, n->ident) };
	return 0;
}

/* As deep as the parser lets a tree be. */
static int tree_look(struct loader *l, struct condition *c, const struct ast_node *n)
{
	int err = 0;

	if (n->kind == AST_IDENT)
		return use_add(l, c, n);
	if (n->kind == AST_CHECK) {
		if (n->check->op == EXPR_REGEX)
			c->regexes += texts_count(n->check->values);
		return 0;
	}
	for (const struct ast_node *x = n->child; !err && x; x = n->kind == AST_NOT ? NULL : x->next)
		err = tree_look(l, c, x);
	return err;
}

/* Binding */

static const struct macro_def *macro_nearest(struct loader *l, struct str name)
{
	const struct macro_def *best = NULL;
	unsigned best_edits = loader_edits_max(l, name);

	for (size_t i = 0; best_edits && i < l->nmacros; i++) {
		unsigned e = near_edits(name, l->macro[i]->def.name);

		if (e < best_edits) {
			best_edits = e;
			best = l->macro[i];
		}
	}
	return best;
}

static int use_wrong(struct loader *l, const struct condition *c, const struct use *u)
{
	struct place where = condition_place(l, c, u->at);
	const struct macro_def *near;

	if (u->macro && &u->macro->c == c)
		return loader_wrong(l, where, ERR_ITEM, "the macro %.*s refers to itself",
				    STR_ARG(u->name));
	if (u->macro)
		return loader_wrong(l, where, ERR_ITEM,
				    "the macro %.*s is defined only behind this; macros see what stands "
				    "before them",
				    STR_ARG(u->name));
	near = macro_nearest(l, u->name);
	if (near)
		return loader_wrong(l, where, ERR_ITEM, "no macro is called %.*s; did you mean %.*s?",
				    STR_ARG(u->name), STR_ARG(near->def.name));
	return loader_wrong(
		l, where, ERR_ITEM,
		"no macro is called %.*s; expected a comparison, or a macro that is defined",
		STR_ARG(u->name));
}

int condition_parse(struct loader *l, struct condition *c, uint32_t visibility)
{
	struct lang_error e;
	int err = ast_parse(trace_text(&c->text), &c->ast, &e);

	if (err == -EINVAL)
		return loader_wrong(l, error_place(l, c, &e), ERR_CONDITION, "%s", e.message);
	if (!err)
		err = tree_look(l, c, c->ast->root);
	if (err)
		return err;
	for (size_t i = 0; i < c->nuses; i++) {
		const struct use *u = &c->uses[i];

		if (!u->macro || u->macro->def.index >= visibility)
			err = use_wrong(l, c, u);
		else
			u->macro->def.used = true;
	}
	return err;
}

/* What it comes to with macros put in; those are resolved. */
static void condition_measure(struct condition *c)
{
	c->expanded = c->text.n;
	for (size_t i = 0; i < c->nuses; i++) {
		const struct condition *m = &c->uses[i].macro->c;

		c->expanded += m->expanded + 2 - c->uses[i].name.n;
		c->regexes += m->regexes;
		c->height = m->height >= c->height ? m->height + 1 : c->height;
		if (c->expanded > TRACE_BYTES_MAX)
			c->expanded = TRACE_BYTES_MAX + 1;
		if (c->regexes > RULE_REGEX_MAX)
			c->regexes = RULE_REGEX_MAX + 1;
	}
}

int condition_limits(struct loader *l, struct condition *c)
{
	struct place where = condition_place(l, c, 0);

	condition_measure(c);
	if (c->expanded > TRACE_BYTES_MAX)
		return loader_wrong(l, where, ERR_ITEM,
				    "longer than %u bytes with its macros put in", TRACE_BYTES_MAX);
	if (c->regexes > RULE_REGEX_MAX)
		return loader_wrong(l, where, ERR_ITEM,
				    "more than %d regular expressions with its macros put in",
				    RULE_REGEX_MAX);
	if (c->height > RULE_MACRO_DEPTH_MAX)
		return loader_wrong(l, where, ERR_ITEM, "more than %d macros inside each other",
				    RULE_MACRO_DEPTH_MAX);
	return 0;
}

/* Macros */

static int macro_parse(struct loader *l, struct macro_def *m)
{
	int err;

	loader_item(l, "macro", m->def.name);
	m->c.text.pool = &l->pool;
	lists_substitute(l, &m->written, &m->c.text);
	err = loader_text_wrong(l, m->def.node, trace_check(&m->c.text));
	l->macro_bytes += m->c.text.n;
	if (!err && l->macro_bytes > RULE_MACRO_BYTES_MAX)
		err = loader_wrong(l, node_place(m->def.node), ERR_ITEM,
				   "all macros up to this one are longer than %u bytes with lists "
				   "put in",
				   RULE_MACRO_BYTES_MAX);
	if (!err)
		err = condition_parse(l, &m->c, m->def.visibility);
	if (err == -EINVAL)
		m->def.state = DEF_BAD;
	else if (!err)
		condition_warn(l, &m->c);
	return err;
}

static int macro_resolve(struct loader *l, struct macro_def *m, unsigned depth);

static int macro_inside(struct loader *l, struct macro_def *m, const struct use *u, unsigned depth)
{
	struct place where = condition_place(l, &m->c, u->at);

	if (u->macro == m)
		return loader_wrong(l, where, ERR_ITEM, "the macro %.*s refers to itself",
				    STR_ARG(m->def.name));
	if (u->macro->def.state == DEF_BUSY)
		return loader_wrong(l, where, ERR_ITEM,
				    "the macros %.*s and %.*s refer to each other",
				    STR_ARG(m->def.name), STR_ARG(u->name));
	if (depth == RULE_MACRO_DEPTH_MAX)
		return loader_wrong(l, where, ERR_ITEM, "more than %d macros inside each other",
				    RULE_MACRO_DEPTH_MAX);
	return macro_resolve(l, u->macro, depth + 1);
}

static int macro_resolve(struct loader *l, struct macro_def *m, unsigned depth)
{
	int err = 0;

	if (m->def.state == DEF_DONE)
		return 0;
	if (m->def.state == DEF_BAD)
		return -EINVAL;
	m->def.state = DEF_BUSY;
	for (size_t i = 0; !err && i < m->c.nuses; i++) {
		loader_item(l, "macro", m->def.name);
		err = macro_inside(l, m, &m->c.uses[i], depth);
	}
	loader_item(l, "macro", m->def.name);
	if (!err)
		err = condition_limits(l, &m->c);
	m->def.state = err ? DEF_BAD : DEF_DONE;
	return err;
}

int macros_resolve(struct loader *l)
{
	int ret = 0, err = 0;

	for (size_t i = 0; err != -ENOMEM && i < l->nmacros; i++) {
		err = macro_parse(l, l->macro[i]);
		ret = err ? err : ret;
	}
	for (size_t i = 0; err != -ENOMEM && i < l->nmacros; i++) {
		err = macro_resolve(l, l->macro[i], 0);
		ret = err ? err : ret;
	}
	return ret;
}

/* Uses are in the order of the text: the tree is. */
static char *expand(const struct condition *c, char *to)
{
	struct str text = trace_text(&c->text);
	size_t at = 0;

	for (size_t i = 0; i < c->nuses; i++) {
		const struct use *u = &c->uses[i];

		memcpy(to, text.p + at, u->at - at);
		to += u->at - at;
		*to++ = '(';
		to = expand(&u->macro->c, to);
		*to++ = ')';
		at = u->at + u->name.n;
	}
	memcpy(to, text.p + at, text.n - at);
	return to + (text.n - at);
}

int condition_expand(const struct condition *c, struct pool *pool, struct str *ret)
{
	char *to = pool_alloc(pool, c->expanded + 1);

	if (!to)
		return -ENOMEM;
	*ret = (struct str){ to, (size_t)(expand(c, to) - to) };
	return 0;
}

/* Compiles each macro alone once, the inner ones first. Depth: RULE_MACRO_DEPTH_MAX. */
struct macro_def *condition_blame(struct loader *l, const struct condition *c,
				  const struct expr_opts *opts)
{
	for (size_t i = 0; i < c->nuses; i++) {
		struct macro_def *m = c->uses[i].macro;

		if (!m->tried) {
			_cleanup_(expr_freep) struct expr *x = NULL;

			m->tried = true;
			m->blame = condition_blame(l, &m->c, opts);
			if (!m->blame && expr_compile(l->o->catalogue, m->c.ast, opts, &x, NULL) < 0)
				m->blame = m;
		}
		if (m->blame)
			return m->blame;
	}
	return NULL;
}

void condition_free(struct condition *c)
{
	ast_free(c->ast);
	c->ast = NULL;
}

/* Warnings */

static bool is_type(struct str field)
{
	return str_eq(field, STR("evt.type")) || str_eq(field, STR("syscall.type"));
}

/* The values that no event has as its type, with commas. */
static void types_unknown(const struct loader *l, const struct ast_check *k, struct buf *b)
{
	for (const struct ast_text *t = k->values; t; t = t->next) {
		if (l->o->type_kinds(t->str))
			continue;
		if (b->n)
			buf_str(b, STR(", "));
		buf_text(b, t->str);
	}
}

static void check_warn(struct loader *l, const struct condition *c, const struct ast_check *k)
{
	_cleanup_(buf_free) struct buf b = { .max = 4096 };

	if (k->left->kind != AST_FIELD)
		return;
	if (str_eq(k->left->name, STR("evt.dir")))
		loader_warn(l, loader_place(l, false, &c->text, k->left->at), WARN_DEPRECATED,
			    "events are seen once, at the call's return: evt.dir = < always holds "
			    "here and evt.dir = > never; leave it out");
	if (!l->o->type_kinds || !is_type(k->left->name) || (k->op != EXPR_EQ && k->op != EXPR_IN))
		return;
	types_unknown(l, k, &b);
	if (b.n)
		loader_warn(l, loader_place(l, false, &c->text, k->values->at), WARN_FILTER,
			    "no event here has this evt.type, it never matches: %.*s",
			    (int)(b.n < 150 ? b.n : 150), b.p);
}

static void tree_warn(struct loader *l, const struct condition *c, const struct ast_node *n)
{
	if (n->kind == AST_CHECK) {
		check_warn(l, c, n->check);
		return;
	}
	for (const struct ast_node *x = n->kind == AST_IDENT ? NULL : n->child; x;
	     x = n->kind == AST_NOT ? NULL : x->next)
		tree_warn(l, c, x);
}

void condition_warn(struct loader *l, const struct condition *c)
{
	tree_warn(l, c, c->ast->root);
}
