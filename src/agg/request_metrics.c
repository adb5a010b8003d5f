/*
 * Two tables, each with a hash index of its own that is made anew when something is removed:
 *
 *	values   (attribute, text)       number 0: absent, 1: "other"
 *	series   (metric, value numbers) the last sem_metrics_n places are for what does not fit
 */
#include "agg/request_metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/utf8.h"

#define SERIES_USUAL 2000u
#define VALUES_USUAL 200u
#define VALUES_MAX   2000u

struct value_row {
	char *text; /* NULL: a free place */
	uint32_t n;
	uint32_t refs; /* series that have it; counted anew by a sweep */
	uint8_t attr;
};

struct request_metrics {
	pthread_mutex_t lock;
	struct rm_series *series;
	size_t nseries, max;
	struct value_row *values;
	size_t nvalues, values_cap;
	uint32_t of_attr[SEM_ATTRS]; /* how many values */
	uint32_t per_attr;
	uint32_t *series_index, *values_index; /* place + 1 */
	size_t series_slots, values_slots;     /* powers of two, never more than half full */
	struct boot_ns swept;
	struct rm_counts counts;
};

static size_t slots_for(size_t n)
{
	size_t slots = 64;

	while (slots < 2 * n)
		slots *= 2;
	return slots;
}

void request_metrics_free(struct request_metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->nvalues; i++)
		free(m->values[i].text);
	free(m->values);
	free(m->series);
	free(m->series_index);
	free(m->values_index);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int request_metrics_new(const struct request_metrics_opts *o, struct request_metrics **ret)
{
	struct request_metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	pthread_mutex_init(&m->lock, NULL);
	m->max = o->series ? o->series : SERIES_USUAL;
	m->per_attr = o->values ? o->values : VALUES_USUAL;
	if (m->per_attr > VALUES_MAX)
		m->per_attr = VALUES_MAX;
	m->values_cap = 2 + (size_t)SEM_ATTRS * m->per_attr;
	m->series_slots = slots_for(m->max + sem_metrics_n);
	m->values_slots = slots_for(m->values_cap);
	/* Untouched pages of these cost nothing. */
	m->series = calloc(m->max + sem_metrics_n, sizeof(*m->series));
	m->values = calloc(m->values_cap, sizeof(*m->values));
	m->series_index = calloc(m->series_slots, sizeof(*m->series_index));
	m->values_index = calloc(m->values_slots, sizeof(*m->values_index));
	if (!m->series || !m->values || !m->series_index || !m->values_index) {
		request_metrics_free(m);
		return -ENOMEM;
	}
	m->nvalues = 2;
	*ret = m;
	return 0;
}

/* --- values --- */

static uint64_t value_hash(uint8_t attr, struct str s)
{
	return hash_u64(hash_bytes(s.p, s.n) + attr);
}

static void index_put(uint32_t *index, size_t slots, uint64_t hash, size_t at)
{
	size_t i = hash & (slots - 1);

	while (index[i])
		i = (i + 1) & (slots - 1);
	index[i] = (uint32_t)at + 1;
}

/* What is compared is what is printed: were it cut later, two series could come out as one. */
static struct str value_clean(struct str s, char room[RM_VALUE_BYTES])
{
	size_t n = s.n < RM_VALUE_BYTES ? s.n : RM_VALUE_BYTES, i = 0;

	while (i < n) {
		size_t len = utf8_char((const uint8_t *)s.p + i, n - i);

		if (len)
			memcpy(room + i, s.p + i, len);
		else
			room[i] = '?';
		i += len ? len : 1;
	}
	return (struct str){ room, n };
}

static size_t value_place(struct request_metrics *m)
{
	for (size_t i = 2; m->nvalues == m->values_cap && i < m->nvalues; i++)
		if (!m->values[i].text)
			return i;
	return m->nvalues < m->values_cap ? m->nvalues++ : 0;
}

static uint16_t value_number(struct request_metrics *m, uint8_t attr, struct str given)
{
	char room[RM_VALUE_BYTES];
	struct str s = value_clean(given, room);
	uint64_t hash = value_hash(attr, s);
	size_t i = hash & (m->values_slots - 1), at;
	char *text;

	for (; m->values_index[i]; i = (i + 1) & (m->values_slots - 1)) {
		const struct value_row *v = &m->values[at = m->values_index[i] - 1];

		if (v->attr == attr && v->n == s.n && memcmp(v->text, s.p, s.n) == 0)
			return (uint16_t)at;
	}
	text = m->of_attr[attr] < m->per_attr ? malloc(s.n) : NULL;
	at = text ? value_place(m) : 0;
	if (!at) {
		free(text);
		m->counts.folded++;
		return RM_OTHER;
	}
	memcpy(text, s.p, s.n);
	m->values[at] = (struct value_row){ text, (uint32_t)s.n, 0, attr };
	m->of_attr[attr]++;
	index_put(m->values_index, m->values_slots, hash, at);
	return (uint16_t)at;
}

/* --- series --- */

enum sem_attr rm_label(const struct rm_series *s, size_t i)
{
	const struct sem_metric *m = &sem_metrics[s->metric];

	if (m->family == SEM_GRAPH)
		return m->attrs[i];
	return i < SEM_OWNER_ATTRS ? (enum sem_attr)i : m->attrs[i - SEM_OWNER_ATTRS];
}

static uint64_t series_hash(const struct rm_series *s)
{
	return hash_u64(hash_bytes(s->value, sizeof(s->value)) + s->metric);
}

static bool series_same(const struct rm_series *a, const struct rm_series *b)
{
	return a->metric == b->metric && memcmp(a->value, b->value, sizeof(a->value)) == 0;
}

static void series_drop_idle(struct request_metrics *m, struct boot_ns now)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->nseries; i++)
		if (m->series[i].last.ns + RM_IDLE_NS >= now.ns)
			m->series[kept++] = m->series[i];
	m->nseries = kept;
	memset(m->series_index, 0, m->series_slots * sizeof(*m->series_index));
	for (size_t i = 0; i < kept; i++)
		index_put(m->series_index, m->series_slots, series_hash(&m->series[i]), i);
}

static void values_drop_unused(struct request_metrics *m)
{
	for (size_t i = 0; i < m->nvalues; i++)
		m->values[i].refs = 0;
	for (size_t i = 0; i < m->nseries; i++)
		for (size_t l = 0; l < m->series[i].nlabels; l++)
			m->values[m->series[i].value[l]].refs++;
	memset(m->values_index, 0, m->values_slots * sizeof(*m->values_index));
	for (size_t i = 2; i < m->nvalues; i++) {
		struct value_row *v = &m->values[i];

		if (v->text && !v->refs) {
			m->of_attr[v->attr]--;
			free(v->text);
			*v = (struct value_row){ 0 };
		} else if (v->text) {
			index_put(m->values_index, m->values_slots,
				  value_hash(v->attr, (struct str){ v->text, v->n }), i);
		}
	}
}

static bool room_wanted(const struct request_metrics *m)
{
	for (size_t i = 0; i < SEM_ATTRS; i++)
		if (m->of_attr[i] == m->per_attr)
			return true;
	return m->nseries == m->max;
}

/* Before a request is counted, so that no number in use changes meanwhile. */
static void sweep(struct request_metrics *m, struct boot_ns now)
{
	if (now.ns < m->swept.ns + RM_SWEEP_NS || !room_wanted(m))
		return;
	m->swept = now;
	series_drop_idle(m, now);
	values_drop_unused(m);
}

/* The series of what does not fit; one whose values are all folded is the same, or a page would have it twice. */
static struct rm_series *series_other(struct request_metrics *m, const struct rm_series *like)
{
	struct rm_series *s = &m->series[m->max + like->metric];

	if (!s->nlabels) {
		*s = *like;
		for (size_t l = 0; l < s->nlabels; l++)
			s->value[l] = RM_OTHER;
	}
	return s;
}

static bool all_other(const struct rm_series *s)
{
	for (size_t i = 0; i < s->nlabels; i++)
		if (s->value[i] != RM_OTHER)
			return false;
	return true;
}

static struct rm_series *series_find(struct request_metrics *m, const struct rm_series *like)
{
	uint64_t hash = series_hash(like);
	struct rm_series *s;

	if (all_other(like))
		return series_other(m, like);
	for (size_t i = hash & (m->series_slots - 1); m->series_index[i];
	     i = (i + 1) & (m->series_slots - 1)) {
		s = &m->series[m->series_index[i] - 1];
		if (series_same(s, like))
			return s;
	}
	if (m->nseries < m->max) {
		s = &m->series[m->nseries];
		index_put(m->series_index, m->series_slots, hash, m->nseries++);
		*s = *like;
		return s;
	}
	m->counts.full++;
	return series_other(m, like);
}

static void metric_add(struct request_metrics *m, size_t metric, struct sem_view *v,
		       struct boot_ns now)
{
	const struct sem_metric *def = &sem_metrics[metric];
	struct rm_series like = { .metric = (uint8_t)metric }, *s;
	uint64_t ns = request_latency_ns(v->r);
	size_t bucket = 0;

	like.nlabels = (uint8_t)(def->nattrs + (def->family == SEM_GRAPH ? 0 : SEM_OWNER_ATTRS));
	for (size_t i = 0; i < like.nlabels; i++) {
		enum sem_attr a = rm_label(&like, i);
		struct str text;

		like.value[i] = sem_get(v, a, &text) ? value_number(m, (uint8_t)a, text) : RM_ABSENT;
	}
	s = series_find(m, &like);
	if (!s->n)
		s->since = v->r->start;
	s->n++;
	s->failed += sem_failed(v);
	s->last = now;
	if (def->counter)
		return;
	while (bucket < def->nbounds && ns > (uint64_t)def->bounds[bucket] * 1000)
		bucket++;
	s->bucket[bucket]++;
	s->sum_ns += ns;
}

void request_metrics_add(struct request_metrics *m, struct sem_view *v, struct boot_ns now)
{
	pthread_mutex_lock(&m->lock);
	sweep(m, now);
	m->counts.requests++;
	m->counts.unknown += !v->protocol;
	for (size_t i = 0; i < sem_metrics_n; i++)
		if (sem_metric_takes(&sem_metrics[i], v))
			metric_add(m, i, v, now);
	pthread_mutex_unlock(&m->lock);
}

/* --- out --- */

static void counts_get(const struct request_metrics *m, struct rm_counts *ret)
{
	*ret = m->counts;
	ret->nseries = m->nseries;
	for (size_t i = 0; i < SEM_ATTRS; i++)
		ret->nvalues += m->of_attr[i];
}

void request_metrics_counts(struct request_metrics *m, struct rm_counts *ret)
{
	pthread_mutex_lock(&m->lock);
	counts_get(m, ret);
	pthread_mutex_unlock(&m->lock);
}

void rm_snapshot_free(struct rm_snapshot *s)
{
	free(s->series);
	free(s->values);
	free(s->text);
	*s = (struct rm_snapshot){ 0 };
}

static size_t text_bytes(const struct request_metrics *m)
{
	size_t n = sizeof("other");

	for (size_t i = 2; i < m->nvalues; i++)
		n += m->values[i].n;
	return n;
}

static void values_copy(const struct request_metrics *m, struct rm_snapshot *s)
{
	char *to = s->text;

	s->values[RM_OTHER] = STR("other");
	for (size_t i = 2; i < m->nvalues; i++) {
		const struct value_row *v = &m->values[i];

		if (v->text)
			memcpy(to, v->text, v->n);
		s->values[i] = (struct str){ to, v->n };
		to += v->n;
	}
}

static int locked_take(const struct request_metrics *m, struct rm_snapshot *s)
{
	s->series = calloc(m->nseries + sem_metrics_n, sizeof(*s->series));
	s->values = calloc(m->nvalues, sizeof(*s->values));
	s->text = malloc(text_bytes(m));
	if (!s->series || !s->values || !s->text)
		return -ENOMEM;
	s->n = m->nseries;
	memcpy(s->series, m->series, m->nseries * sizeof(*s->series));
	for (size_t i = 0; i < sem_metrics_n; i++)
		if (m->series[m->max + i].nlabels)
			s->series[s->n++] = m->series[m->max + i];
	values_copy(m, s);
	counts_get(m, &s->counts);
	return 0;
}

/* A graph's series has no owner: they come first. */
static int series_order(const void *a, const void *b)
{
	const struct rm_series *x = a, *y = b;
	bool xg = sem_metrics[x->metric].family == SEM_GRAPH;
	bool yg = sem_metrics[y->metric].family == SEM_GRAPH;

	if (xg != yg)
		return xg ? -1 : 1;
	for (size_t i = 0; !xg && i < SEM_OWNER_ATTRS; i++)
		if (x->value[i] != y->value[i])
			return x->value[i] < y->value[i] ? -1 : 1;
	if (x->metric != y->metric)
		return x->metric < y->metric ? -1 : 1;
	return memcmp(x->value, y->value, sizeof(x->value));
}

int request_metrics_take(struct request_metrics *m, struct rm_snapshot *ret)
{
	_cleanup_(rm_snapshot_free) struct rm_snapshot s = { 0 };
	int err;

	pthread_mutex_lock(&m->lock);
	err = locked_take(m, &s);
	pthread_mutex_unlock(&m->lock);
	if (err)
		return err;
	qsort(s.series, s.n, sizeof(*s.series), series_order);
	*ret = s;
	s = (struct rm_snapshot){ 0 };
	return 0;
}
