/* Connections: guessing, roles, gaps, bounds under hostile loads; with the protocols made for tests. */
#include "decode/streams.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "probe/stream/stream.h"
#include "proto/feed_line_test.h"
#include "proto/toy_test.h"

/* Answers to "p" what toy answers to "q": to be told from it by port alone. */
static enum proto_guess picky_guess(struct str head, bool usual)
{
	return usual ? toy_guess(head, usual) : GUESS_NO;
}

static const uint16_t picky_ports[] = { 777, 0 };

static const struct proto picky = {
	.name = "picky",
	.ports = picky_ports,
	.stream = true,
	.state_bytes = sizeof(struct toy_state),
	.guess = picky_guess,
	.parse = toy_parse,
	.resync = toy_resync,
};

/* Thinks that anything is its own, and refuses all of it. */
static enum proto_guess liar_guess(struct str head, bool usual)
{
	(void)usual;
	return head.p[0] == '?' ? GUESS_REQUEST : GUESS_NO;
}

static enum proto_result liar_parse(void *state, struct proto_io *io, struct cur *c)
{
	(void)state;
	(void)c;
	io->reject = "all";
	return PROTO_BAD;
}

static bool liar_resync(void *state, struct proto_io *io, struct cur *c)
{
	(void)state;
	(void)io;
	return cur_left(c) > 0;
}

static const struct proto liar = {
	.name = "liar",
	.stream = true,
	.guess = liar_guess,
	.parse = liar_parse,
	.resync = liar_resync,
};

static const struct proto *const test_protos[] = { &liar, &toy, &toy_loud, &picky };

struct world {
	struct streams *s;
	struct buf lines;
	uint64_t n, unanswered, keeps, drops, last_id;
	uint64_t now_ms;
	struct rec_stream last;
	struct request req;
	struct request_times times; /* zero: none came */
	bool quiet;
};

static void on_request(void *ctx, const struct rec_stream *last, int8_t is_server,
		       const struct request *r)
{
	struct world *w = ctx;

	w->n++;
	w->unanswered += !!(r->flags & REQ_UNANSWERED);
	w->last = *last;
	w->req = *r;
	w->times = r->times ? *r->times : (struct request_times){ 0 };
	if (w->quiet)
		return;
	buf_printf(&w->lines, "%s ", is_server ? "server" : "client");
	feed_line(&w->lines, r, false);
}

static void on_verdict(void *ctx, uint64_t id, enum stream_verdict v)
{
	struct world *w = ctx;

	w->keeps += v == STREAM_KEEP;
	w->drops += v == STREAM_DROP;
	w->last_id = id;
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	struct streams_opts o = { .request = on_request,
				  .verdict = on_verdict,
				  .protos = test_protos,
				  .protos_n = 4,
				  .ctx = w };

	assert_non_null(w);
	assert_int_equal(streams_new(&o, &w->s), 0);
	return w;
}

static void world_free(struct world *w)
{
	streams_free(w->s);
	buf_free(&w->lines);
	free(w);
}

static const char *lines(struct world *w)
{
	buf_char(&w->lines, 0);
	buf_reset(&w->lines);
	return w->lines.p;
}

static struct streams_stats stats(const struct world *w)
{
	struct streams_stats st;

	streams_stats(w->s, &st);
	return st;
}

/* Of connection @id, as its end with that role. */
static struct rec_stream conn(uint64_t id, uint8_t role)
{
	struct rec_stream r = { .hdr = { .type = REC_STREAM, .len = sizeof(r), .pid = 7 },
				.sock = { .lport = (uint16_t)(id % 60000 + 1),
					  .rport = 80,
					  .family = AF_INET,
					  .protocol = IPPROTO_TCP },
				.id = id,
				.role = role,
				.flags = STREAM_OPENED };

	return r;
}

static void feed(struct world *w, const struct rec_stream *c, uint16_t flags, uint32_t pos,
		 uint32_t seen, struct str data)
{
	struct rec_stream r = *c;

	r.hdr.time_ns = ++w->now_ms * NS_PER_MS;
	r.flags |= flags;
	r.pos = pos;
	r.seen = seen;
	streams_record(w->s, &r, data);
}

#define OUT(w, c, pos, lit) feed((w), (c), STREAM_OUT, (pos), sizeof(lit) - 1, STR(lit))
#define IN(w, c, pos, lit)  feed((w), (c), 0, (pos), sizeof(lit) - 1, STR(lit))
#define CLOSE(w, c)	    feed((w), (c), STREAM_CLOSE, 0, 0, STR_NONE)

static void test_both_ends(void **state)
{
	struct world *w = world_new();
	struct rec_stream c = conn(1, 1), s = conn(2, 2);

	(void)state;
	c.srtt_us = 250;
	c.retransmits = 3;
	OUT(w, &c, 100, "q1 one\n");
	IN(w, &s, 100, "q1 one\n");
	OUT(w, &s, 200, "a1 OK\n");
	c.retransmits = 5;
	IN(w, &c, 200, "a1 OK\n");
	assert_string_equal(lines(w), "server toy one - OK ok req=7 resp=6\n"
				      "client toy one - OK ok req=7 resp=6\n");
	assert_int_equal(w->req.rtt_us, 250);
	assert_int_equal(w->req.retransmits, 2);
	assert_int_equal(w->req.start.ns, 1 * NS_PER_MS);
	assert_int_equal(w->req.end.ns, 4 * NS_PER_MS);
	assert_int_equal(w->last.id, 1);
	assert_int_equal(w->last.hdr.pid, 7);
	assert_int_equal(w->keeps, 2);
	CLOSE(w, &c);
	CLOSE(w, &s);
	assert_int_equal(stats(w).connections_now, 0);
	assert_int_equal(stats(w).connections, 2);
	assert_int_equal(stats(w).held, 0);
	world_free(w);
}

/* Roles from the bytes, whichever side speaks first; a role that is known overrules. */
static void test_roles(void **state)
{
	struct world *w = world_new();
	struct rec_stream a = conn(1, 0), b = conn(2, 0), c = conn(3, 1);

	(void)state;
	IN(w, &a, 0, "q1 one\n");
	OUT(w, &a, 0, "a1 OK\n");
	IN(w, &b, 0, "a1 OK\n"); /* to a request before our time */
	OUT(w, &b, 0, "q2 two\n");
	IN(w, &b, 6, "a2 OK\n");
	IN(w, &c, 0, "q1 no\n"); /* a client is not asked */
	OUT(w, &c, 0, "q1 one\n");
	IN(w, &c, 6, "a1 OK\n");
	assert_string_equal(lines(w), "server toy one - OK ok req=7 resp=6\n"
				      "client toy two - OK ok req=7 resp=6\n"
				      "client toy one - OK ok req=7 resp=6\n");
	world_free(w);
}

static void test_ports(void **state)
{
	struct world *w = world_new();
	struct rec_stream c = conn(1, 1);

	(void)state;
	c.sock.rport = 777;
	OUT(w, &c, 0, "q");
	OUT(w, &c, 1, "1 one\n");
	IN(w, &c, 0, "a1 OK\n");
	assert_string_equal(lines(w), "client picky one - OK ok req=7 resp=6\n");
	world_free(w);
}

static void test_unknown(void **state)
{
	struct world *w = world_new();
	struct rec_stream c = conn(1, 1), d = conn(2, 1);

	(void)state;
	for (uint32_t i = 0; i < STREAMS_GUESSES; i++) {
		assert_int_equal(w->drops, 0);
		OUT(w, &c, i * 4, "zzzz");
	}
	assert_int_equal(w->drops, 1);
	assert_int_equal(w->last_id, 1);
	assert_int_equal(stats(w).unknown, 1);
	assert_int_equal(stats(w).held, 0);
	OUT(w, &c, 32, "q1 one\n");
	assert_int_equal(w->n, 0);
	/* Met in the middle of something: known from the next message on. */
	d.flags = 0;
	OUT(w, &d, 1000, "the rest of a body");
	OUT(w, &d, 1018, "q1 one\n");
	IN(w, &d, 0, "a1 OK\n");
	assert_string_equal(lines(w), "client toy one - OK ok req=7 resp=6 flags=midway\n");
	world_free(w);
}

static void test_revised(void **state)
{
	struct world *w = world_new();
	struct rec_stream c = conn(1, 1);
	const struct streams_reject *rejects;
	size_t n;

	(void)state;
	OUT(w, &c, 0, "?1234567890");
	assert_int_equal(stats(w).revised, 1);
	OUT(w, &c, 11, "q1 one\n");
	IN(w, &c, 0, "a1 OK\n");
	assert_string_equal(lines(w), "client toy one - OK ok req=7 resp=6\n");
	rejects = streams_rejects(w->s, &n);
	assert_int_equal(n, 1);
	assert_string_equal(rejects[0].protocol, "liar");
	assert_string_equal(rejects[0].reason, "all");
	assert_int_equal(rejects[0].n, stats(w).bad);
	world_free(w);
}

/* The first record's body is longer than what was captured of it; then a gap, then repetition. */
static void test_gaps(void **state)
{
	struct world *w = world_new();
	struct rec_stream c = conn(1, 1);
	uint32_t base = 0xffffff00u;

	(void)state;
	feed(w, &c, STREAM_OUT, base, 7 + 6 + 1000, STR("q1 one\nb1000\nxx"));
	IN(w, &c, 5, "a1 OK\n");
	assert_string_equal(lines(w), "client toy one - OK ok req=1013 resp=6\n");
	assert_int_equal(stats(w).gaps, 0);
	OUT(w, &c, base + 1013, "q2 two\n");
	OUT(w, &c, base + 1013, "q2 two\n");
	OUT(w, &c, base + 1050, "lost\nq3 three\n");
	IN(w, &c, 11, "a3 OK\n");
	assert_string_equal(lines(w), "client toy two - - unknown req=7 resp=0 lost=30 flags=lost\n"
				      "client toy three - OK ok req=9 resp=6\n");
	assert_int_equal(stats(w).gaps, 1);
	assert_int_equal(stats(w).gap_bytes, 30);
	assert_int_equal(stats(w).resyncs, 1);
	world_free(w);
}

static void test_changes(void **state)
{
	struct world *w = world_new();
	struct rec_stream c = conn(1, 1), d = conn(2, 1);

	(void)state;
	OUT(w, &c, 0, "q1 up\n");
	IN(w, &c, 0, "u1 OK\n");
	OUT(w, &c, 6, "Q1 LOUD\n");
	IN(w, &c, 6, "A1 OK\n");
	assert_int_equal(w->drops, 0);
	OUT(w, &d, 0, "q1 tls\n");
	IN(w, &d, 0, "i1 OK\n");
	assert_int_equal(w->drops, 1);
	assert_int_equal(w->last_id, 2);
	OUT(w, &d, 7, "q2 gibberish\n");
	assert_int_equal(w->drops, 1);
	assert_string_equal(lines(w), "client toy up - OK ok req=6 resp=6\n"
				      "client loud LOUD - OK ok req=8 resp=6\n"
				      "client toy tls - OK ok req=7 resp=6\n");
	world_free(w);
}

/* Plaintext beside the encrypted bytes of the same socket. */
static void test_tls(void **state)
{
	struct world *w = world_new();
	struct rec_stream c = conn(1, 1), p = conn(1, 1);

	(void)state;
	p.flags |= STREAM_TLS;
	for (uint32_t i = 0; i < STREAMS_GUESSES; i++)
		OUT(w, &c, 1000 + i * 8, "\x17\x03\x03 1234");
	OUT(w, &p, 0, "q1 one\n");
	IN(w, &p, 0, "a1 OK\n");
	assert_string_equal(lines(w), "client toy one - OK ok req=7 resp=6 flags=tls\n");
	assert_int_equal(w->drops, 1);
	assert_int_equal(w->keeps, 0);
	OUT(w, &p, 7, "q2 two\n");
	CLOSE(w, &c);
	assert_string_equal(lines(w),
			    "client toy two - - unknown req=7 resp=0 flags=unanswered,tls\n");
	assert_int_equal(stats(w).connections_now, 0);
	world_free(w);
}

static void test_datagrams(void **state)
{
	struct world *w = world_new();
	struct rec_stream c = conn(0, 0), other;

	(void)state;
	c.flags = STREAM_DATAGRAM;
	c.sock.protocol = IPPROTO_UDP;
	other = c;
	other.hdr.cgroup = 9; /* the same ends in another network namespace */
	OUT(w, &c, 0, "q1 one\n");
	OUT(w, &other, 0, "q1 two\n");
	IN(w, &other, 0, "a1 OK\n");
	IN(w, &c, 0, "a1 OK\n");
	assert_string_equal(lines(w), "client toy two - OK ok req=7 resp=6\n"
				      "client toy one - OK ok req=7 resp=6\n");
	OUT(w, &c, 0, "q2 lost\n");
	w->now_ms += 60000;
	OUT(w, &other, 0, "q3 late\n");
	assert_string_equal(lines(w), "client toy lost - - unknown req=8 resp=0 flags=unanswered\n");
	assert_int_equal(stats(w).connections_now, 1);
	assert_int_equal(w->keeps + w->drops, 0);
	/* A flood of them leaves streams alone. */
	other = conn(5, 1);
	OUT(w, &other, 0, "q1 stream\n");
	for (uint16_t i = 1; i < 20000; i++) {
		c.sock.rport = i;
		OUT(w, &c, 0, "q1 a\n");
	}
	assert_int_equal(stats(w).connections_now, STREAMS_DATAGRAMS + 1);
	buf_reset(&w->lines);
	IN(w, &other, 0, "a1 OK\n");
	assert_string_equal(lines(w), "client toy stream - OK ok req=10 resp=6\n");
	world_free(w);
}

static void test_half_open(void **state)
{
	struct world *w = world_new();
	struct rec_stream good = conn(1, 1);

	(void)state;
	OUT(w, &good, 0, "q1 one\n");
	for (uint64_t i = 2; i < 100002; i++) {
		struct rec_stream c = conn(i, 1);

		OUT(w, &c, 0, "q1 never ends");
		if (i % 30000 == 0) /* the neighbour goes on */
			OUT(w, &good, (uint32_t)(i / 30000) * 7, "q2 two\n");
	}
	assert_int_equal(stats(w).connections_now, STREAMS_MAX);
	assert_int_equal(stats(w).pushed_out, 100001 - STREAMS_MAX);
	assert_true(stats(w).held <= STREAMS_HELD);
	IN(w, &good, 0, "a1 OK\na2 OK\n");
	assert_string_equal(lines(w), "client toy one - OK ok req=7 resp=6\n"
				      "client toy two - OK ok req=7 resp=6\n");
	streams_end(w->s, (struct boot_ns){ 1 });
	assert_int_equal(stats(w).held, 0);
	assert_int_equal(stats(w).connections_now, 0);
	world_free(w);
}

static void test_million_unanswered(void **state)
{
	struct world *w = world_new();
	struct rec_stream bad = conn(1, 1), good = conn(2, 1);
	uint32_t pos = 0;
	char text[32];

	(void)state;
	w->quiet = true;
	for (uint32_t i = 0; i < 1000000; i++) {
		size_t n = (size_t)snprintf(text, sizeof(text), "q%u ask\n", i);

		feed(w, &bad, STREAM_OUT, pos, (uint32_t)n, (struct str){ text, n });
		pos += (uint32_t)n;
	}
	assert_int_equal(stats(w).window_full, 1000000 - WINDOW_MAX);
	assert_int_equal(w->unanswered, 1000000 - WINDOW_MAX);
	w->quiet = false;
	OUT(w, &good, 0, "q1 one\n");
	IN(w, &good, 0, "a1 OK\n");
	assert_string_equal(lines(w), "client toy one - OK ok req=7 resp=6\n");
	w->quiet = true;
	CLOSE(w, &bad);
	assert_int_equal(w->unanswered, 1000000);
	world_free(w);
}

/* More wait at once than the pool has: every request is told of, answered or not, and nobody's answers are another's. */
static void test_pipelining(void **state)
{
	enum {
		CONNS = 1000,
		EACH = 100
	};
	struct world *w = world_new();
	struct buf ask = { 0 }, answer = { 0 };

	(void)state;
	w->quiet = true;
	for (int i = 0; i < EACH; i++) {
		buf_printf(&ask, "q%d ask\n", i);
		buf_printf(&answer, "a%d OK\n", i);
	}
	for (uint64_t i = 1; i <= CONNS; i++) {
		struct rec_stream c = conn(i, 2);

		feed(w, &c, 0, 0, (uint32_t)ask.n, buf_slice(&ask));
	}
	for (uint64_t i = 1; i <= CONNS; i++) {
		struct rec_stream c = conn(i, 2);

		feed(w, &c, STREAM_OUT, 0, (uint32_t)answer.n, buf_slice(&answer));
	}
	assert_int_equal(w->n + stats(w).pool_full, CONNS * EACH);
	assert_true(w->n - w->unanswered >= EXCHANGE_POOL - EACH);
	for (uint64_t i = 1; i <= CONNS; i++) { /* and it goes on */
		struct rec_stream c = conn(i, 2);
		uint64_t before = w->n;

		feed(w, &c, 0, (uint32_t)ask.n, (uint32_t)ask.n, buf_slice(&ask));
		feed(w, &c, STREAM_OUT, (uint32_t)answer.n, (uint32_t)answer.n, buf_slice(&answer));
		assert_int_equal(w->n - before, EACH);
	}
	world_free(w);
	buf_free(&ask);
	buf_free(&answer);
}

/* No room for bytes that wait: they are lost, counted, and the next message is read. */
static void test_held_full(void **state)
{
	struct world *w = world_new();
	struct rec_stream good = conn(100000, 1);
	char *half = malloc(PROTO_BUFFER);

	(void)state;
	assert_non_null(half);
	memset(half, 'x', PROTO_BUFFER);
	memcpy(half, "q1 ", 3);
	for (uint64_t i = 1; i <= 2000; i++) {
		struct rec_stream c = conn(i, 1);

		feed(w, &c, STREAM_OUT, 0, PROTO_BUFFER, (struct str){ half, PROTO_BUFFER });
	}
	assert_true(stats(w).held <= STREAMS_HELD);
	assert_true(stats(w).held_full > 0);
	OUT(w, &good, 0, "q1 one\n");
	IN(w, &good, 0, "a1 OK\n");
	assert_string_equal(lines(w), "client toy one - OK ok req=7 resp=6\n");
	free(half);
	world_free(w);
}

/* One call of thread @tid at @ms, which has run for @ran ms and slept for the rest of its life. */
static void timed(struct world *w, const struct rec_stream *c, uint16_t flags, uint32_t pos,
		  struct str data, uint32_t tid, uint64_t ms, uint64_t ran)
{
	struct {
		struct rec_stream r;
		struct rec_stream_times times;
	} one = { .r = *c };

	one.r.hdr.len = sizeof(one);
	one.r.hdr.tid = tid;
	one.r.hdr.time_ns = ms * NS_PER_MS;
	one.r.flags |= flags | STREAM_TIMES;
	one.r.pos = pos;
	one.r.seen = (uint32_t)data.n;
	one.times.ns[SCHED_RUNNING] = ran * NS_PER_MS;
	one.times.ns[SCHED_SLEEP] = (ms - ran) * NS_PER_MS;
	streams_record(w->s, &one.r, data);
}

#define ASK    STR("q1 one\n")
#define ANSWER STR("a1 OK\n")

static void test_times(void **state)
{
	struct world *w = world_new();
	struct rec_stream a = conn(1, 2);

	(void)state;
	timed(w, &a, 0, 0, STR("q1 "), 5, 100, 10); /* in two calls: from the first on */
	timed(w, &a, 0, 3, STR("one\n"), 5, 110, 12);
	timed(w, &a, STREAM_OUT, 0, ANSWER, 5, 150, 40);
	assert_int_equal(w->times.why, TIMES_KNOWN);
	assert_int_equal(w->times.tid, 5);
	assert_int_equal(w->times.ns[THREAD_RUNNING], 30 * NS_PER_MS);
	assert_int_equal(w->times.ns[THREAD_SLEEP], 20 * NS_PER_MS);
	timed(w, &a, 0, 7, ASK, 5, 200, 41);
	timed(w, &a, STREAM_OUT, 6, ANSWER, 6, 210, 1);
	assert_int_equal(w->times.why, TIMES_THREADS);
	timed(w, &a, 0, 14, ASK, 5, 220, 41);
	w->now_ms = 230;
	OUT(w, &a, 12, "a1 OK\n"); /* its thread was not told */
	assert_int_equal(w->times.why, TIMES_NOT_SEEN);
	world_free(w);
}

/* A thread with two open; then with one again. What it asks of others meanwhile is no second one. */
static void test_times_shared(void **state)
{
	struct world *w = world_new();
	struct rec_stream a = conn(1, 2), b = conn(2, 2), down = conn(3, 1);

	(void)state;
	timed(w, &a, 0, 0, ASK, 5, 100, 10);
	timed(w, &b, 0, 0, ASK, 5, 110, 10);
	timed(w, &b, STREAM_OUT, 0, ANSWER, 5, 120, 10);
	assert_int_equal(w->times.why, TIMES_SHARED); /* inside of the other */
	timed(w, &a, STREAM_OUT, 0, ANSWER, 5, 130, 10);
	assert_int_equal(w->times.why, TIMES_SHARED);
	assert_int_equal(w->times.ns[THREAD_SLEEP], 0);
	timed(w, &a, 0, 7, ASK, 5, 200, 10);
	timed(w, &b, 0, 7, ASK, 6, 201, 10);
	timed(w, &down, STREAM_OUT, 0, ASK, 5, 210, 10);
	timed(w, &down, 0, 0, ANSWER, 5, 220, 10);
	assert_int_equal(w->times.why, TIMES_KNOWN);
	timed(w, &a, STREAM_OUT, 6, ANSWER, 5, 230, 15);
	assert_int_equal(w->times.why, TIMES_KNOWN);
	assert_int_equal(w->times.ns[THREAD_RUNNING], 5 * NS_PER_MS);
	assert_int_equal(w->times.ns[THREAD_SLEEP], 25 * NS_PER_MS);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_revised),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_million_unanswered),
		cmocka_unit_test(test_pipelining),
		cmocka_unit_test(test_held_full),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_times_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
