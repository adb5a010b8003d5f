/* openat2 with RESOLVE_IN_ROOT; by way of O_PATH, so that nothing but a regular file is ever opened. */
#include "symbol/below.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

int below_open(int root_fd, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	_cleanup_(closep) int at = -1;
	char self[32];
	struct stat st;
	int fd;

	if (root_fd < 0)
		return -ENOENT;
	at = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (at < 0 || fstat(at, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", at);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}
