/* Edit distance: known pairs, symmetry, and its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/near.h"

static void known_pairs(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned edits;
	} pairs[] = {
		{ "", "", 0 },
		{ "abc", "", 3 },
		{ "abc", "abc", 0 },
		{ "kitten", "sitting", 3 },
		{ "proc.nmae", "proc.name", 2 },
		{ "adress", "address", 1 },
		{ "flaw", "lawn", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		assert_int_equal(near_edits(str_of(pairs[i].a), str_of(pairs[i].b)), pairs[i].edits);
		assert_int_equal(near_edits(str_of(pairs[i].b), str_of(pairs[i].a)), pairs[i].edits);
	}
}

static void long_names(void **state)
{
	char text[NEAR_BYTES_MAX + 1];
	struct str most = { text, NEAR_BYTES_MAX }, more = { text, NEAR_BYTES_MAX + 1 };

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(near_edits(most, STR("b")), NEAR_BYTES_MAX);
	assert_int_equal(near_edits(more, STR("a")), UINT32_MAX);
	assert_int_equal(near_edits(STR("a"), more), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_pairs),
		cmocka_unit_test(long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
