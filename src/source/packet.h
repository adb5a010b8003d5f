#pragma once
/*
 * One captured frame, taken apart down to the payload of TCP or UDP: link layer by the file's link
 * type (with VLAN tags), IPv4, IPv6 with its extension headers. Pure: bytes in, a struct out, which
 * borrows them. Every byte is hostile.
 *
 * Not here: fragments (counted by who calls), tunnels, checksums (an interface that computes them
 * in hardware leaves them wrong in a capture of what is sent).
 *
 * Sources: RFC 791, 8200, 9293, 768; the link types of https://www.tcpdump.org/linktypes.html.
 */
#include "base/clock.h"
#include "base/cur.h"

enum packet_result {
	PACKET_OK,
	PACKET_OTHER,	 /* neither TCP nor UDP over IP: ARP, ICMP, a tunnel, ... */
	PACKET_FRAGMENT, /* of an IP datagram */
	PACKET_CUT,	 /* captured only in part, and its headers are not whole */
	PACKET_BAD,	 /* lengths that contradict each other */
	PACKET_RESULTS
};

/* Of the TCP header. */
enum packet_tcp {
	PACKET_FIN = 1,
	PACKET_SYN = 2,
	PACKET_RST = 4,
	PACKET_ACK = 16,
};

struct packet {
	struct boot_ns time; /* not set here */
	uint8_t src[16];     /* network order; IPv4 in the first four, the rest 0 */
	uint8_t dst[16];
	uint16_t sport, dport;
	uint16_t family;   /* AF_INET, AF_INET6 */
	uint8_t protocol;  /* IPPROTO_TCP, IPPROTO_UDP */
	uint8_t tcp_flags; /* enum packet_tcp and others */
	uint16_t ip_id;	   /* of IPv4: 0 says nothing */
	uint32_t seq, ack;
	uint32_t seen;	 /* bytes of payload the packet had */
	struct str data; /* those that were captured: at most @seen of them, the first */
};

struct packet_link; /* a kind of frame */

/* By libpcap's DLT_ number; NULL: not one of ours. */
const struct packet_link *packet_link_find(int dlt);

/*
 * @frame: what was captured; @wire_len: how long the frame was. *ret is filled only with PACKET_OK.
 */
enum packet_result packet_parse(const struct packet_link *link, struct cur frame, uint32_t wire_len,
				struct packet *ret);
