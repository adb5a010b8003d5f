/* Names of C++ and Rust as their compilers write them, and names that never end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "symbol/demangle.h"

static const struct {
	const char *mangled, *plain;
} NAMES[] = {
	{ "main", "" },
	{ "", "" },
	{ "_", "" },
	{ "_Z", "" },
	{ "_R", "" },
	{ "_Zoo", "operator||" },
	{ "_Z99a", "" },
	{ "_Z3foov", "foo" },
	{ "_ZN2ns5QueueIiE4pushEi", "ns::Queue<int>::push" },
	{ "_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int> >::push_back" },
	{ "_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()" },
	{ "_ZL3foov.part.0", "foo" },
	{ "_ZL3foov.cold", "foo" },
	{ "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad" },
	{ "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE",
	  "<Test + 'static as foo::Bar<Test>>::bar" },
	{ "_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar" },
	{ "_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3newCs15kBYyAo9fc_7mycrate",
	  "<std::path::PathBuf>::new" },
};

static void known(void **state)
{
	char got[256];

	(void)state;
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		size_t n = demangle(NAMES[i].mangled, got, sizeof(got));

		assert_int_equal(n, strlen(NAMES[i].plain));
		if (n)
			assert_string_equal(got, NAMES[i].plain);
	}
}

static void cut(void **state)
{
	char got[8];

	(void)state;
	assert_int_equal(demangle("_ZN2ns5QueueIiE4pushEi", got, sizeof(got)), 7);
	assert_string_equal(got, "ns::Que");
	assert_int_equal(demangle("_RNvNtCs1234_7mycrate3foo3bar", got, sizeof(got)), 7);
	assert_string_equal(got, "mycrate");
}

/* f(pair<T, T>) with T = pair<T, T> with ...: each level doubles the answer. */
static void doubling(void **state)
{
	char name[4096], got[1024];
	size_t n = (size_t)sprintf(name, "_Z1fI1aE1bI1cS_S_E");

	(void)state;
	n = (size_t)sprintf(name, "_Z1f1a");
	for (char c = '0'; c < '9'; c++)
		n += (size_t)sprintf(name + n, "1bIS%c_S%c_E", c, c);
	for (char c = 'A'; c < 'Z'; c++)
		n += (size_t)sprintf(name + n, "1bIS%c_S%c_E", c, c);
	assert_true(demangle(name, got, sizeof(got)) < sizeof(got));
	memset(name, '1', sizeof(name));
	memcpy(name, "_ZN", 3);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(demangle(name, got, sizeof(got)), 0);
	for (n = 2; n < sizeof(name) - 1; n++)
		name[n] = 'P'; /* pointer to pointer to ... */
	assert_int_equal(demangle(name, got, sizeof(got)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known),
		cmocka_unit_test(cut),
		cmocka_unit_test(doubling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
