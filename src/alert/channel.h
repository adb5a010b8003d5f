#pragma once
/*
 * The contract of a channel. A new one is a file with its ops, and a row in outlets.c.
 *
 * All functions but `open` run on the channel's own thread and may block, but look at io->stop
 * every fraction of a second. send delivers alerts of the batch from the first on and says how many
 * are done with, delivered or refused, whatever it returns; after a failure it is called again, with
 * the first that is not done.
 */
#include "alert/outlets.h"
#include "alert/spool.h"

struct channel_io {
	const atomic_bool *stop;
	const struct spool_batch *batch;
	size_t done;		 /* out: alerts done with */
	uint64_t refused, cut;	 /* out: of these */
	uint32_t retry_after_ms; /* out: the receiver's wish; 0: none */
	char error[160];	 /* out, with a failure or a refusal: why */
};

struct channel_ops {
	const char *kind;
	size_t batch; /* alerts at once, at most SPOOL_BATCH */
	/* Checks the options; what can be down is not opened here. 0 or -errno, reason in @why. */
	int (*open)(const struct outlet_opts *o, void **ret, struct buf *why);
	/* 0, or -errno to be called again later. */
	int (*send)(void *ctx, struct channel_io *io);
	void (*reopen)(void *ctx); /* may be NULL */
	void (*close)(void *ctx);
};

extern const struct channel_ops channel_stdout, channel_file, channel_syslog, channel_journald,
	channel_http;

/* The bytes to send of an alert. */
static inline struct str channel_line(const struct spool_alert *a, bool text)
{
	return text ? a->text : a->json;
}

/* Fills io->error; returns @err. */
int channel_fail(struct channel_io *io, int err, const char *what);

/*
 * Writes all of it, waiting as long as the descriptor takes nothing but not longer than stop.
 * *ret_put: bytes written. 0, -ECANCELED: stopped, or -errno.
 */
int channel_write(const struct channel_io *io, int fd, const char *p, size_t n, size_t *ret_put);

/* A socket of @type connected to @path. 0 or -errno. */
int channel_unix(const char *path, int type, int *ret_fd);

/* Sends one datagram, waiting for room. 0, -ECANCELED: stopped, or -errno. */
struct msghdr;
int channel_message(const struct channel_io *io, int fd, const struct msghdr *m);
