#pragma once
/*
 * Protocol Buffers, writing only: fields appended to a buf in the order told. Wire format:
 * https://protobuf.dev/programming-guides/encoding/
 *
 * A message inside another is written to a buf of its own first and then put with pb_bytes, since
 * its length stands before it. proto3 leaves zero out: pb_uint and pb_bytes do so too; where an
 * empty element matters (a repeated field's), pb_bytes_always. Nothing is checked about UTF-8: a
 * `string` field wants it valid. Field numbers are 1 .. 2^29 - 1.
 */
#include "base/buf.h"

#define PB_VARINT_MAX 10 /* bytes */

enum pb_wire {
	PB_VARINT = 0,
	PB_I64 = 1,
	PB_LEN = 2,
	PB_I32 = 5,
};

static inline void pb_varint(struct buf *b, uint64_t v)
{
	char *to = buf_grow(b, PB_VARINT_MAX);

	if (!to)
		return;
	for (; v >= 0x80; v >>= 7, b->n++)
		*to++ = (char)(v | 0x80);
	*to = (char)v;
	b->n++;
}

static inline void pb_tag(struct buf *b, uint32_t field, enum pb_wire wire)
{
	pb_varint(b, (uint64_t)field << 3 | wire);
}

/* uint64, uint32, bool, enums, and int64 that is not negative. */
static inline void pb_uint(struct buf *b, uint32_t field, uint64_t v)
{
	if (!v)
		return;
	pb_tag(b, field, PB_VARINT);
	pb_varint(b, v);
}

/* int64: a negative one takes ten bytes. */
static inline void pb_int(struct buf *b, uint32_t field, int64_t v)
{
	pb_uint(b, field, (uint64_t)v);
}

/* string, bytes, messages, packed numbers. */
static inline void pb_bytes_always(struct buf *b, uint32_t field, struct str s)
{
	pb_tag(b, field, PB_LEN);
	pb_varint(b, s.n);
	buf_str(b, s);
}

static inline void pb_bytes(struct buf *b, uint32_t field, struct str s)
{
	if (s.n)
		pb_bytes_always(b, field, s);
}

/* fixed64, sfixed64, also a zero: what has no presence of its own is left out by the caller. Little-endian, as the host. */
static inline void pb_fixed64(struct buf *b, uint32_t field, uint64_t v)
{
	pb_tag(b, field, PB_I64);
	buf_add(b, &v, sizeof(v));
}

/* double, likewise. */
static inline void pb_double(struct buf *b, uint32_t field, double v)
{
	pb_tag(b, field, PB_I64);
	buf_add(b, &v, sizeof(v));
}
