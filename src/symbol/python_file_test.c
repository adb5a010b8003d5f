/* The interpreters of this machine, their layouts against their own words; files that are none. */
#include "symbol/python_file.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it. */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int look(const char *path, struct python_file *ret)
{
	struct image im;
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	assert_true(fd >= 0);
	assert_int_equal(image_open(fd, &im), 0);
	err = python_file(&im, ret);
	image_close(&im);
	return err;
}

#define PYENV "/root/.pyenv/versions/"

static void test_interpreters(void **state)
{
	static const struct {
		const char *path;
		uint32_t version;
	} rows[] = {
		{ "/usr/bin/python3.11", 0x30b },
		{ "/usr/bin/python3.13", 0x30d },
		{ "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0", 0x30b },
		{ PYENV "3.11.7/lib/libpython3.11.so.1.0", 0x30b },
		{ PYENV "3.12.1/lib/libpython3.12.so.1.0", 0x30c },
		{ PYENV "3.13.0/lib/libpython3.13.so.1.0", 0x30d },
	};
	unsigned checked = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct python_file f = { 0 };

		if (access(rows[i].path, R_OK) != 0)
			continue;
		assert_int_equal(look(rows[i].path, &f), 0);
		assert_int_equal(f.layout.version, rows[i].version);
		assert_int_equal(f.exact >> 16, rows[i].version);
		assert_true(f.runtime > 0 && f.loop_n > 4096);
		/* 3.13 tells by itself what stands in the table. */
		if (rows[i].version == 0x30d) {
			assert_int_equal(f.layout.thread_id, python_layout(0x30d)->thread_id);
			assert_int_equal(f.layout.thread_next, python_layout(0x30d)->thread_next);
			assert_int_equal(f.layout.thread_frame, python_layout(0x30d)->thread_frame);
		}
		checked++;
	}
	print_message("%u interpreters checked\n", checked);
	if (!checked)
		skip();
}

static void test_none(void **state)
{
	struct python_file f = { 0 };

	(void)state;
	assert_int_equal(look("/proc/self/exe", &f), -ENOENT);
	if (access(PYENV "3.10.13/lib/libpython3.10.so.1.0", R_OK) == 0)
		assert_int_equal(look(PYENV "3.10.13/lib/libpython3.10.so.1.0", &f), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interpreters),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
