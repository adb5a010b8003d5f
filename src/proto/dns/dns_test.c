/*
 * DNS: messages made by hand from RFC 1035 and 6762 and a recorded answer with compressed names; what is none; the
 * beginning of a message alone, as `why` reads it.
 */
#include "proto/dns/dns.h"

#include <arpa/inet.h>

#include "proto/feed_test.h"

#define CHECK(items, ...) FEED_CHECK(&proto_dns, items, __VA_ARGS__)

#define NAME	   "\3www\7Example\3com\0"
#define ASKS	   "\x12\x34\x01\x00\0\1\0\0\0\0\0\0" NAME
#define ANSWERS(n) "\x12\x34\x81\x80\0\1\0" n "\0\0\0\0" NAME
#define A_RECORD   "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\1"

static void test_pairs(void **state)
{
	static const struct feed f[] = {
		CLIENT(ASKS "\0\1\0\1"), CLIENT(ASKS "\0\x1c\0\1"), CLIENT(ASKS "\0\1\0\1"), /* again */
		SERVER(ANSWERS("\0") "\0\x1c\0\1"),
		/* an alias, its address, another one */
		SERVER(ANSWERS("\3") "\0\1\0\1"
				     "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\6\3cdn\xc0\x10"
				     "\xc0\x2d\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\1"
				     "\xc0\x2d\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\2"),
		SERVER(ANSWERS("\1") "\0\1\0\1" A_RECORD), /* to the repetition */
	};

	(void)state;
	CHECK(f,
	      "dns AAAA www.example.com NOERROR ok req=33 resp=33 code=0 route=*.example.com\n"
	      "dns A www.example.com NOERROR ok req=66 resp=83 items=3 code=0 route=*.example.com "
	      "answer=10.0.0.1,10.0.0.2\n",
	      .datagram = true);
}

static void test_results(void **state)
{
	static const struct feed f[] = {
		CLIENT("\0\1\1\0\0\1\0\0\0\0\0\0\3svc\0\0\x41\0\1"),
		SERVER("\0\1\x83\x83\0\1\0\0\0\0\0\0\3svc\0\0\x41\0\1"), /* truncated, NXDOMAIN */
		CLIENT("\0\2\1\0\0\1\0\0\0\0\0\1\0\0\2\0\1\0\0\x29\4\xd0\0\0\0\0\0\0"),
		SERVER("\0\2\x81\x80\0\1\0\0\0\0\0\1\0\0\2\0\1\0\0\x29\4\xd0\1\0\0\0\0\0"), /* BADVERS */
		CLIENT("\0\3\x28\0\0\1\0\0\0\0\0\0\1z\0\0\6\0\1"), /* UPDATE */
		SERVER("\0\3\xa8\5\0\1\0\0\0\0\0\0\1z\0\0\6\0\1"),
		CLIENT("\0\4\1\0\0\1\0\0\0\0\0\0\1z\0\x30\x39\0\1"),	 /* a type without a name */
		SERVER("\0\4\x81\x8c\0\1\0\0\0\0\0\0\1z\0\x30\x39\0\1"), /* a result without one */
		CLIENT("\0\5\1\0\0\1\0\0\0\0\0\0\1a\0\0\x1c\0\1"),
		SERVER("\0\5\x81\x80\0\1\0\1\0\0\0\0\1a\0\0\x1c\0\1\xc0\x0c\0\x1c\0\1\0\0\0\0\0\x10"
		       "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"),
		CLIENT("\0\6\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), /* nobody answers */
	};

	(void)state;
	CHECK(f,
	      "dns HTTPS svc NXDOMAIN error req=21 resp=21 code=3 route=svc error=truncated\n"
	      "dns NS . BADVERS error req=28 resp=28 code=16 route=.\n"
	      "dns UPDATE z REFUSED error req=19 resp=19 code=5 route=z\n"
	      "dns TYPE12345 z 12 error req=19 resp=19 route=z\n"
	      "dns AAAA a NOERROR ok req=19 resp=47 items=1 code=0 route=a answer=2001:db8::1\n"
	      "dns A a - unknown req=19 resp=0 route=a flags=unanswered\n",
	      .datagram = true);
}

/* Behind a length; two in one segment, and one that is longer than what is kept. */
static void test_tcp(void **state)
{
	static char large[2 + 40000];
	static const char head[] = "\x9c\x40" ANSWERS("\1") "\0\1\0\1" A_RECORD;
	struct feed f[] = {
		CLIENT("\0\x21" ASKS "\0\1\0\1"
		       "\0\x21" ASKS "\0\x1c\0\1"),
		{ PROTO_TO_CLIENT, { large, sizeof(large) }, 0 },
		SERVER("\0\x21" ANSWERS("\0") "\0\x1c\0\1"),
	};

	(void)state;
	memcpy(large, head, sizeof(head) - 1);
	CHECK(f, "dns A www.example.com NOERROR ok req=35 resp=40002 items=1 code=0 "
		 "route=*.example.com answer=10.0.0.1\n"
		 "dns AAAA www.example.com NOERROR ok req=35 resp=35 code=0 route=*.example.com\n");
}

static void test_gap(void **state)
{
	static const struct feed f[] = {
		CLIENT("\0\x21" ASKS "\0\1\0\1"),
		SERVER("\0\x31" ANSWERS("\1")),
		SERVER_LOST(20),
		CLIENT("\0\x21" ASKS "\0\x1c\0\1"),
		SERVER("xyz\0\x21" ANSWERS("\0") "\0\x1c\0\1"),
	};

	(void)state;
	CHECK(f,
	      "dns AAAA www.example.com NOERROR ok req=35 resp=35 code=0 route=*.example.com\n"
	      "dns A www.example.com - unknown req=35 resp=0 route=*.example.com flags=unanswered\n",
	      .once = true);
}

static void test_multicast(void **state)
{
	static const struct feed f[] = {
		CLIENT("\0\0\0\0\0\2\0\0\0\0\0\0\5_http\4_tcp\5local\0\0\x0c\x80\1\xc0\x0c\0\1\0\1"),
		CLIENT("\0\0\x84\0\0\0\0\1\0\0\0\0\2pc\5local\0\0\1\x80\1\0\0\0\x78\0\4\x0a\0\0\x07"),
		SERVER("\0\0\0\0\0\1\0\0\0\0\0\0\2pc\5local\0\0\1\0\1"),
	};

	(void)state;
	CHECK(f,
	      "dns PTR _http._tcp.local - unknown req=40 resp=0 route=*._tcp.local flags=oneway\n"
	      "dns A pc.local NOERROR ok req=36 resp=0 items=1 code=0 route=pc.local answer=10.0.0.7 "
	      "flags=oneway\n"
	      "dns A pc.local - unknown req=0 resp=26 route=pc.local flags=oneway\n",
	      .datagram = true);
}

static struct str bytes_of(const char *p, size_t n)
{
	return (struct str){ p, n };
}

#define BYTES(lit) bytes_of((lit), sizeof(lit) - 1)
#define LONG_LABEL \
	"\x3f"     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEAD(flags) "\0\1" flags "\0\1\0\0\0\0\0\0"

static void test_hostile(void **state)
{
	const struct {
		enum proto_dir dir;
		struct str bytes;
		const char *golden;
	} cases[] = {
		{ PROTO_TO_SERVER, BYTES("\0"), "! short\n" },
		{ PROTO_TO_SERVER, BYTES("\0\1\1\0\0\1\0\0\0\0\0"), "! short\n" },
		{ PROTO_TO_SERVER, BYTES("\0\1\1\0\0\0\0\0\0\0\0\0"), "! name\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\0")), "! name\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\0") "\3ab"), "! name\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\0") "\1a\0\0"), "! name\n" },
		{ PROTO_TO_SERVER,
		  BYTES(HEAD("\1\0") "\x41"
				     "a\0\0\1\0\1"),
		  "! name\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\0") "\xc0\x0c\0\1\0\1"), "! name\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\0") "\xc0\xff\0\1\0\1"), "! name\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\0") "\xc0\2\0\1\0\1"), "! name\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\0") "\1a\xc0\x0c\0\1\0\1"), "! name\n" },
		{ PROTO_TO_SERVER,
		  BYTES(HEAD("\1\0") LONG_LABEL LONG_LABEL LONG_LABEL LONG_LABEL "\0\0\1\0\1"),
		  "! name\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\x78\0") "\1a\0\0\1\0\1"), "! opcode\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\3") "\1a\0\0\1\0\1"), "! question\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\x81\0") "\1a\0\0\1\0\1"), "! direction\n" },
		{ PROTO_TO_CLIENT, BYTES(HEAD("\1\0") "\1a\0\0\1\0\1"), "! direction\n" },
		/* and as many that are none */
		{ PROTO_TO_CLIENT, BYTES(HEAD("\x81\0") "\1a\0\0\1\0\1"), "" },
		{ PROTO_TO_CLIENT, BYTES("\0\1\x81\0\0\1\xff\xff\xff\xff\xff\xff\1a\0\0\1\0\1"), "" },
		{ PROTO_TO_CLIENT, BYTES("\0\1\x81\0\0\1\0\1\0\0\0\0\1a\0\0\1\0\1\xc0"), "" },
		{ PROTO_TO_CLIENT, BYTES("\0\1\x81\0\xff\xff\0\1\0\0\0\0\1a\0\0\1\0\1\xc0"), "" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\0") "\1a\0\0\1\0\1"),
		  "dns A a - unknown req=19 resp=0 route=a flags=unanswered\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\0") "\1a\0\0\1"),
		  "dns A a - unknown req=17 resp=0 route=a flags=unanswered\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\0") "\3a\n\xff\0\0\1\0\1"),
		  "dns A a?? - unknown req=21 resp=0 route=a?? flags=unanswered\n" },
		{ PROTO_TO_SERVER, BYTES(HEAD("\1\0") "\1a\0\0\xff\0\xff"),
		  "dns ANY a - unknown req=19 resp=0 route=a flags=unanswered\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct feed f = { cases[i].dir, cases[i].bytes, 0 };

		feed_check(&proto_dns, &(struct feed_opts){ .datagram = true }, &f, 1,
			   cases[i].golden);
	}
}

/* Pointers one to the other, each a hop: no more than so many are followed, and never forwards. */
static void test_hops(void **state)
{
	char m[12 + 2 * 40 + 8] = "\0\1\1\0\0\1\0\0\0\0\0\0\0\0";
	struct dns_message got;

	(void)state;
	for (unsigned hops = 1; hops < 38; hops++) {
		/* at 12 the root, then pointers, each to the one before; the name is the last of them */
		struct str all = { m, sizeof(m) };
		uint16_t rcode = 0;
		bool whole = true;

		memset(m + 12, 0, sizeof(m) - 12);
		m[5] = 1;
		m[7] = 1;
		m[14] = 1; /* type of the question, whose name is the root */
		for (unsigned i = 0; i < hops; i++) {
			m[17 + 2 * i] = (char)0xc0;
			m[18 + 2 * i] = (char)(i ? 17 + 2 * (i - 1) : 12);
		}
		assert_true(dns_read(all, &got));
		got.body = (uint16_t)(17 + 2 * (hops - 1));
		dns_records(all, &got, NULL, 0, &rcode, &whole);
		assert_int_equal(whole, hops <= 16 && sizeof(m) - got.body >= 12);
	}
}

/* Whatever is cut off before the type, it is no question; and nothing behind the bytes is read. */
static void test_prefixes(void **state)
{
	static const char q[] = ASKS "\0\1\0\1";
	const size_t whole = sizeof(q) - 1 - 2; /* the class may be missing */
	struct guard g = guard_make();
	struct dns_message m;

	(void)state;
	for (size_t n = 0; n < sizeof(q); n++) {
		const char *p = (const void *)guard_put(&g, q, n);

		assert_int_equal(dns_read((struct str){ p, n }, &m), n >= whole);
	}
	assert_string_equal(m.name, "www.example.com");
	assert_int_equal(m.id, 0x1234);
	assert_int_equal(m.type, 1);
	assert_false(m.answer);
	guard_free(&g);
}

static void test_guess(void **state)
{
	const struct {
		struct str head;
		enum proto_guess unusual, usual;
	} cases[] = {
		{ BYTES(ASKS "\0\1\0\1"), GUESS_REQUEST, GUESS_REQUEST },
		{ BYTES(ANSWERS("\1") "\0\1\0\1" A_RECORD), GUESS_RESPONSE, GUESS_RESPONSE },
		{ BYTES("\0\x21" ASKS "\0\1\0\1"), GUESS_REQUEST, GUESS_REQUEST },
		{ BYTES("\0\x22"
			"\x84\x10"
			"\1\0\0\1\0\0\0\0\0\0\3api\4shop\7example\0\0\1\0\1"),
		  GUESS_REQUEST, GUESS_REQUEST }, /* an id that could be flags of an answer */
		{ BYTES(ASKS "\0\1\0\1junk"), GUESS_REQUEST, GUESS_REQUEST },
		{ BYTES(ASKS "\xff\1\0\1"), GUESS_NO, GUESS_REQUEST },
		{ BYTES(ANSWERS("\1") "\0\1\0\1"), GUESS_NO, GUESS_RESPONSE },
		{ BYTES("\0\x21"), GUESS_NO, GUESS_MORE },
		{ BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), GUESS_NO, GUESS_NO },
		{ BYTES("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"), GUESS_NO, GUESS_NO },
		{ BYTES("AMQP\0\0\x09\x01"), GUESS_NO, GUESS_MORE },
		{ BYTES("\x16\x03\x01\x02\0\1\0\1\xfc\3\3aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		  GUESS_NO, GUESS_NO },
		{ BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), GUESS_NO, GUESS_NO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum proto_guess no = proto_dns.guess(cases[i].head, false);
		enum proto_guess yes = proto_dns.guess(cases[i].head, true);

		if (no != cases[i].unusual || yes != cases[i].usual)
			print_error("case %zu: %d %d\n", i, no, yes);
		assert_int_equal(no, cases[i].unusual);
		assert_int_equal(yes, cases[i].usual);
	}
	assert_string_equal(dns_rcode_name(3), "NXDOMAIN");
	assert_null(dns_rcode_name(15));
	assert_null(dns_rcode_name(100000));
	assert_string_equal(dns_type_name(65), "HTTPS");
	assert_null(dns_type_name(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),	  cmocka_unit_test(test_results),
		cmocka_unit_test(test_tcp),	  cmocka_unit_test(test_gap),
		cmocka_unit_test(test_multicast), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_hops),	  cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
