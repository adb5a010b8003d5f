/* Two ways to a mapping's file. Text of /proc/PID/maps is read a line at a time. */
#include "agent/unwind_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"

#define OVERLAY_MAGIC 0x794c7630
#define BTRFS_MAGIC   0x9123683e

/* The path of the mapping that begins at @start, without its line's end; "" when it has none. */
static int maps_path(pid_t pid, uint64_t start, char ret[PATH_MAX])
{
	_cleanup_(fclosep) FILE *f = NULL;
	_cleanup_(freep) char *line = NULL;
	char name[32];
	size_t size = 0;

	snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	f = fopen(name, "re");
	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		unsigned long from = 0;
		int at = 0;

		if (sscanf(line, "%lx-%*x %*s %*s %*s %*s %n", &from, &at) != 1 || from != start)
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (!at || line[at] != '/')
			return -ENOENT;
		snprintf(ret, PATH_MAX, "%s", line + at);
		return 0;
	}
	return -ENOENT;
}

static bool same_file(int fd, uint64_t ino)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	if (st.st_ino == ino)
		return true;
	return fstatfs(fd, &fs) == 0 && (fs.f_type == OVERLAY_MAGIC || fs.f_type == BTRFS_MAGIC);
}

int unwind_file_open(pid_t pid, const struct rec_vma *vma, int *ret_fd)
{
	_cleanup_(closep) int fd = -1;
	char path[PATH_MAX], name[PATH_MAX + 32];
	int err;

	snprintf(name, sizeof(name), "/proc/%d/map_files/%llx-%llx", (int)pid,
		 (unsigned long long)vma->start, (unsigned long long)vma->end);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		err = maps_path(pid, vma->start, path);
		if (err)
			return err;
		snprintf(name, sizeof(name), "/proc/%d/root%s", (int)pid, path);
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			return -errno;
		if (!same_file(fd, vma->file.ino))
			return -ENOENT;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}
