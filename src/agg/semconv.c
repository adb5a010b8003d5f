/* The tables, and the readers of attributes they name. */
#include "agg/semconv.h"

#include <stdio.h>

#include "agg/service_name.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct sem_protocol protocols[] = {
	{ "http", SEM_HTTP, NULL },
	{ "http2", SEM_HTTP, NULL },
	{ "grpc", SEM_RPC, "grpc" },
	{ "redis", SEM_DB, "redis" },
	{ "postgres", SEM_DB, "postgresql" },
	{ "mysql", SEM_DB, "mysql" },
	{ "mongo", SEM_DB, "mongodb" },
	{ "cql", SEM_DB, "cassandra" },
	{ "memcached", SEM_DB, "memcached" },
	{ "kafka", SEM_MESSAGING, "kafka" },
	{ "amqp", SEM_MESSAGING, "rabbitmq" },
	{ "nats", SEM_MESSAGING, "nats" },
	{ "dns", SEM_DNS, NULL },
};

const struct sem_protocol *sem_protocol_find(struct str name)
{
	for (size_t i = 0; i < COUNT(protocols); i++)
		if (str_eq(str_of(protocols[i].name), name))
			return &protocols[i];
	return NULL;
}

static bool ip_loopback(const struct ip *ip)
{
	static const uint8_t v6[16] = { [15] = 1 };

	return (ip->len == 4 && ip->b[0] == 127) || (ip->len == 16 && memcmp(ip->b, v6, 16) == 0);
}

/* The other end is on this node, and no pod: connections to oneself. */
static bool conn_local(const struct conn *c)
{
	return !c->remote.len || ip_loopback(&c->remote) ||
	       (c->remote.len == c->local.len && memcmp(c->remote.b, c->local.b, c->local.len) == 0);
}

/* "cart:8080", "[::1]:8080", "cart", "::1": the port apart, absent when there is none. */
static struct str host_split(struct str host, struct str *ret_port)
{
	bool bracket = host.n && host.p[0] == '[';
	const char *close = bracket ? memchr(host.p, ']', host.n) : NULL;
	struct str rest = close ? str_skip(host, (size_t)(close + 1 - host.p)) : host;
	const char *colon = rest.n ? memchr(rest.p, ':', rest.n) : NULL;

	*ret_port = STR_NONE;
	if (bracket && !close)
		return host;
	if (!colon || memchr(colon + 1, ':', rest.n - (size_t)(colon + 1 - rest.p)))
		return close ? (struct str){ host.p + 1, (size_t)(close - host.p - 1) } : host;
	*ret_port = str_skip(rest, (size_t)(colon + 1 - rest.p));
	return close ? (struct str){ host.p + 1, (size_t)(close - host.p - 1) } :
		       (struct str){ host.p, (size_t)(colon - host.p) };
}

static struct str host_without_port(struct str host)
{
	struct str port;

	return host_split(host, &port);
}

static struct str address_text(struct sem_view *v, const struct ip *ip)
{
	struct buf b = { .p = v->address, .cap = SEM_SCRATCH, .max = SEM_SCRATCH };

	ip_text(&b, ip);
	return buf_slice(&b);
}

static bool names_host(const struct sem_view *v)
{
	return v->protocol && (v->protocol->family == SEM_HTTP || v->protocol->family == SEM_RPC) &&
	       v->r->host.n;
}

static struct str peer_guess(struct sem_view *v)
{
	const struct conn *c = &v->ev->fd.conn;

	if (v->ev->fd.peer.name.n)
		return v->ev->fd.peer.name;
	if (conn_local(c))
		return STR("local");
	if (v->server)
		return STR("outside");
	if (names_host(v))
		return host_without_port(v->r->host);
	return address_text(v, &c->remote);
}

void sem_look(const struct event *ev, struct str peer, struct sem_view *ret)
{
	*ret = (struct sem_view){ .ev = ev, .r = ev->body, .peer = peer };
	ret->protocol = sem_protocol_find(ret->r->protocol);
	ret->server = ev->fd.conn.is_server == 1;
	ret->service = service_name(ev->proc);
	ret->workload = workload_name(ev->proc);
}

/* Of gRPC, those that are the server's fault: unknown, deadline exceeded, unimplemented, internal, unavailable, data loss. */
#define RPC_SERVER_FAULTS (1u << 2 | 1u << 4 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 15)

bool sem_failed(const struct sem_view *v)
{
	if (v->r->flags & REQ_UNANSWERED)
		return true;
	if (v->protocol && v->protocol->family == SEM_HTTP && v->r->code >= 100)
		return v->r->code >= (v->server ? 500 : 400);
	if (v->protocol && v->protocol->family == SEM_RPC && v->server && v->r->code >= 0)
		return v->r->code < 32 && (RPC_SERVER_FAULTS >> v->r->code & 1);
	return v->r->ok == REQ_OK_NO;
}

/* --- attributes --- */

static bool text(struct str s, struct str *ret)
{
	*ret = s;
	return s.n != 0;
}

static bool number(struct sem_view *v, uint64_t n, struct str *ret)
{
	struct buf b = { .p = v->number, .cap = SEM_SCRATCH, .max = SEM_SCRATCH };

	buf_u64(&b, n);
	*ret = buf_slice(&b);
	return true;
}

static bool service_get(struct sem_view *v, struct str *ret)
{
	return text(v->service, ret);
}

static const struct cgroup *cgroup_of(const struct sem_view *v)
{
	return v->ev->proc ? v->ev->proc->cgroup : NULL;
}

static bool ns_get(struct sem_view *v, struct str *ret)
{
	const struct cgroup *cg = cgroup_of(v);

	return cg && cg->pod && text(cg->pod->ns, ret);
}

static bool pod_get(struct sem_view *v, struct str *ret)
{
	const struct cgroup *cg = cgroup_of(v);

	return cg && cg->pod && text(cg->pod->name.n ? cg->pod->name : cg->pod->uid, ret);
}

static bool container_get(struct sem_view *v, struct str *ret)
{
	const struct cgroup *cg = cgroup_of(v);

	if (!cg || !cg->container)
		return false;
	return text(cg->container->name.n ? cg->container->name : cg->container->id12, ret);
}

static bool method_get(struct sem_view *v, struct str *ret)
{
	static const char *const known[] = { "GET",	"HEAD",	   "POST",  "PUT",   "DELETE",
					     "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY" };

	for (size_t i = 0; i < COUNT(known); i++)
		if (str_eq(str_of(known[i]), v->r->method))
			return text(v->r->method, ret);
	*ret = STR("_OTHER");
	return true;
}

static bool scheme_get(struct sem_view *v, struct str *ret)
{
	*ret = v->r->flags & REQ_TLS ? STR("https") : STR("http");
	return true;
}

static bool route_get(struct sem_view *v, struct str *ret)
{
	return text(v->r->route, ret);
}

static bool http_status_get(struct sem_view *v, struct str *ret)
{
	return v->r->code >= 100 && number(v, (uint64_t)v->r->code, ret);
}

static bool status_get(struct sem_view *v, struct str *ret)
{
	return text(v->r->status, ret);
}

static bool error_type_get(struct sem_view *v, struct str *ret)
{
	if (!sem_failed(v))
		return false;
	if (v->r->flags & REQ_UNANSWERED)
		*ret = STR("unanswered");
	else if (!text(v->r->status, ret))
		*ret = STR("_OTHER");
	return true;
}

static bool server_address_get(struct sem_view *v, struct str *ret)
{
	const struct conn *c = &v->ev->fd.conn;

	if (names_host(v))
		return text(host_without_port(v->r->host), ret);
	return text(address_text(v, v->server ? &c->local : &c->remote), ret);
}

static bool server_port_get(struct sem_view *v, struct str *ret)
{
	const struct conn *c = &v->ev->fd.conn;
	uint16_t port = v->server ? c->lport : c->rport;
	struct str named = STR_NONE;

	if (names_host(v))
		host_split(v->r->host, &named);
	return text(named, ret) || (port && number(v, port, ret));
}

static bool system_get(struct sem_view *v, struct str *ret)
{
	return v->protocol && v->protocol->system && text(str_of(v->protocol->system), ret);
}

static bool rpc_method_get(struct sem_view *v, struct str *ret)
{
	return text(v->r->route.n    ? v->r->route :
		    v->r->resource.n ? v->r->resource :
				       v->r->method,
		    ret);
}

static bool operation_get(struct sem_view *v, struct str *ret)
{
	return text(v->r->method, ret);
}

static bool host_get(struct sem_view *v, struct str *ret)
{
	return text(v->r->host, ret);
}

/* Numbers of success say nothing: only failures have it. */
static bool db_status_get(struct sem_view *v, struct str *ret)
{
	return v->r->ok == REQ_OK_NO && text(v->r->status, ret);
}

static bool target_get(struct sem_view *v, struct str *ret)
{
	return text(v->r->route.n ? v->r->route : v->r->resource, ret);
}

static bool message_type_get(struct sem_view *v, struct str *ret)
{
	static const struct {
		const char *system, *method, *type;
	} types[] = {
		{ "kafka", "Produce", "send" },
		{ "kafka", "Fetch", "receive" },
		{ "kafka", "OffsetCommit", "settle" },
		{ "kafka", "TxnOffsetCommit", "settle" },
		{ "rabbitmq", "basic.publish", "send" },
		{ "rabbitmq", "basic.get", "receive" },
		{ "rabbitmq", "basic.deliver", "receive" },
		{ "rabbitmq", "basic.ack", "settle" },
		{ "rabbitmq", "basic.nack", "settle" },
		{ "rabbitmq", "basic.reject", "settle" },
		{ "nats", "PUB", "send" },
		{ "nats", "MSG", "receive" },
	};

	for (size_t i = 0; v->protocol && v->protocol->system && i < COUNT(types); i++)
		if (strcmp(types[i].system, v->protocol->system) == 0 &&
		    str_eq(str_of(types[i].method), v->r->method))
			return text(str_of(types[i].type), ret);
	return false;
}

static bool peer_get(struct sem_view *v, struct str *ret)
{
	return text(v->peer.n ? v->peer : peer_guess(v), ret);
}

static bool client_get(struct sem_view *v, struct str *ret)
{
	return v->server ? peer_get(v, ret) : text(v->workload, ret);
}

static bool server_get(struct sem_view *v, struct str *ret)
{
	return v->server ? text(v->workload, ret) : peer_get(v, ret);
}

/* Names of labels as the agent's other metrics have them, where they had some before. */
const struct sem_attr_def sem_attrs[SEM_ATTRS] = {
	[SEM_SERVICE] = { "service.name", NULL, false, service_get },
	[SEM_NS] = { "k8s.namespace.name", "namespace", false, ns_get },
	[SEM_POD] = { "k8s.pod.name", "pod", false, pod_get },
	[SEM_CONTAINER] = { "k8s.container.name", "container", false, container_get },
	[SEM_METHOD] = { "http.request.method", NULL, false, method_get },
	[SEM_SCHEME] = { "url.scheme", NULL, false, scheme_get },
	[SEM_ROUTE] = { "http.route", NULL, false, route_get },
	[SEM_HTTP_STATUS] = { "http.response.status_code", NULL, true, http_status_get },
	[SEM_ERROR_TYPE] = { "error.type", NULL, false, error_type_get },
	[SEM_SERVER_ADDRESS] = { "server.address", NULL, false, server_address_get },
	[SEM_SERVER_PORT] = { "server.port", NULL, true, server_port_get },
	[SEM_RPC_SYSTEM] = { "rpc.system.name", NULL, false, system_get },
	[SEM_RPC_METHOD] = { "rpc.method", NULL, false, rpc_method_get },
	[SEM_RPC_STATUS] = { "rpc.response.status_code", NULL, false, status_get },
	[SEM_DB_SYSTEM] = { "db.system.name", NULL, false, system_get },
	[SEM_DB_OPERATION] = { "db.operation.name", NULL, false, operation_get },
	[SEM_DB_NAMESPACE] = { "db.namespace", NULL, false, host_get },
	[SEM_DB_STATUS] = { "db.response.status_code", NULL, false, db_status_get },
	[SEM_DB_SUMMARY] = { "db.query.summary", NULL, false, route_get },
	[SEM_MSG_SYSTEM] = { "messaging.system", NULL, false, system_get },
	[SEM_MSG_OPERATION] = { "messaging.operation.name", NULL, false, operation_get },
	[SEM_MSG_TYPE] = { "messaging.operation.type", NULL, false, message_type_get },
	[SEM_MSG_DESTINATION] = { "messaging.destination.name", NULL, false, target_get },
	[SEM_DNS_NAME] = { "dns.question.name", NULL, false, target_get },
	[SEM_CLIENT] = { "client", NULL, false, client_get },
	[SEM_SERVER] = { "server", NULL, false, server_get },
};

/* --- metrics --- */

static const uint32_t usual[] = { 5000,	  10000,  25000,   50000,   75000,   100000,  250000,
				  500000, 750000, 1000000, 2500000, 5000000, 7500000, 10000000 };
static const uint32_t quick[] = { 1000,	  5000,	   10000,   50000,   100000,
				  500000, 1000000, 5000000, 10000000 };

#define USUAL	   usual, COUNT(usual)
#define QUICK	   quick, COUNT(quick)
#define ATTRS(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })

const struct sem_metric sem_metrics[] = {
	{ "http.server.request.duration", SEM_HTTP, SEM_SERVER_SIDE, false, USUAL,
	  "Duration of HTTP requests that were served.",
	  ATTRS(SEM_METHOD, SEM_SCHEME, SEM_ROUTE, SEM_HTTP_STATUS, SEM_ERROR_TYPE) },
	{ "http.client.request.duration", SEM_HTTP, SEM_CLIENT_SIDE, false, USUAL,
	  "Duration of HTTP requests that were made.",
	  ATTRS(SEM_METHOD, SEM_SERVER_ADDRESS, SEM_SERVER_PORT, SEM_HTTP_STATUS, SEM_ERROR_TYPE) },
	{ "rpc.server.call.duration", SEM_RPC, SEM_SERVER_SIDE, false, USUAL,
	  "Duration of remote procedure calls that were served.",
	  ATTRS(SEM_RPC_SYSTEM, SEM_RPC_METHOD, SEM_RPC_STATUS, SEM_ERROR_TYPE) },
	{ "rpc.client.call.duration", SEM_RPC, SEM_CLIENT_SIDE, false, USUAL,
	  "Duration of remote procedure calls that were made.",
	  ATTRS(SEM_RPC_SYSTEM, SEM_RPC_METHOD, SEM_RPC_STATUS, SEM_ERROR_TYPE, SEM_SERVER_ADDRESS,
		SEM_SERVER_PORT) },
	{ "db.client.operation.duration", SEM_DB, SEM_CLIENT_SIDE, false, QUICK,
	  "Duration of database operations, at their client.",
	  ATTRS(SEM_DB_SYSTEM, SEM_DB_OPERATION, SEM_DB_NAMESPACE, SEM_DB_SUMMARY, SEM_DB_STATUS,
		SEM_ERROR_TYPE, SEM_SERVER_ADDRESS, SEM_SERVER_PORT) },
	{ "messaging.client.operation.duration", SEM_MESSAGING, SEM_CLIENT_SIDE, false, USUAL,
	  "Duration of operations with a message broker, at their client.",
	  ATTRS(SEM_MSG_SYSTEM, SEM_MSG_OPERATION, SEM_MSG_TYPE, SEM_MSG_DESTINATION,
		SEM_ERROR_TYPE, SEM_SERVER_ADDRESS, SEM_SERVER_PORT) },
	{ "dns.lookup.duration", SEM_DNS, SEM_CLIENT_SIDE, false, USUAL, "Duration of DNS lookups.",
	  ATTRS(SEM_DNS_NAME, SEM_ERROR_TYPE) },
	{ "traces_service_graph_request", SEM_GRAPH, SEM_EITHER_SIDE, true, NULL, 0,
	  "Requests between two services, each counted once.", ATTRS(SEM_CLIENT, SEM_SERVER) },
	{ "traces_service_graph_request_server_seconds", SEM_GRAPH, SEM_SERVER_SIDE, false, USUAL,
	  "Duration of requests between two services, at the server.", ATTRS(SEM_CLIENT, SEM_SERVER) },
	{ "traces_service_graph_request_client_seconds", SEM_GRAPH, SEM_CLIENT_SIDE, false, USUAL,
	  "Duration of requests between two services, at the client.", ATTRS(SEM_CLIENT, SEM_SERVER) },
};
const size_t sem_metrics_n = COUNT(sem_metrics);

bool sem_metric_takes(const struct sem_metric *m, const struct sem_view *v)
{
	if (!v->protocol || (m->family != SEM_GRAPH && m->family != v->protocol->family))
		return false;
	if (m->side == SEM_EITHER_SIDE)
		return !v->server ||
		       (!str_eq(v->ev->fd.peer.kind, STR("pod")) && !conn_local(&v->ev->fd.conn));
	if (!m->counter && (v->r->flags & (REQ_ONEWAY | REQ_STREAM)))
		return false; /* they have no duration of this kind */
	return v->server == (m->side == SEM_SERVER_SIDE);
}

static void underscored(const char *name, struct buf *b)
{
	for (; *name; name++)
		buf_char(b, *name == '.' ? '_' : *name);
}

void sem_prom_name(const struct sem_metric *m, struct buf *b)
{
	underscored(m->name, b);
	if (m->family != SEM_GRAPH)
		buf_str(b, STR("_seconds"));
}

void sem_prom_label(enum sem_attr a, struct buf *b)
{
	underscored(sem_attrs[a].prom ? sem_attrs[a].prom : sem_attrs[a].name, b);
}
