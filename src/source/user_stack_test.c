/* Which kernels are refused user stacks: version texts as distributions have them. */
#include "source/user_stack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka.h needs those before it. */
#include <cmocka.h>
#include <string.h>

static const struct {
	const char *release, *version, *signature;
	bool safe;
} kernels[] = {
	{ "5.10.0-30-cloud-amd64", "#1 SMP Debian 5.10.218-1 (2024-06-01)", NULL, true },
	{ "5.15.0-91-generic", "#101-Ubuntu SMP", "Ubuntu 5.15.0-91.101-generic 5.15.131", true },
	{ "5.19.0-50-generic", "#50-Ubuntu SMP", "Ubuntu 5.19.0-50.50-generic 5.19.17", false },
	{ "6.1.0-9-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.27-1 (2023-05-08)", NULL, false },
	{ "6.1.0-13-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)", NULL, true },
	{ "6.1.35", "#1 SMP", NULL, false },
	{ "6.1.36", "#1 SMP", NULL, true },
	{ "6.1.119-129.201.amzn2023.x86_64", "#1 SMP PREEMPT_DYNAMIC", NULL, true },
	{ "6.2.0-39-generic", "#40~22.04.1-Ubuntu SMP", "Ubuntu 6.2.0-39.40-generic 6.2.16", false },
	{ "6.3.9", "#1 SMP", NULL, false },
	{ "6.3.10", "#1 SMP", NULL, true },
	{ "6.4.0", "#1 SMP", NULL, true },
	{ "6.18.44-fc-v657", "#1 SMP PREEMPT_DYNAMIC @0", "", true },
	{ "7.2-cloud-amd64", "#1 SMP Debian 7.2-1", NULL, true },
	{ "rolling", "", NULL, false },
	{ "", "", "", false },
};

static void test_kernels(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		char why[128] = "";
		bool safe = user_stack_safe(kernels[i].release, kernels[i].version,
					    kernels[i].signature, why, sizeof(why));

		if (safe != kernels[i].safe)
			fail_msg("%s: %d, %s", kernels[i].release, safe, why);
		assert_int_equal(safe, why[0] == '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kernels) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
