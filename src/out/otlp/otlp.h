#pragma once
/*
 * Sends spans, metrics and log records to a receiver of OTLP over HTTP with protobuf bodies (a collector, port 4318).
 *
 * Who has something puts it into a queue, encoded, and goes on: a span costs its encoding and a copy. One thread sends;
 * each signal has a queue of `queue_bytes`, one request under way, and its own time to try again:
 *
 *	otlp_span_put, otlp_log_put --> queue --> request (at most OTLP_REQUEST_BYTES) --> POST --> done
 *	                                  |                      ^                          |
 *	                              full: dropped              +--- 429, 502, 503, 504, --+--> others: dropped
 *	                                                              no answer: later
 *
 * Again later: after Retry-After, else 1 s, 2 s, 4 s ... 32 s, each times 0.5 to 1.5 by chance; after OTLP_GIVE_UP_NS
 * the request is dropped. A 200 with partial_success is not sent again; what it says was rejected is counted (reply.h).
 * https://opentelemetry.io/docs/specs/otlp/ ("OTLP/HTTP")
 */
#include "out/otlp/encode.h"

#define OTLP_REQUEST_BYTES (1u << 20)
#define OTLP_GIVE_UP_NS	   (300 * NS_PER_SEC)
#define OTLP_BATCH_NS	   NS_PER_SEC /* how long spans and logs gather */

enum otlp_signal {
	OTLP_TRACES,
	OTLP_METRICS,
	OTLP_LOGS,
	OTLP_SIGNALS,
};

struct otlp_opts {
	const char *endpoint; /* "http://collector:4318"; /v1/traces and so on are appended */
	const char *const *headers;
	size_t nheaders;
	const char *ca, *cert, *key; /* as in base/post.h */
	bool insecure, gzip;
	bool on[OTLP_SIGNALS];
	uint32_t timeout_ms;
	uint64_t interval_ns;	 /* of metrics */
	size_t queue_bytes;	 /* of each of traces and logs */
	uint32_t sample_percent; /* 0 to 100; failed and slow requests are sent whatever it is */
	uint64_t slow_ns;	 /* 0: none is slow */
	int64_t boot_to_wall_ns;
	struct otlp_node node; /* copied */
	/* The metrics of now; 0 or -errno. On the sender's thread. */
	int (*snapshot)(void *ctx, struct rm_snapshot *ret);
	void *ctx;
};

struct otlp_counts {
	uint64_t sent;	     /* items that a receiver took */
	uint64_t queue_full; /* dropped before they were sent */
	uint64_t refused;    /* dropped: the receiver will not have the request */
	uint64_t given_up;   /* dropped: it was away for too long, or the agent ended */
	uint64_t rejected;   /* of requests that were taken, by partial_success */
	uint64_t retries;
	uint64_t unsampled; /* traces: left out by sample_percent */
};

struct otlp_stats {
	struct otlp_counts of[OTLP_SIGNALS]; /* items: spans, series, records */
	char trouble[OTLP_SIGNALS][160];     /* of the last try; "": it went well */
};

extern const char *const otlp_signal_names[OTLP_SIGNALS]; /* "traces", ... */

struct otlp;

/* 0, or -errno with what is wrong in @why. No thread yet. */
int otlp_new(const struct otlp_opts *o, struct otlp **ret, struct buf *why);
int otlp_start(struct otlp *o);

/* The producer's thread. */
void otlp_span_put(struct otlp *o, struct sem_view *v);
void otlp_log_put(struct otlp *o, const struct otlp_log *l);

/* Any thread. */
void otlp_stats(struct otlp *o, struct otlp_stats *ret);

/* Sends what is queued, once, for at most @deadline_ms; frees. What was not sent is returned, as items. */
uint64_t otlp_stop(struct otlp *o, uint32_t deadline_ms);
