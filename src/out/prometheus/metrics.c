/* Filling the snapshot: bounded arrays, the rest folded or left out. */
#include "out/prometheus/prometheus.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/utf8.h"

void metrics_loss_add(struct metrics *m, const char *what, const char *reason, uint64_t n)
{
	if (m->nlosses < METRICS_LOSSES_MAX)
		m->losses[m->nlosses++] = (struct metrics_loss){ what, reason, n };
}

void metrics_refusal_add(struct metrics *m, const char *protocol, const char *reason, uint64_t n)
{
	for (size_t i = 0; i < m->nrefusals; i++)
		if (strcmp(m->refusals[i].what, protocol) == 0 &&
		    strcmp(m->refusals[i].reason, reason) == 0) {
			m->refusals[i].n += n;
			return;
		}
	if (m->nrefusals < METRICS_REFUSALS_MAX)
		m->refusals[m->nrefusals++] = (struct metrics_loss){ protocol, reason, n };
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

/*
 * What is kept is what is printed: cut, and valid UTF-8. Were it compared before that, two owners
 * could come out as one series, and a page with a series twice is refused as a whole.
 */
static void name_set(char *to, size_t size, struct str name)
{
	size_t n = name.n < size - 1 ? name.n : size - 1, i = 0;

	while (i < n) {
		size_t len = utf8_char((const uint8_t *)name.p + i, n - i);

		if (len)
			memcpy(to + i, name.p + i, len);
		else
			to[i] = '?';
		i += len ? len : 1;
	}
	to[n] = '\0';
}

struct metrics_rule *metrics_rule_add(struct metrics *m, struct str name, const char *priority)
{
	struct metrics_rule *r = m->nrules < METRICS_RULES_MAX ? &m->rules[m->nrules] : NULL;

	if (!r)
		return NULL;
	*r = (struct metrics_rule){ .priority = priority };
	name_set(r->name, sizeof(r->name), name);
	/* Two that are cut to one name would spoil the whole page. */
	for (size_t i = 0; i < m->nrules; i++)
		if (strcmp(m->rules[i].name, r->name) == 0)
			return NULL;
	m->nrules++;
	return r;
}

struct metrics_channel *metrics_channel_add(struct metrics *m, const char *name)
{
	struct metrics_channel *c =
		m->nchannels < METRICS_CHANNELS_MAX ? &m->channels[m->nchannels++] : NULL;

	if (!c)
		return NULL;
	*c = (struct metrics_channel){ 0 };
	name_set(c->name, sizeof(c->name), str_of(name));
	return c;
}

static struct metrics_series *series_find(struct metrics *m, const struct metrics_series *like)
{
	for (size_t i = m->nseries; i-- > 0;) {
		struct metrics_series *s = &m->series[i];

		if (s->hash == like->hash && s->kind == like->kind && strcmp(s->ns, like->ns) == 0 &&
		    strcmp(s->pod, like->pod) == 0 && strcmp(s->container, like->container) == 0)
			return s;
	}
	return NULL;
}

void metrics_series_add(struct metrics *m, struct str ns, struct str pod, struct str container,
			enum kind_id kind, uint64_t events, uint64_t errors)
{
	struct metrics_series like = { .kind = (uint8_t)kind }, *s;
	uint64_t h = kind;

	name_set(like.ns, sizeof(like.ns), ns);
	name_set(like.pod, sizeof(like.pod), pod);
	name_set(like.container, sizeof(like.container), container);
	h = hash_u64(h ^ hash_str(str_of(like.ns)));
	h = hash_u64(h ^ hash_str(str_of(like.pod)));
	like.hash = (uint32_t)hash_u64(h ^ hash_str(str_of(like.container)));
	s = series_find(m, &like);
	if (!s && m->nseries == METRICS_SERIES_MAX) {
		s = &m->other[kind];
	} else if (!s) {
		s = &m->series[m->nseries++];
		*s = like;
	}
	s->events += events;
	s->errors += errors;
}
