/* Filling the snapshot: bounded arrays, the rest folded or left out. */
#include "out/prometheus/prometheus.h"

#include <stdio.h>

void metrics_loss_add(struct metrics *m, const char *what, const char *reason, uint64_t n)
{
	if (m->nlosses < METRICS_LOSSES_MAX)
		m->losses[m->nlosses++] = (struct metrics_loss){ what, reason, n };
}

void metrics_probe_add(struct metrics *m, const char *name, const char *state, const char *why)
{
	struct metrics_probe *p;

	if (m->nprobes == METRICS_PROBES_MAX)
		return;
	p = &m->probes[m->nprobes++];
	p->name = name;
	p->state = state;
	snprintf(p->why, sizeof(p->why), "%s", why ? why : "");
}

void metrics_kube_add(struct metrics *m, const struct metrics_kube *k)
{
	if (m->nkube < METRICS_KUBE_MAX)
		m->kube[m->nkube++] = *k;
}

static void name_set(char *to, size_t size, struct str name)
{
	size_t n = name.n < size - 1 ? name.n : size - 1;

	if (n)
		memcpy(to, name.p, n);
	to[n] = '\0';
}

static bool name_is(const char *have, size_t size, struct str name)
{
	struct str most = { name.p, name.n < size - 1 ? name.n : size - 1 };

	return str_eq(str_of(have), most);
}

static struct metrics_series *series_find(struct metrics *m, struct str ns, struct str pod,
					  struct str container, enum kind_id kind)
{
	for (size_t i = m->nseries; i-- > 0;) {
		struct metrics_series *s = &m->series[i];

		if (s->kind == kind && name_is(s->container, sizeof(s->container), container) &&
		    name_is(s->pod, sizeof(s->pod), pod) && name_is(s->ns, sizeof(s->ns), ns))
			return s;
	}
	return NULL;
}

void metrics_series_add(struct metrics *m, struct str ns, struct str pod, struct str container,
			enum kind_id kind, uint64_t events, uint64_t errors)
{
	struct metrics_series *s = series_find(m, ns, pod, container, kind);

	if (!s && m->nseries == METRICS_SERIES_MAX) {
		s = &m->other[kind];
	} else if (!s) {
		s = &m->series[m->nseries++];
		*s = (struct metrics_series){ .kind = (uint8_t)kind };
		name_set(s->ns, sizeof(s->ns), ns);
		name_set(s->pod, sizeof(s->pod), pod);
		name_set(s->container, sizeof(s->container), container);
	}
	s->events += events;
	s->errors += errors;
}
