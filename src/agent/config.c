/*
 * The keys, and what each type of value is: how it is set from text, described, and printed. Adding
 * a key is one row at the end and one member of struct config.
 */
#include "agent/config_table.h"

#include <errno.h>
#include <stddef.h>

#include "api/http.h"
#include "base/clock.h"
#include "base/json.h"
#include "event/event.h"
#include "lang/literal.h"

static void *member(const struct config_key *k, struct config *c)
{
	return (char *)c + k->offset;
}

static int bool_set(const struct config_key *k, struct str text, void *at)
{
	(void)k;
	if (!str_eq(text, STR("true")) && !str_eq(text, STR("false")))
		return -EINVAL;
	*(bool *)at = text.n == 4;
	return 0;
}

static int uint_set(const struct config_key *k, struct str text, void *at)
{
	uint64_t v = 0;

	if (text.n == 0 || text.n > 10)
		return -EINVAL;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -EINVAL;
		v = v * 10 + (uint64_t)(text.p[i] - '0');
	}
	if (v < k->min || v > k->max)
		return -EINVAL;
	*(uint32_t *)at = (uint32_t)v;
	return 0;
}

static int choice_set(const struct config_key *k, struct str text, void *at)
{
	for (uint32_t i = 0; k->choices[i]; i++)
		if (str_eq(text, str_of(k->choices[i]))) {
			*(uint32_t *)at = i;
			return 0;
		}
	return -EINVAL;
}

static int text_set(const struct config_key *k, struct str text, void *at)
{
	if (text.n >= k->size)
		return -EINVAL;
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return -EINVAL;
	memset(at, 0, k->size);
	if (text.n)
		memcpy(at, text.p, text.n);
	return 0;
}

static int filename_set(const struct config_key *k, struct str text, void *at)
{
	bool absent = text.n == 0 && k->standard[0] == '\0';

	if (!absent && (text.n < 2 || text.p[0] != '/' || text.p[text.n - 1] == '/'))
		return -EINVAL;
	return text_set(k, text, at);
}

static int address_set(const struct config_key *k, struct str text, void *at)
{
	struct str host;
	uint16_t port;

	return http_address(text, &host, &port) ? text_set(k, text, at) : -EINVAL;
}

static int kinds_set(const struct config_key *k, struct str text, void *at)
{
	uint64_t set;
	struct str bad;

	(void)k;
	if (memchr(text.p, ',', text.n) || kinds_parse(text, &set, &bad) != 0)
		return -EINVAL;
	*(uint64_t *)at |= set;
	return 0;
}

static void bool_put(const struct config_key *k, const void *at, struct buf *b)
{
	(void)k;
	buf_str(b, *(const bool *)at ? STR("true") : STR("false"));
}

static void uint_put(const struct config_key *k, const void *at, struct buf *b)
{
	(void)k;
	buf_u64(b, *(const uint32_t *)at);
}

static void choice_put(const struct config_key *k, const void *at, struct buf *b)
{
	buf_str(b, str_of(k->choices[*(const uint32_t *)at]));
}

static void text_put(const struct config_key *k, const void *at, struct buf *b)
{
	json_str(b, str_fixed(at, k->size));
}

static void kinds_put(const struct config_key *k, const void *at, struct buf *b)
{
	uint64_t set = *(const uint64_t *)at;
	bool any = false;

	(void)k;
	buf_char(b, '[');
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (set & KIND_BIT(i)) {
			buf_str(b, any ? STR(", ") : STR(""));
			buf_str(b, kind_table[i].name);
			any = true;
		}
	buf_char(b, ']');
}

static int list_set(const struct config_key *k, struct str text, void *at)
{
	struct config_lines *l = at;
	struct config_key one = *k;

	one.size = sizeof(l->line[0]);
	if (l->n == CONFIG_LINES || text.n == 0 || text_set(&one, text, l->line[l->n]) != 0)
		return -EINVAL;
	l->n++;
	return 0;
}

static int measure_set(struct str text, const char *unit, uint64_t min, uint64_t max, void *at)
{
	struct expr_value v;

	if (literal_read(text, VALUE_U64, unit, &v) || v.v.u64 < min || v.v.u64 > max)
		return -EINVAL;
	*(uint64_t *)at = v.v.u64;
	return 0;
}

static int time_set(const struct config_key *k, struct str text, void *at)
{
	return measure_set(text, "ns", k->min * NS_PER_MS, k->max * NS_PER_MS, at);
}

static int bytes_set(const struct config_key *k, struct str text, void *at)
{
	return measure_set(text, "bytes", (uint64_t)k->min << 10, (uint64_t)k->max << 10, at);
}

static void list_put(const struct config_key *k, const void *at, struct buf *b)
{
	const struct config_lines *l = at;

	(void)k;
	buf_char(b, '[');
	for (uint32_t i = 0; i < l->n; i++) {
		buf_str(b, i ? STR(", ") : STR(""));
		json_str(b, str_fixed(l->line[i], sizeof(l->line[i])));
	}
	buf_char(b, ']');
}

struct scale {
	uint64_t factor;
	const char *suffix;
};

static const struct scale times[] = { { 3600 * NS_PER_SEC, "h" },
				      { 60 * NS_PER_SEC, "m" },
				      { NS_PER_SEC, "s" },
				      { NS_PER_MS, "ms" },
				      { 1, "ns" } };
static const struct scale sizes[] = {
	{ 1ull << 30, "GiB" }, { 1 << 20, "MiB" }, { 1 << 10, "KiB" }, { 1, "B" }
};

/* In the largest unit that leaves a whole number. */
static void measure_put(uint64_t v, const struct scale *s, struct buf *b)
{
	while (v % s->factor)
		s++;
	buf_printf(b, "%llu%s", (unsigned long long)(v / s->factor), v ? s->suffix : "");
}

static void time_put(const struct config_key *k, const void *at, struct buf *b)
{
	(void)k;
	measure_put(*(const uint64_t *)at, times, b);
}

static void bytes_put(const struct config_key *k, const void *at, struct buf *b)
{
	(void)k;
	measure_put(*(const uint64_t *)at, sizes, b);
}

static const struct {
	int (*set)(const struct config_key *k, struct str text, void *at);
	void (*put)(const struct config_key *k, const void *at, struct buf *b);
	const char *expected; /* NULL: made from the row */
} types[] = {
	[CONFIG_BOOL] = { bool_set, bool_put, "true or false" },
	[CONFIG_UINT] = { uint_set, uint_put, NULL },
	[CONFIG_CHOICE] = { choice_set, choice_put, NULL },
	[CONFIG_TEXT] = { text_set, text_put, NULL },
	[CONFIG_FILENAME] = { filename_set, text_put, NULL },
	[CONFIG_ADDRESS] = { address_set, text_put,
			     "an address and a port, as 127.0.0.1:9876 or \"[::1]:9876\"" },
	[CONFIG_KINDS] = { kinds_set, kinds_put, "a list of kinds, as [exec, open], or all" },
	[CONFIG_LIST] = { list_set, list_put, "a list of at most 32 texts, as [\"a\", \"b\"]" },
	[CONFIG_TIME] = { time_set, time_put, NULL },
	[CONFIG_BYTES] = { bytes_set, bytes_put, NULL },
};

bool config_takes_list(const struct config_key *k)
{
	return k->type == CONFIG_KINDS || k->type == CONFIG_LIST;
}

/* "a time from 0 to 10m, as 30s" */
static void measure_expected(const struct config_key *k, struct buf *b)
{
	bool time = k->type == CONFIG_TIME;
	uint64_t factor = time ? NS_PER_MS : 1 << 10;

	buf_str(b, time ? STR("a time from ") : STR("a size from "));
	measure_put(k->min * factor, time ? times : sizes, b);
	buf_str(b, STR(" to "));
	measure_put(k->max * factor, time ? times : sizes, b);
	buf_str(b, time ? STR(", as 30s") : STR(", as 64MiB"));
}

int config_set(const struct config_key *k, struct str text, struct config *c)
{
	return types[k->type].set(k, text, member(k, c));
}

void config_clear(const struct config_key *k, struct config *c)
{
	memset(member(k, c), 0, k->size);
}

void config_expected(const struct config_key *k, struct buf *b)
{
	if (types[k->type].expected) {
		buf_str(b, str_of(types[k->type].expected));
	} else if (k->type == CONFIG_UINT) {
		buf_printf(b, "a whole number%s%s from %u to %u", k->unit ? " of " : "",
			   k->unit ? k->unit : "", k->min, k->max);
	} else if (k->type == CONFIG_CHOICE) {
		for (size_t i = 0; k->choices[i]; i++)
			buf_printf(b, "%s%s",
				   i == 0	     ? "" :
				   k->choices[i + 1] ? ", " :
						       " or ",
				   k->choices[i]);
	} else if (k->type == CONFIG_TIME || k->type == CONFIG_BYTES) {
		measure_expected(k, b);
	} else {
		buf_printf(b, "%s of at most %zu bytes",
			   k->type == CONFIG_TEXT ? "one line of text" : "an absolute file name",
			   k->size - 1);
	}
}

void config_default(struct config *ret)
{
	struct config c;

	memset(&c, 0, sizeof(c));
	for (size_t i = 0; i < config_keys_n; i++) {
		struct str left = str_of(config_keys[i].standard);

		while (config_takes_list(&config_keys[i]) && left.n) {
			const char *comma = memchr(left.p, ',', left.n);
			struct str one = { left.p, comma ? (size_t)(comma - left.p) : left.n };

			config_set(&config_keys[i], one, &c);
			left = str_skip(left, one.n + 1);
		}
		if (!config_takes_list(&config_keys[i]))
			config_set(&config_keys[i], left, &c);
	}
	memcpy(ret, &c, sizeof(c));
}

static struct str section_of(const struct config_key *k)
{
	return (struct str){ k->name, strcspn(k->name, ".") };
}

static void help_print(const struct config_key *k, struct buf *b)
{
	buf_printf(b, "  # %s\n  # ", k->help);
	config_expected(k, b);
	buf_char(b, '\n');
}

void config_print(const struct config *c, struct buf *b)
{
	struct str section = STR_NONE;

	for (size_t i = 0; i < config_keys_n; i++) {
		const struct config_key *k = &config_keys[i];

		if (!str_eq(section, section_of(k))) {
			section = section_of(k);
			buf_printf(b, "%s%.*s:\n", i ? "\n" : "", STR_ARG(section));
		}
		help_print(k, b);
		buf_printf(b, "  %s: ", k->name + section.n + 1);
		types[k->type].put(k, (const char *)c + k->offset, b);
		buf_char(b, '\n');
	}
}

void config_markdown(struct buf *b)
{
	struct str section = STR_NONE;
	struct config c;

	config_default(&c);
	buf_printf(b,
		   "# Configuration\n\n"
		   "One YAML file, `%s` unless `--config` names another. A key that is left out has "
		   "its\ndefault; one that is not known is an error. `porthole run --print-config` "
		   "prints all of\nthem with the values in force, in a form that reads back "
		   "identically.\n",
		   CONFIG_FILE);
	for (size_t i = 0; i < config_keys_n; i++) {
		const struct config_key *k = &config_keys[i];

		if (!str_eq(section, section_of(k))) {
			section = section_of(k);
			buf_printf(b,
				   "\n## %.*s\n\n| key | value | default | meaning |\n"
				   "|---|---|---|---|\n",
				   STR_ARG(section));
		}
		buf_printf(b, "| `%s` | ", k->name);
		config_expected(k, b);
		buf_str(b, STR(" | `"));
		types[k->type].put(k, (const char *)&c + k->offset, b);
		buf_printf(b, "` | %s |\n", k->help);
	}
}

static const char *const autos[] = { "auto", "false", "true", NULL };
static const char *const priorities[] = { "emergency",	   "alert",   "critical",
					  "error",	   "warning", "notice",
					  "informational", "debug",   NULL };
static const char *const matchings[] = { "first", "all", NULL };
static const char *const forms[] = { "json", "text", NULL };
static const char *const levels[] = { "error", "warning", "info", "debug", NULL };

#define AT(m) offsetof(struct config, m), sizeof(((struct config *)0)->m)

const struct config_key config_keys[] = {
	{ "metrics.enabled", CONFIG_BOOL, AT(metrics_enabled), .standard = "true",
	  .help = "Serve Prometheus metrics (/metrics) and /healthz over HTTP." },
	{ "metrics.address", CONFIG_ADDRESS, AT(metrics_address), .standard = "127.0.0.1:9876",
	  .help = "Where to serve them. There is no password: keep it on the loopback interface, or "
		  "behind something that has one." },
	{ "control.socket", CONFIG_FILENAME, AT(control_socket),
	  .standard = "/run/porthole/porthole.sock",
	  .help = "Unix socket that porthole events, overhead and others find the agent by; its "
		  "owner alone may use it." },
	{ "lock.file", CONFIG_FILENAME, AT(lock_file), .standard = "/run/porthole/porthole.pid",
	  .help = "Locked while the agent runs, so that a second one is refused; holds its pid." },
	{ "kube.enabled", CONFIG_CHOICE, AT(kube_enabled), .choices = autos, .standard = "auto",
	  .help = "Ask the Kubernetes API for names of pods and services; auto: where a service "
		  "account or a kubeconfig is found." },
	{ "kube.kubeconfig", CONFIG_FILENAME, AT(kube_kubeconfig), .standard = "",
	  .help = "Cluster and credentials; empty: the service account of the agent's pod, else "
		  "$KUBECONFIG." },
	{ "kube.node_name", CONFIG_TEXT, AT(kube_node_name), .standard = "",
	  .help = "This node as the API calls it; empty: $NODE_NAME, else the host's name." },
	{ "board.kinds", CONFIG_KINDS, AT(kinds), .standard = "exec,open,connect,accept",
	  .help = "What the board and the metrics count for each container; the life of processes "
		  "is followed in any case." },
	{ "board.refresh_ms", CONFIG_UINT, AT(board_refresh_ms), 100, 60000, "milliseconds",
	  .standard = "1000", .help = "How often the board is drawn anew on a terminal." },
	{ "board.summary_ms", CONFIG_UINT, AT(board_summary_ms), 1000, 3600000, "milliseconds",
	  .standard = "5000",
	  .help = "How often a summary line is written where there is no terminal." },
	{ "log.level", CONFIG_CHOICE, AT(log_level), .choices = levels, .standard = "info",
	  .help = "The least important messages to write to standard error." },
	{ "rules.enabled", CONFIG_CHOICE, AT(rules_enabled), .choices = autos, .standard = "auto",
	  .help = "Detection by rules; auto: when rules.files names some. With true and no files the "
		  "rules shipped with porthole are used." },
	{ "rules.files", CONFIG_LIST, AT(rules_files), .standard = "",
	  .help = "Rule files, or directories of them, in order. They are read again when they change "
		  "and on SIGHUP." },
	{ "rules.disable", CONFIG_LIST, AT(rules_disable), .standard = "",
	  .help = "Rules that stay silent: patterns of names, tag:PATTERN or file:PATTERN." },
	{ "rules.scopes", CONFIG_LIST, AT(rules_scopes), .standard = "",
	  .help = "Where rules apply: SELECTOR where EXPRESSION, as \"tag:network where "
		  "k8s.ns.name=shop\"." },
	{ "rules.priority", CONFIG_CHOICE, AT(rules_priority), .choices = priorities,
	  .standard = "debug", .help = "The least severe rules to load." },
	{ "rules.matching", CONFIG_CHOICE, AT(rules_matching), .choices = matchings,
	  .standard = "first", .help = "Alert for the first rule that matches an event, or for all." },
	{ "alerts.format", CONFIG_CHOICE, AT(alerts_format), .choices = forms, .standard = "json",
	  .help = "Form of alerts in files, on standard output and to journald and syslog; HTTP gets "
		  "JSON always." },
	{ "alerts.stdout", CONFIG_BOOL, AT(alerts_stdout), .standard = "false",
	  .help = "Write alerts to standard output, between the lines of the board." },
	{ "alerts.file", CONFIG_FILENAME, AT(alerts_file), .standard = "",
	  .help = "Append alerts to this file; empty: to none." },
	{ "alerts.file_size", CONFIG_BYTES, AT(alerts_file_bytes), 64, 1u << 30,
	  .standard = "64MiB", .help = "The file is rotated when it is larger." },
	{ "alerts.file_keep", CONFIG_UINT, AT(alerts_file_keep), 0, 100, .standard = "4",
	  .help = "How many rotated files to keep, as FILE.1 and so on." },
	{ "alerts.syslog", CONFIG_BOOL, AT(alerts_syslog), .standard = "false",
	  .help = "Send alerts to the local syslog." },
	{ "alerts.journald", CONFIG_BOOL, AT(alerts_journald), .standard = "false",
	  .help = "Send alerts to the systemd journal, with fields." },
	{ "alerts.http_url", CONFIG_TEXT, AT(alerts_http_url), .standard = "",
	  .help = "POST each alert to this address, one JSON object a request, as Falcosidekick "
		  "takes it; empty: to none." },
	{ "alerts.http_headers", CONFIG_LIST, AT(alerts_http_headers), .standard = "",
	  .help = "Headers to add, as \"Authorization: Bearer ...\"." },
	{ "alerts.http_ca", CONFIG_FILENAME, AT(alerts_http_ca), .standard = "",
	  .help = "Certificates to trust; empty: the system's." },
	{ "alerts.http_cert", CONFIG_FILENAME, AT(alerts_http_cert), .standard = "",
	  .help = "Client certificate, PEM." },
	{ "alerts.http_key", CONFIG_FILENAME, AT(alerts_http_key), .standard = "",
	  .help = "Its key, PEM." },
	{ "alerts.http_insecure", CONFIG_BOOL, AT(alerts_http_insecure), .standard = "false",
	  .help = "Do not check the server's certificate. For tests." },
	{ "alerts.http_timeout", CONFIG_TIME, AT(alerts_http_timeout_ns), 100, 600000,
	  .standard = "5s", .help = "How long one request may take." },
	{ "alerts.spool", CONFIG_FILENAME, AT(alerts_spool), .standard = "/var/lib/porthole/spool",
	  .help = "Where alerts wait while a receiver is down; they survive a restart, and a power cut but for the last second." },
	{ "alerts.spool_size", CONFIG_BYTES, AT(alerts_spool_bytes), 1024, 1u << 30,
	  .standard = "64MiB",
	  .help = "Its size at most; beyond it the oldest of the least severe alerts go, counted." },
	{ "alerts.dedup", CONFIG_TEXT, AT(alerts_dedup), .standard = "",
	  .help = "Fold equal alerts, as \"60s by rule, container.id, proc.name\": the first goes out "
		  "at once, the rest as a count; empty: all go out." },
	{ "alerts.rate_per_rule", CONFIG_TEXT, AT(alerts_rate_per_rule), .standard = "",
	  .help = "At most so many alerts of one rule, as \"10/s\" or \"600/m burst 100\"; the rest "
		  "are counted." },
	{ "alerts.rate_per_pod", CONFIG_TEXT, AT(alerts_rate_per_pod), .standard = "",
	  .help = "The same for alerts of one pod (or container, or host)." },
	{ "alerts.iso_time", CONFIG_BOOL, AT(alerts_iso_time), .standard = "false",
	  .help = "Dates in the text of alerts, in ISO 8601. Falcosidekick's own output format wants "
		  "it off." },
	{ "alerts.suggested", CONFIG_BOOL, AT(alerts_suggested), .standard = "true",
	  .help = "Append container, image and pod to each alert." },
	{ "alerts.hostname", CONFIG_TEXT, AT(alerts_hostname), .standard = "",
	  .help = "The host's name in alerts; empty: $FALCO_HOSTNAME, else the host's own." },
	{ "lookback.window", CONFIG_TIME, AT(lookback_window_ns), 0, 600000, .standard = "0",
	  .help = "Keep the last seconds of records in memory, and write a capture around alerts; 0: "
		  "off." },
	{ "lookback.after", CONFIG_TIME, AT(lookback_after_ns), 0, 600000, .standard = "5s",
	  .help = "How long a capture goes on after its alert, unless the rule says it "
		  "(capture_duration)." },
	{ "lookback.memory", CONFIG_BYTES, AT(lookback_memory_bytes), 256, 1u << 20,
	  .standard = "8MiB", .help = "Memory for the records that are kept." },
	{ "lookback.directory", CONFIG_FILENAME, AT(lookback_directory),
	  .standard = "/var/lib/porthole/captures", .help = "Where captures are written." },
	{ "lookback.disk", CONFIG_BYTES, AT(lookback_disk_bytes), 1024, 1u << 30,
	  .standard = "256MiB", .help = "Size of all captures at most; the oldest are removed." },
	{ "lookback.per_hour", CONFIG_UINT, AT(lookback_per_hour), 1, 100000, .standard = "60",
	  .help = "Captures an hour at most; alerts beyond go out without one, counted." },
	{ "lookback.marked_only", CONFIG_BOOL, AT(lookback_marked), .standard = "false",
	  .help = "Only for rules that say capture: true." },
	{ "profile.enabled", CONFIG_BOOL, AT(profile_enabled), .standard = "true",
	  .help = "Profile the node all the time, and keep it for porthole profile --from." },
	{ "profile.hz", CONFIG_UINT, AT(profile_hz), 1, 999, "samples a second and CPU",
	  .standard = "19",
	  .help = "How often; clients that ask the agent for samples get these too." },
	{ "profile.directory", CONFIG_FILENAME, AT(profile_directory),
	  .standard = "/var/lib/porthole/profiles",
	  .help = "Where profiles are kept, a file for each minute." },
	{ "profile.max_bytes", CONFIG_BYTES, AT(profile_max_bytes), 64, 1u << 30,
	  .standard = "256MiB", .help = "Size of all of them at most; the oldest are removed." },
	{ "profile.max_hours", CONFIG_UINT, AT(profile_max_hours), 1, 8760, "hours",
	  .standard = "24", .help = "Older ones are removed." },
	{ "store.enabled", CONFIG_BOOL, AT(store_enabled), .standard = "true",
	  .help = "Keep the node's recent history for porthole query." },
	{ "store.tables", CONFIG_LIST, AT(store_tables),
	  .standard = "requests,connections,processes,alerts",
	  .help = "What of it, by table (porthole query --tables); what is left out is not asked of "
		  "the kernel." },
	{ "store.directory", CONFIG_FILENAME, AT(store_directory),
	  .standard = "/var/lib/porthole/history",
	  .help = "Where it is kept, an SQLite file for each ten minutes or less." },
	{ "store.explain", CONFIG_BOOL, AT(store_explain), .standard = "true",
	  .help = "Keep with each request where its time went, for porthole requests explain: the "
		  "scheduler is watched for that." },
	{ "store.max_bytes", CONFIG_BYTES, AT(store_max_bytes), 16384, 1u << 30, .standard = "1GiB",
	  .help = "Size of all of it at most; the oldest goes." },
	{ "store.max_hours", CONFIG_UINT, AT(store_max_hours), 1, 8760, "hours", .standard = "24",
	  .help = "What is older goes." },
	{ "requests.enabled", CONFIG_BOOL, AT(requests_enabled), .standard = "true",
	  .help = "Metrics of applications' requests and their service graph at /metrics. The kernel "
		  "programs they need are those of store.tables' requests; with both off they are not "
		  "loaded." },
	{ "requests.series", CONFIG_UINT, AT(requests_series), 10, 20000, .standard = "2000",
	  .help = "Series at most; requests beyond are counted in one series of each metric whose "
		  "labels are other." },
	{ "requests.values", CONFIG_UINT, AT(requests_values), 2, 2000, .standard = "200",
	  .help = "Values of one label at most; further ones are counted as other." },
	{ "otlp.endpoint", CONFIG_TEXT, AT(otlp_endpoint), .standard = "",
	  .help = "Send requests as traces, their metrics, and alerts as logs to this receiver by "
		  "OTLP/HTTP, as http://collector:4318; empty: $OTEL_EXPORTER_OTLP_ENDPOINT, else to "
		  "none." },
	{ "otlp.headers", CONFIG_LIST, AT(otlp_headers), .standard = "",
	  .help = "Headers to add, as \"Authorization: Bearer ...\"." },
	{ "otlp.ca", CONFIG_FILENAME, AT(otlp_ca), .standard = "",
	  .help = "Certificates to trust; empty: the system's." },
	{ "otlp.cert", CONFIG_FILENAME, AT(otlp_cert), .standard = "",
	  .help = "Client certificate, PEM." },
	{ "otlp.key", CONFIG_FILENAME, AT(otlp_key), .standard = "", .help = "Its key, PEM." },
	{ "otlp.insecure", CONFIG_BOOL, AT(otlp_insecure), .standard = "false",
	  .help = "Do not check the server's certificate. For tests." },
	{ "otlp.gzip", CONFIG_BOOL, AT(otlp_gzip), .standard = "true",
	  .help = "Compress what is sent." },
	{ "otlp.timeout", CONFIG_TIME, AT(otlp_timeout_ns), 100, 600000, .standard = "10s",
	  .help = "How long one request may take." },
	{ "otlp.traces", CONFIG_BOOL, AT(otlp_traces), .standard = "true",
	  .help = "Send a span for each end of a request that is on this node." },
	{ "otlp.metrics", CONFIG_BOOL, AT(otlp_metrics), .standard = "true",
	  .help = "Send the metrics of requests, those of /metrics." },
	{ "otlp.logs", CONFIG_BOOL, AT(otlp_logs), .standard = "true",
	  .help = "Send alerts as log records." },
	{ "otlp.interval", CONFIG_TIME, AT(otlp_interval_ns), 100, 3600000, .standard = "60s",
	  .help = "How often metrics are sent." },
	{ "otlp.sample_percent", CONFIG_UINT, AT(otlp_sample_percent), 0, 100, "percent",
	  .standard = "100",
	  .help = "Traces to send; by their ids, so that all agents choose the same. Requests that "
		  "failed or were slow are sent in any case." },
	{ "otlp.slow", CONFIG_TIME, AT(otlp_slow_ns), 0, 3600000, .standard = "1s",
	  .help = "What is slow; 0: nothing." },
	{ "otlp.queue", CONFIG_BYTES, AT(otlp_queue_bytes), 64, 1 << 20, .standard = "4MiB",
	  .help = "What may wait of traces, and of logs, while the receiver is away; further ones "
		  "are dropped, counted." },
};
const size_t config_keys_n = sizeof(config_keys) / sizeof(config_keys[0]);
_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_KEYS_MAX, "raise it");
