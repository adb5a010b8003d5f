/*
 * Which end a condition means does not matter here: the kernel looks at all there are, and lets what
 * fits at the wrong one through.
 */
#include "agent/pushdown_ends.h"

#include <errno.h>
#include <stdlib.h>

#define V4_BITS 96 /* in front of an IPv4 address that stands inside an IPv6 one */

struct adding {
	struct ends *to;
	uint64_t bit;
	bool full;
};

static void port_put(struct adding *a, uint64_t port)
{
	struct ends *e = a->to;
	size_t i = 0;

	while (i < e->nports && e->port[i].port != port)
		i++;
	if (i == e->nports) {
		if (i == sizeof(e->port) / sizeof(e->port[0])) {
			a->full = true;
			return;
		}
		e->port[e->nports++] = (struct end_port){ (uint32_t)port, 0 };
	}
	e->port[i].mask |= a->bit;
}

/* The network as the kernel has it; the bits behind it are zero. */
static struct filter_net net_of(const struct expr_value *v)
{
	struct filter_net net = { .bits = v->bits };

	if (v->v.ip.len == 4) {
		net.bits += V4_BITS;
		net.addr[10] = net.addr[11] = 0xff;
		memcpy(net.addr + 12, v->v.ip.b, 4);
	} else {
		memcpy(net.addr, v->v.ip.b, 16);
	}
	for (size_t bit = net.bits; bit < 128; bit++)
		net.addr[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	return net;
}

static void net_put(struct adding *a, const struct expr_value *v)
{
	struct filter_net net = net_of(v);
	struct ends *e = a->to;
	size_t i = 0;

	while (i < e->nnets && memcmp(&e->net[i].net, &net, sizeof(net)) != 0)
		i++;
	if (i == e->nnets) {
		if (i == sizeof(e->net) / sizeof(e->net[0])) {
			a->full = true;
			return;
		}
		e->net[e->nnets++] = (struct end_net){ net, 0 };
	}
	e->net[i].mask |= a->bit;
}

static void end_add(void *ctx, const struct expr_cond *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->ref->field->type == VALUE_PORT)
			port_put(ctx, c->values[i].v.u64);
		else
			net_put(ctx, &c->values[i]);
}

static bool end_usable(void *ctx, const struct expr_cond *c)
{
	(void)ctx;
	return know_is_end(c->ref->field) && c->op == EXPR_EQ;
}

int ends_triggers(const struct pushdown_clause *c, trigger_add_fn add, void *ctx)
{
	return triggers_find(c, calls_descriptor_kinds(), end_usable, add, ctx);
}

/* Whether @a is inside @b. */
static bool net_in(const struct filter_net *a, const struct filter_net *b)
{
	uint32_t whole = b->bits / 8, rest = b->bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return a->bits >= b->bits && memcmp(a->addr, b->addr, whole) == 0 &&
	       (!rest || !((a->addr[whole] ^ b->addr[whole]) & mask));
}

/* The kernel finds the longest network alone: it has what those around it have. */
static void nets_nest(struct ends *e)
{
	for (size_t i = 0; i < e->nnets; i++)
		for (size_t n = 0; n < e->nnets; n++)
			if (n != i && net_in(&e->net[i].net, &e->net[n].net))
				e->net[i].mask |= e->net[n].mask;
}

struct ends *ends_judge(const struct clause *list, size_t n)
{
	struct ends *e = calloc(1, sizeof(*e));
	struct adding a = { .to = e };
	uint64_t kinds = calls_descriptor_kinds(), passes = 0, used = 0;

	for (size_t i = 0; e && i < n; i++) {
		int got;

		if (!(list[i].c.kinds & kinds))
			continue;
		used |= a.bit = list[i].bit;
		got = ends_triggers(&list[i].c, end_add, &a);
		if (got == -ENOMEM) {
			free(e);
			return NULL;
		}
		if (got == 0)
			passes |= list[i].bit;
	}
	if (!e)
		return NULL;
	nets_nest(e);
	e->clears = a.full ? 0 : used & ~passes;
	return e;
}
