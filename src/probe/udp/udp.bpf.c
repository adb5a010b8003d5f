// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * UDP peers. Two programs at the root of the cgroup hierarchy see each packet with its socket: on
 * its way out in the sending process, on its way in mostly in an interrupt. A table of (socket,
 * peer, direction) lets only the first datagram through; a third program, at the creation of
 * sockets, and udp_seen, over the files open when we start, note whose a socket is.
 *
 * Why not trampolines on udp_sendmsg and udp_recvmsg: many kernels refuse them, and this way is the
 * same on all. Cost: every IP packet of a local socket, TCP too, pays for the hook and one byte
 * read; a datagram to a known peer for one table look-up more. Hence loaded only when asked for.
 *
 * Limits: the cgroup namespace of the agent must be the host's, or it sees its own part alone. A
 * peer is told again after PEERS others (LRU). Receivers older than the agent that never send are
 * known since Linux 5.13. IPv6 datagrams behind extension headers are not seen. A datagram sent
 * from an interrupt (some tunnels) counts as the interrupted task's, unless that is a kernel thread.
 */
#include "probe/udp/udp.h"

#include "bpf/owner.h"
#include "bpf/sock.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PEERS  32768
#define OWNERS 16384

#define IPPROTO_UDP_V 17
#define SOCK_DGRAM_V  2
#define IP4_BYTES     20
#define IP6_BYTES     40
#define UDP_BYTES     8
#define ALLOW	      1

struct peer_key {
	u64 cookie;
	u8 addr[16];
	u16 port;
	u8 direction;
	u8 pad[5];
};

/* What was already done for a peer. */
enum peer_done {
	PEER_COUNTED = 1,
	PEER_SENT = 2,
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PEERS);
	__type(key, struct peer_key);
	__type(value, u32);
} udp_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, OWNERS);
	__type(key, u64); /* socket cookie */
	__type(value, struct owner);
} udp_owners SEC(".maps");

/* What a datagram says of itself; ports in host order. */
struct datagram {
	u8 from[16], to[16];
	u16 from_port, to_port;
	u16 family;
	u16 bytes;
};

static __always_inline bool udp_header(struct __sk_buff *skb, u32 at, struct datagram *ret)
{
	u16 word[3]; /* source port, destination port, length */

	if (bpf_skb_load_bytes(skb, at, word, sizeof(word)) != 0)
		return false;
	ret->from_port = bpf_ntohs(word[0]);
	ret->to_port = bpf_ntohs(word[1]);
	ret->bytes = bpf_ntohs(word[2]) - UDP_BYTES;
	return true;
}

/* False when it is no UDP datagram. *ret is zeroed by the caller. */
static __always_inline bool datagram_read(struct __sk_buff *skb, struct datagram *ret)
{
	u8 first = 0, protocol = 0;

	if (bpf_skb_load_bytes(skb, 0, &first, 1) != 0)
		return false;
	if (bpf_skb_load_bytes(skb, first >> 4 == 4 ? 9 : 6, &protocol, 1) != 0 ||
	    protocol != IPPROTO_UDP_V)
		return false;
	if (first >> 4 == 4) {
		ret->family = AF_INET_V;
		return bpf_skb_load_bytes(skb, 12, ret->from, 4) == 0 &&
		       bpf_skb_load_bytes(skb, 16, ret->to, 4) == 0 &&
		       udp_header(skb, (first & 15) * 4, ret);
	}
	ret->family = AF_INET6_V;
	return bpf_skb_load_bytes(skb, 8, ret->from, 16) == 0 &&
	       bpf_skb_load_bytes(skb, 24, ret->to, 16) == 0 && udp_header(skb, IP6_BYTES, ret);
}

/* Who sends or receives; notes the sender. Fills every member. */
static __always_inline void owner_find(u64 cookie, u8 direction, struct owner *ret)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct owner *known = bpf_map_lookup_elem(&udp_owners, &cookie);

	if (direction == UDP_SENT && !(known && task_is_kernel(t))) {
		owner_of(t, ret);
		if (!known || known->pid != ret->pid || known->start_ns != ret->start_ns)
			bpf_map_update_elem(&udp_owners, &cookie, ret, BPF_ANY);
	} else if (known) {
		*ret = *known;
		owner_now(ret);
	} else {
		owner_none(ret);
	}
}

static __always_inline void udp_send(const struct datagram *d, const struct peer_key *key,
				     const struct owner *o)
{
	bool sent = key->direction == UDP_SENT;
	struct rec_udp *r;
	u32 number;

	r = record_reserve(&ring_bulk, sizeof(*r), KIND_UDP, &number);
	if (!r)
		return;
	hdr_fill_owner(&r->hdr, REC_UDP, o, number, sizeof(*r));
	__builtin_memset(&r->sock, 0, sizeof(r->sock));
	__builtin_memcpy(r->sock.local, sent ? d->from : d->to, sizeof(r->sock.local));
	__builtin_memcpy(r->sock.remote, sent ? d->to : d->from, sizeof(r->sock.remote));
	r->sock.lport = sent ? d->from_port : d->to_port;
	r->sock.rport = sent ? d->to_port : d->from_port;
	r->sock.family = d->family;
	r->sock.protocol = IPPROTO_UDP_V;
	r->sock.type = SOCK_DGRAM_V;
	r->cookie = key->cookie;
	r->bytes = d->bytes;
	r->direction = key->direction;
	__builtin_memset(r->pad, 0, sizeof(r->pad));
	record_submit(&ring_bulk, RING_BULK_BYTES, r, KIND_UDP);
}

/* A datagram to or from a peer that is new to its socket, for one of those who asked. */
static __always_inline void peer_new(struct ctl *c, const struct datagram *d,
				     const struct peer_key *key, u32 done)
{
	struct owner o;
	u32 now = done;

	owner_find(key->cookie, key->direction, &o);
	if ((c->counted & KIND_BIT(KIND_UDP)) && !(done & PEER_COUNTED)) {
		count_add(KIND_UDP, o.cgroup, false);
		now |= PEER_COUNTED;
	}
	if ((c->wanted & KIND_BIT(KIND_UDP)) && !(done & PEER_SENT) && owner_pass(c, KIND_UDP, &o)) {
		udp_send(d, key, &o);
		now |= PEER_SENT;
	}
	if (now != done)
		bpf_map_update_elem(&udp_peers, key, &now, BPF_ANY);
}

static __always_inline int datagram_seen(struct __sk_buff *skb, u8 direction)
{
	struct peer_key key = { .direction = direction };
	struct datagram d = {};
	struct ctl *c = ctl_get();
	u32 need = 0, *done;

	if (c && (c->wanted & KIND_BIT(KIND_UDP)))
		need |= PEER_SENT;
	if (c && (c->counted & KIND_BIT(KIND_UDP)))
		need |= PEER_COUNTED;
	if (!need || !datagram_read(skb, &d))
		return ALLOW;
	key.cookie = bpf_get_socket_cookie(skb);
	__builtin_memcpy(key.addr, direction == UDP_SENT ? d.to : d.from, sizeof(key.addr));
	key.port = direction == UDP_SENT ? d.to_port : d.from_port;
	done = bpf_map_lookup_elem(&udp_peers, &key);
	if (!done || (*done & need) != need)
		peer_new(c, &d, &key, done ? *done : 0);
	return ALLOW;
}

SEC("cgroup_skb/egress")
int udp_egress(struct __sk_buff *skb)
{
	return datagram_seen(skb, UDP_SENT);
}

SEC("cgroup_skb/ingress")
int udp_ingress(struct __sk_buff *skb)
{
	return datagram_seen(skb, UDP_RECEIVED);
}

SEC("cgroup/sock_create")
int udp_create(struct bpf_sock *sk)
{
	u64 cookie;
	struct owner o;

	if (sk->protocol != IPPROTO_UDP_V)
		return ALLOW;
	cookie = bpf_get_socket_cookie(sk);
	owner_of((void *)bpf_get_current_task(), &o);
	bpf_map_update_elem(&udp_owners, &cookie, &o, BPF_ANY);
	return ALLOW;
}

/* The sockets that were there before. What was noted meanwhile is newer and stays. */
SEC("iter/task_file")
int udp_seen(struct bpf_iter__task_file *ctx)
{
	struct task_struct *t = ctx->task;
	struct file *f = ctx->file;
	struct socket *s;
	struct sock *sk;
	struct owner o;
	u64 cookie;

	/* The helpers needed came with 5.11 and 5.12; this stands for them. */
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_for_each_map_elem))
		return 0;
	if (!t || !f)
		return 0;
	s = bpf_sock_from_file(f);
	sk = s ? s->sk : NULL;
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_UDP_V ||
	    BPF_CORE_READ(sk, sk_type) != SOCK_DGRAM_V)
		return 0;
	cookie = bpf_get_socket_cookie(sk);
	owner_of(t, &o);
	bpf_map_update_elem(&udp_owners, &cookie, &o, BPF_NOEXIST);
	return 0;
}
