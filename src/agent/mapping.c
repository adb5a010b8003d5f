/* Names for ends, and what of an event counts. */
#include "agent/mapping.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "enrich/k8s.h"
#include "event/fd.h"
#include "event/request.h"
#include "out/map/map.h"
#include "probe/tcp/tcp.h"

/* The kernel's numbers (include/net/tcp_states.h). */
enum {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT = 2,
	STATE_SYN_RECV = 3,
	STATE_CLOSE = 7,
	STATE_LISTEN = 10,
};

struct mapping {
	struct service_map *map;
	struct query select;
	const struct k8s *k8s;
	struct boot_ns begun, first, last;
	int64_t boot_to_wall_ns;
};

/* --- names --- */

/*
 * The Deployment that a ReplicaSet is of: its name without the hash of the template, for which Kubernetes uses these
 * letters alone (k8s.io/apimachinery util/rand, SafeEncodeString).
 */
static struct str deployment_of(struct str rs)
{
	const char *dash = rs.n ? memrchr(rs.p, '-', rs.n) : NULL;
	size_t at = dash ? (size_t)(dash - rs.p) : 0;
	size_t n = rs.n - at - (dash != NULL);

	if (!at || n < 5 || n > 10)
		return rs;
	for (size_t i = at + 1; i < rs.n; i++)
		if (!memchr("bcdfghjklmnpqrstvwxz2456789", rs.p[i], 27))
			return rs;
	return (struct str){ rs.p, at };
}

static struct map_who who_of_pod(const struct mapping *m, const struct pod *pod)
{
	const struct k8s_object *slice = m->k8s && pod->ip.len ? k8s_slice_by_ip(m->k8s, &pod->ip) :
								 NULL;

	if (slice && slice->service.n)
		return (struct map_who){ MAP_SERVICE, slice->ns, slice->service };
	if (pod->owner_name.n && str_eq(pod->owner_kind, STR("ReplicaSet")))
		return (struct map_who){ MAP_WORKLOAD, pod->ns, deployment_of(pod->owner_name) };
	if (pod->owner_name.n && !str_eq(pod->owner_kind, STR("Node")))
		return (struct map_who){ MAP_WORKLOAD, pod->ns, pod->owner_name };
	return (struct map_who){ MAP_POD, pod->ns, pod->name.n ? pod->name : pod->uid };
}

static struct map_who who_of_self(const struct mapping *m, const struct event *ev)
{
	const struct cgroup *cg = ev->proc->cgroup;

	if (!ev->hdr->pid)
		return (struct map_who){ .kind = MAP_NONE };
	if (cg && cg->pod)
		return who_of_pod(m, cg->pod);
	if (cg && cg->container)
		return (struct map_who){ .kind = MAP_CONTAINER,
					 .name = cg->container->name.n ? cg->container->name :
									 cg->container->id12 };
	return (struct map_who){ .kind = MAP_PROCESS,
				 .name = str_fixed(ev->proc->comm, sizeof(ev->proc->comm)) };
}

static struct map_who who_of_address(const struct mapping *m, const struct ip *ip)
{
	const struct k8s_object *o;
	struct k8s_peer p;

	if (!m->k8s || !ip->len)
		return (struct map_who){ .kind = MAP_NONE };
	o = k8s_service_by_ip(m->k8s, ip);
	if (o)
		return (struct map_who){ MAP_SERVICE, o->ns, o->name };
	p = k8s_peer_by_ip(m->k8s, ip);
	if (p.kind == K8S_PEER_POD && p.pod)
		return who_of_pod(m, &p.pod->pod);
	if (p.kind == K8S_PEER_NODE)
		return (struct map_who){ MAP_MACHINE, STR_NONE, p.name };
	if (p.kind == K8S_PEER_NONE)
		return (struct map_who){ .kind = MAP_NONE };
	return (struct map_who){ MAP_SERVICE, p.ns, p.name };
}

/* --- events --- */

static void request_fill(const struct request *r, struct map_seen *s)
{
	s->what = MAP_REQUEST;
	s->protocol = r->protocol;
	s->failed = r->ok == REQ_OK_NO;
	s->unanswered = r->flags & REQ_UNANSWERED;
	s->timed = r->end.ns && !(r->flags & (REQ_ONEWAY | REQ_UNANSWERED));
	s->latency_ns = request_latency_ns(r);
	s->out_bytes = r->request_bytes;
	s->in_bytes = r->response_bytes;
	s->retransmits = r->retransmits;
}

/* False: the change of state says nothing of traffic. */
static bool tcp_fill(const struct rec_tcp *r, struct map_seen *s)
{
	if (r->new_state == STATE_ESTABLISHED) {
		s->what = MAP_OPENED;
		return true;
	}
	if (r->new_state != STATE_CLOSE || r->old_state == STATE_LISTEN ||
	    r->old_state == STATE_SYN_RECV || r->old_state == STATE_CLOSE)
		return false;
	s->what = MAP_CLOSED;
	s->refused = r->old_state == STATE_SYN_SENT;
	s->out_bytes = r->bytes_sent;
	s->in_bytes = r->bytes_received;
	s->retransmits = r->retransmits;
	return true;
}

static bool selected(const struct mapping *m, const struct event *ev)
{
	return (!m->select.scope || expr_match(m->select.scope, ev)) &&
	       (!m->select.where || expr_match(m->select.where, ev));
}

static void mapping_event(struct mapping *m, const struct event *ev)
{
	const struct request *r = ev->kind->id == KIND_REQUEST ? ev->body : NULL;
	struct map_seen s = { .conn = &ev->fd.conn };
	uint64_t start = r ? r->start.ns : ev->time.ns;

	if (!fd_is_net(&ev->fd))
		return;
	if (r && str_eq(r->protocol, STR("dns")))
		service_map_name(m->map, r->resource, r->answer);
	if (r)
		request_fill(r, &s);
	else if (ev->hdr->type != REC_TCP || !tcp_fill(ev->body, &s))
		return;
	s.self = who_of_self(m, ev);
	s.peer = who_of_address(m, &ev->fd.conn.remote);
	if (!selected(m, ev)) {
		service_map_learn(m->map, &s);
		return;
	}
	service_map_add(m->map, &s);
	m->boot_to_wall_ns = ev->host->boot_to_wall_ns;
	if (!m->first.ns || start < m->first.ns)
		m->first.ns = start;
	if (ev->time.ns > m->last.ns)
		m->last = ev->time;
}

/* --- as a form --- */

/* What the form's open is not told. */
static struct mapping *the_mapping;

struct out {
	struct mapping *mapping;
};

static int form_open(const struct catalogue *c, const struct field_ref *refs, size_t n,
		     struct out **ret)
{
	struct out *o = malloc(sizeof(*o));

	(void)c;
	(void)refs;
	(void)n;
	if (!o)
		return -ENOMEM;
	o->mapping = the_mapping;
	*ret = o;
	return 0;
}

static void form_event(struct out *o, const struct event *ev, struct buf *b)
{
	(void)b;
	mapping_event(o->mapping, ev);
}

static void form_close(struct out *o)
{
	free(o);
}

static const struct out_ops form = {
	.open = form_open,
	.event = form_event,
	.close = form_close,
};

void mapping_sink(struct mapping *m, struct sink_opts *ret)
{
	the_mapping = m;
	ret->ops = &form;
	ret->query = (struct query_opts){ .kinds = MAPPING_KINDS };
}

void mapping_use(struct mapping *m, const struct k8s *k8s)
{
	m->k8s = k8s;
	m->begun = clock_boot();
}

void mapping_free(struct mapping *m)
{
	if (!m)
		return;
	service_map_free(m->map);
	query_free(&m->select);
	free(m);
}

static void mapping_freep(struct mapping **m)
{
	mapping_free(*m);
}

int mapping_new(const struct query_opts *o, struct mapping **ret, struct buf *why)
{
	_cleanup_(mapping_freep) struct mapping *m = calloc(1, sizeof(*m));
	struct query_opts q = *o;
	int err;

	if (!m)
		return -ENOMEM;
	q.kinds = MAPPING_KINDS;
	err = query_make(&q, &m->select, why);
	if (!err)
		err = service_map_new(&m->map);
	if (err)
		return err;
	*ret = take_ptr(m);
	return 0;
}

int mapping_put(struct mapping *m, const char *form_name, bool live, uint64_t lost, struct buf *b)
{
	_cleanup_(map_report_free) struct map_report r = { 0 };
	struct map_out_opts o = { .lost = lost };
	map_out_fn *put = map_out_find(form_name);
	uint64_t ns = live ? clock_boot().ns - m->begun.ns : m->last.ns - m->first.ns;
	int err = put ? service_map_report(m->map, &r) : -EINVAL;

	if (err)
		return err;
	o.seconds = ns > NS_PER_MS ? (double)ns / 1e9 : 1e-3;
	if (m->last.ns)
		o.time_ms = ((int64_t)m->last.ns + m->boot_to_wall_ns) / (int64_t)NS_PER_MS;
	put(&r, &o, b);
	return 0;
}
