/*
 * Connections out of packets: order, holes, repetitions, ends and who is the server; the bounds; and
 * a stream cut, repeated and shuffled at random, which must come out as it was.
 */
#include "source/packet_flow.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#define MS   1000000ull
#define T0   1700000000000000000ull
#define ISN  0xffffff00u /* the numbers wrap in every test that sends more than 255 bytes */
#define PEER 5000u

struct room {
	struct flows *f;
	uint64_t now;
	uint16_t cport, sport;
};

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

static int setup(void **state)
{
	struct room *r = calloc(1, sizeof(*r));

	r->now = T0;
	r->cport = 40000;
	r->sport = 8080;
	*state = r;
	return flows_new(&r->f);
}

static int teardown(void **state)
{
	struct room *r = *state;

	flows_free(r->f);
	free(r);
	return 0;
}

static struct packet packet_from(const struct room *r, bool client)
{
	struct packet p = { .family = AF_INET, .protocol = IPPROTO_TCP, .time.ns = r->now };
	uint8_t *c = client ? p.src : p.dst, *s = client ? p.dst : p.src;

	memcpy(c, (uint8_t[]){ 10, 0, 0, 1 }, 4);
	memcpy(s, (uint8_t[]){ 10, 0, 0, 2 }, 4);
	p.sport = client ? r->cport : r->sport;
	p.dport = client ? r->sport : r->cport;
	return p;
}

/* @at counts from the first byte of the direction, whose numbers begin behind ISN or PEER. */
static void tcp(struct room *r, bool client, uint8_t flags, uint32_t at, uint32_t ack, struct str data)
{
	struct packet p = packet_from(r, client);

	p.tcp_flags = flags;
	p.seq = (client ? ISN : PEER) + 1 + at - (flags & PACKET_SYN ? 1 : 0);
	p.ack = flags & PACKET_ACK ? (client ? PEER : ISN) + 1 + ack : 0;
	p.seen = (uint32_t)data.n;
	p.data = data;
	flows_packet(r->f, &p);
	r->now += MS;
}

static void opened(struct room *r)
{
	tcp(r, true, PACKET_SYN, 0, 0, STR_NONE);
	tcp(r, false, PACKET_SYN | PACKET_ACK, 0, 0, STR_NONE);
	tcp(r, true, PACKET_ACK, 0, 0, STR_NONE);
}

static struct str part(uint32_t from, uint32_t n)
{
	return (struct str){ letters + from, n };
}

static void client(struct room *r, uint32_t at, uint32_t n)
{
	tcp(r, true, PACKET_ACK, at, 0, part(at, n));
}

static void server(struct room *r, uint32_t at, uint32_t n, uint32_t ack)
{
	tcp(r, false, PACKET_ACK, at, ack, part(at, n));
}

static const struct rec_stream *take(struct room *r)
{
	const struct rec_hdr *h = flows_take(r->f);

	if (!h)
		return NULL;
	assert_int_equal(h->type, REC_STREAM);
	assert_int_equal((uintptr_t)h % 8, 0);
	return (const struct rec_stream *)h;
}

static struct str data_of(const struct rec_stream *s)
{
	assert_true(s->data.off + s->data.len <= s->hdr.len);
	assert_true(s->data.len <= s->seen);
	return (struct str){ (const char *)s + s->data.off, s->data.len };
}

/* The next record has bytes @from.. of its direction. */
static const struct rec_stream *want(struct room *r, bool from_client, uint32_t from, uint32_t n)
{
	const struct rec_stream *s = take(r);

	assert_non_null(s);
	assert_int_equal(s->seen, n);
	assert_int_equal(s->pos, (from_client ? ISN : PEER) + 1 + from);
	assert_true(str_eq(data_of(s), part(from, n)));
	assert_int_equal(!(s->flags & STREAM_OUT), from_client);
	assert_true(s->flags & STREAM_PASSIVE);
	return s;
}

static void want_close(struct room *r)
{
	const struct rec_stream *s = take(r);

	assert_non_null(s);
	assert_true(s->flags & STREAM_CLOSE);
	assert_int_equal(s->seen, 0);
	assert_int_equal(s->hdr.len, sizeof(*s));
}

static uint64_t take_all(struct room *r)
{
	uint64_t n = 0;

	while (take(r))
		n++;
	return n;
}

static struct flows_stats stats(struct room *r)
{
	struct flows_stats st;

	flows_stats(r->f, &st);
	return st;
}

static void test_whole(void **state)
{
	struct room *r = *state;
	const struct rec_stream *s;

	opened(r);
	client(r, 0, 5);
	s = want(r, true, 0, 5);
	assert_int_equal(s->flags, STREAM_PASSIVE | STREAM_OPENED);
	assert_int_equal(s->role, 2);
	assert_int_equal(s->sock.lport, 8080);
	assert_int_equal(s->sock.rport, 40000);
	assert_memory_equal(s->sock.local, ((uint8_t[]){ 10, 0, 0, 2 }), 4);
	assert_memory_equal(s->sock.remote, ((uint8_t[]){ 10, 0, 0, 1 }), 4);
	assert_int_equal(s->sock.family, AF_INET);
	assert_int_equal(s->sock.protocol, IPPROTO_TCP);
	assert_int_equal(s->id, 1);
	assert_int_equal(s->srtt_us, 2000);
	assert_int_equal(s->hdr.time_ns, T0 + 3 * MS);
	server(r, 0, 7, 5);
	s = want(r, false, 0, 7);
	assert_int_equal(s->hdr.seq, 1);
	tcp(r, true, PACKET_ACK | PACKET_FIN, 5, 7, STR_NONE);
	assert_null(take(r));
	tcp(r, false, PACKET_ACK | PACKET_FIN, 7, 6, STR_NONE);
	want_close(r);
	tcp(r, true, PACKET_ACK, 6, 8, STR_NONE);
	client(r, 0, 5); /* a straggler */
	assert_null(take(r));
	assert_true(flows_end(r->f));
	assert_null(take(r));
	assert_false(flows_end(r->f));
}

static void test_filled(void **state)
{
	struct room *r = *state;

	opened(r);
	client(r, 0, 2);
	client(r, 5, 5);
	client(r, 4, 2); /* overlaps what is held */
	client(r, 10, 3);
	want(r, true, 0, 2);
	assert_null(take(r));
	assert_true(stats(r).held > 0);
	client(r, 2, 2);
	want(r, true, 2, 2);
	assert_int_equal(want(r, true, 4, 2)->hdr.time_ns, T0 + 7 * MS);
	want(r, true, 6, 4);
	want(r, true, 10, 3);
	assert_null(take(r));
	assert_int_equal(stats(r).held, 0);
}

/* What the receiver acknowledged and the file does not have: a gap, before the answer. */
static void test_acked(void **state)
{
	struct room *r = *state;

	opened(r);
	client(r, 3, 2);
	client(r, 5, 2);
	assert_null(take(r));
	server(r, 0, 4, 7);
	assert_int_equal(want(r, true, 3, 2)->hdr.time_ns, T0 + 3 * MS);
	want(r, true, 5, 2);
	want(r, false, 0, 4);
	/* Acknowledged before it is seen. */
	tcp(r, false, PACKET_ACK, 4, 12, STR_NONE);
	client(r, 9, 3);
	want(r, true, 9, 3);
	assert_int_equal(stats(r).acked, 2);
	/* Half of the hole is acknowledged: the rest may come. */
	client(r, 20, 2);
	tcp(r, false, PACKET_ACK, 4, 15, STR_NONE);
	assert_null(take(r));
	client(r, 12, 8);
	want(r, true, 12, 8);
	want(r, true, 20, 2);
}

static void test_late(void **state)
{
	struct room *r = *state;

	opened(r);
	client(r, 3, 2);
	r->now += FLOW_HOLE_NS / 2;
	server(r, 0, 1, 0);
	want(r, false, 0, 1);
	assert_null(take(r));
	r->now += FLOW_HOLE_NS / 2;
	server(r, 1, 1, 0);
	want(r, true, 3, 2);
	want(r, false, 1, 1);
	assert_int_equal(stats(r).late, 1);
	/* The connection's end gives up as well. */
	client(r, 9, 2);
	tcp(r, true, PACKET_RST, 11, 0, STR_NONE);
	want(r, true, 9, 2);
	want_close(r);
}

static void test_again(void **state)
{
	struct room *r = *state;
	struct packet p;

	opened(r);
	client(r, 0, 6);
	assert_int_equal(want(r, true, 0, 6)->retransmits, 0);
	client(r, 0, 6);
	client(r, 5, 1); /* a keep-alive's probe */
	assert_null(take(r));
	client(r, 3, 6); /* three of them new */
	assert_int_equal(want(r, true, 6, 3)->retransmits, 2);
	/* Captured on two interfaces. */
	p = packet_from(r, true);
	p.tcp_flags = PACKET_ACK;
	p.seq = ISN + 1 + 9;
	p.ip_id = 77;
	p.seen = 2;
	p.data = part(9, 2);
	flows_packet(r->f, &p);
	flows_packet(r->f, &p);
	want(r, true, 9, 2);
	assert_null(take(r));
	client(r, 11, 1);
	assert_int_equal(want(r, true, 11, 1)->retransmits, 2);
	p.ip_id = 78;
	flows_packet(r->f, &p);
	client(r, 12, 1);
	assert_int_equal(want(r, true, 12, 1)->retransmits, 3);
}

static void test_reused(void **state)
{
	struct room *r = *state;
	struct packet p;

	opened(r);
	opened(r); /* sent again: nothing new */
	client(r, 0, 3);
	assert_int_equal(want(r, true, 0, 3)->id, 1);
	p = packet_from(r, true);
	p.tcp_flags = PACKET_SYN;
	p.seq = 99;
	flows_packet(r->f, &p);
	want_close(r);
	p.tcp_flags = PACKET_ACK;
	p.seq = 100;
	p.seen = 4;
	p.data = part(0, 4);
	flows_packet(r->f, &p);
	assert_int_equal(take(r)->id, 2);
	p.tcp_flags = PACKET_RST;
	flows_packet(r->f, &p);
	want_close(r);
	/* Ended; the same ends again with far numbers, no SYN seen. */
	p.tcp_flags = PACKET_ACK;
	p.seq = 100 + 2 * FLOW_JUMP;
	flows_packet(r->f, &p);
	assert_int_equal(take(r)->id, 3);
	/* Not ended, and numbers far back: the direction goes on there. */
	p.seq = 7;
	flows_packet(r->f, &p);
	assert_int_equal(take(r)->pos, 7);
	p.seq = 11;
	flows_packet(r->f, &p);
	assert_int_equal(take(r)->pos, 11);
}

static void test_midway(void **state)
{
	struct room *r = *state;
	const struct rec_stream *s;

	server(r, 4, 3, 2);
	s = want(r, false, 4, 3);
	assert_int_equal(s->flags & STREAM_OPENED, 0);
	assert_int_equal(s->role, 2);
	assert_int_equal(s->srtt_us, 0);
	/* What was under way when the capture began waits for the bytes before it. */
	client(r, 5, 2);
	assert_null(take(r));
	server(r, 7, 1, 7);
	want(r, true, 5, 2);
	want(r, false, 7, 1);
}

static void test_roles(void **state)
{
	static const struct {
		uint16_t client, server; /* who sends first, and to whom */
		uint16_t lport;
		uint8_t role;
	} cases[] = {
		{ 40000, 8080, 8080, 2 }, { 8080, 40000, 8080, 2 }, { 1024, 80, 80, 2 },
		{ 80, 1024, 80, 2 },	  { 5000, 6000, 5000, 0 },  { 60000, 50000, 50000, 0 },
		{ 22, 80, 22, 0 },	  { 53, 53, 53, 0 },
	};
	struct room *r = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rec_stream *s;

		r->cport = cases[i].client;
		r->sport = cases[i].server;
		client(r, 0, 3);
		s = take(r);
		assert_int_equal(s->role, cases[i].role);
		assert_int_equal(s->sock.lport, cases[i].lport);
	}
	/* The SYN tells better than ports. */
	r->cport = 80;
	r->sport = 50001;
	opened(r);
	client(r, 0, 3);
	assert_int_equal(take(r)->sock.lport, 50001);
	r->cport = 81;
	tcp(r, false, PACKET_SYN | PACKET_ACK, 0, 0, STR_NONE);
	client(r, 0, 3);
	assert_int_equal(take(r)->sock.lport, 50001);
}

static void test_datagrams(void **state)
{
	struct room *r = *state;
	struct packet p = packet_from(r, true);
	static const char big[20000];
	const struct rec_stream *s;

	p.protocol = IPPROTO_UDP;
	p.dport = 53;
	p.seen = 4;
	p.data = part(0, 4);
	flows_packet(r->f, &p);
	s = take(r);
	assert_int_equal(s->flags, STREAM_PASSIVE | STREAM_DATAGRAM);
	assert_int_equal(s->sock.lport, 53);
	assert_int_equal(s->sock.protocol, IPPROTO_UDP);
	assert_int_equal(s->sock.type, SOCK_DGRAM);
	assert_int_equal(s->pos, 0);
	assert_int_equal(s->seen, 4);
	/* Captured twice; sent twice; with nothing that tells. */
	p.ip_id = 5;
	flows_packet(r->f, &p);
	assert_non_null(take(r));
	flows_packet(r->f, &p);
	assert_null(take(r));
	assert_int_equal(stats(r).copies, 1);
	p.ip_id = 6;
	flows_packet(r->f, &p);
	assert_non_null(take(r));
	p.ip_id = 0;
	flows_packet(r->f, &p);
	flows_packet(r->f, &p);
	assert_int_equal(take_all(r), 2);
	p.seen = sizeof(big);
	p.data = (struct str){ big, sizeof(big) };
	flows_packet(r->f, &p);
	s = take(r);
	assert_int_equal(s->seen, sizeof(big));
	assert_int_equal(s->data.len, STREAM_DATA_MAX);
	assert_true(s->flags & STREAM_FULL);
	p.seen = 0;
	p.data = STR_NONE;
	flows_packet(r->f, &p);
	assert_null(take(r));
	assert_true(flows_end(r->f));
	want_close(r);
}

/* A segment that was captured in part, and is longer than a record. */
static void test_cut(void **state)
{
	struct room *r = *state;
	struct packet p = packet_from(r, true);
	static const char big[20000];
	const struct rec_stream *s;

	p.tcp_flags = PACKET_ACK;
	p.seq = 1000;
	p.seen = 40000;
	p.data = (struct str){ big, sizeof(big) };
	flows_packet(r->f, &p);
	s = take(r);
	assert_int_equal(s->seen, STREAM_DATA_MAX);
	assert_int_equal(s->data.len, STREAM_DATA_MAX);
	assert_false(s->flags & STREAM_FULL);
	s = take(r);
	assert_int_equal(s->pos, 1000 + STREAM_DATA_MAX);
	assert_int_equal(s->data.len, sizeof(big) - STREAM_DATA_MAX);
	assert_true(s->flags & STREAM_FULL);
	s = take(r);
	assert_int_equal(s->seen, 40000 - 2 * STREAM_DATA_MAX);
	assert_int_equal(s->data.len, 0);
	assert_int_equal(s->data.off, 0);
	assert_int_equal(s->hdr.len, sizeof(*s));
	assert_null(take(r));
}

/* Holes in one direction, then in very many: no more is held than is said. */
static void test_bounds(void **state)
{
	static const char block[1400];
	struct room *r = *state;

	for (uint32_t i = 0; i < 1000; i++) {
		client(r, 0, 1);
		tcp(r, true, PACKET_ACK, 10 + i * 1400, 0, (struct str){ block, sizeof(block) });
		assert_true(stats(r).held <= FLOW_HELD_MAX);
	}
	assert_true(stats(r).full >= 1);
	assert_int_equal(take_all(r), 1001);
	for (uint32_t c = 0; c < 200; c++) {
		r->cport = (uint16_t)(33000 + c);
		client(r, 0, 1);
		r->now -= 101 * MS;
		for (uint32_t i = 0; i < 100; i++)
			tcp(r, true, PACKET_ACK, 10 + i * 1400, 0,
			    (struct str){ block, sizeof(block) });
		assert_true(stats(r).held <= FLOWS_HELD_MAX);
	}
	assert_true(stats(r).full >= 2);
	while (flows_end(r->f))
		;
	assert_int_equal(stats(r).held, 0);
	assert_int_equal(take_all(r), 1 + 200 * 102);
}

static void test_flows(void **state)
{
	struct room *r = *state;
	uint32_t closed = 0, n = FLOWS_MAX + 500;

	for (uint32_t i = 0; i < n; i++) {
		const struct rec_stream *s;
		struct packet p = packet_from(r, true);

		memcpy(p.src + 4, &i, 4);
		p.family = AF_INET6;
		p.tcp_flags = PACKET_ACK;
		p.seen = 1;
		p.data = part(0, 1);
		flows_packet(r->f, &p);
		while ((s = take(r)))
			closed += !!(s->flags & STREAM_CLOSE);
	}
	assert_int_equal(closed, 500);
	assert_int_equal(stats(r).now, FLOWS_MAX);
	assert_int_equal(stats(r).pushed, 500);
	while (flows_end(r->f))
		closed += (uint32_t)take_all(r);
	assert_int_equal(closed, n);
}

#define WHOLE 6000

struct cut {
	uint32_t at, n;
};

/* @bytes in pieces of any size, some of them twice, in an order that is wrong by some places. */
static size_t shuffled(struct cut *cuts, size_t max)
{
	size_t n = 0;

	for (uint32_t at = 0; at < WHOLE && n + 2 < max;) {
		uint32_t len = 1 + (uint32_t)rand() % 60;

		len = len < WHOLE - at ? len : WHOLE - at;
		cuts[n++] = (struct cut){ at, len };
		if (rand() % 4 == 0) {
			uint32_t back = (uint32_t)rand() % 50;

			back = back < at ? back : at;
			cuts[n++] = (struct cut){ at - back, len + back };
		}
		at += len;
	}
	for (size_t i = 0; i + 8 < n; i++) {
		size_t j = i + (size_t)rand() % 8;
		struct cut c = cuts[i];

		cuts[i] = cuts[j];
		cuts[j] = c;
	}
	return n;
}

static void test_random(void **state)
{
	static char bytes[WHOLE];
	static struct cut cuts[2 * WHOLE];
	struct room *r = *state;

	srand(1);
	for (size_t i = 0; i < WHOLE; i++)
		bytes[i] = (char)rand();
	for (uint32_t round = 0; round < 50; round++) {
		size_t n = shuffled(cuts, 2 * WHOLE);
		const struct rec_stream *s;
		uint32_t got = 0;

		r->cport = (uint16_t)(33000 + round);
		tcp(r, true, PACKET_SYN, 0, 0, STR_NONE);
		for (size_t i = 0; i < n; i++) {
			tcp(r, true, PACKET_ACK, cuts[i].at, 0,
			    (struct str){ bytes + cuts[i].at, cuts[i].n });
			while ((s = take(r))) {
				assert_int_equal(s->pos, ISN + 1 + got);
				assert_memory_equal(data_of(s).p, bytes + got, s->seen);
				got += s->seen;
			}
		}
		assert_int_equal(got, WHOLE);
	}
	assert_int_equal(stats(r).held, 0);
	assert_int_equal(stats(r).late + stats(r).full + stats(r).acked, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_whole),     TEST(test_filled), TEST(test_acked),  TEST(test_late),
		TEST(test_again),     TEST(test_reused), TEST(test_midway), TEST(test_roles),
		TEST(test_datagrams), TEST(test_cut),	 TEST(test_bounds), TEST(test_flows),
		TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
