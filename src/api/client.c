/* A blocking socket with a deadline by poll, and a buffer that lines are cut from. */
#include "api/client.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define READ_BYTES   (64u << 10)
#define SEND_WAIT_MS 2000

struct client {
	int fd;
	bool ended;
	char *p;	 /* CLIENT_LINE_MAX bytes */
	size_t from, to; /* what is there */
	size_t looked;	 /* up to here there is no newline */
};

static void client_freep(struct client **c)
{
	client_free(*c);
}

void client_free(struct client *c)
{
	if (!c)
		return;
	closep(&c->fd);
	free(c->p);
	free(c);
}

int client_connect(const char *path, struct client **ret)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_cleanup_(client_freep) struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->fd = -1;
	json_object_seed(0); /* opens a file: now, before what we do is watched */
	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path));
	c->p = malloc(CLIENT_LINE_MAX);
	if (!c->p)
		return -ENOMEM;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return -errno;
	*ret = take_ptr(c);
	return 0;
}

int client_fd(const struct client *c)
{
	return c->fd;
}

static int wait_for(int fd, short what, int ms)
{
	struct pollfd p = { .fd = fd, .events = what };
	int n = poll(&p, 1, ms);

	return n < 0 ? -errno : n;
}

int client_send(struct client *c, const struct question *r)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	size_t at = 0;

	question_print(r, &b);
	if (b.failed)
		return -ENOMEM;
	while (at < b.n) {
		ssize_t n = send(c->fd, b.p + at, b.n - at, MSG_NOSIGNAL);

		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		else if (wait_for(c->fd, POLLOUT, SEND_WAIT_MS) == 0)
			return -ETIMEDOUT;
	}
	return 0;
}

static bool line_cut(struct client *c, struct str *ret)
{
	char *end = memchr(c->p + c->looked, '\n', c->to - c->looked);

	if (!end) {
		c->looked = c->to;
		return false;
	}
	*ret = (struct str){ c->p + c->from, (size_t)(end - c->p) - c->from };
	c->from = c->looked = (size_t)(end - c->p) + 1;
	return true;
}

/* Reads what is there. 1: something; 0: nothing now; -errno. */
static int more_read(struct client *c)
{
	ssize_t n;

	if (c->from == c->to)
		c->from = c->to = c->looked = 0;
	if (CLIENT_LINE_MAX - c->to < READ_BYTES && c->from) {
		memmove(c->p, c->p + c->from, c->to - c->from);
		c->to -= c->from;
		c->looked -= c->from;
		c->from = 0;
	}
	if (c->to == CLIENT_LINE_MAX)
		return -EMSGSIZE;
	n = recv(c->fd, c->p + c->to, CLIENT_LINE_MAX - c->to, 0);
	if (n == 0) {
		c->ended = true;
		return -EPIPE;
	}
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 :
		       errno == ECONNRESET		 ? -EPIPE :
							   -errno;
	c->to += (size_t)n;
	return 1;
}

static int ms_left(struct boot_ns until)
{
	uint64_t now = clock_boot().ns;

	return until.ns > now ? (int)((until.ns - now + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static bool bytes_cut(struct client *c, size_t max, struct str *ret)
{
	size_t n = c->to - c->from < max ? c->to - c->from : max;

	if (!n)
		return false;
	*ret = (struct str){ c->p + c->from, n };
	c->from += n;
	if (c->looked < c->from)
		c->looked = c->from;
	return true;
}

/* @max 0: a line. */
static int take(struct client *c, int wait_ms, size_t max, struct str *ret)
{
	struct boot_ns until = { clock_boot().ns + (uint64_t)(wait_ms > 0 ? wait_ms : 0) * NS_PER_MS };

	for (;;) {
		int got;

		if (max ? bytes_cut(c, max, ret) : line_cut(c, ret))
			return 1;
		if (c->ended)
			return -EPIPE;
		got = more_read(c);
		if (got < 0)
			return got;
		if (got)
			continue;
		got = wait_for(c->fd, POLLIN, wait_ms < 0 ? -1 : ms_left(until));
		if (got == 0 || got == -EINTR)
			return 0;
		if (got < 0)
			return got;
	}
}

int client_line(struct client *c, int wait_ms, struct str *ret)
{
	return take(c, wait_ms, 0, ret);
}

int client_bytes(struct client *c, int wait_ms, size_t max, struct str *ret)
{
	return max ? take(c, wait_ms, max, ret) : -EINVAL;
}

void client_stop(struct client *c)
{
	shutdown(c->fd, SHUT_WR);
}

int client_ask(const char *path, const struct question *r, int wait_ms, struct buf *ret,
	       struct buf *why)
{
	_cleanup_(client_freep) struct client *c = NULL;
	struct reply reply;
	struct str line;
	int err = client_connect(path, &c);

	if (!err)
		err = client_send(c, r);
	if (err)
		return err;
	err = client_line(c, wait_ms, &line);
	if (err <= 0)
		return err ? err : -ETIMEDOUT;
	err = reply_parse(line, &reply);
	if (err)
		return err;
	if (str_starts(line, STR("{\"error\":"))) {
		buf_str(why, buf_slice(&reply.text));
		err = -EPROTO;
	} else {
		buf_str(ret, line);
	}
	reply_free(&reply);
	return err ? err : ret->failed ? -ENOMEM : 0;
}
