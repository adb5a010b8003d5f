/*
 * The types seen, and the matching of one event: gates take away whole groups of expressions, the
 * index takes away those of which no trigger fired, what is left is tested edge by edge.
 */
#include "lang/many.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "lang/many_priv.h"

#define TYPES_MASK (2 * MANY_TYPES_MAX - 1)

void many_free(struct many *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->nplans; i++)
		plan_free(m->plans[i]);
	free(m->plans);
	free(m->list);
	free(m->base);
	free(m->leaf_of);
	free(m->leaves);
	free(m->slots);
	free(m->nodes);
	free(m->memo);
	free(m->table);
	free(m->stack);
	free(m->alive);
	free(m->fired);
	free(m->looked);
	pool_free(&m->pool);
	free(m);
}

static void many_freep(struct many **m)
{
	many_free(*m);
}

int many_new(const struct expr *const *list, size_t n, struct many **ret)
{
	_cleanup_(many_freep) struct many *m = calloc(1, sizeof(*m));
	size_t words = n / 64 + 1;
	int r;

	if (!m)
		return -ENOMEM;
	m->n = n;
	m->list = calloc(n + 1, sizeof(*m->list));
	m->alive = calloc(words, sizeof(*m->alive));
	m->fired = calloc(words, sizeof(*m->fired));
	m->looked = calloc(n + 1, sizeof(*m->looked));
	if (!m->list || !m->alive || !m->fired || !m->looked)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		m->list[i] = list[i];
	r = leaves_make(m);
	if (r == 0)
		*ret = take_ptr(m);
	return r;
}

/* The plan of the event's type, made on first sight; NULL: to be matched plainly. */
static const struct plan *plan_of(struct many *m, const struct event *ev)
{
	uint32_t at = (uint32_t)hash_u64((uintptr_t)ev->type.p ^ ev->kind->id) & TYPES_MASK;
	struct plan *p = NULL;

	for (; m->types[at].kind; at = (at + 1) & TYPES_MASK)
		if (m->types[at].type == ev->type.p && m->types[at].n == ev->type.n &&
		    m->types[at].kind == ev->kind->id + 1u)
			return m->types[at].plan;
	if (m->ntypes == MANY_TYPES_MAX)
		return NULL;
	if (plan_make(m, ev, &p) < 0)
		p = NULL;
	m->types[at] = (struct type_row){ ev->type.p, ev->type.n, ev->kind->id + 1u, p };
	m->ntypes++;
	return p;
}

static size_t match_plainly(struct many *m, const struct event *ev,
			    bool (*hit)(void *ctx, uint32_t place), void *ctx)
{
	size_t hits = 0;

	for (size_t i = 0; i < m->n; i++) {
		m->looked[i]++;
		if (!expr_match(m->list[i], ev))
			continue;
		hits++;
		if (!hit(ctx, (uint32_t)i))
			break;
	}
	return hits;
}

static void event_begin(struct many *m)
{
	if (++m->stamp <= INT32_MAX)
		return;
	/* Once in 2^31 events: what was noted long ago must not look new. */
	memset(m->memo, 0, m->nodes_cap * sizeof(*m->memo));
	for (size_t i = 0; i < m->nslots; i++)
		m->slots[i].stamp = m->slots[i].hashed = 0;
	m->stamp = 1;
}

static bool meet(const uint64_t *a, const uint64_t *b, uint32_t words)
{
	for (uint32_t w = 0; w < words; w++)
		if (a[w] & b[w])
			return true;
	return false;
}

/* Leaves in m->alive what gates and triggers let through; false when that is nothing. */
static bool alive_find(struct many *m, const struct plan *p, const struct event *ev)
{
	uint64_t *alive = m->alive, any = 0;

	memcpy(alive, p->all, p->words * sizeof(*alive));
	for (uint32_t g = 0; g < p->ngates; g++) {
		if (!meet(alive, p->gate[g].users, p->words) || edge_test(m, p->gate[g].edge, ev))
			continue;
		for (uint32_t w = 0; w < p->words; w++)
			alive[w] &= ~p->gate[g].users[w];
	}
	if (p->nindex) {
		memcpy(m->fired, p->untriggered, p->words * sizeof(*alive));
		for (uint32_t i = 0; i < p->nindex; i++)
			if (meet(alive, p->index[i].users, p->words))
				index_fire(m, &p->index[i], ev, m->fired);
		for (uint32_t w = 0; w < p->words; w++)
			alive[w] &= m->fired[w];
	}
	for (uint32_t w = 0; w < p->words; w++)
		any |= alive[w];
	return any != 0;
}

static bool run_test(struct many *m, const struct run *run, const struct event *ev)
{
	m->looked[run->place]++;
	for (uint32_t i = 0; i < run->n; i++)
		if (!edge_test(m, run->edges[i], ev))
			return false;
	return true;
}

size_t many_match(struct many *m, const struct event *ev, bool (*hit)(void *ctx, uint32_t place),
		  void *ctx)
{
	const struct plan *p = plan_of(m, ev);
	size_t hits = 0;

	if (!p)
		return match_plainly(m, ev, hit, ctx);
	event_begin(m);
	if (p->n == 0 || !alive_find(m, p, ev))
		return 0;
	for (uint32_t w = 0; w < p->words; w++)
		for (uint64_t left = m->alive[w]; left; left &= left - 1) {
			const struct run *run = &p->run[w * 64 + (uint32_t)__builtin_ctzll(left)];

			if (!run_test(m, run, ev))
				continue;
			hits++;
			if (!hit(ctx, run->place))
				return hits;
		}
	return hits;
}

uint64_t many_looked(const struct many *m, uint32_t place)
{
	return m->looked[place];
}
