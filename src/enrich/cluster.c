/*
 * Names from outside. A container's blob is seven strings, each u16 length and bytes: id, name,
 * image, pod namespace, pod name, pod UID, "sandbox" or empty.
 */
#include "enrich/cluster.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/cur.h"
#include "enrich/container_name.h"

struct cluster {
	struct cgroup_table *cgroups;
	struct k8s *k8s;
	struct arena arena; /* of one object */
};

void cluster_free(struct cluster *c)
{
	if (!c)
		return;
	k8s_free(c->k8s);
	arena_free(&c->arena);
	free(c);
}

static bool pod_update(struct pod *to, const struct pod *from)
{
	bool changed = false;

	changed |= table_text_set(&to->ns, from->ns);
	changed |= table_text_set(&to->name, from->name);
	changed |= table_text_set(&to->node, from->node);
	changed |= table_text_set(&to->owner_kind, from->owner_kind);
	changed |= table_text_set(&to->owner_name, from->owner_name);
	changed |= table_text_set(&to->service_account, from->service_account);
	changed |= table_text_set(&to->labels, from->labels);
	to->ip = from->ip;
	to->gen += changed;
	return changed;
}

static bool container_update(struct container *to, struct str name, struct str image)
{
	bool changed = false;

	if (name.n)
		changed |= table_text_set(&to->name, name);
	if (image.n)
		changed |= table_text_set(&to->image, image);
	to->gen += changed;
	return changed;
}

/* A cgroup became known: perhaps the cluster knows its pod and container already. */
static void cgroup_named_cb(void *ctx, struct cgroup *cg)
{
	struct cluster *c = ctx;
	const struct k8s_container *kc;
	const struct k8s_pod *kp;

	kp = cg->pod ? k8s_pod_by_uid(c->k8s, cg->pod->uid) : NULL;
	if (kp)
		pod_update(cg->pod, &kp->pod);
	kc = cg->container ? k8s_container_by_id(c->k8s, cg->container->id) : NULL;
	if (kc)
		container_update(cg->container, kc->name, kc->image);
}

int cluster_new(struct cgroup_table *cgroups, struct cluster **ret)
{
	struct cluster *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->cgroups = cgroups;
	err = k8s_new(&c->k8s);
	if (!err)
		err = arena_init(&c->arena, KUBE_ARENA_BYTES);
	if (err) {
		cluster_free(c);
		return err;
	}
	cgroup_on_named(cgroups, cgroup_named_cb, c);
	*ret = c;
	return 0;
}

static bool pod_named(struct cluster *c, const struct kube_obj *o)
{
	struct str uid = o->static_uid.n ? o->static_uid : o->uid;
	const struct k8s_pod *kp = k8s_pod_by_uid(c->k8s, o->uid);
	struct pod *pod = pod_find(c->cgroups, uid);
	bool changed = pod && kp && pod_update(pod, &kp->pod);

	for (size_t i = 0; i < o->containers_n; i++) {
		struct container *to = o->containers[i].id.n ?
					       container_find(c->cgroups, o->containers[i].id) :
					       NULL;

		if (to)
			changed |=
				container_update(to, o->containers[i].name, o->containers[i].image);
	}
	return changed;
}

bool cluster_object(struct cluster *c, struct str blob, struct boot_ns now)
{
	struct kube_obj o;

	arena_reset(&c->arena);
	if (!blob.p || kube_obj_decode(cur_of(blob.p, blob.n), &c->arena, &o) != 0)
		return false;
	k8s_feed(c->k8s, &o, now);
	return o.type == KUBE_POD && o.op == KUBE_UPSERT && pod_named(c, &o);
}

static void record_put(struct buf *b, const char *text)
{
	uint16_t n = (uint16_t)strlen(text);

	buf_add(b, &n, sizeof(n));
	buf_add(b, text, n);
}

void container_record(struct buf *b, struct str id, const struct container_name *name)
{
	uint16_t n = (uint16_t)id.n;

	buf_add(b, &n, sizeof(n));
	buf_str(b, id);
	record_put(b, name->name);
	record_put(b, name->image);
	record_put(b, name->pod_ns);
	record_put(b, name->pod_name);
	record_put(b, name->pod_uid);
	record_put(b, name->sandbox ? "sandbox" : "");
}

enum {
	PART_ID,
	PART_NAME,
	PART_IMAGE,
	PART_NS,
	PART_POD,
	PART_UID,
	PART_SANDBOX,
	PARTS
};

static bool record_read(struct str blob, struct str part[PARTS])
{
	struct cur c = cur_of(blob.p, blob.n);

	for (size_t i = 0; i < PARTS; i++) {
		uint16_t n;

		if (!cur_u16(&c, &n) || !cur_str(&c, n, &part[i]))
			return false;
	}
	return cur_left(&c) == 0;
}

bool cluster_container(struct cluster *c, struct str blob)
{
	struct str part[PARTS];
	struct container *to;
	bool changed = false;

	if (!blob.p || !record_read(blob, part))
		return false;
	to = container_find(c->cgroups, part[PART_ID]);
	if (!to)
		return false;
	/* The runtime's word counts only where the cluster has said nothing. */
	changed = container_update(to, to->name.p ? STR_NONE : part[PART_NAME],
				   to->image.p ? STR_NONE : part[PART_IMAGE]);
	if (to->pod && !to->pod->name.p && part[PART_POD].n) {
		table_text_set(&to->pod->ns, part[PART_NS]);
		table_text_set(&to->pod->name, part[PART_POD]);
		to->pod->gen++;
		changed = true;
	}
	return changed;
}

void cluster_peer(const struct cluster *c, struct evt_fd *fd)
{
	static const struct str kinds[] = {
		[K8S_PEER_NONE] = { NULL, 0 },		 [K8S_PEER_POD] = { "pod", 3 },
		[K8S_PEER_SERVICE] = { "service", 7 },	 [K8S_PEER_NODE] = { "node", 4 },
		[K8S_PEER_ENDPOINT] = { "endpoint", 8 },
	};
	struct k8s_peer p;

	if (!fd->conn.remote.len)
		return;
	p = k8s_peer_by_ip(c->k8s, &fd->conn.remote);
	fd->peer = (struct peer){ kinds[p.kind], p.ns, p.name };
}

const struct k8s *cluster_k8s(const struct cluster *c)
{
	return c->k8s;
}
