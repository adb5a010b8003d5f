/* The rules around a parser, with a protocol made for this: lines "q KEY BODY\n", "a KEY BODY\n". */
#include "proto/reader.h"

#include "proto/feed_test.h"
#include "proto/toy_test.h"

/* clang-format off */
static const struct feed simple[] = {
	CLIENT("q1 one\n"), SERVER("a1 OK\n"),
	CLIENT("q2 two\nq3 three\nq4 four\n"), SERVER("a4 OK\na2 OK\na3 NO\n"),
};
static const struct feed body[] = {
	CLIENT("q1 put\n"), CLIENT("b5\n"), CLIENT("hello"), CLIENT("q2 next\n"), SERVER("a1 OK\n"), SERVER("a2 OK\n"),
};
static const struct feed body_lost[] = {
	CLIENT("q1 put\nb1000\nhello"), CLIENT_LOST(995), CLIENT("q2 next\n"), SERVER("a1 OK\n"), SERVER("a2 OK\n"),
};
static const struct feed gap[] = {
	CLIENT("q1 one\nq2 tw"), CLIENT_LOST(100), CLIENT("ee\nq3 three\n"), SERVER("a3 OK\n"),
};
static const struct feed bad[] = {
	CLIENT("q1 one\nxxxx\nq2 two\n"), SERVER("a2 OK\n"),
};
static const struct feed unanswered[] = { CLIENT("q1 one\n"), CLIENT("n2 note\n") };
static const struct feed forever[] = {
	CLIENT("q1 all\n"), SERVER("f1 OK\n"), SERVER("many"), SERVER_LOST(100000), SERVER("more"),
};
static const struct feed upgrade[] = {
	CLIENT("q1 up\n"), SERVER("u1 OK\n"), CLIENT("Q9 loud\n"), SERVER("A9 OK\n"),
};
static const struct feed ignored[] = {
	CLIENT("q1 tls\n"), SERVER("i1 OK\n"), CLIENT("q2 gibberish\n"), SERVER("zzz\n"),
};
/* clang-format on */

static void test_order(void **state)
{
	(void)state;
	FEED_CHECK(&toy, simple,
		   "toy one - OK ok req=7 resp=6 times=1+1+1\n"
		   "toy four - OK ok req=8 resp=6 times=3+1+1\n"
		   "toy two - OK ok req=7 resp=6 times=3+1+1\n"
		   "toy three - NO error req=9 resp=6 times=3+1+1\n",
		   .times = true);
	FEED_CHECK(&toy, unanswered,
		   "toy note - - unknown req=8 resp=0 flags=oneway,midway\n"
		   "toy one - - unknown req=7 resp=0 flags=unanswered,midway\n",
		   .midway = true);
	FEED_CHECK(&toy, unanswered, "toy note - - unknown req=8 resp=0 flags=oneway\n",
		   .open = true);
}

static void test_skip(void **state)
{
	(void)state;
	FEED_CHECK(&toy, body,
		   "toy put - OK ok req=15 resp=6\n"
		   "toy next - OK ok req=8 resp=6\n");
	FEED_CHECK(&toy, body_lost,
		   "toy put - OK ok req=1013 resp=6\n"
		   "toy next - OK ok req=8 resp=6\n");
	FEED_CHECK(&toy, forever, "toy all - OK ok req=7 resp=100014\n");
}

static void test_resync(void **state)
{
	(void)state;
	FEED_CHECK(&toy, gap,
		   "toy one - - unknown req=7 resp=0 lost=100 flags=lost\n"
		   "toy three - OK ok req=9 resp=6\n");
	FEED_CHECK(&toy, bad,
		   "! letter\n"
		   "toy one - - unknown req=7 resp=0 flags=lost\n"
		   "toy two - OK ok req=7 resp=6\n");
}

static void test_changes(void **state)
{
	(void)state;
	FEED_CHECK(&toy, upgrade,
		   "toy up - OK ok req=6 resp=6\n"
		   "loud loud - OK ok req=8 resp=6\n");
	FEED_CHECK(&toy, ignored, "toy tls - OK ok req=7 resp=6\n");
}

static void test_datagrams(void **state)
{
	static const struct feed d[] = { CLIENT("q1 one\n"), CLIENT("q2 tw"), SERVER("a1 OK\n") };

	(void)state;
	FEED_CHECK(&toy, d, "! short\ntoy one - OK ok req=7 resp=6\n", .datagram = true);
}

/* What does not end is refused when it passes the buffer, not before; the rest goes on. */
static void test_too_long(void **state)
{
	struct buf b = { 0 };
	struct feed items[2] = { { .dir = PROTO_TO_SERVER }, SERVER("a7 OK\n") };

	(void)state;
	buf_printf(&b, "q1 ");
	while (b.n < 3 * PROTO_BUFFER)
		buf_char(&b, 'x');
	buf_printf(&b, "\nq7 one\n");
	items[0].bytes = buf_slice(&b);
	FEED_CHECK(&toy, items, "! too-long\ntoy one - OK ok req=7 resp=6\n");
	buf_free(&b);
}

/* Refusing is bounded per record: the rest of a record full of lies is dropped. */
static void test_tries(void **state)
{
	struct buf b = { 0 }, golden = { 0 };
	struct feed items[2] = { { .dir = PROTO_TO_SERVER }, CLIENT("rest\nq1 one\n") };

	(void)state;
	for (int i = 0; i < 4000; i++)
		buf_printf(&b, "x\n");
	items[0].bytes = buf_slice(&b);
	for (int i = 0; i < READER_TRIES; i++)
		buf_printf(&golden, "! letter\n");
	buf_printf(&golden, "toy one - - unknown req=7 resp=0 flags=unanswered\n");
	buf_char(&golden, 0);
	FEED_CHECK(&toy, items, golden.p, .once = true);
	buf_free(&b);
	buf_free(&golden);
}

struct direct {
	struct feed_run run;
	struct feed_opts opts;
};

static void direct_start(struct direct *d, size_t held_max)
{
	*d = (struct direct){ 0 };
	d->run.opts = &d->opts;
	d->run.guard = guard_make();
	d->run.env.held.max = held_max;
	d->run.env.reject = feed_reject;
	d->run.env.ctx = &d->run;
	d->run.env.pool.done = feed_done;
	d->run.env.pool.ctx = &d->run;
	reader_init(&d->run.reader, &d->run.env, &d->run);
}

#define FEED_AT(d, side, pos, lit)                                              \
	reader_feed(&(d)->run.reader, (side), (pos), sizeof(lit) - 1, STR(lit), \
		    (struct boot_ns){ 1 })

/* Repeated and overlapping bytes are cut, across 2^32 too. */
static void test_positions(void **state)
{
	struct direct d;

	(void)state;
	direct_start(&d, 1 << 20);
	assert_int_equal(reader_start(&d.run.reader, &toy, 0), 0);
	FEED_AT(&d, 0, 0xfffffffau, "q1 one\n"); /* ends at 1 */
	FEED_AT(&d, 0, 0xfffffffau, "q1 one\n");
	FEED_AT(&d, 0, 0xfffffffau, "q1 one\nq2 t");
	FEED_AT(&d, 0, 3, " two\n");
	FEED_AT(&d, 1, 50, "a1 OK\na2 OK\n");
	reader_close(&d.run.reader, (struct boot_ns){ 9 });
	buf_char(&d.run.lines, 0);
	assert_string_equal(d.run.lines.p, "toy one - OK ok req=7 resp=6\n"
					   "toy two - OK ok req=7 resp=6\n");
	assert_int_equal(d.run.env.stats.gaps, 0);
	feed_end(&d.run);
}

/* Without room the bytes are a gap, and the next message is read. */
static void test_no_room(void **state)
{
	struct direct d;

	(void)state;
	direct_start(&d, toy.state_bytes + 10);
	assert_int_equal(reader_start(&d.run.reader, &toy, 0), 0);
	FEED_AT(&d, 0, 0, "q1 a very long");
	assert_int_equal(d.run.env.stats.held_full, 14);
	FEED_AT(&d, 0, 14, "er one\nq2 two\n");
	FEED_AT(&d, 1, 0, "a2 OK\n");
	reader_close(&d.run.reader, (struct boot_ns){ 9 });
	buf_char(&d.run.lines, 0);
	assert_string_equal(d.run.lines.p, "toy two - OK ok req=7 resp=6\n");
	feed_end(&d.run);
	direct_start(&d, 4);
	assert_int_equal(reader_start(&d.run.reader, &toy, 0), -ENOSPC);
	feed_end(&d.run);
}

/* Bytes that came before anybody knew the protocol, the answer among them; then another protocol. */
static void test_late_start(void **state)
{
	struct direct d;

	(void)state;
	direct_start(&d, 1 << 20);
	FEED_AT(&d, 1, 0, "q1 o");
	FEED_AT(&d, 1, 4, "ne\nq2");
	FEED_AT(&d, 0, 0, "a1 OK\n");
	assert_int_equal(reader_start(&d.run.reader, &toy, 1), 0);
	FEED_AT(&d, 1, 9, " two\n");
	reader_stop(&d.run.reader);
	assert_int_equal(reader_start(&d.run.reader, &toy_loud, 1), 0);
	FEED_AT(&d, 1, 14, "Q1 ONE\n");
	FEED_AT(&d, 0, 6, "A1 OK\n");
	reader_close(&d.run.reader, (struct boot_ns){ 9 });
	buf_char(&d.run.lines, 0);
	assert_string_equal(d.run.lines.p, "toy one - OK ok req=7 resp=6\n"
					   "toy two - - unknown req=7 resp=0 flags=lost\n"
					   "loud ONE - OK ok req=7 resp=6\n");
	feed_end(&d.run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	  cmocka_unit_test(test_skip),
		cmocka_unit_test(test_resync),	  cmocka_unit_test(test_changes),
		cmocka_unit_test(test_datagrams), cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_tries),	  cmocka_unit_test(test_positions),
		cmocka_unit_test(test_no_room),	  cmocka_unit_test(test_late_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
