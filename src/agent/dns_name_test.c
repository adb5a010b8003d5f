/* Beginnings of DNS messages: real questions and answers, and everything that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include "agent/dns_name.h"
#include "base/guard_test.h"

/* dig +noedns db.shop.svc A, and NXDOMAIN for it: made by hand from RFC 1035. */
static const char question[] = "\x12\x34\x01\x00\0\1\0\0\0\0\0\0\2db\4shop\3svc\0\0\1\0\1";
static const char answer[] = "\x12\x34\x81\x83\0\1\0\0\0\0\0\0\2db\4shop\3svc\0\0\x1c\0\1";

static struct str of(const char *p, size_t n)
{
	return (struct str){ p, n - 1 };
}

static void test_question(void **state)
{
	struct dns_head h;

	(void)state;
	assert_true(dns_head_read(of(question, sizeof(question)), &h));
	assert_int_equal(h.id, 0x1234);
	assert_false(h.answer);
	assert_int_equal(h.type, 1);
	assert_string_equal(h.name, "db.shop.svc");
	assert_true(dns_head_read(of(answer, sizeof(answer)), &h));
	assert_true(h.answer);
	assert_int_equal(h.rcode, 3);
	assert_int_equal(h.type, 28);
	assert_string_equal(dns_rcode_name(h.rcode), "NXDOMAIN");
	assert_string_equal(dns_rcode_name(15), "error");
}

/* Whatever is cut off before the type, it is no question; and nothing behind the bytes is read. */
static void test_prefixes(void **state)
{
	const size_t whole = sizeof(question) - 1 - 2; /* the class is not looked at */
	struct guard g = guard_make();
	struct dns_head h;

	(void)state;
	for (size_t n = 0; n < sizeof(question); n++) {
		const char *p = (const void *)guard_put(&g, (const uint8_t *)question, n);

		assert_int_equal(dns_head_read((struct str){ p, n }, &h), n >= whole);
	}
	guard_free(&g);
}

static void test_odd(void **state)
{
	static const struct {
		const char *what, *bytes;
		size_t n;
	} cases[] = {
#define CASE(what, bytes) { what, bytes, sizeof(bytes) }
		CASE("two questions", "\0\1\1\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1"),
		CASE("no question", "\0\1\1\0\0\0\0\0\0\0\0\0\1a\0\0\1\0\1"),
		CASE("a pointer", "\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"),
		CASE("the root alone", "\0\1\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1"),
		CASE("a label without its end", "\0\1\1\0\0\1\0\0\0\0\0\0\x3f"
						"aa"),
	};
	char big[600] = "\0\1\1\0\0\1";
	struct dns_head h;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (dns_head_read(of(cases[i].bytes, cases[i].n), &h))
			fail_msg("%s", cases[i].what);
	for (size_t at = 12; at + 64 < sizeof(big); at += 64)
		big[at] = 63;
	memcpy(big, "\0\1\1\0\0\1\0\0\0\0\0\0", 12);
	assert_false(dns_head_read((struct str){ big, sizeof(big) }, &h));
}

/* Names are shown: nothing in them moves a cursor or ends a line. */
static void test_unprintable(void **state)
{
	static const char bytes[] = "\0\1\1\0\0\1\0\0\0\0\0\0\5a\n\x1b[b\0\0\1\0\1";
	struct dns_head h;

	(void)state;
	assert_true(dns_head_read(of(bytes, sizeof(bytes)), &h));
	assert_string_equal(h.name, "a??[b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_unprintable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
