/*
 * What must be true of every event that an expression matches: its kind, and conditions on single
 * fields. Both walk the tree with negation pushed to the leaves and only ever lose precision:
 *
 *   and  all that either side needs          or   what both sides need, made as weak as the weaker
 *   not  of a check: nothing, for an absent field makes it true
 */
#include <errno.h>

#include "base/cleanup.h"
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

/* Necessary conditions */

/* Values come in parts, so that the union of many alternatives is not copied again and again. */
struct part {
	const struct expr_value *values;
	size_t n;
	struct part *next;
};

struct need {
	const struct field_ref *ref;
	enum expr_op op;
	struct part *first, *last;
};

struct needs {
	struct need list[EXPR_NECESSARY_MAX];
	size_t n;
};

static int need_add(struct pool *p, struct needs *to, const struct field_ref *ref, enum expr_op op,
		    const struct expr_value *values, size_t n)
{
	struct part *part;

	if (to->n == EXPR_NECESSARY_MAX)
		return 0; /* to know less is sound */
	part = pool_alloc(p, sizeof(*part));
	if (!part)
		return -ENOMEM;
	part->values = values;
	part->n = n;
	to->list[to->n++] = (struct need){ .ref = ref, .op = op, .first = part, .last = part };
	return 0;
}

struct exists_ctx {
	struct pool *pool;
	struct needs *to;
	int err;
};

static void exists_add(void *ctx, const struct field_ref *ref)
{
	struct exists_ctx *e = ctx;

	if (e->err == 0)
		e->err = need_add(e->pool, e->to, ref, EXPR_EXISTS, NULL, 0);
}

/* `glob /etc/...`: what stands before the first special character. */
static int need_glob(struct pool *p, struct needs *to, const struct check *k)
{
	struct str s = k->values[0].v.str;
	struct expr_value *prefix;
	size_t n = 0;

	while (n < s.n && !strchr("*?[\\", s.p[n]))
		n++;
	if (n == 0)
		return need_add(p, to, &k->left->ref, EXPR_EXISTS, NULL, 0);
	prefix = pool_alloc(p, sizeof(*prefix));
	if (!prefix)
		return -ENOMEM;
	prefix->v = (struct value){ .type = VALUE_STR, .str = { s.p, n } };
	return need_add(p, to, &k->left->ref, n == s.n ? EXPR_EQ : EXPR_STARTSWITH, prefix, 1);
}

static int need_check(struct pool *p, const struct check *k, struct needs *to)
{
	struct exists_ctx e = { p, to, 0 };
	enum expr_op op = k->op;

	if (k->left->ref.field && !k->right && k->left->type != VALUE_LIST) {
		if (is_equality(op))
			op = EXPR_EQ;
		if (op == EXPR_EQ || op == EXPR_STARTSWITH || op == EXPR_ENDSWITH ||
		    op == EXPR_CONTAINS || (op <= EXPR_GE && !k->modifier))
			return need_add(p, to, &k->left->ref, op, k->values, k->nvalues);
		if (op == EXPR_GLOB && !k->modifier)
			return need_glob(p, to, k);
	}
	operand_fields(k->left, exists_add, &e);
	if (k->right)
		operand_fields(k->right, exists_add, &e);
	return e.err;
}

static bool same_ref(const struct field_ref *a, const struct field_ref *b)
{
	return a->field == b->field && a->has_index == b->has_index && a->index == b->index &&
	       !a->key.p == !b->key.p && str_eq(a->key, b->key);
}

/* The condition that either implies: the same, a prefix (or suffix, part) for equality, EXISTS. */
static enum expr_op op_weaker(enum expr_op a, enum expr_op b)
{
	bool a_part = a == EXPR_STARTSWITH || a == EXPR_ENDSWITH || a == EXPR_CONTAINS;
	bool b_part = b == EXPR_STARTSWITH || b == EXPR_ENDSWITH || b == EXPR_CONTAINS;

	if (a == b && (a == EXPR_EQ || a_part))
		return a;
	if (a_part && b == EXPR_EQ)
		return a;
	if (b_part && a == EXPR_EQ)
		return b;
	return EXPR_EXISTS;
}

/* The one of @from that goes best with @n: same operator, else the first that is no EXISTS. */
static struct need *need_partner(const struct need *n, struct needs *from)
{
	struct need *best = NULL;

	for (size_t i = 0; i < from->n; i++) {
		struct need *other = &from->list[i];

		if (!same_ref(n->ref, other->ref))
			continue;
		if (op_weaker(n->op, other->op) == n->op)
			return other;
		if (!best || op_weaker(n->op, other->op) != EXPR_EXISTS)
			best = other;
	}
	return best;
}

/* Keeps in @acc what @other needs too, each weakened to cover both. */
static int needs_meet(struct pool *p, struct needs *acc, struct needs *other)
{
	size_t kept = 0;

	for (size_t i = 0; i < acc->n; i++) {
		struct need n = acc->list[i];
		const struct need *o = need_partner(&n, other);

		if (!o)
			continue;
		n.op = op_weaker(n.op, o->op);
		for (const struct part *from = o->first; from; from = from->next) {
			struct part *part = pool_alloc(p, sizeof(*part));

			if (!part)
				return -ENOMEM;
			*part = (struct part){ from->values, from->n, NULL };
			n.last->next = part;
			n.last = part;
		}
		acc->list[kept++] = n;
	}
	acc->n = kept;
	return 0;
}

static int need_tree(struct pool *p, const struct tree *t, bool negated, struct needs *to);

static int need_and(struct pool *p, const struct tree *t, bool negated, struct needs *to)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n; i++)
		r = need_tree(p, t->child[i], negated, to);
	return r;
}

static int need_or(struct pool *p, const struct tree *t, bool negated, struct needs *to)
{
	_cleanup_(freep) struct needs *part = calloc(2, sizeof(*part));
	struct needs *acc = part ? &part[1] : NULL;
	int r = part ? need_tree(p, t->child[0], negated, acc) : -ENOMEM;

	for (size_t i = 1; r == 0 && i < t->n && acc->n; i++) {
		part->n = 0;
		r = need_tree(p, t->child[i], negated, part);
		if (r == 0)
			r = needs_meet(p, acc, part);
	}
	for (size_t i = 0; r == 0 && i < acc->n && to->n < EXPR_NECESSARY_MAX; i++)
		to->list[to->n++] = acc->list[i];
	return r;
}

static int need_tree(struct pool *p, const struct tree *t, bool negated, struct needs *to)
{
	switch (t->kind) {
	case AST_NOT:
		return need_tree(p, t->child[0], !negated, to);
	case AST_CHECK:
		return negated ? 0 : need_check(p, t->check, to);
	default:
		return (t->kind == AST_AND) != negated ? need_and(p, t, negated, to) :
							 need_or(p, t, negated, to);
	}
}

/* One array of the values of all parts. */
static int need_flatten(struct pool *p, const struct need *n, struct expr_cond *ret)
{
	struct expr_value *to;
	size_t total = 0;

	*ret = (struct expr_cond){ .ref = n->ref, .op = n->op };
	if (n->op == EXPR_EXISTS)
		return 0;
	for (const struct part *part = n->first; part; part = part->next)
		total += part->n;
	to = pool_alloc(p, total * sizeof(*to));
	if (!to)
		return -ENOMEM;
	ret->values = to;
	ret->n = total;
	for (const struct part *part = n->first; part; part = part->next)
		for (size_t i = 0; i < part->n; i++)
			*to++ = part->values[i];
	return 0;
}

int expr_necessary(const struct expr *x, void (*cb)(void *ctx, const struct expr_cond *c), void *ctx)
{
	_cleanup_(freep) struct needs *needs = calloc(1, sizeof(*needs));
	_cleanup_(pool_free) struct pool pool = { 0 };
	int r = needs ? need_tree(&pool, x->root, false, needs) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < needs->n; i++) {
		struct expr_cond c;

		r = need_flatten(&pool, &needs->list[i], &c);
		if (r == 0)
			cb(ctx, &c);
	}
	return r;
}

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
