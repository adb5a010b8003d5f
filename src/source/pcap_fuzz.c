/*
 * Any bytes as a file of packets: as they are, and with the file's header and the packets' lengths
 * made right, so that what stands in the packets is reached. Every byte of every record is read.
 */
#include "source/pcap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "probe/stream/stream.h"

#define INPUT_MAX   (256u << 10)
#define FILE_BYTES  24
#define FRAME_BYTES 16

static void must(bool ok)
{
	if (!ok)
		abort();
}

static volatile uint8_t sink;

static void record_touch(const struct rec_hdr *h)
{
	const struct rec_stream *r = (const struct rec_stream *)h;
	const uint8_t *p = (const uint8_t *)h;
	uint8_t x = 0;

	must(h->len >= sizeof(*r) && h->len <= REC_MAX && (uintptr_t)h % 8 == 0);
	must(r->data.len <= r->seen && r->data.len <= STREAM_DATA_MAX);
	must(r->data.len == 0 || (r->data.off >= sizeof(*r) && r->data.off + r->data.len == h->len));
	must(!(r->flags & STREAM_CLOSE) || r->seen == 0);
	for (uint32_t i = 0; i < h->len; i++)
		x ^= p[i];
	sink = x;
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
			record_touch(h);
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
	_cleanup_(freep) uint8_t *copy = NULL;

	if (size > INPUT_MAX)
		return 0;
	read_all(data, size);
	if (size < FILE_BYTES)
		return 0;
	copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data, size);
	make_right(copy, size);
	read_all(copy, size);
	return 0;
}
