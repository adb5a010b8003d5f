/* A container's files, and what it may have put in their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "enrich/container_users.h"

static char root[] = "/tmp/container_users_XXXXXX";
static int root_fd = -1;

static void file_put(const char *path, const char *text)
{
	_cleanup_(closep) int fd =
		openat(root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* The blob, or the error as text. */
static const char *blob(void)
{
	static char text[1024];
	_cleanup_(buf_free) struct buf b = { 0 };
	int err = container_users_at(root_fd, STR("abc"), &b);

	if (err) {
		assert_int_equal(b.n, 0);
		return strerrorname_np(-err);
	}
	assert_true(b.n < sizeof(text));
	memcpy(text, b.p, b.n);
	text[b.n] = '\0';
	return text;
}

static void test_files(void **state)
{
	(void)state;
	assert_string_equal(blob(), "ENOENT");
	file_put("etc/passwd", "root:x:0:0::/root:/bin/sh\nbad\nwww:x:33:33::/var/www:/bin/false\n");
	assert_string_equal(blob(),
			    "cabc\n0:root\n33:www\np0:/root:/bin/sh\np33:/var/www:/bin/false\n");
	file_put("etc/group", "root:x:0:\nnobody:x:65534:a,b\n");
	assert_string_equal(blob(), "cabc\n0:root\n33:www\ng0:root\ng65534:nobody\n"
				    "p0:/root:/bin/sh\np33:/var/www:/bin/false\n");
	file_put("etc/passwd", "");
	assert_string_equal(blob(), "ENOENT");
}

static void test_links(void **state)
{
	(void)state;
	unlinkat(root_fd, "etc/group", 0);
	unlinkat(root_fd, "etc/passwd", 0);
	file_put("etc/own", "a:x:1:1:::\n");
	/* Absolute links and ".." stay within the root. */
	assert_int_equal(symlinkat("/etc/own", root_fd, "etc/passwd"), 0);
	assert_string_equal(blob(), "cabc\n1:a\np1::\n");
	unlinkat(root_fd, "etc/passwd", 0);
	assert_int_equal(symlinkat("../../../../../../etc/passwd", root_fd, "etc/passwd"), 0);
	assert_string_equal(blob(), "ELOOP");
	unlinkat(root_fd, "etc/passwd", 0);
	assert_int_equal(symlinkat("/proc/self/environ", root_fd, "etc/passwd"), 0);
	assert_string_equal(blob(), "ENOENT");
	unlinkat(root_fd, "etc/passwd", 0);
	assert_int_equal(mkfifoat(root_fd, "etc/passwd", 0600), 0);
	assert_string_equal(blob(), "ENOENT"); /* and it did not wait */
	unlinkat(root_fd, "etc/passwd", 0);
	assert_int_equal(mkdirat(root_fd, "etc/passwd", 0700), 0);
	assert_string_equal(blob(), "ENOENT");
	unlinkat(root_fd, "etc/passwd", AT_REMOVEDIR);
}

static void test_long(void **state)
{
	_cleanup_(freep) char *text = malloc(CONTAINER_USERS_MAX * 2);
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < CONTAINER_USERS_MAX * 2; i++)
		text[i] = "u:x:5:5:::\n"[i % 11];
	text[CONTAINER_USERS_MAX * 2 - 1] = '\0';
	file_put("etc/passwd", text);
	assert_int_equal(container_users_at(root_fd, STR("abc"), &b), 0);
	assert_true(b.n > 10000 && b.n < 62000);
	buf_reset(&b);
	memset(text, 'x', CONTAINER_USERS_MAX); /* one line without an end */
	file_put("etc/passwd", text);
	assert_int_equal(container_users_at(root_fd, STR("abc"), &b), 0);
	assert_int_equal(b.n, 5);
	/* The node's own processes are not asked. */
	assert_int_equal(container_users_read((uint32_t)getpid(), STR("abc"), &b), -ENOENT);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(root))
		return -1;
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root_fd < 0 ? -1 : mkdirat(root_fd, "etc", 0700);
}

static int teardown(void **state)
{
	(void)state;
	unlinkat(root_fd, "etc/passwd", 0);
	unlinkat(root_fd, "etc/group", 0);
	unlinkat(root_fd, "etc/own", 0);
	unlinkat(root_fd, "etc", AT_REMOVEDIR);
	close(root_fd);
	return rmdir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
