/* Preparing a type: fold every expression, then find what can be asked for many of them at once. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "lang/many_priv.h"

/* Fewer expressions than this are run without an index. */
#define INDEX_MIN 8
/* And with fewer substrings of one field, each is looked for when its expression comes to it. */
#define PARTS_MIN 8

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->nindex; i++)
		index_free(&p->index[i]);
	free(p->roots);
	free(p);
}

static void plan_freep(struct plan **p)
{
	plan_free(*p);
}

static int roots_fold(struct many *m, struct plan *p)
{
	p->roots = calloc(m->n + 1, sizeof(*p->roots));
	if (!p->roots)
		return -ENOMEM;
	for (size_t i = 0; i < m->n; i++) {
		int64_t edge = node_fold(m, i);

		if (edge < 0)
			return (int)edge;
		p->roots[i] = (uint32_t)edge;
		p->hash = hash_u64(p->hash ^ (uint64_t)edge);
		p->n += edge != EDGE_FALSE;
	}
	return 0;
}

static struct plan *plan_find(const struct many *m, const struct plan *like)
{
	for (size_t i = 0; i < m->nplans; i++)
		if (m->plans[i]->hash == like->hash &&
		    memcmp(m->plans[i]->roots, like->roots, m->n * sizeof(*like->roots)) == 0)
			return m->plans[i];
	return NULL;
}

/* Each expression as a list of edges that must be true; counts the uses of each edge. */
static int runs_make(struct many *m, struct plan *p, uint32_t *uses)
{
	uint32_t local = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct run *run = &p->run[local];
		uint32_t *edges;

		if (p->roots[i] == EDGE_FALSE)
			continue;
		m->nstack = 0;
		if (node_conjuncts(m, p->roots[i]) < 0)
			return -ENOMEM;
		edges = pool_alloc(&m->pool, m->nstack * sizeof(*edges));
		if (!edges)
			return -ENOMEM;
		for (size_t e = 0; e < m->nstack; e++)
			edges[e] = m->stack[e];
		*run = (struct run){ edges, (uint32_t)m->nstack, (uint32_t)i };
		for (size_t e = 0; e < m->nstack; e++)
			uses[edges[e]]++;
		p->all[local / 64] |= 1ull << (local % 64);
		local++;
	}
	return 0;
}

/* Gates */

static double gate_worth(const struct many *m, const uint32_t *uses, uint32_t edge)
{
	return (double)uses[edge] / m->nodes[edge / 2].cost;
}

/* The edges that most expressions need for the least cost, best first. */
static void gates_choose(struct many *m, struct plan *p, const uint32_t *uses)
{
	uint32_t least = p->n / 16 > 2 ? p->n / 16 : 2;

	for (uint32_t edge = 2; edge < 2 * m->nnodes; edge++) {
		double worth = gate_worth(m, uses, edge);
		uint32_t at = p->ngates;

		if (uses[edge] < least)
			continue;
		while (at > 0 && gate_worth(m, uses, p->gate[at - 1].edge) < worth)
			at--;
		if (at == MANY_GATES_MAX)
			continue;
		p->ngates += p->ngates < MANY_GATES_MAX;
		for (uint32_t i = p->ngates - 1; i > at; i--)
			p->gate[i] = p->gate[i - 1];
		p->gate[at].edge = edge;
	}
}

/* Takes @edge out of the run's; false when it is not there. */
static bool edge_remove(struct run *run, uint32_t edge)
{
	uint32_t kept = 0, n = run->n;

	for (uint32_t e = 0; e < n; e++)
		if (run->edges[e] != edge)
			run->edges[kept++] = run->edges[e];
	run->n = kept;
	return kept < n;
}

/* Takes the gates out of the runs and notes who is behind each. */
static int gates_fill(struct many *m, struct plan *p)
{
	for (uint32_t g = 0; g < p->ngates; g++) {
		uint64_t *users = pool_alloc(&m->pool, p->words * sizeof(*users));

		if (!users)
			return -ENOMEM;
		p->gate[g].users = users;
		for (uint32_t i = 0; i < p->n; i++)
			if (edge_remove(&p->run[i], p->gate[g].edge))
				users[i / 64] |= 1ull << (i % 64);
	}
	return 0;
}

/* Triggers */

struct collect {
	struct many *m;
	const struct event *ev;
	struct trigger_row *list;
	size_t n, cap;
	uint32_t local;
	int err;
};

static enum judgement collect_judge(void *ctx, const struct expr_cond *c)
{
	const struct collect *k = ctx;

	return type_judge((void *)k->ev, c);
}

static bool collect_usable(void *ctx, const struct expr_cond *c)
{
	(void)ctx;
	return index_takes(c);
}

static int collect_room(struct collect *k, size_t n)
{
	struct trigger_row *more;
	size_t cap = k->cap ? k->cap : 256;

	while (cap < k->n + n)
		cap *= 2;
	if (cap == k->cap)
		return 0;
	more = realloc(k->list, cap * sizeof(*more));
	if (!more)
		return -ENOMEM;
	k->list = more;
	k->cap = cap;
	return 0;
}

static void collect_add(void *ctx, const struct expr_cond *c)
{
	struct collect *k = ctx;
	uint32_t slot = slot_of(k->m, c->ref);

	if (k->err || slot == UINT32_MAX || collect_room(k, c->n) < 0) {
		k->err = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < c->n; i++)
		k->list[k->n++] = (struct trigger_row){ slot, k->local, c->op, c->values[i].v };
}

static void collect_end(struct collect *k)
{
	free(k->list);
}

static size_t parts_count(const struct collect *k, uint32_t slot)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		n += k->list[i].slot == slot && k->list[i].op == EXPR_CONTAINS;
	return n;
}

/* Gives up the triggers of expressions for which an automaton would be made that does not pay. */
static int parts_drop(struct collect *k, struct plan *p)
{
	_cleanup_(freep) bool *few = calloc(k->m->nslots, sizeof(*few));
	size_t kept = 0;

	if (!few)
		return -ENOMEM;
	for (uint32_t s = 0; s < k->m->nslots; s++)
		few[s] = parts_count(k, s) < PARTS_MIN;
	for (size_t i = 0; i < k->n; i++)
		if (k->list[i].op == EXPR_CONTAINS && few[k->list[i].slot])
			p->untriggered[k->list[i].local / 64] |= 1ull << (k->list[i].local % 64);
	for (size_t i = 0; i < k->n; i++)
		if (!(p->untriggered[k->list[i].local / 64] >> (k->list[i].local % 64) & 1))
			k->list[kept++] = k->list[i];
	k->n = kept;
	return 0;
}

static int triggers_make(struct many *m, const struct event *ev, struct plan *p)
{
	_cleanup_(collect_end) struct collect k = { .m = m, .ev = ev };

	for (uint32_t i = 0; i < p->n; i++) {
		const struct expr *x = m->list[p->run[i].place];
		int r = 0;

		k.local = i;
		if (p->n >= INDEX_MIN)
			r = expr_triggers(x, collect_judge, collect_usable, collect_add, &k);
		if (r == -ENOMEM || k.err)
			return -ENOMEM;
		/* Without triggers, or never although it did not fold to "false": looked at. */
		if (r != 1)
			p->untriggered[i / 64] |= 1ull << (i % 64);
	}
	if (k.n && parts_drop(&k, p) < 0)
		return -ENOMEM;
	return k.n ? index_make(m, p, k.list, k.n) : 0;
}

static int plan_fill(struct many *m, const struct event *ev, struct plan *p)
{
	_cleanup_(freep) uint32_t *uses = calloc(2 * m->nnodes, sizeof(*uses));
	int r;

	p->words = (p->n + 63) / 64;
	p->run = pool_alloc(&m->pool, p->n * sizeof(*p->run));
	p->all = pool_alloc(&m->pool, p->words * sizeof(*p->all));
	p->untriggered = pool_alloc(&m->pool, p->words * sizeof(*p->untriggered));
	if (!uses || !p->run || !p->all || !p->untriggered)
		return -ENOMEM;
	r = runs_make(m, p, uses);
	if (r == 0)
		gates_choose(m, p, uses);
	if (r == 0)
		r = gates_fill(m, p);
	return r < 0 ? r : triggers_make(m, ev, p);
}

int plan_make(struct many *m, const struct event *ev, struct plan **ret)
{
	_cleanup_(plan_freep) struct plan *p = calloc(1, sizeof(*p));
	struct plan **more, *same;
	int r;

	if (!p)
		return -ENOMEM;
	leaves_decide(m, ev);
	r = roots_fold(m, p);
	if (r < 0)
		return r;
	same = plan_find(m, p);
	if (same) {
		*ret = same;
		return 0;
	}
	r = plan_fill(m, ev, p);
	more = r < 0 ? NULL : realloc(m->plans, (m->nplans + 1) * sizeof(struct plan *));
	if (!more)
		return -ENOMEM;
	m->plans = more;
	*ret = m->plans[m->nplans++] = take_ptr(p);
	return 0;
}
