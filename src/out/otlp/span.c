/* Spans: names, kinds, status and attributes by the conventions of the request's family. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/protobuf.h"
#include "out/otlp/message.h"

#define NAME_BYTES 512

enum span_field {
	SPAN_TRACE_ID = 1,
	SPAN_ID = 2,
	SPAN_PARENT = 4,
	SPAN_NAME = 5,
	SPAN_KIND = 6,
	SPAN_START = 7,
	SPAN_END = 8,
	SPAN_ATTR = 9,
	SPAN_STATUS = 15,
};

enum span_kind {
	KIND_SERVER = 2,
	KIND_CLIENT = 3,
};

#define STATUS_ERROR 2

/* --- trace context --- */

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 2 * @n digits; false when they are none, or all zero. */
static bool hex_read(const char *p, size_t n, uint8_t *ret)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++) {
		int hi = hex_value(p[2 * i]), lo = hex_value(p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		ret[i] = (uint8_t)(hi << 4 | lo);
		any |= ret[i];
	}
	return any;
}

bool otlp_traceparent(struct str s, struct otlp_trace *ret)
{
	struct otlp_trace t = *ret;
	uint8_t version;

	/* 00-..32..-..16..-01; later versions may go on behind a dash. */
	if (s.n < 55 || s.p[2] != '-' || s.p[35] != '-' || s.p[52] != '-')
		return false;
	if (hex_value(s.p[0]) < 0 || hex_value(s.p[1]) < 0 || hex_value(s.p[53]) < 0 ||
	    hex_value(s.p[54]) < 0)
		return false;
	version = (uint8_t)(hex_value(s.p[0]) << 4 | hex_value(s.p[1]));
	if (version == 0xff || (version == 0 && s.n != 55) || (s.n > 55 && s.p[55] != '-'))
		return false;
	if (!hex_read(s.p + 3, 16, t.trace) || !hex_read(s.p + 36, 8, t.parent))
		return false;
	t.has_parent = true;
	*ret = t;
	return true;
}

/* --- names --- */

static struct str target_of(const struct request *r)
{
	return r->route.n ? r->route : r->resource;
}

/* "{first} {second}", what there is of it. */
static struct str join(struct str a, struct str c, char room[NAME_BYTES])
{
	int n = snprintf(room, NAME_BYTES, "%.*s%s%.*s", STR_ARG(a), a.n && c.n ? " " : "",
			 STR_ARG(c));

	return (struct str){ room, n < 0 ? 0 : n < NAME_BYTES ? (size_t)n : NAME_BYTES - 1 };
}

static struct str span_name(struct sem_view *v, char room[NAME_BYTES])
{
	const struct request *r = v->r;
	struct str s = STR_NONE;

	switch (v->protocol ? v->protocol->family : SEM_GRAPH) {
	case SEM_HTTP: /* never the path itself */
		sem_get(v, SEM_METHOD, &s);
		return join(str_eq(s, STR("_OTHER")) ? STR("HTTP") : s, r->route, room);
	case SEM_RPC:
		sem_get(v, SEM_RPC_METHOD, &s);
		return s;
	case SEM_DB: /* the summary begins with its operation */
		return str_starts(r->route, r->method) && r->route.n ?
			       r->route :
			       join(r->method, r->route, room);
	default:
		return join(r->method, target_of(r), room);
	}
}

/* --- attributes --- */

static void family_attrs(struct sem_view *v, struct buf *b)
{
	for (size_t m = 0; m < sem_metrics_n; m++) {
		const struct sem_metric *d = &sem_metrics[m];

		/* Databases and brokers have a metric of the client's side only: it serves both. */
		if (d->family != v->protocol->family ||
		    (d->family < SEM_DB && v->server != (d->side == SEM_SERVER_SIDE)))
			continue;
		for (size_t i = 0; i < d->nattrs; i++) {
			enum sem_attr a = (enum sem_attr)d->attrs[i];
			bool named = a == SEM_DNS_NAME || a == SEM_MSG_DESTINATION;
			struct str s;

			/* A metric folds names; a span has the one that was meant. */
			if (named && v->r->resource.n)
				otlp_attr_sem(b, SPAN_ATTR, a, v->r->resource);
			else if (sem_get(v, a, &s))
				otlp_attr_sem(b, SPAN_ATTR, a, s);
		}
		return;
	}
}

static void http_attrs(struct sem_view *v, struct buf *b)
{
	const struct request *r = v->r;
	struct str scheme = STR("http"), method = STR_NONE;
	char url[2048];

	sem_get(v, SEM_SCHEME, &scheme);
	sem_get(v, SEM_METHOD, &method);
	if (!str_eq(method, r->method))
		otlp_attr(b, SPAN_ATTR, "http.request.method_original", r->method);
	if (str_eq(r->protocol, STR("http2")))
		otlp_attr(b, SPAN_ATTR, "network.protocol.version", STR("2"));
	otlp_attr(b, SPAN_ATTR, "user_agent.original", r->agent);
	if (v->server) {
		otlp_attr(b, SPAN_ATTR, "url.path", r->resource);
		return;
	}
	snprintf(url, sizeof(url), "%.*s://%.*s%.*s", STR_ARG(scheme), STR_ARG(r->host),
		 STR_ARG(r->resource));
	otlp_attr(b, SPAN_ATTR, "url.full", str_of(url));
	otlp_attr(b, SPAN_ATTR, "url.template", r->route);
}

/* A statement's shape: its literals are folded. Only where `resource` is a statement; the summary is made of it then. */
static void db_attrs(const struct sem_view *v, struct buf *b)
{
	const struct request *r = v->r;
	const char *dot;
	char room[NAME_BYTES];

	if (str_eq(r->protocol, STR("mongo"))) {
		dot = r->resource.n ? memchr(r->resource.p, '.', r->resource.n) : NULL;
		if (dot)
			otlp_attr(b, SPAN_ATTR, "db.collection.name",
				  str_skip(r->resource, (size_t)(dot + 1 - r->resource.p)));
	} else if (str_eq(r->protocol, STR("redis"))) {
		otlp_attr(b, SPAN_ATTR, "db.query.text", join(r->method, r->resource, room));
	} else if (r->route.n) {
		otlp_attr(b, SPAN_ATTR, "db.query.text", r->resource);
	}
}

/* The metrics of servers do without; a span says where it was served. */
static void server_attrs(struct sem_view *v, struct buf *b)
{
	struct str s;

	if (sem_get(v, SEM_SERVER_ADDRESS, &s))
		otlp_attr(b, SPAN_ATTR, "server.address", s);
	if (sem_get(v, SEM_SERVER_PORT, &s))
		otlp_attr_sem(b, SPAN_ATTR, SEM_SERVER_PORT, s);
}

static void peer_attrs(const struct sem_view *v, struct buf *b)
{
	const struct conn *c = &v->ev->fd.conn;
	char text[64];
	struct buf ip = { .p = text, .cap = sizeof(text), .max = sizeof(text) };

	ip_text(&ip, &c->remote);
	otlp_attr(b, SPAN_ATTR, "network.peer.address", buf_slice(&ip));
	if (c->rport)
		otlp_attr_int(b, SPAN_ATTR, "network.peer.port", c->rport);
	if (v->server)
		otlp_attr(b, SPAN_ATTR, "client.address", buf_slice(&ip));
}

static void span_attrs(struct sem_view *v, struct buf *b)
{
	enum sem_family family = v->protocol ? v->protocol->family : SEM_GRAPH;

	if (v->protocol)
		family_attrs(v, b);
	else
		otlp_attr(b, SPAN_ATTR, "network.protocol.name", v->r->protocol);
	if (family == SEM_HTTP)
		http_attrs(v, b);
	if (family == SEM_DB)
		db_attrs(v, b);
	if (v->server && family < SEM_DB)
		server_attrs(v, b);
	peer_attrs(v, b);
}

static void status_put(const struct sem_view *v, struct buf *b)
{
	_cleanup_(buf_free) struct buf s = { 0 };

	if (!sem_failed(v))
		return;
	if (v->r->error.n)
		otlp_text(&s, 2, v->r->error);
	pb_uint(&s, 3, STATUS_ERROR);
	b->failed |= s.failed;
	pb_bytes(b, SPAN_STATUS, buf_slice(&s));
}

void otlp_span(struct sem_view *v, const struct otlp_trace *t, int64_t boot_to_wall_ns, struct buf *b)
{
	uint64_t start = v->r->start.ns, end = v->r->end.ns > start ? v->r->end.ns : start;
	char room[NAME_BYTES];

	pb_bytes(b, SPAN_TRACE_ID, (struct str){ (const char *)t->trace, 16 });
	pb_bytes(b, SPAN_ID, (struct str){ (const char *)t->span, 8 });
	if (t->has_parent)
		pb_bytes(b, SPAN_PARENT, (struct str){ (const char *)t->parent, 8 });
	otlp_text(b, SPAN_NAME, span_name(v, room));
	pb_uint(b, SPAN_KIND, v->server ? KIND_SERVER : KIND_CLIENT);
	pb_fixed64(b, SPAN_START, start + (uint64_t)boot_to_wall_ns);
	pb_fixed64(b, SPAN_END, end + (uint64_t)boot_to_wall_ns);
	span_attrs(v, b);
	status_put(v, b);
}
