/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Record of a socket call that moved bytes: which socket, which way, where in the stream, how many, and the first
 * of them. Also made from packets of a pcap file (source/pcap.h), and by the probes at TLS libraries, then with
 * the plaintext.
 *
 * `pos` numbers the bytes of a direction: the position of the first byte of this call, modulo 2^32. TCP's own sequence
 * numbers where the socket is TCP's; for TLS plaintext and other stream sockets a count. Datagrams
 * have 0. Bytes between two records of a direction that no record had are a gap: its length is the difference.
 * `data` holds the first min(seen, what the kernel was told to copy) bytes; the rest is a gap as well.
 */
#include "wire/record.h"
#include "wire/sched.h"
#include "wire/sock.h"

enum stream_flag {
	STREAM_OUT = 1,	     /* sent by the header's process; else received */
	STREAM_TLS = 2,	     /* plaintext at a TLS library */
	STREAM_CLOSE = 4,    /* the connection has ended: no bytes, no direction */
	STREAM_DATAGRAM = 8, /* the bytes are one datagram (its beginning) */
	STREAM_PASSIVE = 16, /* seen on the wire: the header has no process */
	STREAM_OPENED = 32,  /* the connection was seen from its begin on */
	STREAM_SKIPPED = 64, /* sizes only: sendfile, splice, inside of a body */
	STREAM_FULL = 128,   /* the call had more bytes than were copied */
	STREAM_TIMES = 256,  /* a struct rec_stream_times follows, before the data */
};

struct rec_stream {
	struct rec_hdr hdr;
	struct rec_sock sock;
	__u64 id; /* of the socket while it lives; of a flow in a pcap */
	__u32 pos;
	__u32 seen;	   /* bytes moved by the call */
	__u32 srtt_us;	   /* smoothed round trip time; 0: not known */
	__u32 retransmits; /* segments sent again so far, of this socket */
	struct rec_str data;
	__u16 flags; /* enum stream_flag */
	__u8 role;   /* 0: not known, 1: this end connected (client), 2: it accepted (server) */
	__u8 pad[1];
};
_Static_assert(sizeof(struct rec_stream) == 144, "rec_stream is stored in captures");

/* The thread's time by state since it was first seen, at hdr.time_ns. */
struct rec_stream_times {
	__u64 ns[SCHED_STATE_COUNT];
};
_Static_assert(sizeof(struct rec_stream_times) == 8 * 12, "rec_stream_times is stored in captures");

#define STREAM_DATA_MAX 16384 /* bytes of one record */

enum stream_role {
	STREAM_CLIENT = 1,
	STREAM_SERVER = 2,
};

/* What is done with a connection. */
enum stream_class {
	STREAM_CLASS_UNKNOWN,
	STREAM_CLASS_KEEP,
	STREAM_CLASS_DROP,
	STREAM_CLASS_BODIES, /* kept; HTTP/1: bodies whose length is told are passed over (bpf/body.h) */
};

/* Bytes of a call that are copied; see bytes_wanted in bpf/stream.h. Set before the program is loaded. */
struct stream_knobs {
	__u32 message; /* a call of up to so many is copied whole; STREAM_DATA_MAX at most */
	__u32 head;    /* of a larger one, and of a datagram */
	__u32 body;    /* of a call after `run` bytes one way without an answer */
	__u32 run;
	__u32 run_multiplexed; /* the same of HTTP/2 */
	__u32 unknown; /* of a call of a connection of which nothing is known after `looks` */
	__u32 looks;
	__u32 table;	/* sockets are kept in a table by address; else with the socket */
	__u16 ports[2]; /* of UDP; 0: none */
};

#define STREAM_KNOBS_USUAL                  \
	{                                   \
		.message = STREAM_DATA_MAX, \
		.head = 4096,               \
		.body = 256,                \
		.run = 16384,               \
		.run_multiplexed = 65536,   \
		.unknown = 4096,            \
		.looks = 64,                \
		.ports = { 53, 5353 },      \
	}
