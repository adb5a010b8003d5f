/*
 * A segment file of any bytes. The input is a list of pieces: 0 a sound record, 1 one with a byte
 * changed, 2 one cut short, else raw bytes. Each byte is either in a record that comes out or counted
 * as damaged; what a segment keeps can be read back.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "alert/alert.h"
#include "alert/segment.h"
#include "base/cleanup.h"

#define INPUT_MAX 4096
#define NAME	  "3-0000000000000001.seg"

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void add_record(struct buf *b, struct str s, uint8_t seq)
{
	struct alert a = { .priority = s.n % 5 == 4 ? PRIORITY_DEBUG : PRIORITY_ERROR,
			   .rule = s,
			   .text = STR("text"),
			   .json = s };

	must(record_write(&a, seq, b) == 0);
}

static void file_make(struct cur in, struct buf *b)
{
	uint8_t what, n, at;
	struct str s;

	while (cur_u8(&in, &what) && cur_u8(&in, &n) && cur_u8(&in, &at)) {
		size_t start = b->n;

		n %= 64;
		if (!cur_str(&in, n < cur_left(&in) ? n : cur_left(&in), &s))
			return;
		if (what % 4 == 3)
			buf_str(b, s);
		else
			add_record(b, s, (uint8_t)(what / 4));
		if (what % 4 == 1)
			b->p[start + at % (b->n - start)] ^= (char)(1 + n);
		if (what % 4 == 2)
			b->n = start + at % (b->n - start);
	}
}

static void check_records(const struct buf *b)
{
	size_t at = 0, place, before = 0;
	uint64_t damaged = 0, sound = 0;
	struct record_head h;

	while (record_next(b->p, b->n, &at, &h, &place, &damaged)) {
		must(place >= before && at == place + sizeof(h) + record_body(&h) && at <= b->n);
		sound += sizeof(h) + record_body(&h);
		before = at;
	}
	must(at == b->n && sound + damaged == b->n);
}

static void check_segment(int dir, const struct buf *b)
{
	int fd = openat(dir, NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	uint64_t last = 0, damaged = 0, at = 0, seq = 0;
	struct segment *s = NULL;
	char bytes[sizeof(struct record_head)], body[256];

	must(fd >= 0 && write(fd, b->p, b->n) == (ssize_t)b->n);
	close(fd);
	if (segment_load(dir, NAME, &s, &last, &damaged) < 0) {
		must(faccessat(dir, NAME, F_OK, 0) < 0 && damaged == b->n);
		return;
	}
	must(s->size + damaged == b->n && s->records > 0);
	for (uint32_t i = 0; i < s->records; i++) {
		struct record_head h;

		must(segment_read(s, at, bytes, sizeof(bytes)) && record_head_read(bytes, &h));
		must(h.seq > seq && h.priority == 3 && record_body(&h) <= sizeof(body));
		must(segment_read(s, at + sizeof(h), body, record_body(&h)));
		must(record_body_ok(&h, body));
		at += sizeof(h) + record_body(&h);
		seq = h.seq;
	}
	must(at == s->size && seq == last && !segment_read(s, at, bytes, 1));
	segment_free(s, dir, true);
}

static int dir_fd = -1;

static void dir_remove(void)
{
	char path[64], dir[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
	if (readlink(path, dir, sizeof(dir) - 1) > 0)
		rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	if (size > INPUT_MAX)
		return 0;
	if (dir_fd < 0) {
		char dir[] = "/tmp/porthole-fuzz-XXXXXX";

		must(mkdtemp(dir) != NULL);
		dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
		atexit(dir_remove);
	}
	buf_grow(&b, 1);
	file_make(cur_of(data, size), &b);
	check_records(&b);
	check_segment(dir_fd, &b);
	b.n = 0;
	buf_add(&b, data, size); /* and as it is */
	check_records(&b);
	return 0;
}
