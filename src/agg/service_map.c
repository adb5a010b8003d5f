/* From sightings to edges: who is at each end, and whether the other end has told it already. */
#include "agg/service_map.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "agg/service_map_priv.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/hash.h"

#define TEXT_BYTES (8u << 20)
#define TEXTS_MAX  65536
#define NAME_MAX_  256 /* bytes of a node's name kept */
#define ADDRESSES  32  /* of one answer */

/* --- nodes --- */

static uint64_t node_hash(const struct map_node_entry *n)
{
	return hash_u64((uint64_t)n->ns << 32 ^ n->name ^ (uint64_t)n->kind << 60);
}

static uint64_t node_hash_at(const void *ctx, uint32_t at)
{
	return node_hash(&((const struct service_map *)ctx)->node[at]);
}

static struct str cut(struct str s)
{
	return (struct str){ s.p, s.n < NAME_MAX_ ? s.n : NAME_MAX_ };
}

/* The number of that node; of `other` (0) when there is no room. */
static uint32_t node_get(struct service_map *m, const struct map_who *w)
{
	struct map_node_entry n = { .kind = w->kind };
	uint64_t hash;

	if (intern_put(&m->texts, cut(w->ns), &n.ns) != 0 ||
	    intern_put(&m->texts, cut(w->name), &n.name) != 0)
		return 0;
	hash = node_hash(&n);
	SLOTS_EACH(&m->node_index, hash, at)
	if (m->node[at].kind == n.kind && m->node[at].ns == n.ns && m->node[at].name == n.name)
		return at;
	if (m->nodes > SERVICE_MAP_NODES ||
	    slots_room(&m->node_index, &m->index_budget, node_hash_at, m) != 0)
		return 0;
	m->node[m->nodes] = n;
	slots_put(&m->node_index, hash, m->nodes);
	return m->nodes++;
}

static uint32_t who_get(struct service_map *m, const struct map_who *w)
{
	return w->kind == MAP_NONE ? MAP_NOBODY : node_get(m, w);
}

/* Addresses that mean something inside alone: each stands by itself. */
static bool ip_private(const struct ip *ip)
{
	const uint8_t *b = ip->b;

	if (ip->len == 16)
		return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) ||
		       map_ip_loopback(ip);
	return b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
	       (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254) ||
	       (b[0] == 100 && (b[1] & 0xc0) == 64);
}

static uint32_t address_get(struct service_map *m, struct ip ip, bool client)
{
	char room[64];
	struct buf b = { .p = room, .cap = sizeof(room), .max = sizeof(room) };
	struct map_who w = { .kind = MAP_ADDRESS };
	bool folded = client && !ip_private(&ip);
	size_t kept = ip.len == 4 ? 3 : 6;

	if (folded)
		memset(ip.b + kept, 0, sizeof(ip.b) - kept);
	ip_text(&b, &ip);
	if (folded)
		buf_printf(&b, "/%zu", kept * 8);
	w.name = ip.len ? buf_slice(&b) : STR("unknown");
	return node_get(m, &w);
}

/* By what is known of the address alone. */
static uint32_t node_at(struct service_map *m, const struct ip *ip, bool client)
{
	const struct map_end_key key = map_end_key(ip, 0, 0, 0);
	const struct map_end *name = map_ends_find(m->names, &key);
	struct map_who w = { .kind = MAP_NAME };

	if (!name)
		return address_get(m, key.ip, client);
	w.name = intern_get(&m->texts, name->who);
	return node_get(m, &w);
}

/* --- edges --- */

static uint64_t edge_hash(const struct map_edge_entry *e)
{
	return hash_u64(hash_u64((uint64_t)e->client << 32 | e->server) ^ hash_str(e->protocol) ^
			e->port);
}

static uint64_t edge_hash_at(const void *ctx, uint32_t at)
{
	return edge_hash(&((const struct service_map *)ctx)->edge[at]);
}

static struct map_edge_entry *edge_get(struct service_map *m, const struct map_edge_entry *key)
{
	uint64_t hash = edge_hash(key);

	SLOTS_EACH(&m->edge_index, hash, at)
	{
		struct map_edge_entry *e = &m->edge[at];

		if (e->client == key->client && e->server == key->server && e->port == key->port &&
		    str_eq(e->protocol, key->protocol))
			return e;
	}
	if (m->edges > SERVICE_MAP_EDGES ||
	    slots_room(&m->edge_index, &m->index_budget, edge_hash_at, m) != 0) {
		m->stats.edges_folded++;
		return &m->edge[0];
	}
	m->edge[m->edges] = *key;
	slots_put(&m->edge_index, hash, m->edges);
	return &m->edge[m->edges++];
}

static void request_count(struct service_map *m, struct map_figures *f, const struct map_waiting *w)
{
	const struct map_seen *s = &w->seen;

	f->requests++;
	f->failed += s->failed && !s->unanswered;
	f->unanswered += s->unanswered;
	f->request_bytes += s->out_bytes;
	f->response_bytes += s->in_bytes;
	f->request_retransmits += s->retransmits;
	if (!s->timed)
		return;
	if (!f->latency)
		f->latency = calloc(1, sizeof(*f->latency));
	if (f->latency)
		histogram_add(f->latency, s->latency_ns);
	else
		m->stats.no_memory++;
}

static void connection_count(struct map_figures *f, const struct map_waiting *w)
{
	const struct map_seen *s = &w->seen;

	f->opened += s->what == MAP_OPENED;
	f->refused += s->refused;
	f->closed += s->what == MAP_CLOSED && !s->refused;
	f->sent += w->at_server ? s->in_bytes : s->out_bytes;
	f->received += w->at_server ? s->out_bytes : s->in_bytes;
	f->retransmits += s->retransmits;
}

/* --- who is at the ends --- */

static bool is_service(const struct service_map *m, uint32_t who)
{
	return who != MAP_NOBODY && m->node[who].kind == MAP_SERVICE;
}

static struct map_end *end_of(struct service_map *m, const struct map_waiting *w, bool server)
{
	const struct map_end_key key = server ? map_end_key(&w->sip, w->l4, w->sport, w->cport) :
						map_end_key(&w->cip, w->l4, w->cport, w->sport);

	return map_ends_find(m->ends, &key);
}

/* The end that is not the sighting's own. A service is what the client meant, whoever answers for it. */
static uint32_t other_end(struct service_map *m, const struct map_waiting *w,
			  const struct map_end *end)
{
	if (is_service(m, w->peer) && !w->at_server)
		return w->peer;
	if (end && end->who != MAP_NOBODY)
		return end->who;
	if (w->peer != MAP_NOBODY)
		return w->peer;
	return node_at(m, w->at_server ? &w->cip : &w->sip, w->at_server);
}

static void waiting_count(struct service_map *m, const struct map_waiting *w)
{
	struct map_end *end = end_of(m, w, !w->at_server);
	uint32_t self = w->self, other = other_end(m, w, end);
	enum map_view view = w->at_server ? VIEW_SERVER : VIEW_CLIENT;
	struct map_edge_entry key = { .port = w->sport, .protocol = w->seen.protocol };
	struct map_edge_entry *e;

	if (self == MAP_NOBODY)
		self = node_at(m, w->at_server ? &w->sip : &w->cip, !w->at_server);
	if (w->at_server && end) {
		if (is_service(m, end->peer))
			self = end->peer;
		if (end->who != MAP_NOBODY && (end->read || w->seen.what != MAP_REQUEST))
			view = VIEW_BOTH;
		if (end->to)
			key.port = end->to; /* a service's port may lead to another */
	}
	key.client = w->at_server ? other : self;
	key.server = w->at_server ? self : other;
	m->stats.nodes_folded += !key.client || !key.server;
	e = edge_get(m, &key);
	if (w->seen.what == MAP_REQUEST)
		request_count(m, &e->view[view], w);
	else
		connection_count(&e->view[view], w);
}

static void waiting_take(struct service_map *m)
{
	waiting_count(m, &m->waiting[m->taken++ % SERVICE_MAP_WAIT]);
}

void service_map_settle(struct service_map *m)
{
	while (m->taken < m->put)
		waiting_take(m);
}

/* --- in --- */

/* Where the event does not tell who opened the connection, the lower port is the server's. */
static bool seen_at_server(const struct conn *c)
{
	return c->is_server < 0 ? c->lport < c->rport : c->is_server == 1;
}

static void waiting_fill(struct service_map *m, const struct map_seen *s, struct map_waiting *w)
{
	const struct conn *c = s->conn;

	*w = (struct map_waiting){ .seen = *s, .l4 = c->l4, .at_server = seen_at_server(c) };
	w->cip = w->at_server ? c->remote : c->local;
	w->sip = w->at_server ? c->local : c->remote;
	w->cport = w->at_server ? c->rport : c->lport;
	w->sport = w->at_server ? c->lport : c->rport;
	w->self = who_get(m, &s->self);
	w->peer = who_get(m, &s->peer);
	w->seen.self = w->seen.peer = (struct map_who){ .kind = MAP_NONE };
	w->seen.conn = NULL;
	if (s->what != MAP_REQUEST)
		w->seen.protocol = STR("tcp");
}

static void learn(struct service_map *m, const struct map_waiting *w)
{
	const struct map_end_key key = w->at_server ?
					       map_end_key(&w->sip, w->l4, w->sport, w->cport) :
					       map_end_key(&w->cip, w->l4, w->cport, w->sport);
	struct map_end *e;

	if (w->self == MAP_NOBODY || !key.ip.len)
		return;
	e = map_ends_put(m->ends, &key);
	if (w->seen.what == MAP_OPENED)
		e->read = false; /* somebody else had the port before */
	e->who = w->self;
	e->peer = w->at_server ? MAP_NOBODY : w->peer;
	e->to = w->at_server ? 0 : w->sport;
	e->read |= w->seen.what == MAP_REQUEST;
}

void service_map_learn(struct service_map *m, const struct map_seen *s)
{
	struct map_waiting w;

	waiting_fill(m, s, &w);
	learn(m, &w);
}

void service_map_add(struct service_map *m, const struct map_seen *s)
{
	struct map_waiting *w;

	if (m->put - m->taken == SERVICE_MAP_WAIT)
		waiting_take(m);
	w = &m->waiting[m->put++ % SERVICE_MAP_WAIT];
	waiting_fill(m, s, w);
	learn(m, w);
	m->stats.seen++;
}

static bool ip_read(struct str s, struct ip *ret)
{
	char z[INET6_ADDRSTRLEN];

	*ret = (struct ip){ .len = 0 };
	if (!s.n || s.n >= sizeof(z))
		return false;
	memcpy(z, s.p, s.n);
	z[s.n] = 0;
	if (inet_pton(AF_INET, z, ret->b) == 1)
		ret->len = 4;
	else if (inet_pton(AF_INET6, z, ret->b) == 1)
		ret->len = 16;
	return ret->len != 0;
}

void service_map_name(struct service_map *m, struct str name, struct str addresses)
{
	uint32_t id;

	for (int i = 0; i < ADDRESSES && name.n && addresses.n; i++) {
		const char *comma = memchr(addresses.p, ',', addresses.n);
		struct str one = { addresses.p, comma ? (size_t)(comma - addresses.p) : addresses.n };
		struct ip ip;

		addresses = str_skip(addresses, one.n + 1);
		if (!ip_read(one, &ip))
			continue;
		if (intern_put(&m->texts, cut(name), &id) == 0) {
			const struct map_end_key key = map_end_key(&ip, 0, 0, 0);

			map_ends_put(m->names, &key)->who = id;
		} else {
			m->stats.names_full++;
		}
	}
}

/* --- life --- */

void service_map_free(struct service_map *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; m->edge && i < m->edges; i++)
		for (int v = 0; v < VIEWS; v++)
			free(m->edge[i].view[v].latency);
	free(m->edge);
	map_ends_free(m->ends);
	map_ends_free(m->names);
	slots_free(&m->node_index);
	slots_free(&m->edge_index);
	intern_free(&m->texts);
	free(m);
}

static void service_map_freep(struct service_map **m)
{
	service_map_free(*m);
}

int service_map_new(struct service_map **ret)
{
	_cleanup_(service_map_freep) struct service_map *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->text_budget.max = TEXT_BYTES;
	m->index_budget.max = 16 * (SERVICE_MAP_NODES + SERVICE_MAP_EDGES);
	m->nodes = m->edges = 1;
	m->node[0].kind = MAP_OTHER;
	m->edge = calloc(SERVICE_MAP_EDGES + 1, sizeof(*m->edge));
	err = m->edge ? intern_init(&m->texts, &m->text_budget, TEXTS_MAX) : -ENOMEM;
	if (!err)
		err = map_ends_new(SERVICE_MAP_ENDS, &m->ends);
	if (!err)
		err = map_ends_new(SERVICE_MAP_NAMES, &m->names);
	if (err)
		return err;
	m->edge[0].protocol = STR("other");
	*ret = take_ptr(m);
	return 0;
}
