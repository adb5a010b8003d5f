/* Configuration to options; the rest is detect.h's and alerting.h's. */
#include "agent/detection.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"

#define CHANNELS_MAX 5
#define CLOSE_MS     3000
/* How often losses are looked at. */
#define LOSS_LOOK_NS (10 * NS_PER_SEC)

struct detection {
	const struct config *config;
	struct session *session;
	struct detect *detect;
	struct alerting *alerting;
	struct boot_ns loss_look;
	/* Arrays of pointers that options borrow. */
	const char *files[CONFIG_LINES], *scopes[CONFIG_LINES], *disabled[CONFIG_LINES];
	const char *headers[CONFIG_LINES];
};

bool detection_wanted(const struct config *c)
{
	return c->rules_enabled == CONFIG_TRUE ||
	       (c->rules_enabled == CONFIG_AUTO && c->rules_files.n);
}

static void lines_point(const struct config_lines *l, const char **to)
{
	for (uint32_t i = 0; i < l->n; i++)
		to[i] = l->line[i];
}

static void alert_make(void *ctx, const struct rule *r, const struct event *ev)
{
	struct detection *d = ctx;

	alerting_alert(d->alerting, r, ev);
}

static void rules_changed(void *ctx, const struct ruleset *now)
{
	struct detection *d = ctx;

	if (d->alerting && alerting_rules(d->alerting, now) != 0)
		log_error("out of memory: alerts of the new rules cannot be shown");
}

int detection_new(const struct config *c, struct detection **ret, struct buf *why)
{
	_cleanup_(problems_free) struct problems problems = { 0 };
	struct detection *d = calloc(1, sizeof(*d));
	struct detect_opts o;
	int err;

	if (!d)
		return -ENOMEM;
	d->config = c;
	lines_point(&c->rules_files, d->files);
	lines_point(&c->rules_scopes, d->scopes);
	lines_point(&c->rules_disable, d->disabled);
	lines_point(&c->alerts_http_headers, d->headers);
	o = (struct detect_opts){
		.book = { d->files, c->rules_files.n, (enum priority)c->rules_priority, NULL },
		.all = c->rules_matching == 1,
		.scopes = d->scopes,
		.nscopes = c->rules_scopes.n,
		.disabled = d->disabled,
		.ndisabled = c->rules_disable.n,
		.alert = alert_make,
		.changed = rules_changed,
		.ctx = d,
	};
	err = detect_new(&o, &problems, &d->detect, why);
	if (err) {
		rulebook_problems(&problems, why);
		free(d);
		return err;
	}
	if (problems.warnings)
		log_warn("%zu warning(s) in the rules; see porthole rules check", problems.warnings);
	*ret = d;
	return 0;
}

static size_t channels_make(const struct detection *d, struct outlet_opts list[CHANNELS_MAX])
{
	const struct config *c = d->config;
	bool text = c->alerts_format == 1;
	size_t n = 0;

	if (c->alerts_stdout)
		list[n++] = (struct outlet_opts){ .kind = "stdout", .text = text };
	if (c->alerts_file[0])
		list[n++] = (struct outlet_opts){ .kind = "file",
						  .text = text,
						  .path = c->alerts_file,
						  .max_bytes = c->alerts_file_bytes,
						  .keep = c->alerts_file_keep };
	if (c->alerts_syslog)
		list[n++] = (struct outlet_opts){ .kind = "syslog", .text = text };
	if (c->alerts_journald)
		list[n++] = (struct outlet_opts){ .kind = "journald", .text = text };
	if (c->alerts_http_url[0])
		list[n++] = (struct outlet_opts){
			.kind = "http",
			.url = c->alerts_http_url,
			.ca = c->alerts_http_ca,
			.cert = c->alerts_http_cert,
			.key = c->alerts_http_key,
			.headers = d->headers,
			.nheaders = c->alerts_http_headers.n,
			.insecure = c->alerts_http_insecure,
			.timeout_ms = (uint32_t)(c->alerts_http_timeout_ns / NS_PER_MS),
		};
	return n;
}

int detection_start(struct detection *d, struct session *s,
		    void (*each)(void *ctx, const struct alert *a), void *ctx, struct buf *why)
{
	const struct config *c = d->config;
	struct outlet_opts channels[CHANNELS_MAX];
	const struct lookback_opts lookback = {
		.window_ns = c->lookback_window_ns,
		.after_ns = c->lookback_after_ns,
		.memory_bytes = c->lookback_memory_bytes,
		.disk_bytes = c->lookback_disk_bytes,
		.directory = c->lookback_directory,
		.per_hour = c->lookback_per_hour,
		.marked_only = c->lookback_marked,
	};
	struct alerting_opts o = {
		.form = ALERT_OPTS_STANDARD,
		.outlets = { .channels = channels,
			     .nchannels = channels_make(d, channels),
			     .spool_dir = c->alerts_spool,
			     .spool_bytes = c->alerts_spool_bytes },
		.dedup = c->alerts_dedup,
		.per_rule = c->alerts_rate_per_rule,
		.per_pod = c->alerts_rate_per_pod,
		.lookback = c->lookback_window_ns ? &lookback : NULL,
		.each = each,
		.ctx = ctx,
	};
	int err;

	o.form.hostname = c->alerts_hostname;
	o.form.iso_time = c->alerts_iso_time;
	o.form.suggested = c->alerts_suggested;
	err = alerting_new(&o, detect_rules(d->detect), &s->pipeline, &d->alerting, why);
	if (err)
		return err;
	d->session = s;
	detect_start(d->detect, s);
	return 0;
}

uint64_t detection_kinds(const struct detection *d)
{
	return detect_kinds(d->detect);
}

bool detection_env(const struct detection *d)
{
	return detect_env(d->detect);
}

size_t detection_clauses(const struct detection *d, struct pushdown_clause *list)
{
	return detect_clauses(d->detect, alerting_shown(d->alerting), list);
}

const struct detect *detection_detect(const struct detection *d)
{
	return d->detect;
}

/* Rules may have missed something: their receivers are told. */
static void losses_tell(struct detection *d, struct boot_ns now)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	uint64_t lost;

	if (now.ns < d->loss_look.ns + LOSS_LOOK_NS)
		return;
	d->loss_look = now;
	lost = session_losses(d->session, &b);
	if (lost)
		alerting_losses(d->alerting, lost, buf_slice(&b));
}

int detection_turn(struct detection *d)
{
	struct boot_ns now = clock_boot();
	bool asked = d->session->hangup;

	d->session->hangup = false;
	losses_tell(d, now);
	alerting_turn(d->alerting, now);
	return detect_turn(d->detect, asked, now);
}

static void rules_fill(const struct detection *d, struct metrics *m)
{
	const struct ruleset *rules = detect_rules(d->detect);

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = rules->rules[i];
		struct metrics_rule *to = metrics_rule_add(m, r->name, priority_name(r->priority));
		struct match_count count;

		if (!to)
			continue;
		count = detect_rule_count(d->detect, (uint32_t)i, &to->alerts);
		to->evaluated = count.evaluated;
		to->matched = count.matched;
	}
}

static void channels_fill(const struct outlets *o, struct metrics *m)
{
	struct outlets_stats all;

	outlets_stats(o, &all);
	m->detect.spool_bytes = all.spool_bytes;
	m->detect.spool_absent = all.spool_absent;
	m->detect.spool_expired = all.spool_expired;
	m->detect.spool_sync_errors = all.sync_errors;
	for (int p = 0; p < PRIORITIES; p++)
		m->detect.intake_dropped += all.intake_dropped[p];
	for (size_t i = 0; i < outlets_count(o); i++) {
		struct metrics_channel *to;
		struct outlet_stats s;

		outlets_channel(o, i, &s);
		to = metrics_channel_add(m, s.name);
		if (!to)
			return;
		to->failing = s.failing;
		to->sent = s.sent;
		to->failures = s.failures;
		to->refused = s.refused;
		to->pending = s.pending;
		for (int p = 0; p < PRIORITIES; p++)
			to->dropped += s.dropped[p];
	}
}

void detection_fill(const struct detection *d, struct metrics *m)
{
	struct detect_counts counts = detect_counts(d->detect);
	struct lookback_stats look = alerting_lookback(d->alerting);
	struct fold_stats fold = alerting_folded(d->alerting);

	m->detect = (struct metrics_detect){
		.on = true,
		.rules = detect_rules(d->detect)->n,
		.reloads = counts.reloads,
		.reloads_refused = counts.refused,
		.alerts = counts.alerts,
		.folded = fold.folded,
		.limited_rule = fold.limited_rule,
		.limited_pod = fold.limited_pod,
		.unrendered = alerting_failed(d->alerting),
		.captures = look.captures,
		.captures_failed = look.failed,
		.captures_limited = look.limited,
		.captures_cut = look.cut,
		.captures_removed = look.removed,
	};
	rules_fill(d, m);
	if (alerting_outlets(d->alerting))
		channels_fill(alerting_outlets(d->alerting), m);
}

void detection_describe(const struct detection *d, struct buf *b)
{
	const struct outlets *o = d->alerting ? alerting_outlets(d->alerting) : NULL;

	buf_printf(b, "detection: %zu rules", detect_rules(d->detect)->n);
	for (size_t i = 0; o && i < outlets_count(o); i++) {
		struct outlet_stats s;

		outlets_channel(o, i, &s);
		buf_printf(b, "%s %s", i ? "," : "; alerts to", s.name);
	}
	if (!o)
		buf_str(b, STR("; alerts go nowhere: no channel is configured"));
	buf_char(b, '\n');
}

void detection_close(struct detection *d)
{
	uint64_t unsent;

	if (!d)
		return;
	unsent = d->alerting ? alerting_close(d->alerting, CLOSE_MS) : 0;
	if (unsent)
		log_warn("%llu alert(s) were not delivered%s", (unsigned long long)unsent,
			 d->config->alerts_spool[0] ? "; they wait in the spool" : "");
	detect_free(d->detect);
	free(d);
}
