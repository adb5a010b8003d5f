/* Resources, groups and log records; and what spans and metrics share. */
#include "out/otlp/encode.h"

#include <stdio.h>

#include "agg/service_name.h"
#include "base/cleanup.h"
#include "base/protobuf.h"
#include "base/utf8.h"
#include "out/otlp/message.h"

#define SCOPE "porthole"
#ifndef PORTHOLE_VERSION
#define PORTHOLE_VERSION "unknown"
#endif

void otlp_text(struct buf *b, uint32_t field, struct str s)
{
	size_t at;

	pb_bytes_always(b, field, s);
	if (b->failed)
		return;
	at = b->n - s.n;
	for (size_t i = 0, n; i < s.n; i += n ? n : 1) {
		n = utf8_char((const uint8_t *)b->p + at + i, s.n - i);
		if (!n)
			b->p[at + i] = '?';
	}
}

/* KeyValue {key = 1, value = 2 {string = 1 | int = 3}} */
void otlp_attr(struct buf *b, uint32_t field, const char *key, struct str value)
{
	_cleanup_(buf_free) struct buf kv = { 0 }, any = { 0 };

	if (!value.n)
		return;
	otlp_text(&any, 1, value);
	pb_bytes(&kv, 1, str_of(key));
	pb_bytes(&kv, 2, buf_slice(&any));
	b->failed |= kv.failed | any.failed;
	pb_bytes(b, field, buf_slice(&kv));
}

void otlp_attr_int(struct buf *b, uint32_t field, const char *key, uint64_t value)
{
	_cleanup_(buf_free) struct buf kv = { 0 }, any = { 0 };

	pb_tag(&any, 3, PB_VARINT);
	pb_varint(&any, value);
	pb_bytes(&kv, 1, str_of(key));
	pb_bytes(&kv, 2, buf_slice(&any));
	b->failed |= kv.failed | any.failed;
	pb_bytes(b, field, buf_slice(&kv));
}

void otlp_attr_sem(struct buf *b, uint32_t field, enum sem_attr a, struct str value)
{
	uint64_t n = 0;

	if (!sem_attrs[a].number || value.n > 19) {
		otlp_attr(b, field, sem_attrs[a].name, value);
		return;
	}
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9') {
			otlp_attr(b, field, sem_attrs[a].name, value); /* "other" */
			return;
		}
		n = n * 10 + (uint64_t)(value.p[i] - '0');
	}
	otlp_attr_int(b, field, sem_attrs[a].name, n);
}

void otlp_group(struct str resource, struct str items, struct buf *b)
{
	_cleanup_(buf_free) struct buf scope = { 0 }, scoped = { 0 }, group = { 0 };

	pb_bytes(&scope, 1, STR(SCOPE));
	pb_bytes(&scope, 2, STR(PORTHOLE_VERSION));
	pb_bytes(&scoped, 1, buf_slice(&scope));
	buf_str(&scoped, items);
	pb_bytes(&group, 1, resource);
	pb_bytes(&group, 2, buf_slice(&scoped));
	b->failed |= scope.failed | scoped.failed | group.failed;
	pb_bytes(b, 1, buf_slice(&group));
}

/* --- resources: {attributes = 1} --- */

void otlp_resource_node(const struct otlp_node *n, struct buf *b)
{
	otlp_attr(b, 1, "host.name", n->host);
	otlp_attr(b, 1, "k8s.node.name", n->node);
}

void otlp_resource_agent(const struct otlp_node *n, struct buf *b)
{
	otlp_attr(b, 1, "service.name", STR(SCOPE));
	otlp_attr(b, 1, "service.version", STR(PORTHOLE_VERSION));
	otlp_resource_node(n, b);
}

static const struct {
	const char *kind, *name;
} owners[] = {
	{ "Deployment", "k8s.deployment.name" },
	{ "ReplicaSet", "k8s.replicaset.name" },
	{ "StatefulSet", "k8s.statefulset.name" },
	{ "DaemonSet", "k8s.daemonset.name" },
	{ "Job", "k8s.job.name" },
	{ "CronJob", "k8s.cronjob.name" },
};

static void version_put(const struct pod *p, const struct container *c, struct buf *b)
{
	struct str v = pod_annotation(p, STR("resource.opentelemetry.io/service.version"));

	if (!v.n)
		v = pod_label(p, STR("app.kubernetes.io/version"));
	if (!v.n && c)
		v = c->tag.n ? c->tag : c->digest;
	otlp_attr(b, 1, "service.version", v);
}

static void pod_put(const struct pod *p, const struct container *c, struct buf *b)
{
	struct str ns = pod_annotation(p, STR("resource.opentelemetry.io/service.namespace"));
	char text[64];
	struct buf ip = { .p = text, .cap = sizeof(text), .max = sizeof(text) };

	ip_text(&ip, &p->ip);
	otlp_attr(b, 1, "service.namespace", ns.n ? ns : p->ns);
	version_put(p, c, b);
	otlp_attr(b, 1, "k8s.namespace.name", p->ns);
	otlp_attr(b, 1, "k8s.pod.name", p->name);
	otlp_attr(b, 1, "k8s.pod.uid", p->uid);
	otlp_attr(b, 1, "k8s.pod.ip", buf_slice(&ip));
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		if (str_eq(str_of(owners[i].kind), p->owner_kind))
			otlp_attr(b, 1, owners[i].name, p->owner_name);
}

static void instance_put(const struct pod *p, const struct container *c, struct buf *b)
{
	char text[640];

	if (!p->ns.n || !p->name.n || !c || !c->name.n)
		return;
	snprintf(text, sizeof(text), "%.*s.%.*s.%.*s", STR_ARG(p->ns), STR_ARG(p->name),
		 STR_ARG(c->name));
	otlp_attr(b, 1, "service.instance.id", str_of(text));
}

void otlp_resource(const struct sem_view *v, const struct otlp_node *n, struct buf *b)
{
	const struct proc *proc = v->ev->proc;
	const struct cgroup *cg = proc ? proc->cgroup : NULL;
	const struct container *c = cg ? cg->container : NULL;

	otlp_attr(b, 1, "service.name", v->service);
	if (cg && cg->pod) {
		pod_put(cg->pod, c, b);
		instance_put(cg->pod, c, b);
	}
	if (c) {
		otlp_attr(b, 1, "k8s.container.name", cg->pod ? c->name : STR_NONE);
		otlp_attr(b, 1, "container.id", c->id);
		otlp_attr(b, 1, "container.image.name", c->repository);
	}
	otlp_resource_node(n, b);
}

/* --- alerts --- */

/* Severity numbers of OpenTelemetry's log data model for syslog's: appendix B there. */
static const uint8_t severities[] = { 21, 19, 18, 17, 13, 10, 9, 5 };

void otlp_log_record(const struct otlp_log *l, struct buf *b)
{
	_cleanup_(buf_free) struct buf any = { 0 };

	pb_fixed64(b, 1, l->wall_ns);
	pb_fixed64(b, 11, l->wall_ns);
	pb_uint(b, 2, severities[l->priority & 7]);
	otlp_text(b, 3, l->priority_name);
	otlp_text(&any, 1, l->text);
	pb_bytes(b, 5, buf_slice(&any));
	otlp_attr(b, 6, "porthole.rule", l->rule);
	otlp_attr(b, 6, "porthole.alert", l->json);
	pb_bytes(b, 12, STR("porthole.alert"));
	b->failed |= any.failed;
}
