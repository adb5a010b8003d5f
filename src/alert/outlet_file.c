/*
 * A file: a line each, appended. It is rotated before it would pass max_bytes: PATH becomes PATH.1,
 * PATH.1 becomes PATH.2, and what was PATH.keep goes. A file that someone else moved or removed is
 * opened anew (looked at once for each batch). A line half written, as on a full disk, is cut off
 * again, so that each line is whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "alert/channel.h"
#include "base/cleanup.h"

#define KEEP_MAX 1000

struct file {
	char *path;
	bool text;
	int fd;
	uint64_t size, max;
	unsigned keep;
	struct buf line;
};

static void file_close(void *ctx)
{
	struct file *c = ctx;

	closep(&c->fd);
	free(c->path);
	buf_free(&c->line);
	free(c);
}

static int file_ready(struct file *c)
{
	struct stat st, named;

	if (c->fd >= 0 && fstat(c->fd, &st) == 0 && stat(c->path, &named) == 0 &&
	    st.st_dev == named.st_dev && st.st_ino == named.st_ino)
		return 0;
	closep(&c->fd);
	c->fd = open(c->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		     0600);
	if (c->fd < 0)
		return -errno;
	c->size = fstat(c->fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	return 0;
}

static int file_open(const struct outlet_opts *o, void **ret, struct buf *why)
{
	struct file *c;
	int err;

	if (!o->path || o->path[0] != '/' || o->keep > KEEP_MAX) {
		buf_printf(why,
			   o->keep > KEEP_MAX ? "at most %d old files" :
						"the path of a file must be absolute",
			   KEEP_MAX);
		return -EINVAL;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct file){
		.path = strdup(o->path), .text = o->text, .fd = -1, .max = o->max_bytes, .keep = o->keep
	};
	err = c->path ? file_ready(c) : -ENOMEM;
	if (err) {
		buf_printf(why, "%s: %s", o->path, strerror(-err));
		file_close(c);
		return err;
	}
	*ret = c;
	return 0;
}

static void file_name(const struct file *c, unsigned i, struct buf *b)
{
	buf_reset(b);
	buf_printf(b, i ? "%s.%u" : "%s", c->path, i);
	buf_char(b, 0);
}

static int file_rotate(struct file *c)
{
	_cleanup_(buf_free) struct buf from = { 0 };
	_cleanup_(buf_free) struct buf to = { 0 };

	if (c->keep == 0 && unlink(c->path) < 0)
		return -errno;
	for (unsigned i = c->keep; i > 0; i--) {
		file_name(c, i - 1, &from);
		file_name(c, i, &to);
		if (from.failed || to.failed)
			return -ENOMEM;
		if (rename(from.p, to.p) < 0 && errno != ENOENT)
			return -errno;
	}
	return file_ready(c);
}

static int file_line(struct file *c, const struct channel_io *io, struct str line)
{
	size_t put = 0;
	int err = 0;

	buf_reset(&c->line);
	buf_str(&c->line, line);
	buf_char(&c->line, '\n');
	if (c->line.failed)
		return -ENOMEM;
	if (c->max && c->size && c->size + c->line.n > c->max)
		err = file_rotate(c);
	if (!err)
		err = channel_write(io, c->fd, c->line.p, c->line.n, &put);
	if (err && put && ftruncate(c->fd, (off_t)c->size) < 0)
		c->size += put; /* no regular file: half a line it is */
	else if (!err)
		c->size += put;
	return err;
}

static int file_send(void *ctx, struct channel_io *io)
{
	struct file *c = ctx;
	int err = file_ready(c);

	while (!err && io->done < io->batch->n) {
		err = file_line(c, io, channel_line(&io->batch->alerts[io->done], c->text));
		io->done += !err;
	}
	return err ? channel_fail(io, err, c->path) : 0;
}

static void file_reopen(void *ctx)
{
	closep(&((struct file *)ctx)->fd);
	((struct file *)ctx)->fd = -1;
}

const struct channel_ops channel_file = {
	.kind = "file",
	.batch = SPOOL_BATCH,
	.open = file_open,
	.send = file_send,
	.reopen = file_reopen,
	.close = file_close,
};
