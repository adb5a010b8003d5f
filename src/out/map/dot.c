/*
 * For Graphviz: `dot -Tsvg`. A label is quoted text in which Graphviz knows backslashes and character entities, so
 * both are escaped; what is not printable already is.
 */
#include "out/map/map.h"

static const struct {
	const char *shape, *colour;
} looks[MAP_KINDS] = {
	[MAP_SERVICE] = { "box", "#1f5fd0" },	[MAP_WORKLOAD] = { "box", "#2f7d4f" },
	[MAP_POD] = { "box", "#2f7d4f" },	[MAP_CONTAINER] = { "box", "#0f7f8c" },
	[MAP_PROCESS] = { "box", "#5d6678" },	[MAP_MACHINE] = { "box3d", "#5d6678" },
	[MAP_NAME] = { "ellipse", "#a05a00" },	[MAP_ADDRESS] = { "ellipse", "#8a6d3b" },
	[MAP_OTHER] = { "ellipse", "#8790a3" }, [MAP_NONE] = { "ellipse", "#8790a3" },
};

static void label_put(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '&') {
			buf_str(b, STR("&amp;"));
			continue;
		}
		if (c == '"' || c == '\\')
			buf_char(b, '\\');
		buf_char(b, c);
	}
}

static void node_put(const struct map_node *n, size_t id, struct buf *b)
{
	struct buf name = { 0 };

	map_node_text(n, &name);
	buf_printf(b, "  n%zu [label=\"", id);
	label_put(b, buf_slice(&name));
	buf_printf(b, "\\n%s\", shape=%s, color=\"%s\"];\n", map_kind_name(n->kind),
		   looks[n->kind].shape, looks[n->kind].colour);
	b->failed |= name.failed;
	buf_free(&name);
}

static void edge_put(const struct map_edge *e, double seconds, struct buf *b)
{
	const struct map_latency *l = map_edge_latency(e);
	uint64_t bad = e->failed + e->unanswered;

	buf_printf(b, "  n%u -> n%u [label=\"", e->client, e->server);
	label_put(b, e->protocol);
	if (e->port)
		buf_printf(b, " :%u", e->port);
	if (e->requests)
		buf_printf(b, "\\n%.1f/s", (double)e->requests / seconds);
	if (bad && e->requests)
		buf_printf(b, ", %.1f%% failed", 100.0 * (double)bad / (double)e->requests);
	if (l->n) {
		buf_str(b, STR("\\np50 "));
		map_ns_text(l, l->p50_ns, b);
		buf_str(b, STR(", p99 "));
		map_ns_text(l, l->p99_ns, b);
	}
	if (e->retransmits)
		buf_printf(b, "\\n%llu retransmitted", (unsigned long long)e->retransmits);
	if (e->refused)
		buf_printf(b, "\\n%llu refused", (unsigned long long)e->refused);
	buf_printf(b, "\"%s];\n", bad || e->refused ? ", color=\"#b3261e\"" : "");
}

void map_dot(const struct map_report *r, const struct map_out_opts *o, struct buf *b)
{
	buf_str(b, STR("digraph porthole {\n  rankdir=LR;\n  charset=\"UTF-8\";\n"
		       "  node [fontname=\"sans-serif\", fontsize=11];\n"
		       "  edge [fontname=\"sans-serif\", fontsize=9];\n"));
	for (size_t i = 0; i < r->nodes_n; i++)
		node_put(&r->nodes[i], i, b);
	for (size_t i = 0; i < r->edges_n; i++)
		edge_put(&r->edges[i], o->seconds, b);
	buf_str(b, STR("}\n"));
}
