/*
 * Who has which address. Every address has a short chain of claims; a chain is at most
 * K8S_CLAIMS_MAX long, and a new claim pushes out the least wanted one of its kind.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "enrich/k8s_priv.h"

static const uint8_t v4_in_v6[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct ip k8s_ip_plain(const struct ip *ip)
{
	struct ip v4 = { .len = 4 };

	if (ip->len != 16 || memcmp(ip->b, v4_in_v6, sizeof(v4_in_v6)))
		return *ip;
	memcpy(v4.b, ip->b + 12, 4);
	return v4;
}

bool k8s_ip_parse(struct str s, struct ip *ret)
{
	char text[INET6_ADDRSTRLEN];
	struct ip ip = { .len = 4 };

	if (!s.n || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	if (inet_pton(AF_INET, text, ip.b) != 1) {
		ip.len = 16;
		if (inet_pton(AF_INET6, text, ip.b) != 1)
			return false;
	}
	*ret = k8s_ip_plain(&ip);
	return true;
}

static struct str addr_key(const void *item)
{
	const struct k8s_addr *a = item;

	return (struct str){ (const char *)&a->ip, sizeof(a->ip) };
}

void k8s_addr_init(struct k8s *t)
{
	_Static_assert(sizeof(struct ip) == 17, "the key has no padding");
	t->addresses.key = addr_key;
}

static struct k8s_addr *addr_find(const struct k8s *t, const struct ip *ip)
{
	return k8s_index_find(&t->addresses, (struct str){ (const char *)ip, sizeof(*ip) });
}

static struct k8s_addr *addr_get(struct k8s *t, const struct ip *ip)
{
	_cleanup_(freep) struct k8s_addr *a = addr_find(t, ip);

	if (a)
		return take_ptr(a);
	if (t->addresses.n >= K8S_ADDRESSES_MAX)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->ip = *ip;
	return k8s_index_add(&t->addresses, a) ? NULL : take_ptr(a);
}

static int owner_cmp(const struct claim *a, const struct claim *b)
{
	const struct k8s_object *x = &((const struct obj_item *)a->owner)->pub;
	const struct k8s_object *y = &((const struct obj_item *)b->owner)->pub;
	int c = str_cmp(x->ns, y->ns);

	if (!c)
		c = str_cmp(x->service, y->service);
	return c ? c : str_cmp(x->name, y->name);
}

/* Does @a, the newer one, stand before @b? */
static bool claim_before(const struct claim *a, const struct claim *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind;
	return a->kind == CLAIM_POD ? !a->weak || b->weak : owner_cmp(a, b) < 0;
}

/* Takes the last claim of @c's kind out of a full chain, if @c goes before it. */
static bool chain_make_room(struct k8s *t, struct k8s_addr *a, const struct claim *c)
{
	struct claim *last = NULL;

	for (struct claim *i = a->claims; i; i = i->next)
		if (i->kind == c->kind)
			last = i;
	if (!last || !claim_before(c, last))
		return false;
	k8s_release(t, last);
	return true;
}

void k8s_claim(struct k8s *t, struct claim *c, const struct ip *ip)
{
	struct k8s_addr *a = addr_get(t, ip);
	struct claim **at;
	size_t n = 0;

	c->addr = NULL;
	if (!a) {
		t->stats.full++;
		return;
	}
	for (const struct claim *i = a->claims; i; i = i->next)
		n++;
	if (n >= K8S_CLAIMS_MAX) {
		t->stats.full++;
		if (!chain_make_room(t, a, c))
			return;
	}
	for (at = &a->claims; *at && !claim_before(c, *at); at = &(*at)->next)
		;
	c->next = *at;
	c->addr = a;
	*at = c;
}

void k8s_release(struct k8s *t, struct claim *c)
{
	struct k8s_addr *a = c->addr;
	struct claim **at;

	if (!a)
		return;
	for (at = &a->claims; *at != c; at = &(*at)->next)
		;
	*at = c->next;
	c->addr = NULL;
	if (!a->claims) {
		k8s_index_remove(&t->addresses, a);
		free(a);
	}
}

const struct claim *k8s_claim_find(const struct k8s *t, const struct ip *ip, enum claim_kind kind)
{
	const struct ip plain = k8s_ip_plain(ip);
	const struct k8s_addr *a = addr_find(t, &plain);
	const struct claim *c = a ? a->claims : NULL;

	while (c && c->kind != kind)
		c = c->next;
	return c;
}
