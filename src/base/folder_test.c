/* Folders made, opened and listed; what is in the way is said. */
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"

static char top[] = "porthole-folder-test-XXXXXX";

static int entries(int dir)
{
	_cleanup_(closedirp) DIR *d = NULL;
	int n = 0;

	assert_int_equal(folder_read(dir, &d), 0);
	while (readdir(d))
		n++;
	return n;
}

static void test_made(void **state)
{
	_cleanup_(closep) int dir = -1;
	char path[128];
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/a//b/c/", top);
	assert_int_equal(folder_make(path), 0);
	assert_int_equal(folder_make(path), 0);
	assert_int_equal(folder_open(path, &dir), 0);
	assert_int_equal(fstat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(entries(dir), 2);
	assert_int_equal(mkdirat(dir, "x", 0700), 0);
	assert_int_equal(entries(dir), 3);
	assert_int_equal(entries(dir), 3); /* each time from the beginning */
}

static void test_in_the_way(void **state)
{
	char path[128];
	int dir = -1;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", top);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(folder_open(path, &dir), -ENOTDIR);
	strcat(path, "/below");
	assert_int_equal(folder_make(path), -ENOTDIR);
	assert_int_equal(folder_open(path, &dir), -ENOTDIR);
	assert_int_equal(dir, -1);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(top) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const made[] = { "a/b/c/x", "a/b/c", "a/b", "a", "file" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", top, made[i]);
		remove(path);
	}
	return rmdir(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_made),
					    cmocka_unit_test(test_in_the_way) };

	return cmocka_run_group_tests_name("base/folder", tests, setup, teardown);
}
