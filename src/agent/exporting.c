/*
 * One subscription, and the names of other ends, which only the cluster's table knows. Metrics are kept also when only
 * the receiver of OTLP wants them.
 */
#include "agent/exporting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agg/request_metrics.h"
#include "agg/service_name.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "enrich/k8s.h"
#include "out/otlp/otlp.h"
#include "out/prometheus/requests.h"

struct exporting {
	const struct config *config;
	struct session *session; /* NULL: not started */
	struct subscription sub;
	struct request_metrics *metrics;
	struct otlp *otlp; /* NULL: nothing is sent */
	struct boot_ns looked;
	bool told[OTLP_SIGNALS]; /* trouble */
};

#define LOOK_NS NS_PER_SEC
#define END_MS	700 /* for what is queued, when the agent ends */

static const char *endpoint(const struct config *c)
{
	const char *env = getenv("OTEL_EXPORTER_OTLP_ENDPOINT");

	return c->otlp_endpoint[0] ? c->otlp_endpoint : env && *env ? env : NULL;
}

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
	if (x->otlp)
		otlp_span_put(x->otlp, &v);
}

bool exporting_wanted(const struct config *c)
{
	return c->requests_enabled || endpoint(c);
}

static int snapshot_get(void *ctx, struct rm_snapshot *ret)
{
	return request_metrics_take(((struct exporting *)ctx)->metrics, ret);
}

static int sender_new(struct exporting *x, const struct config *c, struct buf *why)
{
	const char *headers[CONFIG_LINES], *node = getenv("NODE_NAME");
	char host[256] = "";
	struct otlp_opts o = {
		.endpoint = endpoint(c),
		.headers = headers,
		.nheaders = c->otlp_headers.n,
		.ca = c->otlp_ca,
		.cert = c->otlp_cert,
		.key = c->otlp_key,
		.insecure = c->otlp_insecure,
		.gzip = c->otlp_gzip,
		.on = { c->otlp_traces, c->otlp_metrics, c->otlp_logs },
		.timeout_ms = (uint32_t)(c->otlp_timeout_ns / NS_PER_MS),
		.interval_ns = c->otlp_interval_ns,
		.queue_bytes = c->otlp_queue_bytes,
		.sample_percent = c->otlp_sample_percent,
		.slow_ns = c->otlp_slow_ns,
		.boot_to_wall_ns = (int64_t)(clock_wall().ns - clock_boot().ns),
		.snapshot = snapshot_get,
		.ctx = x,
	};

	for (size_t i = 0; i < c->otlp_headers.n; i++)
		headers[i] = c->otlp_headers.line[i];
	gethostname(host, sizeof(host) - 1);
	o.node = (struct otlp_node){ str_of(host),
				     str_of(c->kube_node_name[0] ? c->kube_node_name : node) };
	return otlp_new(&o, &x->otlp, why);
}

int exporting_new(const struct config *c, struct exporting **ret, struct buf *why)
{
	const struct request_metrics_opts o = { .series = c->requests_series,
						.values = c->requests_values };
	struct exporting *x = calloc(1, sizeof(*x));
	int err = x ? request_metrics_new(&o, &x->metrics) : -ENOMEM;

	if (!err && endpoint(c)) {
		buf_printf(why, "otlp: ");
		err = sender_new(x, c, why);
	}
	if (err) {
		buf_printf(why, "%s%s", why->n ? "; " : "", "requests are not exported");
		exporting_stop(x);
		return err;
	}
	buf_reset(why);
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
	return x->otlp ? otlp_start(x->otlp) : 0;
}

void exporting_alert(struct exporting *x, const struct alert *a)
{
	const struct otlp_log l = { .wall_ns = a->time.ns,
				    .priority = (uint32_t)a->priority,
				    .priority_name = str_of(priority_name(a->priority)),
				    .rule = a->rule,
				    .text = a->text,
				    .json = a->json };

	if (x->otlp)
		otlp_log_put(x->otlp, &l);
}

void exporting_turn(struct exporting *x)
{
	struct boot_ns now = clock_boot();
	struct otlp_stats s;

	if (!x->otlp || now.ns < x->looked.ns + LOOK_NS)
		return;
	x->looked = now;
	otlp_stats(x->otlp, &s);
	for (size_t i = 0; i < OTLP_SIGNALS; i++) {
		bool trouble = s.trouble[i][0];

		if (trouble && !x->told[i])
			log_warn("otlp: %s to %s: %s", otlp_signal_names[i], endpoint(x->config),
				 s.trouble[i]);
		if (!trouble && x->told[i])
			log_info("otlp: %s go to %s again", otlp_signal_names[i],
				 endpoint(x->config));
		x->told[i] = trouble;
	}
}

static void otlp_fill(struct otlp *o, struct metrics *m)
{
	static const char *const what[OTLP_SIGNALS] = { "otlp_spans", "otlp_series",
							"otlp_log_records" };
	struct otlp_stats s;

	otlp_stats(o, &s);
	for (size_t i = 0; i < OTLP_SIGNALS; i++) {
		const struct otlp_counts *c = &s.of[i];

		m->otlp.sent[i] = c->sent;
		m->otlp.retries[i] = c->retries;
		metrics_loss_add(m, what[i], "queue_full", c->queue_full);
		metrics_loss_add(m, what[i], "refused", c->refused);
		metrics_loss_add(m, what[i], "given_up", c->given_up);
		metrics_loss_add(m, what[i], "rejected", c->rejected);
	}
	m->otlp.on = true;
	m->otlp.unsampled = s.of[OTLP_TRACES].unsampled;
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
	if (x->otlp)
		otlp_fill(x->otlp, m);
}

void exporting_page(struct exporting *x, struct buf *b)
{
	_cleanup_(rm_snapshot_free) struct rm_snapshot s = { 0 };

	if (x->config->requests_enabled && request_metrics_take(x->metrics, &s) == 0)
		requests_page(&s, b);
}

void exporting_describe(const struct exporting *x, struct buf *b)
{
	buf_printf(b, "requests: metrics with at most %u series\n", x->config->requests_series);
	if (x->otlp)
		buf_printf(b, "otlp: %s%s%sto %s\n", x->config->otlp_traces ? "traces " : "",
			   x->config->otlp_metrics ? "metrics " : "",
			   x->config->otlp_logs ? "logs " : "", endpoint(x->config));
}

void exporting_stop(struct exporting *x)
{
	uint64_t left;

	if (!x)
		return;
	if (x->session)
		pipeline_unsubscribe(&x->session->pipeline, &x->sub);
	left = otlp_stop(x->otlp, END_MS);
	if (left)
		log_warn("otlp: %llu spans and log records were not sent and are lost",
			 (unsigned long long)left);
	request_metrics_free(x->metrics);
	free(x);
}
