/*
 * NATS: conversations by hand from the protocol's description and after recorded ones (DeepFlow's nats-nrpc1, nats-nrpc3,
 * nats-err); what is no NATS.
 */
#include "proto/feed_test.h"

#define CHECK(items, ...) FEED_CHECK(&proto_nats, items, __VA_ARGS__)

#define INFO  "INFO {\"server_id\":\"N\",\"version\":\"2.10.7\",\"headers\":true}\r\n"
#define INBOX "_INBOX.0XEGzLYG5gnvtA4SYvY6MU."

static void test_request(void **state)
{
	static const struct feed f[] = {
		SERVER(INFO),
		CLIENT("CONNECT {\"verbose\":false,\"user\":\"me\",\"pass\":\"secret\",\"name\":\"web\"}\r\nPING\r\n"),
		SERVER("PONG\r\n"),
		CLIENT("SUB " INBOX "*  1\r\nPUB Greeter.SayHello " INBOX "a 7\r\n\n\5world\r\n"
		       "PUB Greeter.SayHello " INBOX "b 0\r\n\r\n"),
		SERVER("PING\r\nMSG " INBOX "b 1 13\r\n\n\x0bHello world\r\n"),
		CLIENT("PONG\r\nPUB log.user.123 3\r\nabc\r\n"),
		SERVER("HMSG " INBOX "a 1 30 30\r\nNATS/1.0 503 No Responders\r\n\r\n\r\n"),
		CLIENT("UNSUB 1 5\r\n"),
	};

	(void)state;
	CHECK(f,
	      "nats CONNECT - OK ok req=68 resp=0 agent=web\n"
	      "nats PING - OK ok req=6 resp=6\n"
	      "nats SUB _INBOX.{id} - unknown req=40 resp=0 route=_INBOX.{id} flags=oneway,stream\n"
	      "nats PUB Greeter.SayHello OK ok req=58 resp=57 items=1 route=Greeter.SayHello\n"
	      "nats PUB log.user.123 - unknown req=25 resp=0 items=1 route=log.user.{id} flags=oneway\n"
	      "nats PUB Greeter.SayHello 503 error req=65 resp=78 items=1 route=Greeter.SayHello "
	      "error=\"No Responders\"\n"
	      "nats UNSUB - - unknown req=11 resp=0 flags=oneway\n");
}

/* The same from where it is served. */
static void test_serve(void **state)
{
	static const struct feed f[] = {
		CLIENT("sub Greeter.> workers 1\r\n"),
		SERVER("MSG Greeter.SayHello 1 " INBOX "a 7\r\n\n\5world\r\n"),
		SERVER("MSG news 1\t3\r\nabc\r\n"),
		CLIENT("HPUB " INBOX "a 12 25\r\nNATS/1.0\r\n\r\n\n\x0bHello world\r\n"),
	};

	(void)state;
	CHECK(f, "nats SUB Greeter.> - unknown req=25 resp=0 route=Greeter.> flags=oneway,stream\n"
		 "nats MSG news - unknown req=0 resp=19 items=1 route=news flags=oneway\n"
		 "nats MSG Greeter.SayHello OK ok req=67 resp=71 items=1 route=Greeter.SayHello\n");
}

static void test_verbose(void **state)
{
	static const struct feed f[] = {
		CLIENT("CONNECT {\"verbose\": true,\"name\":\"x\"}\r\nSUB a 1\r\nPUB b 1\r\nx\r\nPING\r\n"),
		SERVER("+OK\r\n+OK\r\n+OK\r\nPONG\r\n"),
		CLIENT("PUB forbidden.x 1\r\nx\r\n"),
		SERVER("-ERR 'Permissions Violation for Publish to \"forbidden.x\"'\r\n"),
		SERVER("-ERR 'Stale Connection'\r\n"),
	};

	(void)state;
	CHECK(f, "nats CONNECT - OK ok req=38 resp=5 agent=x\n"
		 "nats SUB a OK ok req=9 resp=5 route=a flags=stream\n"
		 "nats PUB b OK ok req=12 resp=5 items=1 route=b\n"
		 "nats PING - OK ok req=6 resp=6\n"
		 "nats PUB forbidden.x ERR error req=22 resp=59 items=1 route=forbidden.x "
		 "error=\"Permissions Violation for Publish to \"\n"
		 "nats ERR - ERR error req=0 resp=25 error=\"Stale Connection\" flags=oneway\n");
}

static void test_refused(void **state)
{
	static const struct feed f[] = {
		SERVER(INFO),
		CLIENT("CONNECT {\"verbose\":false}\r\nPING\r\n"),
		SERVER("-ERR 'Authorization Violation'\r\n"),
	};
	static const struct feed tls[] = {
		SERVER("INFO {\"tls_required\":true}\r\n"),
		CLIENT("\x16\x03\x01\x02\0"),
		SERVER("\x16\x03\x03"),
	};

	(void)state;
	CHECK(f, "nats CONNECT - ERR error req=27 resp=32 error=\"Authorization Violation\"\n"
		 "nats PING - - unknown req=6 resp=0 flags=unanswered\n");
	CHECK(tls, "");
}

static void test_gaps(void **state)
{
	static const struct feed body[] = {
		CLIENT("PUB big 10000\r\nab"), CLIENT_LOST(9998),  CLIENT("\r\nPUB a 1\r\nx\r\n"),
		SERVER("MSG big 1 10000\r\n"), SERVER_LOST(10000), SERVER("\r\nMSG b 1 1\r\nx\r\n"),
	};
	static const struct feed line[] = {
		CLIENT("PUB a x.y 1\r\nx\r\nPING\r\n"),
		SERVER("MSG b 1 5\r\nab"),
		SERVER_LOST(7),
		SERVER("lost\r\nMSG x.y 1 2\r\nok\r\n"),
	};

	(void)state;
	CHECK(body, "nats PUB big - unknown req=10017 resp=0 items=1 route=big flags=oneway\n"
		    "nats PUB a - unknown req=12 resp=0 items=1 route=a flags=oneway\n"
		    "nats MSG big - unknown req=0 resp=10019 items=1 route=big flags=oneway\n"
		    "nats MSG b - unknown req=0 resp=14 items=1 route=b flags=oneway\n");
	CHECK(line,
	      "nats MSG b - unknown req=0 resp=18 lost=4 items=1 route=b flags=lost,oneway\n"
	      "nats PUB a OK ok req=16 resp=17 items=1 route=a\n",
	      .once = true);
}

static void test_hostile(void **state)
{
	static const struct {
		enum proto_dir dir;
		const char *bytes, *golden;
	} cases[] = {
		{ PROTO_TO_SERVER, "DEADBEEF\r\n", "! operation\n" },
		{ PROTO_TO_SERVER, "\r\n", "! operation\n" },
		{ PROTO_TO_SERVER, "MSG a 1 1\r\n", "! operation\n" },
		{ PROTO_TO_SERVER, "PING\n", "! line\n" },
		{ PROTO_TO_SERVER, "PUB a\r\n", "! words\n" },
		{ PROTO_TO_SERVER, "PUB a b c 1\r\n", "! words\n" },
		{ PROTO_TO_SERVER, "PUB a x\r\n", "! size\n" },
		{ PROTO_TO_SERVER, "PUB a -1\r\n", "! size\n" },
		{ PROTO_TO_SERVER, "PUB a 99999999999999999999\r\n", "! size\n" },
		{ PROTO_TO_SERVER, "HPUB a 5 4\r\n", "! size\n" },
		{ PROTO_TO_SERVER, "PUB a\x01 1\r\n", "! subject\n" },
		{ PROTO_TO_CLIENT, "CONNECT {}\r\n", "! operation\n" },
		{ PROTO_TO_CLIENT, "MSG a 1 999999999\r\n", "! size\n" },
		{ PROTO_TO_CLIENT, "+OK x\r\n", "! words\n" },
		{ PROTO_TO_CLIENT, "MSG a 1 2\r\nabcd",
		  "! payload-end\nnats MSG a - unknown req=0 resp=15 items=1 route=a flags=lost,oneway\n" },
		/* and as many that are none */
		{ PROTO_TO_SERVER, "ping\r\n",
		  "nats PING - - unknown req=6 resp=0 flags=unanswered\n" },
		{ PROTO_TO_SERVER, "PUB a 0\r\n\r\n",
		  "nats PUB a - unknown req=11 resp=0 items=1 route=a flags=oneway\n" },
		{ PROTO_TO_SERVER, "PUB a", "" },
		{ PROTO_TO_SERVER, "PONG\r\nPONG\r\n", "" },
		{ PROTO_TO_CLIENT, "PONG\r\nPING\r\n+OK\r\n", "" },
		{ PROTO_TO_CLIENT, "INFO {}\r\n", "" },
		{ PROTO_TO_CLIENT, "-ERR\r\n",
		  "nats ERR - ERR error req=0 resp=6 error=\"\" flags=oneway\n" },
		{ PROTO_TO_CLIENT, "HMSG a 1 0 0\r\n\r\n",
		  "nats MSG a - unknown req=0 resp=16 items=1 route=a flags=oneway\n" },
		{ PROTO_TO_CLIENT, "MSG\ta\t1\t1\r\nx\r\n",
		  "nats MSG a - unknown req=0 resp=14 items=1 route=a flags=oneway\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct feed f = { cases[i].dir, str_of(cases[i].bytes), 0 };

		feed_check(&proto_nats, &(struct feed_opts){ .once = true }, &f, 1, cases[i].golden);
	}
}

static void test_guess(void **state)
{
	static const struct {
		const char *head;
		enum proto_guess unusual, usual;
	} cases[] = {
		{ INFO, GUESS_RESPONSE, GUESS_RESPONSE },
		{ "INFO {\"server", GUESS_RESPONSE, GUESS_RESPONSE },
		{ "CONNECT {\"verb", GUESS_REQUEST, GUESS_REQUEST },
		{ "INF", GUESS_MORE, GUESS_MORE },
		{ "MSG a.b 1 5\r\n", GUESS_RESPONSE, GUESS_RESPONSE },
		{ "PUB a.b 5\r\nhello\r\n", GUESS_REQUEST, GUESS_REQUEST },
		{ "SUB a 1\r\n", GUESS_REQUEST, GUESS_REQUEST },
		{ "-ERR 'x'\r\n", GUESS_RESPONSE, GUESS_RESPONSE },
		{ "PING\r\n", GUESS_NO, GUESS_REQUEST },
		{ "+OK\r\n", GUESS_NO, GUESS_RESPONSE },
		{ "-ERR unknown command\r\n", GUESS_NO, GUESS_NO },
		{ "-WRONGTYPE Operation\r\n", GUESS_NO, GUESS_NO },
		{ "CONNECT a:443 HTTP/1.1\r\n", GUESS_NO, GUESS_NO },
		{ "GET / HTTP/1.1\r\n", GUESS_NO, GUESS_NO },
		{ "*1\r\n$4\r\nPING\r\n", GUESS_NO, GUESS_NO },
		{ "INFO server\r\n", GUESS_NO, GUESS_NO }, /* Redis, inline */
		{ "\x16\x03\x01", GUESS_NO, GUESS_NO },
		{ "AMQP", GUESS_NO, GUESS_NO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum proto_guess no = proto_nats.guess(str_of(cases[i].head), false);
		enum proto_guess yes = proto_nats.guess(str_of(cases[i].head), true);

		if (no != cases[i].unusual || yes != cases[i].usual)
			print_error("%s: %d %d\n", cases[i].head, no, yes);
		assert_int_equal(no, cases[i].unusual);
		assert_int_equal(yes, cases[i].usual);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request), cmocka_unit_test(test_serve),
		cmocka_unit_test(test_verbose), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_gaps),	cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
