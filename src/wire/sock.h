/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/* The two ends of a socket as the kernel has them, in every record that is about one. */
#include <linux/types.h>

struct rec_sock {
	__u8 local[16]; /* network order; IPv4 in the first four */
	__u8 remote[16];
	__u16 lport; /* host order; 0: not bound, or not connected */
	__u16 rport;
	__u16 family;	/* AF_INET, AF_INET6, AF_UNIX, ...; 0: no socket */
	__u16 protocol; /* IPPROTO_*; 0 for unix */
	__u8 type;	/* SOCK_STREAM, ... */
	__u8 state;	/* TCP state */
	__u8 pad[6];
};
_Static_assert(sizeof(struct rec_sock) == 48, "rec_sock is stored in captures");
