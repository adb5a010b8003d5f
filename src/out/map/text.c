/*
 * For terminals: clients, and under each whom it asks, the busiest first.
 *
 *	shop/web (workload)
 *	  -> shop/db:5432   postgres   12.3/s    0.0%    1.2ms    4.0ms    0.9ms   10K   1.2M      0      3
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "out/map/map.h"

#define NAME_MIN	16
#define NAME_COLUMN_MAX 48
#define CELL		400 /* bytes of one name, escaped, with its port */

void map_node_text(const struct map_node *n, struct buf *b)
{
	if (n->ns.n) {
		buf_text(b, n->ns);
		buf_char(b, '/');
	}
	buf_text(b, n->name);
}

void map_ns_text(const struct map_latency *l, uint64_t ns, struct buf *b)
{
	if (!l->n)
		buf_char(b, '-');
	else
		buf_span(b, ns, 0, 0, 1);
}

static size_t width_of(const struct buf *b, size_t from)
{
	return utf8_chars(str_skip(buf_slice(b), from));
}

static void server_put(const struct map_report *r, const struct map_edge *e, struct buf *b)
{
	map_node_text(&r->nodes[e->server], b);
	if (e->port)
		buf_printf(b, ":%u", e->port);
}

static size_t column_width(const struct map_report *r)
{
	size_t width = NAME_MIN;

	for (size_t i = 0; i < r->edges_n; i++) {
		char room[CELL];
		struct buf b = { .p = room, .cap = sizeof(room), .max = sizeof(room) };
		size_t w;

		server_put(r, &r->edges[i], &b);
		w = width_of(&b, 0);
		if (w > width)
			width = w;
	}
	return width < NAME_COLUMN_MAX ? width : NAME_COLUMN_MAX;
}

/* What @put adds, at the right of @width. */
static void cell(struct buf *b, const struct buf *text, size_t width)
{
	for (size_t n = width_of(text, 0); n < width; n++)
		buf_char(b, ' ');
	buf_str(b, buf_slice(text));
}

static void latency_cell(struct buf *b, const struct map_latency *l, uint64_t ns)
{
	char room[32];
	struct buf t = { .p = room, .cap = sizeof(room), .max = sizeof(room) };

	map_ns_text(l, ns, &t);
	cell(b, &t, 10);
}

static void size_cell(struct buf *b, uint64_t n)
{
	char room[32];
	struct buf t = { .p = room, .cap = sizeof(room), .max = sizeof(room) };

	buf_size(&t, n, 0);
	cell(b, &t, 8);
}

static void edge_put(const struct map_report *r, const struct map_edge *e, double seconds,
		     size_t width, struct buf *b)
{
	const struct map_latency *l = map_edge_latency(e);
	bool read = e->requests != 0;
	size_t from;

	buf_str(b, STR("  -> "));
	from = b->n;
	server_put(r, e, b);
	for (size_t n = width_of(b, from); n < width; n++)
		buf_char(b, ' ');
	buf_char(b, ' ');
	from = b->n;
	buf_text(b, e->protocol);
	for (size_t n = width_of(b, from); n < 9; n++)
		buf_char(b, ' ');
	if (read)
		buf_printf(b, " %9.1f %6.1f%%", (double)e->requests / seconds,
			   100.0 * (double)(e->failed + e->unanswered) / (double)e->requests);
	else
		buf_printf(b, " %9s %7s", "-", "-");
	latency_cell(b, l, l->p50_ns);
	latency_cell(b, l, l->p99_ns);
	latency_cell(b, &e->server_ns, e->server_ns.p50_ns);
	size_cell(b, read ? e->request_bytes : e->sent);
	size_cell(b, read ? e->response_bytes : e->received);
	buf_printf(b, " %7llu %6llu", (unsigned long long)e->retransmits,
		   (unsigned long long)(e->opened > e->closed ? e->opened : e->closed));
	if (e->refused)
		buf_printf(b, "  %llu refused", (unsigned long long)e->refused);
	buf_char(b, '\n');
}

static int by_traffic(const void *a, const void *b)
{
	const struct map_edge *x = *(const struct map_edge *const *)a;
	const struct map_edge *y = *(const struct map_edge *const *)b;
	uint64_t p = x->request_bytes + x->response_bytes + x->sent + x->received;
	uint64_t q = y->request_bytes + y->response_bytes + y->sent + y->received;

	if (x->client != y->client)
		return x->client < y->client ? -1 : 1;
	if (x->requests != y->requests)
		return x->requests > y->requests ? -1 : 1;
	return p != q ? (p > q ? -1 : 1) : (x > y) - (x < y);
}

static void notes_put(const struct map_report *r, const struct map_out_opts *o, struct buf *b)
{
	uint64_t folded = r->stats.nodes_folded + r->stats.edges_folded;

	if (folded)
		buf_printf(b,
			   "%llu requests and connections beyond %d nodes and %d edges are told as "
			   "\"other\"\n",
			   (unsigned long long)folded, SERVICE_MAP_NODES, SERVICE_MAP_EDGES);
	if (r->stats.no_memory)
		buf_printf(b, "%llu latencies were not counted: no memory\n",
			   (unsigned long long)r->stats.no_memory);
	if (r->stats.names_full)
		buf_printf(b, "%llu names from DNS were not kept: too many\n",
			   (unsigned long long)r->stats.names_full);
	if (!r->edges_n)
		buf_printf(b, "nobody spoke to anybody in %.1f s\n", o->seconds);
}

void map_text(const struct map_report *r, const struct map_out_opts *o, struct buf *b)
{
	const struct map_edge **order = calloc(r->edges_n + 1, sizeof(*order));
	size_t width = column_width(r);

	if (!order) {
		b->failed = true;
		return;
	}
	for (size_t i = 0; i < r->edges_n; i++)
		order[i] = &r->edges[i];
	qsort(order, r->edges_n, sizeof(*order), by_traffic);
	if (r->edges_n)
		buf_printf(b, "CLIENT\n  -> %-*s %-9s %9s %7s %9s %9s %9s %7s %7s %7s %6s\n",
			   (int)width, "SERVER", "PROTOCOL", "REQ/S", "FAILED", "P50", "P99",
			   "SERVER50", "OUT", "IN", "RETRANS", "CONNS");
	for (size_t i = 0; i < r->edges_n; i++) {
		const struct map_node *client = &r->nodes[order[i]->client];

		if (!i || order[i - 1]->client != order[i]->client) {
			map_node_text(client, b);
			buf_printf(b, " (%s)\n", map_kind_name(client->kind));
		}
		edge_put(r, order[i], o->seconds, width, b);
	}
	notes_put(r, o, b);
	free(order);
}
