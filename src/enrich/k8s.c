/* Objects in, answers out: what pods, containers and the others have in common. */
#include "enrich/k8s.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "enrich/k8s_priv.h"

/* --- text ------------------------------------------------------------------------------------- */

static int label_cmp(const void *a, const void *b)
{
	const struct kube_label *x = a, *y = b;

	return str_cmp(x->key, y->key);
}

/* Appends "key=value" for each, with @end behind it, sorted by key. */
static void pairs_put(struct buf *b, const struct kube_label *list, size_t n, char end)
{
	struct kube_label sorted[KUBE_LABELS_MAX];

	if (n > KUBE_LABELS_MAX)
		n = KUBE_LABELS_MAX;
	if (n)
		memcpy(sorted, list, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), label_cmp);
	for (size_t i = 0; i < n; i++) {
		buf_str(b, sorted[i].key);
		buf_char(b, '=');
		buf_str(b, sorted[i].value);
		buf_char(b, end);
	}
}

void k8s_pod_text(struct k8s *t, const struct kube_obj *o, struct str *ret_labels,
		  struct str *ret_annotations)
{
	struct buf *b = &t->scratch;
	size_t n;

	buf_reset(b);
	pairs_put(b, o->labels, o->labels_n, ',');
	n = b->n;
	pairs_put(b, o->annotations, o->annotations_n, '\0');
	/* the last comma is not part of it */
	*ret_labels = n ? (struct str){ b->p, n - 1 } : STR_NONE;
	*ret_annotations = b->n > n ? (struct str){ b->p + n, b->n - n } : STR_NONE;
}

struct str k8s_labels_text(struct k8s *t, const struct kube_obj *o)
{
	struct str labels, annotations;

	k8s_pod_text(t, o, &labels, &annotations);
	return labels;
}

/* The parts one after the other in one block; to[i] is set to the copy of part[i]. */
char *k8s_text_join(const struct str *part, struct str *const *to, size_t n)
{
	size_t bytes = 1;
	char *text, *p;

	for (size_t i = 0; i < n; i++)
		bytes += part[i].n;
	text = p = malloc(bytes);
	for (size_t i = 0; text && i < n; i++) {
		if (part[i].n)
			memcpy(p, part[i].p, part[i].n);
		*to[i] = part[i].n ? (struct str){ p, part[i].n } : STR_NONE;
		p += part[i].n;
	}
	return text;
}

/* Replaces a shared string by another; on no memory the old one stays. */
int k8s_shared_set(struct k8s *t, struct str *at, struct str value)
{
	struct str now;

	if (str_eq(*at, value))
		return 0;
	if (k8s_string_get(&t->strings, value, &now))
		return -ENOMEM;
	k8s_string_put(&t->strings, *at);
	*at = now;
	return 0;
}

/* --- feeding ---------------------------------------------------------------------------------- */

static void feed_delete(struct k8s *t, const struct kube_obj *o, struct boot_ns now)
{
	struct pod_item *p;
	struct obj_item *i;

	if (o->type == KUBE_POD) {
		p = k8s_index_find(&t->pods, o->uid);
		if (p)
			k8s_pod_delete(t, p, o->scope, now);
		return;
	}
	i = k8s_index_find(&t->objects, o->uid);
	if (i && i->pub.type == o->type)
		k8s_object_forget(t, i);
}

static void feed_resync_end(struct k8s *t, const struct kube_obj *o, struct boot_ns now)
{
	if (!t->syncing[o->type][o->scope])
		return; /* a capture that starts in the middle */
	t->syncing[o->type][o->scope] = false;
	if (o->type == KUBE_POD)
		k8s_pods_sweep(t, o->scope, now);
	else
		k8s_objects_sweep(t, o->type, o->scope);
}

void k8s_feed(struct k8s *t, const struct kube_obj *o, struct boot_ns now)
{
	if (o->type >= KUBE_TYPES || o->scope >= KUBE_SCOPES)
		return;
	t->stats.fed++;
	k8s_expire(t, now);
	switch (o->op) {
	case KUBE_UPSERT:
		if (!o->uid.n)
			return;
		if (o->type == KUBE_POD)
			k8s_pod_upsert(t, o, now);
		else
			k8s_object_upsert(t, o);
		break;
	case KUBE_DELETE:
		feed_delete(t, o, now);
		break;
	case KUBE_RESYNC_BEGIN:
		t->epoch[o->type][o->scope]++;
		t->syncing[o->type][o->scope] = true;
		break;
	case KUBE_RESYNC_END:
		feed_resync_end(t, o, now);
		break;
	}
	while (t->stats.pods_dead > K8S_DEAD_MAX)
		k8s_pod_forget(t, TAILQ_FIRST(&t->dead));
	while (t->stats.containers_dead > K8S_DEAD_MAX)
		k8s_container_free(t, TAILQ_FIRST(&t->dead_containers));
}

static bool is_over(struct boot_ns removed, struct boot_ns now)
{
	return now.ns > removed.ns && now.ns - removed.ns >= K8S_GRACE_NS;
}

void k8s_expire(struct k8s *t, struct boot_ns now)
{
	struct pod_item *p;
	struct cont_item *c;

	while ((p = TAILQ_FIRST(&t->dead)) && is_over(p->pub.removed, now))
		k8s_pod_forget(t, p);
	while ((c = TAILQ_FIRST(&t->dead_containers)) && is_over(c->pub.removed, now)) {
		k8s_container_free(t, c);
		t->version++;
	}
}

/* --- life and questions ----------------------------------------------------------------------- */

int k8s_new(struct k8s **ret)
{
	struct k8s *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	k8s_strings_init(&t->strings);
	k8s_addr_init(t);
	k8s_pods_init(t);
	k8s_objects_init(t);
	*ret = t;
	return 0;
}

void k8s_free(struct k8s *t)
{
	if (!t)
		return;
	while (!TAILQ_EMPTY(&t->living))
		k8s_pod_forget(t, TAILQ_FIRST(&t->living));
	while (!TAILQ_EMPTY(&t->dead))
		k8s_pod_forget(t, TAILQ_FIRST(&t->dead));
	for (size_t i = 0; i < KUBE_TYPES; i++)
		while (!TAILQ_EMPTY(&t->lists[i]))
			k8s_object_forget(t, TAILQ_FIRST(&t->lists[i]));
	k8s_index_free(&t->pods);
	k8s_index_free(&t->statics);
	k8s_index_free(&t->containers);
	k8s_index_free(&t->objects);
	k8s_index_free(&t->namespaces);
	k8s_index_free(&t->addresses);
	k8s_strings_free(&t->strings);
	buf_free(&t->scratch);
	free(t);
}

uint64_t k8s_version(const struct k8s *t)
{
	return t->version;
}

void k8s_stats(const struct k8s *t, struct k8s_stats *ret)
{
	*ret = t->stats;
	ret->pods = t->pods.n;
	ret->containers = t->containers.n;
	ret->namespaces = t->objects_n[KUBE_NAMESPACE];
	ret->services = t->objects_n[KUBE_SERVICE];
	ret->slices = t->objects_n[KUBE_ENDPOINTSLICE];
	ret->nodes = t->objects_n[KUBE_NODE];
	ret->addresses = t->addresses.n;
}

const struct k8s_pod *k8s_pod_by_uid(const struct k8s *t, struct str uid)
{
	const struct pod_item *p = k8s_index_find(&t->pods, uid);

	if (!p)
		p = k8s_index_find(&t->statics, uid);
	return p ? &p->pub : NULL;
}

const struct k8s_container *k8s_container_by_id(const struct k8s *t, struct str id)
{
	const struct cont_item *c = k8s_index_find(&t->containers, id);

	return c ? &c->pub : NULL;
}

static const struct k8s_object *object_of(const void *item)
{
	return item ? &((const struct obj_item *)item)->pub : NULL;
}

const struct k8s_object *k8s_namespace_by_name(const struct k8s *t, struct str name)
{
	return object_of(k8s_index_find(&t->namespaces, name));
}

static const void *owner_find(const struct k8s *t, const struct ip *ip, enum claim_kind kind)
{
	const struct claim *c = k8s_claim_find(t, ip, kind);

	return c ? c->owner : NULL;
}

const struct k8s_pod *k8s_pod_by_ip(const struct k8s *t, const struct ip *ip)
{
	const struct pod_item *p = owner_find(t, ip, CLAIM_POD);

	return p ? &p->pub : NULL;
}

const struct k8s_object *k8s_service_by_ip(const struct k8s *t, const struct ip *ip)
{
	return object_of(owner_find(t, ip, CLAIM_SERVICE));
}

const struct k8s_object *k8s_node_by_ip(const struct k8s *t, const struct ip *ip)
{
	return object_of(owner_find(t, ip, CLAIM_NODE));
}

const struct k8s_object *k8s_slice_by_ip(const struct k8s *t, const struct ip *ip)
{
	return object_of(owner_find(t, ip, CLAIM_ENDPOINT));
}

struct k8s_peer k8s_peer_by_ip(const struct k8s *t, const struct ip *ip)
{
	const struct k8s_pod *p = k8s_pod_by_ip(t, ip);
	const struct k8s_object *o;

	if (p)
		return (struct k8s_peer){ K8S_PEER_POD, p->pod.ns, p->pod.name, p };
	if ((o = k8s_service_by_ip(t, ip)))
		return (struct k8s_peer){ K8S_PEER_SERVICE, o->ns, o->name, NULL };
	if ((o = k8s_node_by_ip(t, ip)))
		return (struct k8s_peer){ K8S_PEER_NODE, o->ns, o->name, NULL };
	if ((o = k8s_slice_by_ip(t, ip)))
		return (struct k8s_peer){ K8S_PEER_ENDPOINT, o->ns, o->service, NULL };
	return (struct k8s_peer){ 0 };
}
