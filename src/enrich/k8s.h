#pragma once
/*
 * What Kubernetes said: pods, containers, services, endpoints, nodes and namespaces, found by UID,
 * container id and address. Fed with objects (kube/obj.h) and nothing else, so it is the same live
 * and on replay. It knows nothing of connections: while the API is away, the last state stands.
 *
 * A deleted pod, and a container its pod no longer lists, are still found for K8S_GRACE_NS (at most
 * K8S_DEAD_MAX of each; the oldest go first). An address belongs to the newest running pod that has
 * it; a finished or deleted pod has it only while nobody else does. Pods on the host's network have
 * none.
 *
 * Look-ups take constant time and allocate nothing. What they return is valid until the next
 * k8s_feed or k8s_expire; k8s_version tells whether anything changed since. A pod's `gen` changes
 * when what it shows changes, and no two states of any pods ever have the same one (until 2^32
 * changes).
 *
 * One owner, one thread. Memory: 10 MiB for 10,000 remote pods with two addresses each, as
 * many endpoint slices and 1,000 services (measured by the test).
 */
#include "event/subject.h"
#include "kube/obj.h"

#define K8S_PODS_MAX	   65536u
#define K8S_CONTAINERS_MAX 16384u
#define K8S_OBJECTS_MAX	   65536u /* of each other type */
#define K8S_ADDRESSES_MAX  262144u
#define K8S_CLAIMS_MAX	   16u /* objects that have the same address */
#define K8S_POD_IPS	   2u
#define K8S_DEAD_MAX	   4096u
#define K8S_GRACE_NS	   (120 * NS_PER_SEC)

struct k8s;

struct k8s_pod {
	struct pod pod; /* labels, annotations, privileged, service account: this node's pods' only */
	struct str static_uid, phase;
	bool host_network;
	bool local;		/* on this node: has containers */
	struct boot_ns removed; /* 0: exists */
};

struct k8s_container {
	struct str id, name, image;
	const struct k8s_pod *pod;
	uint32_t restarts;
	uint8_t kind;		/* enum kube_container_kind */
	uint8_t privileged;	/* enum said */
	struct boot_ns removed; /* 0: the pod lists it */
};

/* A namespace, service, endpoint slice or node. */
struct k8s_object {
	uint8_t type; /* enum kube_type */
	struct str uid, ns, name;
	struct str service; /* of a slice; its namespace is the slice's */
	struct str labels;  /* "k=v,k=v" sorted by key; namespaces and nodes */
};

struct k8s_stats {
	uint64_t pods, pods_dead, containers, containers_dead, namespaces, services, slices, nodes;
	uint64_t addresses;
	uint64_t fed;
	uint64_t full; /* objects, containers and addresses refused: a maximum, or no memory */
	uint64_t bad_address;
};

/* 0 or -ENOMEM. */
int k8s_new(struct k8s **ret);
void k8s_free(struct k8s *t);

/* Applies one object; its strings are copied. What does not fit is counted in `full`. */
void k8s_feed(struct k8s *t, const struct kube_obj *o, struct boot_ns now);

/*
 * Forgets what has been gone for longer than the grace period. Cheap when there is nothing to do.
 */
void k8s_expire(struct k8s *t, struct boot_ns now);

/* Grows with every visible change. */
uint64_t k8s_version(const struct k8s *t);
void k8s_stats(const struct k8s *t, struct k8s_stats *ret);

/* NULL when unknown. @uid has dashes; a static pod is also found by the UID its cgroups have. */
const struct k8s_pod *k8s_pod_by_uid(const struct k8s *t, struct str uid);
const struct k8s_container *k8s_container_by_id(const struct k8s *t, struct str id);
const struct k8s_object *k8s_namespace_by_name(const struct k8s *t, struct str name);

/* By address; IPv4 written as ::ffff:a.b.c.d is IPv4. */
const struct k8s_pod *k8s_pod_by_ip(const struct k8s *t, const struct ip *ip);
const struct k8s_object *k8s_service_by_ip(const struct k8s *t, const struct ip *ip);
const struct k8s_object *k8s_node_by_ip(const struct k8s *t, const struct ip *ip);
/* The slice, whose `service` is the answer; of several the first by namespace and service name. */
const struct k8s_object *k8s_slice_by_ip(const struct k8s *t, const struct ip *ip);

/*
 * Who is behind an address, as one would say it: the pod, else the service, the node, the
 * endpoint's service.
 */
enum k8s_peer_kind {
	K8S_PEER_NONE,
	K8S_PEER_POD,
	K8S_PEER_SERVICE,
	K8S_PEER_NODE,
	K8S_PEER_ENDPOINT
};

struct k8s_peer {
	enum k8s_peer_kind kind;
	struct str ns, name;	   /* of the pod, service or node */
	const struct k8s_pod *pod; /* when it is one */
};

struct k8s_peer k8s_peer_by_ip(const struct k8s *t, const struct ip *ip);

/*
 * The table as objects, for the start of a capture: feeding them to an empty table gives the same
 * answers (without the dead). @each borrows its object for the call; not 0 stops and is returned.
 */
int k8s_each(const struct k8s *t, int (*each)(void *ctx, const struct kube_obj *o), void *ctx);
