/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Record of a socket's first datagram to a peer, or from it.
 *
 * Sent: the header's process is the one that sends. Received: the process that made the socket or
 * that last sent through it; pid 0 when neither was seen. Addresses come from the packet itself, so
 * an unconnected socket has both ends too. Source: cgroup programs on sockets (see udp.bpf.c).
 */
#include "wire/record.h"
#include "wire/sock.h"

enum udp_direction {
	UDP_SENT,
	UDP_RECEIVED,
	UDP_DIRECTIONS
};

struct rec_udp {
	struct rec_hdr hdr;
	struct rec_sock sock;
	__u64 cookie; /* the kernel's number of the socket, never reused */
	__u32 bytes;  /* of the datagram, without headers */
	__u8 direction;
	__u8 pad[3];
};
_Static_assert(sizeof(struct rec_udp) == 128, "rec_udp is stored in captures");
