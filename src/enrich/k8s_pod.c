/*
 * Pods and their containers. An upsert is compared with what is there, so that the many updates
 * that change nothing we show cost no new text and no new generation. A pod may come by two streams
 * (this node's and the cluster's): the node's wins, and the pod is gone when no stream has it, or
 * the node's says so.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "enrich/k8s_priv.h"

#define BIT(scope) (1u << (scope))

_Static_assert((int)KUBE_SAID_NO == (int)SAID_NO && (int)KUBE_SAID_YES == (int)SAID_YES,
	       "the table copies one as the other");

static void pod_changed(struct k8s *t, struct pod_item *p)
{
	p->pub.pod.gen = ++t->gen;
	t->version++;
}

/* --- containers ------------------------------------------------------------------------------- */

void k8s_container_free(struct k8s *t, struct cont_item *c)
{
	struct pod_item *p = (struct pod_item *)c->pub.pod;
	struct cont_item **at;

	for (at = &p->containers; *at != c; at = &(*at)->next)
		;
	*at = c->next;
	if (c->pub.removed.ns) {
		TAILQ_REMOVE(&t->dead_containers, c, link);
		t->stats.containers_dead--;
	}
	k8s_index_remove(&t->containers, c);
	k8s_string_put(&t->strings, c->pub.name);
	k8s_string_put(&t->strings, c->pub.image);
	free(c);
}

static void container_die(struct k8s *t, struct cont_item *c, struct boot_ns now)
{
	c->pub.removed.ns = now.ns ? now.ns : 1;
	TAILQ_INSERT_TAIL(&t->dead_containers, c, link);
	t->stats.containers_dead++;
}

static struct cont_item *container_new(struct k8s *t, struct pod_item *p, struct str id)
{
	_cleanup_(freep) struct cont_item *c = NULL;

	if (t->containers.n >= K8S_CONTAINERS_MAX && t->stats.containers_dead)
		k8s_container_free(t, TAILQ_FIRST(&t->dead_containers));
	if (t->containers.n >= K8S_CONTAINERS_MAX)
		return NULL;
	c = calloc(1, sizeof(*c) + id.n);
	if (!c)
		return NULL;
	memcpy(c->id, id.p, id.n);
	c->pub.id = (struct str){ c->id, id.n };
	c->pub.pod = &p->pub;
	if (k8s_index_add(&t->containers, c))
		return NULL;
	c->next = p->containers;
	p->containers = c;
	return take_ptr(c);
}

static bool container_same(const struct k8s_container *c, const struct kube_container *k)
{
	return str_eq(c->name, k->name) && str_eq(c->image, k->image) && c->restarts == k->restarts &&
	       c->kind == k->kind && c->privileged == k->privileged && !c->removed.ns;
}

/* Whether anything changed. */
static bool container_upsert(struct k8s *t, struct pod_item *p, const struct kube_container *k)
{
	struct cont_item *c = k8s_index_find(&t->containers, k->id);

	if (!c)
		c = container_new(t, p, k->id);
	if (!c || c->pub.pod != &p->pub) {
		t->stats.full++;
		return false;
	}
	c->seen = t->seen;
	if (container_same(&c->pub, k))
		return false;
	if (k8s_shared_set(t, &c->pub.name, k->name) || k8s_shared_set(t, &c->pub.image, k->image))
		t->stats.full++;
	c->pub.restarts = k->restarts;
	c->pub.kind = k->kind;
	c->pub.privileged = k->privileged;
	if (c->pub.removed.ns) {
		TAILQ_REMOVE(&t->dead_containers, c, link);
		t->stats.containers_dead--;
		c->pub.removed.ns = 0;
	}
	return true;
}

static void pod_containers(struct k8s *t, struct pod_item *p, const struct kube_obj *o,
			   struct boot_ns now)
{
	struct cont_item *next;
	bool changed = false;

	t->seen++;
	for (size_t i = 0; i < o->containers_n; i++)
		if (o->containers[i].id.n)
			changed |= container_upsert(t, p, &o->containers[i]);
	for (struct cont_item *c = p->containers; c; c = next) {
		next = c->next;
		if (c->seen == t->seen || c->pub.removed.ns)
			continue;
		container_die(t, c, now);
		changed = true;
	}
	if (changed)
		pod_changed(t, p);
}

/* --- pods ------------------------------------------------------------------------------------- */

static void pod_unclaim(struct k8s *t, struct pod_item *p)
{
	for (size_t i = 0; i < K8S_POD_IPS; i++)
		k8s_release(t, &p->claims[i]);
}

static void pod_claim(struct k8s *t, struct pod_item *p, bool weak)
{
	pod_unclaim(t, p);
	p->weak = weak;
	p->host = p->pub.host_network;
	for (size_t i = 0; i < K8S_POD_IPS; i++) {
		p->claims[i] = (struct claim){ .owner = p, .kind = CLAIM_POD, .weak = weak };
		if (p->ips[i].len && !p->pub.host_network)
			k8s_claim(t, &p->claims[i], &p->ips[i]);
	}
}

static void pod_addresses(struct k8s *t, struct pod_item *p, const struct kube_obj *o)
{
	struct ip ips[K8S_POD_IPS] = { 0 };
	bool weak = str_eq(o->phase, STR("Succeeded")) || str_eq(o->phase, STR("Failed"));
	size_t n = 0;

	for (size_t i = 0; i < o->addresses_n && n < K8S_POD_IPS; i++) {
		if (k8s_ip_parse(o->addresses[i], &ips[n]))
			n++;
		else
			t->stats.bad_address++;
	}
	/* A pod that has ended may have lost its address; it keeps what it had, weakly. */
	if (!n && weak)
		memcpy(ips, p->ips, sizeof(ips));
	if (!memcmp(ips, p->ips, sizeof(ips)) && weak == p->weak && p->host == p->pub.host_network)
		return;
	memcpy(p->ips, ips, sizeof(ips));
	p->pub.pod.ip = ips[0];
	pod_claim(t, p, weak);
	pod_changed(t, p);
}

static bool pod_same(const struct k8s_pod *p, const struct kube_obj *o, struct str labels,
		     struct str annotations)
{
	return str_eq(p->pod.ns, o->ns) && str_eq(p->pod.name, o->name) &&
	       str_eq(p->pod.node, o->node) && str_eq(p->pod.owner_kind, o->owner_kind) &&
	       str_eq(p->pod.owner_name, o->owner_name) &&
	       str_eq(p->pod.service_account, o->service_account) && str_eq(p->phase, o->phase) &&
	       str_eq(p->static_uid, o->static_uid) && str_eq(p->pod.labels, labels) &&
	       str_eq(p->pod.annotations, annotations) && p->pod.privileged == o->privileged &&
	       p->host_network == o->host_network && p->local == (o->scope == KUBE_SCOPE_NODE);
}

static int pod_shared(struct k8s *t, struct k8s_pod *p, const struct kube_obj *o)
{
	struct str *const to[] = { &p->pod.ns,
				   &p->pod.node,
				   &p->pod.owner_kind,
				   &p->pod.owner_name,
				   &p->pod.service_account,
				   &p->phase };
	const struct str from[] = {
		o->ns, o->node, o->owner_kind, o->owner_name, o->service_account, o->phase
	};

	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++)
		if (k8s_shared_set(t, to[i], from[i]))
			return -ENOMEM;
	return 0;
}

/*
 * The newest pod has the static UID: the API's copy of a static pod may be deleted and made again.
 */
static int static_take(struct k8s *t, struct pod_item *p)
{
	const struct pod_item *old = k8s_index_find(&t->statics, p->pub.static_uid);

	if (old)
		k8s_index_remove(&t->statics, old);
	return k8s_index_add(&t->statics, p);
}

/*
 * Takes over what @o says; containers and addresses aside. 0 or -ENOMEM (some old values may stay).
 */
static int pod_set(struct k8s *t, struct pod_item *p, const struct kube_obj *o)
{
	struct k8s_pod *pub = &p->pub;
	struct str part[] = { o->uid, o->name, o->static_uid, STR_NONE, STR_NONE };
	struct str made[5];
	struct str *const to[] = { &made[0], &made[1], &made[2], &made[3], &made[4] };
	_cleanup_(freep) char *text = NULL;
	char *old;

	k8s_pod_text(t, o, &part[3], &part[4]);
	if (p->text && pod_same(pub, o, part[3], part[4]))
		return 0;
	text = k8s_text_join(part, to, 5);
	if (!text || pod_shared(t, pub, o))
		return -ENOMEM;
	if (pub->static_uid.n)
		k8s_index_remove(&t->statics, p);
	old = p->text;
	p->text = take_ptr(text);
	pub->pod.uid = made[0];
	pub->pod.name = made[1];
	pub->static_uid = made[2];
	pub->pod.labels = made[3];
	pub->pod.annotations = made[4];
	free(old);
	pub->pod.privileged = o->privileged;
	pub->host_network = o->host_network;
	pub->local = o->scope == KUBE_SCOPE_NODE;
	pod_changed(t, p);
	return made[2].n ? static_take(t, p) : 0;
}

static void pod_release(struct k8s *t, struct pod_item *p)
{
	struct k8s_pod *pub = &p->pub;
	const struct str shared[] = { pub->pod.ns,
				      pub->pod.node,
				      pub->pod.owner_kind,
				      pub->pod.owner_name,
				      pub->pod.service_account,
				      pub->phase };

	while (p->containers)
		k8s_container_free(t, p->containers);
	pod_unclaim(t, p);
	if (pub->static_uid.n)
		k8s_index_remove(&t->statics, p);
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		k8s_string_put(&t->strings, shared[i]);
	free(p->text);
	free(p);
}

void k8s_pod_forget(struct k8s *t, struct pod_item *p)
{
	if (p->pub.removed.ns) {
		TAILQ_REMOVE(&t->dead, p, link);
		t->stats.pods_dead--;
	} else {
		TAILQ_REMOVE(&t->living, p, link);
	}
	k8s_index_remove(&t->pods, p);
	pod_release(t, p);
	t->version++;
}

static struct pod_item *pod_new(struct k8s *t, const struct kube_obj *o)
{
	struct pod_item *p;

	if (t->pods.n >= K8S_PODS_MAX && t->stats.pods_dead)
		k8s_pod_forget(t, TAILQ_FIRST(&t->dead));
	if (t->pods.n >= K8S_PODS_MAX)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	if (pod_set(t, p, o) || k8s_index_add(&t->pods, p)) {
		pod_release(t, p);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&t->living, p, link);
	return p;
}

static void pod_revive(struct k8s *t, struct pod_item *p)
{
	TAILQ_REMOVE(&t->dead, p, link);
	t->stats.pods_dead--;
	p->pub.removed.ns = 0;
	TAILQ_INSERT_TAIL(&t->living, p, link);
	pod_claim(t, p, false);
	pod_changed(t, p);
}

static void pod_die(struct k8s *t, struct pod_item *p, struct boot_ns now)
{
	struct cont_item *next;

	TAILQ_REMOVE(&t->living, p, link);
	p->pub.removed.ns = now.ns ? now.ns : 1;
	TAILQ_INSERT_TAIL(&t->dead, p, link);
	pod_claim(t, p, true);
	for (struct cont_item *c = p->containers; c; c = next) {
		next = c->next;
		if (!c->pub.removed.ns)
			container_die(t, c, now);
	}
	t->stats.pods_dead++;
	pod_changed(t, p);
}

void k8s_pod_delete(struct k8s *t, struct pod_item *p, unsigned scope, struct boot_ns now)
{
	p->present &= (uint8_t)~BIT(scope);
	/* A pod never leaves its node: when its own stream says it is gone, it is. */
	if (scope == KUBE_SCOPE_NODE)
		p->present = 0;
	if (!p->present && !p->pub.removed.ns)
		pod_die(t, p, now);
}

void k8s_pod_upsert(struct k8s *t, const struct kube_obj *o, struct boot_ns now)
{
	struct pod_item *p = k8s_index_find(&t->pods, o->uid);

	if (!p)
		p = pod_new(t, o);
	if (!p) {
		t->stats.full++;
		return;
	}
	if (p->pub.removed.ns)
		pod_revive(t, p);
	p->present |= (uint8_t)BIT(o->scope);
	p->epoch[o->scope] = t->epoch[KUBE_POD][o->scope];
	if (o->scope == KUBE_SCOPE_CLUSTER && (p->present & BIT(KUBE_SCOPE_NODE)))
		return;
	if (pod_set(t, p, o))
		t->stats.full++;
	pod_addresses(t, p, o);
	if (o->scope == KUBE_SCOPE_NODE)
		pod_containers(t, p, o, now);
}

void k8s_pods_sweep(struct k8s *t, unsigned scope, struct boot_ns now)
{
	struct pod_item *next;

	for (struct pod_item *p = TAILQ_FIRST(&t->living); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if ((p->present & BIT(scope)) && p->epoch[scope] != t->epoch[KUBE_POD][scope])
			k8s_pod_delete(t, p, scope, now);
	}
}

static struct str pod_uid_key(const void *item)
{
	return ((const struct pod_item *)item)->pub.pod.uid;
}

static struct str pod_static_key(const void *item)
{
	return ((const struct pod_item *)item)->pub.static_uid;
}

static struct str container_key(const void *item)
{
	return ((const struct cont_item *)item)->pub.id;
}

void k8s_pods_init(struct k8s *t)
{
	t->pods.key = pod_uid_key;
	t->statics.key = pod_static_key;
	t->containers.key = container_key;
	TAILQ_INIT(&t->living);
	TAILQ_INIT(&t->dead);
	TAILQ_INIT(&t->dead_containers);
}
