/* Patterns against the C library's: random short ones from a small alphabet hit every branch. */
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "lang/pattern.h"

#define ROUNDS 300000

static uint64_t seed = 88172645463325252ull;

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static void random_string(char *to, const char *alphabet, unsigned max)
{
	unsigned n = pick(max + 1);

	for (unsigned i = 0; i < n; i++)
		to[i] = alphabet[pick((unsigned)strlen(alphabet))];
	to[n] = 0;
}

static void test_glob_is_fnmatch(void **state)
{
	char pattern[16], text[16];

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		bool fold = pick(2), want, have;

		random_string(pattern, i % 2 ? "ab*?" : "abB*?[]!-\\/", 8);
		random_string(text, i % 2 ? "ab" : "abcB[]-!\\/*", 6);
		want = fnmatch(pattern, text, fold ? FNM_CASEFOLD : 0) == 0;
		have = pattern_glob(str_of(pattern), str_of(text), fold);
		if (want != have)
			print_error("pattern %s text %s fold %d: fnmatch says %d\n", pattern, text,
				    fold, want);
		assert_int_equal(want, have);
	}
}

static void test_glob_classes(void **state)
{
	static const char *const rows[][2] = {
		{ "[[:alpha:]]", "a" },	   { "[[:alpha:]]", "1" },
		{ "[![:digit:]]x", "ax" }, { "[[:digit:]a]", "a" },
		{ "[[:upper:]]*", "Abc" }, { "[[:upper:]]*", "abc" },
		{ "[a[:space:]]", " " },   { "[[:xdigit:]][[:punct:]]", "f!" },
		{ "[]a]", "]" },	   { "[!]a]", "]" },
		{ "[a-]", "-" },	   { "[--0]", "." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(pattern_glob(str_of(rows[i][0]), str_of(rows[i][1]), false),
				 fnmatch(rows[i][0], rows[i][1], 0) == 0);
}

static void test_icontains(void **state)
{
	char text[16], part[8];

	(void)state;
	for (unsigned i = 0; i < ROUNDS / 3; i++) {
		random_string(text, "aAbB1", 10);
		random_string(part, "aAbB1", 4);
		assert_int_equal(strcasestr(text, part) != NULL,
				 pattern_icontains(str_of(text), str_of(part)));
	}
	assert_true(pattern_icontains(STR_NONE, STR("")));
	assert_false(pattern_icontains(STR_NONE, STR("a")));
}

static void test_paths(void **state)
{
	static const struct {
		const char *prefix, *path;
		bool want;
	} rows[] = {
		{ "/etc", "/etc", true },
		{ "/etc", "/etc/passwd", true },
		{ "/etc", "/etcetera", false },
		{ "/etc/", "/etc/passwd", true },
		{ "/etc//ssl", "/etc/ssl/x", true },
		{ "/etc/ssl", "//etc///ssl", true },
		{ "/etc/ssl", "/etc", false },
		{ "/", "/", true },
		{ "/", "/anything", true },
		{ "", "/anything", true },
		{ "/var/lib/*/data", "/var/lib/x/data/y", true },
		{ "/var/lib/*/data", "/var/lib/x/y/data", false },
		{ "/proc/[0-9]*", "/proc/17/environ", true },
		{ "/proc/[0-9]*", "/proc/self/environ", false },
		{ "/a?c", "/abc", true },
		{ "/a?c", "/a/c", false },
		{ "/a", "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(pattern_path(str_of(rows[i].prefix), str_of(rows[i].path)),
				 rows[i].want);
}

/* What makes backtracking matchers run for ever. */
static void test_glob_is_bounded(void **state)
{
	static char pattern[4096], text[4096];
	uint64_t start = clock_read_ns(CLOCK_MONOTONIC);

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(pattern); i++) {
		pattern[i] = i % 2 ? 'a' : '*';
		text[i] = 'a';
	}
	pattern[sizeof(pattern) - 2] = 'b';
	assert_false(pattern_glob(str_of(pattern), str_of(text), false));
	assert_true(clock_read_ns(CLOCK_MONOTONIC) - start < NS_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_glob_is_fnmatch), cmocka_unit_test(test_glob_classes),
		cmocka_unit_test(test_icontains),	cmocka_unit_test(test_paths),
		cmocka_unit_test(test_glob_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
