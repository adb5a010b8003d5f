/* JSON, and the page that has it inside. */
#include <string.h>

#include "base/json.h"
#include "out/map/map.h"

static void member(struct buf *b, struct str key, uint64_t v)
{
	json_key(b, key);
	buf_u64(b, v);
}

static void node_put(const struct map_node *n, size_t id, struct buf *b)
{
	buf_str(b, id ? STR(",{") : STR("{"));
	member(b, STR("id"), id);
	json_key(b, STR("kind"));
	json_str(b, str_of(map_kind_name(n->kind)));
	if (n->ns.n) {
		json_key(b, STR("ns"));
		json_str(b, n->ns);
	}
	json_key(b, STR("name"));
	json_str(b, n->name);
	buf_char(b, '}');
}

static void latency_put(struct buf *b, struct str key, const struct map_latency *l)
{
	if (!l->n)
		return;
	json_key(b, key);
	buf_char(b, '{');
	member(b, STR("p50"), l->p50_ns);
	member(b, STR("p99"), l->p99_ns);
	member(b, STR("max"), l->max_ns);
	buf_char(b, '}');
}

static void edge_latency_put(const struct map_edge *e, struct buf *b)
{
	const struct map_latency *l = map_edge_latency(e);

	if (!l->n)
		return;
	member(b, STR("p50_ns"), l->p50_ns);
	member(b, STR("p99_ns"), l->p99_ns);
	member(b, STR("max_ns"), l->max_ns);
	latency_put(b, STR("client_ns"), &e->client_ns);
	latency_put(b, STR("server_ns"), &e->server_ns);
}

static void edge_put(const struct map_edge *e, double seconds, struct buf *b)
{
	buf_char(b, '{');
	member(b, STR("client"), e->client);
	member(b, STR("server"), e->server);
	json_key(b, STR("protocol"));
	json_str(b, e->protocol);
	if (e->port)
		member(b, STR("port"), e->port);
	member(b, STR("requests"), e->requests);
	json_key(b, STR("per_second"));
	buf_printf(b, "%.3f", (double)e->requests / seconds);
	member(b, STR("failed"), e->failed);
	member(b, STR("unanswered"), e->unanswered);
	member(b, STR("seen_at_both_ends"), e->both);
	edge_latency_put(e, b);
	member(b, STR("request_bytes"), e->request_bytes);
	member(b, STR("response_bytes"), e->response_bytes);
	member(b, STR("opened"), e->opened);
	member(b, STR("closed"), e->closed);
	member(b, STR("refused"), e->refused);
	member(b, STR("sent_bytes"), e->sent);
	member(b, STR("received_bytes"), e->received);
	member(b, STR("retransmits"), e->retransmits);
	buf_char(b, '}');
}

void map_json(const struct map_report *r, const struct map_out_opts *o, struct buf *b)
{
	buf_printf(b, "{\"seconds\":%.3f", o->seconds);
	if (o->time_ms > 0)
		member(b, STR("time_ms"), (uint64_t)o->time_ms);
	member(b, STR("lost"), o->lost);
	member(b, STR("folded"), r->stats.nodes_folded + r->stats.edges_folded);
	json_key(b, STR("nodes"));
	buf_char(b, '[');
	for (size_t i = 0; i < r->nodes_n; i++)
		node_put(&r->nodes[i], i, b);
	buf_char(b, ']');
	json_key(b, STR("edges"));
	buf_char(b, '[');
	for (size_t i = 0; i < r->edges_n; i++) {
		if (i)
			buf_char(b, ',');
		edge_put(&r->edges[i], o->seconds, b);
	}
	buf_str(b, STR("]}\n"));
}

extern const char ui_map[], ui_map_end[];

#define DATA_MARK STR("<!--data-->")

/* No text in the JSON may end the element it stands in: '<' is in texts alone. */
static void json_in_page(struct buf *b, struct str json)
{
	const char *lt;

	while (json.n && (lt = memchr(json.p, '<', json.n))) {
		size_t n = (size_t)(lt - json.p);

		buf_str(b, (struct str){ json.p, n });
		buf_str(b, STR("\\u003c"));
		json = str_skip(json, n + 1);
	}
	buf_str(b, json);
}

void map_html(const struct map_report *r, const struct map_out_opts *o, struct buf *b)
{
	struct str page = { ui_map, (size_t)(ui_map_end - ui_map) };
	const char *at = memmem(page.p, page.n, DATA_MARK.p, DATA_MARK.n);
	size_t head = at ? (size_t)(at - page.p) : page.n;
	struct buf json = { 0 };

	map_json(r, o, &json);
	buf_str(b, (struct str){ page.p, head });
	json_in_page(b, buf_slice(&json));
	buf_str(b, str_skip(page, head + DATA_MARK.n));
	b->failed |= json.failed || !at;
	buf_free(&json);
}

static const struct {
	const char *name;
	map_out_fn *put;
} forms[] = {
	{ "text", map_text },
	{ "dot", map_dot },
	{ "json", map_json },
	{ "html", map_html },
};

map_out_fn *map_out_find(const char *name)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(forms[i].name, name) == 0)
			return forms[i].put;
	return NULL;
}
