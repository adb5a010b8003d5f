/* Against searching for each pattern by itself, over texts and patterns made at random. */
#include "base/automaton.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t seed = 12345;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* A text over few letters, so that patterns meet; a path has no empty components. */
static struct str any_text(char *room, size_t max, const char *letters, bool path)
{
	size_t n = any((uint32_t)max), kinds = strlen(letters);

	for (size_t i = 0; i < n; i++)
		room[i] = letters[any((uint32_t)kinds)];
	if (path && n == 0)
		n = 1;
	if (path)
		room[0] = '/';
	for (size_t i = 1; path && i < n; i++)
		if (room[i] == '/' && room[i - 1] == '/')
			room[i] = letters[0];
	return (struct str){ room, n };
}

static bool plain_has(const struct automaton_pattern *p, struct str text)
{
	const char *slash = text.n ? memrchr(text.p, '/', text.n) : NULL;

	if (p->bind & AUTOMATON_DIRECTORY) {
		size_t n = slash ? (size_t)(slash - text.p) : 0;

		return slash && str_eq(p->text, (struct str){ text.p, n ? n : 1 });
	}
	for (size_t at = 0; at + p->text.n <= text.n; at++) {
		if ((p->bind & AUTOMATON_START) && at)
			break;
		if ((p->bind & AUTOMATON_END) && at + p->text.n != text.n)
			continue;
		if (p->text.n == 0 || memcmp(text.p + at, p->text.p, p->text.n) == 0)
			return true;
	}
	return false;
}

#define PATTERNS 24

static void compare(const char *letters, bool reversed, bool directories)
{
	static char rooms[PATTERNS][8], room[24];
	struct automaton_pattern list[PATTERNS] = { 0 };
	size_t n = any(PATTERNS);
	struct automaton a;

	for (size_t i = 0; i < n; i++) {
		list[i].bind = any(directories ? 5 : 4);
		list[i].text = any_text(rooms[i], sizeof(rooms[i]), letters,
					list[i].bind == AUTOMATON_DIRECTORY);
		list[i].mask = 1ull << i;
		if (list[i].bind == (AUTOMATON_START | AUTOMATON_END) && any(2))
			list[i].deny = 1ull << (i + 32);
		/* A directory does not end in a slash, the root but. */
		while (list[i].bind == AUTOMATON_DIRECTORY && list[i].text.n > 1 &&
		       list[i].text.p[list[i].text.n - 1] == '/')
			list[i].text.n--;
	}
	assert_int_equal(automaton_make(list, n, reversed, &a), 0);
	for (int t = 0; t < 60; t++) {
		struct str text = any_text(room, sizeof(room), letters, directories);
		struct automaton_out found = automaton_find(&a, text);
		uint64_t hit = 0, deny = 0;

		for (size_t i = 0; i < n; i++)
			if (plain_has(&list[i], text)) {
				hit |= list[i].mask;
				deny |= list[i].deny;
			}
		assert_int_equal(automaton_run(&a, text), hit);
		if (found.hit != hit || found.deny != deny)
			fail_msg("%.*s: %#llx not %#llx", (int)text.n, text.p,
				 (unsigned long long)found.hit, (unsigned long long)hit);
	}
	automaton_free(&a);
}

static void test_forwards(void **state)
{
	(void)state;
	for (int i = 0; i < 400; i++)
		compare("ab/", false, false);
}

static void test_backwards(void **state)
{
	(void)state;
	for (int i = 0; i < 400; i++)
		compare("ab/", true, false);
}

static void test_directories(void **state)
{
	(void)state;
	for (int i = 0; i < 800; i++)
		compare(i % 2 ? "ab/" : "a/", true, true);
}

/* Every byte in the patterns: more than there are classes. Nothing is missed, nothing denied. */
static void test_many_bytes(void **state)
{
	struct automaton_pattern list[256] = { 0 };
	char bytes[256];
	struct automaton a;
	size_t denied = 0;

	(void)state;
	for (size_t i = 0; i < 256; i++) {
		bytes[i] = (char)i;
		list[i] = (struct automaton_pattern){
			{ &bytes[i], 1 }, AUTOMATON_START | AUTOMATON_END, 1ull << (i % 64), 1
		};
	}
	assert_int_equal(automaton_make(list, 256, true, &a), 0);
	for (size_t i = 0; i < 256; i++) {
		struct automaton_out found = automaton_find(&a, list[i].text);

		assert_true(found.hit & list[i].mask);
		denied += found.deny;
	}
	assert_true(denied > 50 && denied < AUTOMATON_CLASSES);
	automaton_free(&a);
}

static void test_none(void **state)
{
	struct automaton_pattern empty = { .text = STR(""), .mask = 4 };
	struct automaton a;

	(void)state;
	assert_int_equal(automaton_make(NULL, 0, true, &a), 0);
	assert_int_equal(automaton_run(&a, STR("/etc/passwd")), 0);
	automaton_free(&a);
	assert_int_equal(automaton_make(&empty, 1, false, &a), 0);
	assert_int_equal(automaton_run(&a, STR("")), 4);
	assert_int_equal(automaton_run(&a, STR("x")), 4);
	automaton_free(&a);
}

static void test_too_large(void **state)
{
	char *text = malloc(AUTOMATON_STATES_MAX + 1);
	struct automaton_pattern p = { .mask = 1 };
	struct automaton a;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', AUTOMATON_STATES_MAX + 1);
	p.text = (struct str){ text, AUTOMATON_STATES_MAX - 1 };
	assert_int_equal(automaton_make(&p, 1, true, &a), -E2BIG);
	p.text.n--;
	assert_int_equal(automaton_make(&p, 1, true, &a), 0);
	assert_int_equal(automaton_run(&a, (struct str){ text, AUTOMATON_STATES_MAX }), 1);
	automaton_free(&a);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forwards),    cmocka_unit_test(test_backwards),
		cmocka_unit_test(test_directories), cmocka_unit_test(test_many_bytes),
		cmocka_unit_test(test_none),	    cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests_name("automaton", tests, NULL, NULL);
}
