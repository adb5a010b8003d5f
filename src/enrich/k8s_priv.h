#pragma once
/*
 * The inside of enrich/k8s.h, shared by k8s.c (feeding, answers), k8s_pod.c, k8s_object.c,
 * k8s_addr.c (addresses) and k8s_dump.c (objects out). An item is what the public header shows,
 * followed by what keeps it in lists and indexes.
 *
 *   address -> claim -> claim -> ...   sorted by kind, in a kind by preference; the first of a
 *                                      kind is the answer. Claims lie in the item that makes them.
 */
#include <sys/queue.h>

#include "base/buf.h"
#include "enrich/k8s.h"
#include "enrich/k8s_index.h"

enum claim_kind {
	CLAIM_POD,
	CLAIM_SERVICE,
	CLAIM_NODE,
	CLAIM_ENDPOINT
};

struct k8s_addr {
	struct ip ip;
	struct claim *claims;
};

struct claim {
	struct claim *next;
	struct k8s_addr *addr; /* NULL: no claim */
	void *owner;	       /* a pod_item for CLAIM_POD, else an obj_item */
	uint8_t kind;
	bool weak; /* a pod that has ended: only while nobody else claims */
};

struct cont_item {
	struct k8s_container pub;
	TAILQ_ENTRY(cont_item) link; /* the dead */
	struct cont_item *next;	     /* of the same pod */
	uint32_t seen;
	char id[];
};

struct pod_item {
	struct k8s_pod pub;
	TAILQ_ENTRY(pod_item) link; /* the living, or the dead */
	struct cont_item *containers;
	char *text; /* uid, name, static uid, labels, annotations */
	struct claim claims[K8S_POD_IPS];
	struct ip ips[K8S_POD_IPS];
	uint32_t epoch[KUBE_SCOPES];
	uint8_t present; /* bit 1 << scope: that stream has it */
	bool weak, host; /* as the claims were made */
};

struct obj_item {
	struct k8s_object pub;
	TAILQ_ENTRY(obj_item) link;
	struct claim *claims;
	char *text; /* uid, name, labels */
	uint32_t epoch;
	uint16_t claims_n;
	uint8_t scope;
};

TAILQ_HEAD(pod_list, pod_item);
TAILQ_HEAD(cont_list, cont_item);
TAILQ_HEAD(obj_list, obj_item);

struct k8s {
	struct k8s_strings strings;
	struct k8s_index pods, statics, containers, objects, namespaces, addresses;
	struct pod_list living, dead;
	struct cont_list dead_containers;
	struct obj_list lists[KUBE_TYPES];
	uint32_t epoch[KUBE_TYPES][KUBE_SCOPES];
	bool syncing[KUBE_TYPES][KUBE_SCOPES];
	uint64_t objects_n[KUBE_TYPES];
	struct k8s_stats stats;
	uint64_t version;
	uint32_t gen, seen;
	struct buf scratch; /* labels and annotations being put together */
};

/* --- k8s_addr.c */

/* False when @s is no address. IPv4 in IPv6 becomes IPv4. */
bool k8s_ip_parse(struct str s, struct ip *ret);
struct ip k8s_ip_plain(const struct ip *ip);

void k8s_addr_init(struct k8s *t);

/* Enters @c (kind, owner, weak are set) under @ip; counts in `full` when it cannot. */
void k8s_claim(struct k8s *t, struct claim *c, const struct ip *ip);
void k8s_release(struct k8s *t, struct claim *c);

/* The first claim of that kind, or NULL. */
const struct claim *k8s_claim_find(const struct k8s *t, const struct ip *ip, enum claim_kind kind);

/* --- k8s.c: text. Labels as "k=v,k=v" sorted by key, in t->scratch. */
struct str k8s_labels_text(struct k8s *t, const struct kube_obj *o);

/* Labels, and annotations as "k=v" each ended by NUL, both sorted by key, in t->scratch. */
void k8s_pod_text(struct k8s *t, const struct kube_obj *o, struct str *ret_labels,
		  struct str *ret_annotations);

/*
 * The parts one after the other in one malloc'ed block, NULL on no memory; *to[i] is the copy of
 * part[i].
 */
char *k8s_text_join(const struct str *part, struct str *const *to, size_t n);

/* Replaces a shared string by another. 0, or -ENOMEM: the old one stays. */
int k8s_shared_set(struct k8s *t, struct str *at, struct str value);

/* --- k8s_pod.c */
void k8s_pods_init(struct k8s *t);
void k8s_pod_upsert(struct k8s *t, const struct kube_obj *o, struct boot_ns now);
void k8s_pod_delete(struct k8s *t, struct pod_item *p, unsigned scope, struct boot_ns now);
/* Deletes what the last resync of @scope did not name. */
void k8s_pods_sweep(struct k8s *t, unsigned scope, struct boot_ns now);
/* Frees a pod, dead or alive, with its containers. */
void k8s_pod_forget(struct k8s *t, struct pod_item *p);
void k8s_container_free(struct k8s *t, struct cont_item *c);

/* --- k8s_object.c */
void k8s_objects_init(struct k8s *t);
void k8s_object_upsert(struct k8s *t, const struct kube_obj *o);
void k8s_object_forget(struct k8s *t, struct obj_item *i);
void k8s_objects_sweep(struct k8s *t, unsigned type, unsigned scope);
