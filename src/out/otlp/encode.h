#pragma once
/*
 * OpenTelemetry's protocol as bytes: spans, histograms, log records and the resources they are of. Protocol Buffers by
 * base/protobuf.h rather than protobuf-c: these are a dozen flat messages that are only written, straight from borrowed
 * text, where generated code wants a tree of allocations a span and another library on the node.
 *
 * Field numbers: opentelemetry-proto 1.x, trace.proto, metrics.proto, logs.proto, common.proto, resource.proto. Names
 * of attributes: agg/semconv.h. A request is {repeated group = 1}; a group {resource = 1, scope = 2 {scope = 1, repeated
 * item = 2}}, the same for all three signals.
 *
 * Text that is no UTF-8 becomes '?' a byte, as protobuf's strings want it. Plain functions; any thread that may read
 * what they are given.
 */
#include "agg/request_metrics.h"

struct otlp_trace {
	uint8_t trace[16], span[8], parent[8];
	bool has_parent;
};

/* Of the agent; texts are borrowed. */
struct otlp_node {
	struct str host, node; /* k8s.node.name; absent: not in a cluster */
};

/* "00-<32 hex>-<16 hex>-<2 hex>" as W3C Trace Context has it; false: it is none. Fills trace and parent. */
bool otlp_traceparent(struct str s, struct otlp_trace *ret);

/* The Resource of who made or served a request, as a message. */
void otlp_resource(const struct sem_view *v, const struct otlp_node *n, struct buf *b);

/* The agent's own: of alerts. */
void otlp_resource_agent(const struct otlp_node *n, struct buf *b);

/* A Span, as a message. @boot_to_wall_ns: added to the event's times. */
void otlp_span(struct sem_view *v, const struct otlp_trace *t, int64_t boot_to_wall_ns,
	       struct buf *b);

struct otlp_log {
	uint64_t wall_ns;
	uint32_t priority; /* 0 (emergency) to 7 (debug), as syslog's */
	struct str priority_name, rule, text, json;
};

/* A LogRecord, as a message. */
void otlp_log_record(const struct otlp_log *l, struct buf *b);

/*
 * A whole ExportMetricsServiceRequest; cumulative. A point's start is its series' first request, so that one which was
 * dropped as idle and came back is told apart from a counter that went backwards.
 */
void otlp_metrics(const struct rm_snapshot *s, const struct otlp_node *n, int64_t boot_to_wall_ns,
		  uint64_t now_wall_ns, struct buf *b);

/* Appends a group with one resource and items (already written as repeated field 2). */
void otlp_group(struct str resource, struct str items, struct buf *b);
