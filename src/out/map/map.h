#pragma once
/*
 * A map of services (agg/service_map.h) for people and programs: text (a tree a client), Graphviz's dot, JSON, and one
 * page that draws it and needs nothing else.
 *
 * JSON: {"seconds","lost","folded","nodes":[{"id","kind","ns","name"}],"edges":[{"client","server" (ids),"protocol",
 * "port","requests","per_second","failed","unanswered","seen_at_both_ends","p50_ns","p99_ns","max_ns",
 * "client_ns":{p50,p99,max},"server_ns":{...},"request_bytes","response_bytes","opened","closed","refused",
 * "sent_bytes","received_bytes","retransmits"}]}; members that are not known are absent ("ns", latencies). Names are
 * any bytes made valid UTF-8.
 *
 * Names come from anywhere: each form escapes them as its readers need.
 */
#include "agg/service_map.h"
#include "base/buf.h"

struct map_out_opts {
	double seconds;	 /* watched, more than 0 */
	uint64_t lost;	 /* events that never reached the map */
	int64_t time_ms; /* Unix time of its end; 0: not known */
};

typedef void map_out_fn(const struct map_report *r, const struct map_out_opts *o, struct buf *b);

map_out_fn map_text, map_dot, map_json, map_html;

/* The form of that name; NULL: there is none. */
map_out_fn *map_out_find(const char *name);

/* "shop/web", escaped for terminals. */
void map_node_text(const struct map_node *n, struct buf *b);
/* "1.2ms"; "-" when there is none. */
void map_ns_text(const struct map_latency *l, uint64_t ns, struct buf *b);
