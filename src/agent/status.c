/* The snapshot of a session's counters, and the status object made of it. */
#include "agent/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "agent/session.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "decode/streams.h"
#include "enrich/k8s.h"

#ifndef PORTHOLE_VERSION
#define PORTHOLE_VERSION "unknown"
#endif

static const char *const state_names[] = {
	[PROBE_OFF] = "off",
	[PROBE_ON] = "on",
	[PROBE_DEGRADED] = "degraded",
	[PROBE_UNAVAILABLE] = "unavailable",
};

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_usec * 1000;
}

static uint64_t rss_bytes(void)
{
	_cleanup_(fclosep) FILE *f = fopen("/proc/self/statm", "re");
	unsigned long size, resident;

	if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
		return 0;
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void self_take(struct metrics *m)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) == 0)
		m->cpu_ns = timeval_ns(u.ru_utime) + timeval_ns(u.ru_stime);
	m->rss_bytes = rss_bytes();
	m->pid = (uint32_t)getpid();
}

static void kinds_take(struct session *s, struct metrics *m)
{
	struct kind_stats k[KIND_COUNT];

	if (source_stats(s->source, k) != 0)
		return;
	for (size_t i = 0; i < KIND_COUNT; i++)
		m->kinds[i] = (struct metrics_kind){ k[i].events, k[i].ring_full, k[i].map_full,
						     k[i].fault, k[i].cut };
}

static int cgroup_count(void *ctx, struct cgroup *c)
{
	struct metrics *m = ctx;

	m->cgroups += c->removed.ns == 0;
	return 0;
}

static int container_count(void *ctx, struct container *c)
{
	struct metrics *m = ctx;

	(void)c;
	m->containers++;
	return 0;
}

static void tables_take(struct session *s, struct metrics *m)
{
	const struct proc_stats *p = proc_table_stats(enrich_procs(s->pipeline.enrich));
	struct k8s_stats k;

	m->procs = p->alive;
	m->procs_dead = p->dead;
	m->procs_unknown = p->unknown;
	cgroup_each(enrich_cgroups(s->pipeline.enrich), cgroup_count, m);
	container_each(enrich_cgroups(s->pipeline.enrich), container_count, m);
	k8s_stats(enrich_k8s(s->pipeline.enrich), &k);
	m->pods = k.pods;
	metrics_loss_add(m, "process_entries", "table_full", p->full);
	metrics_loss_add(m, "cluster_objects", "table_full", k.full);
}

static void requests_take(const struct requests *r, struct metrics *m)
{
	const struct streams_reject *rejects;
	struct streams_stats st;
	size_t n;

	requests_stats(r, &st);
#define X(member, what, reason, thing, why) metrics_loss_add(m, what, reason, st.member);
	REQUEST_LOSSES(X)
#undef X
	rejects = requests_rejects(r, &n);
	for (size_t i = 0; i < n; i++)
		metrics_refusal_add(m, rejects[i].protocol, rejects[i].reason, rejects[i].n);
}

void metrics_take(struct session *s, struct metrics *ret)
{
	struct metrics *m = ret;

	memset(m, 0, sizeof(*m));
	m->version = PORTHOLE_VERSION;
	m->records = s->pipeline.records;
	m->events = s->pipeline.events;
	self_take(m);
	kinds_take(s, m);
	tables_take(s, m);
	requests_take(&s->pipeline.requests, m);
	metrics_loss_add(m, "injected_records", "queue_full", s->source->losses.injected);
#define X(name, what, why) \
	metrics_loss_add(m, "tls_libraries", #name, s->source->losses.libraries.name);
	SOURCE_LIBRARIES(X)
#undef X
	metrics_loss_add(m, "records", "damaged", s->source->losses.damaged);
	metrics_loss_add(m, "records", "malformed", s->pipeline.decoded.bad);
	metrics_loss_add(m, "records", "unknown_type", s->pipeline.decoded.unknown);
	for (size_t i = 0; s->live && i < probes_n; i++) {
		const struct loaded *p = &live_loader(s->source)->probes[i];

		metrics_probe_add(m, p->probe->name, state_names[p->state], p->why);
	}
}

static void number(struct buf *b, const char *key, uint64_t v)
{
	json_key(b, str_of(key));
	buf_u64(b, v);
}

static void text(struct buf *b, const char *key, const char *v)
{
	json_key(b, str_of(key));
	json_str(b, str_of(v));
}

static void open_in(struct buf *b, const char *key, char bracket)
{
	json_key(b, str_of(key));
	buf_char(b, bracket);
}

static void comma(struct buf *b)
{
	if (b->n && b->p[b->n - 1] != '[')
		buf_char(b, ',');
}

static void probes_json(const struct metrics *m, struct buf *b)
{
	open_in(b, "probes", '[');
	for (size_t i = 0; i < m->nprobes; i++) {
		comma(b);
		buf_char(b, '{');
		text(b, "name", m->probes[i].name);
		text(b, "state", m->probes[i].state);
		if (m->probes[i].why[0])
			text(b, "why", m->probes[i].why);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void kinds_json(const struct metrics *m, struct buf *b)
{
	open_in(b, "kinds", '{');
	for (size_t i = 0; i < KIND_COUNT; i++) {
		const struct metrics_kind *k = &m->kinds[i];

		open_in(b, kind_table[i].name.p, '{');
		number(b, "events", k->events);
		number(b, "ring_full", k->ring_full);
		number(b, "map_full", k->map_full);
		number(b, "fault", k->fault);
		number(b, "cut", k->cut);
		buf_char(b, '}');
	}
	buf_char(b, '}');
}

static void losses_json(const char *key, const char *what, const struct metrics_loss *l, size_t n,
			struct buf *b)
{
	open_in(b, key, '[');
	for (size_t i = 0; i < n; i++) {
		comma(b);
		buf_char(b, '{');
		text(b, what, l[i].what);
		text(b, "reason", l[i].reason);
		number(b, "n", l[i].n);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void kube_json(const struct metrics *m, struct buf *b)
{
	open_in(b, "kube", '[');
	for (size_t i = 0; i < m->nkube; i++) {
		comma(b);
		buf_char(b, '{');
		text(b, "resource", m->kube[i].resource);
		json_key(b, STR("synced"));
		buf_str(b, m->kube[i].synced ? STR("true") : STR("false"));
		number(b, "objects", m->kube[i].objects);
		number(b, "errors", m->kube[i].errors);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void rules_json(const struct metrics *m, struct buf *b)
{
	open_in(b, "rules", '[');
	for (size_t i = 0; i < m->nrules; i++) {
		comma(b);
		buf_char(b, '{');
		text(b, "name", m->rules[i].name);
		number(b, "evaluated", m->rules[i].evaluated);
		number(b, "matched", m->rules[i].matched);
		number(b, "alerts", m->rules[i].alerts);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void channels_json(const struct metrics *m, struct buf *b)
{
	open_in(b, "channels", '[');
	for (size_t i = 0; i < m->nchannels; i++) {
		const struct metrics_channel *c = &m->channels[i];

		comma(b);
		buf_char(b, '{');
		text(b, "name", c->name);
		json_key(b, STR("failing"));
		buf_str(b, c->failing ? STR("true") : STR("false"));
		number(b, "sent", c->sent);
		number(b, "refused", c->refused);
		number(b, "pending", c->pending);
		number(b, "dropped", c->dropped);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

void status_json(const struct metrics *m, struct buf *b)
{
	buf_char(b, '{');
	text(b, "version", m->version);
	number(b, "pid", m->pid);
	number(b, "start_time_ns", m->start_wall_ns);
	number(b, "uptime_ns", m->uptime_ns);
	number(b, "cpu_ns", m->cpu_ns);
	number(b, "rss_bytes", m->rss_bytes);
	number(b, "records", m->records);
	number(b, "events", m->events);
	number(b, "processes", m->procs);
	number(b, "processes_dead", m->procs_dead);
	number(b, "cgroups", m->cgroups);
	number(b, "containers", m->containers);
	number(b, "pods", m->pods);
	number(b, "clients", m->clients);
	number(b, "clients_lost", m->clients_lost);
	probes_json(m, b);
	kinds_json(m, b);
	losses_json("losses", "what", m->losses, m->nlosses, b);
	losses_json("refused", "protocol", m->refusals, m->nrefusals, b);
	kube_json(m, b);
	if (m->detect.on) {
		number(b, "alerts", m->detect.alerts);
		rules_json(m, b);
		channels_json(m, b);
	}
	buf_char(b, '}');
}
