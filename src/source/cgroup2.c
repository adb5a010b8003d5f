/* Finding the cgroup version 2 hierarchy. Its real root has inode 1 (kernfs). */
#include "source/cgroup2.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Init's view first: in a container with the host's processes it is the host's. */
static const char *const places[] = {
	"/proc/1/root/sys/fs/cgroup",
	"/proc/1/root/sys/fs/cgroup/unified",
	"/sys/fs/cgroup",
	"/sys/fs/cgroup/unified",
};

static bool is_cgroup2(int fd, bool *ret_root)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) != 0 || fs.f_type != CGROUP2_SUPER_MAGIC || fstat(fd, &st) != 0)
		return false;
	*ret_root = st.st_ino == 1;
	return true;
}

static int detached_open(void)
{
	_cleanup_(closep) int fs = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC);
	_cleanup_(closep) int mnt = -1;
	int fd;

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	if (mnt < 0)
		return -errno;
	fd = openat(mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cgroup2_open(void)
{
	_cleanup_(closep) int part = -1;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		_cleanup_(closep) int fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		bool root;

		if (fd < 0 || !is_cgroup2(fd, &root))
			continue;
		if (root)
			return take_fd(&fd);
		if (part < 0)
			part = take_fd(&fd);
	}
	return part >= 0 ? take_fd(&part) : detached_open();
}
