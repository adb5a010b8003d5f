/*
 * Requests for people: one aligned line each.
 *
 *	12:03:44.123456 shop/cart-7d9f           shop/db:5432             postgres  SELECT users   OK  1.2ms  48B  2.1K
 *
 * The wide form adds its id, for porthole requests explain. Time of its end, client, server, protocol, what was asked, status, latency, sizes of request and answer. An end is
 * the pod, else the container, else the process; the other end what the cluster says of its address, else that.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/fd.h"
#include "event/request.h"
#include "out/out.h"

#define END_WIDTH      26
#define PROTOCOL_WIDTH 9
#define WHAT_WIDTH     44
#define WHAT_MAX       160 /* bytes of a resource shown */
#define STATUS_WIDTH   8

struct out {
	uint64_t second; /* the wall-clock second that `clock` shows */
	char clock[16];
	bool wide;
};

static int requests_open(const struct catalogue *c, const struct field_ref *refs, size_t n,
			 struct out **ret)
{
	struct out *o = calloc(1, sizeof(*o));

	(void)c;
	(void)refs;
	(void)n;
	if (!o)
		return -ENOMEM;
	*ret = o;
	return 0;
}

static int wide_open(const struct catalogue *c, const struct field_ref *refs, size_t n,
		     struct out **ret)
{
	int err = requests_open(c, refs, n, ret);

	if (!err)
		(*ret)->wide = true;
	return err;
}

static void requests_close(struct out *o)
{
	free(o);
}

static void time_put(struct out *o, const struct event *ev, struct buf *b)
{
	uint64_t wall = ev->time.ns + (uint64_t)ev->host->boot_to_wall_ns;
	time_t second = (time_t)(wall / NS_PER_SEC);
	struct tm tm;

	if (o->second != (uint64_t)second) {
		o->second = (uint64_t)second;
		localtime_r(&second, &tm);
		strftime(o->clock, sizeof(o->clock), "%H:%M:%S", &tm);
	}
	buf_printf(b, "%s.%06u", o->clock, (unsigned)(wall % NS_PER_SEC / 1000));
}

static void pad(struct buf *b, size_t from, size_t width)
{
	while (!b->failed && b->n - from < width)
		buf_char(b, ' ');
}

/* The end that is the event's process. */
static void self_put(const struct event *ev, struct buf *b)
{
	const struct cgroup *cg = ev->proc->cgroup;

	if (cg && cg->pod && cg->pod->name.p) {
		buf_text(b, cg->pod->ns);
		buf_char(b, '/');
		buf_text(b, cg->pod->name);
	} else if (cg && cg->container && cg->container->name.p) {
		buf_text(b, cg->container->name);
	} else if (cg && cg->container) {
		buf_text(b, cg->container->id12);
	} else {
		buf_text(b, str_fixed(ev->proc->comm, sizeof(ev->proc->comm)));
		buf_printf(b, "[%u]", ev->proc->pid);
	}
}

static void address_put(const struct ip *ip, struct buf *b)
{
	ip_host_text(b, ip);
	if (!ip->len)
		buf_char(b, '?');
}

/* @end: END_CLIENT or END_SERVER. Ports are the servers'. */
static void end_put(const struct event *ev, unsigned end, struct buf *b)
{
	bool self = fd_end_is_local(&ev->fd, end) && ev->hdr->pid;
	const struct peer *peer = &ev->fd.peer;
	size_t from = b->n;
	struct ip ip = { .len = 0 };
	uint16_t port = 0;

	fd_end_get(&ev->fd, end, &ip, &port);
	if (self) {
		self_put(ev, b);
	} else if (!fd_end_is_local(&ev->fd, end) && peer->name.n) {
		if (peer->ns.n) {
			buf_text(b, peer->ns);
			buf_char(b, '/');
		}
		buf_text(b, peer->name);
	} else {
		address_put(&ip, b);
	}
	if (end == END_SERVER && port)
		buf_printf(b, ":%u", port);
	pad(b, from, END_WIDTH);
	buf_char(b, ' ');
}

/* Cut where a character begins. */
static void text_put(struct buf *b, struct str s)
{
	struct str part = utf8_cut(s, WHAT_MAX);

	buf_text(b, part);
	if (part.n < s.n)
		buf_str(b, STR("..."));
}

static void what_put(const struct request *r, struct buf *b)
{
	struct str what = r->text.p ? r->text : r->route.p ? r->route : r->resource;
	size_t from = b->n;

	/* A statement begins with its verb. */
	if (!str_starts(what, r->method)) {
		buf_text(b, r->method);
		if (r->method.n && what.n)
			buf_char(b, ' ');
	}
	text_put(b, what);
	pad(b, from, WHAT_WIDTH);
	buf_char(b, ' ');
}

static void status_put(const struct request *r, struct buf *b)
{
	size_t from = b->n;

	if (r->status.n)
		buf_text(b, r->status);
	else if (r->flags & REQ_ONEWAY)
		buf_str(b, STR("sent"));
	else if (r->flags & REQ_UNANSWERED)
		buf_str(b, STR("none"));
	else if (r->flags & REQ_LOST)
		buf_str(b, STR("lost"));
	else
		buf_str(b, r->ok == REQ_OK_NO ? STR("error") : r->ok ? STR("ok") : STR("-"));
	pad(b, from, STATUS_WIDTH);
}

static void latency_put(const struct request *r, struct buf *b)
{
	if (!r->end.ns || r->flags & REQ_ONEWAY)
		buf_printf(b, " %9s", "-");
	else
		buf_span(b, request_latency_ns(r), 10, 1, 1);
}

/* --- where its time went: an indented block, when that was asked for --- */

static void span_put(struct buf *b, uint64_t ns)
{
	buf_span(b, ns, 0, 1, 2);
}

static const char *const state_texts[THREAD_STATE_COUNT] = {
	[THREAD_RUNNING] = "on CPU",
	[THREAD_RUNNABLE] = "waiting for a CPU",
	[THREAD_THROTTLED] = "throttled",
	[THREAD_DISK] = "disk",
	[THREAD_NETWORK] = "network",
	[THREAD_LOCK] = "lock",
	[THREAD_PAGEFAULT] = "page fault",
	[THREAD_SLEEP] = "sleep",
	[THREAD_WAIT] = "child, signal or pipe",
	[THREAD_OTHER] = "other",
	[THREAD_POLL] = "poll",
	[THREAD_STOPPED] = "stopped",
};

/* The largest that is not in @done; THREAD_STATE_COUNT: none that is more than nothing. */
static size_t largest(const struct request_times *t, uint32_t done)
{
	size_t most = THREAD_STATE_COUNT;

	for (size_t i = 0; i < THREAD_STATE_COUNT; i++)
		if (!(done & (1u << i)) && t->ns[i] &&
		    (most == THREAD_STATE_COUNT || t->ns[i] > t->ns[most]))
			most = i;
	return most;
}

/* Largest first; of what is under a hundredth of all only the sum. */
static void times_put(const struct request_times *t, struct buf *b)
{
	uint64_t all = 0, told = 0;
	uint32_t done = 0;
	size_t i;

	for (i = 0; i < THREAD_STATE_COUNT; i++)
		all += t->ns[i];
	while ((i = largest(t, done)) < THREAD_STATE_COUNT && t->ns[i] >= all / 100) {
		buf_str(b, done ? STR(", ") : STR("    "));
		buf_printf(b, "%s ", state_texts[i]);
		span_put(b, t->ns[i]);
		buf_printf(b, " (%.0f %%)", (double)t->ns[i] * 100 / (double)all);
		told += t->ns[i];
		done |= 1u << i;
	}
	if (done && all > told) {
		buf_str(b, STR(", rest "));
		span_put(b, all - told);
	}
	if (done)
		buf_char(b, '\n');
}

static void calls_put(const struct request *r, struct buf *b)
{
	if (!r->calls_all)
		return;
	buf_printf(b, "    of that in %u %s ", r->calls_all, r->calls_all == 1 ? "call" : "calls");
	span_put(b, r->calls_ns);
	buf_char(b, '\n');
	for (uint32_t i = r->calls_n; i-- > 0;) {
		const struct request_call *c = &r->calls[i];

		buf_str(b, STR("      "));
		buf_text(b, c->protocol);
		buf_char(b, ' ');
		buf_text(b, c->what);
		buf_str(b, STR(" of "));
		buf_text(b, c->peer);
		buf_char(b, ' ');
		span_put(b, c->latency_ns);
		buf_char(b, '\n');
	}
	if (r->calls_all > r->calls_n)
		buf_printf(b, "      and %u before\n", r->calls_all - r->calls_n);
}

static void explain_put(const struct request *r, struct buf *b)
{
	if (r->times->why == TIMES_KNOWN) {
		times_put(r->times, b);
	} else {
		buf_str(b, STR("    unknown: "));
		buf_str(b, request_times_reason(r->times->why));
		buf_char(b, '\n');
	}
	calls_put(r, b);
	if (!r->rtt_us && !r->retransmits)
		return;
	buf_str(b, STR("    connection: round trip "));
	if (r->rtt_us)
		span_put(b, r->rtt_us * UINT64_C(1000));
	else
		buf_char(b, '?');
	buf_printf(b, ", %u retransmitted\n", r->retransmits);
}

static void id_put(const struct request *r, struct buf *b)
{
	char id[REQUEST_ID_TEXT + 1];

	request_id_text(r->id, id);
	buf_str(b, STR("  "));
	buf_str(b, str_of(id));
}

static void requests_event(struct out *o, const struct event *ev, struct buf *b)
{
	const struct request *r = ev->body;
	size_t from;

	if (ev->kind->id != KIND_REQUEST)
		return;
	time_put(o, ev, b);
	buf_char(b, ' ');
	end_put(ev, END_CLIENT, b);
	end_put(ev, END_SERVER, b);
	from = b->n;
	buf_text(b, r->protocol);
	pad(b, from, PROTOCOL_WIDTH);
	buf_char(b, ' ');
	what_put(r, b);
	status_put(r, b);
	latency_put(r, b);
	buf_size(b, r->request_bytes, 7);
	buf_size(b, r->response_bytes, 7);
	if (o->wide)
		id_put(r, b);
	buf_char(b, '\n');
	if (r->times)
		explain_put(r, b);
}

const struct out_ops out_requests_ops = {
	.open = requests_open,
	.event = requests_event,
	.close = requests_close,
};

const struct out_ops out_requests_wide_ops = {
	.open = wide_open,
	.event = requests_event,
	.close = requests_close,
};
