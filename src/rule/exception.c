/*
 * Exceptions of a rule. Each comes behind the condition as `and not (...)`. With one field all
 * values go into one comparison; with several, each value is a tuple: the comparisons of a tuple
 * are joined by and, the tuples by or. Values are text, so lists are put into them as well.
 */
#include <errno.h>

#include "rule/loader.h"

struct comparison {
	bool known, list; /* list: the value stands in parentheses */
	bool many;	  /* fits a single field: in, intersects, pmatch, or a modifier */
};

/* "startswith", "startswith anyof". */
static struct comparison comparison_of(struct str s)
{
	struct comparison c = { 0 };
	const char *blank = s.n ? memchr(s.p, ' ', s.n) : NULL;
	struct str word = { s.p, blank ? (size_t)(blank - s.p) : s.n };
	struct str rest = blank ? str_skip(s, word.n + 1) : STR_NONE;
	enum expr_modifier modifier;
	enum expr_op op;
	size_t len;

	c.known = op_find_word(word, &op) || (op_find_symbol(word, &op, &len) && len == word.n);
	if (!c.known)
		return c;
	c.list = op_takes(op) == OP_TAKES_LIST;
	c.many = c.list;
	if (blank) {
		c.known = op_takes(op) == OP_TAKES_VALUE && modifier_find(rest, &modifier);
		c.list = c.many = c.known;
	}
	return c;
}

static size_t nodes_count(const struct node *n)
{
	size_t count = 0;

	for (; n; n = n->next)
		count++;
	return count;
}

/* A field or a transformer over one, and nothing else. */
static int field_check(struct loader *l, const struct node *field)
{
	_cleanup_(ast_freep) struct ast *a = NULL;
	_cleanup_(expr_freep) struct expr *x = NULL;
	struct trace t = { .pool = &l->pool };
	struct lang_error e;
	int err;

	if (field->kind != NODE_SCALAR || field->text.n == 0)
		return loader_wrong(l, node_place(field), ERR_ITEM, "expected the name of a field");
	trace_node(&t, field);
	trace_words(&t, STR(" exists"), field);
	err = loader_text_wrong(l, field, trace_check(&t));
	if (!err)
		err = ast_parse(trace_text(&t), &a, &e);
	if (!err && (a->root->kind != AST_CHECK || a->root->check->op != EXPR_EXISTS ||
		     a->root->check->left->at != 0))
		return loader_wrong(l, node_place(field), ERR_ITEM, "expected the name of a field");
	if (!err)
		err = expr_compile(l->o->catalogue, a, NULL, &x, &e);
	if (err == -EINVAL && !trace_check(&t))
		return loader_wrong(l, node_place(field), ERR_ITEM, "%s", e.message);
	return err;
}

static int comparison_check(struct loader *l, const struct node *comp, bool single)
{
	struct comparison c;

	if (comp->kind != NODE_SCALAR)
		return loader_wrong(l, node_place(comp), ERR_ITEM, "expected a comparison operator");
	c = comparison_of(comp->text);
	if (!c.known)
		return loader_wrong(l, node_place(comp), ERR_ITEM,
				    "'%.*s' is no comparison operator, with or without oneof, anyof or "
				    "allof",
				    STR_ARG(comp->text));
	if (single && !c.many)
		return loader_wrong(l, node_place(comp), ERR_ITEM,
				    "all values of a single field are compared at once, which '%.*s' "
				    "cannot; expected in, pmatch, intersects, or an operator with oneof, "
				    "anyof or allof",
				    STR_ARG(comp->text));
	return 0;
}

static int single_check(struct loader *l, const struct exception *x)
{
	int err = field_check(l, x->fields);

	if (!err && x->comps && x->comps->kind == NODE_SEQ)
		return loader_wrong(l, node_place(x->comps), ERR_ITEM,
				    "fields is a single name, so comps must be a single operator");
	if (!err && x->comps)
		err = comparison_check(l, x->comps, true);
	return err;
}

static int several_check(struct loader *l, const struct exception *x)
{
	int err = 0;

	if (!x->fields->child)
		return loader_wrong(l, node_place(x->fields), ERR_ITEM,
				    "expected at least one field");
	for (const struct node *f = x->fields->child; !err && f; f = f->next)
		err = field_check(l, f);
	if (err || !x->comps)
		return err;
	if (x->comps->kind != NODE_SEQ)
		return loader_wrong(l, node_place(x->comps), ERR_ITEM,
				    "fields is a list, so comps must be a list of operators");
	if (nodes_count(x->comps->child) != nodes_count(x->fields->child))
		return loader_wrong(
			l, node_place(x->comps), ERR_ITEM,
			"%zu fields and %zu comps; there must be one operator for each field",
			nodes_count(x->fields->child), nodes_count(x->comps->child));
	for (const struct node *c = x->comps->child; !err && c; c = c->next)
		err = comparison_check(l, c, false);
	return err;
}

/* The parts of a value tuple: as many as fields, each a value or a list of values. */
static int tuple_check(struct loader *l, const struct exception *x, const struct node *value)
{
	size_t fields = nodes_count(x->fields->child);

	if (value->kind != NODE_SEQ || nodes_count(value->child) != fields)
		return loader_wrong(l, node_place(value), ERR_ITEM,
				    "expected a list of %zu values, one for each field", fields);
	for (const struct node *v = value->child; v; v = v->next) {
		const struct node *bad = v->kind == NODE_SCALAR ? NULL : v;

		if (v->kind == NODE_SEQ)
			for (bad = v->child; bad && bad->kind == NODE_SCALAR; bad = bad->next)
				;
		if (bad)
			return loader_wrong(l, node_place(bad), ERR_ITEM,
					    "expected a value or a list of values");
	}
	return 0;
}

static int value_check(struct loader *l, const struct exception *x, const struct node *value)
{
	if (x->fields->kind == NODE_SEQ)
		return tuple_check(l, x, value);
	if (value->kind != NODE_SCALAR)
		return loader_wrong(l, node_place(value), ERR_ITEM,
				    "expected a value: the exception has a single field");
	return 0;
}

static int values_add(struct loader *l, struct exception *to, const struct node *values)
{
	for (const struct node *v = values->child; v; v = v->next) {
		struct list_item *i = pool_alloc(&l->pool, sizeof(*i));
		int err = i ? value_check(l, to, v) : -ENOMEM;

		if (err)
			return err;
		i->node = v;
		*to->tail = i;
		to->tail = &i->next;
	}
	return 0;
}

static struct exception *exception_find(struct rule_def *r, struct str name)
{
	struct exception *x = r->exceptions;

	while (x && !str_eq(x->name, name))
		x = x->next;
	return x;
}

/* A new one at the end. */
static int exception_define(struct loader *l, struct rule_def *r, struct exception *x)
{
	struct exception **tail = &r->exceptions;
	int err;

	if (!x->fields || x->fields->kind == NODE_NULL)
		return loader_wrong(l, node_place(x->node), ERR_ITEM,
				    "the exception %.*s has no fields", STR_ARG(x->name));
	if (r->nexceptions++ == RULE_EXCEPTIONS_MAX)
		return loader_wrong(l, node_place(x->node), ERR_ITEM,
				    "more than %d exceptions of one rule", RULE_EXCEPTIONS_MAX);
	if (x->comps && x->comps->kind == NODE_NULL)
		x->comps = NULL;
	err = r->foreign		  ? 0 :
	      x->fields->kind == NODE_SEQ ? several_check(l, x) :
					    single_check(l, x);
	while (*tail)
		tail = &(*tail)->next;
	*tail = x;
	return err;
}

/* More values for one that is there. */
static int exception_append(struct loader *l, struct exception *old, const struct exception *x,
			    const struct node *values)
{
	const struct node *extra = x->fields ? x->fields : x->comps;

	if (extra)
		return loader_wrong(
			l, node_place(extra), ERR_ITEM,
			"the exception %.*s is defined already: only values can be appended",
			STR_ARG(x->name));
	return values_add(l, old, values);
}

static void exception_keys(struct loader *l, const struct node *map)
{
	static const struct str keys[] = { STR("name"), STR("fields"), STR("comps"), STR("values") };

	for (const struct node *k = map->child; k && k->next; k = k->next->next) {
		bool known = false;

		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			known |= str_eq(k->text, keys[i]);
		if (!known)
			loader_warn(
				l, node_place(k), WARN_UNKNOWN_KEY,
				"unknown key %.*s; an exception has name, fields, comps and values",
				k->text.n < 60 ? (int)k->text.n : 60, k->text.p ? k->text.p : "");
	}
}

static int exception_read(struct loader *l, struct rule_def *r, const struct node *map, bool append)
{
	static const struct node none = { .kind = NODE_SEQ };
	const struct node *name = node_get(map, STR("name"));
	const struct node *values = node_get(map, STR("values"));
	struct exception *x, *old;
	int err;

	if (map->kind != NODE_MAP)
		return loader_wrong(l, node_place(map), ERR_SHAPE,
				    "expected an exception: name, fields, comps, values");
	exception_keys(l, map);
	if (!name || name->kind != NODE_SCALAR || name->text.n == 0)
		return loader_wrong(l, node_place(name ? name : map), ERR_SHAPE,
				    "an exception needs a name");
	if (values && values->kind != NODE_SEQ)
		return loader_wrong(l, node_place(values), ERR_SHAPE,
				    "the values of an exception are a list");
	if (!values && append)
		loader_warn(l, node_place(map), WARN_NO_VALUES, "the exception %.*s has no values",
			    STR_ARG(name->text));
	x = pool_alloc(&l->pool, sizeof(*x));
	if (!x)
		return -ENOMEM;
	*x = (struct exception){ .name = name->text, .node = map, .tail = &x->values };
	x->fields = node_get(map, STR("fields"));
	x->comps = node_get(map, STR("comps"));
	values = values ? values : &none;
	old = exception_find(r, x->name);
	if (old && append)
		return exception_append(l, old, x, values);
	err = exception_define(l, r, x);
	if (!err && append && !values->child)
		err = loader_wrong(l, node_place(map), ERR_ITEM,
				   "a new exception that is appended needs values");
	return err ? err : values_add(l, x, values);
}

/* Twice the same name in one item. */
static int names_check(struct loader *l, const struct node *value)
{
	struct names seen = { .pool = &l->pool };

	for (const struct node *x = value->child; x; x = x->next) {
		const struct node *name = node_get(x, STR("name"));

		if (!name || name->kind != NODE_SCALAR)
			continue;
		if (names_find(&seen, name->text))
			return loader_wrong(l, node_place(name), ERR_SHAPE,
					    "a second exception is called %.*s", STR_ARG(name->text));
		if (names_add(&seen, name->text, (void *)name) < 0)
			return -ENOMEM;
	}
	return 0;
}

int exceptions_read(struct loader *l, struct rule_def *r, const struct node *value, bool append)
{
	int err;

	if (value->kind == NODE_NULL)
		return 0;
	if (value->kind != NODE_SEQ)
		return loader_wrong(l, node_place(value), ERR_SHAPE, "exceptions are a list");
	err = names_check(l, value);
	for (const struct node *x = value->child; !err && x; x = x->next)
		err = exception_read(l, r, x, append);
	return err;
}

/* As text */

static void single_write(const struct exception *x, struct trace *to)
{
	trace_words(to, STR(" and not ("), x->node);
	trace_node(to, x->fields);
	trace_words(to, STR(" "), x->node);
	if (x->comps)
		trace_node(to, x->comps);
	else
		trace_words(to, STR("in"), x->node);
	trace_words(to, STR(" ("), x->node);
	for (const struct list_item *i = x->values; i; i = i->next) {
		trace_value(to, i->node);
		trace_words(to, i->next ? STR(", ") : STR("))"), i->node);
	}
}

static void list_write(const struct node *list, struct trace *to)
{
	trace_words(to, STR("("), list);
	for (const struct node *v = list->child; v; v = v->next) {
		trace_value(to, v);
		if (v->next)
			trace_words(to, STR(", "), v);
	}
	trace_words(to, STR(")"), list);
}

/* A single value behind a list operator is the text of a list; it gets the parentheses it lacks. */
static void part_write(const struct node *comp, const struct node *v, struct trace *to)
{
	bool list = comp && comparison_of(comp->text).list;
	bool open = list && (v->text.n == 0 || v->text.p[0] != '(');

	if (v->kind == NODE_SEQ) {
		list_write(v, to);
		return;
	}
	if (open)
		trace_words(to, STR("("), v);
	if (list)
		trace_node(to, v);
	else
		trace_value(to, v);
	if (open)
		trace_words(to, STR(")"), v);
}

static void tuple_write(const struct exception *x, const struct node *tuple, struct trace *to)
{
	const struct node *field = x->fields->child, *v = tuple->child;
	const struct node *comp = x->comps ? x->comps->child : NULL;

	trace_words(to, STR("("), tuple);
	for (; field && v; field = field->next, v = v->next, comp = comp ? comp->next : NULL) {
		trace_node(to, field);
		trace_words(to, STR(" "), x->node);
		if (comp)
			trace_node(to, comp);
		else
			trace_words(to, STR("="), x->node);
		trace_words(to, STR(" "), x->node);
		part_write(comp, v, to);
		if (field->next)
			trace_words(to, STR(" and "), x->node);
	}
	trace_words(to, STR(")"), tuple);
}

static void several_write(const struct exception *x, struct trace *to)
{
	trace_words(to, STR(" and not ("), x->node);
	for (const struct list_item *i = x->values; i; i = i->next) {
		tuple_write(x, i->node, to);
		trace_words(to, i->next ? STR(" or ") : STR(")"), i->node);
	}
}

int exceptions_write(struct loader *l, const struct rule_def *r, struct trace *to)
{
	const struct exception *x = r->exceptions;

	if (x)
		trace_words(to, STR("("), r->def.node);
	trace_trace(to, &r->written, 0, r->written.n);
	if (x)
		trace_words(to, STR(")"), r->def.node);
	for (; x; x = x->next) {
		if (!x->values)
			continue;
		if (x->fields->kind == NODE_SEQ)
			several_write(x, to);
		else
			single_write(x, to);
	}
	return loader_text_wrong(l, r->def.node, trace_check(to));
}
