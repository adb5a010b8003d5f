/*
 * The reader of capture files: a source whose records point into the block that was decompressed
 * last; nothing is copied. Two buffers of CAPTURE_BLOCK_MAX, whatever the file claims.
 *
 * Everything of the file is untrusted. A block is used only when its checksum, number, sizes and
 * records are right; the first that is not ends the stream. Blocks of unknown type are checked and
 * passed over. Regular files are read as they are asked for; from a pipe only what is there is
 * taken, so that source_next never waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "source/capture.h"
#include "source/capture_format.h"

#define NAME_MAX_BYTES 256 /* of each text among the facts */

struct reader {
	struct source src;
	int fd;
	bool pipe;	  /* poll before each read */
	struct cur begun; /* read of the file before us, while opening */
	bool wait;	  /* while opening: block */
	bool in_body;	  /* the header of a block was read, its bytes not yet */
	bool started;	  /* the facts were read */
	bool have_stats;
	uint32_t have; /* bytes of the piece that is being read */
	uint32_t seq;  /* of the next block */
	uint32_t crc;  /* of the block that is being read, so far */
	uint64_t at;   /* where that block starts in the file */
	uint64_t pos;  /* bytes read of the file */
	struct capture_head head;
	struct cur records; /* left of the current block */
	ZSTD_DCtx *zstd;
	uint8_t *stored, *raw;
	uint8_t head_bytes[CAPTURE_HEAD_BYTES];
	struct kind_stats stats[KIND_COUNT];
	struct capture_facts facts;
	char text[4][NAME_MAX_BYTES];
};

static struct reader *reader_of(struct source *s)
{
	return (struct reader *)s;
}

static void reader_free(struct reader *r)
{
	if (!r)
		return;
	closep(&r->fd);
	ZSTD_freeDCtx(r->zstd);
	free(r->stored);
	free(r->raw);
	free(r);
}

static void reader_freep(struct reader **r)
{
	reader_free(*r);
}

/* Ends the stream at the current block. Always 0, for the way out of source_next. */
static int damaged(struct reader *r, const char *what)
{
	r->src.damage = what;
	r->src.damage_at = r->at;
	r->src.losses.damaged++;
	r->src.ended = true;
	r->records = (struct cur){ 0 };
	return 0;
}

/* 1: there is something to read, or its end; 0: not now. */
static int readable(struct reader *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };

	if (!r->pipe)
		return 1;
	return poll(&p, 1, r->wait ? -1 : 0) > 0;
}

/* Up to @n bytes at @to. How many, 0 at the end of the file, -EAGAIN: not now, or -errno. */
static ssize_t read_some(struct reader *r, void *to, size_t n)
{
	ssize_t got = (ssize_t)(cur_left(&r->begun) < n ? cur_left(&r->begun) : n);

	if (got && cur_copy(&r->begun, to, (size_t)got)) {
		r->pos += (uint64_t)got;
		return got;
	}
	do {
		if (!readable(r))
			return -EAGAIN;
		got = read(r->fd, to, n);
	} while (got < 0 && errno == EINTR && !r->pipe);
	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	r->pos += (uint64_t)got;
	return got;
}

/* Reads on until @to has @n bytes. 1, 0: not now, -ENODATA: the file ends first, or -errno. */
static int fill(struct reader *r, uint8_t *to, uint32_t n)
{
	while (r->have < n) {
		ssize_t got = read_some(r, to + r->have, n - r->have);

		if (got == -EAGAIN)
			return 0;
		if (got <= 0)
			return got ? (int)got : -ENODATA;
		r->have += (uint32_t)got;
	}
	return 1;
}

/* Reads and drops the body of a block of unknown type, of any size. As fill. */
static int pass_over(struct reader *r)
{
	while (r->have < r->head.stored) {
		uint32_t left = r->head.stored - r->have;
		ssize_t got =
			read_some(r, r->stored, left < CAPTURE_BLOCK_MAX ? left : CAPTURE_BLOCK_MAX);

		if (got == -EAGAIN)
			return 0;
		if (got <= 0)
			return got ? (int)got : -ENODATA;
		r->crc = (uint32_t)crc32_z(r->crc, r->stored, (size_t)got);
		r->have += (uint32_t)got;
	}
	return 1;
}

static bool fact_text(struct cur c, char *room, struct str *ret)
{
	size_t n = cur_left(&c);

	if (n == 0 || n > NAME_MAX_BYTES || !cur_copy(&c, room, n))
		return false;
	*ret = (struct str){ room, n };
	return true;
}

/* One member; what is unknown or has a wrong size is as if absent. */
static void fact_take(struct reader *r, uint16_t key, struct cur c)
{
	uint64_t v;

	if (key == FACT_HOST)
		(void)!fact_text(c, r->text[0], &r->src.host.name);
	else if (key == FACT_KERNEL)
		(void)!fact_text(c, r->text[1], &r->facts.kernel);
	else if (key == FACT_ARCH)
		(void)!fact_text(c, r->text[2], &r->facts.arch);
	else if (key == FACT_VERSION)
		(void)!fact_text(c, r->text[3], &r->facts.version);
	else if (key == FACT_BOOT_TO_WALL_NS && cur_u64(&c, &v))
		r->src.host.boot_to_wall_ns = (int64_t)v;
	else if (key == FACT_PAGE_SIZE && cur_u64(&c, &v))
		r->facts.page_size = v;
	else if (key == FACT_CREATED_NS && cur_u64(&c, &v))
		r->facts.created.ns = v;
}

static const char *facts_block(struct reader *r, struct cur c)
{
	struct cur value;
	uint16_t key, n;

	if (r->started)
		return NULL; /* the first counts: its text is lent out */
	while (cur_left(&c)) {
		if (!cur_u16(&c, &key) || !cur_u16(&c, &n) || !cur_sub(&c, n, &value))
			return "the block of facts is malformed";
		fact_take(r, key, value);
	}
	r->started = true;
	return NULL;
}

/* Checks all records of the block once, so that handing them out needs only their length. */
static const char *records_block(struct reader *r, struct cur c)
{
	struct cur all = c;
	uint32_t items = 0;

	while (cur_left(&c)) {
		const struct rec_hdr *h = (const struct rec_hdr *)(const void *)c.p;

		if (cur_left(&c) < sizeof(*h) || h->len < sizeof(*h) || h->len > REC_MAX ||
		    !cur_skip(&c, capture_padded(h->len)))
			return "a record's length is wrong";
		items++;
	}
	if (items != r->head.items)
		return "the number of records in a block is wrong";
	r->records = all;
	return NULL;
}

static const char *stats_block(struct reader *r, struct cur c)
{
	struct kind_stats got[KIND_COUNT] = { 0 };
	struct cur values;
	uint16_t name_n, n;
	struct str name;

	while (cur_left(&c)) {
		const struct kind *k;

		if (!cur_u16(&c, &name_n) || !cur_u16(&c, &n) || !cur_str(&c, name_n, &name) ||
		    !cur_sub(&c, n * sizeof(uint64_t), &values))
			return "the block of counters is malformed";
		k = kind_find(name);
		if (k && !cur_copy(&values, &got[k->id],
				   cur_left(&values) < sizeof(got[0]) ? cur_left(&values) :
									sizeof(got[0])))
			return "the block of counters is malformed";
	}
	memcpy(r->stats, got, sizeof(got));
	r->have_stats = true;
	return NULL;
}

static const char *end_block(struct reader *r, struct cur c)
{
	if (cur_left(&c))
		return "the end block is malformed";
	r->src.ended = true;
	return NULL;
}

static const struct {
	const char *(*take)(struct reader *r, struct cur c); /* what is damaged, or NULL */
	uint32_t max;					     /* stored or raw bytes */
} block_types[CAPTURE_BLOCK_TYPES] = {
	[CAPTURE_FACTS] = { facts_block, CAPTURE_SMALL_MAX },
	[CAPTURE_RECORDS] = { records_block, CAPTURE_BLOCK_MAX },
	[CAPTURE_STATS] = { stats_block, CAPTURE_SMALL_MAX },
	[CAPTURE_END] = { end_block, 0 },
};

static bool known(const struct capture_head *h)
{
	return h->type < CAPTURE_BLOCK_TYPES && block_types[h->type].take;
}

/* Before the body is read: may it be this big? What is wrong, or NULL. */
static const char *head_check(const struct reader *r)
{
	const struct capture_head *h = &r->head;

	if (h->seq != r->seq)
		return "a block is missing or its header is damaged";
	if (!known(h))
		return NULL;
	if (h->stored > block_types[h->type].max || h->raw > block_types[h->type].max)
		return "a block is longer than its kind allows, or its header is damaged";
	if (!(h->flags & CAPTURE_ZSTD) && h->stored != h->raw)
		return "a block's sizes contradict each other";
	return NULL;
}

static const char *body_unpack(struct reader *r, struct cur *ret)
{
	size_t n;

	if (r->head.flags & ~CAPTURE_FLAGS)
		return "a block is stored in a way that this porthole does not know";
	if (!(r->head.flags & CAPTURE_ZSTD)) {
		*ret = cur_of(r->stored, r->head.stored);
		return NULL;
	}
	n = ZSTD_decompressDCtx(r->zstd, r->raw, CAPTURE_BLOCK_MAX, r->stored, r->head.stored);
	if (ZSTD_isError(n) || n != r->head.raw)
		return "a block cannot be decompressed";
	*ret = cur_of(r->raw, n);
	return NULL;
}

/* The body is there: is it right, and what does it say? */
static const char *body_take(struct reader *r)
{
	const char *why;
	struct cur c;

	if (known(&r->head))
		r->crc = (uint32_t)crc32_z(r->crc, r->stored, r->head.stored);
	if (r->crc != r->head.crc)
		return "a block's checksum is wrong";
	if (!r->started && r->head.type != CAPTURE_FACTS)
		return "the first block is not the block of facts";
	if (!known(&r->head))
		return NULL;
	why = body_unpack(r, &c);
	return why ? why : block_types[r->head.type].take(r, c);
}

/* 1: the header is there and good; 0: not now, or the end (src.ended); -errno. */
static int head_next(struct reader *r)
{
	const char *why;
	int n;

	if (r->have == 0)
		r->at = r->pos;
	n = fill(r, r->head_bytes, CAPTURE_HEAD_BYTES);
	if (n == -ENODATA)
		return damaged(r, r->have ? "the file ends inside a block" :
					    "the file ends without its end block");
	if (n <= 0)
		return n;
	if (!capture_head_read(cur_of(r->head_bytes, CAPTURE_HEAD_BYTES), &r->head))
		return damaged(r, "a block's header is damaged");
	why = head_check(r);
	if (why)
		return damaged(r, why);
	r->crc = (uint32_t)crc32_z(0, r->head_bytes, CAPTURE_CRC_AT);
	r->have = 0;
	r->in_body = true;
	return 1;
}

/* One block more: 1; 0: not now, or the end (src.ended); -errno. */
static int block_next(struct reader *r)
{
	const char *why;
	int n = r->in_body ? 1 : head_next(r);

	if (n <= 0)
		return n;
	n = known(&r->head) ? fill(r, r->stored, r->head.stored) : pass_over(r);
	if (n == -ENODATA)
		return damaged(r, "the file ends inside a block");
	if (n <= 0)
		return n;
	r->in_body = false;
	r->have = 0;
	r->seq++;
	why = body_take(r);
	return why ? damaged(r, why) : 1;
}

static int reader_next(struct source *s, const struct rec_hdr **ret)
{
	struct reader *r = reader_of(s);

	while (cur_left(&r->records) == 0) {
		int n = s->ended ? 0 : block_next(r);

		if (n <= 0)
			return n;
	}
	*ret = (const struct rec_hdr *)(const void *)r->records.p;
	/* records_block went the same way before */
	return cur_skip(&r->records, capture_padded((*ret)->len)) ? 1 : -EBADMSG;
}

static int reader_fd(struct source *s)
{
	struct reader *r = reader_of(s);

	return r->pipe && !s->ended ? r->fd : -1;
}

static int reader_stats(struct source *s, struct kind_stats ret[KIND_COUNT])
{
	const struct reader *r = reader_of(s);

	if (!r->have_stats)
		return -ENODATA;
	memcpy(ret, r->stats, sizeof(r->stats));
	return 0;
}

static void reader_close(struct source *s)
{
	reader_free(reader_of(s));
}

static int reader_make(int fd, struct reader **ret)
{
	static const struct source_ops ops = { reader_next, reader_fd, reader_stats, reader_close };
	_cleanup_(reader_freep) struct reader *r = calloc(1, sizeof(*r));
	struct stat st;

	if (!r)
		return -ENOMEM;
	r->fd = -1;
	r->src.ops = &ops;
	if (fstat(fd, &st))
		return -errno;
	r->pipe = !S_ISREG(st.st_mode);
	r->zstd = ZSTD_createDCtx();
	r->stored = malloc(CAPTURE_BLOCK_MAX);
	r->raw = malloc(CAPTURE_BLOCK_MAX);
	if (!r->zstd || !r->stored || !r->raw)
		return -ENOMEM;
	r->fd = fd;
	*ret = take_ptr(r);
	return 0;
}

static int file_header(struct reader *r, const char **ret_why)
{
	uint8_t h[CAPTURE_FILE_BYTES];
	struct cur c = cur_of(h, sizeof(h));
	uint16_t major, minor;
	uint32_t crc;
	int n = fill(r, h, sizeof(h));

	if (n < 0 && n != -ENODATA)
		return n;
	if (n == 0)
		return -EINTR;
	if (r->have < 8 || memcmp(h, CAPTURE_MAGIC, 8) != 0) {
		*ret_why = "not a capture file of porthole";
		return -EBADMSG;
	}
	*ret_why = "the capture's header is damaged";
	if (n < 0 || !cur_skip(&c, 8) || !cur_u16(&c, &major) || !cur_u16(&c, &minor) ||
	    !cur_u32(&c, &crc) || crc != crc32_z(0, h, 12))
		return -EBADMSG;
	if (major > CAPTURE_MAJOR) {
		*ret_why = "the capture is of a newer format: read it with a newer porthole";
		return -EBADMSG;
	}
	r->have = 0;
	return 0;
}

/* The file's header and the first block. */
static int reader_start(struct reader *r, const char **ret_why)
{
	int n;

	r->wait = true;
	n = file_header(r, ret_why);
	if (n)
		return n;
	n = block_next(r);
	r->wait = false;
	if (n > 0)
		return 0;
	*ret_why = r->src.damage ? r->src.damage : "the capture cannot be read";
	return r->src.damage ? -EBADMSG : n ? n : -EINTR;
}

int capture_open_fd(int fd, struct str begun, struct source **ret, const char **ret_why)
{
	_cleanup_(reader_freep) struct reader *r = NULL;
	int err;

	*ret_why = "the capture cannot be read";
	err = reader_make(fd, &r);
	if (err)
		return err;
	r->begun = cur_of(begun.p, begun.n);
	err = reader_start(r, ret_why);
	if (err) {
		r->fd = -1; /* still the caller's */
		return err;
	}
	*ret = &take_ptr(r)->src;
	return 0;
}

bool capture_is(struct str begun)
{
	return str_starts(begun, STR(CAPTURE_MAGIC));
}

int capture_open(const char *path, struct source **ret, const char **ret_why)
{
	_cleanup_(closep) int fd = -1;
	int err;

	if (strcmp(path, "-") == 0)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		*ret_why = "the capture cannot be opened";
		return -errno;
	}
	err = capture_open_fd(fd, STR_NONE, ret, ret_why);
	if (err == 0)
		fd = -1;
	return err;
}

const struct capture_facts *capture_facts(const struct source *s)
{
	return &((const struct reader *)s)->facts;
}
