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

/*
 * What one end leaves: the halves of its address as they stand in memory. A function of its own, so that
 * what is found here is not followed further by the verifier.
 */
VERIFIED_ONCE u64 end_mask(u64 high, u64 low, u64 port)
{
	struct filter_net net = { .bits = 128 };
	u32 key = (u32)port;
	u64 m = mask_or(bpf_map_lookup_elem(&f_port, &key), 0);

	__builtin_memcpy(net.addr, &high, 8);
	__builtin_memcpy(net.addr + 8, &low, 8);
	return m | mask_or(bpf_map_lookup_elem(&f_net, &net), 0);
}

/* @addr has IPv4's first; it stands inside IPv6 then. */
static __always_inline u64 end_of(u32 family, const u8 *addr, u64 port)
{
	u64 half[2];

	__builtin_memcpy(half, addr, 16);
	if (family == AF_INET_V) {
		half[1] = half[0] << 32 | 0xffff0000;
		half[0] = 0;
	}
	return end_mask(half[0], half[1], port);
}

/* What a socket's two ends leave of the clauses; 0 for one that is neither IPv4 nor IPv6. */
static __always_inline u64 sock_ends_mask(struct sock *sk)
{
	struct rec_sock s;

	sock_fill(sk, &s);
	if (s.family != AF_INET_V && s.family != AF_INET6_V)
		return 0;
	return end_of(s.family, s.local, s.lport) | end_of(s.family, s.remote, s.rport);
}
