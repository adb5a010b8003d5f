/*
 * The systemd journal by its native protocol: a datagram of fields, each `NAME\n`, its length in
 * 8 bytes little-endian, the bytes and `\n` (the form that takes any bytes). What is too large for a
 * datagram goes as a sealed memfd that is passed along. Without the journal's socket it waits.
 *
 *	MESSAGE             the line, text or JSON
 *	PRIORITY            0 to 7
 *	SYSLOG_IDENTIFIER   porthole
 *	PORTHOLE_RULE       the rule
 *	PORTHOLE_ALERT      the JSON object, when MESSAGE is text
 *
 * Source: systemd, "Native Journal Protocol".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "alert/channel.h"
#include "base/cleanup.h"

struct journald {
	char *path;
	bool text;
	int fd;
	struct buf fields;
};

static void journald_close(void *ctx)
{
	struct journald *c = ctx;

	closep(&c->fd);
	free(c->path);
	buf_free(&c->fields);
	free(c);
}

static int journald_open(const struct outlet_opts *o, void **ret, struct buf *why)
{
	struct journald *c = calloc(1, sizeof(*c));

	(void)why;
	if (!c)
		return -ENOMEM;
	*c = (struct journald){
		.path = strdup(o->path && *o->path ? o->path : "/run/systemd/journal/socket"),
		.text = o->text,
		.fd = -1,
	};
	if (!c->path) {
		journald_close(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

static void add_field(struct buf *b, struct str name, struct str value)
{
	uint64_t n = htole64(value.n);

	buf_str(b, name);
	buf_char(b, '\n');
	buf_add(b, &n, sizeof(n));
	buf_str(b, value);
	buf_char(b, '\n');
}

static void journald_fields(struct journald *c, const struct spool_alert *a)
{
	char priority = (char)('0' + a->priority);

	buf_reset(&c->fields);
	add_field(&c->fields, STR("MESSAGE"), channel_line(a, c->text));
	add_field(&c->fields, STR("PRIORITY"), (struct str){ &priority, 1 });
	add_field(&c->fields, STR("SYSLOG_IDENTIFIER"), STR("porthole"));
	add_field(&c->fields, STR("PORTHOLE_RULE"), a->rule);
	if (c->text)
		add_field(&c->fields, STR("PORTHOLE_ALERT"), a->json);
}

/* The fields as a file that the journal may read at leisure: nobody can change it any more. */
static int journald_memfd(struct journald *c, struct channel_io *io)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	_cleanup_(closep) int fd = memfd_create("porthole-alert", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { 0 };
	struct msghdr m = { .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&m);
	size_t put;
	int err;

	if (fd < 0)
		return -errno;
	err = channel_write(io, fd, c->fields.p, c->fields.n, &put);
	if (err)
		return err;
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		return -errno;
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
	return channel_message(io, c->fd, &m);
}

static int journald_one(struct journald *c, struct channel_io *io, const struct spool_alert *a)
{
	struct iovec part;
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	int err;

	journald_fields(c, a);
	if (c->fields.failed)
		return -ENOMEM;
	part = (struct iovec){ c->fields.p, c->fields.n };
	err = channel_message(io, c->fd, &m);
	return err == -EMSGSIZE || err == -ENOBUFS ? journald_memfd(c, io) : err;
}

static int journald_send(void *ctx, struct channel_io *io)
{
	struct journald *c = ctx;
	bool fresh = c->fd < 0;
	int err = fresh ? channel_unix(c->path, SOCK_DGRAM, &c->fd) : 0;

	while (!err && io->done < io->batch->n) {
		err = journald_one(c, io, &io->batch->alerts[io->done]);
		io->done += !err;
		if (!err || err == -ECANCELED)
			continue;
		closep(&c->fd);
		c->fd = -1;
		if (!fresh) {
			fresh = true;
			err = channel_unix(c->path, SOCK_DGRAM, &c->fd);
		}
	}
	return err ? channel_fail(io, err, c->path) : 0;
}

const struct channel_ops channel_journald = {
	.kind = "journald",
	.batch = 16,
	.open = journald_open,
	.send = journald_send,
	.close = journald_close,
};
