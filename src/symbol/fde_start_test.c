/* Beginnings of functions against the C library's own symbol table, and damaged headers. */
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include "symbol/fde_start.h"

static struct image own;
static uint64_t base; /* where this program is loaded */

static int first_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	base = info->dlpi_addr;
	return 1; /* the program itself comes first */
}

static int setup(void **state)
{
	(void)state;
	dl_iterate_phdr(first_object, NULL);
	return image_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), &own);
}

static int teardown(void **state)
{
	(void)state;
	image_close(&own);
	return 0;
}

__attribute__((noinline)) static int long_function(int n)
{
	for (volatile int i = 0; i < n; i++)
		n ^= i * 7;
	return n;
}

static void test_own_functions(void **state)
{
	uint64_t at = (uint64_t)(uintptr_t)long_function - base, start = 0;

	(void)state;
	assert_true(long_function(3) != 12345);
	for (uint64_t i = 0; i < 8; i++) {
		assert_true(fde_start(&own, at + i, &start));
		assert_int_equal(start, at);
	}
	at = (uint64_t)(uintptr_t)test_own_functions - base;
	assert_true(fde_start(&own, at + 20, &start));
	assert_int_equal(start, at);
}

static void test_before_all(void **state)
{
	uint64_t start = 77;

	(void)state;
	assert_false(fde_start(&own, 0, &start));
	assert_int_equal(start, 77);
}

/* Whatever stands in the table, a search ends, inside the file. */
static void test_damaged(void **state)
{
	struct image im = { .bytes = { .fd = -1 } };
	uint8_t bytes[12 + 64 * 8];
	uint64_t start;

	(void)state;
	im.bytes.p = bytes;
	im.bytes.n = sizeof(bytes);
	im.eh_frame_hdr = (struct image_section){ .size = sizeof(bytes), .vaddr = 0x1000 };
	srand(1);
	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)rand();
		memcpy(bytes, "\x01\x1b\x03\x3b", 4);
		memcpy(bytes + 8, &(uint32_t){ (uint32_t)rand() % 70 }, 4);
		im.bytes.n = (uint64_t)rand() % (sizeof(bytes) + 1);
		im.eh_frame_hdr.size = round % 3 ? sizeof(bytes) : im.bytes.n;
		(void)fde_start(&im, (uint64_t)rand(), &start);
	}
	memcpy(bytes, "\x01\x1b\x03\x3b", 4);
	memset(bytes + 8, 0xff, 4);
	im.bytes.n = im.eh_frame_hdr.size = sizeof(bytes);
	assert_false(fde_start(&im, 0x2000, &start));
	bytes[3] = 0xff;
	memset(bytes + 8, 0, 4);
	assert_false(fde_start(&im, 0x2000, &start));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_functions),
		cmocka_unit_test(test_before_all),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
