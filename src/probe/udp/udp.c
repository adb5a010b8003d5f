/* Decoding UDP peers, and the fields that only they have. */
#include "probe/udp/udp.h"

#include <errno.h>

#include "probe/probe.h"
#include "probe/sock.h"

static int udp_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_udp *r = (const void *)h;

	(void)a;
	if (h->len < sizeof(*r) || r->direction >= UDP_DIRECTIONS)
		return -EBADMSG;
	ret->kind = &kind_table[KIND_UDP];
	ret->type = r->direction == UDP_SENT ? STR("udp_send") : STR("udp_receive");
	/* Who began is not known: a socket that answers looks like one that asks. */
	sock_fd_fill(&r->sock, -1, &ret->fd);
	return 0;
}

enum udp_field {
	UDP_DIRECTION,
	UDP_BYTES,
	UDP_COOKIE,
};

static bool udp_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	const struct rec_udp *r = ev->body;

	if (nth || ev->hdr->type != REC_UDP)
		return false;
	ret->type = ref->field->type;
	switch ((enum udp_field)ref->field->arg) {
	case UDP_DIRECTION:
		ret->str = r->direction == UDP_SENT ? STR("sent") : STR("received");
		return true;
	case UDP_BYTES:
		ret->u64 = r->bytes;
		return true;
	case UDP_COOKIE:
		ret->u64 = r->cookie;
		return true;
	}
	return false;
}

#define UDP KIND_BIT(KIND_UDP), FIELD_DEFAULT, udp_get

static const struct field udp_fields[] = {
	{ "udp.direction", VALUE_STR, "", UDP, UDP_DIRECTION, "sent or received" },
	{ "udp.bytes", VALUE_U64, "bytes", UDP, UDP_BYTES, "payload of that first datagram" },
	{ "udp.socket", VALUE_U64, "", UDP, UDP_COOKIE,
	  "the kernel's number of the socket, the same in both directions" },
	{ NULL },
};

static uint64_t udp_type_kinds(struct str type)
{
	return str_starts(type, STR("udp_")) ? KIND_BIT(KIND_UDP) : 0;
}

static const struct probe_decoder udp_decoders[] = {
	{ REC_UDP, udp_decode },
	{ REC_NONE, NULL },
};

static const struct probe_hook udp_hooks[] = {
	{ "udp_create", NULL, "cgroup inet_sock_create", .cgroup = true },
	{ "udp_egress", NULL, "cgroup inet_egress", .cgroup = true },
	{ "udp_ingress", NULL, "cgroup inet_ingress", .cgroup = true },
	{ "udp_seen", NULL, "task_file iterator", .optional = true, .sweep = true },
	{ NULL },
};

extern const char udp_bpf_elf[], udp_bpf_elf_end[];

const struct probe probe_udp = {
	.name = "udp",
	.help = "UDP peers of sockets",
	.elf = udp_bpf_elf,
	.elf_end = udp_bpf_elf_end,
	.kinds = KIND_BIT(KIND_UDP),
	.hooks = udp_hooks,
	.decoders = udp_decoders,
	.fields = udp_fields,
	.type_kinds = udp_type_kinds,
};
