/*
 * Frames to packets. Each layer takes its header off the cursor and says what comes next; what the
 * layer's own length field leaves out (padding of short Ethernet frames) is cut off there.
 */
#include "source/packet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pcap/dlt.h>

#define ETHER_IPV4 0x0800
#define ETHER_IPV6 0x86dd
#define VLANS_MAX  4 /* tags one behind the other */
#define EXTS_MAX   8 /* extension headers of IPv6 */

#define PACKET_LEN_MAX (1u << 20) /* a frame; those that the kernel joined are the longest */

#define IP_MORE_FRAGMENTS 0x2000
#define IP_OFFSET	  0x1fff

struct packet_link {
	int dlt;
	/* Takes the link header off and gives the EtherType of what follows; 0: it tells IP's version. */
	bool (*take)(struct cur *c, uint16_t *ret_type);
};

/* What a layer hands to the next: its bytes as far as captured, and how many there were. */
struct layer {
	struct cur c;
	uint32_t len;
	uint8_t protocol; /* IPPROTO_* of the payload */
};

MUST_CHECK static bool u16_be(struct cur *c, uint16_t *ret)
{
	uint16_t v;

	if (!cur_u16(c, &v))
		return false;
	*ret = ntohs(v);
	return true;
}

MUST_CHECK static bool u32_be(struct cur *c, uint32_t *ret)
{
	uint32_t v;

	if (!cur_u32(c, &v))
		return false;
	*ret = ntohl(v);
	return true;
}

/* --- link layers --- */

static bool ether_take(struct cur *c, uint16_t *ret_type)
{
	return cur_skip(c, 12) && u16_be(c, ret_type);
}

static bool sll_take(struct cur *c, uint16_t *ret_type)
{
	return cur_skip(c, 14) && u16_be(c, ret_type);
}

static bool sll2_take(struct cur *c, uint16_t *ret_type)
{
	return u16_be(c, ret_type) && cur_skip(c, 18);
}

static bool raw_take(struct cur *c, uint16_t *ret_type)
{
	(void)c;
	*ret_type = 0;
	return true;
}

/* Four bytes of an address family, whose numbers and byte order are those of the capturing system. */
static bool null_take(struct cur *c, uint16_t *ret_type)
{
	*ret_type = 0;
	return cur_skip(c, 4);
}

static const struct packet_link links[] = {
	{ DLT_EN10MB, ether_take }, { DLT_LINUX_SLL, sll_take }, { DLT_LINUX_SLL2, sll2_take },
	{ DLT_RAW, raw_take },	    { DLT_IPV4, raw_take },	 { DLT_IPV6, raw_take },
	{ DLT_NULL, null_take },    { DLT_LOOP, null_take },
};

const struct packet_link *packet_link_find(int dlt)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (links[i].dlt == dlt)
			return &links[i];
	return NULL;
}

static bool is_vlan(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* --- IP --- */

/* Leaves of the captured bytes those that the layer's own length names. */
static void limit(struct cur *c, uint32_t len)
{
	if (cur_left(c) > len)
		c->end = c->p + len;
}

static enum packet_result ipv4_parse(struct layer *l, struct packet *p)
{
	uint8_t first, ttl_protocol[2];
	uint16_t len, fragment;
	uint32_t head, total;

	if (!cur_u8(&l->c, &first) || !cur_skip(&l->c, 1) || !u16_be(&l->c, &len) ||
	    !u16_be(&l->c, &p->ip_id) || !u16_be(&l->c, &fragment) ||
	    !cur_copy(&l->c, ttl_protocol, 2) || !cur_skip(&l->c, 2) ||
	    !cur_copy(&l->c, p->src, 4) || !cur_copy(&l->c, p->dst, 4))
		return PACKET_BAD;
	head = (first & 15u) * 4;
	/* 0: segmented by the interface, after the capture saw it. */
	total = len ? len : l->len;
	if (first >> 4 != 4 || head < 20 || total < head || !cur_skip(&l->c, head - 20))
		return PACKET_BAD;
	if (fragment & (IP_MORE_FRAGMENTS | IP_OFFSET))
		return PACKET_FRAGMENT;
	l->len = total - head;
	l->protocol = ttl_protocol[1];
	p->family = AF_INET;
	limit(&l->c, l->len);
	return PACKET_OK;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_AH || protocol == IPPROTO_MH;
}

/* One extension header: l->protocol names it, and then what follows it. */
static enum packet_result extension_parse(struct layer *l)
{
	uint8_t next, units;
	uint16_t fragment = 0;
	uint32_t len = 8;

	if (!cur_u8(&l->c, &next) || !cur_u8(&l->c, &units))
		return PACKET_BAD;
	if (l->protocol == IPPROTO_FRAGMENT) {
		if (!u16_be(&l->c, &fragment) || !cur_skip(&l->c, 4))
			return PACKET_BAD;
		/* One fragment that is the whole is none (RFC 6946). */
		if (fragment & 0xfff9)
			return PACKET_FRAGMENT;
	} else {
		len = l->protocol == IPPROTO_AH ? (units + 2u) * 4 : (units + 1u) * 8;
		if (!cur_skip(&l->c, len - 2))
			return PACKET_BAD;
	}
	if (l->len < len)
		return PACKET_BAD;
	l->len -= len;
	l->protocol = next;
	return PACKET_OK;
}

static enum packet_result ipv6_parse(struct layer *l, struct packet *p)
{
	uint16_t len;
	uint32_t first;

	if (!u32_be(&l->c, &first) || !u16_be(&l->c, &len) || !cur_u8(&l->c, &l->protocol) ||
	    !cur_skip(&l->c, 1) || !cur_copy(&l->c, p->src, 16) || !cur_copy(&l->c, p->dst, 16))
		return PACKET_BAD;
	if (first >> 28 != 6)
		return PACKET_BAD;
	/* 0: a jumbogram, or segmented after the capture saw it. */
	if (len)
		l->len = len;
	else
		l->len = l->len > 40 ? l->len - 40 : 0;
	limit(&l->c, l->len);
	p->family = AF_INET6;
	for (int i = 0; i < EXTS_MAX && is_extension(l->protocol); i++) {
		enum packet_result r = extension_parse(l);

		if (r != PACKET_OK)
			return r;
	}
	return PACKET_OK;
}

/* --- TCP, UDP --- */

static void payload(struct layer *l, uint32_t head, struct packet *p)
{
	p->seen = l->len - head;
	p->data = (struct str){ (const char *)l->c.p, cur_left(&l->c) };
}

static enum packet_result tcp_parse(struct layer *l, struct packet *p)
{
	uint8_t offset_flags[2];
	uint32_t head;

	if (!u16_be(&l->c, &p->sport) || !u16_be(&l->c, &p->dport) || !u32_be(&l->c, &p->seq) ||
	    !u32_be(&l->c, &p->ack) || !cur_copy(&l->c, offset_flags, 2) || !cur_skip(&l->c, 6))
		return PACKET_BAD;
	p->tcp_flags = offset_flags[1];
	head = (offset_flags[0] >> 4) * 4u;
	if (head < 20 || l->len < head)
		return PACKET_BAD;
	/* Options that were not captured say nothing that is needed here: then no data was, either. */
	if (!cur_skip(&l->c, head - 20))
		l->c.p = l->c.end;
	payload(l, head, p);
	return PACKET_OK;
}

static enum packet_result udp_parse(struct layer *l, struct packet *p)
{
	uint16_t len;

	if (!u16_be(&l->c, &p->sport) || !u16_be(&l->c, &p->dport) || !u16_be(&l->c, &len) ||
	    !cur_skip(&l->c, 2))
		return PACKET_BAD;
	if (l->len < 8 || (len && len < 8) || len > l->len)
		return PACKET_BAD;
	if (len) {
		l->len = len;
		limit(&l->c, len - 8u);
	}
	payload(l, 8, p);
	return PACKET_OK;
}

static enum packet_result ip_parse(uint16_t type, struct layer *l, struct packet *p)
{
	enum packet_result r;

	if (type == 0 && cur_left(&l->c))
		type = *l->c.p >> 4 == 4 ? ETHER_IPV4 : *l->c.p >> 4 == 6 ? ETHER_IPV6 : 0;
	if (type != ETHER_IPV4 && type != ETHER_IPV6)
		return PACKET_OTHER;
	r = type == ETHER_IPV4 ? ipv4_parse(l, p) : ipv6_parse(l, p);
	if (r != PACKET_OK)
		return r;
	p->protocol = l->protocol;
	if (l->protocol == IPPROTO_TCP)
		return tcp_parse(l, p);
	return l->protocol == IPPROTO_UDP ? udp_parse(l, p) : PACKET_OTHER;
}

static enum packet_result frame_parse(const struct packet_link *link, struct layer *l,
				      struct packet *p)
{
	const uint8_t *begin = l->c.p;
	uint16_t type, tag;

	if (!link->take(&l->c, &type))
		return PACKET_BAD;
	for (int i = 0; i < VLANS_MAX && is_vlan(type); i++)
		if (!u16_be(&l->c, &tag) || !u16_be(&l->c, &type))
			return PACKET_BAD;
	l->len -= (uint32_t)(l->c.p - begin);
	return ip_parse(type, l, p);
}

enum packet_result packet_parse(const struct packet_link *link, struct cur frame, uint32_t wire_len,
				struct packet *ret)
{
	uint32_t captured = (uint32_t)cur_left(&frame);
	struct layer l = { .c = frame, .len = wire_len > captured ? wire_len : captured };
	struct packet p = { 0 };
	enum packet_result r;

	if (wire_len > PACKET_LEN_MAX || captured > PACKET_LEN_MAX)
		return PACKET_BAD;
	r = frame_parse(link, &l, &p);
	if (r == PACKET_BAD && captured < wire_len)
		return PACKET_CUT;
	if (r == PACKET_OK)
		*ret = p;
	return r;
}
