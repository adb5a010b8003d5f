/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Record of a TCP state change: a socket listens, begins to connect, is connected, is closed.
 *
 * The header's process is the socket's owner, not the task that happened to run when a packet
 * came: who called connect or listen; for an accepted connection who listens, from the moment the
 * accepting process closes it that process. pid 0: not known (see tcp.bpf.c).
 *
 * Bytes are payload alone: what the peer acknowledged or was sent at least once, without SYN, FIN
 * and retransmissions. Source: tracepoint sock:inet_sock_set_state, struct tcp_sock.
 */
#include "wire/record.h"
#include "wire/sock.h"

enum tcp_role {
	TCP_ROLE_UNKNOWN,
	TCP_ROLE_CLIENT,
	TCP_ROLE_SERVER,
	TCP_ROLES
};

struct rec_tcp {
	struct rec_hdr hdr;
	struct rec_sock sock;
	__u64 bytes_sent;
	__u64 bytes_received;
	__u64 duration_ns; /* since connect began or the first packet came; 0: before our time */
	__u32 srtt_us;	   /* smoothed round trip time; 0: never measured */
	__u32 segs_out;
	__u32 segs_in;
	__u32 retransmits;
	__u32 lost;  /* segments thought lost now */
	__s32 error; /* errno of the socket: why it was closed; 0: none */
	__u8 old_state;
	__u8 new_state;
	__u8 role; /* enum tcp_role */
	__u8 pad[5];
};
_Static_assert(sizeof(struct rec_tcp) == 168, "rec_tcp is stored in captures");
