/*
 * And-inverter graph: what the type decides is folded away, equal subtrees (a macro that many rules
 * name) become one node, which is evaluated once per event. Children are sorted, cheap ones first,
 * so that the same conditions in another order are the same node too.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "lang/many_priv.h"

#define COST_MAX 10000u

int stack_push(struct many *m, uint32_t edge)
{
	size_t cap = m->stack_cap ? m->stack_cap * 2 : 256;
	uint32_t *more;

	if (m->nstack == m->stack_cap) {
		more = realloc(m->stack, cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		m->stack = more;
		m->stack_cap = cap;
	}
	m->stack[m->nstack++] = edge;
	return 0;
}

/* The table */

static bool node_is(const struct node *a, const struct node *b)
{
	return a->hash == b->hash && a->n == b->n && !a->child == !b->child &&
	       (!a->child || memcmp(a->child, b->child, a->n * sizeof(*a->child)) == 0);
}

static void table_add(struct many *m, uint32_t number)
{
	size_t at = m->nodes[number].hash & m->table_mask;

	while (m->table[at])
		at = (at + 1) & m->table_mask;
	m->table[at] = number;
}

static int nodes_grow(struct many *m)
{
	size_t cap = m->nodes_cap ? m->nodes_cap * 2 : 1024;
	uint32_t *table = calloc(2 * cap, sizeof(*table));
	struct node *nodes = realloc(m->nodes, cap * sizeof(*nodes));
	uint32_t *memo = NULL;

	if (nodes) {
		m->nodes = nodes;
		memo = realloc(m->memo, cap * sizeof(*memo));
	}
	if (memo) {
		m->memo = memo;
		memset(memo + m->nodes_cap, 0, (cap - m->nodes_cap) * sizeof(*memo));
	}
	if (!table || !memo) {
		free(table);
		return -ENOMEM;
	}
	m->nodes_cap = cap;
	free(m->table);
	m->table = table;
	m->table_mask = 2 * cap - 1;
	/* Number 0 stands for "true" and is never looked up. */
	if (m->nnodes == 0)
		m->nodes[m->nnodes++] = (struct node){ 0 };
	for (size_t i = 1; i < m->nnodes; i++)
		table_add(m, (uint32_t)i);
	return 0;
}

/* The number of the node like @n, whose children are copied when it is new; or -ENOMEM. */
static int64_t node_number(struct many *m, struct node n)
{
	uint32_t *child;

	if (m->nnodes == m->nodes_cap && nodes_grow(m) < 0)
		return -ENOMEM;
	for (size_t at = n.hash & m->table_mask; m->table[at]; at = (at + 1) & m->table_mask)
		if (node_is(&m->nodes[m->table[at]], &n))
			return m->table[at];
	if (m->pool.bytes > MANY_MAX_BYTES)
		return -ENOMEM;
	if (n.child) {
		child = pool_alloc(&m->pool, n.n * sizeof(*child));
		if (!child)
			return -ENOMEM;
		memcpy(child, n.child, n.n * sizeof(*child));
		n.child = child;
	}
	m->nodes[m->nnodes] = n;
	table_add(m, (uint32_t)m->nnodes);
	return (int64_t)m->nnodes++;
}

/* Folding */

static int64_t fold_leaf(struct many *m, uint32_t leaf)
{
	const struct leaf *l = &m->leaves[leaf];
	struct node n = { .n = leaf, .hash = (uint32_t)hash_u64(leaf), .cost = l->cost };
	int64_t number;

	if (l->decided != JUDGE_UNKNOWN)
		return l->decided == JUDGE_YES ? EDGE_TRUE : EDGE_FALSE;
	number = node_number(m, n);
	return number < 0 ? number : number * 2;
}

static int edge_order(const void *a, const void *b, void *ctx)
{
	const struct many *m = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint32_t cx = m->nodes[x / 2].cost, cy = m->nodes[y / 2].cost;

	return cx != cy ? (cx < cy ? -1 : 1) : x < y ? -1 : x > y;
}

/* Sorted, each once; false when an edge and its negation are among them. */
static bool edges_tidy(struct many *m, uint32_t *edges, size_t *n)
{
	size_t kept = 0;

	if (*n > 1)
		qsort_r(edges, *n, sizeof(*edges), edge_order, m);
	for (size_t i = 0; i < *n; i++) {
		if (kept && edges[kept - 1] == (edges[i] ^ 1))
			return false;
		if (!kept || edges[kept - 1] != edges[i])
			edges[kept++] = edges[i];
	}
	*n = kept;
	return true;
}

/* The conjunction of what stands on the stack from @from on, which is taken off. */
static int64_t conjunction(struct many *m, size_t from)
{
	uint32_t *edges = m->stack + from;
	size_t n = m->nstack - from;
	struct node node = { .child = edges };
	int64_t number;

	m->nstack = from;
	if (!edges_tidy(m, edges, &n))
		return EDGE_FALSE;
	if (n <= 1)
		return n ? edges[0] : EDGE_TRUE;
	node.n = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		node.hash = (uint32_t)hash_u64((uint64_t)node.hash << 32 | edges[i]);
		node.cost += m->nodes[edges[i] / 2].cost;
	}
	if (node.cost > COST_MAX)
		node.cost = COST_MAX;
	number = node_number(m, node);
	return number < 0 ? number : number * 2;
}

static int64_t fold(struct many *m, size_t i, const struct tree *t)
{
	uint32_t flip = t->kind == AST_OR;
	size_t from = m->nstack;
	int64_t edge;

	if (t->kind == AST_CHECK)
		return fold_leaf(m, m->leaf_of[m->base[i] + (t->check - m->list[i]->checks)]);
	if (t->kind == AST_NOT) {
		edge = fold(m, i, t->child[0]);
		return edge < 0 ? edge : edge ^ 1;
	}
	for (size_t k = 0; k < t->n; k++) {
		edge = fold(m, i, t->child[k]);
		if (edge < 0)
			return edge;
		edge ^= flip;
		if (edge == EDGE_FALSE) {
			m->nstack = from;
			return EDGE_FALSE ^ flip;
		}
		if (edge != EDGE_TRUE && stack_push(m, (uint32_t)edge) < 0)
			return -ENOMEM;
	}
	edge = conjunction(m, from);
	return edge < 0 ? edge : edge ^ flip;
}

int64_t node_fold(struct many *m, size_t i)
{
	if (m->nnodes == 0 && nodes_grow(m) < 0)
		return -ENOMEM;
	m->nstack = 0;
	return fold(m, i, m->list[i]->root);
}

static int conjuncts_push(struct many *m, uint32_t edge)
{
	const struct node *n = &m->nodes[edge / 2];
	int r = 0;

	if (edge & 1 || !n->child)
		return edge == EDGE_TRUE ? 0 : stack_push(m, edge);
	for (uint32_t i = 0; r == 0 && i < n->n; i++)
		r = conjuncts_push(m, n->child[i]);
	return r;
}

int node_conjuncts(struct many *m, uint32_t edge)
{
	size_t from = m->nstack, n;
	int r = conjuncts_push(m, edge);

	n = m->nstack - from;
	/* Both of a pair may be there; then either makes it false. */
	if (r == 0 && edges_tidy(m, m->stack + from, &n))
		m->nstack = from + n;
	return r;
}

bool edge_test(struct many *m, uint32_t edge, const struct event *ev)
{
	uint32_t number = edge / 2, memo = m->memo[number];
	const struct node *n = &m->nodes[number];
	bool value = true;

	if (memo / 2 == m->stamp)
		return (memo ^ edge) & 1;
	if (!n->child)
		value = leaf_test(m, &m->leaves[n->n], ev);
	for (uint32_t i = 0; n->child && value && i < n->n; i++)
		value = edge_test(m, n->child[i], ev);
	m->memo[number] = m->stamp * 2 + value;
	return value ^ (edge & 1);
}
