/*
 * The keys, and what each type of value is: how it is set from text, described, and printed. Adding
 * a key is one row at the end and one member of struct config.
 */
#include "agent/config_table.h"

#include <errno.h>
#include <stddef.h>

#include "api/http.h"
#include "base/json.h"
#include "event/event.h"

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
};

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

		while (config_keys[i].type == CONFIG_KINDS && left.n) {
			const char *comma = memchr(left.p, ',', left.n);
			struct str one = { left.p, comma ? (size_t)(comma - left.p) : left.n };

			config_set(&config_keys[i], one, &c);
			left = str_skip(left, one.n + 1);
		}
		if (config_keys[i].type != CONFIG_KINDS)
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
};
const size_t config_keys_n = sizeof(config_keys) / sizeof(config_keys[0]);
_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_KEYS_MAX, "raise it");
