// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * TCP state changes. Most happen in the network's soft interrupt, on top of a task that has nothing
 * to do with them; so the owner of each socket is noted where it is known:
 *   connect, listen, close   run in the process itself
 *   a new connection         is cloned from the listening socket, whose address finds the owner
 *   sockets older than us    tcp_seen goes through all open files once
 * Limits: of several processes that listen on one address (SO_REUSEPORT, or workers that inherited
 * the socket), a new connection is given to the one that listened last, until its close corrects
 * it. The tables forget the oldest entries when full (LRU): those owners become unknown.
 */
#include "probe/tcp/tcp.h"

#include "bpf/owner.h"
#include "bpf/sock.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define TCP_SOCKS     32768
#define TCP_LISTENERS 4096

#define IPPROTO_TCP_V 6
#define SOCK_DONE_BIT 1 /* enum sock_flags: the peer's FIN has come */

enum tcp_state_v {
	TCP_ESTABLISHED_V = 1,
	TCP_SYN_SENT_V = 2,
	TCP_SYN_RECV_V = 3,
	TCP_FIN_WAIT1_V = 4,
	TCP_CLOSE_V = 7,
	TCP_LAST_ACK_V = 9,
	TCP_LISTEN_V = 10,
};

struct tcp_known {
	struct owner owner;
	u64 opened_ns; /* 0: before our time */
	u8 role;
	u8 sure; /* owner comes from the process itself */
	u8 pad[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TCP_SOCKS);
	__type(key, u64);
	__type(value, struct tcp_known);
} tcp_socks SEC(".maps");

struct listen_key {
	u64 net;
	u8 addr[16];
	u16 port;
	u16 family;
	u32 pad;
};

struct listener {
	struct owner owner;
	u64 sk;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TCP_LISTENERS);
	__type(key, struct listen_key);
	__type(value, struct listener);
} tcp_listeners SEC(".maps");

/* Where a listening socket, or one just cloned from it, is bound. */
static __always_inline void listen_key_of(struct sock *sk, struct listen_key *ret)
{
	__builtin_memset(ret, 0, sizeof(*ret));
	ret->net = (u64)BPF_CORE_READ(sk, __sk_common.skc_net.net);
	ret->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	ret->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (ret->family == AF_INET6_V)
		BPF_CORE_READ_INTO((struct in6_addr *)ret->addr, sk, __sk_common.skc_v6_rcv_saddr);
	else
		BPF_CORE_READ_INTO((u32 *)ret->addr, sk, __sk_common.skc_rcv_saddr);
}

static __always_inline void listener_add(struct sock *sk, const struct owner *o, u64 flags)
{
	struct listener l = { .owner = *o, .sk = (u64)sk };
	struct listen_key key;

	listen_key_of(sk, &key);
	bpf_map_update_elem(&tcp_listeners, &key, &l, flags);
}

/* By the time a listener is closed its port may be gone from skc_num, but not from inet_sport. */
static __always_inline void listener_remove(struct sock *sk)
{
	struct inet_sock *inet = (void *)sk;
	struct listen_key key;
	struct listener *l;

	listen_key_of(sk, &key);
	key.port = bpf_ntohs(BPF_CORE_READ(inet, inet_sport));
	l = bpf_map_lookup_elem(&tcp_listeners, &key);
	if (l && l->sk == (u64)sk)
		bpf_map_delete_elem(&tcp_listeners, &key);
}

/* Unknown, but for the cgroup, which a socket keeps itself (only version 2's). */
static __always_inline void owner_unknown(struct sock *sk, struct owner *ret)
{
	struct sock___old *old = (void *)sk;
	struct cgroup *cg = NULL;
	u64 val;

	owner_none(ret);
	if (knobs.v1_subsys != V1_NONE)
		return;
	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup)) {
		cg = BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	} else if (bpf_core_field_exists(old->sk_cgrp_data.val)) {
		val = BPF_CORE_READ(old, sk_cgrp_data.val);
		cg = val & 1 ? NULL : (void *)val;
	}
	ret->cgroup = cg ? BPF_CORE_READ(cg, kn, id) : 0;
}

/* A socket that begins in the running process. */
static __always_inline void known_begin(struct sock *sk, u8 role, struct tcp_known *ret)
{
	owner_of((void *)bpf_get_current_task(), &ret->owner);
	ret->opened_ns = bpf_ktime_get_boot_ns();
	ret->role = role;
	ret->sure = true;
	if (role == TCP_ROLE_SERVER)
		listener_add(sk, &ret->owner, BPF_ANY);
}

static __always_inline void known_accept(struct sock *sk, struct tcp_known *ret)
{
	struct listen_key key;
	struct listener *l;

	listen_key_of(sk, &key);
	l = bpf_map_lookup_elem(&tcp_listeners, &key);
	if (!l) {
		/* Newer kernels have filled in the connection's own address by now. */
		__builtin_memset(key.addr, 0, sizeof(key.addr));
		l = bpf_map_lookup_elem(&tcp_listeners, &key);
	}
	if (l) {
		ret->owner = l->owner;
		owner_now(&ret->owner);
	} else {
		owner_unknown(sk, &ret->owner);
	}
	ret->opened_ns = bpf_ktime_get_boot_ns();
	ret->role = TCP_ROLE_SERVER;
}

/* These changes are made by close and shutdown alone, in the process that has the socket. */
static __always_inline bool state_left_by_process(int old, int new)
{
	return new == TCP_FIN_WAIT1_V || new == TCP_LAST_ACK_V || old == TCP_LISTEN_V;
}

/* Fills what is known of the socket's owner; notes it for later changes. */
static __always_inline void known_update(struct sock *sk, int old, int new, struct tcp_known *ret)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	u64 key = (u64)sk;
	struct tcp_known *k;

	if (new == TCP_SYN_SENT_V) {
		known_begin(sk, TCP_ROLE_CLIENT, ret);
	} else if (new == TCP_LISTEN_V) {
		known_begin(sk, TCP_ROLE_SERVER, ret);
	} else if (new == TCP_SYN_RECV_V && old == TCP_LISTEN_V) {
		known_accept(sk, ret);
	} else {
		k = bpf_map_lookup_elem(&tcp_socks, &key);
		if (k)
			*ret = *k;
		else
			owner_unknown(sk, &ret->owner);
		owner_now(&ret->owner);
		if (!state_left_by_process(old, new) || task_is_kernel(t) ||
		    (ret->sure && ret->owner.pid != (u32)BPF_CORE_READ(t, tgid)))
			return;
		owner_of(t, &ret->owner);
		ret->sure = true;
	}
	if (new != TCP_CLOSE_V)
		bpf_map_update_elem(&tcp_socks, &key, ret, BPF_ANY);
}

static __always_inline void tcp_fill(struct rec_tcp *r, struct sock *sk, const struct tcp_known *k)
{
	struct tcp_sock *tp = (void *)sk;
	struct inet_sock *inet = (void *)sk;
	u64 sent = BPF_CORE_READ(tp, bytes_sent), again = BPF_CORE_READ(tp, bytes_retrans);
	u64 received = BPF_CORE_READ(tp, bytes_received);

	sock_fill(sk, &r->sock);
	if (!r->sock.lport)
		r->sock.lport = bpf_ntohs(BPF_CORE_READ(inet, inet_sport));
	/* The peer's FIN counts as a byte there. */
	if (received && (BPF_CORE_READ(sk, __sk_common.skc_flags) & (1ul << SOCK_DONE_BIT)))
		received--;
	r->bytes_sent = sent - again;
	r->bytes_received = received;
	r->duration_ns = k->opened_ns ? bpf_ktime_get_boot_ns() - k->opened_ns : 0;
	r->srtt_us = BPF_CORE_READ(tp, srtt_us) >> 3;
	r->segs_out = BPF_CORE_READ(tp, segs_out);
	r->segs_in = BPF_CORE_READ(tp, segs_in);
	r->retransmits = BPF_CORE_READ(tp, total_retrans);
	r->lost = BPF_CORE_READ(tp, lost);
	r->error = BPF_CORE_READ(sk, sk_err);
	r->role = k->role;
}

static __always_inline void tcp_send(struct sock *sk, int old, int new, const struct tcp_known *k)
{
	struct ctl *c = ctl_get();
	struct rec_tcp *r;
	u32 number;

	if (!c)
		return;
	if (c->counted & KIND_BIT(KIND_TCP))
		count_add(KIND_TCP, k->owner.cgroup, BPF_CORE_READ(sk, sk_err) != 0);
	if (!(c->wanted & KIND_BIT(KIND_TCP)) || !owner_pass(c, KIND_TCP, &k->owner))
		return;
	r = record_reserve(&ring_bulk, sizeof(*r), KIND_TCP, &number);
	if (!r)
		return;
	hdr_fill_owner(&r->hdr, REC_TCP, &k->owner, number, sizeof(*r));
	tcp_fill(r, sk, k);
	r->sock.state = new;
	r->old_state = old;
	r->new_state = new;
	__builtin_memset(r->pad, 0, sizeof(r->pad));
	record_submit(&ring_bulk, RING_BULK_BYTES, r, KIND_TCP);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, struct sock *sk, int old, int new)
{
	struct tcp_known k = {};
	u64 key = (u64)sk;

	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP_V || old == new)
		return 0;
	known_update(sk, old, new, &k);
	if (new == TCP_LISTEN_V || new == TCP_SYN_SENT_V || new == TCP_ESTABLISHED_V ||
	    new == TCP_CLOSE_V)
		tcp_send(sk, old, new, &k);
	if (new == TCP_CLOSE_V) {
		bpf_map_delete_elem(&tcp_socks, &key);
		if (old == TCP_LISTEN_V)
			listener_remove(sk);
	}
	return 0;
}

/* Sockets that were there before. What an event noted meanwhile is newer and stays. */
SEC("iter/task_file")
int tcp_seen(struct bpf_iter__task_file *ctx)
{
	struct tcp_known k = { .sure = true };
	struct task_struct *t = ctx->task;
	struct file *f = ctx->file;
	struct sock *sk;
	u64 key;

	if (!t || !f)
		return 0;
	sk = file_sock(f);
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP_V)
		return 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_INET_V &&
	    BPF_CORE_READ(sk, __sk_common.skc_family) != AF_INET6_V)
		return 0;
	owner_of(t, &k.owner);
	if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN_V) {
		k.role = TCP_ROLE_SERVER;
		listener_add(sk, &k.owner, BPF_NOEXIST);
	}
	key = (u64)sk;
	bpf_map_update_elem(&tcp_socks, &key, &k, BPF_NOEXIST);
	return 0;
}
