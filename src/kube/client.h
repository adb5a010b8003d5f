#pragma once
/*
 * The Kubernetes API client: one thread that keeps six lists up to date and tells of every change.
 *
 *   list (pages of page_limit) -> watch from its resourceVersion -> watch again when it ends
 *     410 Gone, or an expired continue token   list again
 *     cut, silence, 5xx, 401                   the same again later
 *     403, 404                                 said once, tried again after denied_retry_ms
 *   What happens to one resource does not touch the others.
 *
 * Waiting times double from backoff_min_ms to backoff_max_ms, with half of each drawn by lot; a
 * server's Retry-After is kept to. A watch on which nothing came for stale_ms (bookmarks come about
 * each minute) is taken for dead and renewed. Each resource has its own HTTP/1.1 connection, so a
 * dead connection costs one watch. The bearer token is read from its file for every request.
 *
 * Memory: one object at a time per resource (max_object_bytes), whatever the size of a list. An
 * object that is too large, no JSON, or has no name is skipped and counted; the stream goes on.
 *
 * Threads: start and stop from one thread; sink and note are called on the client's own thread, one
 * at a time, and must not block for long nor call stop; status from any thread. The thread has all
 * signals blocked, and the capabilities its creator had at the start: drop them before.
 *
 * Sources: Kubernetes documentation, "Kubernetes API Concepts" (watch, bookmarks, pages, 410,
 * limits of resourceVersion) and "API Priority and Fairness" (Retry-After).
 */
#include "kube/auth.h"
#include "kube/obj.h"

enum kube_resource {
	KUBE_RES_NODE_PODS, /* this node's, in full; off without a node name */
	KUBE_RES_PODS,	    /* the other nodes' running ones: who has which address */
	KUBE_RES_NAMESPACES,
	KUBE_RES_SERVICES,
	KUBE_RES_ENDPOINTSLICES,
	KUBE_RES_NODES,
	KUBE_RESOURCES,
};

enum kube_state {
	KUBE_STATE_OFF,
	KUBE_STATE_LISTING,
	KUBE_STATE_WATCHING,
	KUBE_STATE_WAITING, /* for the next try after a failure */
	KUBE_STATE_DENIED,  /* the same, after 403 or 404 */
};

/* A zero means the default given here. */
struct kube_client_conf {
	const char *node_name;	   /* NULL or "": all pods come by KUBE_RES_PODS */
	uint32_t off;		   /* bit 1 << enum kube_resource: leave it out */
	uint32_t page_limit;	   /* 500 objects; at most 100,000 */
	uint32_t connect_ms;	   /* 10,000 */
	uint32_t list_stall_ms;	   /* 30,000: no byte of a list, or no answer to a watch */
	uint32_t stale_ms;	   /* 150,000: no byte of a watch */
	uint32_t watch_timeout_s;  /* 300 to twice that, by lot: the server ends a watch then */
	uint32_t backoff_min_ms;   /* 500 */
	uint32_t backoff_max_ms;   /* 30,000 */
	uint32_t denied_retry_ms;  /* 300,000 */
	uint32_t start_spread_ms;  /* 1,000: cluster-wide lists start within it, by lot */
	uint32_t max_object_bytes; /* 2 MiB */
};

struct kube_status {
	const char *name; /* "node-pods", "pods", "namespaces", ... */
	uint8_t state;	  /* enum kube_state */
	bool synced;	  /* one whole list has been seen since the start */
	int http_code;	  /* of the last reply; 0: there was none */
	char error[160];  /* the last failure; "" since the last success */
	uint64_t requests, lists, watches, failures;
	uint64_t objects, bytes;  /* upserts and deletes handed out; bytes of bodies */
	uint64_t rejected_size;	  /* objects above the limits of kube/split.h */
	uint64_t rejected_json;	  /* no JSON object, or a watch event without its parts */
	uint64_t rejected_object; /* no name or UID */
	uint64_t cut;		  /* strings and elements left out: above a maximum */
};

/*
 * Something changed that a person may want to know of: said when a resource first works, when it
 * starts to fail or fails in another way, and when it works again; not at every retry.
 */
struct kube_note {
	uint8_t resource; /* enum kube_resource */
	uint8_t state;	  /* WATCHING: it works; WAITING, DENIED: it does not */
	int http_code;
	const char *name;
	const char *text; /* the error; "" when it works */
};

typedef void kube_sink_fn(void *ctx, const struct kube_obj *o);
typedef void kube_note_fn(void *ctx, const struct kube_note *n);

struct kube_client;

/*
 * Starts the thread. @auth and @conf are copied; @note may be NULL. 0; -EINVAL: no server, or a
 * page_limit out of range; -ENOMEM; -EAGAIN: no thread. A server out of reach is no failure here.
 */
int kube_client_start(const struct kube_auth *auth, const struct kube_client_conf *conf,
		      kube_sink_fn *sink, kube_note_fn *note, void *ctx,
		      struct kube_client **ret_client);

/* Any thread, until stop. @resource is below KUBE_RESOURCES. */
void kube_client_status(struct kube_client *c, enum kube_resource resource,
			struct kube_status *ret_status);

/* Ends the thread, within a second whatever the server does, and frees all. NULL is fine. */
void kube_client_stop(struct kube_client *c);

/* "off", "listing", "watching", "waiting", "denied"; "?" out of range. */
const char *kube_state_name(unsigned state);
