/*
 * Any bytes as a file of packets: as they are, and with the file's header and the packets' lengths
 * made right, so that what stands in the packets is reached. Every byte of every record is read.
 */
#include "source/pcap.h"

#include <errno.h>
#include <sys/mman.h>

#include "probe/stream/stream.h"
#include "source/file_fuzz.h"

#define FILE_BYTES  24
#define FRAME_BYTES 16

static void stream_touch(const struct rec_hdr *h)
{
	const struct rec_stream *r = (const struct rec_stream *)h;

	must(h->len >= sizeof(*r));
	must(r->data.len <= r->seen && r->data.len <= STREAM_DATA_MAX);
	must(r->data.len == 0 || (r->data.off >= sizeof(*r) && r->data.off + r->data.len == h->len));
	must(!(r->flags & STREAM_CLOSE) || r->seen == 0);
	record_touch(h);
}

static void read_all(const uint8_t *data, size_t size)
{
	int fd = memfd_create("pcap", MFD_CLOEXEC);
	size_t begun = size < 8 ? size : 8;
	const char *why = NULL;
	struct source *s = NULL;
	const struct rec_hdr *h;
	int got;

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	must(lseek(fd, (off_t)begun, SEEK_SET) == (off_t)begun);
	if (pcap_source_open_fd(fd, (struct str){ (const char *)data, begun }, &s, &why)) {
		must(why && !s);
		close(fd);
		return;
	}
	while ((got = source_next(s, &h)) == 1 || !s->ended)
		if (got == 1)
			stream_touch(h);
	must(got == 0 && source_next(s, &h) == 0);
	must(!s->damage == !s->losses.damaged && s->damage_at <= size);
	source_close(s);
}

static void make_right(uint8_t *p, size_t n)
{
	static const uint32_t links[] = { 1, 113, 276, 101, 0, 108, 228, 229 };
	uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, links[p[0] & 7] };
	size_t at = FILE_BYTES;

	memcpy(p, head, sizeof(head));
	while (n - at > FRAME_BYTES) {
		size_t left = n - at - FRAME_BYTES;
		uint32_t lens[2];

		memcpy(lens, p + at + 8, 8);
		lens[0] = lens[0] % 2000 < left ? lens[0] % 2000 : (uint32_t)left;
		lens[1] = lens[0] + lens[1] % 4 * 1000;
		memcpy(p + at + 8, lens, 8);
		at += FRAME_BYTES + lens[0];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return file_fuzz(data, size, FILE_BYTES, read_all, make_right);
}
