/* The lock: one holder, named to the second; free again when its holder was killed. */
#include "agent/lock.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"

static char folder[] = "/tmp/porthole-lock-XXXXXX";
static char path[64], deep[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/run/pid", folder);
	snprintf(deep, sizeof(deep), "%s/run", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	rmdir(deep);
	return rmdir(folder);
}

/* A child that holds the lock until it is killed; its pid. */
static pid_t holder(void)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct buf why = { 0 };
		int fd;

		if (lock_take(path, &fd, &why) != 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void second_is_refused(void **state)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	_cleanup_(closep) int fd = -1;
	pid_t pid = holder();
	char want[32];
	struct stat st;

	(void)state;
	snprintf(want, sizeof(want), "pid %d ", (int)pid);
	assert_int_equal(lock_take(path, &fd, &why), -EEXIST);
	assert_int_equal(fd, -1);
	assert_true(str_contains(buf_slice(&why), str_of(want)));
	assert_true(str_contains(buf_slice(&why), str_of(path)));
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(lock_take(path, &fd, &why), 0);
}

static void own_pid(void **state)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	_cleanup_(closep) int fd = -1, again = -1;
	char text[32] = "";
	FILE *f;

	(void)state;
	assert_int_equal(lock_take(path, &fd, &why), 0);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_int_equal(atoi(text), getpid());
	assert_int_equal(lock_take(path, &again, &why), -EEXIST);
	closep(&fd);
	fd = -1;
	assert_int_equal(lock_take(path, &again, &why), 0);
}

static void no_such_place(void **state)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	char link[80];
	int fd = -1;

	(void)state;
	assert_int_equal(lock_take("/proc/nowhere/pid", &fd, &why), -ENOENT);
	assert_true(str_starts(buf_slice(&why), STR("locking /proc/nowhere/pid: ")));
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(lock_take(link, &fd, &why), -ELOOP);
	unlink(link);
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_is_refused),
		cmocka_unit_test(own_pid),
		cmocka_unit_test(no_such_place),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
