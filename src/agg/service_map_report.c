/* The tables as sorted arrays: views put together, connections put to the protocol that is spoken on them. */
#include <errno.h>
#include <stdlib.h>

#include "agg/service_map_priv.h"
#include "base/cleanup.h"

const char *map_kind_name(enum map_kind k)
{
	static const char *const names[MAP_KINDS] = {
		[MAP_NONE] = "unknown", [MAP_SERVICE] = "service",     [MAP_WORKLOAD] = "workload",
		[MAP_POD] = "pod",	[MAP_CONTAINER] = "container", [MAP_PROCESS] = "process",
		[MAP_MACHINE] = "node", [MAP_NAME] = "name",	       [MAP_ADDRESS] = "address",
		[MAP_OTHER] = "other",
	};

	return names[k];
}

void map_report_free(struct map_report *r)
{
	free(r->nodes);
	free(r->edges);
	*r = (struct map_report){ 0 };
}

/* --- one edge --- */

static struct map_latency latency_of(const struct histogram *a, const struct histogram *b)
{
	struct histogram both = { 0 };
	struct map_latency l = { 0 };

	if (a)
		histogram_merge(&both, a);
	if (b)
		histogram_merge(&both, b);
	l.n = both.n;
	l.max_ns = both.max_ns;
	l.p50_ns = histogram_percentile(&both, 0.5);
	l.p99_ns = histogram_percentile(&both, 0.99);
	return l;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* A connection's retransmissions have those of its requests in them, once it is closed. */
static void edge_fill(const struct map_edge_entry *e, struct map_edge *ret)
{
	const struct map_figures *c = &e->view[VIEW_CLIENT], *s = &e->view[VIEW_SERVER];

	*ret = (struct map_edge){
		.client = e->client,
		.server = e->server,
		.protocol = e->protocol,
		.port = e->port,
		.requests = c->requests + s->requests,
		.failed = c->failed + s->failed,
		.unanswered = c->unanswered + s->unanswered,
		.both = e->view[VIEW_BOTH].requests,
		.request_bytes = c->request_bytes + s->request_bytes,
		.response_bytes = c->response_bytes + s->response_bytes,
		.client_ns = latency_of(c->latency, NULL),
		.server_ns = latency_of(s->latency, e->view[VIEW_BOTH].latency),
	};
}

static void connections_fill(const struct map_edge_entry *e, const struct map_edge_entry *tcp,
			     struct map_edge *ret)
{
	for (int v = 0; v < VIEWS; v++) {
		const struct map_figures *f = tcp ? &tcp->view[v] : &e->view[v];

		ret->retransmits += larger(e->view[v].request_retransmits, f->retransmits);
		if (v == VIEW_BOTH)
			continue;
		ret->opened += f->opened;
		ret->closed += f->closed;
		ret->refused += f->refused;
		ret->sent += f->sent;
		ret->received += f->received;
	}
}

/* --- all --- */

struct making {
	const struct service_map *m;
	const struct map_edge_entry **order; /* by client, server, port; "tcp" first */
	uint32_t *number;		     /* of each node in the report */
	size_t n;
};

static void making_free(struct making *k)
{
	free(k->order);
	free(k->number);
}

static bool is_tcp(const struct map_edge_entry *e)
{
	return str_eq(e->protocol, STR("tcp"));
}

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_place(const void *a, const void *b)
{
	const struct map_edge_entry *x = *(const struct map_edge_entry *const *)a;
	const struct map_edge_entry *y = *(const struct map_edge_entry *const *)b;
	int c = compare(x->client, y->client);

	c = c ? c : compare(x->server, y->server);
	c = c ? c : compare(x->port, y->port);
	c = c ? c : compare(is_tcp(y), is_tcp(x));
	return c ? c : str_cmp(x->protocol, y->protocol);
}

static bool beside(const struct map_edge_entry *a, const struct map_edge_entry *b)
{
	return a->client == b->client && a->server == b->server && a->port == b->port;
}

/* An edge "tcp" beside one whose protocol is known gives its connections to the first of those. */
static void edges_make(const struct making *k, struct map_report *r)
{
	const struct map_edge_entry *tcp = NULL;

	for (size_t i = 0; i < k->n; i++) {
		const struct map_edge_entry *e = k->order[i];
		bool more = i + 1 < k->n && beside(e, k->order[i + 1]);
		struct map_edge *to = &r->edges[r->edges_n];

		if (is_tcp(e) && more) {
			tcp = e;
			continue;
		}
		edge_fill(e, to);
		connections_fill(e, tcp && beside(tcp, e) ? tcp : NULL, to);
		tcp = NULL;
		r->edges_n++;
	}
}

static struct map_node node_of(const struct service_map *m, uint32_t i)
{
	const struct map_node_entry *n = &m->node[i];

	return (struct map_node){ n->kind, intern_get(&m->texts, n->ns),
				  i ? intern_get(&m->texts, n->name) : STR("other") };
}

static int node_compare(const struct map_node *x, const struct map_node *y)
{
	int c = compare(x->kind, y->kind);

	c = c ? c : str_cmp(x->ns, y->ns);
	return c ? c : str_cmp(x->name, y->name);
}

static int by_node(const void *a, const void *b, void *m)
{
	struct map_node x = node_of(m, *(const uint32_t *)a), y = node_of(m, *(const uint32_t *)b);

	return node_compare(&x, &y);
}

static int by_edge(const void *a, const void *b)
{
	const struct map_edge *x = a, *y = b;
	int c = compare(x->client, y->client);

	c = c ? c : compare(x->server, y->server);
	c = c ? c : str_cmp(x->protocol, y->protocol);
	return c ? c : compare(x->port, y->port);
}

/* Nodes that edges have, in their order; edges get the new numbers. */
static int nodes_make(struct making *k, struct map_report *r)
{
	_cleanup_(freep) uint32_t *used = calloc(k->m->nodes + 1, sizeof(*used));

	k->number = calloc(k->m->nodes, sizeof(*k->number));
	r->nodes = calloc(k->m->nodes, sizeof(*r->nodes));
	if (!used || !k->number || !r->nodes)
		return -ENOMEM;
	for (size_t i = 0; i < r->edges_n; i++)
		k->number[r->edges[i].client] = k->number[r->edges[i].server] = 1;
	for (uint32_t i = 0; i < k->m->nodes; i++)
		if (k->number[i])
			used[r->nodes_n++] = i;
	qsort_r(used, r->nodes_n, sizeof(*used), by_node, (void *)k->m);
	for (uint32_t i = 0; i < r->nodes_n; i++) {
		r->nodes[i] = node_of(k->m, used[i]);
		k->number[used[i]] = i;
	}
	for (size_t i = 0; i < r->edges_n; i++) {
		r->edges[i].client = k->number[r->edges[i].client];
		r->edges[i].server = k->number[r->edges[i].server];
	}
	qsort(r->edges, r->edges_n, sizeof(*r->edges), by_edge);
	return 0;
}

static bool edge_empty(const struct map_edge_entry *e)
{
	for (int v = 0; v < VIEWS; v++)
		if (e->view[v].requests || e->view[v].opened || e->view[v].closed ||
		    e->view[v].refused)
			return false;
	return true;
}

int service_map_report(struct service_map *m, struct map_report *ret)
{
	_cleanup_(making_free) struct making k = { .m = m };
	_cleanup_(map_report_free) struct map_report r = { 0 };
	int err;

	service_map_settle(m);
	k.order = calloc(m->edges, sizeof(*k.order));
	r.edges = calloc(m->edges, sizeof(*r.edges));
	if (!k.order || !r.edges)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->edges; i++)
		if (!edge_empty(&m->edge[i]))
			k.order[k.n++] = &m->edge[i];
	qsort(k.order, k.n, sizeof(*k.order), by_place);
	edges_make(&k, &r);
	err = nodes_make(&k, &r);
	if (err)
		return err;
	m->stats.ends_evicted = map_ends_evicted(m->ends);
	m->stats.names_evicted = map_ends_evicted(m->names);
	r.stats = m->stats;
	*ret = r;
	r = (struct map_report){ 0 };
	return 0;
}
