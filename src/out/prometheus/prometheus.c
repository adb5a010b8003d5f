/*
 * The page, metric by metric. Format: Prometheus, "Exposition formats" (text, version 0.0.4); a
 * label's value escapes backslash, quote and newline, and is kept valid UTF-8 here.
 */
#include "out/prometheus/prometheus.h"

#include <inttypes.h>

#include "out/prometheus/page.h"

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP porthole_%s %s\n# TYPE porthole_%s %s\n", name, help, name, type);
}

static void sample_u64(struct buf *b, uint64_t v)
{
	buf_printf(b, "} %" PRIu64 "\n", v);
}

static void one_u64(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
	head(b, name, type, help);
	buf_printf(b, "porthole_%s %" PRIu64 "\n", name, v);
}

static void one_seconds(struct buf *b, const char *name, const char *type, const char *help,
			uint64_t ns)
{
	head(b, name, type, help);
	buf_printf(b, "porthole_%s %" PRIu64 ".%09" PRIu64 "\n", name, ns / (uint64_t)NS_PER_SEC,
		   ns % (uint64_t)NS_PER_SEC);
}

static void kinds_print(const struct metrics *m, struct buf *b)
{
	head(b, "events_total", "counter",
	     "Events the kernel programs handed over, by kind; those filtered in the kernel are not among them.");
	for (size_t k = 0; k < KIND_COUNT; k++) {
		buf_str(b, STR("porthole_events_total"));
		page_label(b, "kind", kind_table[k].name);
		sample_u64(b, m->kinds[k].events);
	}
	head(b, "events_incomplete_total", "counter",
	     "Pieces of events that are absent or shortened, by kind and reason.");
	for (size_t k = 0; k < KIND_COUNT; k++) {
		buf_str(b, STR("porthole_events_incomplete_total"));
		page_label(b, "kind", kind_table[k].name);
		page_label(b, "reason", STR("fault"));
		sample_u64(b, m->kinds[k].fault);
		buf_str(b, STR("porthole_events_incomplete_total"));
		page_label(b, "kind", kind_table[k].name);
		page_label(b, "reason", STR("cut"));
		sample_u64(b, m->kinds[k].cut);
	}
}

static void lost_print(const struct metrics *m, struct buf *b)
{
	head(b, "events_lost_total", "counter", "Events lost in the kernel, by kind and reason.");
	for (size_t k = 0; k < KIND_COUNT; k++) {
		buf_str(b, STR("porthole_events_lost_total"));
		page_label(b, "kind", kind_table[k].name);
		page_label(b, "reason", STR("ring_full"));
		sample_u64(b, m->kinds[k].ring_full);
		buf_str(b, STR("porthole_events_lost_total"));
		page_label(b, "kind", kind_table[k].name);
		page_label(b, "reason", STR("map_full"));
		sample_u64(b, m->kinds[k].map_full);
	}
	if (!m->nlosses)
		return;
	head(b, "lost_total", "counter", "Losses in the agent, by what was lost and reason.");
	for (size_t i = 0; i < m->nlosses; i++) {
		buf_str(b, STR("porthole_lost_total"));
		page_label(b, "what", str_of(m->losses[i].what));
		page_label(b, "reason", str_of(m->losses[i].reason));
		sample_u64(b, m->losses[i].n);
	}
}

static void refusals_print(const struct metrics *m, struct buf *b)
{
	if (!m->nrefusals)
		return;
	head(b, "requests_refused_total", "counter",
	     "Messages of applications that a parser could not read, by protocol and reason.");
	for (size_t i = 0; i < m->nrefusals; i++) {
		buf_str(b, STR("porthole_requests_refused_total"));
		page_label(b, "protocol", str_of(m->refusals[i].what));
		page_label(b, "reason", str_of(m->refusals[i].reason));
		sample_u64(b, m->refusals[i].n);
	}
}

static void probes_print(const struct metrics *m, struct buf *b)
{
	static const char *const states[] = { "on", "degraded", "unavailable", "off" };

	if (!m->nprobes)
		return;
	head(b, "probe_state", "gauge", "1 for the state each probe is in, else 0.");
	for (size_t i = 0; i < m->nprobes; i++)
		for (size_t s = 0; s < sizeof(states) / sizeof(states[0]); s++) {
			buf_str(b, STR("porthole_probe_state"));
			page_label(b, "probe", str_of(m->probes[i].name));
			page_label(b, "state", str_of(states[s]));
			sample_u64(b, strcmp(states[s], m->probes[i].state) == 0);
		}
}

static void kube_print(const struct metrics *m, struct buf *b)
{
	if (!m->nkube)
		return;
	head(b, "kube_synced", "gauge",
	     "1 when the resource has been listed and its watch is alive.");
	for (size_t i = 0; i < m->nkube; i++) {
		buf_str(b, STR("porthole_kube_synced"));
		page_label(b, "resource", str_of(m->kube[i].resource));
		sample_u64(b, m->kube[i].synced);
	}
	head(b, "kube_objects_total", "counter", "Objects received from the Kubernetes API.");
	for (size_t i = 0; i < m->nkube; i++) {
		buf_str(b, STR("porthole_kube_objects_total"));
		page_label(b, "resource", str_of(m->kube[i].resource));
		sample_u64(b, m->kube[i].objects);
	}
	head(b, "kube_errors_total", "counter", "Requests to the Kubernetes API that failed.");
	for (size_t i = 0; i < m->nkube; i++) {
		buf_str(b, STR("porthole_kube_errors_total"));
		page_label(b, "resource", str_of(m->kube[i].resource));
		sample_u64(b, m->kube[i].errors);
	}
}

static void tables_print(const struct metrics *m, struct buf *b)
{
	one_u64(b, "processes", "gauge", "Living processes known.", m->procs);
	one_u64(b, "processes_dead", "gauge", "Ended processes kept for late events.", m->procs_dead);
	one_u64(b, "events_unknown_process_total", "counter",
		"Events of processes that nothing else was known of.", m->procs_unknown);
	one_u64(b, "cgroups", "gauge", "Cgroups known.", m->cgroups);
	one_u64(b, "containers", "gauge", "Containers known.", m->containers);
	one_u64(b, "pods", "gauge", "Pods known, of this node and of others.", m->pods);
	one_u64(b, "control_clients", "gauge", "Clients of the control socket that get events.",
		m->clients);
	one_u64(b, "control_lines_lost_total", "counter",
		"Lines that clients of the control socket did not get: they read too slowly.",
		m->clients_lost);
}

static void owner_label(const char *name, const char *value, struct buf *b)
{
	if (value[0]) /* to Prometheus an empty label is an absent one */
		page_label(b, name, str_of(value));
}

static void series_label(const struct metrics_series *s, bool other, struct buf *b)
{
	owner_label("namespace", other ? "" : s->ns, b);
	owner_label("pod", other ? "" : s->pod, b);
	owner_label("container", other ? "other" : s->container, b);
}

static void series_print(const struct metrics *m, struct buf *b)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} of[] = {
		{ "cgroup_events_total",
		  "Events counted of each container, unit or cgroup, by kind; other: those for which there was "
		  "no room.",
		  offsetof(struct metrics_series, events) },
		{ "cgroup_errors_total", "The same, of those that failed.",
		  offsetof(struct metrics_series, errors) },
	};
	size_t n = m->nseries;

	for (size_t k = 0; k < KIND_COUNT; k++)
		n += m->other[k].events != 0;
	for (size_t i = 0; n && i < 2; i++) {
		head(b, of[i].name, "counter", of[i].help);
		for (size_t k = 0; k < m->nseries + KIND_COUNT; k++) {
			bool other = k >= m->nseries;
			const struct metrics_series *s = other ? &m->other[k - m->nseries] :
								 &m->series[k];
			size_t kind = other ? k - m->nseries : s->kind;

			if (other && !s->events)
				continue;
			buf_printf(b, "porthole_%s", of[i].name);
			series_label(s, other, b);
			page_label(b, "kind", kind_table[kind].name);
			sample_u64(b, *(const uint64_t *)((const char *)s + of[i].offset));
		}
	}
}

static void rules_print(const struct metrics *m, struct buf *b)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} of[] = {
		{ "rule_evaluated_total", "Events on which a rule's condition was tried.",
		  offsetof(struct metrics_rule, evaluated) },
		{ "rule_matched_total", "Events that a rule's condition matched.",
		  offsetof(struct metrics_rule, matched) },
		{ "rule_alerts_total", "Alerts of a rule, before folding and limits.",
		  offsetof(struct metrics_rule, alerts) },
	};

	for (size_t i = 0; m->nrules && i < sizeof(of) / sizeof(of[0]); i++) {
		head(b, of[i].name, "counter", of[i].help);
		for (size_t r = 0; r < m->nrules; r++) {
			buf_printf(b, "porthole_%s", of[i].name);
			page_label(b, "rule", str_of(m->rules[r].name));
			page_label(b, "priority", str_of(m->rules[r].priority));
			sample_u64(b, *(const uint64_t *)((const char *)&m->rules[r] + of[i].offset));
		}
	}
}

static void channels_print(const struct metrics *m, struct buf *b)
{
	static const struct {
		const char *name, *type, *help;
		size_t offset;
	} of[] = {
		{ "alerts_sent_total", "counter", "Alerts that a channel delivered.",
		  offsetof(struct metrics_channel, sent) },
		{ "alerts_failures_total", "counter", "Tries to deliver that failed.",
		  offsetof(struct metrics_channel, failures) },
		{ "alerts_refused_total", "counter", "Alerts that the receiver said it will not take.",
		  offsetof(struct metrics_channel, refused) },
		{ "alerts_dropped_total", "counter", "Alerts given up for lack of room.",
		  offsetof(struct metrics_channel, dropped) },
		{ "alerts_pending", "gauge", "Alerts that wait for a channel.",
		  offsetof(struct metrics_channel, pending) },
	};

	for (size_t i = 0; m->nchannels && i < sizeof(of) / sizeof(of[0]); i++) {
		head(b, of[i].name, of[i].type, of[i].help);
		for (size_t c = 0; c < m->nchannels; c++) {
			buf_printf(b, "porthole_%s", of[i].name);
			page_label(b, "channel", str_of(m->channels[c].name));
			sample_u64(b,
				   *(const uint64_t *)((const char *)&m->channels[c] + of[i].offset));
		}
	}
}

static void detect_print(const struct metrics *m, struct buf *b)
{
	const struct metrics_detect *d = &m->detect;

	if (!d->on)
		return;
	one_u64(b, "rules", "gauge", "Rules in force.", d->rules);
	one_u64(b, "rules_reloads_total", "counter", "Times that other rules came into force.",
		d->reloads);
	one_u64(b, "rules_reloads_refused_total", "counter",
		"Times that new rules were wrong and the old ones stayed.", d->reloads_refused);
	one_u64(b, "alerts_total", "counter", "Alerts, before folding and limits.", d->alerts);
	one_u64(b, "alerts_folded_total", "counter", "Alerts counted into an earlier equal one.",
		d->folded);
	head(b, "alerts_limited_total", "counter", "Alerts beyond a rate limit, by which.");
	buf_str(b, STR("porthole_alerts_limited_total"));
	page_label(b, "limit", STR("rule"));
	sample_u64(b, d->limited_rule);
	buf_str(b, STR("porthole_alerts_limited_total"));
	page_label(b, "limit", STR("pod"));
	sample_u64(b, d->limited_pod);
	one_u64(b, "alerts_unrendered_total", "counter", "Alerts lost for lack of memory.",
		d->unrendered);
	one_u64(b, "alerts_intake_dropped_total", "counter",
		"Alerts that came faster than they could be put into the spool.", d->intake_dropped);
	one_u64(b, "alerts_spool_bytes", "gauge", "Size of the spool.", d->spool_bytes);
	one_u64(b, "alerts_spool_absent", "gauge",
		"Alerts kept for channels that are not configured any more.", d->spool_absent);
	one_u64(b, "alerts_spool_expired_total", "counter",
		"Alerts given up because their channel stayed away.", d->spool_expired);
	one_u64(b, "alerts_spool_sync_errors_total", "counter",
		"Times that the disk did not take the spool for good.", d->spool_sync_errors);
	one_u64(b, "lookback_captures_total", "counter", "Captures written around alerts.",
		d->captures);
	one_u64(b, "lookback_failed_total", "counter", "Captures that could not be written.",
		d->captures_failed);
	one_u64(b, "lookback_limited_total", "counter",
		"Alerts without a capture: too many an hour.", d->captures_limited);
	one_u64(b, "lookback_cut_total", "counter",
		"Captures that begin late: the memory was smaller than the window.", d->captures_cut);
	one_u64(b, "lookback_removed_total", "counter", "Old captures removed for room.",
		d->captures_removed);
	rules_print(m, b);
	channels_print(m, b);
}

static void profile_print(const struct metrics *m, struct buf *b)
{
	const struct metrics_profile *p = &m->profile;

	if (!p->on)
		return;
	one_u64(b, "profile_parts_total", "counter", "Parts of the continuous profile written.",
		p->parts);
	one_u64(b, "profile_samples_total", "counter", "Samples that went into them.", p->samples);
	one_u64(b, "profile_late_total", "counter",
		"Parts that went on because the one before was still being written.", p->late);
	one_u64(b, "profile_removed_total", "counter", "Old parts removed for room or age.",
		p->removed);
	one_u64(b, "profile_bytes", "gauge", "Size of the profiles on disk.", p->bytes);
}

static void requests_print(const struct metrics *m, struct buf *b)
{
	const struct metrics_requests *r = &m->requests;

	if (!r->on)
		return;
	one_u64(b, "requests_total", "counter", "Requests of applications that were seen.",
		r->requests);
	one_u64(b, "requests_unmeasured_total", "counter",
		"Those of protocols that no metric is about.", r->unknown);
	one_u64(b, "request_series", "gauge", "Series of metrics of requests.", r->series);
	one_u64(b, "request_label_values", "gauge", "Different values of their labels.", r->values);
	one_u64(b, "request_labels_folded_total", "counter",
		"Label values counted as other: the label had too many.", r->folded);
	one_u64(b, "request_series_full_total", "counter",
		"Requests counted in a metric's series of others: there were too many series.",
		r->full);
}

static void otlp_print(const struct metrics *m, struct buf *b)
{
	static const char *const signals[METRICS_SIGNALS] = { "traces", "metrics", "logs" };
	const struct metrics_otlp *o = &m->otlp;

	if (!o->on)
		return;
	head(b, "otlp_sent_total", "counter",
	     "Spans, series and log records that the receiver took.");
	for (size_t i = 0; i < METRICS_SIGNALS; i++) {
		buf_str(b, STR("porthole_otlp_sent_total"));
		page_label(b, "signal", str_of(signals[i]));
		sample_u64(b, o->sent[i]);
	}
	head(b, "otlp_retries_total", "counter", "Requests to the receiver that were put off.");
	for (size_t i = 0; i < METRICS_SIGNALS; i++) {
		buf_str(b, STR("porthole_otlp_retries_total"));
		page_label(b, "signal", str_of(signals[i]));
		sample_u64(b, o->retries[i]);
	}
	one_u64(b, "otlp_unsampled_total", "counter", "Spans left out by otlp.sample_percent.",
		o->unsampled);
}

static void history_print(const struct metrics *m, struct buf *b)
{
	const struct metrics_history *h = &m->history;

	if (!h->on)
		return;
	one_u64(b, "history_rows_total", "counter", "Rows of the recent history written.", h->rows);
	one_u64(b, "history_removed_total", "counter", "Old files of it removed for room or age.",
		h->removed);
	one_u64(b, "history_bytes", "gauge", "Size of the history on disk.", h->bytes);
}

void metrics_print(const struct metrics *m, struct buf *b)
{
	head(b, "build_info", "gauge", "Always 1; the version is a label.");
	buf_str(b, STR("porthole_build_info"));
	page_label(b, "version", str_of(m->version));
	sample_u64(b, 1);
	one_seconds(b, "start_time_seconds", "gauge", "When the agent started, in Unix time.",
		    m->start_wall_ns);
	one_seconds(b, "cpu_seconds_total", "counter",
		    "CPU time of the agent itself, user and system; what its kernel programs take is not in it.",
		    m->cpu_ns);
	one_u64(b, "resident_memory_bytes", "gauge", "Memory of the agent in RAM.", m->rss_bytes);
	one_u64(b, "records_total", "counter", "Records that went through the pipeline.", m->records);
	one_u64(b, "pipeline_events_total", "counter", "Events made of them.", m->events);
	kinds_print(m, b);
	lost_print(m, b);
	refusals_print(m, b);
	probes_print(m, b);
	tables_print(m, b);
	kube_print(m, b);
	series_print(m, b);
	detect_print(m, b);
	profile_print(m, b);
	history_print(m, b);
	requests_print(m, b);
	otlp_print(m, b);
}
