/*
 * Where it ran: container.*, k8s.*. What the runtime's files and the cluster say comes a moment
 * after the container's first process (agent/outside.h); until then those fields are absent.
 */
#include <fnmatch.h>

#include "base/arena.h"
#include "enrich/enrich.h"
#include "enrich/fields.h"

static const struct container *container_of(const struct event *ev)
{
	const struct cgroup *cg = ev->proc->cgroup;

	return cg ? cg->container : NULL;
}

static bool container_str_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			      struct value *ret)
{
	const struct container *c = container_of(ev);

	ret->type = VALUE_STR;
	if (nth || !c)
		return false;
	ret->str = *(const struct str *)field_member(c, ref);
	return ret->str.p != NULL;
}

/* "host" outside containers, as Falco has it; absent where the cgroup is not known. */
static bool container_or_host_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
				  struct value *ret)
{
	const struct cgroup *cg = ev->proc->cgroup;

	if (nth || !cg || !cg->path.p)
		return false;
	if (cg->container)
		return container_str_get(ev, ref, nth, ret);
	ret->type = VALUE_STR;
	ret->str = STR("host");
	return true;
}

/* The runtime's word, the spec's of this container, the spec's of all containers of its pod. */
static enum said privileged_of(const struct container *c)
{
	if (c->privileged)
		return c->privileged;
	if (c->spec_privileged)
		return c->spec_privileged;
	return c->pod ? (enum said)c->pod->privileged : SAID_NOTHING;
}

static bool privileged_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			   struct value *ret)
{
	const struct container *c = container_of(ev);
	enum said said = c ? privileged_of(c) : SAID_NOTHING;

	(void)ref;
	ret->type = VALUE_BOOL;
	ret->b = said == SAID_YES;
	return nth == 0 && said != SAID_NOTHING;
}

/* A container begins with the first process of its pid namespace; one that has none of its own with the node. */
static bool begin_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	uint64_t begin = ev->proc->pidns_start.ns;

	ret->type = ref->field->type;
	if (nth || !container_of(ev) || !begin)
		return false;
	if (ret->type == VALUE_TIME)
		ret->u64 = begin + (uint64_t)ev->host->boot_to_wall_ns;
	else
		ret->u64 = ev->time.ns > begin ? ev->time.ns - begin : 0;
	return true;
}

/* --- mounts ----------------------------------------------------------------------------------- */

enum mount_part {
	MOUNT_SOURCE,
	MOUNT_DEST,
	MOUNT_MODE,
	MOUNT_RDWR,
	MOUNT_PROPAGATION,
	MOUNT_ALL,
};
#define MOUNT_KEY_MAX 512

/* Part @n of "a:b:c:d:e"; the first two hold no colon in what is stored. */
static struct str mount_part(struct str m, unsigned n)
{
	const char *colon;

	if (n == MOUNT_ALL)
		return m;
	for (; n; n--) {
		colon = memchr(m.p, ':', m.n);
		m = str_skip(m, colon ? (size_t)(colon - m.p) + 1 : m.n);
	}
	colon = memchr(m.p, ':', m.n);
	return colon ? (struct str){ m.p, (size_t)(colon - m.p) } : m;
}

static bool text_glob(const char *pattern, struct str text)
{
	char copy[MOUNT_KEY_MAX];

	if (text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	return fnmatch(pattern, copy, 0) == 0;
}

/* By number, or the first whose source matches the key (for the source: whose destination does). */
static bool mount_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	const struct container *c = container_of(ev);
	unsigned by = ref->field->arg == MOUNT_SOURCE ? MOUNT_DEST : MOUNT_SOURCE;
	struct str left = c ? c->mounts : STR_NONE;
	char key[MOUNT_KEY_MAX];
	int64_t at = 0;

	if (nth || ref->key.n >= sizeof(key))
		return false;
	if (ref->key.n)
		memcpy(key, ref->key.p, ref->key.n);
	key[ref->key.n] = '\0';
	for (; left.n; at++) {
		struct str one = str_fixed(left.p, left.n);

		if (ref->has_index ? at == ref->index : text_glob(key, mount_part(one, by))) {
			ret->type = VALUE_STR;
			ret->str = mount_part(one, (unsigned)ref->field->arg);
			return true;
		}
		left = str_skip(left, one.n + 1);
	}
	return false;
}

/* A list whose elements end in NUL, joined by commas. */
static bool list_joined(struct str list, struct value *ret)
{
	char *out = arena_alloc(field_arena(), list.n ? list.n : 1);

	if (!out)
		return false;
	for (size_t i = 0; i < list.n; i++)
		out[i] = list.p[i] ? list.p[i] : ',';
	ret->type = VALUE_STR;
	ret->str = (struct str){ out, list.n ? list.n - 1 : 0 };
	return true;
}

static bool mounts_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret)
{
	const struct container *c = container_of(ev);

	(void)ref;
	return nth == 0 && c && c->told && list_joined(c->mounts, ret);
}

/* --- pods ------------------------------------------------------------------------------------- */

static const struct pod *pod_of(const struct event *ev)
{
	const struct cgroup *cg = ev->proc->cgroup;

	return cg ? cg->pod : NULL;
}

static bool pod_str_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			struct value *ret)
{
	const struct pod *pod = pod_of(ev);

	ret->type = VALUE_STR;
	if (nth || !pod)
		return false;
	ret->str = *(const struct str *)field_member(pod, ref);
	return ret->str.p != NULL;
}

/* The container's own address, else its pod's; with an argument the pod's only. */
static bool ip_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		   struct value *ret)
{
	const struct container *c = container_of(ev);
	const struct pod *pod = pod_of(ev);

	ret->type = VALUE_IP;
	ret->ip = pod ? pod->ip : (struct ip){ 0 };
	if (!ref->field->arg && c && c->ip.len)
		ret->ip = c->ip;
	return nth == 0 && ret->ip.len != 0;
}

/* The value of @key among "key=value" elements with @end between or behind them. */
static bool pair_find(struct str list, char end, struct str key, struct value *ret)
{
	ret->type = VALUE_STR;
	while (key.n && list.n) {
		const char *at = memchr(list.p, end, list.n);
		struct str one = { list.p, at ? (size_t)(at - list.p) : list.n };

		if (str_starts(one, key) && one.n > key.n && one.p[key.n] == '=') {
			ret->str = str_skip(one, key.n + 1);
			return true;
		}
		list = str_skip(list, one.n + 1);
	}
	return false;
}

/* Neither an equals sign nor a comma can be in a label's key or value. */
static bool label_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	const struct pod *pod = pod_of(ev);

	return nth == 0 && pod && pair_find(pod->labels, ',', ref->key, ret);
}

/* A value may have any character but NUL. */
static bool annotation_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			   struct value *ret)
{
	const struct pod *pod = pod_of(ev);

	return nth == 0 && pod && pair_find(pod->annotations, '\0', ref->key, ret);
}

static bool annotations_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	const struct pod *pod = pod_of(ev);

	(void)ref;
	return nth == 0 && pod && pod->annotations.n && list_joined(pod->annotations, ret);
}

/* The controller's name, when it is of the kind the field is about. */
static bool owner_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	const struct pod *pod = pod_of(ev);

	ret->type = VALUE_STR;
	if (nth || !pod || !str_eq(pod->owner_kind, str_of((const char *)ref->field->arg)))
		return false;
	ret->str = pod->owner_name;
	return ret->str.p != NULL;
}

#define CN(m)	 offsetof(struct container, m)
#define POD(m)	 offsetof(struct pod, m)
#define OWNER(k) (uintptr_t)(k)

const struct field enrich_container_fields[] = {
	{ "container.id", VALUE_STR, "", ALL, DEF, container_or_host_get, CN(id12),
	  "first 12 characters of the container's id; host outside containers" },
	{ "container.full_id", VALUE_STR, "", ALL, SUB, container_str_get, CN(id), "container's id" },
	{ "container.name", VALUE_STR, "", ALL, DEF, container_or_host_get, CN(name),
	  "container's name, as Kubernetes or the runtime has it; host outside containers" },
	{ "container.image", VALUE_STR, "", ALL, SUB, container_str_get, CN(image),
	  "image the container was made from" },
	{ "container.type", VALUE_STR, "", ALL, SUB, container_or_host_get, CN(runtime),
	  "container runtime, as the cgroup path tells it; host outside containers" },
	{ "container.image.repository", VALUE_STR, "", ALL, SUB, container_str_get, CN(repository),
	  "image's name without tag and digest" },
	{ "container.image.tag", VALUE_STR, "", ALL, SUB, container_str_get, CN(tag),
	  "image's tag; latest where the name has neither tag nor digest" },
	{ "container.image.digest", VALUE_STR, "", ALL, SUB, container_str_get, CN(digest),
	  "image's digest, where its name has it: sha256:..." },
	{ "container.image.id", VALUE_STR, "", ALL, SUB, container_str_get, CN(image_id),
	  "image's id, where the runtime tells it: sha256:..." },
	{ "container.privileged", VALUE_BOOL, "", ALL, SUB, privileged_get, 0,
	  "whether the container runs privileged, as the runtime or its pod's spec has it: all "
	  "capabilities and devices, nothing masked" },
	{ "container.mounts", VALUE_STR, "", ALL, SUB, mounts_get, 0,
	  "mounts: source:destination:mode:rdwr:propagation, joined by commas" },
	{ "container.mount", VALUE_STR, "", ALL, SUB | FIELD_INDEX, mount_get, MOUNT_ALL,
	  "one mount, by number or by its source ([/etc*])" },
	{ "container.mount.source", VALUE_STR, "", ALL, SUB | FIELD_INDEX, mount_get, MOUNT_SOURCE,
	  "a mount's source, by number or by its destination" },
	{ "container.mount.dest", VALUE_STR, "", ALL, SUB | FIELD_INDEX, mount_get, MOUNT_DEST,
	  "a mount's destination, by number or by its source" },
	{ "container.mount.mode", VALUE_STR, "", ALL, SUB | FIELD_INDEX, mount_get, MOUNT_MODE,
	  "a mount's mode, by number or by its source" },
	{ "container.mount.rdwr", VALUE_STR, "", ALL, SUB | FIELD_INDEX, mount_get, MOUNT_RDWR,
	  "true when a mount can be written to, by number or by its source" },
	{ "container.mount.propagation", VALUE_STR, "", ALL, SUB | FIELD_INDEX, mount_get,
	  MOUNT_PROPAGATION, "a mount's propagation, by number or by its source" },
	{ "container.start_ts", VALUE_TIME, "ns", ALL, SUB, begin_get, 0,
	  "when the first process of the container's pid namespace started" },
	{ "container.duration", VALUE_DURATION, "ns", ALL, 0, begin_get, 0,
	  "time from that to the event" },
	{ "container.ip", VALUE_IP, "", ALL, SUB, ip_get, 0, "container's or its pod's address" },
	{ "k8s.ns.name", VALUE_STR, "", ALL, DEF, pod_str_get, POD(ns), "pod's namespace" },
	{ "k8s.pod.name", VALUE_STR, "", ALL, DEF, pod_str_get, POD(name), "pod's name" },
	{ "k8s.pod.uid", VALUE_STR, "", ALL, DEF, pod_str_get, POD(uid), "pod's UID" },
	{ "k8s.pod.ip", VALUE_IP, "", ALL, SUB, ip_get, 1, "pod's address" },
	{ "k8s.pod.labels", VALUE_STR, "", ALL, SUB, pod_str_get, POD(labels),
	  "pod's labels: key=value, joined by commas" },
	{ "k8s.pod.owner.kind", VALUE_STR, "", ALL, SUB, pod_str_get, POD(owner_kind),
	  "kind of what controls the pod: Deployment, StatefulSet, ..." },
	{ "k8s.pod.owner.name", VALUE_STR, "", ALL, SUB, pod_str_get, POD(owner_name),
	  "name of what controls the pod" },
	{ "k8s.pod.sa", VALUE_STR, "", ALL, SUB, pod_str_get, POD(service_account),
	  "pod's service account" },
	{ "k8s.node.name", VALUE_STR, "", ALL, SUB, pod_str_get, POD(node), "node the pod runs on" },
	{ "k8s.pod.id", VALUE_STR, "", ALL, SUB, pod_str_get, POD(uid), "pod's UID" },
	{ "k8s.pod.label", VALUE_STR, "", ALL, SUB | FIELD_INDEX, label_get, 0,
	  "value of one of the pod's labels: [app.kubernetes.io/name]" },
	{ "k8s.pod.annotation", VALUE_STR, "", ALL, SUB | FIELD_INDEX, annotation_get, 0,
	  "value of one of the pod's annotations: [example.com/team]; up to 512 bytes, 32 to a pod" },
	{ "k8s.pod.annotations", VALUE_STR, "", ALL, SUB, annotations_get, 0,
	  "pod's annotations: key=value, joined by commas" },
	{ "k8s.deployment.name", VALUE_STR, "", ALL, SUB, owner_get, OWNER("Deployment"),
	  "Deployment that controls the pod" },
	{ "k8s.rs.name", VALUE_STR, "", ALL, SUB, owner_get, OWNER("ReplicaSet"),
	  "ReplicaSet that controls the pod, when no Deployment controls that" },
	{ "k8s.rc.name", VALUE_STR, "", ALL, SUB, owner_get, OWNER("ReplicationController"),
	  "ReplicationController that controls the pod" },
	{ "k8s.daemonset.name", VALUE_STR, "", ALL, SUB, owner_get, OWNER("DaemonSet"),
	  "DaemonSet that controls the pod" },
	{ "k8s.statefulset.name", VALUE_STR, "", ALL, SUB, owner_get, OWNER("StatefulSet"),
	  "StatefulSet that controls the pod" },
	{ "k8s.job.name", VALUE_STR, "", ALL, SUB, owner_get, OWNER("Job"),
	  "Job that controls the pod" },
	{ NULL },
};
