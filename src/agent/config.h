#pragma once
/*
 * The agent's configuration: one YAML file. Each key stands in one table (config_table.c) with its
 * type, range, default and help; from it come reading, printing and doc/CONFIG.md.
 *
 * A file is a mapping of sections and keys; what it leaves out has its default. No anchors, no
 * tags, one document, at most CONFIG_BYTES_MAX bytes. Errors name file, line and column, show the line
 * with a caret, and say what was expected; an unknown key names the nearest known one.
 *
 * `struct config` owns nothing: copy it freely. Strings are "" when not set.
 */
#include "base/buf.h"
#include "base/log.h"

#define CONFIG_BYTES_MAX (1u << 20)
#define CONFIG_PATH	 512
#define CONFIG_SOCKET	 100 /* sun_path is 108 */
#define CONFIG_NAME	 256
#define CONFIG_FILE	 "/etc/porthole/porthole.yaml"

enum config_auto {
	CONFIG_AUTO,
	CONFIG_FALSE,
	CONFIG_TRUE,
};

#define CONFIG_LINES 32

struct config_lines {
	uint32_t n;
	char line[CONFIG_LINES][CONFIG_PATH];
};

struct config {
	bool metrics_enabled;
	char metrics_address[CONFIG_NAME]; /* "127.0.0.1:9876", "[::1]:9876" */
	char control_socket[CONFIG_SOCKET];
	char lock_file[CONFIG_PATH];
	uint32_t kube_enabled; /* enum config_auto: auto: when in a cluster, or a kubeconfig is set */
	char kube_kubeconfig[CONFIG_PATH];
	char kube_node_name[CONFIG_NAME];
	uint64_t kinds;		   /* KIND_BITs: what the board counts, beside process life */
	uint32_t board_refresh_ms; /* on a terminal */
	uint32_t board_summary_ms; /* elsewhere: one line */
	uint32_t log_level;	   /* enum log_level */
	uint32_t rules_enabled;	   /* enum config_auto: auto: when files are named */
	struct config_lines rules_files, rules_disable, rules_scopes;
	uint32_t rules_priority; /* enum priority: less severe ones are left out */
	uint32_t rules_matching; /* 0: the first rule that matches an event, 1: all */
	uint32_t alerts_format;	 /* 0: JSON, 1: text */
	bool alerts_stdout, alerts_syslog, alerts_journald, alerts_iso_time, alerts_suggested;
	char alerts_hostname[CONFIG_NAME];
	char alerts_file[CONFIG_PATH];
	uint64_t alerts_file_bytes;
	uint32_t alerts_file_keep;
	char alerts_http_url[CONFIG_PATH], alerts_http_ca[CONFIG_PATH];
	char alerts_http_cert[CONFIG_PATH], alerts_http_key[CONFIG_PATH];
	struct config_lines alerts_http_headers;
	bool alerts_http_insecure;
	uint64_t alerts_http_timeout_ns;
	char alerts_spool[CONFIG_PATH];
	uint64_t alerts_spool_bytes;
	char alerts_dedup[CONFIG_PATH];
	char alerts_rate_per_rule[CONFIG_NAME], alerts_rate_per_pod[CONFIG_NAME];
	uint64_t lookback_window_ns; /* 0: off */
	uint64_t lookback_after_ns, lookback_memory_bytes, lookback_disk_bytes;
	char lookback_directory[CONFIG_PATH];
	uint32_t lookback_per_hour;
	bool lookback_marked; /* only for rules with `capture: true` */
	bool profile_enabled;
	uint32_t profile_hz;
	char profile_directory[CONFIG_PATH];
	uint64_t profile_max_bytes;
	uint32_t profile_max_hours;
	bool store_enabled, store_explain;
	struct config_lines store_tables;
	char store_directory[CONFIG_PATH];
	uint64_t store_max_bytes;
	uint32_t store_max_hours;
	bool requests_enabled;
	uint32_t requests_series, requests_values;
	char otlp_endpoint[CONFIG_PATH], otlp_ca[CONFIG_PATH];
	char otlp_cert[CONFIG_PATH], otlp_key[CONFIG_PATH];
	struct config_lines otlp_headers;
	bool otlp_insecure, otlp_gzip, otlp_traces, otlp_metrics, otlp_logs;
	uint64_t otlp_timeout_ns, otlp_interval_ns, otlp_slow_ns, otlp_queue_bytes;
	uint32_t otlp_sample_percent;
};

void config_default(struct config *ret);

/*
 * Reads @path over the defaults. 0; -EINVAL: the file is wrong; another -errno: it could not be
 * read. The reason (several lines) is appended to @why, and *ret is untouched then.
 */
int config_read(const char *path, struct config *ret, struct buf *why);

/* The same from text; @name stands for the file in messages. */
int config_parse(struct str text, const char *name, struct config *ret, struct buf *why);

/* YAML with every key, its help as a comment before it; config_parse reads back the same. */
void config_print(const struct config *c, struct buf *b);

/* The reference page, doc/CONFIG.md. */
void config_markdown(struct buf *b);
