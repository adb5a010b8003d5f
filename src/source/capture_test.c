/*
 * Capture files: what goes in comes out; every prefix and every flipped byte of one; hostile
 * blocks with right checksums; pipes, full disks; a file of an earlier day (capture_fuzz.d/golden).
 */
#include "source/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "source/capture_format.h"

#define GOLDEN	"src/source/capture_fuzz.d/golden"
#define RECORDS 120 /* of the small capture, in three blocks */

static char path[] = "/tmp/porthole_capture_test.XXXXXX";
static const struct event_host host = { { "node-a", 6 }, 1700000000123456789 };

#define HDR sizeof(struct rec_hdr)

struct room {
	_Alignas(8) uint8_t bytes[REC_MAX + 8];
};

/* Record @i: a length of all remainders by 8 and bytes that tell which it is. */
static const struct rec_hdr *make(struct room *room, uint32_t i, uint32_t len)
{
	struct rec_hdr h = {
		.time_ns = 1000ull * i, .cgroup = 7, .len = len, .seq = i, .pid = 100 + i % 5, .type = 1
	};

	memset(room->bytes, (int)(i * 7), len);
	memcpy(room->bytes, &h, sizeof(h));
	return (const struct rec_hdr *)(void *)room->bytes;
}

static uint32_t len_of(uint32_t i)
{
	return i % 8 == 7 ? REC_MAX - i : HDR + i * 13 % 300;
}

static void fill_stats(struct kind_stats st[KIND_COUNT])
{
	for (uint64_t i = 0; i < KIND_COUNT; i++)
		st[i] = (struct kind_stats){ i + 1, i * 2, i * 3, i * 4, i << 40 };
}

static void write_small(const char *to, uint32_t records)
{
	struct capture_writer *w = NULL;
	struct kind_stats st[KIND_COUNT];
	struct room room;

	fill_stats(st);
	assert_int_equal(capture_create(to, &host, &w), 0);
	for (uint32_t i = 0; i < records; i++)
		assert_int_equal(capture_add(w, make(&room, i, len_of(i))), 0);
	assert_int_equal(capture_tick(w), 0);
	assert_int_equal(capture_end(w, st), 0);
}

static struct buf slurp(const char *from)
{
	struct buf b = { 0 };
	_cleanup_(closep) int fd = open(from, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, buf_grow(&b, 65536), 65536)) > 0)
		b.n += (size_t)n;
	assert_int_equal(n, 0);
	return b;
}

/* A source of bytes; NULL and *ret_why when they are refused. */
static struct source *open_bytes(const void *p, size_t n, const char **ret_why)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct source *s = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	if (capture_open_fd(fd, STR_NONE, &s, ret_why)) {
		assert_null(s);
		close(fd);
	}
	return s;
}

/* Reads all; each record must be the one of its place. How many. */
static uint32_t drain(struct source *s)
{
	const struct rec_hdr *h;
	struct room want;
	uint32_t n = 0;
	int got;

	while ((got = source_next(s, &h)) == 1) {
		make(&want, n, len_of(n));
		assert_int_equal(h->len, len_of(n));
		assert_memory_equal(h, want.bytes, h->len);
		n++;
	}
	assert_int_equal(got, 0);
	assert_true(s->ended);
	assert_int_equal(source_next(s, &h), 0);
	return n;
}

static void test_round_trip(void **state)
{
	struct kind_stats st[KIND_COUNT], want[KIND_COUNT];
	const char *why = NULL;
	struct source *s = NULL;
	struct utsname u;
	struct stat file;

	(void)state;
	write_small(path, 5000);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);
	assert_int_equal(capture_open(path, &s, &why), 0);
	assert_int_equal(source_fd(s), -1);
	assert_int_equal(source_stats(s, st), -ENODATA);
	assert_int_equal(drain(s), 5000);
	assert_null(s->damage);
	assert_int_equal(s->losses.damaged, 0);
	assert_true(str_eq(s->host.name, host.name));
	assert_true(s->host.boot_to_wall_ns == host.boot_to_wall_ns);
	uname(&u);
	assert_true(str_eq(capture_facts(s)->kernel, str_of(u.release)));
	assert_true(str_eq(capture_facts(s)->arch, str_of(u.machine)));
	assert_true(str_eq(capture_facts(s)->version, STR(PORTHOLE_VERSION)));
	assert_int_equal(capture_facts(s)->page_size, sysconf(_SC_PAGESIZE));
	assert_true(clock_wall().ns - capture_facts(s)->created.ns < 60 * NS_PER_SEC);
	fill_stats(want);
	assert_int_equal(source_stats(s, st), 0);
	assert_memory_equal(st, want, sizeof(st));
	source_close(s);
}

static void test_sizes(void **state)
{
	struct capture_writer *w = NULL;
	const struct rec_hdr *h;
	struct source *s = NULL;
	const char *why;
	struct room room, bad;

	(void)state;
	assert_int_equal(capture_create(path, &host, &w), 0);
	for (uint32_t i = 0; i < 40; i++)
		assert_int_equal(capture_add(w, make(&room, i, REC_MAX - i % 9)), 0);
	make(&bad, 0, HDR);
	for (uint32_t i = 0; i < 4; i++) {
		const uint32_t lens[] = { 0, 47, REC_MAX + 1, UINT32_MAX };

		memcpy(bad.bytes + offsetof(struct rec_hdr, len), &lens[i], 4);
		assert_int_equal(capture_add(w, (void *)bad.bytes), -EINVAL);
	}
	assert_int_equal(capture_end(w, NULL), 0);
	assert_int_equal(capture_open(path, &s, &why), 0);
	for (uint32_t i = 0; i < 40; i++) {
		make(&room, i, REC_MAX - i % 9);
		assert_int_equal(source_next(s, &h), 1);
		assert_int_equal(h->len, REC_MAX - i % 9);
		assert_memory_equal(h, room.bytes, h->len);
	}
	assert_int_equal(source_next(s, &h), 0);
	assert_true(s->ended);
	assert_int_equal(source_stats(s, (struct kind_stats[KIND_COUNT]){ 0 }), -ENODATA);
	source_close(s);
	assert_int_equal(capture_end(NULL, NULL), 0);
	source_close(NULL);
}

static void test_tick(void **state)
{
	struct capture_writer *w = NULL;
	struct room room;
	struct stat before, after;

	(void)state;
	assert_int_equal(capture_create(path, &host, &w), 0);
	assert_int_equal(capture_add(w, make(&room, 0, 100)), 0);
	assert_int_equal(capture_tick(w), 0);
	assert_int_equal(stat(path, &before), 0);
	usleep(1010 * 1000);
	assert_int_equal(capture_tick(w), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_true(after.st_size > before.st_size);
	assert_int_equal(capture_end(w, NULL), 0);
}

/* A cut file gives whole records up to the cut, and says that it was cut. */
static void test_every_prefix(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	const char *why = NULL;
	uint32_t last = 0;

	(void)state;
	write_small(path, RECORDS);
	b = slurp(path);
	for (size_t n = 0; n < b.n; n++) {
		struct source *s = open_bytes(b.p, n, &why);
		uint32_t got;

		if (!s) {
			assert_non_null(why);
			continue;
		}
		got = drain(s);
		assert_true(got >= last && got <= RECORDS);
		last = got;
		assert_non_null(s->damage);
		assert_true(s->damage_at <= n);
		assert_int_equal(s->losses.damaged, 1);
		source_close(s);
	}
	assert_int_equal(last, RECORDS);
}

/* A changed byte anywhere is refused or said; the records before it are right. */
static void test_every_flip(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	const char *why = NULL;

	(void)state;
	write_small(path, RECORDS);
	b = slurp(path);
	for (size_t i = 0; i < b.n; i++) {
		struct source *s;

		b.p[i] = (char)(b.p[i] ^ (1 << i % 8));
		s = open_bytes(b.p, b.n, &why);
		b.p[i] = (char)(b.p[i] ^ (1 << i % 8));
		if (!s)
			continue;
		assert_true(drain(s) <= RECORDS);
		assert_non_null(s->damage);
		assert_true(s->damage_at <= i && i < b.n);
		assert_int_equal(s->losses.damaged, 1);
		source_close(s);
	}
}

/* The start of a good file, facts included, to append blocks to; *ret_seq is the next block's. */
static struct buf good_start(uint32_t *ret_seq)
{
	struct capture_head h = { 0 };
	struct buf b;
	size_t n;

	write_small(path, 0);
	b = slurp(path);
	assert_true(capture_head_read(cur_of(b.p + CAPTURE_FILE_BYTES, CAPTURE_HEAD_BYTES), &h));
	n = CAPTURE_FILE_BYTES + CAPTURE_HEAD_BYTES + h.stored;
	assert_true(n < b.n);
	b.n = n;
	*ret_seq = 1;
	return b;
}

/* A block stored as it is, its checksum right. */
static void block_add(struct buf *b, uint32_t seq, uint16_t type, struct buf *body, uint32_t items)
{
	uint32_t n = (uint32_t)body->n;
	struct capture_head h = { .type = type, .seq = seq, .stored = n, .raw = n, .items = items };
	uint8_t head[CAPTURE_HEAD_BYTES];

	capture_head_write(&h, body->p ? body->p : "", head);
	buf_add(b, head, sizeof(head));
	buf_add(b, body->p, n);
	buf_reset(body);
}

static void test_unknown_block(void **state)
{
	uint32_t seq;
	_cleanup_(buf_free) struct buf b = good_start(&seq);
	_cleanup_(buf_free) struct buf body = { 0 };
	struct room room;
	struct source *s;
	const char *why;

	(void)state;
	for (uint32_t i = 0; i < 3u * CAPTURE_BLOCK_MAX; i++)
		buf_char(&body, (char)i);
	block_add(&b, seq++, 77, &body, 5);
	buf_add(&body, make(&room, 0, HDR), HDR);
	block_add(&b, seq++, CAPTURE_RECORDS, &body, 1);
	block_add(&b, seq++, CAPTURE_END, &body, 0);
	s = open_bytes(b.p, b.n, &why);
	assert_non_null(s);
	assert_int_equal(drain(s), 1);
	assert_null(s->damage);
	source_close(s);
}

/* A kind this porthole does not know, fewer counters than it knows, and more. */
static void test_foreign_stats(void **state)
{
	uint32_t seq;
	_cleanup_(buf_free) struct buf b = good_start(&seq);
	_cleanup_(buf_free) struct buf body = { 0 };
	const uint64_t values[7] = { 11, 12, 13, 14, 15, 16, 17 };
	struct kind_stats st[KIND_COUNT];
	struct source *s;
	const char *why;

	(void)state;
	buf_add(&body, (uint16_t[]){ 5, 3 }, 4);
	buf_str(&body, STR("what?"));
	buf_add(&body, values, 24);
	buf_add(&body, (uint16_t[]){ 4, 7 }, 4);
	buf_str(&body, STR("open"));
	buf_add(&body, values, 56);
	buf_add(&body, (uint16_t[]){ 4, 2 }, 4);
	buf_str(&body, STR("exec"));
	buf_add(&body, values, 16);
	block_add(&b, seq++, CAPTURE_STATS, &body, 3);
	block_add(&b, seq++, CAPTURE_END, &body, 0);
	s = open_bytes(b.p, b.n, &why);
	assert_non_null(s);
	assert_int_equal(drain(s), 0);
	assert_int_equal(s->losses.damaged, 0);
	assert_int_equal(source_stats(s, st), 0);
	assert_int_equal(st[KIND_OPEN].events, 11);
	assert_int_equal(st[KIND_OPEN].cut, 15);
	assert_int_equal(st[KIND_EXEC].ring_full, 12);
	assert_int_equal(st[KIND_EXEC].map_full, 0);
	source_close(s);
}

static void body_record(struct buf *body, uint32_t len)
{
	struct room room = { 0 };

	make(&room, 0, HDR);
	memcpy(room.bytes + offsetof(struct rec_hdr, len), &len, 4);
	buf_add(body, room.bytes, HDR + 8);
}

static void body_stats(struct buf *body, uint32_t values)
{
	buf_add(body, (uint16_t[]){ 4, (uint16_t)values }, 4);
	buf_str(body, STR("open1234567"));
}

static void body_zeros(struct buf *body, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		buf_char(body, 0);
}

/* Blocks whose checksum is right and whose contents are not. */
static const struct {
	uint16_t type;
	uint32_t items;
	void (*body)(struct buf *body, uint32_t arg);
	uint32_t arg;
	const char *why;
} hostile[] = {
	{ CAPTURE_RECORDS, 1, body_record, 0, "a record's length is wrong" },
	{ CAPTURE_RECORDS, 1, body_record, 47, "a record's length is wrong" },
	{ CAPTURE_RECORDS, 1, body_record, 57, "a record's length is wrong" },
	{ CAPTURE_RECORDS, 1, body_record, REC_MAX + 1, "a record's length is wrong" },
	{ CAPTURE_RECORDS, 1, body_record, UINT32_MAX, "a record's length is wrong" },
	{ CAPTURE_RECORDS, 1, body_record, HDR, "a record's length is wrong" }, /* 8 bytes over */
	{ CAPTURE_RECORDS, 2, body_record, HDR + 8, "the number of records in a block is wrong" },
	{ CAPTURE_RECORDS, 0, body_record, HDR + 8, "the number of records in a block is wrong" },
	{ CAPTURE_RECORDS, 1, body_zeros, 47, "a record's length is wrong" },
	{ CAPTURE_RECORDS, 1, body_zeros, 0, "the number of records in a block is wrong" },
	{ CAPTURE_STATS, 1, body_stats, 1, "the block of counters is malformed" },
	{ CAPTURE_STATS, 1, body_stats, 65535, "the block of counters is malformed" },
	{ CAPTURE_STATS, 1, body_zeros, 3, "the block of counters is malformed" },
	{ CAPTURE_STATS, 1, body_zeros, CAPTURE_SMALL_MAX + 4,
	  "a block is longer than its kind allows, or its header is damaged" },
	{ CAPTURE_END, 0, body_zeros, 1,
	  "a block is longer than its kind allows, or its header is damaged" },
};

static void test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		uint32_t seq;
		_cleanup_(buf_free) struct buf b = good_start(&seq);
		_cleanup_(buf_free) struct buf body = { 0 };
		uint64_t start = b.n;
		const char *why;
		struct source *s;

		hostile[i].body(&body, hostile[i].arg);
		block_add(&b, seq, hostile[i].type, &body, hostile[i].items);
		s = open_bytes(b.p, b.n, &why);
		assert_non_null(s);
		assert_int_equal(drain(s), 0);
		assert_string_equal(s->damage, hostile[i].why);
		assert_int_equal(s->damage_at, start);
		source_close(s);
	}
}

/* Sizes that lie about what zstd will make of the block. */
static void test_hostile_zstd(void **state)
{
	static const uint32_t raws[] = { 0, 1, CAPTURE_BLOCK_MAX };
	uint32_t seq;

	(void)state;
	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		_cleanup_(buf_free) struct buf b = good_start(&seq);
		struct capture_head h = { 0 };
		uint8_t *head = (uint8_t *)b.p + CAPTURE_FILE_BYTES;
		const char *why = NULL;

		assert_true(capture_head_read(cur_of(head, CAPTURE_HEAD_BYTES), &h));
		h.flags = CAPTURE_ZSTD;
		h.raw = raws[i];
		capture_head_write(&h, head + CAPTURE_HEAD_BYTES, head);
		assert_null(open_bytes(b.p, b.n, &why));
		assert_non_null(why);
		h.flags = 0x80;
		h.raw = h.stored;
		capture_head_write(&h, head + CAPTURE_HEAD_BYTES, head);
		assert_null(open_bytes(b.p, b.n, &why));
		assert_non_null(strstr(why, "does not know"));
	}
}

static void test_missing_block(void **state)
{
	uint32_t seq;
	_cleanup_(buf_free) struct buf b = good_start(&seq);
	_cleanup_(buf_free) struct buf body = { 0 };
	struct source *s;
	const char *why;

	(void)state;
	block_add(&b, seq + 1, CAPTURE_END, &body, 0);
	s = open_bytes(b.p, b.n, &why);
	assert_int_equal(drain(s), 0);
	assert_non_null(strstr(s->damage, "missing"));
	source_close(s);
}

static void test_refused(void **state)
{
	uint8_t h[CAPTURE_FILE_BYTES] = CAPTURE_MAGIC;
	uint16_t major = CAPTURE_MAJOR + 1;
	struct source *s = NULL;
	const char *why = NULL;
	uint32_t crc;

	(void)state;
	assert_null(open_bytes("", 0, &why));
	assert_non_null(strstr(why, "not a capture"));
	assert_null(open_bytes("GIF89a and then some more text", 30, &why));
	assert_non_null(strstr(why, "not a capture"));
	memcpy(h + 8, &major, 2);
	assert_null(open_bytes(h, sizeof(h), &why));
	assert_non_null(strstr(why, "damaged"));
	crc = (uint32_t)crc32_z(0, h, 12);
	memcpy(h + 12, &crc, 4);
	assert_null(open_bytes(h, sizeof(h), &why));
	assert_non_null(strstr(why, "newer"));
	assert_int_equal(capture_open("/nonexistent/x", &s, &why), -ENOENT);
	assert_int_equal(capture_open("/", &s, &why), -EISDIR);
	assert_null(s);
}

/* A disk that is full: the error comes at once and stays; what is on disk is whole blocks. */
static void test_no_space(void **state)
{
	struct capture_writer *w = NULL;
	struct source *s = NULL;
	const char *why = NULL;
	struct room room;
	char small[] = "/dev/shm/porthole_capture_test";
	int err = 0;

	(void)state;
	assert_int_equal(capture_create("/dev/full", &host, &w), -ENOSPC);
	assert_null(w);
	/* The file's size limit is a full disk that needs no mount. */
	assert_int_equal(capture_create(small, &host, &w), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 3000, RLIM_INFINITY }), 0);
	for (uint32_t i = 0; i < 100000 && !err; i++)
		err = capture_add(w, make(&room, i, len_of(i)));
	assert_int_equal(err, -EFBIG);
	assert_int_equal(capture_add(w, make(&room, 0, 100)), -EFBIG);
	assert_int_equal(capture_tick(w), -EFBIG);
	assert_int_equal(capture_end(w, NULL), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	assert_int_equal(capture_open(small, &s, &why), 0);
	drain(s);
	assert_string_equal(s->damage, "the file ends without its end block");
	source_close(s);
	unlink(small);
}

/* A pipe gives what is in it and never waits, however it is cut up. */
static void test_pipe(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct source *s = NULL;
	const struct rec_hdr *h;
	const char *why = NULL;
	size_t at;
	uint32_t n = 0;
	int fds[2];

	(void)state;
	write_small(path, RECORDS);
	b = slurp(path);
	assert_int_equal(pipe(fds), 0);
	at = 1000;
	assert_int_equal(write(fds[1], b.p, at), at);
	assert_int_equal(capture_open_fd(fds[0], STR_NONE, &s, &why), 0);
	assert_int_equal(source_fd(s), fds[0]);
	while (at < b.n) {
		size_t more = b.n - at < 77 ? b.n - at : 77;

		while (source_next(s, &h) == 1)
			n++;
		assert_false(s->ended);
		assert_int_equal(write(fds[1], b.p + at, more), more);
		at += more;
	}
	close(fds[1]);
	while (source_next(s, &h) == 1)
		n++;
	assert_int_equal(n, RECORDS);
	assert_true(s->ended);
	assert_int_equal(s->losses.damaged, 0);
	assert_int_equal(source_fd(s), -1);
	source_close(s);
}

/* "-": standard output and input. */
static void test_standard(void **state)
{
	_cleanup_(closep) int fd = open(path, O_RDWR | O_TRUNC | O_CREAT, 0600);
	_cleanup_(closep) int out = dup(1), in = dup(0);
	struct source *s = NULL;
	const char *why = NULL;

	(void)state;
	fflush(stdout);
	dup2(fd, 1);
	write_small("-", RECORDS);
	dup2(out, 1);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	dup2(fd, 0);
	assert_int_equal(capture_open("-", &s, &why), 0);
	dup2(in, 0);
	assert_int_equal(drain(s), RECORDS);
	assert_int_equal(s->losses.damaged, 0);
	source_close(s);
}

/* What is there: a file is replaced, also for who has it open; a link is followed. */
static void test_replace(void **state)
{
	_cleanup_(closep) int old = open(path, O_RDWR | O_TRUNC | O_CREAT, 0666);
	char link_path[sizeof(path) + 5];
	struct stat st;

	(void)state;
	fchmod(old, 0666);
	assert_int_equal(write(old, "old", 3), 3);
	write_small(path, 1);
	assert_int_equal(fstat(old, &st), 0);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(link_path, sizeof(link_path), "%s.ln", path);
	assert_int_equal(symlink(path, link_path), 0);
	write_small(link_path, RECORDS);
	assert_int_equal(lstat(link_path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 1000);
	unlink(link_path);
}

/*
 * Written by write_small(GOLDEN, RECORDS) of the first version, its uname replaced by a fixed one,
 * and never again: what was recorded once must be readable for ever.
 */
static void test_golden(void **state)
{
	struct kind_stats st[KIND_COUNT];
	struct source *s = NULL;
	const char *why = NULL;

	(void)state;
	if (capture_open(GOLDEN, &s, &why))
		fail_msg("%s: %s (tests run in the top folder)", GOLDEN, why);
	assert_true(str_eq(s->host.name, STR("node-a")));
	assert_true(s->host.boot_to_wall_ns == 1700000000123456789);
	assert_true(str_eq(capture_facts(s)->kernel, STR("6.1.0-44-amd64")));
	assert_true(str_eq(capture_facts(s)->arch, STR("x86_64")));
	assert_int_equal(capture_facts(s)->page_size, 4096);
	assert_int_equal(drain(s), RECORDS);
	assert_int_equal(s->losses.damaged, 0);
	assert_int_equal(source_stats(s, st), 0);
	assert_int_equal(st[KIND_FORK].events, 1);
	assert_int_equal(st[KIND_OPEN].events, 5);
	assert_int_equal(st[KIND_OPEN].ring_full, 8);
	assert_int_equal(st[KIND_IO_URING].events, 26);
	source_close(s);
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_tick),	      cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_every_flip),    cmocka_unit_test(test_unknown_block),
		cmocka_unit_test(test_foreign_stats), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_hostile_zstd),  cmocka_unit_test(test_missing_block),
		cmocka_unit_test(test_refused),	      cmocka_unit_test(test_no_space),
		cmocka_unit_test(test_pipe),	      cmocka_unit_test(test_standard),
		cmocka_unit_test(test_replace),	      cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
