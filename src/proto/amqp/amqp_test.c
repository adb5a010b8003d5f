/*
 * AMQP 0-9-1: conversations by hand from the specification, in the order in which RabbitMQ's clients speak; what is no
 * AMQP.
 */
#include "proto/amqp/amqp_method.h"

#include "proto/feed_test.h"

#define CHECK(items, ...) FEED_CHECK(&proto_amqp, items, __VA_ARGS__)

/* A frame: type, channel, payload's size (one byte of it), payload. */
#define FRAME(type, ch, size, payload) type "\0" ch "\0\0\0" size payload "\xce"
#define METHOD(ch, size, payload)      FRAME("\1", ch, size, payload)
#define HEADER(ch, bytes)	       FRAME("\2", ch, "\x0e", "\0\x3c\0\0\0\0\0\0\0\0\0" bytes "\0\0")
#define BODY(ch, size, payload)	       FRAME("\3", ch, size, payload)
#define HEARTBEAT		       FRAME("\x08", "\0", "\0", "")
#define TAG(n)			       "\0\0\0\0\0\0\0" n

#define GREETING   "AMQP\0\0\x09\x01"
#define OPEN	   METHOD("\0", "\x08", "\0\x0a\0\x28\1/\0\0")
#define CHANNEL	   METHOD("\1", "\5", "\0\x14\0\x0a\0")
#define CHANNEL_OK METHOD("\1", "\x08", "\0\x14\0\x0b\0\0\0\0")
/* basic.publish to exchange "ex", key "k.1" */
#define PUBLISH METHOD("\1", "\x0e", "\0\x3c\0\x28\0\0\2ex\3k.1\0")

static void test_session(void **state)
{
	static const struct feed f[] = {
		CLIENT(GREETING),
		SERVER(METHOD("\0", "\x0e", "\0\x0a\0\x0a\0\x09\0\0\0\0\0\0\0\0")),
		CLIENT(METHOD("\0", "\x11", "\0\x0a\0\x0b\0\0\0\0\5PLAIN\0\0\0")),
		SERVER(METHOD("\0", "\x0c", "\0\x0a\0\x1e\7\xff\0\2\0\0\0\x3c")),
		CLIENT(METHOD("\0", "\x0c", "\0\x0a\0\x1f\7\xff\0\2\0\0\0\x3c") OPEN),
		SERVER(METHOD("\0", "\5", "\0\x0a\0\x29\0") HEARTBEAT),
		CLIENT(CHANNEL METHOD("\2", "\5", "\0\x14\0\x0a\0")),
		SERVER(METHOD("\2", "\x08", "\0\x14\0\x0b\0\0\0\0") CHANNEL_OK),
		/* queue.declare "jobs" */
		CLIENT(METHOD("\1", "\x10", "\0\x32\0\x0a\0\0\4jobs\0\0\0\0\0")),
		SERVER(METHOD("\1", "\x11", "\0\x32\0\x0b\4jobs\0\0\0\1\0\0\0\0")),
		CLIENT(PUBLISH HEADER("\1", "\5") BODY("\1", "\5", "hello") HEARTBEAT),
		/* basic.get, something, nothing */
		CLIENT(METHOD("\1", "\x0c", "\0\x3c\0\x46\0\0\4jobs\0")),
		SERVER(METHOD("\1", "\x18", "\0\x3c\0\x47" TAG("\1") "\0\2ex\3k.1\0\0\0\0")
			       HEADER("\1", "\5") BODY("\1", "\5", "hello")),
		CLIENT(METHOD("\1", "\x0d", "\0\x3c\0\x50" TAG("\1") "\0")),
		CLIENT(METHOD("\1", "\x0c", "\0\x3c\0\x46\0\0\4jobs\0")),
		SERVER(METHOD("\1", "\5", "\0\x3c\0\x48\0")),
		/* basic.consume, then a delivery */
		CLIENT(METHOD("\1", "\x11", "\0\x3c\0\x14\0\0\4jobs\0\0\0\0\0\0")),
		SERVER(METHOD("\1", "\6", "\0\x3c\0\x15\1t") METHOD(
			"\1", "\x16", "\0\x3c\0\x3c\1t" TAG("\2") "\0\2ex\3k.1") HEADER("\1", "\0")),
		CLIENT(METHOD("\0", "\x0d", "\0\x0a\0\x32\0\xc8\2ok\0\0\0\0")),
		SERVER(METHOD("\0", "\4", "\0\x0a\0\x33")),
	};

	(void)state;
	CHECK(f, "amqp connection.start-ok - OK ok req=25 resp=20\n"
		 "amqp connection.open / OK ok req=16 resp=13 route=/ host=/\n"
		 "amqp channel.open - OK ok req=13 resp=16 host=/\n"
		 "amqp channel.open - OK ok req=13 resp=16 host=/\n"
		 "amqp queue.declare jobs OK ok req=24 resp=25 route=jobs host=/\n"
		 "amqp basic.publish ex/k.1 - unknown req=49 resp=0 items=1 route=ex/k.{id} host=/ "
		 "flags=oneway\n"
		 "amqp basic.get jobs OK ok req=20 resp=59 items=1 route=jobs host=/\n"
		 "amqp basic.get jobs EMPTY ok req=20 resp=13 route=jobs host=/\n"
		 "amqp basic.consume jobs OK ok req=25 resp=14 route=jobs host=/\n"
		 "amqp basic.deliver ex/k.1 - unknown req=0 resp=52 items=1 route=ex/k.{id} host=/ "
		 "flags=oneway\n"
		 "amqp connection.close - OK ok req=21 resp=12 host=/\n");
}

#define ACK(tag, multiple)  METHOD("\1", "\x0d", "\0\x3c\0\x50" TAG(tag) multiple)
#define NACK(tag, multiple) METHOD("\1", "\x0d", "\0\x3c\0\x78" TAG(tag) multiple)
#define EMPTY		    PUBLISH HEADER("\1", "\0")

static void test_confirms(void **state)
{
	static const struct feed f[] = {
		CLIENT(METHOD("\1", "\5", "\0\x55\0\x0a\0")),
		SERVER(METHOD("\1", "\4", "\0\x55\0\x0b")),
		CLIENT(EMPTY EMPTY EMPTY EMPTY),
		SERVER(ACK("\3", "\0")),
		SERVER(ACK("\2", "\1")),
		SERVER(NACK("\4", "\0") ACK("\x09", "\0")),
		CLIENT(METHOD("\2", "\x0e", "\0\x3c\0\x28\0\0\2ex\3k.1\0") HEADER("\2", "\0")),
		/* not routed: basic.return, then the ack */
		CLIENT(EMPTY),
		SERVER(METHOD("\1", "\x16", "\0\x3c\0\x32\1\x38\x08NO_ROUTE\2ex\3k.1")
			       HEADER("\1", "\0") ACK("\5", "\0")),
	};

	(void)state;
	CHECK(f,
	      "amqp confirm.select - OK ok req=13 resp=12\n"
	      "amqp basic.publish ex/k.1 OK ok req=44 resp=21 items=1 route=ex/k.{id}\n"
	      "amqp basic.publish ex/k.1 OK ok req=44 resp=21 items=1 route=ex/k.{id}\n"
	      "amqp basic.publish ex/k.1 OK ok req=44 resp=21 items=1 route=ex/k.{id}\n"
	      "amqp basic.publish ex/k.1 NACK error req=44 resp=21 items=1 route=ex/k.{id}\n"
	      "amqp basic.publish ex/k.1 - unknown req=44 resp=0 items=1 route=ex/k.{id} flags=oneway\n"
	      "amqp basic.return ex/k.1 312 error req=0 resp=52 items=1 route=ex/k.{id} error=NO_ROUTE "
	      "flags=oneway\n"
	      "amqp basic.publish ex/k.1 OK ok req=44 resp=21 items=1 route=ex/k.{id}\n");
}

static void test_errors(void **state)
{
	static const struct feed f[] = {
		CLIENT(METHOD("\1", "\x14", "\0\x28\0\x0a\0\0\2ex\5topic\0\0\0\0\0")),
		SERVER(METHOD("\1", "\x0f", "\0\x14\0\x28\1\x96\4nope\0\x28\0\x0a")),
		CLIENT(METHOD("\1", "\4", "\0\x14\0\x29")),
		/* nowait: no answer comes */
		CLIENT(METHOD("\1", "\x10", "\0\x32\0\x0a\0\0\4jobs\x10\0\0\0\0")),
		/* a publish to what is not there, told of later */
		CLIENT(PUBLISH HEADER("\1", "\0")),
		SERVER(METHOD("\1", "\x0f", "\0\x14\0\x28\1\x94\4gone\0\x3c\0\x28")),
		CLIENT(OPEN),
		SERVER(METHOD("\0", "\x0f", "\0\x0a\0\x32\2\x12\4nope\0\x0a\0\x28")),
		SERVER(METHOD("\0", "\x0f", "\0\x0a\0\x32\1\x40\4stop\0\0\0\0")),
	};

	(void)state;
	CHECK(f,
	      "amqp exchange.declare ex 406 error req=28 resp=23 route=ex error=nope\n"
	      "amqp queue.declare jobs - unknown req=24 resp=0 route=jobs flags=oneway\n"
	      "amqp basic.publish ex/k.1 - unknown req=44 resp=0 items=1 route=ex/k.{id} flags=oneway\n"
	      "amqp channel.close - 404 error req=0 resp=23 error=gone flags=oneway\n"
	      "amqp connection.open / 530 error req=16 resp=23 route=/ host=/ error=nope\n"
	      "amqp connection.close - 320 unknown req=0 resp=23 host=/ error=stop flags=oneway\n");
}

static void test_gaps(void **state)
{
	static const struct feed body[] = {
		CLIENT(PUBLISH HEADER("\1", "\x64") "\3\0\1\0\0\0\x64"
						    "ab"),
		CLIENT_LOST(98),
		CLIENT("\xce" CHANNEL),
		SERVER(CHANNEL_OK),
	};
	static const struct feed lost[] = {
		CLIENT(CHANNEL), SERVER("\1\0\1\0\0\0\x08\0\x14"),
		SERVER_LOST(3),	 SERVER("\0\0\xce"),
		CLIENT(CHANNEL), SERVER(CHANNEL_OK),
	};

	(void)state;
	CHECK(body,
	      "amqp basic.publish ex/k.1 - unknown req=144 resp=0 items=1 route=ex/k.{id} flags=oneway\n"
	      "amqp channel.open - OK ok req=13 resp=16\n");
	CHECK(lost,
	      "amqp channel.open - - unknown req=13 resp=0 lost=3 flags=lost\n"
	      "amqp channel.open - OK ok req=13 resp=16\n",
	      .once = true);
}

static struct str bytes_of(const char *p, size_t n)
{
	return (struct str){ p, n };
}

#define BYTES(lit) bytes_of((lit), sizeof(lit) - 1)

static void test_hostile(void **state)
{
	const struct {
		enum proto_dir dir;
		struct str bytes;
		const char *golden;
	} cases[] = {
		{ PROTO_TO_SERVER, BYTES("AMQP\0\1\0\0"), "! greeting\n" },
		{ PROTO_TO_SERVER, BYTES("ABC"), "! greeting\n" },
		{ PROTO_TO_SERVER, BYTES("\4\0\0\0\0\0\0\xce"), "! frame-type\n" },
		{ PROTO_TO_SERVER, BYTES("\1\0\1\xff\xff\xff\xff"), "! frame-size\n" },
		{ PROTO_TO_SERVER, BYTES("\x08\0\0\0\0\0\1x\xce"), "! frame-size\n" },
		{ PROTO_TO_SERVER, BYTES("\1\0\1\0\0\0\5\0\x14\0\x0a\0\xcf"), "! frame-end\n" },
		{ PROTO_TO_SERVER, BYTES("\x08\0\0\0\0\0\0\xcf"), "! frame-end\n" },
		{ PROTO_TO_SERVER, BYTES(METHOD("\1", "\4", "\0\x14\0\x63")), "! method\n" },
		{ PROTO_TO_SERVER, BYTES(METHOD("\1", "\3", "\0\x14\0")), "! method\n" },
		{ PROTO_TO_SERVER, BYTES(CHANNEL_OK), "! direction\n" },
		{ PROTO_TO_CLIENT, BYTES(CHANNEL), "! direction\n" },
		{ PROTO_TO_SERVER, BYTES(METHOD("\1", "\x08", "\0\x32\0\x0a\0\0\4j")),
		  "! arguments\n" },
		{ PROTO_TO_SERVER, BYTES(METHOD("\1", "\x0b", "\0\x32\0\x0a\0\0\4jobs")),
		  "! arguments\n" },
		{ PROTO_TO_CLIENT, BYTES(METHOD("\1", "\7", "\0\x3c\0\x50\0\0\0")), "! arguments\n" },
		{ PROTO_TO_CLIENT, BYTES(METHOD("\1", "\7", "\0\x14\0\x28\1\x94\0")),
		  "! arguments\n" },
		/* and as many that are none */
		{ PROTO_TO_SERVER, BYTES(GREETING), "" },
		{ PROTO_TO_SERVER, BYTES("AMQ"), "" },
		{ PROTO_TO_SERVER, BYTES(HEARTBEAT HEARTBEAT), "" },
		{ PROTO_TO_SERVER, BYTES(BODY("\1", "\5", "hello")), "" },
		{ PROTO_TO_SERVER, BYTES("\3\0\1\0\1\0\0hello"), "" },
		{ PROTO_TO_SERVER, BYTES(CHANNEL),
		  "amqp channel.open - - unknown req=13 resp=0 flags=unanswered\n" },
		{ PROTO_TO_SERVER, BYTES(PUBLISH),
		  "amqp basic.publish ex/k.1 - unknown req=22 resp=0 items=1 route=ex/k.{id} flags=oneway\n" },
		{ PROTO_TO_SERVER, BYTES(PUBLISH CHANNEL),
		  "amqp basic.publish ex/k.1 - unknown req=22 resp=0 items=1 route=ex/k.{id} flags=oneway\n"
		  "amqp channel.open - - unknown req=13 resp=0 flags=unanswered\n" },
		{ PROTO_TO_CLIENT, BYTES(CHANNEL_OK), "" },
		{ PROTO_TO_CLIENT, BYTES(ACK("\1", "\0") ACK("\1", "\1")), "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct feed f = { cases[i].dir, cases[i].bytes, 0 };

		feed_check(&proto_amqp, &(struct feed_opts){ .once = true }, &f, 1, cases[i].golden);
	}
}

static void test_guess(void **state)
{
	const struct {
		struct str head;
		enum proto_guess unusual, usual;
	} cases[] = {
		{ BYTES(GREETING), GUESS_REQUEST, GUESS_REQUEST },
		{ BYTES("AMQP\0"), GUESS_MORE, GUESS_MORE },
		{ BYTES(CHANNEL), GUESS_REQUEST, GUESS_REQUEST },
		{ BYTES(CHANNEL_OK), GUESS_RESPONSE, GUESS_RESPONSE },
		{ BYTES(HEARTBEAT), GUESS_NO, GUESS_MORE },
		{ BYTES("\3\0\1\0\0\0\5hel"), GUESS_NO, GUESS_MORE },
		{ BYTES("AMQP\0\1\0\0"), GUESS_NO, GUESS_NO },
		{ BYTES("GET / HTTP/1.1\r\n"), GUESS_NO, GUESS_NO },
		{ BYTES("\x16\x03\x01\x02\0\1\0\1\xfc"), GUESS_NO, GUESS_NO },
		{ BYTES("PUB a 1\r\nx\r\n"), GUESS_NO, GUESS_NO },
	};
	uint32_t before = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum proto_guess no = proto_amqp.guess(cases[i].head, false);
		enum proto_guess yes = proto_amqp.guess(cases[i].head, true);

		if (no != cases[i].unusual || yes != cases[i].usual)
			print_error("case %zu: %d %d\n", i, no, yes);
		assert_int_equal(no, cases[i].unusual);
		assert_int_equal(yes, cases[i].usual);
	}
	/* the table's order: every method is found */
	for (uint32_t class = 1; class < 100; class ++)
		for (uint32_t method = 1; method < 130; method++)
			before += amqp_method(AMQP_ID(class, method)) != NULL;
	assert_int_equal(before, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session), cmocka_unit_test(test_confirms),
		cmocka_unit_test(test_errors),	cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
