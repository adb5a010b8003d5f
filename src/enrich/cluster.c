/*
 * Names from outside. A container's blob is strings, each u16 length and bytes: id, name, image, pod
 * namespace, pod name, pod UID, "sandbox" or empty; then, in captures since this was known, image
 * id, address, "yes" or "no" for privileged (empty: unknown), all mounts with their NULs.
 */
#include "enrich/cluster.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/cur.h"
#include "enrich/container_name.h"
#include "enrich/k8s_priv.h"

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
	changed |= table_text_set(&to->annotations, from->annotations);
	changed |= memcmp(&to->ip, &from->ip, sizeof(to->ip)) != 0;
	changed |= to->privileged != from->privileged;
	to->ip = from->ip;
	to->privileged = from->privileged;
	to->gen += changed;
	return changed;
}

/*
 * "registry:5000/path/name:tag@sha256:..." in its parts, which borrow it. The colon of a port comes
 * before a slash. A name that is only an id or digest has no parts but the digest.
 */
static void image_split(struct container *c)
{
	struct str rest = c->image, tag = STR_NONE;
	const char *at = rest.n ? memchr(rest.p, '@', rest.n) : NULL, *slash, *colon;

	c->digest = c->repository = c->tag = STR_NONE;
	if (str_starts(rest, STR("sha256:"))) {
		c->digest = rest;
		return;
	}
	if (at) {
		c->digest = str_skip(rest, (size_t)(at - rest.p) + 1);
		rest.n = (size_t)(at - rest.p);
	}
	slash = rest.n ? memrchr(rest.p, '/', rest.n) : NULL;
	colon = rest.n ? memrchr(rest.p, ':', rest.n) : NULL;
	if (colon && (!slash || colon > slash)) {
		tag = str_skip(rest, (size_t)(colon - rest.p) + 1);
		rest.n = (size_t)(colon - rest.p);
	}
	c->repository = rest.n ? rest : STR_NONE;
	c->tag = tag.n ? tag : !at && rest.n ? STR("latest") : STR_NONE;
}

static bool container_update(struct container *to, struct str name, struct str image)
{
	bool changed = false;

	if (name.n)
		changed |= table_text_set(&to->name, name);
	/* An id says less than a name that is known. */
	if (image.n && !(to->repository.n && str_starts(image, STR("sha256:")))) {
		changed |= table_text_set(&to->image, image);
		image_split(to);
	}
	to->gen += changed;
	return changed;
}

/* What the pod's spec says of the container; the runtime's own word stands beside it. */
static bool container_spec(struct container *to, uint8_t privileged)
{
	bool changed = privileged && privileged != to->spec_privileged;

	if (changed)
		to->spec_privileged = privileged;
	to->gen += changed;
	return changed;
}

/* What only the runtime knows. */
static bool container_facts(struct container *to, struct str image_id, struct str ip,
			    struct str privileged, struct str mounts)
{
	const struct container before = *to;
	bool changed = !to->told;

	changed |= table_text_set(&to->image_id, image_id.n ? image_id : STR_NONE);
	changed |= table_text_set(&to->mounts, mounts.n ? mounts : STR_NONE);
	k8s_ip_parse(ip, &to->ip);
	if (privileged.n)
		to->privileged = str_eq(privileged, STR("yes")) ? SAID_YES : SAID_NO;
	to->told = true;
	changed |= before.privileged != to->privileged;
	changed |= memcmp(&before.ip, &to->ip, sizeof(to->ip)) != 0;
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
	if (kc) {
		container_update(cg->container, kc->name, kc->image);
		container_spec(cg->container, kc->privileged);
	}
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
		const struct kube_container *k = &o->containers[i];
		struct container *to = k->id.n ? container_find(c->cgroups, k->id) : NULL;

		if (!to)
			continue;
		changed |= container_update(to, k->name, k->image);
		changed |= container_spec(to, k->privileged);
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

static void bytes_put(struct buf *b, const char *p, size_t bytes)
{
	uint16_t n = (uint16_t)bytes;

	buf_add(b, &n, sizeof(n));
	buf_add(b, p, n);
}

static void record_put(struct buf *b, const char *text)
{
	bytes_put(b, text, strlen(text));
}

void container_record(struct buf *b, struct str id, const struct container_name *name)
{
	static const char *const said[] = { "", "no", "yes" };

	bytes_put(b, id.p, id.n);
	record_put(b, name->name);
	record_put(b, name->image);
	record_put(b, name->pod_ns);
	record_put(b, name->pod_name);
	record_put(b, name->pod_uid);
	record_put(b, name->sandbox ? "sandbox" : "");
	record_put(b, name->image_id);
	record_put(b, name->ip);
	record_put(b, said[name->privileged]);
	bytes_put(b, name->mounts, name->mounts_n);
}

enum {
	PART_ID,
	PART_NAME,
	PART_IMAGE,
	PART_NS,
	PART_POD,
	PART_UID,
	PART_SANDBOX,
	PARTS_OLD,
	PART_IMAGE_ID = PARTS_OLD,
	PART_IP,
	PART_PRIVILEGED,
	PART_MOUNTS,
	PARTS
};

/* How many parts there are: all, or those of before; 0 when it is neither. */
static size_t record_read(struct str blob, struct str part[PARTS])
{
	struct cur c = cur_of(blob.p, blob.n);
	size_t i;

	for (i = 0; i < PARTS && cur_left(&c); i++) {
		uint16_t n;

		if (!cur_u16(&c, &n) || !cur_str(&c, n, &part[i]))
			return 0;
	}
	return cur_left(&c) == 0 && (i == PARTS || i == PARTS_OLD) ? i : 0;
}

bool cluster_container(struct cluster *c, struct str blob)
{
	struct str part[PARTS];
	size_t parts = blob.p ? record_read(blob, part) : 0;
	struct container *to;
	bool changed = false;

	if (!parts)
		return false;
	to = container_find(c->cgroups, part[PART_ID]);
	if (!to)
		return false;
	/* The runtime's word counts only where the cluster has said nothing. */
	changed = container_update(to, to->name.p ? STR_NONE : part[PART_NAME],
				   to->image.p ? STR_NONE : part[PART_IMAGE]);
	if (parts == PARTS)
		changed |= container_facts(to, part[PART_IMAGE_ID], part[PART_IP],
					   part[PART_PRIVILEGED], part[PART_MOUNTS]);
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
