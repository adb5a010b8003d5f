/* Equal stacks are one; different ones never are; what does not fit is counted with its value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include "agent/stacks.h"
#include "agent/watching_sums.h"

static const uint64_t one[STACKS_VALUES] = { 10, 1 };

static void test_equal(void **state)
{
	const uint64_t kernel[] = { 1, 2 }, user[] = { 3, 4, 5 }, other[] = { 3, 4, 6 };
	const struct rec_vma vma = { .start = 0, .end = 100 };
	struct stack a = { .kernel = kernel,
			   .user = user,
			   .vma = &vma,
			   .nkernel = 2,
			   .nuser = 3,
			   .nvma = 1,
			   .end = STACK_WHOLE };
	struct stack b = a, view;
	struct stacks *s;

	(void)state;
	b.user = other;
	assert_int_equal(stacks_new(&s), 0);
	assert_int_equal(stacks_add(s, 7, 70, 0, &a, one), 0);
	assert_int_equal(stacks_add(s, 7, 70, 0, &a, one), 0);
	assert_int_equal(stacks_count(s), 1);
	assert_int_equal(stacks_get(s, 0)->value[0], 20);
	assert_int_equal(stacks_get(s, 0)->value[1], 2);
	stacks_add(s, 7, 70, 0, &b, one); /* another address */
	stacks_add(s, 7, 71, 0, &a, one); /* another process of that number */
	stacks_add(s, 7, 70, 1, &a, one); /* another series */
	a.end = STACK_DEEP;
	stacks_add(s, 7, 70, 0, &a, one); /* another end */
	a.nkernel = 1;
	stacks_add(s, 7, 70, 0, &a, one);
	assert_int_equal(stacks_count(s), 6);
	view = stacks_view(stacks_get(s, 1));
	assert_memory_equal(view.user, other, sizeof(other));
	assert_int_equal(view.vma->end, 100);
	stacks_clear(s);
	assert_int_equal(stacks_count(s), 0);
	stacks_free(s);
}

/* The bound holds, and nothing is lost silently. */
static void test_full(void **state)
{
	uint64_t user[STACK_USER_MAX] = { 0 };
	struct stack a = { .user = user, .nuser = STACK_USER_MAX };
	uint64_t kept = 0, refused = 0;
	struct stacks *s;

	(void)state;
	assert_int_equal(stacks_new(&s), 0);
	for (uint64_t i = 0; i < 2 * STACKS_BYTES / sizeof(user); i++) {
		user[0] = i;
		refused += stacks_add(s, 1, 1, 0, &a, one) == -ENOSPC;
	}
	assert_true(refused > 0);
	for (size_t i = 0; i < stacks_count(s); i++)
		kept += stacks_get(s, i)->value[0];
	assert_int_equal(kept + stacks_lost(s)[0], 10 * (2 * STACKS_BYTES / sizeof(user)));
	assert_int_equal(stacks_lost(s)[1], refused);
	stacks_free(s);
}

static void test_sums(void **state)
{
	struct sums *s;
	struct str text;
	size_t n;

	(void)state;
	assert_int_equal(sums_new(&s), 0);
	assert_ptr_equal(sum_at(s, SUM_CALL, 1, 2, 3), sum_at(s, SUM_CALL, 1, 2, 3));
	assert_ptr_not_equal(sum_at(s, SUM_CALL, 1, 2, 3), sum_at(s, SUM_IO, 1, 2, 3));
	assert_null(sum_find(s, SUM_CALL, 1, 2, 4));
	assert_int_equal(sums_count(s), 2);
	text = sums_text(s, STR("abc"));
	assert_ptr_equal(text.p, sums_text(s, STR("abc")).p);
	for (uint64_t i = 0; i < WATCHING_SUMS + 100; i++)
		(void)sum_at(s, SUM_PEER, 1, i, 0);
	assert_int_equal(sums_count(s), WATCHING_SUMS);
	assert_int_equal(sums_refused(s), 102);
	sums_begin(s, (struct boot_ns){ 5 * NS_PER_SEC });
	assert_null(sums_second(s, (struct boot_ns){ 5 * NS_PER_SEC }));
	sums_second(s, (struct boot_ns){ 6 * NS_PER_SEC })[THREAD_DISK] = 9;
	assert_null(sums_second(s, (struct boot_ns){ UINT64_MAX }));
	assert_int_equal(sums_seconds(s, &n)[0][THREAD_DISK], 9);
	assert_int_equal(n, 1);
	sums_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
