/*
 * What channels have in common: writing with an eye on io->stop. Waiting is done in poll, a tenth of
 * a second at a time.
 */
#include "alert/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"

#define WRITE_BYTES 4096 /* a pipe that polls writable takes as much without blocking (PIPE_BUF) */
#define POLL_MS	    100

int channel_fail(struct channel_io *io, int err, const char *what)
{
	snprintf(io->error, sizeof(io->error), "%s: %s", what, strerror(-err));
	return err;
}

int channel_write(const struct channel_io *io, int fd, const char *p, size_t n, size_t *ret_put)
{
	size_t at = 0;
	int err = 0;

	while (at < n && !err) {
		struct pollfd wait = { .fd = fd, .events = POLLOUT };
		size_t part = n - at < WRITE_BYTES ? n - at : WRITE_BYTES;
		ssize_t put;

		if (poll(&wait, 1, POLL_MS) == 0) {
			err = atomic_load(io->stop) ? -ECANCELED : 0;
			continue;
		}
		put = send(fd, p + at, part, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0 && errno == ENOTSOCK)
			put = write(fd, p + at, part);
		if (put > 0)
			at += (size_t)put;
		else if (put == 0 || (errno != EINTR && errno != EAGAIN))
			err = put == 0 ? -ENOSPC : -errno;
	}
	*ret_put = at;
	return err;
}

int channel_unix(const char *path, int type, int *ret_fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

int channel_message(const struct channel_io *io, int fd, const struct msghdr *m)
{
	while (sendmsg(fd, m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		struct pollfd wait = { .fd = fd, .events = POLLOUT };

		if (errno != EINTR && errno != EAGAIN)
			return -errno;
		if (atomic_load(io->stop))
			return -ECANCELED;
		poll(&wait, 1, POLL_MS);
	}
	return 0;
}
