#pragma once
/*
 * Packets to the records that the kernel's own probe would have made of the same connection
 * (probe/stream/stream.h): TCP segments in order, UDP datagrams, and the end of each connection.
 *
 *   in order       handed on at once
 *   before that    sent again: counted in `retransmits`, and dropped; what is new of it is handed on
 *   after a hole   held, until the hole is filled; given up, so that it becomes a gap in `pos`, when
 *                  the other end has acknowledged it (the capture missed it), after FLOW_HOLE_NS of
 *                  the file's time, or when there is too much to hold
 *   far away       (FLOW_JUMP) the numbers of another connection: the direction goes on there
 *
 * `local` is the server's end and `role` says so, when the SYN was seen or the ports tell (one of
 * them well known or registered, the other ephemeral); otherwise role is 0 and `local` is the end
 * with the lower port. `id` counts connections from 1. `srtt_us` is that of the handshake;
 * `retransmits` are those of both directions: the file shows both. A copy of the packet before (as
 * captured on several interfaces) is none.
 *
 * Bounded: FLOWS_MAX connections, of which the one longest quiet is closed for a new one; bytes held
 * of a direction and of all. Each packet costs a time bounded by these. One thread.
 */
#include "probe/stream/stream.h"
#include "source/packet.h"

#define FLOWS_MAX      65536
#define FLOW_HELD_MAX  (256u << 10)  /* bytes held of one direction, their headers included */
#define FLOWS_HELD_MAX (16u << 20)   /* of all */
#define FLOW_HOLE_NS   3000000000ull /* more than the first retransmissions take */
#define FLOW_JUMP      (16 << 20)    /* sequence numbers; beyond any window in common use */

struct flows;

struct flows_stats {
	uint64_t flows;	    /* connections so far */
	uint64_t now;	    /* in the table, ended ones included */
	uint64_t held;	    /* bytes held now */
	uint64_t acked;	    /* holes given up: the other end had acknowledged them */
	uint64_t late;	    /* holes given up: after FLOW_HOLE_NS or at the connection's end */
	uint64_t full;	    /* holes given up: too much to hold, or too far */
	uint64_t pushed;    /* connections closed to make room */
	uint64_t copies;    /* of packets, captured on several interfaces */
	uint64_t no_memory; /* segments dropped */
};

/* 0 or -ENOMEM. */
int flows_new(struct flows **ret);
void flows_free(struct flows *f); /* NULL is fine */

/* Takes one packet, of any content. What came of it waits for flows_take. */
void flows_packet(struct flows *f, const struct packet *p);

/* The next record, whole and 8-byte aligned; NULL: none. Borrowed until the next call. */
const struct rec_hdr *flows_take(struct flows *f);

/* No more packets: closes one connection (maybe without a record). False: there is none left. */
bool flows_end(struct flows *f);

void flows_stats(const struct flows *f, struct flows_stats *ret);
