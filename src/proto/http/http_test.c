/* HTTP/1: conversations as clients and servers have them, and as many that are wrong. */
#include "proto/http/http.h"

#include "proto/feed_test.h"

/* clang-format off */
static const struct feed simple[] = {
	CLIENT("GET /users/17?x=1 HTTP/1.1\r\nHost: shop\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
	       "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n"),
	SERVER("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"),
	CLIENT("POST /form HTTP/1.1\r\nhost:shop\r\nCONTENT-LENGTH:  3 \r\n\r\nabc"),
	SERVER("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
	CLIENT("DELETE /users/9 HTTP/1.1\r\nHost: shop\r\n\r\n"),
	SERVER("HTTP/1.1 503 \r\nContent-Length: 2\r\n\r\nno"),
};
static const struct feed pipelined[] = {
	CLIENT("GET /a HTTP/1.1\r\n\r\nHEAD /b HTTP/1.1\r\n\r\nPURGE /c HTTP/1.1\r\n\r\n"),
	SERVER("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
	       "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"),
	CLIENT("OPTIONS * HTTP/1.1\r\n\r\n"),
	SERVER("HTTP/1.1 204 No Content\r\n\r\n"),
};
static const struct feed chunked[] = {
	CLIENT("PUT /up HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0A;name=\"v\"\r\n0123456789\r\n0\r\n\r\n"),
	SERVER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3\r\nabc\r\n000\r\nX: y\r\nZ: HTTP/1.1 500\r\n\r\n"),
	CLIENT("GET /next HTTP/1.1\r\n\r\n"),
	SERVER("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\n\n2\nab\n0\n\n"),
};
static const struct feed interim[] = {
	CLIENT("POST /big HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
	SERVER("HTTP/1.1 100 Continue\r\n\r\n"),
	CLIENT("body"),
	SERVER("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
};
static const struct feed until_close[] = {
	CLIENT("GET /old HTTP/1.0\r\n\r\n"),
	SERVER("HTTP/1.0 200 OK\r\nServer: x\r\n\r\nall of "),
	SERVER_LOST(100000),
	SERVER("it"),
};
static const struct feed skipped[] = {
	CLIENT("GET /3m HTTP/1.1\r\n\r\n"),
	SERVER("HTTP/1.1 200 OK\r\nContent-Length: 3145728\r\n\r\nabc"),
	SERVER_LOST(3145725),
	CLIENT("POST /1m HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"),
	CLIENT_LOST(1000000),
	SERVER("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
};
static const struct feed early[] = {
	CLIENT("POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345"),
	SERVER("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
	CLIENT("67890GET /b HTTP/1.1\r\n\r\n"),
	SERVER("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
};
static const struct feed tunnel[] = {
	CLIENT("CONNECT db.example.com:443 HTTP/1.1\r\nHost: db.example.com:443\r\n\r\n"),
	SERVER("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nauth"),
	CLIENT("CONNECT db.example.com:443 HTTP/1.1\r\n\r\n"),
	SERVER("HTTP/1.1 200 Connection established\r\n\r\n\x16\x03"),
	CLIENT("\x16\x03GET / HTTP/1.1\r\n\r\n"),
	SERVER("HTTP/1.1 500 no\r\n\r\n"),
};
static const struct feed other[] = {
	CLIENT("POST /exec HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"),
	SERVER("HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
	CLIENT("GET / HTTP/1.1\r\n\r\n"),
};
static const struct feed absolute[] = {
	CLIENT("GET http://user:pw@example.com:8080/a/b?q=1#f HTTP/1.1\r\nHost: proxy\r\n\r\n"
	       "GET http://example.com HTTP/1.1\r\n\r\n"
	       "GET /go?to=http://x/y HTTP/1.1\r\n\r\n"),
	SERVER("HTTP/1.1 204 No\r\n\r\nHTTP/1.1 204 No\r\n\r\nHTTP/1.1 204 No\r\n\r\n"),
};
static const struct feed lenient[] = {
	CLIENT("\r\n\nGET /lf HTTP/1.1\nHost: a\nX-Folded: one\n two\n\tthree\nUser-Agent: b\n\n"),
	SERVER("HTTP/1.1 200\nContent-Length: 2, 2\nContent-Length: 2\nNo-Value:\n\nok"),
};
static const struct feed unanswered[] = { CLIENT("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nHos") };
static const struct feed broken_off[] = {
	CLIENT("GET /a HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"),
};
static const struct feed midway[] = {
	SERVER("rest of a body"),
	CLIENT("GET /a HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
};
static const struct feed answer_first[] = {
	SERVER("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	CLIENT("GET /a HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"),
};
static const struct feed gap_in_chunks[] = {
	CLIENT("GET /a HTTP/1.1\r\n\r\n"),
	SERVER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n100"), SERVER_LOST(500),
	SERVER("yz\r\n0\r\n\r\n"),
	CLIENT("GET /b HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n"),
};
static const struct feed gap_in_head[] = {
	CLIENT("GET /a HTTP/1.1\r\nHost: "), CLIENT_LOST(50), CLIENT("x\r\n\r\nGET /b HTTP/1.1\r\n\r\n"),
	SERVER("HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n"),
	CLIENT("GET /c HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.1 202 OK\r\n"), SERVER_LOST(40),
	CLIENT("GET /d HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.1 203 OK\r\nContent-Length: 0\r\n\r\n"),
	CLIENT("GET /e HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.1 204 OK\r\n\r\n"),
};
/* clang-format on */

static void test_messages(void **state)
{
	(void)state;
	FEED_CHECK(&proto_http, simple,
		   "http GET /users/17 200 ok req=150 resp=69 route=/users/{id} host=shop "
		   "agent=curl/7.88.1 trace=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 "
		   "text=/users/17?x=1 times=1+1+1\n"
		   "http POST /form 404 error req=58 resp=45 route=/form host=shop text=/form "
		   "times=3+1+1\n"
		   "http DELETE /users/9 503 error req=40 resp=38 route=/users/{id} host=shop "
		   "text=/users/9 times=5+1+1\n",
		   .raw = true, .times = true);
	FEED_CHECK(&proto_http, pipelined,
		   "http GET /a 200 ok req=19 resp=39 route=/a\n"
		   "http HEAD /b 200 ok req=20 resp=41 route=/b\n"
		   "http PURGE /c 304 ok req=21 resp=48 route=/c\n"
		   "http OPTIONS * 204 ok req=22 resp=27 route=*\n");
	FEED_CHECK(&proto_http, chunked,
		   "http PUT /up 200 ok req=94 resp=97 route=/up\n"
		   "http GET /next 200 ok req=22 resp=53 route=/next\n");
	FEED_CHECK(&proto_http, interim,
		   "http POST /big 201 ok req=67 resp=112 route=/big times=1+3+3\n", .times = true);
}

static void test_ends(void **state)
{
	(void)state;
	FEED_CHECK(&proto_http, until_close, "http GET /old 200 ok req=21 resp=100039 route=/old\n");
	FEED_CHECK(&proto_http, until_close, "", .open = true);
	FEED_CHECK(&proto_http, skipped,
		   "http GET /3m 200 ok req=20 resp=3145772 route=/3m\n"
		   "http POST /1m 413 error req=1000046 resp=45 route=/1m\n");
	FEED_CHECK(&proto_http, early,
		   "http POST /a 413 error req=40 resp=45 route=/a\n"
		   "http GET /b 200 ok req=19 resp=38 route=/b\n");
	FEED_CHECK(&proto_http, unanswered,
		   "http GET /a - unknown req=19 resp=0 route=/a flags=unanswered\n"
		   "http GET /b - unknown req=17 resp=0 route=/b flags=unanswered\n");
	FEED_CHECK(&proto_http, broken_off,
		   "http GET /a 200 ok req=19 resp=44 route=/a flags=unanswered\n");
	FEED_CHECK(&proto_http, tunnel,
		   "http CONNECT db.example.com:443 407 error req=65 resp=69 host=db.example.com:443\n"
		   "http CONNECT db.example.com:443 200 ok req=39 resp=39 host=db.example.com:443 "
		   "flags=stream\n");
	FEED_CHECK(&proto_http, other,
		   "http POST /exec 101 ok req=63 resp=55 route=/exec flags=stream\n");
}

static void test_forms(void **state)
{
	(void)state;
	FEED_CHECK(&proto_http, absolute,
		   "http GET /a/b 204 ok req=71 resp=19 route=/a/b host=example.com:8080\n"
		   "http GET / 204 ok req=35 resp=19 route=/ host=example.com\n"
		   "http GET /go 204 ok req=34 resp=19 route=/go\n");
	FEED_CHECK(&proto_http, lenient,
		   "http GET /lf 200 ok req=66 resp=65 route=/lf host=a agent=b\n");
}

static void test_gaps(void **state)
{
	(void)state;
	FEED_CHECK(&proto_http, midway,
		   "! version\nhttp GET /a 200 ok req=19 resp=38 route=/a flags=midway\n",
		   .midway = true, .once = true);
	FEED_CHECK(&proto_http, answer_first,
		   "http GET /a 500 error req=19 resp=37 route=/a flags=midway\n", .midway = true);
	FEED_CHECK(&proto_http, gap_in_chunks,
		   "http GET /a 200 ok req=19 resp=578 lost=500 route=/a flags=lost\n"
		   "http GET /b 201 ok req=19 resp=38 route=/b\n",
		   .once = true);
	FEED_CHECK(&proto_http, gap_in_head,
		   "http GET /a - unknown req=17 resp=0 lost=50 route=/a flags=lost\n"
		   "http GET /b 201 ok req=19 resp=38 route=/b\n"
		   "http GET /c 202 ok req=19 resp=17 lost=40 route=/c flags=lost\n"
		   "http GET /d - unknown req=19 resp=0 route=/d flags=lost\n"
		   "http GET /e 204 ok req=19 resp=19 route=/e\n",
		   .once = true);
}

static const struct {
	const char *bytes, *reason;
	enum proto_dir dir;
} hostile[] = {
#define Q(bytes, reason) { bytes "\r\n\r\n", reason, PROTO_TO_SERVER }
#define A(bytes, reason) { bytes "\r\n\r\n", reason, PROTO_TO_CLIENT }
	Q("GET /", "version"),
	Q("GET / HTTP/2.0", "version"),
	Q("GET / HTTP/1.1x", "version"),
	Q("PRI * HTTP/2.0", "version"),
	Q("G(T / HTTP/1.1", "method"),
	Q("VERYLONGMETHODVERYLONGMETHODVERYLONG / HTTP/1.1", "method"),
	Q("GET /a b HTTP/1.1", "target"),
	Q("GET /\x01 HTTP/1.1", "target"),
	Q("GET  HTTP/1.1", "target"),
	Q("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", "content-length-twice"),
	Q("POST / HTTP/1.1\r\nContent-Length: 1, 2", "content-length-twice"),
	Q("POST / HTTP/1.1\r\nContent-Length: -1", "content-length"),
	Q("POST / HTTP/1.1\r\nContent-Length: +1", "content-length"),
	Q("POST / HTTP/1.1\r\nContent-Length: 0x10", "content-length"),
	Q("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999", "content-length"),
	Q("POST / HTTP/1.1\r\nContent-Length:", "content-length"),
	Q("POST / HTTP/1.1\r\nContent-Length: 1\r\n 2", "fold"),
	Q("POST / HTTP/1.1\r\nTransfer-Encoding: x\r\n chunked", "fold"),
	Q("POST / HTTP/1.1\r\n Host: a", "fold"),
	Q("POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked", "length-and-chunked"),
	Q("POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip", "transfer-encoding"),
	Q("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
	  "transfer-encoding"),
	Q("POST / HTTP/1.1\r\nTransfer-Encoding: xchunked", "transfer-encoding"),
	Q("POST / HTTP/1.0\r\nTransfer-Encoding: chunked", "chunked-in-1-0"),
	Q("POST / HTTP/1.1\r\nContent-Length : 4", "field-name"),
	Q("POST / HTTP/1.1\r\n: 4", "field-name"),
	Q("POST / HTTP/1.1\r\nno colon", "field-colon"),
	Q("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz", "chunk-size"),
	Q("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1", "chunk-size"),
	Q("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "chunk-size"),
	Q("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff", "chunk-size"),
	Q("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1 x", "chunk-extension"),
	Q("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", "chunk-end"),
	A("HTTP/1.1 20 OK", "status"),
	A("HTTP/1.1 2000 OK", "status"),
	A("HTTP/1.1 000 OK", "status"),
	A("HTTP/1.1 abc", "status"),
	A("HTTP/2 200 OK", "version"),
	A("ICY 200 OK", "version"),
	A("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2", "content-length-twice"),
	A("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", "length-and-chunked"),
	A("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ng", "chunk-size"),
};
#undef Q
#undef A

/* Each refused by its name; the request after it is found. */
static void test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		const struct feed items[] = {
			{ hostile[i].dir, str_of(hostile[i].bytes), 0 },
			CLIENT("GET /after HTTP/1.1\r\n\r\n"),
			SERVER("HTTP/1.1 204 No Content\r\n\r\n"),
		};
		const struct feed_opts o = { .once = true };
		char want[64];
		struct feed_run f;
		struct str got = feed_begin(&f, &proto_http, &o, items, 3, &(struct feed_cut){ 0 });

		snprintf(want, sizeof(want), "! %s\n", hostile[i].reason);
		if (!str_starts(got, str_of(want)) ||
		    !str_contains(got, STR("http GET /after 204 ok req=23 resp=27")))
			fail_msg("%s: %.*s", hostile[i].bytes, STR_ARG(got));
		feed_end(&f);
	}
}

/* Heads and lines longer than is kept; more requests than fit. */
static void test_large(void **state)
{
	static char bytes[64 << 10], many[3000 * 22], answers[3000 * 27];
	size_t n = (size_t)sprintf(bytes, "GET /long?");
	struct feed items[] = {
		{ PROTO_TO_SERVER, STR_NONE, 0 },
		SERVER("HTTP/1.1 204 No Content\r\n\r\n"),
	};
	const struct feed_opts o = { 0 };
	struct feed_run f;
	struct str got;
	size_t lines = 0, right = 0;

	(void)state;
	memset(bytes + n, 'q', 20000);
	n += 20000;
	n += (size_t)sprintf(bytes + n, " HTTP/1.1\r\nCookie: ");
	memset(bytes + n, 'c', 30000);
	n += 30000;
	n += (size_t)sprintf(bytes + n, "\r\nHost: h\r\n\r\n");
	items[0].bytes = (struct str){ bytes, n };
	feed_check(&proto_http, &o, items, 2,
		   "http GET /long 204 ok req=50042 resp=27 route=/long host=h flags=cut\n");

	for (size_t i = 0; i < 3000; i++) {
		memcpy(many + i * 22, "GET /1234 HTTP/1.1\r\n\r\n", 22);
		memcpy(answers + i * 27, "HTTP/1.1 2yy No Content\r\n\r\n", 27);
		memcpy(answers + i * 27 + 9, i < 3000 - WINDOW_MAX ? "304" : "204", 3);
	}
	items[0].bytes = (struct str){ many, sizeof(many) };
	items[1].bytes = (struct str){ answers, sizeof(answers) };
	got = feed_begin(&f, &proto_http, &o, items, 2, &(struct feed_cut){ 0 });
	for (const char *p = got.p; p < got.p + got.n; p++)
		lines += *p == '\n';
	for (struct str rest = got; (rest.p = memmem(rest.p, rest.n, " 204 ok ", 8)); rest.p++) {
		rest.n = (size_t)(got.p + got.n - rest.p) - 1;
		right++;
	}
	assert_int_equal(lines, 3000);
	assert_int_equal(right, WINDOW_MAX);
	assert_int_equal(f.env.pool.pushed_out, 3000 - WINDOW_MAX);
	feed_end(&f);
}

static void test_guess(void **state)
{
	static const struct {
		const char *head;
		enum proto_guess guess;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n", GUESS_REQUEST },
		{ "M-SEARCH * HTTP/1.1\r\nHo", GUESS_REQUEST },
		{ "PROPFIND /a HTTP/1.0\n", GUESS_REQUEST },
		{ "CONNECT a:1 HTTP/1.1\r\n", GUESS_REQUEST },
		{ "HTTP/1.1 200 OK", GUESS_RESPONSE },
		{ "HTTP/1.0 404", GUESS_RESPONSE },
		{ "HT", GUESS_MORE },
		{ "HTTP/1.1 2", GUESS_MORE },
		{ "G", GUESS_MORE },
		{ "GET ", GUESS_MORE },
		{ "GET /abc", GUESS_MORE },
		{ "GET /abc HTT", GUESS_MORE },
		{ "GET /abc HTTP/1.1\r", GUESS_MORE },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", GUESS_NO },
		{ "OPTIONS rtsp://a RTSP/1.0\r\n", GUESS_NO },
		{ "INVITE sip:a SIP/2.0\r\n", GUESS_NO },
		{ "GET key\r\n", GUESS_NO },
		{ "*1\r\n$4\r\nPING\r\n", GUESS_NO },
		{ "INFO {\"a\":1}\r\n", GUESS_NO },
		{ "HTTP/2", GUESS_NO },
		{ "SELECT 1 FROM", GUESS_NO },
		{ "\x16\x03\x01", GUESS_NO },
		{ "get / HTTP/1.1\r\n", GUESS_NO },
		{ "GET\t/ HTTP/1.1\r\n", GUESS_NO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (proto_http.guess(str_of(cases[i].head), false) != cases[i].guess)
			fail_msg("%s", cases[i].head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages), cmocka_unit_test(test_ends),
		cmocka_unit_test(test_forms),	 cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_hostile),	 cmocka_unit_test(test_large),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
