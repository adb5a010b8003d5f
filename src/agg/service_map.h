#pragma once
/*
 * Who speaks to whom: requests and connections, as each end on this node sees them, to nodes and edges.
 *
 * A node is, the first that is known: a service of the cluster, a workload, a pod, a container, a process of the host;
 * for an end that is elsewhere what the cluster says of its address, a name that was asked for at a DNS server (the
 * latest), the address. Public addresses without a name that come as clients are put together by /24 (IPv6: /48); a
 * server's stand alone.
 *
 * An edge is (client, server, protocol, server's port). When both ends are on this node, each request is seen twice; it
 * is counted once, and the latencies of both are told: the client's has the way and the wait before the server in it.
 * For that an end's address and port tell who it is, and what is seen waits (SERVICE_MAP_WAIT of them) before it is
 * counted, because the other end's view may come after it.
 *
 * A connection that no parser reads is an edge of the protocol "tcp", when its beginning or its end is seen. Memory is
 * bounded: what is beyond SERVICE_MAP_NODES or _EDGES goes to one node of the kind `other`, and is counted. About 5 MiB,
 * and 2 to 6 KiB an edge. One thread; no clock.
 */
#include "event/event.h"

#define SERVICE_MAP_NODES 4096
#define SERVICE_MAP_EDGES 16384
#define SERVICE_MAP_NAMES 16384 /* addresses with a DNS name */
#define SERVICE_MAP_ENDS  32768 /* addresses and ports */
#define SERVICE_MAP_WAIT  4096

enum map_kind {
	MAP_NONE, /* not known: as a peer, go by its address */
	MAP_SERVICE,
	MAP_WORKLOAD,
	MAP_POD,
	MAP_CONTAINER,
	MAP_PROCESS,
	MAP_MACHINE, /* a node of the cluster */
	MAP_NAME,    /* DNS */
	MAP_ADDRESS,
	MAP_OTHER,
	MAP_KINDS
};

struct map_who {
	enum map_kind kind;
	struct str ns, name; /* ns: absent but for the cluster's */
};

enum map_what {
	MAP_REQUEST,
	MAP_OPENED, /* a connection is there */
	MAP_CLOSED,
};

/* One thing as one end saw it. Everything is borrowed; `protocol` must be static. */
struct map_seen {
	enum map_what what;
	struct map_who self, peer;
	const struct conn *conn;
	struct str protocol; /* requests */
	bool failed, unanswered, timed;
	bool refused; /* closed: there never was a connection */
	uint64_t latency_ns;
	/* Requests: to the server, to the client. Closed: sent and received by this end. */
	uint64_t out_bytes, in_bytes;
	uint64_t retransmits;
};

struct map_latency {
	uint64_t n, p50_ns, p99_ns, max_ns; /* n 0: none was timed */
};

struct map_node {
	enum map_kind kind;
	struct str ns, name;
};

struct map_edge {
	uint32_t client, server; /* index into the nodes */
	struct str protocol;
	uint16_t port;				 /* the server's; 0: folded */
	uint64_t requests, failed, unanswered;	 /* unanswered ones are not in failed */
	uint64_t both;				 /* of the requests: seen at both ends */
	uint64_t request_bytes, response_bytes;	 /* of the requests */
	uint64_t opened, closed, refused;	 /* connections, in the time watched */
	uint64_t sent, received;		 /* by the client, of connections that closed */
	uint64_t retransmits;			 /* segments, of the ends that are on this node */
	struct map_latency client_ns, server_ns; /* as each end measured it */
};

struct map_stats {
	uint64_t seen, nodes_folded, edges_folded; /* folded: sightings that went to `other` */
	uint64_t names_full, ends_evicted, names_evicted;
	uint64_t no_memory; /* sightings not counted */
};

struct map_report {
	struct map_node *nodes; /* those that edges have, sorted by kind, ns, name */
	size_t nodes_n;
	struct map_edge *edges; /* sorted by client, server, protocol, port */
	size_t edges_n;
	struct map_stats stats;
};

struct service_map;

/* 0 or -ENOMEM. */
int service_map_new(struct service_map **ret);
void service_map_free(struct service_map *m);

/* Remembers who is at @s's ends, whatever comes of it; service_map_add does it too. */
void service_map_learn(struct service_map *m, const struct map_seen *s);
void service_map_add(struct service_map *m, const struct map_seen *s);

/* A DNS answer: addresses by comma. What is no address is passed over. */
void service_map_name(struct service_map *m, struct str name, struct str addresses);

/*
 * All so far; what waits is counted first. 0 or -ENOMEM. Strings live as long as @m; release the arrays with
 * map_report_free.
 */
int service_map_report(struct service_map *m, struct map_report *ret);
void map_report_free(struct map_report *r);

/* "service", "workload", ... */
const char *map_kind_name(enum map_kind k);

/* What to call an edge's latency: the client's when it was seen there. */
static inline const struct map_latency *map_edge_latency(const struct map_edge *e)
{
	return e->client_ns.n ? &e->client_ns : &e->server_ns;
}
