/*
 * Comparisons of many expressions: equal ones found by content, so that one that came from a macro
 * in a hundred rules is made once; and the running of one, over values that are got once.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "lang/many_priv.h"

/* Fields that evt.type and the kind decide: the same for every event that shares them. */
static const char *const type_fields[] = { "evt.type", "evt.kind", "evt.dir", "syscall.type" };

static bool field_by_type(const struct field *f)
{
	for (size_t i = 0; i < sizeof(type_fields) / sizeof(type_fields[0]); i++)
		if (strcmp(f->name, type_fields[i]) == 0)
			return true;
	return false;
}

/* Equality */

static bool ref_equal(const struct field_ref *a, const struct field_ref *b)
{
	return a->field == b->field && a->has_index == b->has_index && a->index == b->index &&
	       !a->key.p == !b->key.p && str_eq(a->key, b->key);
}

static bool operand_equal(const struct operand *a, const struct operand *b)
{
	if (a->get != b->get || a->type != b->type || !ref_equal(&a->ref, &b->ref) ||
	    !str_eq(a->text.str, b->text.str) || a->nargs != b->nargs || a->option != b->option ||
	    !str_eq(str_of(a->options), str_of(b->options)))
		return false;
	for (size_t i = 0; i < a->nargs; i++)
		if (!operand_equal(&a->args[i], &b->args[i]))
			return false;
	return true;
}

static bool value_equal(const struct expr_value *a, const struct expr_value *b)
{
	switch (a->v.type) {
	case VALUE_STR:
		return b->v.type == VALUE_STR && str_eq(a->v.str, b->v.str);
	case VALUE_IP:
		return a->bits == b->bits && a->v.ip.len == b->v.ip.len &&
		       memcmp(a->v.ip.b, b->v.ip.b, sizeof(a->v.ip.b)) == 0;
	case VALUE_BOOL:
		return a->v.b == b->v.b;
	default:
		return a->v.u64 == b->v.u64;
	}
}

static bool check_equal(const struct check *a, const struct check *b)
{
	if (a->op != b->op || a->modifier != b->modifier || a->nvalues != b->nvalues ||
	    !a->right != !b->right || !operand_equal(a->left, b->left) ||
	    (a->right && !operand_equal(a->right, b->right)))
		return false;
	for (size_t i = 0; i < a->nvalues; i++)
		if (!value_equal(&a->values[i], &b->values[i]))
			return false;
	return true;
}

static uint64_t check_hash(const struct check *k)
{
	uint64_t h = hash_u64((uintptr_t)k->left->ref.field + k->op * 31u + k->nvalues * 1009u);

	for (size_t i = 0; i < k->nvalues; i++) {
		const struct value *v = &k->values[i].v;
		uint64_t one = v->type == VALUE_STR  ? strset_hash(v->str) :
			       v->type == VALUE_IP   ? v->ip.b[0] * 256u + v->ip.b[3] :
			       v->type == VALUE_BOOL ? v->b :
						       v->u64;

		h = hash_u64(h ^ one);
	}
	return h;
}

/* Slots */

uint32_t slot_of(struct many *m, const struct field_ref *ref)
{
	struct slot *more;
	size_t cap;

	for (size_t i = 0; i < m->nslots; i++)
		if (ref_equal(m->slots[i].ref, ref))
			return (uint32_t)i;
	if (m->nslots == m->slots_cap) {
		cap = m->slots_cap ? m->slots_cap * 2 : 64;
		more = realloc(m->slots, cap * sizeof(*more));
		if (!more)
			return UINT32_MAX;
		m->slots = more;
		m->slots_cap = cap;
	}
	m->slots[m->nslots] = (struct slot){ .ref = ref };
	return (uint32_t)m->nslots++;
}

/* Leaves */

static void kinds_narrow(void *ctx, const struct field_ref *ref)
{
	struct leaf *l = ctx;

	if (ref->field->kinds)
		l->kinds &= ref->field->kinds;
	if (!field_by_type(ref->field))
		l->by_type = false;
}

static enum leaf_how how_of(const struct check *k)
{
	bool str = k->left->type == VALUE_STR;

	if (k->modifier || k->right || !k->left->ref.field)
		return LEAF_TEST;
	if (k->op == EXPR_EXISTS)
		return LEAF_EXISTS;
	if (k->left->any)
		return LEAF_TEST;
	if (str && k->op == EXPR_EQ)
		return LEAF_EQ_STR;
	if (str && k->op == EXPR_STARTSWITH)
		return LEAF_STARTS;
	return str && (k->op == EXPR_IN || k->op == EXPR_INTERSECTS) ? LEAF_IN_STRS : LEAF_COMPARE;
}

/* In units of about the time that the cheapest comparison takes. */
static uint8_t cost_of(const struct leaf *l)
{
	if (l->how == LEAF_IN_STRS)
		return 2;
	if (l->how != LEAF_TEST && l->how != LEAF_COMPARE)
		return 1;
	if (l->check->op == EXPR_REGEX)
		return 100;
	if (l->how == LEAF_TEST)
		return 20;
	return l->check->left->type != VALUE_STR ? 1 : 8;
}

static int leaf_fill(struct many *m, const struct check *k, struct leaf *l)
{
	*l = (struct leaf){ .check = k, .how = (uint8_t)how_of(k), .by_type = true };
	l->kinds = KINDS_ALL;
	l->cost = cost_of(l);
	operand_fields(k->left, kinds_narrow, l);
	if (k->right)
		operand_fields(k->right, kinds_narrow, l);
	if (l->how != LEAF_TEST) {
		l->slot = slot_of(m, &k->left->ref);
		if (l->slot == UINT32_MAX)
			return -ENOMEM;
	}
	return 0;
}

static int leaf_of(struct many *m, const struct check *k, uint32_t *table, size_t mask, uint32_t *ret)
{
	size_t at = check_hash(k) & mask;

	for (; table[at]; at = (at + 1) & mask)
		if (check_equal(m->leaves[table[at] - 1].check, k)) {
			*ret = table[at] - 1;
			return 0;
		}
	*ret = (uint32_t)m->nleaves;
	table[at] = (uint32_t)++m->nleaves;
	return leaf_fill(m, k, &m->leaves[*ret]);
}

int leaves_make(struct many *m)
{
	_cleanup_(freep) uint32_t *table = NULL;
	size_t total = 0, slots = 16, at = 0;
	int r = 0;

	for (size_t i = 0; i < m->n; i++)
		total += m->list[i]->n;
	while (slots < 2 * total)
		slots *= 2;
	table = calloc(slots, sizeof(*table));
	m->base = calloc(m->n + 1, sizeof(*m->base));
	m->leaf_of = calloc(total + 1, sizeof(*m->leaf_of));
	m->leaves = calloc(total + 1, sizeof(*m->leaves));
	if (!table || !m->base || !m->leaf_of || !m->leaves)
		return -ENOMEM;
	for (size_t i = 0; i < m->n; i++) {
		m->base[i] = (uint32_t)at;
		for (uint32_t k = 0; r == 0 && k < m->list[i]->n; k++)
			r = leaf_of(m, &m->list[i]->checks[k], table, slots - 1, &m->leaf_of[at++]);
	}
	return r;
}

/* Deciding */

void leaves_decide(struct many *m, const struct event *ev)
{
	for (size_t i = 0; i < m->nleaves; i++) {
		struct leaf *l = &m->leaves[i];

		if (!(l->kinds & KIND_BIT(ev->kind->id)) || check_never(l->check))
			l->decided = JUDGE_NO;
		else if (l->by_type)
			l->decided = l->check->test(l->check, ev) ? JUDGE_YES : JUDGE_NO;
		else
			l->decided = JUDGE_UNKNOWN;
	}
}

enum judgement type_judge(void *ctx, const struct expr_cond *c)
{
	const struct event *ev = ctx;
	uint64_t kinds = c->ref->field->kinds;

	if (kinds && !(kinds & KIND_BIT(ev->kind->id)))
		return JUDGE_NO;
	if (!field_by_type(c->ref->field))
		return JUDGE_UNKNOWN;
	return expr_cond_holds(c, ev) ? JUDGE_YES : JUDGE_NO;
}

/* Running */

bool leaf_test(struct many *m, const struct leaf *l, const struct event *ev)
{
	const struct check *k = l->check;
	struct slot *s;

	if (l->how == LEAF_TEST)
		return k->test(k, ev);
	s = slot_get(m, l->slot, ev);
	if (!s)
		return false;
	switch ((enum leaf_how)l->how) {
	case LEAF_EQ_STR:
		return str_eq(s->v.str, k->k.v.str);
	case LEAF_STARTS:
		return str_starts(s->v.str, k->k.v.str);
	case LEAF_IN_STRS:
		return strset_has_length(k->k.set, s->v.str.n) &&
		       strset_has_hashed(k->k.set, s->v.str, slot_hash(m, s));
	case LEAF_COMPARE:
		return k->compare(&s->v, &k->k);
	default:
		return true;
	}
}
