/*
 * What must be true of every event that an expression matches: its kind. The walk goes down the tree with
 * negation pushed to the leaves and only ever loses precision; "not" of a check says nothing, for an
 * absent field makes it true. And what else is asked of an expression from outside.
 */
#include "lang/program.h"

static bool field_is(const struct operand *o, const char *name)
{
	return o->ref.field && strcmp(o->ref.field->name, name) == 0;
}

/* Kinds */

static uint64_t kinds_named(const struct check *k)
{
	uint64_t set = 0;

	for (size_t i = 0; i < k->nvalues; i++) {
		const struct kind *kind = kind_find(k->values[i].v.str);

		set |= kind ? KIND_BIT(kind->id) : 0;
	}
	return set;
}

static uint64_t kinds_typed(const struct expr *x, const struct check *k)
{
	uint64_t set = 0;

	for (size_t i = 0; i < k->nvalues; i++)
		set |= x->type_kinds(k->values[i].v.str);
	return set;
}

static void kinds_narrow(void *ctx, const struct field_ref *ref)
{
	uint64_t *set = ctx;

	if (ref->field->kinds)
		*set &= ref->field->kinds;
}

static bool is_equality(enum expr_op op)
{
	return op == EXPR_EQ || op == EXPR_IN || op == EXPR_INTERSECTS;
}

static uint64_t kinds_check(const struct expr *x, const struct check *k, bool negated)
{
	bool by_kind = field_is(k->left, "evt.kind") && k->left->type == VALUE_STR;
	uint64_t set = KINDS_ALL;

	if (negated)
		return by_kind && is_equality(k->op) && !k->modifier ? KINDS_ALL & ~kinds_named(k) :
								       KINDS_ALL;
	operand_fields(k->left, kinds_narrow, &set);
	if (k->right) {
		operand_fields(k->right, kinds_narrow, &set);
		return set;
	}
	if (by_kind && is_equality(k->op))
		set &= kinds_named(k);
	if (by_kind && k->op == EXPR_NE && !k->modifier)
		set &= ~kinds_named(k);
	if (x->type_kinds && is_equality(k->op) && k->left->type == VALUE_STR &&
	    (field_is(k->left, "evt.type") || field_is(k->left, "syscall.type")))
		set &= kinds_typed(x, k);
	return check_never(k) ? 0 : set;
}

static uint64_t kinds_tree(const struct expr *x, const struct tree *t, bool negated)
{
	bool all = (t->kind == AST_AND) != negated;
	uint64_t set = all ? KINDS_ALL : 0;

	if (t->kind == AST_CHECK)
		return kinds_check(x, t->check, negated);
	if (t->kind == AST_NOT)
		return kinds_tree(x, t->child[0], !negated);
	for (size_t i = 0; i < t->n; i++) {
		uint64_t part = kinds_tree(x, t->child[i], negated);

		set = all ? set & part : set | part;
	}
	return set;
}

uint64_t expr_kinds(const struct expr *x)
{
	return kinds_tree(x, x->root, false);
}

/* Conditions */

static bool cond_value(const struct expr_cond *c, const struct value *v)
{
	compare_fn compare = c->compare;

	if (compare)
		return compare(v, c->constant);
	compare = comparison_find(c->op, c->ref->field->type)->fn;
	for (size_t i = 0; i < c->n; i++) {
		struct constant k = { .v = c->values[i].v };

		if (c->ref->field->type == VALUE_IP)
			net_of(&c->values[i], &k.net);
		if (compare(v, &k))
			return true;
	}
	return false;
}

bool expr_cond_holds(const struct expr_cond *c, const struct event *ev)
{
	bool any = (c->ref->field->flags & FIELD_ANY) && !c->ref->has_index;
	bool all = any && c->op == EXPR_NE;
	unsigned nth = 0;
	struct value v;

	for (; (any || nth == 0) && c->ref->field->get(ev, c->ref, nth, &v); nth++) {
		bool holds = c->op == EXPR_EXISTS || cond_value(c, &v);

		if (holds != all)
			return holds;
	}
	return all && nth > 0;
}

void expr_fields(const struct expr *x, void (*cb)(void *ctx, const struct field_ref *ref), void *ctx)
{
	for (uint32_t i = 0; i < x->n; i++) {
		operand_fields(x->checks[i].left, cb, ctx);
		if (x->checks[i].right)
			operand_fields(x->checks[i].right, cb, ctx);
	}
}
