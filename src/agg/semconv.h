#pragma once
/*
 * OpenTelemetry's semantic conventions for requests, as tables: which protocols belong to which family, which
 * metrics a family has, which attributes and buckets those have, and how each attribute is read from an event.
 * A name that the conventions change is one line here. Prometheus' names are made of these (sem_prom_name).
 *
 * Names are those of the last release, 1.44: HTTP stable, database's duration stable, RPC a release candidate
 * (rpc.*.call.duration; the status is rpc.response.status_code until the next release renames it), messaging and DNS
 * in development. https://github.com/open-telemetry/semantic-conventions
 *
 * The names of a service graph's metrics are Tempo's. Plain reads of an event; any thread that may read it.
 */
#include "base/buf.h"
#include "event/event.h"
#include "event/request.h"

#define SEM_ATTRS_MAX 12 /* of a metric */
#define SEM_SCRATCH   64

enum sem_family {
	SEM_HTTP,
	SEM_RPC,
	SEM_DB,
	SEM_MESSAGING,
	SEM_DNS,
	SEM_GRAPH, /* of all families */
};

struct sem_protocol {
	const char *name; /* as req.protocol has it */
	enum sem_family family;
	const char *system; /* as the conventions call it; NULL: the family has none */
};

/* NULL: the conventions know nothing of it. */
const struct sem_protocol *sem_protocol_find(struct str name);

/* A request with what is needed to read it; sem_look fills it. Borrows the event. */
struct sem_view {
	const struct event *ev;
	const struct request *r;
	const struct sem_protocol *protocol; /* may be NULL */
	bool server;			     /* the local end was asked */
	struct str service, peer; /* this end's service.name; both ends' names in a graph: */
	struct str workload;
	char number[SEM_SCRATCH], address[SEM_SCRATCH];
};

/*
 * @peer: the other end's name for the graph, absent: not known to the cluster, then its host's name, "local" or
 * "outside" stand for it.
 */
void sem_look(const struct event *ev, struct str peer, struct sem_view *ret);

/*
 * Failed as its family sees it: an HTTP client calls 4xx a failure, a server does not; a gRPC server only what is its
 * own fault. No answer is one.
 */
bool sem_failed(const struct sem_view *v);

enum sem_attr {
	SEM_SERVICE,
	SEM_NS,
	SEM_POD,
	SEM_CONTAINER,
	SEM_OWNER_ATTRS, /* those before are of the resource, those from here on of the request */
	SEM_METHOD = SEM_OWNER_ATTRS,
	SEM_SCHEME,
	SEM_ROUTE,
	SEM_HTTP_STATUS,
	SEM_ERROR_TYPE,
	SEM_SERVER_ADDRESS,
	SEM_SERVER_PORT,
	SEM_RPC_SYSTEM,
	SEM_RPC_METHOD,
	SEM_RPC_STATUS,
	SEM_DB_SYSTEM,
	SEM_DB_OPERATION,
	SEM_DB_NAMESPACE,
	SEM_DB_STATUS,
	SEM_DB_SUMMARY,
	SEM_MSG_SYSTEM,
	SEM_MSG_OPERATION,
	SEM_MSG_TYPE,
	SEM_MSG_DESTINATION,
	SEM_DNS_NAME,
	SEM_CLIENT,
	SEM_SERVER,
	SEM_ATTRS,
};

struct sem_attr_def {
	const char *name; /* the conventions' */
	const char *prom; /* NULL: as the conventions' with underscores */
	bool number;	  /* OTLP: an integer */
	bool (*get)(struct sem_view *v, struct str *ret);
};

extern const struct sem_attr_def sem_attrs[SEM_ATTRS];

/* false: the request does not have it. *ret is valid until the next sem_get of the view. */
static inline bool sem_get(struct sem_view *v, enum sem_attr a, struct str *ret)
{
	return sem_attrs[a].get(v, ret) && ret->n;
}

#define SEM_BOUNDS_MAX 14

enum sem_side {
	SEM_CLIENT_SIDE,
	SEM_SERVER_SIDE,
	SEM_EITHER_SIDE, /* once a request where that can be told: see sem_metric_takes */
};

struct sem_metric {
	const char *name; /* the conventions', or Prometheus' where there are none */
	enum sem_family family;
	enum sem_side side;
	bool counter;		/* requests and failures, no durations */
	const uint32_t *bounds; /* of buckets, in us, rising; the last bucket has no bound */
	uint32_t nbounds;
	const char *help;
	uint8_t attrs[SEM_ATTRS_MAX]; /* enum sem_attr; beside the resource's unless of SEM_GRAPH */
	uint32_t nattrs;
};

extern const struct sem_metric sem_metrics[];
extern const size_t sem_metrics_n;

/*
 * Whether the metric is about this request. A request whose two ends are watched is told twice: the graph's count takes
 * the client's, and the server's only when nobody watches the client: it is neither on this node nor in a pod.
 */
bool sem_metric_takes(const struct sem_metric *m, const struct sem_view *v);

/* "http.server.request.duration" to "http_server_request_duration_seconds"; counters keep their name. */
void sem_prom_name(const struct sem_metric *m, struct buf *b);
void sem_prom_label(enum sem_attr a, struct buf *b);
