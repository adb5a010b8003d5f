#pragma once
/*
 * Protocol Buffers, reading only: one field after the other of a message in a cursor. Wire format:
 * https://protobuf.dev/programming-guides/encoding/
 *
 * Nothing is allocated; what a field holds is borrowed from the message. Groups (wire types 3 and 4,
 * deprecated) are refused. A repeated number may come packed or one by one: pb_number takes both.
 */
#include "base/cur.h"
#include "base/protobuf.h"

struct pb_field {
	uint32_t number;
	enum pb_wire wire;
	uint64_t value;	  /* of a varint or fixed number */
	struct cur bytes; /* of PB_LEN */
};

MUST_CHECK static inline bool pb_read_varint(struct cur *c, uint64_t *ret)
{
	struct cur at = *c;
	uint64_t v = 0;
	uint8_t byte;

	for (unsigned i = 0; i < PB_VARINT_MAX; i++) {
		if (!cur_u8(&at, &byte))
			return false;
		v |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		*c = at;
		*ret = v;
		return true;
	}
	return false;
}

static inline bool pb_read_fixed(struct cur *c, bool wide, uint64_t *ret)
{
	uint32_t half;

	if (wide)
		return cur_u64(c, ret);
	if (!cur_u32(c, &half))
		return false;
	*ret = half;
	return true;
}

/* The next field of the message. False: there is none, or it is damaged (then bytes are left). */
MUST_CHECK static inline bool pb_read(struct cur *c, struct pb_field *ret)
{
	struct cur at = *c;
	struct pb_field f = { 0 };
	uint64_t tag, n;
	bool ok;

	if (!pb_read_varint(&at, &tag) || tag >> 3 == 0 || tag >> 32)
		return false;
	f.number = (uint32_t)(tag >> 3);
	f.wire = (enum pb_wire)(tag & 7);
	if (f.wire == PB_VARINT)
		ok = pb_read_varint(&at, &f.value);
	else if (f.wire == PB_LEN)
		ok = pb_read_varint(&at, &n) && n <= SIZE_MAX && cur_sub(&at, (size_t)n, &f.bytes);
	else if (f.wire == PB_I64 || f.wire == PB_I32)
		ok = pb_read_fixed(&at, f.wire == PB_I64, &f.value);
	else
		ok = false;
	if (!ok)
		return false;
	*c = at;
	*ret = f;
	return true;
}

static inline struct str pb_str(const struct pb_field *f)
{
	return (struct str){ (const char *)f->bytes.p, f->wire == PB_LEN ? cur_left(&f->bytes) : 0 };
}

/*
 * The numbers of one field of a repeated number: call until it returns false, *@at false before the
 * first. A packed list that is damaged ends early.
 */
static inline bool pb_number(struct pb_field *f, bool *at, uint64_t *ret)
{
	if (f->wire == PB_LEN)
		return pb_read_varint(&f->bytes, ret);
	if (*at)
		return false;
	*at = true;
	*ret = f->value;
	return true;
}
