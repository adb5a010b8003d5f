/*
 * The table as objects again, for the start of a capture. Labels are cut at ',' and '=', which no
 * valid label contains. The dead are left out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "enrich/k8s_priv.h"

/* Room for the arrays of one object. */
struct dump {
	struct kube_obj o;
	struct str addresses[KUBE_ADDRESSES_MAX];
	char text[KUBE_ADDRESSES_MAX][INET6_ADDRSTRLEN];
	struct kube_label labels[KUBE_LABELS_MAX];
	struct kube_container containers[KUBE_CONTAINERS_MAX];
	struct kube_label annotations[KUBE_ANNOTATIONS_MAX];
};

static void dump_address(struct dump *d, const struct ip *ip)
{
	size_t n = d->o.addresses_n;

	if (!ip->len || n == KUBE_ADDRESSES_MAX)
		return;
	inet_ntop(ip->len == 4 ? AF_INET : AF_INET6, ip->b, d->text[n], sizeof(d->text[n]));
	d->addresses[n] = str_of(d->text[n]);
	d->o.addresses_n++;
}

/* "key=value"; no key has an equals sign. */
static struct kube_label pair_of(struct str one)
{
	const char *eq = memchr(one.p, '=', one.n);
	size_t key = eq ? (size_t)(eq - one.p) : one.n;

	return (struct kube_label){ { one.p, key }, str_skip(one, key + 1) };
}

static void dump_annotations(struct dump *d, struct str all)
{
	while (all.n && d->o.annotations_n < KUBE_ANNOTATIONS_MAX) {
		struct str one = str_fixed(all.p, all.n);

		d->annotations[d->o.annotations_n++] = pair_of(one);
		all = str_skip(all, one.n + 1);
	}
}

static void dump_labels(struct dump *d, struct str all)
{
	while (all.n && d->o.labels_n < KUBE_LABELS_MAX) {
		const char *comma = memchr(all.p, ',', all.n);
		struct str one = { all.p, comma ? (size_t)(comma - all.p) : all.n };

		d->labels[d->o.labels_n++] = pair_of(one);
		all = str_skip(all, one.n + 1);
	}
}

static void dump_containers(struct dump *d, const struct pod_item *p)
{
	for (const struct cont_item *c = p->containers; c; c = c->next)
		if (!c->pub.removed.ns && d->o.containers_n < KUBE_CONTAINERS_MAX)
			d->containers[d->o.containers_n++] = (struct kube_container){
				.name = c->pub.name,
				.id = c->pub.id,
				.image = c->pub.image,
				.restarts = c->pub.restarts,
				.kind = c->pub.kind,
				.privileged = c->pub.privileged,
			};
}

static void dump_begin(struct dump *d, unsigned type, unsigned scope)
{
	d->o = (struct kube_obj){
		.type = (uint8_t)type,
		.op = KUBE_UPSERT,
		.scope = (uint8_t)scope,
		.addresses = d->addresses,
		.labels = d->labels,
		.containers = d->containers,
		.annotations = d->annotations,
	};
}

static void dump_pod(struct dump *d, const struct pod_item *p)
{
	const struct k8s_pod *pub = &p->pub;

	dump_begin(d, KUBE_POD, pub->local ? KUBE_SCOPE_NODE : KUBE_SCOPE_CLUSTER);
	d->o.uid = pub->pod.uid;
	d->o.static_uid = pub->static_uid;
	d->o.ns = pub->pod.ns;
	d->o.name = pub->pod.name;
	d->o.node = pub->pod.node;
	d->o.owner_kind = pub->pod.owner_kind;
	d->o.owner_name = pub->pod.owner_name;
	d->o.service_account = pub->pod.service_account;
	d->o.phase = pub->phase;
	d->o.host_network = pub->host_network;
	d->o.privileged = pub->pod.privileged;
	for (size_t i = 0; i < K8S_POD_IPS; i++)
		dump_address(d, &p->ips[i]);
	dump_labels(d, pub->pod.labels);
	dump_annotations(d, pub->pod.annotations);
	dump_containers(d, p);
}

static void dump_object(struct dump *d, const struct obj_item *i)
{
	const struct k8s_object *pub = &i->pub;

	dump_begin(d, pub->type, i->scope);
	d->o.uid = pub->uid;
	d->o.ns = pub->ns;
	d->o.name = pub->name;
	d->o.service = pub->service;
	for (size_t k = 0; k < i->claims_n; k++)
		if (i->claims[k].addr)
			dump_address(d, &i->claims[k].addr->ip);
	dump_labels(d, pub->labels);
}

int k8s_each(const struct k8s *t, int (*each)(void *ctx, const struct kube_obj *o), void *ctx)
{
	_cleanup_(freep) struct dump *d = malloc(sizeof(*d));
	const struct pod_item *p;
	const struct obj_item *i;
	int r = 0;

	if (!d)
		return -ENOMEM;
	for (size_t type = 0; type < KUBE_TYPES; type++) {
		TAILQ_FOREACH(i, &t->lists[type], link)
		{
			dump_object(d, i);
			if ((r = each(ctx, &d->o)))
				return r;
		}
	}
	TAILQ_FOREACH(p, &t->living, link)
	{
		dump_pod(d, p);
		if ((r = each(ctx, &d->o)))
			return r;
	}
	return 0;
}
