#pragma once
/*
 * The bytes of a capture file, for its writer, reader and tests; doc/CAPTURE.md is the long form.
 *
 *	file  = magic[8] major:u16 minor:u16 crc:u32   block*
 *	block = type:u16 flags:u16 seq:u32 stored:u32 raw:u32 items:u32 crc:u32   stored bytes
 *
 * The file's header keeps this shape in every version. A block's crc is CRC-32 (zlib's) over its
 * first 20 header bytes and the stored bytes; seq counts blocks from 0. Little-endian.
 */
#include <zlib.h>

#include "base/cur.h"
#include "wire/record.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "captures are little-endian");

#define CAPTURE_MAGIC	   "portcap\n"
#define CAPTURE_MAJOR	   1
#define CAPTURE_MINOR	   0
#define CAPTURE_FILE_BYTES 16 /* header of the file */
#define CAPTURE_HEAD_BYTES 24 /* header of a block */
#define CAPTURE_CRC_AT	   20 /* in a block's header; the crc is its last member */

#define CAPTURE_BLOCK_BYTES (256u << 10) /* raw bytes of a block as written here */
#define CAPTURE_BLOCK_MAX   (1u << 20)	 /* raw or stored bytes of a block as read */
#define CAPTURE_SMALL_MAX   (64u << 10)	 /* of a block of facts or counters */

enum capture_block {
	CAPTURE_FACTS = 1,
	CAPTURE_RECORDS = 2,
	CAPTURE_STATS = 3,
	CAPTURE_END = 4,
	CAPTURE_BLOCK_TYPES
};

enum capture_flag {
	CAPTURE_ZSTD = 1, /* stored as one zstd frame; else as it is */
};
#define CAPTURE_FLAGS CAPTURE_ZSTD

/* Members of the block of facts: key:u16 len:u16 bytes; numbers have eight. Unknown are skipped. */
enum capture_fact {
	FACT_HOST = 1,
	FACT_BOOT_TO_WALL_NS = 2,
	FACT_KERNEL = 3,
	FACT_ARCH = 4,
	FACT_PAGE_SIZE = 5,
	FACT_VERSION = 6,
	FACT_CREATED_NS = 7,
	FACT_COUNT
};

struct capture_head {
	uint16_t type, flags;
	uint32_t seq, stored, raw, items, crc;
};

/* Records stand at multiples of eight in a block; the gap is zeros. */
static inline uint32_t capture_padded(uint32_t len)
{
	return (len + 7) & ~7u;
}

/* The checksum of a block: its header's first bytes, then @n stored bytes at @p. */
static inline uint32_t capture_crc(const uint8_t head[CAPTURE_HEAD_BYTES], const void *p, size_t n)
{
	return (uint32_t)crc32_z(crc32_z(0, head, CAPTURE_CRC_AT), p, n);
}

/* A block's header from its bytes. */
MUST_CHECK static inline bool capture_head_read(struct cur c, struct capture_head *ret)
{
	struct capture_head h;

	if (!cur_u16(&c, &h.type) || !cur_u16(&c, &h.flags) || !cur_u32(&c, &h.seq) ||
	    !cur_u32(&c, &h.stored) || !cur_u32(&c, &h.raw) || !cur_u32(&c, &h.items) ||
	    !cur_u32(&c, &h.crc))
		return false;
	*ret = h;
	return true;
}

/* The bytes of a block's header, with the checksum over them and the h->stored bytes at @p. */
static inline void capture_head_write(const struct capture_head *h, const void *p,
				      uint8_t ret[CAPTURE_HEAD_BYTES])
{
	uint32_t crc;

	memcpy(ret, &h->type, 2);
	memcpy(ret + 2, &h->flags, 2);
	memcpy(ret + 4, &h->seq, 4);
	memcpy(ret + 8, &h->stored, 4);
	memcpy(ret + 12, &h->raw, 4);
	memcpy(ret + 16, &h->items, 4);
	crc = capture_crc(ret, p, h->stored);
	memcpy(ret + CAPTURE_CRC_AT, &crc, 4);
}
