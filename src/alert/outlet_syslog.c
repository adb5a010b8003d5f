/*
 * The local syslog, as libc's syslog() speaks to it: RFC 3164 without a host name, over a datagram
 * socket, or a stream (each message ended by NUL) where the daemon has one. The facility is "user",
 * the severity the alert's priority, whose numbers are syslog's own.
 *
 * A message that the daemon's socket does not take for its length is cut to half of it until it
 * does, counted.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "alert/channel.h"
#include "base/cleanup.h"

#define FACILITY_USER 8	  /* 1, shifted */
#define CUT_MIN_BYTES 480 /* what any receiver takes (RFC 5424, 6.1) */

struct syslog {
	char *path;
	bool text, stream;
	int fd;
	struct buf line;
};

static void syslog_close(void *ctx)
{
	struct syslog *c = ctx;

	closep(&c->fd);
	free(c->path);
	buf_free(&c->line);
	free(c);
}

static int syslog_open(const struct outlet_opts *o, void **ret, struct buf *why)
{
	struct syslog *c = calloc(1, sizeof(*c));

	(void)why;
	if (!c)
		return -ENOMEM;
	*c = (struct syslog){
		.path = strdup(o->path && *o->path ? o->path : "/dev/log"),
		.text = o->text,
		.fd = -1,
	};
	if (!c->path) {
		syslog_close(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

static int syslog_connect(struct syslog *c)
{
	int err;

	if (c->fd >= 0)
		return 0;
	c->stream = false;
	err = channel_unix(c->path, SOCK_DGRAM, &c->fd);
	if (err == -EPROTOTYPE) {
		c->stream = true;
		err = channel_unix(c->path, SOCK_STREAM, &c->fd);
	}
	return err;
}

static void syslog_line(struct syslog *c, const struct spool_alert *a)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t s = (time_t)(a->time.ns / NS_PER_SEC);
	struct tm tm = { 0 };

	localtime_r(&s, &tm);
	buf_reset(&c->line);
	buf_printf(&c->line, "<%u>%.3s %2d %02d:%02d:%02d porthole[%d]: ",
		   FACILITY_USER | (unsigned)a->priority, months + 3 * tm.tm_mon, tm.tm_mday,
		   tm.tm_hour, tm.tm_min, tm.tm_sec, (int)getpid());
	buf_str(&c->line, channel_line(a, c->text));
	if (c->stream)
		buf_char(&c->line, 0);
}

static int syslog_datagram(struct syslog *c, struct channel_io *io)
{
	struct iovec part = { c->line.p, c->line.n };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	int err = channel_message(io, c->fd, &m);

	while ((err == -EMSGSIZE || err == -ENOBUFS) && part.iov_len / 2 >= CUT_MIN_BYTES) {
		part.iov_len /= 2;
		err = channel_message(io, c->fd, &m);
	}
	if (!err && part.iov_len < c->line.n)
		io->cut++;
	return err;
}

static int syslog_one(struct syslog *c, struct channel_io *io, const struct spool_alert *a)
{
	size_t put;

	syslog_line(c, a);
	if (c->line.failed)
		return -ENOMEM;
	if (!c->stream)
		return syslog_datagram(c, io);
	return channel_write(io, c->fd, c->line.p, c->line.n, &put);
}

static int syslog_send(void *ctx, struct channel_io *io)
{
	struct syslog *c = ctx;
	bool fresh = c->fd < 0;
	int err = syslog_connect(c);

	while (!err && io->done < io->batch->n) {
		err = syslog_one(c, io, &io->batch->alerts[io->done]);
		io->done += !err;
		if (!err || err == -ECANCELED)
			continue;
		closep(&c->fd);
		c->fd = -1;
		/* A daemon that was started anew has another socket: at once, but once. */
		if (!fresh) {
			fresh = true;
			err = syslog_connect(c);
		}
	}
	return err ? channel_fail(io, err, c->path) : 0;
}

const struct channel_ops channel_syslog = {
	.kind = "syslog",
	.batch = 16,
	.open = syslog_open,
	.send = syslog_send,
	.close = syslog_close,
};
