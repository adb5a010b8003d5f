/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The peer that a call or request names, not the one its socket is connected to, and whether it is
 * another than the socket's last event named (fd.name_changed). One table for all programs.
 */
#include "bpf/sock.h"

/* `ino` tells sockets apart that had one address in memory. */
struct peer {
	u8 addr[16];
	u32 ino;
	u16 port, family; /* the port as it travels */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64); /* struct sock * */
	__type(value, struct peer);
} sys_peers SEC(".maps");

static __always_inline long peer_read(void *to, u32 n, u64 from, bool kernel)
{
	return kernel ? bpf_probe_read_kernel(to, n, (void *)from) :
			bpf_probe_read_user(to, n, (void *)from);
}

/* False: no address of IPv4 or IPv6 stands there. */
static __always_inline bool peer_named(u64 addr, u32 bytes, bool kernel, struct peer *ret)
{
	u32 sa[6] = {}; /* family and port, IPv4 address or flow, IPv6 address */

	if (!addr || bytes < 16 || peer_read(sa, 16, addr, kernel) != 0)
		return false;
	ret->family = sa[0];
	ret->port = sa[0] >> 16;
	if (ret->family == AF_INET_V) {
		__builtin_memcpy(ret->addr, &sa[1], 4);
		return true;
	}
	if (ret->family != AF_INET6_V || bytes < 24 || peer_read(&sa[4], 8, addr + 16, kernel) != 0)
		return false;
	__builtin_memcpy(ret->addr, &sa[2], 16);
	return true;
}

/* Notes @now as the last peer of the file's socket; true when it was another. False without one. */
static __always_inline bool peer_changed(struct file *f, struct peer *now)
{
	u64 key = (u64)file_sock(f);
	struct peer *was;

	if (!key)
		return false;
	now->ino = BPF_CORE_READ(f, f_inode, i_ino);
	was = bpf_map_lookup_elem(&sys_peers, &key);
	if (was && __builtin_memcmp(was, now, sizeof(*now)) == 0)
		return false;
	bpf_map_update_elem(&sys_peers, &key, now, BPF_ANY);
	return true;
}
