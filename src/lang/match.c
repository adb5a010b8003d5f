/*
 * Running a program. One function for each shape of check; which one is decided when the check is
 * made. The commonest shapes, one field against one string, have their own without a second call.
 */
#include "lang/program.h"

bool expr_match(const struct expr *x, const struct event *ev)
{
	uint32_t at = x->entry;

	while (at < PROGRAM_FALSE) {
		const struct check *c = &x->checks[at];

		at = c->test(c, ev) ? c->yes : c->no;
	}
	return at == PROGRAM_TRUE;
}

static bool test_field(const struct check *c, const struct event *ev)
{
	struct value v;

	return c->get(ev, c->ref, 0, &v) && c->compare(&v, &c->k);
}

static bool test_field_eq_str(const struct check *c, const struct event *ev)
{
	struct value v;

	return c->get(ev, c->ref, 0, &v) && str_eq(v.str, c->k.v.str);
}

static bool test_field_starts(const struct check *c, const struct event *ev)
{
	struct value v;

	return c->get(ev, c->ref, 0, &v) && str_starts(v.str, c->k.v.str);
}

static bool test_field_in_strs(const struct check *c, const struct event *ev)
{
	struct value v;

	return c->get(ev, c->ref, 0, &v) && strset_has(c->k.set, v.str);
}

static bool test_field_exists(const struct check *c, const struct event *ev)
{
	struct value v;

	return c->get(ev, c->ref, 0, &v);
}

/* FIELD_ANY: one value is enough. */
static bool test_any(const struct check *c, const struct event *ev)
{
	struct value v;

	for (unsigned nth = 0; c->get(ev, c->ref, nth, &v); nth++)
		if (c->compare(&v, &c->k))
			return true;
	return false;
}

/* FIELD_ANY and !=: every value must differ, and there must be one. */
static bool test_all(const struct check *c, const struct event *ev)
{
	unsigned nth = 0;
	struct value v;

	for (; c->get(ev, c->ref, nth, &v); nth++)
		if (!c->compare(&v, &c->k))
			return false;
	return nth > 0;
}

static bool test_operand(const struct check *c, const struct event *ev)
{
	struct value v;

	return operand_get(c->left, ev, 0, &v) && c->compare(&v, &c->k);
}

static bool test_operand_exists(const struct check *c, const struct event *ev)
{
	struct value v;

	return operand_get(c->left, ev, 0, &v);
}

static bool test_right(const struct check *c, const struct event *ev)
{
	struct constant k = { 0 };
	struct value v;

	return operand_get(c->left, ev, 0, &v) && operand_get(c->right, ev, 0, &k.v) &&
	       c->compare(&v, &k);
}

static bool test_modifier(const struct check *c, const struct event *ev)
{
	size_t hits = 0;
	struct value v;

	if (!operand_get(c->left, ev, 0, &v))
		return false;
	for (size_t i = 0; i < c->nvalues; i++) {
		hits += c->compare(&v, &c->each[i]);
		if (hits && c->modifier == EXPR_ANYOF)
			return true;
	}
	if (c->modifier == EXPR_ONEOF)
		return hits == 1;
	return c->modifier == EXPR_ALLOF && hits > 0 && hits == c->nvalues;
}

static void test_set_field(struct check *c)
{
	bool str = c->left->type == VALUE_STR;

	c->ref = &c->left->ref;
	c->get = c->ref->field->get;
	if (c->op == EXPR_EXISTS)
		c->test = test_field_exists;
	else if (c->left->any)
		c->test = c->op == EXPR_NE ? test_all : test_any;
	else if (str && c->op == EXPR_EQ)
		c->test = test_field_eq_str;
	else if (str && c->op == EXPR_STARTSWITH)
		c->test = test_field_starts;
	else if (str && (c->op == EXPR_IN || c->op == EXPR_INTERSECTS))
		c->test = test_field_in_strs;
	else
		c->test = test_field;
}

void program_test_set(struct check *c)
{
	if (c->modifier)
		c->test = test_modifier;
	else if (c->right)
		c->test = test_right;
	else if (c->left->ref.field)
		test_set_field(c);
	else
		c->test = c->op == EXPR_EXISTS ? test_operand_exists : test_operand;
}
