#pragma once
/* The map's tables, shared between what fills them (service_map.c) and what tells them (service_map_report.c). */
#include "agg/histogram.h"
#include "agg/map_ends.h"
#include "agg/service_map.h"
#include "base/intern.h"

/* Who saw it. A request that both ends see counts in CLIENT, and once more in BOTH. */
enum map_view {
	VIEW_CLIENT,
	VIEW_BOTH,   /* the server, and the client saw it too */
	VIEW_SERVER, /* the server alone */
	VIEWS
};

struct map_figures {
	uint64_t requests, failed, unanswered, request_bytes, response_bytes, request_retransmits;
	uint64_t opened, closed, refused, sent, received, retransmits;
	struct histogram *latency; /* NULL: nothing was timed */
};

struct map_edge_entry {
	uint32_t client, server;
	struct str protocol;
	uint16_t port;
	struct map_figures view[VIEWS];
};

struct map_node_entry {
	enum map_kind kind;
	uint32_t ns, name; /* of texts */
};

/* One sighting, as long as it waits. */
struct map_waiting {
	struct map_seen seen; /* without what is borrowed */
	struct ip cip, sip;
	uint16_t cport, sport;
	uint8_t l4;
	bool at_server;
	uint32_t self, peer; /* nodes; MAP_NOBODY */
};

struct service_map {
	struct budget text_budget, index_budget;
	struct intern texts;
	struct slots node_index, edge_index;
	struct map_node_entry node[SERVICE_MAP_NODES + 1]; /* 0: other */
	struct map_edge_entry *edge;			   /* 0: other to other */
	uint32_t nodes, edges;
	struct map_ends *ends, *names;
	struct map_waiting waiting[SERVICE_MAP_WAIT];
	uint64_t put, taken; /* of waiting */
	struct map_stats stats;
};

/* Counts all that waits. */
void service_map_settle(struct service_map *m);
