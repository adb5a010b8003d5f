/*
 * Three values over the tree, and sets of conditions one of which must hold. A set of triggers is
 * lost under a negation (an absent field makes it true), the smallest one is kept by `and`, and
 * `or` joins those of all branches that can be true at all.
 */
#include "lang/judge.h"

#include <errno.h>

#include "base/cleanup.h"
#include "lang/program.h"

static enum judgement opposite(enum judgement j)
{
	return j == JUDGE_UNKNOWN ? j : j == JUDGE_YES ? JUDGE_NO : JUDGE_YES;
}

/* Conditions as others see them */

/* The bytes that bcontains looks for, the part of a glob without its stars: kept in the constant. */
static void cond_simple(struct expr_cond *c, enum expr_op op, struct str s, struct expr_value *room)
{
	*room = (struct expr_value){ .v = { .type = VALUE_STR, .str = s } };
	c->op = op;
	c->values = room;
}

/*
 * Of check @k, which is on a field and constants; with a modifier, of its value @i. @room may be
 * used for a value that the check does not have as such.
 */
static struct expr_cond cond_of(const struct check *k, size_t i, struct expr_value *room)
{
	struct expr_cond c = {
		.ref = &k->left->ref,
		.op = k->op,
		.values = k->modifier ? &k->values[i] : k->values,
		.n = k->modifier ? 1 : k->nvalues,
		.compare = k->compare,
		.constant = k->modifier ? &k->each[i] : &k->k,
	};
	struct str s = STR_NONE;

	switch (k->op) {
	case EXPR_IN:
	case EXPR_INTERSECTS:
		if (k->left->type != VALUE_LIST)
			c.op = EXPR_EQ;
		break;
	case EXPR_BCONTAINS:
		cond_simple(&c, EXPR_CONTAINS, c.constant->v.str, room);
		break;
	case EXPR_BSTARTSWITH:
		cond_simple(&c, EXPR_STARTSWITH, c.constant->v.str, room);
		break;
	case EXPR_GLOB:
		s = c.values->v.str;
		c.op = glob_simplify(&s);
		if (c.op != EXPR_GLOB)
			cond_simple(&c, c.op, s, room);
		break;
	default:
		break;
	}
	return c;
}

bool check_never(const struct check *k)
{
	if (!k->left->ref.field || k->right)
		return false;
	/* Events are numbered from 1: the usual way to write "never". */
	if (k->op == EXPR_EQ && !k->modifier && k->values[0].v.u64 == 0 &&
	    strcmp(k->left->ref.field->name, "evt.num") == 0)
		return true;
	return k->op != EXPR_EXISTS && k->nvalues == 0;
}

/* Judging */

struct judging {
	judge_fn judge;
	void *ctx;
};

static enum judgement judge_one(const struct judging *j, const struct check *k, size_t i)
{
	struct expr_value room;
	struct expr_cond c = cond_of(k, i, &room);

	return j->judge(j->ctx, &c);
}

static enum judgement judge_modifier(const struct judging *j, const struct check *k)
{
	size_t count[3] = { 0 };

	for (size_t i = 0; i < k->nvalues; i++)
		count[judge_one(j, k, i)]++;
	if (k->modifier == EXPR_ALLOF)
		return count[JUDGE_NO]	    ? JUDGE_NO :
		       count[JUDGE_UNKNOWN] ? JUDGE_UNKNOWN :
					      JUDGE_YES;
	if (k->modifier == EXPR_ONEOF && count[JUDGE_YES] > 1)
		return JUDGE_NO;
	if (count[JUDGE_YES] && (k->modifier == EXPR_ANYOF || !count[JUDGE_UNKNOWN]))
		return JUDGE_YES;
	return count[JUDGE_UNKNOWN] ? JUDGE_UNKNOWN : JUDGE_NO;
}

static enum judgement judge_check(const struct judging *j, const struct check *k)
{
	if (check_never(k))
		return JUDGE_NO;
	if (!j->judge || !k->left->ref.field || k->right)
		return JUDGE_UNKNOWN;
	return k->modifier ? judge_modifier(j, k) : judge_one(j, k, 0);
}

static enum judgement judge_tree(const struct judging *j, const struct tree *t)
{
	enum judgement decides = t->kind == AST_AND ? JUDGE_NO : JUDGE_YES;
	enum judgement all = opposite(decides);

	if (t->kind == AST_CHECK)
		return judge_check(j, t->check);
	if (t->kind == AST_NOT)
		return opposite(judge_tree(j, t->child[0]));
	for (size_t i = 0; i < t->n; i++) {
		enum judgement one = judge_tree(j, t->child[i]);

		if (one == decides)
			return one;
		if (one == JUDGE_UNKNOWN)
			all = one;
	}
	return all;
}

enum judgement expr_judge(const struct expr *x, judge_fn judge, void *ctx)
{
	return judge_tree(&(struct judging){ judge, ctx }, x->root);
}

/* Triggers */

struct trigger {
	struct expr_cond cond;
	struct expr_value room;
	struct trigger *next;
};

enum set_state {
	SET_NEVER, /* this part can never be true */
	SET_NONE,  /* it can be true without any condition of ours */
	SET_SOME,
};

struct set {
	enum set_state state;
	struct trigger *first, *last;
	size_t cost;
};

struct search {
	struct judging judging;
	struct pool pool;
	bool (*usable)(void *ctx, const struct expr_cond *c);
	int err;
};

static const struct set set_never = { .state = SET_NEVER };
static const struct set set_none = { .state = SET_NONE };

/* `and`: whichever is better. */
static struct set set_best(struct set a, struct set b)
{
	if (a.state == SET_NEVER || b.state == SET_NONE)
		return a;
	if (b.state == SET_NEVER || a.state == SET_NONE)
		return b;
	return b.cost < a.cost ? b : a;
}

/* `or`: both. */
static struct set set_join(struct set a, struct set b)
{
	if (a.state == SET_NEVER || b.state == SET_NONE)
		return b;
	if (b.state == SET_NEVER || a.state == SET_NONE)
		return a;
	a.last->next = b.first;
	a.last = b.last;
	a.cost += b.cost;
	return a;
}

static struct set set_of(struct trigger *t)
{
	return (struct set){ SET_SOME, t, t, t->cond.n ? t->cond.n : 1 };
}

/* The bytes between special characters before any bracket or backslash, which need more thought. */
static struct str glob_longest(struct str s)
{
	struct str best = { s.p, 0 };
	size_t end = 0, start = 0;

	for (; end < s.n && s.p[end] != '[' && s.p[end] != '\\'; end++)
		if (s.p[end] == '*' || s.p[end] == '?') {
			if (end - start > best.n)
				best = (struct str){ s.p + start, end - start };
			start = end + 1;
		}
	return end - start > best.n ? (struct str){ s.p + start, end - start } : best;
}

/*
 * A literal part of a glob. What follows the last special character is literal in any case: a
 * bracket ends with one, and a backslash leaves what follows as it is.
 */
static struct set set_glob(struct search *s, struct trigger *t)
{
	struct str glob = t->cond.values->v.str;
	struct {
		enum expr_op op;
		struct str s;
	} parts[3] = { { EXPR_STARTSWITH, glob }, { EXPR_ENDSWITH, glob }, { EXPR_CONTAINS } };
	struct set best = set_none;
	size_t best_n = 0;

	parts[0].s.n = 0;
	while (parts[0].s.n < glob.n && !strchr("*?[\\", glob.p[parts[0].s.n]))
		parts[0].s.n++;
	for (size_t i = 0; i < glob.n; i++)
		if (memchr("*?[]\\", glob.p[i], 5))
			parts[1].s = str_skip(glob, i + 1);
	parts[2].s = glob_longest(glob);
	for (size_t i = 0; i < 3; i++) {
		struct expr_cond c = t->cond;
		struct expr_value v;

		cond_simple(&c, parts[i].op, parts[i].s, &v);
		c.compare = NULL;
		if (parts[i].s.n <= best_n || !s->usable(s->judging.ctx, &c))
			continue;
		best_n = parts[i].s.n;
		t->cond = c;
		cond_simple(&t->cond, c.op, parts[i].s, &t->room);
		best = set_of(t);
	}
	return best;
}

static struct set set_cond(struct search *s, const struct check *k, size_t i)
{
	struct trigger *t = pool_alloc(&s->pool, sizeof(*t));

	if (!t) {
		s->err = -ENOMEM;
		return set_none;
	}
	t->cond = cond_of(k, i, &t->room);
	if (s->usable(s->judging.ctx, &t->cond))
		return set_of(t);
	return t->cond.op == EXPR_GLOB ? set_glob(s, t) : set_none;
}

static struct set set_check(struct search *s, const struct check *k, bool negated)
{
	enum judgement j = judge_check(&s->judging, k);
	struct set set = set_never;

	if (j != JUDGE_UNKNOWN)
		return (j == JUDGE_YES) != negated ? set_none : set_never;
	if (negated || !k->left->ref.field || k->right)
		return set_none;
	if (!k->modifier)
		return set_cond(s, k, 0);
	if (k->modifier == EXPR_ALLOF)
		set = set_none;
	for (size_t i = 0; i < k->nvalues; i++)
		set = k->modifier == EXPR_ALLOF ? set_best(set, set_cond(s, k, i)) :
						  set_join(set, set_cond(s, k, i));
	return set;
}

static struct set set_tree(struct search *s, const struct tree *t, bool negated)
{
	bool and = (t->kind == AST_AND) != negated;
	struct set set = and ? set_none : set_never;

	if (t->kind == AST_CHECK)
		return set_check(s, t->check, negated);
	if (t->kind == AST_NOT)
		return set_tree(s, t->child[0], !negated);
	for (size_t i = 0; s->err == 0 && i < t->n; i++) {
		struct set one = set_tree(s, t->child[i], negated);

		set = and ? set_best(set, one) : set_join(set, one);
	}
	return set;
}

static void search_end(struct search *s)
{
	pool_free(&s->pool);
}

int expr_triggers(const struct expr *x, judge_fn judge,
		  bool (*usable)(void *ctx, const struct expr_cond *c),
		  void (*add)(void *ctx, const struct expr_cond *c), void *ctx)
{
	_cleanup_(search_end) struct search s = { .judging = { judge, ctx }, .usable = usable };
	struct set set = set_tree(&s, x->root, false);

	if (s.err)
		return s.err;
	if (set.state != SET_SOME)
		return set.state == SET_NEVER ? -1 : 0;
	for (const struct trigger *t = set.first; t; t = t->next)
		add(ctx, &t->cond);
	return 1;
}
