/*
 * Namespaces, services, endpoint slices and nodes: names, and addresses that lead to them. There is
 * no grace period: these live long.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "enrich/k8s_priv.h"

/* --- the other objects ------------------------------------------------------------------------ */

static const uint8_t claim_of[KUBE_TYPES] = {
	[KUBE_SERVICE] = CLAIM_SERVICE,
	[KUBE_NODE] = CLAIM_NODE,
	[KUBE_ENDPOINTSLICE] = CLAIM_ENDPOINT,
};

static void object_unclaim(struct k8s *t, struct obj_item *i)
{
	for (size_t k = 0; k < i->claims_n; k++)
		k8s_release(t, &i->claims[k]);
	free(i->claims);
	i->claims = NULL;
	i->claims_n = 0;
}

static void object_claim(struct k8s *t, struct obj_item *i, const struct kube_obj *o)
{
	struct ip ip;

	object_unclaim(t, i);
	i->claims = o->addresses_n ? calloc(o->addresses_n, sizeof(*i->claims)) : NULL;
	if (!i->claims) {
		t->stats.full += o->addresses_n != 0;
		return;
	}
	for (size_t k = 0; k < o->addresses_n; k++) {
		struct claim *c = &i->claims[i->claims_n];

		if (!k8s_ip_parse(o->addresses[k], &ip)) {
			t->stats.bad_address++;
			continue;
		}
		c->owner = i;
		c->kind = claim_of[o->type];
		i->claims_n++;
		k8s_claim(t, c, &ip);
	}
}

static int object_set(struct k8s *t, struct obj_item *i, const struct kube_obj *o)
{
	struct k8s_object *pub = &i->pub;
	const struct str part[] = { o->uid, o->name, k8s_labels_text(t, o) };
	struct str made[3];
	struct str *const to[] = { &made[0], &made[1], &made[2] };
	char *text;

	if (i->text && str_eq(pub->ns, o->ns) && str_eq(pub->name, o->name) &&
	    str_eq(pub->service, o->service) && str_eq(pub->labels, part[2]))
		return 0;
	text = k8s_text_join(part, to, 3);
	if (!text)
		return -ENOMEM;
	free(i->text);
	i->text = text;
	pub->type = o->type;
	pub->uid = made[0];
	pub->name = made[1];
	pub->labels = made[2];
	return k8s_shared_set(t, &pub->ns, o->ns) || k8s_shared_set(t, &pub->service, o->service) ?
		       -ENOMEM :
		       0;
}

static void object_release(struct k8s *t, struct obj_item *i)
{
	object_unclaim(t, i);
	k8s_string_put(&t->strings, i->pub.ns);
	k8s_string_put(&t->strings, i->pub.service);
	free(i->text);
	free(i);
}

void k8s_object_forget(struct k8s *t, struct obj_item *i)
{
	unsigned type = i->pub.type;

	TAILQ_REMOVE(&t->lists[type], i, link);
	t->objects_n[type]--;
	k8s_index_remove(&t->objects, i);
	if (type == KUBE_NAMESPACE)
		k8s_index_remove(&t->namespaces, i);
	object_release(t, i);
	t->version++;
}

static struct obj_item *object_new(struct k8s *t, const struct kube_obj *o)
{
	struct obj_item *i;

	if (t->objects_n[o->type] >= K8S_OBJECTS_MAX)
		return NULL;
	i = calloc(1, sizeof(*i));
	if (!i)
		return NULL;
	if (object_set(t, i, o) || k8s_index_add(&t->objects, i)) {
		object_release(t, i);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&t->lists[o->type], i, link);
	t->objects_n[o->type]++;
	return i;
}

/* A namespace made anew under an old name takes the name over. */
static void namespace_named(struct k8s *t, struct obj_item *i)
{
	struct obj_item *old = k8s_index_find(&t->namespaces, i->pub.name);

	if (old == i)
		return;
	if (old)
		k8s_index_remove(&t->namespaces, old);
	if (k8s_index_add(&t->namespaces, i))
		t->stats.full++;
}

void k8s_object_upsert(struct k8s *t, const struct kube_obj *o)
{
	struct obj_item *i = k8s_index_find(&t->objects, o->uid);

	/* The chains are sorted by these names: out with the claims before they change. */
	if (i && i->pub.type == o->type) {
		object_unclaim(t, i);
		if (o->type == KUBE_NAMESPACE)
			k8s_index_remove(&t->namespaces, i);
		if (object_set(t, i, o))
			t->stats.full++;
	} else if (i) {
		i = NULL;
	} else {
		i = object_new(t, o);
	}
	if (!i) {
		t->stats.full++;
		return;
	}
	i->scope = o->scope;
	i->epoch = t->epoch[o->type][o->scope];
	if (o->type == KUBE_NAMESPACE)
		namespace_named(t, i);
	else
		object_claim(t, i, o);
	t->version++;
}

void k8s_objects_sweep(struct k8s *t, unsigned type, unsigned scope)
{
	struct obj_item *next;

	for (struct obj_item *i = TAILQ_FIRST(&t->lists[type]); i; i = next) {
		next = TAILQ_NEXT(i, link);
		if (i->scope == scope && i->epoch != t->epoch[type][scope])
			k8s_object_forget(t, i);
	}
}

static struct str object_uid_key(const void *item)
{
	return ((const struct obj_item *)item)->pub.uid;
}

static struct str object_name_key(const void *item)
{
	return ((const struct obj_item *)item)->pub.name;
}

void k8s_objects_init(struct k8s *t)
{
	t->objects.key = object_uid_key;
	t->namespaces.key = object_name_key;
	for (size_t i = 0; i < KUBE_TYPES; i++)
		TAILQ_INIT(&t->lists[i]);
}
