/*
 * Any bytes as a capture file, as they are and with the checksums of its blocks made right, so that
 * what stands behind them is reached. Every byte of every record is read.
 */
#include <errno.h>
#include <sys/mman.h>

#include "source/capture.h"
#include "source/capture_format.h"
#include "source/file_fuzz.h"

static void read_all(const uint8_t *data, size_t size)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	const char *why = NULL;
	struct kind_stats st[KIND_COUNT];
	struct source *s = NULL;
	const struct rec_hdr *h;
	int got;

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	if (capture_open_fd(fd, STR_NONE, &s, &why)) {
		must(why && !s);
		close(fd);
		return;
	}
	while ((got = source_next(s, &h)) == 1)
		record_touch(h);
	must(got == 0 && s->ended && source_next(s, &h) == 0);
	must(!s->damage == !s->losses.damaged && s->damage_at <= size);
	got = source_stats(s, st);
	must(got == 0 || got == -ENODATA);
	source_close(s);
}

/* Gives each block its right number and checksum, as far as the lengths lead. */
static void make_right(uint8_t *p, size_t n)
{
	uint32_t seq = 0, crc;

	memcpy(p, CAPTURE_MAGIC, 8);
	memcpy(p + 8, (uint16_t[]){ CAPTURE_MAJOR, CAPTURE_MINOR }, 4);
	crc = (uint32_t)crc32_z(0, p, 12);
	memcpy(p + 12, &crc, 4);
	for (size_t at = CAPTURE_FILE_BYTES; n - at >= CAPTURE_HEAD_BYTES; seq++) {
		uint8_t *head = p + at, *body = head + CAPTURE_HEAD_BYTES;
		struct capture_head h;

		must(capture_head_read(cur_of(head, CAPTURE_HEAD_BYTES), &h));
		at += CAPTURE_HEAD_BYTES;
		if (n - at < h.stored)
			return;
		h.seq = seq;
		capture_head_write(&h, body, head);
		at += h.stored;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return file_fuzz(data, size, CAPTURE_FILE_BYTES, read_all, make_right);
}
