/* porthole detect: rules on this node, or on a capture. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/alerting.h"
#include "agent/catalogue.h"
#include "agent/detect.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "cli/rules.h"

/* How long the receivers get at the end. */
#define CLOSE_MS 3000

struct detect_cmd {
	struct cli_strings files, scopes, disabled, headers, fields;
	const char *replay, *priority, *http, *http_ca, *file, *spool, *dedup, *per_rule, *per_pod;
	const char *lookback;
	uint64_t for_ns, window_ns, count;
	enum cli_format output;
	bool all, quiet, iso;
};

struct detecting {
	const struct detect_cmd *cmd;
	struct session session;
	struct detect *detect;
	struct alerting *alerting;
	struct buf out;
	uint64_t shown;
	bool gone; /* standard output is closed or full */
};

static void alert_show(void *ctx, const struct alert *a)
{
	struct detecting *d = ctx;

	if (d->cmd->quiet || (d->cmd->count && d->shown >= d->cmd->count))
		return;
	buf_str(&d->out, d->cmd->output == CLI_JSON ? a->json : a->text);
	buf_char(&d->out, '\n');
	d->shown++;
}

static void alert_make(void *ctx, const struct rule *r, const struct event *ev)
{
	struct detecting *d = ctx;

	alerting_alert(d->alerting, r, ev);
}

static void rules_changed(void *ctx, const struct ruleset *now)
{
	struct detecting *d = ctx;

	if (alerting_rules(d->alerting, now) != 0)
		log_error("out of memory: alerts of the new rules cannot be shown");
}

/* What the rules want now, to the kernel. */
static int rules_push(struct detecting *d)
{
	_cleanup_(freep) struct pushdown_clause *list =
		calloc(detect_rules(d->detect)->n + 1, sizeof(*list));
	uint64_t kinds = detect_kinds(d->detect);
	int err = list ? live_want(d->session.source, kinds) : -ENOMEM;
	size_t n;

	if (err)
		return err;
	n = detect_clauses(d->detect, alerting_shown(d->alerting), list);
	return pushdown_set(&d->session.pushdown, kinds, 0, list, n);
}

static int detect_batch(void *ctx)
{
	struct detecting *d = ctx;
	struct boot_ns now = d->session.live ? clock_boot() : d->session.pipeline.now;

	if (d->session.live && detect_turn(d->detect, d->session.hangup, now) == 1 &&
	    rules_push(d) != 0)
		log_error("the kernel programs for the new rules cannot be had");
	d->session.hangup = false;
	alerting_turn(d->alerting, now);
	if (d->out.n && !cli_write(d->out.p, d->out.n))
		d->gone = true;
	buf_reset(&d->out);
	return d->gone || (d->cmd->count && d->shown >= d->cmd->count);
}

static int detect_begin(struct detecting *d)
{
	const struct ruleset *rules = detect_rules(d->detect);
	int err = 0;

	if (d->session.live) {
		session_drain(&d->session); /* who is there already is known before anything is judged */
		if (report_probes(&d->session, detect_kinds(d->detect)) != 0)
			return cli_fail("this kernel shows nothing that the rules need");
	}
	detect_start(d->detect, &d->session);
	if (d->session.live)
		err = rules_push(d);
	if (err)
		return cli_fail("cannot watch: %s", strerror(-err));
	log_info("detecting: %zu rules", rules->n);
	return CLI_OK;
}

static int detect_session(struct detecting *d)
{
	struct boot_ns until = { d->cmd->for_ns ? clock_boot().ns + d->cmd->for_ns : 0 };
	int err, code = detect_begin(d);
	bool whole;

	if (code)
		return code;
	d->session.batch = detect_batch;
	d->session.ctx = d;
	err = session_run(&d->session, until);
	if (!d->gone) {
		session_drain(&d->session);
		detect_batch(d);
	}
	whole = report_losses(&d->session);
	log_info("%llu events judged, %llu alerts",
		 (unsigned long long)detect_counts(d->detect).events,
		 (unsigned long long)detect_counts(d->detect).alerts);
	if (err)
		return cli_fail("reading events: %s", strerror(-err));
	return whole ? CLI_OK : CLI_FAILED;
}

static int alerting_make(struct detecting *d, struct buf *why)
{
	const struct detect_cmd *c = d->cmd;
	struct outlet_opts channels[2];
	struct alert_extra extras[CLI_STRINGS_MAX];
	struct lookback_opts lookback = { .window_ns = c->window_ns ? c->window_ns : 30 * NS_PER_SEC,
					  .after_ns = 5 * NS_PER_SEC,
					  .memory_bytes = 8 << 20,
					  .disk_bytes = 256 << 20,
					  .directory = c->lookback,
					  .per_hour = 60 };
	struct alerting_opts o = {
		.form = ALERT_OPTS_STANDARD,
		.outlets = { .channels = channels, .spool_dir = c->spool },
		.dedup = c->dedup,
		.per_rule = c->per_rule,
		.per_pod = c->per_pod,
		.lookback = c->lookback ? &lookback : NULL,
		.each = alert_show,
		.ctx = d,
	};

	o.form.iso_time = c->iso;
	for (size_t i = 0; i < c->fields.n; i++)
		extras[i] = (struct alert_extra){ c->fields.p[i], NULL };
	o.form.extras = extras;
	o.form.nextras = c->fields.n;
	if (c->http)
		channels[o.outlets.nchannels++] = (struct outlet_opts){
			.kind = "http",
			.url = c->http,
			.ca = c->http_ca,
			.headers = c->headers.p,
			.nheaders = c->headers.n,
		};
	if (c->file)
		channels[o.outlets.nchannels++] = (struct outlet_opts){
			.kind = "file", .path = c->file, .text = c->output == CLI_TEXT
		};
	return alerting_new(&o, detect_rules(d->detect), &d->session.pipeline, &d->alerting, why);
}

static int detect_open(struct detecting *d, struct buf *why)
{
	const struct detect_cmd *c = d->cmd;
	_cleanup_(problems_free) struct problems problems = { 0 };
	struct detect_opts o = {
		.book = { c->files.p, c->files.n, PRIORITY_DEBUG, NULL },
		.all = c->all,
		.scopes = c->scopes.p,
		.nscopes = c->scopes.n,
		.disabled = c->disabled.p,
		.ndisabled = c->disabled.n,
		.alert = alert_make,
		.changed = rules_changed,
		.ctx = d,
	};
	int err;

	if (c->priority && !priority_parse(str_of(c->priority), &o.book.least)) {
		buf_printf(why, "--priority: emergency, alert, critical, error, warning, notice, "
				"informational or debug");
		return -EINVAL;
	}
	err = detect_new(&o, &problems, &d->detect, why);
	if (err) {
		buf_str(why, STR("the rules cannot be used\n"));
		rulebook_problems(&problems, why);
	} else if (problems.warnings) {
		log_warn("%zu warning(s) in the rules; see porthole rules check", problems.warnings);
	}
	return err;
}

/* Does anything that is compared or shown need environments? */
static bool env_wanted(const struct detecting *d)
{
	bool env = detect_env(d->detect);

	for (size_t i = 0; i < d->cmd->fields.n; i++) {
		struct str name = str_of(d->cmd->fields.p[i]);
		const struct field *f;

		name.n = strcspn(name.p, "[");
		f = field_find(catalogue_get(), name);
		env |= f && f->flags & FIELD_ENV;
	}
	return env;
}

static int detect_do(struct detecting *d)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	struct session_opts o = { .replay = d->cmd->replay,
				  .kinds = detect_kinds(d->detect),
				  .env = env_wanted(d),
				  .whole = true };
	uint64_t unsent;
	int code;

	if (session_open(&o, &d->session, &why) != 0)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	if (alerting_make(d, &why) != 0) {
		session_close(&d->session);
		return cli_usage_buf(&why);
	}
	code = detect_session(d);
	unsent = alerting_close(d->alerting, CLOSE_MS);
	if (d->out.n && !d->gone)
		cli_write(d->out.p, d->out.n);
	if (unsent)
		log_warn("%llu alert(s) were not delivered%s", (unsigned long long)unsent,
			 d->cmd->spool ? "; they wait in the spool" : "");
	session_close(&d->session);
	return code;
}

static int detect_run(void *opts, int argc, char **argv)
{
	struct detecting d = { .cmd = opts };
	_cleanup_(buf_free) struct buf why = { 0 };
	int code;

	(void)argc;
	(void)argv;
	if (d.cmd->window_ns && !d.cmd->lookback)
		return cli_usage("--window goes with --lookback");
	if (detect_open(&d, &why) != 0)
		return cli_usage_buf(&why);
	code = detect_do(&d);
	detect_free(d.detect);
	buf_free(&d.out);
	return code;
}

#define OPT(member) offsetof(struct detect_cmd, member)

static const struct cli_option detect_options[] = {
	{ 'r', "rules", "FILE", CLI_STRINGS, OPT(files),
	  "rule file or directory; may be repeated (default: the rules shipped with porthole)",
	  "FILE" },
	{ 'p', "priority", "LEVEL", CLI_STRING, OPT(priority), "leave out rules less severe than this",
	  "emergency alert critical error warning notice informational debug" },
	{ 0, "all", NULL, CLI_FLAG, OPT(all),
	  "alert for every rule that matches an event, not for the first only", NULL },
	{ 0, "scope", "TEXT", CLI_STRINGS, OPT(scopes),
	  "where rules apply: \"SELECTOR where EXPR\", as \"tag:network where k8s.ns.name=shop\"",
	  NULL },
	{ 0, "disable", "SELECTOR", CLI_STRINGS, OPT(disabled),
	  "silence rules: a pattern of names, tag:PATTERN or file:PATTERN", NULL },
	{ 0, "field", "NAME", CLI_STRINGS, OPT(fields),
	  "add a field to the output_fields of every alert", NULL },
	{ 0, "for", "TIME", CLI_DURATION, OPT(for_ns), "stop after this time: 10s, 500ms, 2m", NULL },
	{ 'n', "count", "N", CLI_UINT, OPT(count), "stop after N alerts", NULL },
	{ 0, "http", "URL", CLI_STRING, OPT(http),
	  "also POST each alert as JSON, as Falcosidekick takes it", NULL },
	{ 0, "http-header", "TEXT", CLI_STRINGS, OPT(headers), "a header for that", NULL },
	{ 0, "http-ca", "FILE", CLI_STRING, OPT(http_ca), "certificates to trust for that", "FILE" },
	{ 0, "file", "FILE", CLI_STRING, OPT(file), "also append alerts to a file (absolute path)",
	  "FILE" },
	{ 0, "spool", "DIR", CLI_STRING, OPT(spool),
	  "keep undelivered alerts in this directory (default: in memory)", "FILE" },
	{ 0, "dedup", "TEXT", CLI_STRING, OPT(dedup),
	  "fold equal alerts: \"60s by rule, container.id, proc.name\"", NULL },
	{ 0, "rate-per-rule", "TEXT", CLI_STRING, OPT(per_rule),
	  "limit alerts of one rule: \"10/s\", \"600/m burst 100\"", NULL },
	{ 0, "rate-per-pod", "TEXT", CLI_STRING, OPT(per_pod), "limit alerts of one pod", NULL },
	{ 0, "lookback", "DIR", CLI_STRING, OPT(lookback),
	  "write a capture of what happened around each alert into this directory", "FILE" },
	{ 0, "window", "TIME", CLI_DURATION, OPT(window_ns),
	  "with --lookback: how far back (default 30s)", NULL },
	{ 0, "iso-time", NULL, CLI_FLAG, OPT(iso), "text: date and zone in each line", NULL },
	{ 'q', "quiet", NULL, CLI_FLAG, OPT(quiet), "nothing on standard output", NULL },
	CLI_OPT_FORMAT(struct detect_cmd, output),
	CLI_OPT_REPLAY(struct detect_cmd, replay),
	{ 0 },
};

const struct cli_command cmd_detect = {
	.name = "detect",
	.summary = "alert when rules match: Falco's rules, unmodified, or our own",
	.description =
		"Loads rules and prints an alert for each event that one matches: as text, or with "
		"-o json as the object that Falco prints. The kernel filters by what the rules can "
		"match, so that a busy node pays for little else.\n\n"
		"Rule files are read again when they change, and on SIGHUP; when the new ones are "
		"wrong, the old ones stay in force. porthole rules check tells what is wrong.\n\n"
		"porthole run does the same when its configuration names rules, with all the channels "
		"of doc/CONFIG.md.",
	.examples = "porthole detect\tthe shipped rules, on this node\n"
		    "porthole detect -r falco_rules.yaml -r mine.yaml -o json\tthe rules you have\n"
		    "porthole detect -r falco_rules.yaml --http http://sidekick:2801/\t"
		    "to everything behind Falcosidekick\n"
		    "porthole detect -r falco_rules.yaml --replay node.cap\twhat would have fired\n",
	.options = detect_options,
	.options_size = sizeof(struct detect_cmd),
	.run = detect_run,
};
