/* Finding tracefs, and tracepoint numbers in it. */
#include "source/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

static int tracefs_detached(void)
{
	_cleanup_(closep) int fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	int mnt;

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	return mnt < 0 ? -errno : mnt;
}

int tracefs_open(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		_cleanup_(closep) int dir = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (dir >= 0 && faccessat(dir, "events", R_OK, 0) == 0)
			return take_fd(&dir);
	}
	return tracefs_detached();
}

int tracefs_event_id(int tracefs, const char *category, const char *event)
{
	_cleanup_(closep) int fd = -1;
	char path[256], text[16];
	ssize_t n;

	if ((size_t)snprintf(path, sizeof(path), "events/%s/%s/id", category, event) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = openat(tracefs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return n < 0 ? -errno : -EIO;
	text[n] = '\0';
	return atoi(text);
}
