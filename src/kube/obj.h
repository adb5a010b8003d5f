#pragma once
/*
 * One Kubernetes object as porthole needs it: the few fields that name a process, a container or an
 * address. It is what kube/client.h hands out, what captures hold (encoded) and what enrich/k8s.h
 * is fed with, so that a replay needs no cluster.
 *
 *   pod            scope NODE (this node, full) or CLUSTER (the rest: ns, name, uid, node, owner,
 *                  phase, addresses, host_network only)
 *                  annotations: at most KUBE_ANNOTATIONS_MAX, none with a value above
 *                  KUBE_ANNOTATION_MAX bytes, never kubectl's copy of the whole object
 *   namespace      name, labels
 *   service        ns, name, cluster addresses
 *   endpointslice  ns, name, service (the service's name), endpoint addresses
 *   node           name, internal addresses, labels
 *
 * RESYNC_BEGIN and RESYNC_END carry only type and scope: whatever of that type and scope was not
 * upserted between them is gone. A BEGIN may come again without an END (the list was restarted).
 *
 * All strings and arrays are borrowed: from the sink's caller for the time of the call, or, after
 * kube_obj_decode, strings from the record and arrays from the arena. Absent strings are empty.
 *
 * Encoded form, version 1, little-endian (S = u16 length + bytes):
 *   u16 version | u8 type | u8 op | u8 scope | u8 flags (1 = host network) |
 *   S uid static_uid ns name node owner_kind owner_name service service_account phase |
 *   u16 count, S address ... | u16 count, S key, S value ... |
 *   u16 count, { u32 restarts, u8 kind, S name, S id, S image } ...
 * Version 2, written only when one of these was told, goes on:
 *   u8 privileged of the pod | u8 privileged of each container | u16 count, S key, S value ...
 * Fields come from the Kubernetes API reference v1 (core) and discovery.k8s.io/v1.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/cur.h"

#define KUBE_OBJ_VERSION     2	    /* and 1 */
#define KUBE_OBJ_MAX_BYTES   65000u /* one encoded object */
#define KUBE_STR_MAX	     320u   /* longest string kept; label keys have at most 317 bytes */
#define KUBE_ADDRESSES_MAX   1000u
#define KUBE_LABELS_MAX	     64u
#define KUBE_CONTAINERS_MAX  64u
#define KUBE_ANNOTATIONS_MAX 32u
#define KUBE_ANNOTATION_MAX  512u   /* bytes of a value */
#define KUBE_ARENA_BYTES     65536u /* enough for the arrays of one object */

enum kube_type {
	KUBE_POD,
	KUBE_NAMESPACE,
	KUBE_SERVICE,
	KUBE_ENDPOINTSLICE,
	KUBE_NODE,
	KUBE_TYPES,
};

enum kube_op {
	KUBE_UPSERT,
	KUBE_DELETE,
	KUBE_RESYNC_BEGIN,
	KUBE_RESYNC_END,
	KUBE_OPS,
};

enum kube_scope {
	KUBE_SCOPE_NODE,
	KUBE_SCOPE_CLUSTER,
	KUBE_SCOPES,
};

enum kube_container_kind {
	KUBE_CONTAINER_MAIN,
	KUBE_CONTAINER_INIT,
	KUBE_CONTAINER_EPHEMERAL,
	KUBE_CONTAINER_KINDS,
};

/* As enum said of event/subject.h. */
enum kube_said {
	KUBE_SAID_NOTHING,
	KUBE_SAID_NO,
	KUBE_SAID_YES,
	KUBE_SAIDS,
};

struct kube_label {
	struct str key, value; /* no NUL in those of annotations */
};

struct kube_container {
	struct str name;
	struct str id; /* without "containerd://"; empty while it waits to start */
	struct str image;
	uint32_t restarts;
	uint8_t kind;	    /* enum kube_container_kind */
	uint8_t privileged; /* enum kube_said: of its security context in the pod's spec */
};

struct kube_obj {
	uint8_t type, op, scope; /* the enums above */
	bool host_network;
	uint8_t privileged; /* enum kube_said: of all containers of the spec, when they agree */
	uint16_t addresses_n, labels_n, containers_n, annotations_n;
	struct str uid;
	struct str static_uid; /* static pods: the UID in their cgroup paths, which is not `uid` */
	struct str ns, name, node;
	struct str owner_kind, owner_name; /* the controller; a ReplicaSet's Deployment */
	struct str service, service_account, phase;
	const struct str *addresses; /* text, IPv4 or IPv6 */
	const struct kube_label *labels;
	const struct kube_container *containers;
	const struct kube_label *annotations;
};

/* Lower case, singular: "pod", "upsert"; "?" for a number out of range. */
const char *kube_type_name(unsigned type);
const char *kube_op_name(unsigned op);

/*
 * Appends the record to @b. 0; -EINVAL: an enum out of range, a string or array above its maximum,
 * or a NUL in an annotation; -E2BIG: longer than KUBE_OBJ_MAX_BYTES, even without its annotations
 * (they are left out where only they are too much); -ENOMEM: @b is full. On failure @b holds what
 * it held.
 */
int kube_obj_encode(struct buf *b, const struct kube_obj *o);

/*
 * Reads one record that fills @c exactly. 0; -EPROTONOSUPPORT: a later version; -EBADMSG: cut
 * short, too long, trailing bytes, or a value out of range; -ENOMEM: @a is full. @ret_o is
 * untouched on failure.
 */
int kube_obj_decode(struct cur c, struct arena *a, struct kube_obj *ret_o);
