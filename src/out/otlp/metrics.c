/* Metrics: a resource for each owner, whose series stand together in the snapshot. The graph's are the agent's own. */
#include "base/cleanup.h"
#include "base/protobuf.h"
#include "out/otlp/message.h"

#define CUMULATIVE 2

struct span_of_time {
	int64_t boot_to_wall;
	uint64_t now;
};

static bool of_graph(const struct rm_series *r)
{
	return sem_metrics[r->metric].family == SEM_GRAPH;
}

static void attrs_put(const struct rm_snapshot *s, const struct rm_series *r, uint32_t field,
		      struct buf *b)
{
	for (size_t i = of_graph(r) ? 0 : SEM_OWNER_ATTRS; i < r->nlabels; i++)
		if (r->value[i] != RM_ABSENT)
			otlp_attr_sem(b, field, rm_label(r, i), s->values[r->value[i]]);
}

/* HistogramDataPoint */
static void histogram_point(const struct rm_snapshot *s, const struct rm_series *r,
			    const struct span_of_time *t, struct buf *b)
{
	const struct sem_metric *m = &sem_metrics[r->metric];
	uint64_t counts[SEM_BOUNDS_MAX + 1], n = 0;
	double bounds[SEM_BOUNDS_MAX];

	for (size_t i = 0; i <= m->nbounds; i++) {
		counts[i] = r->bucket[i];
		n += counts[i];
		if (i < m->nbounds)
			bounds[i] = m->bounds[i] / 1e6;
	}
	attrs_put(s, r, 9, b);
	pb_fixed64(b, 2, r->since.ns + (uint64_t)t->boot_to_wall);
	pb_fixed64(b, 3, t->now);
	pb_fixed64(b, 4, n);
	pb_double(b, 5, (double)r->sum_ns / 1e9);
	pb_bytes(b, 6, (struct str){ (const char *)counts, (m->nbounds + 1) * sizeof(counts[0]) });
	pb_bytes(b, 7, (struct str){ (const char *)bounds, m->nbounds * sizeof(bounds[0]) });
}

/* NumberDataPoint */
static void number_point(const struct rm_snapshot *s, const struct rm_series *r, bool failed,
			 const struct span_of_time *t, struct buf *b)
{
	attrs_put(s, r, 7, b);
	pb_fixed64(b, 2, r->since.ns + (uint64_t)t->boot_to_wall);
	pb_fixed64(b, 3, t->now);
	pb_fixed64(b, 6, failed ? r->failed : r->n);
}

/* Series [from, to) are of one metric and one owner. Metric {name = 1, description, unit, sum = 7 | histogram = 9}. */
static void metric_put(const struct rm_snapshot *s, size_t from, size_t to, bool failed,
		       const struct span_of_time *t, struct buf *items)
{
	_cleanup_(buf_free) struct buf m = { 0 }, data = { 0 }, point = { 0 }, name = { 0 };
	const struct sem_metric *def = &sem_metrics[s->series[from].metric];

	buf_str(&name, str_of(def->name));
	buf_str(&name, failed ? STR("_failed") : STR(""));
	for (size_t i = from; i < to; i++) {
		buf_reset(&point);
		if (def->counter)
			number_point(s, &s->series[i], failed, t, &point);
		else
			histogram_point(s, &s->series[i], t, &point);
		pb_bytes(&data, 1, buf_slice(&point));
	}
	pb_uint(&data, 2, CUMULATIVE);
	if (def->counter)
		pb_uint(&data, 3, 1); /* is_monotonic */
	pb_bytes(&m, 1, buf_slice(&name));
	pb_bytes(&m, 2, str_of(def->help));
	pb_bytes(&m, 3, def->counter ? STR("{request}") : STR("s"));
	pb_bytes(&m, def->counter ? 7 : 9, buf_slice(&data));
	items->failed |= m.failed | data.failed | point.failed | name.failed;
	pb_bytes(items, 2, buf_slice(&m));
}

static bool same_owner(const struct rm_series *a, const struct rm_series *b)
{
	if (of_graph(a) || of_graph(b))
		return of_graph(a) == of_graph(b);
	return memcmp(a->value, b->value, SEM_OWNER_ATTRS * sizeof(a->value[0])) == 0;
}

static void owner_put(const struct rm_snapshot *s, size_t from, size_t to,
		      const struct otlp_node *n, const struct span_of_time *t, struct buf *b)
{
	_cleanup_(buf_free) struct buf resource = { 0 }, items = { 0 };
	const struct rm_series *first = &s->series[from];
	size_t end;

	for (; from < to; from = end) {
		for (end = from; end < to && s->series[end].metric == s->series[from].metric; end++)
			;
		metric_put(s, from, end, false, t, &items);
		if (sem_metrics[s->series[from].metric].counter)
			metric_put(s, from, end, true, t, &items);
	}
	if (of_graph(first)) {
		otlp_resource_agent(n, &resource);
	} else {
		for (size_t i = 0; i < SEM_OWNER_ATTRS; i++)
			if (first->value[i] != RM_ABSENT)
				otlp_attr(&resource, 1, sem_attrs[i].name,
					  s->values[first->value[i]]);
		otlp_resource_node(n, &resource);
	}
	b->failed |= resource.failed | items.failed;
	otlp_group(buf_slice(&resource), buf_slice(&items), b);
}

void otlp_metrics(const struct rm_snapshot *s, const struct otlp_node *n, int64_t boot_to_wall_ns,
		  uint64_t now_wall_ns, struct buf *b)
{
	const struct span_of_time t = { boot_to_wall_ns, now_wall_ns };
	size_t end;

	for (size_t from = 0; from < s->n; from = end) {
		for (end = from; end < s->n && same_owner(&s->series[from], &s->series[end]); end++)
			;
		owner_put(s, from, end, n, &t, b);
	}
}
