/* One metric after the other, as the format wants all samples of a metric together. */
#include "out/prometheus/requests.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "out/prometheus/page.h"

#define LABEL_BYTES 64

static void labels_put(const struct rm_snapshot *s, const struct rm_series *r, struct buf *b)
{
	bool any = false;

	for (size_t i = 0; i < r->nlabels; i++) {
		char room[LABEL_BYTES];
		struct buf name = { .p = room, .cap = sizeof(room), .max = sizeof(room) };

		if (r->value[i] == RM_ABSENT)
			continue;
		sem_prom_label(rm_label(r, i), &name);
		buf_char(&name, 0);
		page_label(b, room, s->values[r->value[i]]);
		any = true;
	}
	if (!any)
		buf_char(b, '{');
}

static void sample_put(const struct rm_snapshot *s, const struct rm_series *r, struct str name,
		       const char *suffix, struct buf *b)
{
	buf_str(b, name);
	buf_str(b, str_of(suffix));
	labels_put(s, r, b);
}

static void histogram_put(const struct rm_snapshot *s, const struct rm_series *r, struct str name,
			  struct buf *b)
{
	const struct sem_metric *m = &sem_metrics[r->metric];
	uint64_t sum = 0;

	for (size_t i = 0; i <= m->nbounds; i++) {
		char le[32];

		snprintf(le, sizeof(le), "%g", i < m->nbounds ? m->bounds[i] / 1e6 : 0);
		sum += r->bucket[i];
		sample_put(s, r, name, "_bucket", b);
		page_label(b, "le", i < m->nbounds ? str_of(le) : STR("+Inf"));
		buf_printf(b, "} %" PRIu64 "\n", sum);
	}
	sample_put(s, r, name, "_sum", b);
	buf_printf(b, "} %" PRIu64 ".%09" PRIu64 "\n", r->sum_ns / (uint64_t)NS_PER_SEC,
		   r->sum_ns % (uint64_t)NS_PER_SEC);
	sample_put(s, r, name, "_count", b);
	buf_printf(b, "} %" PRIu64 "\n", sum);
}

static void head_put(struct str name, const char *suffix, const char *type, const char *help,
		     struct buf *b)
{
	buf_printf(b, "# HELP %.*s%s %s\n# TYPE %.*s%s %s\n", STR_ARG(name), suffix, help,
		   STR_ARG(name), suffix, type);
}

static void counter_put(const struct rm_snapshot *s, size_t metric, struct str name, bool failed,
			struct buf *b)
{
	const char *suffix = failed ? "_failed_total" : "_total";

	head_put(name, suffix, "counter",
		 failed ? "Those of them that failed or were not answered." : sem_metrics[metric].help,
		 b);
	for (size_t i = 0; i < s->n; i++) {
		if (s->series[i].metric != metric)
			continue;
		sample_put(s, &s->series[i], name, suffix, b);
		buf_printf(b, "} %" PRIu64 "\n", failed ? s->series[i].failed : s->series[i].n);
	}
}

static bool metric_has(const struct rm_snapshot *s, size_t metric)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->series[i].metric == metric)
			return true;
	return false;
}

void requests_page(const struct rm_snapshot *s, struct buf *b)
{
	for (size_t m = 0; m < sem_metrics_n; m++) {
		_cleanup_(buf_free) struct buf name = { 0 };

		if (!metric_has(s, m))
			continue;
		sem_prom_name(&sem_metrics[m], &name);
		if (sem_metrics[m].counter) {
			counter_put(s, m, buf_slice(&name), false, b);
			counter_put(s, m, buf_slice(&name), true, b);
			continue;
		}
		head_put(buf_slice(&name), "", "histogram", sem_metrics[m].help, b);
		for (size_t i = 0; i < s->n; i++)
			if (s->series[i].metric == m)
				histogram_put(s, &s->series[i], buf_slice(&name), b);
	}
}
