/*
 * Frames: each link type, VLAN tags, extension headers, padding, cut frames, hostile lengths; every
 * prefix of every frame against an unmapped page.
 */
#include "source/packet.h"

#include <netinet/in.h>
#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/guard_test.h"

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

#define ETHER(type) 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, (type) >> 8, (type) & 255
#define SLL(type)   0, 4, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, (type) >> 8, (type) & 255
#define SLL2(type)  (type) >> 8, (type) & 255, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0
#define IPV4(len, fragment, proto)                                                           \
	0x45, 0, (len) >> 8, (len) & 255, 0x12, 0x34, (fragment) >> 8, (fragment) & 255, 64, \
		proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2
#define IPV6(len, next)                                                                          \
	0x60, 0, 0, 0, (len) >> 8, (len) & 255, next, 64, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
		0, 0, 0, 1, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2
#define TCP_20	 0x9c, 0x40, 0, 80, 0, 0, 0, 7, 0, 0, 0, 9, 0x50, 0x18, 1, 0, 0, 0, 0, 0
#define UDP(len) 0x9c, 0x40, 0, 53, (len) >> 8, (len) & 255, 0, 0

struct frame {
	const char *name;
	int dlt;
	const uint8_t *p;
	size_t n;
	uint32_t wire_len; /* 0: as long as it is */
	enum packet_result result;
	uint32_t seen;
	const char *data; /* after OK */
};

static const struct frame frames[] = {
	/* clang-format off */
	{ "ether", DLT_EN10MB, BYTES(ETHER(0x800), IPV4(43, 0, 6), TCP_20, 'a', 'b', 'c'), .seen = 3, .data = "abc" },
	{ "padding", DLT_EN10MB, BYTES(ETHER(0x800), IPV4(41, 0x4000, 6), TCP_20, 'a', 0, 0, 0), .seen = 1, .data = "a" },
	{ "vlan", DLT_EN10MB, BYTES(ETHER(0x88a8), 0, 1, 0x81, 0, 0, 2, 8, 0, IPV4(41, 0, 6), TCP_20, 'a'), .seen = 1, .data = "a" },
	{ "too many tags", DLT_EN10MB, BYTES(ETHER(0x8100), 0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 2, 8, 0), .result = PACKET_OTHER },
	{ "arp", DLT_EN10MB, BYTES(ETHER(0x806), 0, 1, 8, 0), .result = PACKET_OTHER },
	{ "icmp", DLT_EN10MB, BYTES(ETHER(0x800), IPV4(24, 0, 1), 8, 0, 0, 0), .result = PACKET_OTHER },
	{ "sll", DLT_LINUX_SLL, BYTES(SLL(0x800), IPV4(41, 0, 6), TCP_20, 'x'), .seen = 1, .data = "x" },
	{ "sll2", DLT_LINUX_SLL2, BYTES(SLL2(0x86dd), IPV6(21, 6), TCP_20, 'y'), .seen = 1, .data = "y" },
	{ "raw 4", DLT_RAW, BYTES(IPV4(30, 0, 17), UDP(10), 'u', 'v'), .seen = 2, .data = "uv" },
	{ "raw 6", DLT_RAW, BYTES(IPV6(10, 17), UDP(10), 'u', 'v'), .seen = 2, .data = "uv" },
	{ "raw 5", DLT_RAW, BYTES(0x50, 0, 0, 0), .result = PACKET_OTHER },
	{ "null", DLT_NULL, BYTES(30, 0, 0, 0, IPV6(10, 17), UDP(10), 'u', 'v'), .seen = 2, .data = "uv" },
	{ "loop", DLT_LOOP, BYTES(0, 0, 0, 2, IPV4(28, 0, 17), UDP(8)), .seen = 0, .data = "" },
	{ "ipv4 options", DLT_RAW, BYTES(0x46, 0, 0, 33, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 0, UDP(9), 'o'), .seen = 1, .data = "o" },
	{ "tcp options", DLT_RAW, BYTES(IPV4(45, 0, 6), 0x9c, 0x40, 0, 80, 0, 0, 0, 7, 0, 0, 0, 9, 0x60, 2, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 'z'), .seen = 1, .data = "z" },
	{ "hop by hop", DLT_RAW, BYTES(IPV6(17, 0), 17, 0, 0, 0, 0, 0, 0, 0, UDP(9), 'h'), .seen = 1, .data = "h" },
	{ "authentication", DLT_RAW, BYTES(IPV6(21, 51), 17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, UDP(9), 'h'), .seen = 1, .data = "h" },
	{ "atomic fragment", DLT_RAW, BYTES(IPV6(17, 44), 17, 0, 0, 0, 0, 0, 0, 1, UDP(9), 'h'), .seen = 1, .data = "h" },
	{ "fragment 6", DLT_RAW, BYTES(IPV6(17, 44), 17, 0, 0, 1, 0, 0, 0, 1, UDP(9), 'h'), .result = PACKET_FRAGMENT },
	{ "first fragment", DLT_RAW, BYTES(IPV4(30, 0x2000, 17), UDP(10), 'u', 'v'), .result = PACKET_FRAGMENT },
	{ "last fragment", DLT_RAW, BYTES(IPV4(30, 5, 17), UDP(10), 'u', 'v'), .result = PACKET_FRAGMENT },
	{ "too many extensions", DLT_RAW, BYTES(IPV6(80, 0), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, UDP(8)), .result = PACKET_OTHER },
	{ "segmented later", DLT_RAW, BYTES(IPV4(0, 0, 6), TCP_20, 'a', 'b'), .wire_len = 70000, .seen = 69960, .data = "ab" },
	{ "segmented later 6", DLT_RAW, BYTES(IPV6(0, 6), TCP_20, 'a', 'b'), .seen = 2, .data = "ab" },
	{ "cut data", DLT_RAW, BYTES(IPV4(1400, 0, 6), TCP_20, 'a', 'b'), .wire_len = 1400, .seen = 1360, .data = "ab" },
	{ "cut options", DLT_RAW, BYTES(IPV4(100, 0, 6), 0x9c, 0x40, 0, 80, 0, 0, 0, 7, 0, 0, 0, 9, 0x80, 2, 1, 0, 0, 0, 0, 0, 1, 1), .wire_len = 100, .seen = 48, .data = "" },
	{ "cut header", DLT_RAW, BYTES(IPV4(100, 0, 6), 0x9c, 0x40), .wire_len = 100, .result = PACKET_CUT },
	{ "short header", DLT_RAW, BYTES(IPV4(100, 0, 6), 0x9c, 0x40), .result = PACKET_BAD },
	{ "no frame", DLT_EN10MB, BYTES(1), .result = PACKET_BAD },
	{ "ipv4 head", DLT_RAW, BYTES(0x44, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, UDP(8)), .result = PACKET_BAD },
	{ "ipv4 total", DLT_RAW, BYTES(IPV4(19, 0, 17), UDP(8)), .result = PACKET_BAD },
	{ "ipv4 version", DLT_EN10MB, BYTES(ETHER(0x800), IPV6(8, 17), UDP(8)), .result = PACKET_BAD },
	{ "ipv6 version", DLT_EN10MB, BYTES(ETHER(0x86dd), IPV4(48, 0, 17), IPV4(28, 0, 17), UDP(8)), .result = PACKET_BAD },
	{ "tcp offset", DLT_RAW, BYTES(IPV4(40, 0, 6), 0x9c, 0x40, 0, 80, 0, 0, 0, 7, 0, 0, 0, 9, 0x40, 2, 1, 0, 0, 0, 0, 0), .result = PACKET_BAD },
	{ "tcp offset past", DLT_RAW, BYTES(IPV4(40, 0, 6), 0x9c, 0x40, 0, 80, 0, 0, 0, 7, 0, 0, 0, 9, 0xf0, 2, 1, 0, 0, 0, 0, 0), .result = PACKET_BAD },
	{ "udp short", DLT_RAW, BYTES(IPV4(28, 0, 17), UDP(7)), .result = PACKET_BAD },
	{ "udp long", DLT_RAW, BYTES(IPV4(28, 0, 17), UDP(9)), .result = PACKET_BAD },
	{ "extension past", DLT_RAW, BYTES(IPV6(4, 0), 17, 0, 0, 0, 0, 0, 0, 0, UDP(8)), .result = PACKET_BAD },
	{ "too long", DLT_RAW, BYTES(IPV4(0, 0, 6), TCP_20), .wire_len = UINT32_MAX, .result = PACKET_BAD },
	/* clang-format on */
};

static enum packet_result parse(const struct frame *f, const uint8_t *p, size_t n, struct packet *ret)
{
	uint32_t wire = f->wire_len ? f->wire_len : (uint32_t)f->n;

	return packet_parse(packet_link_find(f->dlt), cur_of(p, n), wire, ret);
}

static void test_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		const struct frame *f = &frames[i];
		struct packet p;

		if (parse(f, f->p, f->n, &p) != f->result)
			fail_msg("%s: %d", f->name, parse(f, f->p, f->n, &p));
		if (f->result != PACKET_OK)
			continue;
		if (p.seen != f->seen || !str_eq(p.data, str_of(f->data)))
			fail_msg("%s: %u bytes, %zu captured", f->name, p.seen, p.data.n);
		assert_int_equal(p.sport, 40000);
		assert_int_equal(p.dport, p.protocol == IPPROTO_TCP ? 80 : 53);
		assert_int_equal(p.src[p.family == AF_INET ? 3 : 15], 1);
		assert_int_equal(p.dst[p.family == AF_INET ? 3 : 15], 2);
		if (p.protocol == IPPROTO_TCP) {
			assert_int_equal(p.seq, 7);
			assert_int_equal(p.ack, 9);
		}
	}
}

static void test_prefixes(void **state)
{
	struct guard g = guard_make();

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		for (size_t n = 0; n < frames[i].n; n++) {
			const uint8_t *p = guard_put(&g, frames[i].p, n);
			struct packet got = { .seen = 1 };
			enum packet_result r = parse(&frames[i], p, n, &got);

			assert_true(r < PACKET_RESULTS);
			if (r == PACKET_OK)
				assert_true(got.data.n <= got.seen);
			else
				assert_int_equal(got.family, 0);
		}
	guard_free(&g);
}

static void test_random(void **state)
{
	struct guard g = guard_make();

	(void)state;
	srand(1);
	for (int i = 0; i < 200000; i++) {
		const struct frame *f =
			&frames[(size_t)rand() % (sizeof(frames) / sizeof(frames[0]))];
		uint8_t *p = (uint8_t *)guard_put(&g, f->p, f->n);
		struct packet got;

		for (int k = rand() % 4; k >= 0; k--)
			p[(size_t)rand() % f->n] = (uint8_t)rand();
		if (parse(f, p, f->n, &got) == PACKET_OK)
			assert_true(got.data.n <= got.seen &&
				    (const uint8_t *)got.data.p + got.data.n <= p + f->n);
	}
	guard_free(&g);
}

static void test_links(void **state)
{
	(void)state;
	assert_non_null(packet_link_find(DLT_EN10MB));
	assert_null(packet_link_find(DLT_IEEE802_11));
	assert_null(packet_link_find(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
