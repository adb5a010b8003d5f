/*
 * Any bytes as a history of the tables: every six bytes are one object (type and op, scope and phase,
 * UID, name, address, seconds passed). Whatever is found must be consistent, and everything must be freed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "enrich/k8s.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct k8s *t, const struct kube_obj *o, const struct ip *ip)
{
	const struct k8s_pod *p = k8s_pod_by_uid(t, o->uid);
	const struct k8s_container *c = k8s_container_by_id(t, o->name);
	struct k8s_stats s;

	if (p && !str_eq(p->pod.uid, o->uid) && !str_eq(p->static_uid, o->uid))
		abort();
	if (c && (!str_eq(c->id, o->name) || k8s_pod_by_uid(t, c->pod->pod.uid) != c->pod))
		abort();
	p = k8s_pod_by_ip(t, ip);
	if (p && (p->host_network || k8s_pod_by_uid(t, p->pod.uid) != p))
		abort();
	(void)k8s_peer_by_ip(t, ip);
	k8s_stats(t, &s);
	if (s.pods_dead > s.pods || s.containers_dead > s.containers)
		abort();
}

static int touch(void *ctx, const struct kube_obj *o)
{
	*(size_t *)ctx += o->uid.n + o->addresses_n + o->containers_n;
	return o->uid.n ? 0 : -1;
}

static void step(struct k8s *t, const uint8_t *d, uint64_t *now)
{
	static const struct str phases[] = { STR("Running"), STR("Failed"), STR("Succeeded"), { 0 } };
	char uid[8], name[8], addr[16];
	struct str ips[2] = { { addr, 0 }, STR("fd00::1") };
	struct kube_container box = { .kind = KUBE_CONTAINER_MAIN, .image = STR("i") };
	struct kube_label note = { STR("k"), STR("a=b,c") };
	struct kube_obj o = { .type = d[0] % KUBE_TYPES, .op = d[0] / KUBE_TYPES % KUBE_OPS };
	struct ip ip = { .b = { 10, 0, 0, d[4] & 7 }, .len = 4 };

	o.scope = d[1] % KUBE_SCOPES;
	o.phase = phases[d[1] >> 1 & 3];
	o.host_network = d[1] & 8;
	o.addresses_n = d[1] >> 4 & 1 ? 2 : 1;
	o.containers_n = d[1] >> 5 & 1;
	o.uid = (struct str){ uid, (size_t)snprintf(uid, sizeof(uid), "u%u", d[2] & 15) };
	o.name = (struct str){ name, (size_t)snprintf(name, sizeof(name), "n%u", d[3] & 15) };
	o.static_uid = d[1] & 64 ? o.name : STR_NONE;
	o.ns = o.service = o.name;
	ips[0].n = (size_t)snprintf(addr, sizeof(addr), "10.0.0.%u", d[4] & 7);
	o.addresses = ips;
	box.id = box.name = o.name;
	o.containers = &box;
	box.privileged = o.privileged = d[2] >> 4 & 1;
	o.annotations = &note;
	o.annotations_n = d[1] >> 7;
	*now += d[5] * NS_PER_SEC;
	k8s_feed(t, &o, (struct boot_ns){ *now });
	check(t, &o, &ip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct k8s *t;
	uint64_t now = 1;
	size_t sum = 0;

	if (k8s_new(&t))
		return 0;
	for (size_t i = 0; i + 6 <= size && i < 6 * 2000; i += 6)
		step(t, data + i, &now);
	if (k8s_each(t, touch, &sum))
		abort();
	k8s_free(t);
	return 0;
}
