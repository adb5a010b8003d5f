/* Ids: there and back, as people type them, and the time they tell. */
#include "event/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hash.h"

static void there_and_back(void **state)
{
	char text[REQUEST_ID_TEXT + 1];
	uint64_t id, back;

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		id = request_id((struct boot_ns){ hash_u64(i + 1) >> 8 }, hash_u64(i));
		request_id_text(id, text);
		assert_int_equal(strlen(text), REQUEST_ID_TEXT);
		assert_true(request_id_parse(str_of(text), &back));
		assert_int_equal(back, id);
	}
}

static void typed(void **state)
{
	static const char *const good[] = { "0g12abcdef01", "0G12ABCDEF01", "0g12-abcd-ef01",
					    "ogi2abcdefol" };
	static const char *const bad[] = { "",
					   "0g12abcdef0",
					   "0g12abcdef012",
					   "0g12abcdef0u",
					   "0g12abcdef0'",
					   "0g12 abcdef01",
					   "------------" };
	uint64_t want, got;

	(void)state;
	assert_true(request_id_parse(str_of(good[0]), &want));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(request_id_parse(str_of(good[i]), &got));
		assert_int_equal(got, want);
	}
	got = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(request_id_parse(str_of(bad[i]), &got));
	assert_false(request_id_parse((struct str){ "0g12abcdef0\0", 12 }, &got));
	assert_int_equal(got, 7);
}

static void when(void **state)
{
	static const uint64_t day = 86400 * NS_PER_SEC;
	static const uint64_t ends[] = { 1, day, 30 * day, 103 * day, 105 * day, 1000 * day };

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		uint64_t id = request_id((struct boot_ns){ ends[i] }, 5);

		for (uint64_t after = 0; after <= 100 * day; after += 25 * day) {
			struct boot_ns from, to;

			request_id_when(id, (struct boot_ns){ ends[i] + after }, &from, &to);
			assert_true(from.ns <= ends[i] && ends[i] < to.ns);
			assert_int_equal(to.ns - from.ns, 1ull << 34);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(there_and_back),
					    cmocka_unit_test(typed), cmocka_unit_test(when) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
