/* A ring of calls, looked through from its newest backwards until they ended before the one that is asked for began. */
#include "agent/explain.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/fd.h"

struct call {
	uint64_t start_ns, end_ns, run; /* run: start of the process */
	uint32_t tid;
	uint8_t what_n, peer_n;
	struct str protocol; /* static */
	char what[EXPLAIN_TEXT], peer[EXPLAIN_TEXT];
};

struct explain {
	uint64_t n; /* so far */
	struct request_call shown[REQUEST_CALLS_MAX];
	struct call call[EXPLAIN_CALLS];
};

int explain_new(struct explain **ret)
{
	struct explain *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	*ret = e;
	return 0;
}

void explain_free(struct explain *e)
{
	free(e);
}

/* How many bytes were kept. */
static uint8_t text_keep(char to[EXPLAIN_TEXT], const struct buf *b)
{
	size_t n = utf8_cut(buf_slice(b), EXPLAIN_TEXT).n;

	if (n)
		memcpy(to, b->p, n);
	return (uint8_t)n;
}

static void what_put(const struct request *r, struct buf *b)
{
	struct str what = r->route.p ? r->route : r->resource;

	if (!str_starts(what, r->method)) {
		buf_text(b, r->method);
		if (r->method.n && what.n)
			buf_char(b, ' ');
	}
	buf_text(b, what);
}

static void peer_put(const struct event *ev, struct buf *b)
{
	const struct peer *peer = &ev->fd.peer;
	struct ip ip = { .len = 0 };
	uint16_t port = 0;

	fd_end_get(&ev->fd, END_SERVER, &ip, &port);
	if (peer->name.n) {
		buf_text(b, peer->ns);
		if (peer->ns.n)
			buf_char(b, '/');
		buf_text(b, peer->name);
	} else {
		ip_host_text(b, &ip);
	}
	buf_char(b, ':');
	buf_u64(b, port);
}

void explain_note(struct explain *e, const struct event *ev)
{
	const struct request *r = ev->body;
	struct call *c = &e->call[e->n & (EXPLAIN_CALLS - 1)];
	_cleanup_(buf_free) struct buf b = { 0 };

	if (ev->fd.conn.is_server != 0 || !r->times || !r->times->tid || !r->end.ns)
		return;
	e->n++;
	c->start_ns = r->start.ns;
	c->end_ns = r->end.ns;
	c->run = ev->hdr->start_ns;
	c->tid = r->times->tid;
	c->protocol = r->protocol;
	what_put(r, &b);
	c->what_n = text_keep(c->what, &b);
	buf_reset(&b);
	peer_put(ev, &b);
	c->peer_n = text_keep(c->peer, &b);
}

static void call_show(struct explain *e, const struct call *c, struct request *r)
{
	r->calls_all++;
	if (r->calls_n == REQUEST_CALLS_MAX)
		return;
	e->shown[r->calls_n++] = (struct request_call){
		.protocol = c->protocol,
		.what = { c->what, c->what_n },
		.peer = { c->peer, c->peer_n },
		.latency_ns = c->end_ns > c->start_ns ? c->end_ns - c->start_ns : 0,
	};
}

/* From the last to the first: of overlapping ones what is not counted yet. */
void explain_join(struct explain *e, const struct event *ev, struct request *r)
{
	uint64_t counted_from = r->end.ns;

	if (ev->fd.conn.is_server != 1 || !r->times || r->times->why != TIMES_KNOWN)
		return;
	for (uint64_t i = 0; i < EXPLAIN_CALLS && i < e->n; i++) {
		const struct call *c = &e->call[(e->n - 1 - i) & (EXPLAIN_CALLS - 1)];
		uint64_t end = c->end_ns < counted_from ? c->end_ns : counted_from;

		if (c->end_ns < r->start.ns)
			break;
		if (c->tid != r->times->tid || c->run != ev->hdr->start_ns ||
		    c->start_ns < r->start.ns || c->end_ns > r->end.ns)
			continue;
		call_show(e, c, r);
		if (end <= c->start_ns)
			continue;
		r->calls_ns += end - c->start_ns;
		counted_from = c->start_ns;
	}
	r->calls = e->shown;
}
