#pragma once
/*
 * The metrics page: a snapshot of the agent's counters in, Prometheus' text format out (version
 * 0.0.4; names and units as its documentation advises: porthole_ first, base units, _total).
 *
 * struct metrics is plain data, filled by the agent's thread; text slices in it are constants of
 * the program (names of kinds, probes, reasons). Owners of cgroups are copied, at most
 * METRICS_SERIES_MAX pairs of owner and kind; the rest is summed up as owner "other".
 */
#include "base/buf.h"
#include "event/event.h"

#define METRICS_PROBES_MAX   32
#define METRICS_LOSSES_MAX   64
#define METRICS_REFUSALS_MAX 64
#define METRICS_KUBE_MAX     8
#define METRICS_SERIES_MAX   500
#define METRICS_RULES_MAX    512
#define METRICS_CHANNELS_MAX 8
#define METRICS_RULE_BYTES   128
#define METRICS_NAME_BYTES   64
#define METRICS_POD_BYTES    256

struct metrics_kind {
	uint64_t events;    /* records handed over by the kernel programs */
	uint64_t ring_full; /* lost */
	uint64_t map_full;  /* lost: a table of the kernel program was full */
	uint64_t fault;	    /* pieces that could not be read */
	uint64_t cut;	    /* pieces longer than their maximum */
};

struct metrics_probe {
	const char *name;
	const char *state; /* "on", "degraded", "unavailable", "off" */
	char why[256];
};

/* Losses that are not a kind's: what is lost, why, how often. */
struct metrics_loss {
	const char *what, *reason; /* words of a label: "records", "damaged" */
	uint64_t n;
};

struct metrics_kube {
	const char *resource; /* "pods", ... */
	bool synced;	      /* listed, and the watch is alive */
	uint64_t objects, errors;
};

/*
 * What an owner did, of one kind. `container` is the container's name, or the systemd unit or the
 * cgroup's path where there is none; a part that is absent is empty.
 */
struct metrics_series {
	char ns[METRICS_NAME_BYTES], pod[METRICS_POD_BYTES], container[METRICS_POD_BYTES];
	uint32_t hash; /* of the three and the kind */
	uint8_t kind;  /* enum kind_id */
	uint64_t events, errors;
};

/* A detection rule. */
struct metrics_rule {
	char name[METRICS_RULE_BYTES];
	const char *priority;
	uint64_t evaluated, matched, alerts;
};

/* Where alerts go. */
struct metrics_channel {
	char name[METRICS_NAME_BYTES];
	bool failing;
	uint64_t sent, failures, refused, pending, dropped;
};

/* Detection as a whole; `on` false: none of it is printed. */
struct metrics_detect {
	bool on;
	uint64_t rules, reloads, reloads_refused;
	uint64_t alerts, folded, limited_rule, limited_pod, unrendered, intake_dropped;
	uint64_t spool_bytes;
	uint64_t spool_absent, spool_expired, spool_sync_errors; /* see alert/outlets.h */
	uint64_t captures, captures_failed, captures_limited, captures_cut, captures_removed;
};

/* The continuous profile; `on` false: none of it is printed. */
struct metrics_profile {
	bool on;
	uint64_t parts, samples, late, removed, bytes;
};

/* The recent history; likewise. */
struct metrics_history {
	bool on;
	uint64_t rows, removed, bytes;
};

/* Requests; likewise. */
struct metrics_requests {
	bool on;
	uint64_t requests, unknown, series, values, folded, full;
};

/* The sender of OTLP, by signal: traces, metrics, logs; likewise. */
#define METRICS_SIGNALS 3

struct metrics_otlp {
	bool on;
	uint64_t sent[METRICS_SIGNALS], retries[METRICS_SIGNALS], unsampled;
};

struct metrics {
	const char *version;
	uint32_t pid;
	uint64_t start_wall_ns, uptime_ns;
	uint64_t records, events;
	struct metrics_kind kinds[KIND_COUNT];
	size_t nprobes, nlosses, nkube, nseries;
	struct metrics_probe probes[METRICS_PROBES_MAX];
	struct metrics_loss losses[METRICS_LOSSES_MAX];
	size_t nrefusals;
	struct metrics_loss refusals[METRICS_REFUSALS_MAX]; /* of parsers; what: the protocol */
	struct metrics_kube kube[METRICS_KUBE_MAX];
	uint64_t procs, procs_dead, procs_unknown, cgroups, containers, pods;
	uint64_t clients, clients_lost; /* of the control socket; lines they did not get */
	uint64_t cpu_ns, rss_bytes;
	struct metrics_series series[METRICS_SERIES_MAX];
	struct metrics_series other[KIND_COUNT];
	struct metrics_detect detect;
	struct metrics_profile profile;
	struct metrics_history history;
	struct metrics_requests requests;
	struct metrics_otlp otlp;
	size_t nrules, nchannels;
	struct metrics_rule rules[METRICS_RULES_MAX]; /* beyond: not by name */
	struct metrics_channel channels[METRICS_CHANNELS_MAX];
};

void metrics_loss_add(struct metrics *m, const char *what, const char *reason, uint64_t n);

/* What a parser refused; equal ones are added up. Texts are static. */
void metrics_refusal_add(struct metrics *m, const char *protocol, const char *reason, uint64_t n);
void metrics_probe_add(struct metrics *m, const char *name, const char *state, const char *why);
void metrics_kube_add(struct metrics *m, const struct metrics_kube *k);

/* One more rule; NULL when there is no room. The name is cut and made valid UTF-8. */
struct metrics_rule *metrics_rule_add(struct metrics *m, struct str name, const char *priority);
struct metrics_channel *metrics_channel_add(struct metrics *m, const char *name);

/* Adds to the series of that owner and kind, made when new; to "other" when there are too many. */
void metrics_series_add(struct metrics *m, struct str ns, struct str pod, struct str container,
			enum kind_id kind, uint64_t events, uint64_t errors);

/* The page. */
void metrics_print(const struct metrics *m, struct buf *b);
