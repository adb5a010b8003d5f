/*
 * The writer of capture files: records are gathered into blocks of CAPTURE_BLOCK_BYTES, a full or
 * second-old block is compressed (zstd level 1, one context for all) and written with one write.
 *
 * Memory is taken once, in capture_create. The first failed write is remembered and ends the file
 * at its last whole block.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "source/capture.h"
#include "source/capture_format.h"

#define FLUSH_AFTER_NS NS_PER_SEC
#define ZSTD_LEVEL     1

struct capture_writer {
	int fd;
	bool is_stdout;
	int err;	   /* of the first failed write */
	uint32_t seq;	   /* of the next block */
	uint32_t n, items; /* bytes and records in raw */
	uint64_t first_ns; /* when raw got its first record, CLOCK_MONOTONIC */
	uint64_t whole;	   /* bytes of the file up to its last whole block */
	ZSTD_CCtx *zstd;
	size_t out_cap; /* behind the header */
	uint8_t *out;	/* a block as it is written, header first */
	uint8_t raw[CAPTURE_BLOCK_BYTES];
};

static void writer_free(struct capture_writer *w)
{
	if (!w)
		return;
	closep(&w->fd);
	ZSTD_freeCCtx(w->zstd);
	free(w->out);
	free(w);
}

static void writer_freep(struct capture_writer **w)
{
	writer_free(*w);
}

/* A new file where none or a regular one is; devices, pipes and links are written into. */
static int open_target(const char *path)
{
	const int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;
	struct stat st;
	int fd;

	if (strcmp(path, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			return -ENOTTY;
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? -errno : fd;
	}
	fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	if (fd < 0 && errno == EEXIST) {
		if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && unlink(path) == 0)
			fd = open(path, flags | O_CREAT | O_EXCL, 0600);
		else
			fd = open(path, flags | O_TRUNC);
	}
	return fd < 0 ? -errno : fd;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t put = write(fd, p, n);

		if (put > 0) {
			p += put;
			n -= (size_t)put;
		} else if (put == 0) {
			return -ENOSPC;
		} else if (errno == EAGAIN) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			poll(&pfd, 1, -1);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static int put_bytes(struct capture_writer *w, const uint8_t *p, size_t n)
{
	if (w->err)
		return w->err;
	w->err = write_all(w->fd, p, n);
	if (w->err == 0)
		w->whole += n;
	else if (!w->is_stdout && ftruncate(w->fd, (off_t)w->whole))
		return w->err; /* a pipe: the reader finds half a block */
	return w->err;
}

static int put_file_header(struct capture_writer *w)
{
	const uint16_t version[2] = { CAPTURE_MAJOR, CAPTURE_MINOR };
	uint8_t h[CAPTURE_FILE_BYTES] = CAPTURE_MAGIC;
	uint32_t crc;

	memcpy(h + 8, version, sizeof(version));
	crc = (uint32_t)crc32_z(0, h, 12);
	memcpy(h + 12, &crc, sizeof(crc));
	return put_bytes(w, h, sizeof(h));
}

/* One block of @raw_n bytes at @raw; at most CAPTURE_BLOCK_BYTES. */
static int put_block(struct capture_writer *w, enum capture_block type, const void *raw,
		     uint32_t raw_n, uint32_t items)
{
	uint8_t *body = w->out + CAPTURE_HEAD_BYTES;
	struct capture_head h = {
		.type = (uint16_t)type, .seq = w->seq, .stored = raw_n, .raw = raw_n, .items = items
	};
	size_t n = raw_n ? ZSTD_compressCCtx(w->zstd, body, w->out_cap, raw, raw_n, ZSTD_LEVEL) : 0;

	if (n > 0 && !ZSTD_isError(n) && n < raw_n) {
		h.flags = CAPTURE_ZSTD;
		h.stored = (uint32_t)n;
	} else if (raw_n) {
		memcpy(body, raw, raw_n);
	}
	capture_head_write(&h, body, w->out);
	w->seq++;
	return put_bytes(w, w->out, CAPTURE_HEAD_BYTES + h.stored);
}

static void fact_add(struct buf *b, enum capture_fact key, struct str s)
{
	uint16_t head[2] = { (uint16_t)key, (uint16_t)(s.n < 4096 ? s.n : 4096) };

	buf_add(b, head, sizeof(head));
	buf_add(b, s.p, head[1]);
}

static void fact_add_num(struct buf *b, enum capture_fact key, uint64_t v)
{
	fact_add(b, key, (struct str){ (const char *)&v, sizeof(v) });
}

static int put_facts(struct capture_writer *w, const struct event_host *host)
{
	_cleanup_(buf_free) struct buf b = { .max = CAPTURE_SMALL_MAX };
	struct utsname u;

	if (uname(&u))
		return -errno;
	fact_add(&b, FACT_HOST, host->name);
	fact_add_num(&b, FACT_BOOT_TO_WALL_NS, (uint64_t)host->boot_to_wall_ns);
	fact_add(&b, FACT_KERNEL, str_of(u.release));
	fact_add(&b, FACT_ARCH, str_of(u.machine));
	fact_add_num(&b, FACT_PAGE_SIZE, (uint64_t)sysconf(_SC_PAGESIZE));
	fact_add(&b, FACT_VERSION, STR(PORTHOLE_VERSION));
	fact_add_num(&b, FACT_CREATED_NS, clock_wall().ns);
	if (b.failed)
		return -ENOMEM;
	return put_block(w, CAPTURE_FACTS, b.p, (uint32_t)b.n, FACT_COUNT - 1);
}

/* Counters by the kind's name, so that a reader with other kinds finds those it knows. */
static int put_stats(struct capture_writer *w, const struct kind_stats stats[KIND_COUNT])
{
	_cleanup_(buf_free) struct buf b = { .max = CAPTURE_SMALL_MAX };
	const uint16_t values = sizeof(stats[0]) / sizeof(uint64_t);

	for (size_t i = 0; i < KIND_COUNT; i++) {
		uint16_t head[2] = { (uint16_t)kind_table[i].name.n, values };

		buf_add(&b, head, sizeof(head));
		buf_str(&b, kind_table[i].name);
		buf_add(&b, &stats[i], sizeof(stats[i]));
	}
	if (b.failed)
		return -ENOMEM;
	return put_block(w, CAPTURE_STATS, b.p, (uint32_t)b.n, KIND_COUNT);
}

static int flush(struct capture_writer *w)
{
	int err;

	if (w->items == 0)
		return w->err;
	err = put_block(w, CAPTURE_RECORDS, w->raw, w->n, w->items);
	w->n = w->items = 0;
	return err;
}

int capture_create(const char *path, const struct event_host *host, struct capture_writer **ret)
{
	_cleanup_(writer_freep) struct capture_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->fd = -1;
	w->out_cap = ZSTD_compressBound(CAPTURE_BLOCK_BYTES);
	w->out = malloc(CAPTURE_HEAD_BYTES + w->out_cap);
	w->zstd = ZSTD_createCCtx();
	if (!w->out || !w->zstd)
		return -ENOMEM;
	w->is_stdout = strcmp(path, "-") == 0;
	w->fd = open_target(path);
	if (w->fd < 0)
		return w->fd;
	err = put_file_header(w);
	if (err == 0)
		err = put_facts(w, host);
	if (err)
		return err;
	*ret = take_ptr(w);
	return 0;
}

int capture_add(struct capture_writer *w, const struct rec_hdr *h)
{
	uint32_t len = h->len, padded = capture_padded(len);

	if (w->err)
		return w->err;
	if (len < sizeof(*h) || len > REC_MAX)
		return -EINVAL;
	if (padded > sizeof(w->raw) - w->n && flush(w))
		return w->err;
	if (w->items++ == 0)
		w->first_ns = clock_read_ns(CLOCK_MONOTONIC);
	memset(w->raw + w->n + padded - 8, 0, 8);
	memcpy(w->raw + w->n, h, len);
	w->n += padded;
	return 0;
}

int capture_tick(struct capture_writer *w)
{
	if (w->items == 0 || clock_read_ns(CLOCK_MONOTONIC) - w->first_ns < FLUSH_AFTER_NS)
		return w->err;
	return flush(w);
}

int capture_end(struct capture_writer *w, const struct kind_stats stats[KIND_COUNT])
{
	_cleanup_(writer_freep) struct capture_writer *owned = w;
	int err;

	if (!w)
		return 0;
	err = flush(w);
	if (err == 0 && stats)
		err = put_stats(w, stats);
	if (err == 0)
		err = put_block(w, CAPTURE_END, NULL, 0, 0);
	if (close(take_fd(&w->fd)) && err == 0)
		err = -errno;
	return err;
}
