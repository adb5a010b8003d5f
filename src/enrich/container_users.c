/* One directory handle, two files; the parsing is the C library's, of bytes in memory. */
#include "enrich/container_users.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "enrich/users.h"

static int file_open(int root, const char *path)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_(closep) int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	return take_fd(&fd);
}

/* Its first bytes, as a stream; @ret_text must outlive it. */
static int file_take(int root, const char *path, char **ret_text, FILE **ret)
{
	_cleanup_(closep) int fd = file_open(root, path);
	_cleanup_(freep) char *text = NULL;
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return fd;
	text = malloc(CONTAINER_USERS_MAX);
	if (!text)
		return -ENOMEM;
	while (n < CONTAINER_USERS_MAX && (got = read(fd, text + n, CONTAINER_USERS_MAX - n)) > 0)
		n += (size_t)got;
	*ret = n ? fmemopen(text, n, "r") : NULL;
	if (!*ret)
		return -ENOENT;
	*ret_text = take_ptr(text);
	return 0;
}

int container_users_at(int root, struct str id, struct buf *ret)
{
	_cleanup_(freep) char *passwd_text = NULL;
	_cleanup_(freep) char *group_text = NULL;
	_cleanup_(fclosep) FILE *passwd = NULL;
	_cleanup_(fclosep) FILE *group = NULL;
	int err = file_take(root, "etc/passwd", &passwd_text, &passwd);

	if (err)
		return err;
	file_take(root, "etc/group", &group_text, &group);
	buf_printf(ret, "c%.*s\n", STR_ARG(id));
	users_from(passwd, group, ret);
	return ret->failed ? -ENOMEM : 0;
}

static bool same_dir(const struct stat *st, const char *path)
{
	struct stat other;

	return stat(path, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

int container_users_read(uint32_t pid, struct str id, struct buf *ret)
{
	_cleanup_(closep) int root = -1;
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || fstat(root, &st) != 0)
		return -errno;
	/* A runtime's own stage, which has not gone into the container's root yet. */
	if (same_dir(&st, "/") || same_dir(&st, "/proc/1/root"))
		return -ENOENT;
	return container_users_at(root, id, ret);
}
