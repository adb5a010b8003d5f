/*
 * HTTP/2 and gRPC: conversations built frame by frame, whole and joined midway, and frames that are wrong. Real ones
 * from captures are in test/captures/l7.
 */
#include "proto/http2/http2.h"

#include "base/cleanup.h"
#include "proto/feed_test.h"
#include "proto/http2/frame.h"
#include "proto/http2/grpc.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define ITEMS	32

/* A conversation; each frame is appended to the last item when that goes the same way and `join` is set. */
struct talk {
	struct feed item[ITEMS];
	struct buf bytes[ITEMS];
	size_t n;
};

static void say(struct talk *t, enum proto_dir dir, const void *p, size_t n)
{
	assert_true(t->n < ITEMS);
	buf_add(&t->bytes[t->n], p, n);
	t->item[t->n] = (struct feed){ dir, buf_slice(&t->bytes[t->n]), 0 };
	t->n++;
}

static void frame(struct talk *t, enum proto_dir dir, uint8_t type, uint8_t flags, uint32_t stream,
		  struct str payload)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	const uint8_t head[FRAME_HEAD] = {
		(uint8_t)(payload.n >> 16),
		(uint8_t)(payload.n >> 8),
		(uint8_t)payload.n,
		type,
		flags,
		(uint8_t)(stream >> 24),
		(uint8_t)(stream >> 16),
		(uint8_t)(stream >> 8),
		(uint8_t)stream,
	};

	buf_add(&b, head, sizeof(head));
	buf_str(&b, payload);
	say(t, dir, b.p, b.n);
}

#define TO_SERVER(type, flags, stream, lit) \
	frame(&t, PROTO_TO_SERVER, type, flags, stream, STR(lit))
#define TO_CLIENT(type, flags, stream, lit) \
	frame(&t, PROTO_TO_CLIENT, type, flags, stream, STR(lit))

#define END  FRAME_END_STREAM
#define HEAD FRAME_END_HEADERS

/* Fields: literal with a name of the static table, or with both, added to the table (0x40) or not. */
#define AUTHORITY_SHOP "\x41\x04shop"
#define PATH_USERS     "\x44\x08/users/7"
#define AGENT_A    \
	"\x7a\x01" \
	"a"
#define TRACE_1                   \
	"\x00\x0btraceparent\x02" \
	"00"

static void talk_check(struct talk *t, const struct feed_opts *o, const char *golden)
{
	feed_check(&proto_http2, o, t->item, t->n, golden);
	for (size_t i = 0; i < t->n; i++)
		buf_free(&t->bytes[i]);
	*t = (struct talk){ 0 };
}

static void test_streams(void **state)
{
	struct talk t = { 0 };

	(void)state;
	say(&t, PROTO_TO_SERVER, PREFACE, 24);
	TO_SERVER(FRAME_SETTINGS, 0, 0, "\0\1\0\0\x20\0\0\3\0\0\0\x64");
	TO_CLIENT(FRAME_SETTINGS, 0, 0, "");
	TO_CLIENT(FRAME_SETTINGS, FRAME_ACK, 0, "");
	/* Two streams at once, answered the other way round; the second uses what the first put into the table. */
	TO_SERVER(FRAME_HEADERS, HEAD | END, 1, "\x82\x86" PATH_USERS AUTHORITY_SHOP AGENT_A TRACE_1);
	TO_SERVER(FRAME_HEADERS, HEAD | FRAME_PRIO | FRAME_PADDED, 3,
		  "\2\0\0\0\0\xff\x83\x86\xc0\xbf\xbepp");
	TO_SERVER(FRAME_DATA, FRAME_PADDED, 3, "\3hello\0\0\0");
	TO_SERVER(FRAME_WINDOW_UPDATE, 0, 0, "\0\0\1\0");
	TO_SERVER(FRAME_DATA, END, 3, "");
	TO_CLIENT(FRAME_HEADERS, HEAD, 3,
		  "\x08\x03"
		  "103");
	TO_CLIENT(FRAME_HEADERS, HEAD, 3,
		  "\x48\x03"
		  "201");
	TO_CLIENT(FRAME_HEADERS, HEAD, 1, "\x8d");
	TO_CLIENT(FRAME_DATA, 0, 3, "abc");
	TO_CLIENT(FRAME_DATA, END, 1, "not found");
	TO_CLIENT(FRAME_PING, 0, 0, "12345678");
	TO_CLIENT(FRAME_DATA, 0, 3, "def");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 3, "\x40\x01x\x01y");
	talk_check(
		&t, &(struct feed_opts){ .times = true },
		"http2 GET /users/7 404 error req=46 resp=28 route=/users/{id} host=shop agent=a trace=00 times=5+7+9\n"
		"http2 POST /users/7 201 ok req=49 resp=66 route=/users/{id} host=shop agent=a times=6+5+11\n");

	say(&t, PROTO_TO_SERVER, PREFACE, 24);
	/* A head in three parts, with a push in between the answers. */
	TO_SERVER(FRAME_HEADERS, END, 1, "\x82");
	TO_SERVER(FRAME_CONTINUATION, 0, 1, "\x86\x44\x08/us");
	TO_SERVER(FRAME_CONTINUATION, HEAD, 1, "ers/7");
	TO_CLIENT(FRAME_PUSH_PROMISE, HEAD, 1, "\0\0\0\2\x82\x44\x02/p");
	TO_CLIENT(FRAME_HEADERS, HEAD, 2, "\x88");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 1, "\x88");
	TO_CLIENT(FRAME_DATA, END, 2, "pushed");
	TO_SERVER(FRAME_HEADERS, HEAD, 3, "\x83\x84");
	TO_CLIENT(FRAME_RST_STREAM, 0, 3, "\0\0\0\7");
	TO_SERVER(FRAME_DATA, END, 3, "late");
	TO_SERVER(FRAME_HEADERS, HEAD | END, 5, "\x82\x84");
	TO_SERVER(FRAME_RST_STREAM, 0, 5, "\0\0\0\x08");
	TO_SERVER(FRAME_HEADERS, HEAD | END, 7, "\x82\x85");
	TO_CLIENT(FRAME_GOAWAY, 0, 0, "\0\0\0\7\0\0\0\0bye");
	TO_CLIENT(0xbb, 0xff, 9, "an extension");
	TO_CLIENT(FRAME_HEADERS, HEAD, 7, "\x88");
	TO_CLIENT(FRAME_DATA, END, 7, "");
	TO_SERVER(FRAME_HEADERS, HEAD | END, 9, "\x82\x84");
	talk_check(&t, &(struct feed_opts){ 0 },
		   "http2 GET /users/7 200 ok req=39 resp=10 route=/users/{id}\n"
		   "http2 POST / - error req=11 resp=13 route=/ error=REFUSED_STREAM\n"
		   "http2 GET / - error req=24 resp=0 route=/ error=CANCEL\n"
		   "http2 GET /index.html 200 ok req=11 resp=19 route=/index.html\n"
		   "http2 GET / - unknown req=11 resp=0 route=/ flags=unanswered\n");
}

#define GRPC       \
	"\x5f\x10" \
	"application/grpc"
#define PATH_CALL "\x44\x0a/a.B/Hello"

static void test_grpc(void **state)
{
	struct talk t = { 0 };

	(void)state;
	say(&t, PROTO_TO_SERVER, PREFACE, 24);
	TO_SERVER(FRAME_HEADERS, HEAD, 1, "\x83\x86" PATH_CALL AUTHORITY_SHOP GRPC);
	TO_SERVER(FRAME_DATA, END, 1, "\0\0\0\0\2hi");
	TO_CLIENT(FRAME_HEADERS, HEAD, 1, "\x88" GRPC);
	TO_CLIENT(FRAME_DATA, 0, 1, "\0\0\0\0\3abc");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 1,
		  "\x40\x0bgrpc-status\x01"
		  "0");
	/* Trailers only. */
	TO_SERVER(FRAME_HEADERS, HEAD, 3, "\x83\x86\xc0\xbf\xbe");
	TO_SERVER(FRAME_DATA, END, 3, "\0\0\0\0\0");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 3,
		  "\x88\xbf\x00\x0bgrpc-status\x01"
		  "5\x00\x0cgrpc-message\x0dno%20user%3A7");
	/* Streams of messages: two in a frame, one over two frames, and a prefix that is cut in two. */
	TO_SERVER(FRAME_HEADERS, HEAD, 5, "\x83\x86\xc0\xbf\xbe");
	TO_SERVER(FRAME_DATA, 0, 5, "\0\0\0\0\1a\0\0\0\0\1b");
	TO_CLIENT(FRAME_HEADERS, HEAD, 5, "\x88\xbf");
	TO_CLIENT(FRAME_DATA, 0, 5, "\0\0\0\0\1a\0\0\0\0\6b12");
	TO_CLIENT(FRAME_DATA, 0, 5, "345\0\0\0\0\0");
	TO_CLIENT(FRAME_DATA, 0, 5, "\0\0\0");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 5,
		  "\x00\x0bgrpc-status\x02"
		  "99");
	/* An answer that is HTTP's alone. */
	TO_SERVER(FRAME_HEADERS, HEAD | END, 7, "\x83\x86\xc0\xbf\xbe");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 7,
		  "\x48\x03"
		  "503");
	/* One that the client gave up. */
	TO_SERVER(FRAME_HEADERS, HEAD | END, 9, "\x83\x86\xc0\xbf\xbe");
	TO_SERVER(FRAME_RST_STREAM, 0, 9, "\0\0\0\x08");
	talk_check(
		&t, &(struct feed_opts){ 0 },
		"grpc a.B/Hello a.B/Hello OK ok req=63 resp=69 items=1 code=0 route=a.B/Hello host=shop\n"
		"grpc a.B/Hello a.B/Hello NOT_FOUND error req=28 resp=54 code=5 route=a.B/Hello host=shop "
		"error=\"no user:7\"\n"
		"grpc a.B/Hello a.B/Hello 99 error req=35 resp=88 items=3 route=a.B/Hello host=shop flags=stream\n"
		"grpc a.B/Hello a.B/Hello 503 error req=14 resp=14 route=a.B/Hello host=shop\n"
		"grpc a.B/Hello a.B/Hello CANCELLED error req=27 resp=0 code=1 route=a.B/Hello host=shop "
		"error=CANCEL\n");
}

static void test_midway(void **state)
{
	struct talk t = { 0 };

	(void)state;
	/* Entries from before: unknown. What is added now is known from then on. */
	TO_SERVER(FRAME_HEADERS, HEAD, 101, "\x83\x86\xc0\xbf\xbe");
	TO_SERVER(FRAME_DATA, END, 101, "\0\0\0\0\0");
	TO_CLIENT(FRAME_HEADERS, HEAD, 101, "\x88\xc5");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 101, "\xc4");
	TO_SERVER(FRAME_HEADERS, HEAD | END, 103, "\x83\x86" PATH_CALL "\xc0\xc0");
	TO_CLIENT(FRAME_HEADERS, HEAD, 103, "\x88" GRPC);
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 103,
		  "\x40\x0bgrpc-status\x01"
		  "0");
	TO_SERVER(FRAME_HEADERS, HEAD | END, 105, "\x83\x86\xbe\xc0\xc0");
	TO_CLIENT(FRAME_HEADERS, HEAD, 105, "\x88\xbf");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 105, "\xbe");
	talk_check(
		&t, &(struct feed_opts){ .midway = true },
		"http2 POST - 200 ok req=28 resp=21 flags=midway\n"
		"grpc a.B/Hello a.B/Hello OK ok req=25 resp=52 code=0 route=a.B/Hello flags=midway\n"
		"grpc a.B/Hello a.B/Hello OK ok req=14 resp=21 code=0 route=a.B/Hello flags=midway\n");
}

/* Names of which only the number is seen, and what their values must be; from then on they are in the table. */
static void test_midway_names(void **state)
{
	struct talk t = { 0 };

	(void)state;
	TO_SERVER(FRAME_HEADERS, HEAD | END, 201,
		  "\x82\xc1\x7f\x03\x03/u/\x7f\x04\x37"
		  "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\x7f\x05\x02/v");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 201,
		  "\x7f\x09\x03"
		  "302\x7f\x09\x03"
		  "404");
	TO_SERVER(FRAME_HEADERS, HEAD | END, 203, "\x82\xc3\xc0\xbf\xbe");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 203, "\xbf");
	talk_check(&t, &(struct feed_opts){ .midway = true },
		   "http2 GET /u/ 302 ok req=80 resp=21 route=/u/ "
		   "trace=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 flags=midway\n"
		   "http2 GET /u/ 302 ok req=14 resp=10 route=/u/ "
		   "trace=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 flags=midway\n");
}

/* HTTP/1.1 that becomes HTTP/2: the answer to the request comes on stream 1. */
static void test_h2c(void **state)
{
	struct talk t = { 0 };
	static const char up[] =
		"GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
		"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n";
	static const char yes[] =
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

	(void)state;
	say(&t, PROTO_TO_SERVER, up, sizeof(up) - 1);
	say(&t, PROTO_TO_CLIENT, yes, sizeof(yes) - 1);
	TO_CLIENT(FRAME_SETTINGS, 0, 0, "\0\3\0\0\0\x64");
	say(&t, PROTO_TO_SERVER, PREFACE, 24);
	TO_SERVER(FRAME_SETTINGS, 0, 0, "");
	TO_CLIENT(FRAME_HEADERS, HEAD, 1, "\x88");
	TO_CLIENT(FRAME_DATA, END, 1, "hi");
	TO_SERVER(FRAME_HEADERS, HEAD | END, 3, "\x82\x84");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 3, "\x89");
	feed_check(proto_find(STR("http")), &(struct feed_opts){ 0 }, t.item, t.n,
		   "http2 GET /a 200 ok req=105 resp=92 route=/a host=h\n"
		   "http2 GET / 204 ok req=11 resp=10 route=/\n");
	for (size_t i = 0; i < t.n; i++)
		buf_free(&t.bytes[i]);
}

static void test_gaps(void **state)
{
	struct talk t = { 0 };

	(void)state;
	say(&t, PROTO_TO_SERVER, PREFACE, 24);
	TO_SERVER(FRAME_HEADERS, HEAD | END, 1, "\x82\x86" PATH_USERS AUTHORITY_SHOP);
	/* 100 bytes of DATA, of which 90 are not captured: no gap. */
	say(&t, PROTO_TO_CLIENT,
	    "\0\0\1\1\4\0\0\0\1\x88\0\0\x64\0\1\0\0\0\1"
	    "0123456789",
	    29);
	t.item[t.n++] = (struct feed)SERVER_LOST(90);
	/* A head is lost, then the table is unknown; what comes later is right. */
	t.item[t.n++] = (struct feed)CLIENT_LOST(20);
	TO_SERVER(FRAME_HEADERS, HEAD | END, 5, "\x82\x86\xbf\xbe");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 5, "\x88");
	TO_SERVER(FRAME_HEADERS, HEAD | END, 7, "\x82\x86" PATH_USERS "\xbf");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 7, "\x88");
	TO_SERVER(FRAME_HEADERS, HEAD | END, 9, "\x82\x86\xbe\xbf");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 9, "\x88");
	talk_check(&t, &(struct feed_opts){ .once = true },
		   "http2 GET /users/7 200 ok req=27 resp=119 route=/users/{id} host=shop\n"
		   "http2 GET - 200 ok req=13 resp=10\n"
		   "http2 GET /users/7 200 ok req=22 resp=10 route=/users/{id}\n"
		   "http2 GET /users/7 200 ok req=13 resp=10 route=/users/{id}\n");

	/* The same in the DATA of a call, between its messages. */
	say(&t, PROTO_TO_SERVER, PREFACE, 24);
	TO_SERVER(FRAME_HEADERS, HEAD | END, 1, "\x83\x86" PATH_CALL GRPC);
	say(&t, PROTO_TO_CLIENT, "\0\0\1\1\4\0\0\0\1\x88\0\0\x64\0\0\0\0\0\1\0\0\0\0\1a\0\0", 27);
	t.item[t.n++] = (struct feed)SERVER_LOST(92);
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 1,
		  "\x00\x0bgrpc-status\x01"
		  "0");
	talk_check(
		&t, &(struct feed_opts){ .once = true },
		"grpc a.B/Hello a.B/Hello OK ok req=41 resp=143 lost=94 items=1 code=0 route=a.B/Hello\n");
}

/* A head longer than is waited for: skipped, and the next is read. */
static void test_long_head(void **state)
{
	static char big[40000];
	struct talk t = { 0 };

	(void)state;
	memset(big, 'x', sizeof(big));
	say(&t, PROTO_TO_SERVER, PREFACE, 24);
	frame(&t, PROTO_TO_SERVER, FRAME_HEADERS, HEAD | END, 1, (struct str){ big, 16000 });
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 1, "\x88");
	frame(&t, PROTO_TO_SERVER, FRAME_HEADERS, 0, 3, (struct str){ big, 9000 });
	frame(&t, PROTO_TO_SERVER, FRAME_CONTINUATION, 0, 3, (struct str){ big, 9000 });
	frame(&t, PROTO_TO_SERVER, FRAME_CONTINUATION, HEAD, 3, (struct str){ big, 100 });
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 3, "\x88");
	TO_SERVER(FRAME_HEADERS, HEAD | END, 5, "\x82\x84\xbe");
	TO_CLIENT(FRAME_HEADERS, HEAD | END, 5, "\x88");
	talk_check(&t, &(struct feed_opts){ 0 },
		   "http2 - - 200 ok req=16009 resp=10 flags=cut\n"
		   "http2 - - 200 ok req=9009 resp=10 flags=cut\n"
		   "http2 GET / 200 ok req=12 resp=10 route=/\n");
}

struct wrong {
	uint8_t type, flags;
	uint32_t stream;
	struct str payload;
	const char *reason;
};

/* clang-format off */
static const struct wrong wrongs[] = {
	{ FRAME_DATA, 0, 0, { "abc", 3 }, "frame-stream" },
	{ FRAME_HEADERS, HEAD, 0, { "\x82", 1 }, "frame-stream" },
	{ FRAME_HEADERS, HEAD, 1, { "", 0 }, "frame-length" },
	{ FRAME_HEADERS, HEAD | FRAME_PADDED, 1, { "\x09\x82", 2 }, "padding" },
	{ FRAME_HEADERS, HEAD | FRAME_PRIO, 1, { "\x82\x82", 2 }, "padding" },
	{ FRAME_HEADERS, HEAD, 1, { "\x80", 1 }, "hpack-index" },
	{ FRAME_HEADERS, HEAD, 1, { "\xff\xff\xff\xff\xff\x7f", 6 }, "hpack-integer" },
	{ FRAME_HEADERS, HEAD, 1, { "\x44\x09/", 3 }, "hpack-string" },
	{ FRAME_HEADERS, HEAD, 1, { "\x44\x82\xff\xff", 4 }, "hpack-huffman" },
	{ FRAME_HEADERS, HEAD, 1, { "\x82\x3f\xe1\x1f", 4 }, "hpack-table-size" },
	{ FRAME_RST_STREAM, 0, 1, { "abc", 3 }, "frame-length" },
	{ FRAME_RST_STREAM, 0, 0, { "abcd", 4 }, "frame-stream" },
	{ FRAME_SETTINGS, 0, 0, { "abcde", 5 }, "frame-length" },
	{ FRAME_SETTINGS, FRAME_ACK, 0, { "abcdef", 6 }, "frame-length" },
	{ FRAME_SETTINGS, 0, 1, { "abcdef", 6 }, "frame-stream" },
	{ FRAME_PING, 0, 0, { "abcdefg", 7 }, "frame-length" },
	{ FRAME_PING, 0, 1, { "abcdefgh", 8 }, "frame-stream" },
	{ FRAME_GOAWAY, 0, 0, { "abcdefg", 7 }, "frame-length" },
	{ FRAME_WINDOW_UPDATE, 0, 0, { "abcde", 5 }, "frame-length" },
	{ FRAME_PRIORITY, 0, 1, { "abcd", 4 }, "frame-length" },
	{ FRAME_CONTINUATION, HEAD, 1, { "\x82", 1 }, "continuation" },
	{ FRAME_PUSH_PROMISE, HEAD, 1, { "abcd", 4 }, "frame-length" },
};
/* clang-format on */

/* Each is refused by its name; what comes after it is understood. */
static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		const struct feed_opts o = { .once = true };
		const struct feed_cut whole = { 0 };
		struct talk t = { 0 };
		struct feed_run f;
		char want[64];
		struct str got;

		say(&t, PROTO_TO_SERVER, PREFACE, 24);
		frame(&t, PROTO_TO_SERVER, wrongs[i].type, wrongs[i].flags, wrongs[i].stream,
		      wrongs[i].payload);
		TO_SERVER(FRAME_HEADERS, HEAD | END, 3, "\x82\x84");
		TO_CLIENT(FRAME_HEADERS, HEAD | END, 3, "\x89");
		got = feed_begin(&f, &proto_http2, &o, t.item, t.n, &whole);
		snprintf(want, sizeof(want), "! %s\n", wrongs[i].reason);
		if (!str_starts(got, str_of(want)) || !str_contains(got, STR("http2 GET / 204 ok")))
			fail_msg("%zu, %s: %.*s", i, wrongs[i].reason, STR_ARG(got));
		feed_end(&f);
		for (size_t k = 0; k < t.n; k++)
			buf_free(&t.bytes[k]);
	}
}

static void test_guess(void **state)
{
	static const struct {
		struct str head;
		enum proto_guess guess;
	} cases[] = {
#define G(lit, guess) { { lit, sizeof(lit) - 1 }, guess }
		G(PREFACE, GUESS_REQUEST),
		G("PRI * HTTP/2.0\r\n\r\n", GUESS_REQUEST),
		G("PRI", GUESS_MORE),
		G("\0\0\x06\4\0\0\0\0\0\0\3\0\0\0\x64", GUESS_RESPONSE),
		G("\0\0\2\1\5\0\0\0\x65\x83\xbe", GUESS_REQUEST),
		G("\0\0\1\1\4\0\0\0\x65\x88", GUESS_RESPONSE),
		G("\0\0\0\4\1\0\0\0\0\0\0\1\1\4\0\0\0\x65\x88", GUESS_RESPONSE),
		G("\0\0\4\x08\0\0\0\0\0\0\0\1\0", GUESS_MORE),
		G("\0\0\1\1\4\0\0\0\x65\xbe", GUESS_MORE),
		G("\0\0", GUESS_MORE),
		G("GET / HTTP/1.1\r\n", GUESS_NO),
		G("HTTP/1.1 200 OK", GUESS_NO),
		G("\0\0\0\x1f\0\3\0\0\0\0\0\1\0\4test", GUESS_NO), /* Kafka */
		G("\x16\3\1\0\1\1\0\0\0\0\0", GUESS_NO),
		G("*1\r\n$4\r\nPING\r\n", GUESS_NO),
		G("\0\0\0\0\0\0\0\0\0\0\0\0", GUESS_NO),
		G("\0\0\0\x08\4\xd2\x16\x2f", GUESS_MORE), /* PostgreSQL's request for TLS is too short */
		G("\0\0\0\x29\0\3\0\0user\0postgres\0database\0postgres\0\0", GUESS_NO),
		G("\x0a\0\0\0\x0a"
		  "8.0.36",
		  GUESS_NO), /* MySQL */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (proto_http2.guess(cases[i].head, false) != cases[i].guess)
			fail_msg("guess %zu: %d", i, proto_http2.guess(cases[i].head, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),	  cmocka_unit_test(test_grpc),
		cmocka_unit_test(test_midway),	  cmocka_unit_test(test_midway_names),
		cmocka_unit_test(test_h2c),	  cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_long_head), cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
