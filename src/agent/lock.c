/* flock on a file; the pid in it is for messages alone. */
#include "agent/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"

int lock_folder(const char *path)
{
	_cleanup_(freep) char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (!folder)
		return -ENOMEM;
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	return mkdir(folder, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

static long pid_read(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strtol(text, NULL, 10);
}

static int pid_write(int fd)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(fd, 0) != 0)
		return -errno;
	return pwrite(fd, text, (size_t)n, 0) == n ? 0 : -EIO;
}

static void refuse(int fd, const char *path, struct buf *why)
{
	long pid = pid_read(fd);

	buf_str(why, STR("an agent runs on this node already"));
	if (pid > 0)
		buf_printf(why, ": pid %ld", pid);
	buf_printf(why,
		   " (it holds %s); stop it first, or use it: porthole events, requests and map attach to it",
		   path);
}

int lock_take(const char *path, int *ret_fd, struct buf *why)
{
	_cleanup_(closep) int fd = -1;
	int err = lock_folder(path);

	if (!err) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
		err = fd < 0 ? -errno : 0;
	}
	if (!err && flock(fd, LOCK_EX | LOCK_NB) != 0)
		err = errno == EWOULDBLOCK ? -EEXIST : -errno;
	if (!err)
		err = pid_write(fd);
	if (err == -EEXIST)
		refuse(fd, path, why);
	else if (err)
		buf_printf(why, "locking %s: %s", path, strerror(-err));
	if (err)
		return err;
	*ret_fd = take_fd(&fd);
	return 0;
}

void lock_drop(int *fd)
{
	if (*fd < 0)
		return;
	flock(*fd, LOCK_UN);
	close(take_fd(fd));
}
