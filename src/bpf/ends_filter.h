/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/* The filter's dimension of ports and addresses (wire/ctl.h). */
#include "bpf/filter.h"
#include "bpf/sock.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_PORTS);
	__type(key, u32);
	__type(value, u64);
} f_port SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, FILTER_NETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct filter_net);
	__type(value, u64);
} f_net SEC(".maps");

/* What one end leaves; @family of @addr, which has IPv4's first. */
static __always_inline u64 end_mask(u32 family, const u8 *addr, u32 port)
{
	struct filter_net net = { .bits = 128 };
	u64 m = mask_or(bpf_map_lookup_elem(&f_port, &port), 0);

	if (family == AF_INET_V) {
		net.addr[10] = net.addr[11] = 0xff;
		__builtin_memcpy(net.addr + 12, addr, 4);
	} else {
		__builtin_memcpy(net.addr, addr, 16);
	}
	return m | mask_or(bpf_map_lookup_elem(&f_net, &net), 0);
}

/* What a socket's two ends leave of the clauses; 0 for one that is neither IPv4 nor IPv6. */
static __always_inline u64 sock_ends_mask(struct sock *sk)
{
	struct rec_sock s;

	sock_fill(sk, &s);
	if (s.family != AF_INET_V && s.family != AF_INET6_V)
		return 0;
	return end_mask(s.family, s.local, s.lport) | end_mask(s.family, s.remote, s.rport);
}
