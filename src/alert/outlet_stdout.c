/*
 * Standard output: a line each, many in one write. A pipe that nobody reads blocks this channel
 * alone. A line half written when the reader stalls is finished by the next try.
 */
#include <errno.h>
#include <fcntl.h>

#include "alert/channel.h"
#include "base/cleanup.h"

struct stdio {
	int fd;
	bool text;
	struct buf lines;
	size_t half; /* bytes of the first alert that are written */
	uint64_t half_seq;
};

static int stdout_open(const struct outlet_opts *o, void **ret, struct buf *why)
{
	_cleanup_(freep) struct stdio *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->text = o->text;
	c->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (c->fd < 0) {
		buf_printf(why, "standard output: %s", strerror(errno));
		return -EBADF;
	}
	*ret = take_ptr(c);
	return 0;
}

static int stdout_send(void *ctx, struct channel_io *io)
{
	const struct spool_batch *batch = io->batch;
	struct stdio *c = ctx;
	size_t put = 0;
	int err;

	buf_reset(&c->lines);
	for (size_t i = 0; i < batch->n; i++) {
		buf_str(&c->lines, channel_line(&batch->alerts[i], c->text));
		buf_char(&c->lines, '\n');
	}
	if (c->lines.failed)
		return channel_fail(io, -ENOMEM, "standard output");
	if (c->half && c->half_seq != batch->alerts[0].seq) {
		/* The rest of that line is gone from the spool. */
		err = channel_write(io, c->fd, "\n", 1, &put);
		if (err)
			return channel_fail(io, err, "standard output");
		c->half = 0;
	}
	err = channel_write(io, c->fd, c->lines.p + c->half, c->lines.n - c->half, &put);
	put += c->half;
	while (io->done < batch->n) {
		size_t n = channel_line(&batch->alerts[io->done], c->text).n + 1;

		if (put < n)
			break;
		put -= n;
		io->done++;
	}
	c->half = put;
	if (put)
		c->half_seq = batch->alerts[io->done].seq;
	return err ? channel_fail(io, err, "standard output") : 0;
}

static void stdout_close(void *ctx)
{
	struct stdio *c = ctx;

	closep(&c->fd);
	buf_free(&c->lines);
	free(c);
}

const struct channel_ops channel_stdout = {
	.kind = "stdout",
	.batch = SPOOL_BATCH,
	.open = stdout_open,
	.send = stdout_send,
	.close = stdout_close,
};
