/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/* Reading a socket's two ends. */
#include "bpf/walk.h"

#include <bpf/bpf_endian.h>

#include "wire/sock.h"

#define AF_UNIX_V  1
#define AF_INET_V  2
#define AF_INET6_V 10
#define S_IFMT_V   0170000
#define S_IFSOCK_V 0140000

/* Fills every member. */
static __always_inline void sock_fill(struct sock *sk, struct rec_sock *ret)
{
	__builtin_memset(ret, 0, sizeof(*ret));
	ret->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	ret->type = BPF_CORE_READ(sk, sk_type);
	ret->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (ret->family == AF_INET_V) {
		BPF_CORE_READ_INTO((u32 *)ret->local, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((u32 *)ret->remote, sk, __sk_common.skc_daddr);
	} else if (ret->family == AF_INET6_V) {
		BPF_CORE_READ_INTO((struct in6_addr *)ret->local, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO((struct in6_addr *)ret->remote, sk, __sk_common.skc_v6_daddr);
	} else {
		return;
	}
	ret->protocol = BPF_CORE_READ(sk, sk_protocol);
	ret->lport = BPF_CORE_READ(sk, __sk_common.skc_num);
	ret->rport = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

/* The open file behind a descriptor of the task, or NULL. */
static __always_inline struct file *task_file(struct task_struct *t, int fd)
{
	struct fdtable *fdt = BPF_CORE_READ(t, files, fdt);
	struct file **table = BPF_CORE_READ(fdt, fd);
	struct file *f = NULL;

	if (fd < 0 || (u32)fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	bpf_probe_read_kernel(&f, sizeof(f), &table[fd]);
	return f;
}

/* The socket behind a file, or NULL when it is none. */
static __always_inline struct sock *file_sock(struct file *f)
{
	struct socket *s;

	if (!f || (BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT_V) != S_IFSOCK_V)
		return NULL;
	s = BPF_CORE_READ(f, private_data);
	return BPF_CORE_READ(s, sk);
}

static __always_inline u32 file_family(struct file *f)
{
	struct sock *sk = file_sock(f);

	switch (sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : 0) {
	case AF_INET_V:
		return FAMILY_IPV4;
	case AF_INET6_V:
		return FAMILY_IPV6;
	case AF_UNIX_V:
		return FAMILY_UNIX;
	default:
		return FAMILY_NONE;
	}
}

/*
 * Appends the bound name of a unix socket, or its peer's when it has none itself (a client). An
 * abstract name keeps its leading NUL.
 */
static __always_inline void sock_unix_name(struct sock *sk, const struct tail *t)
{
	struct unix_sock *u = (void *)sk;
	struct unix_address *a = BPF_CORE_READ(u, addr);
	u32 n, at = tail_end(t);

	if (!a) {
		u = (void *)BPF_CORE_READ(u, peer);
		a = BPF_CORE_READ(u, addr);
	}
	if (!a || at > t->mask - 128)
		return;
	n = BPF_CORE_READ(a, len) - 2; /* less sun_family */
	if (n > 108)
		return;
	if (bpf_probe_read_kernel(t->p + at, n & 127,
				  (void *)a + bpf_core_field_offset(struct unix_address, name) + 2) ==
	    0)
		*t->end = at + (n & 127);
}
