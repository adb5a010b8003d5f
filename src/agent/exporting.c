/* One subscription, and the names of other ends, which only the cluster's table knows. */
#include "agent/exporting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agg/request_metrics.h"
#include "agg/service_name.h"
#include "base/cleanup.h"
#include "enrich/k8s.h"
#include "out/prometheus/requests.h"

struct exporting {
	const struct config *config;
	struct session *session; /* NULL: not started */
	struct subscription sub;
	struct request_metrics *metrics;
};

/* The other end's owner, so that both nodes' agents call it the same. */
static struct str peer_workload(struct exporting *x, const struct event *ev)
{
	const struct k8s_pod *p;

	if (!str_eq(ev->fd.peer.kind, STR("pod")))
		return STR_NONE;
	p = k8s_pod_by_ip(enrich_k8s(x->session->pipeline.enrich), &ev->fd.conn.remote);
	return p ? pod_workload(&p->pod) : STR_NONE;
}

static void request_take(void *ctx, const struct event *ev)
{
	struct exporting *x = ctx;
	struct sem_view v;

	sem_look(ev, peer_workload(x, ev), &v);
	request_metrics_add(x->metrics, &v, ev->time);
}

bool exporting_wanted(const struct config *c)
{
	return c->requests_enabled;
}

int exporting_new(const struct config *c, struct exporting **ret, struct buf *why)
{
	const struct request_metrics_opts o = { .series = c->requests_series,
						.values = c->requests_values };
	struct exporting *x = calloc(1, sizeof(*x));
	int err = x ? request_metrics_new(&o, &x->metrics) : -ENOMEM;

	if (err) {
		buf_printf(why, "no metrics of requests: %s", strerror(-err));
		free(x);
		return err;
	}
	x->config = c;
	*ret = x;
	return 0;
}

uint64_t exporting_kinds(void)
{
	return KIND_BIT(KIND_REQUEST);
}

struct pushdown_clause exporting_clause(void)
{
	return (struct pushdown_clause){ .kinds = KIND_BIT(KIND_REQUEST) };
}

int exporting_start(struct exporting *x, struct session *s)
{
	x->session = s;
	x->sub = (struct subscription){ .kinds = exporting_kinds(), .event = request_take, .ctx = x };
	pipeline_subscribe(&s->pipeline, &x->sub);
	return 0;
}

void exporting_fill(struct exporting *x, struct metrics *m)
{
	struct rm_counts c;

	request_metrics_counts(x->metrics, &c);
	m->requests = (struct metrics_requests){ .on = true,
						 .requests = c.requests,
						 .unknown = c.unknown,
						 .series = c.nseries,
						 .values = c.nvalues,
						 .folded = c.folded,
						 .full = c.full };
}

void exporting_page(struct exporting *x, struct buf *b)
{
	_cleanup_(rm_snapshot_free) struct rm_snapshot s = { 0 };

	if (request_metrics_take(x->metrics, &s) == 0)
		requests_page(&s, b);
}

void exporting_describe(const struct exporting *x, struct buf *b)
{
	buf_printf(b, "requests: metrics with at most %u series\n", x->config->requests_series);
}

void exporting_stop(struct exporting *x)
{
	if (!x)
		return;
	if (x->session)
		pipeline_unsubscribe(&x->session->pipeline, &x->sub);
	request_metrics_free(x->metrics);
	free(x);
}
