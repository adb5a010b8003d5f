/* WebSocket: after an upgrade of HTTP/1.1, and alone. The masked "Hello" is RFC 6455's, section 5.7. */
#include "proto/websocket/websocket.h"

#include "proto/feed_test.h"

/* clang-format off */
#define UPGRADE \
	CLIENT("GET /chat/7 HTTP/1.1\r\nHost: h\r\nUser-Agent: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), \
	SERVER("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
#define UPGRADED "http GET /chat/7 101 ok req=89 resp=77 route=/chat/{id} host=h agent=a flags=stream\n"
#define HERE	 " route=/chat/{id} host=h agent=a "
#define HELLO	 "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"

static const struct feed chat[] = {
	UPGRADE,
	CLIENT(HELLO),
	SERVER("\x81\x02hi\x82\x03" "abc"),
	SERVER("\x89\x01p"), CLIENT("\x8a\x81\1\2\3\4p"),
	/* Two frames, and a PING between them; an empty message. */
	SERVER("\x01\x03Hel\x89\0\x80\x02lo\xc1\0"),
	CLIENT("\x88\x82\1\2\3\4\x02\xea"), SERVER("\x88\x02\x03\xe8"),
};
static const struct feed together[] = {
	CLIENT("GET /a HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n"),
	SERVER("HTTP/1.1 101 Yes\r\nUpgrade: WebSocket\r\n\r\n\x81\x02hi"),
};
static const struct feed large[] = {
	SERVER("\x82\x7f\0\0\0\0\0\1\0\0" "abc"), SERVER_LOST(65533),
	SERVER("\x81\x7e\0\4long"),
	CLIENT("\x82\xfe\1\0\1\2\3\4"), CLIENT_LOST(256),
	CLIENT(HELLO),
};
static const struct feed gap[] = {
	SERVER("\x01\x03" "abc\x80"), SERVER_LOST(10), SERVER("\x80\x02xy"), SERVER("\x81\x02ok"),
};
static const struct feed broken_off[] = { SERVER("\x81\x08" "abc") };
/* clang-format on */

static void test_messages(void **state)
{
	(void)state;
	FEED_CHECK(proto_find(STR("http")), chat,
		   UPGRADED
		   "websocket TEXT /chat/7 - unknown req=11 resp=0 items=1" HERE "flags=oneway\n"
		   "websocket TEXT /chat/7 - unknown req=0 resp=4 items=1" HERE "flags=oneway\n"
		   "websocket BINARY /chat/7 - unknown req=0 resp=5 items=1" HERE "flags=oneway\n"
		   "websocket PING /chat/7 - unknown req=0 resp=3 items=1" HERE "flags=oneway\n"
		   "websocket PONG /chat/7 - unknown req=7 resp=0 items=1" HERE "flags=oneway\n"
		   "websocket PING /chat/7 - unknown req=0 resp=2 items=1" HERE "flags=oneway\n"
		   "websocket TEXT /chat/7 - unknown req=0 resp=9 items=2" HERE "flags=oneway\n"
		   "websocket TEXT /chat/7 - unknown req=0 resp=2 items=1" HERE "flags=oneway\n"
		   "websocket CLOSE /chat/7 1000 unknown req=8 resp=0 items=1" HERE "flags=oneway\n"
		   "websocket CLOSE /chat/7 1000 unknown req=0 resp=4 items=1" HERE "flags=oneway\n");
	FEED_CHECK(proto_find(STR("http")), together,
		   "http GET /a 101 ok req=39 resp=40 route=/a flags=stream\n"
		   "websocket TEXT /a - unknown req=0 resp=4 items=1 route=/a flags=oneway\n");
	FEED_CHECK(&proto_websocket, large,
		   "websocket BINARY - - unknown req=0 resp=65546 items=1 flags=oneway\n"
		   "websocket TEXT - - unknown req=0 resp=8 items=1 flags=oneway\n"
		   "websocket BINARY - - unknown req=264 resp=0 items=1 flags=oneway\n"
		   "websocket TEXT - - unknown req=11 resp=0 items=1 flags=oneway\n");
	FEED_CHECK(&proto_websocket, gap,
		   "websocket TEXT - - unknown req=0 resp=5 lost=10 items=1 flags=lost,oneway\n"
		   "websocket - - - unknown req=0 resp=4 items=1 flags=oneway\n"
		   "websocket TEXT - - unknown req=0 resp=4 items=1 flags=oneway\n",
		   .once = true);
	FEED_CHECK(&proto_websocket, broken_off,
		   "websocket TEXT - - unknown req=0 resp=5 items=1 flags=unanswered\n");
}

/* As many that are wrong; the next record is read. */
static void test_wrong(void **state)
{
	static const struct {
		struct feed item;
		const char *reason;
	} cases[] = {
		{ SERVER("\x83\1a"), "opcode" },
		{ SERVER("\x8b\1a"), "opcode" },
		{ CLIENT("\x87\x81"
			 "1234a"),
		  "opcode" },
		{ SERVER("\xa1\1a"), "reserved" },
		{ SERVER("\x91\1a"), "reserved" },
		{ SERVER("\xc9\1a"), "reserved" },
		{ SERVER("\x81\x81"
			 "1234a"),
		  "mask" },
		{ CLIENT("\x81\1a"), "mask" },
		{ SERVER("\x09\1a"), "control" },
		{ SERVER("\x88\x7e\1\0"), "control" },
		{ SERVER("\x81\x7f\x80\0\0\0\0\0\0\0"), "length" },
		{ SERVER("\x81\x7f\x40\0\0\0\0\0\0\0"), "length" },
		{ SERVER("\x80\1a"), "fragment" },
		{ CLIENT("\0\x81"
			 "1234a"),
		  "fragment" },
		{ SERVER("\1\1a\1\1b"), "fragment" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct feed items[] = {
			cases[i].item,
			SERVER("\x81\x05"
			       "after"),
			CLIENT(HELLO),
		};
		const struct feed_opts o = { .once = true };
		const struct feed_cut whole = { 0 };
		struct feed_run f;
		struct str got = feed_begin(&f, &proto_websocket, &o, items, 3, &whole);
		char want[64];

		snprintf(want, sizeof(want), "! %s\n", cases[i].reason);
		if (!str_contains(got, str_of(want)) ||
		    !str_contains(got, STR("req=0 resp=7 items=1")) ||
		    !str_contains(got, STR("req=11 resp=0 items=1")))
			fail_msg("%zu, %s: %.*s", i, cases[i].reason, STR_ARG(got));
		feed_end(&f);
	}
}

static void test_guess(void **state)
{
	(void)state;
	assert_int_equal(proto_websocket.guess(STR("\x81\x0a{\"a\":\"bc\"}"), false), GUESS_RESPONSE);
	assert_int_equal(proto_websocket.guess(STR("\x81\x88"
						   "\1\2\3\4`ab```ab"),
					       false),
			 GUESS_REQUEST);
	assert_int_equal(proto_websocket.guess(STR("\x81\x88"
						   "\x40\2\3\4Aab```ab"),
					       false),
			 GUESS_NO);
	assert_int_equal(proto_websocket.guess(STR("\x81\x02hi"), false), GUESS_NO);
	assert_int_equal(proto_websocket.guess(STR("\x81\x0a{\"a\":\"bc\"}x"), false), GUESS_NO);
	assert_int_equal(proto_websocket.guess(STR("GET / HTTP/1.1\r\n"), false), GUESS_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
