/* Protocol Buffers read field by field; groups (wire types 3 and 4) are in no message of these and end the reading. */
#include "out/otlp/reply.h"

#include "base/cur.h"

struct field {
	uint64_t number, value; /* of fixed-width ones: 0 */
	struct str bytes;	/* of length-delimited ones */
};

static bool varint_get(struct cur *c, uint64_t *ret)
{
	uint64_t v = 0;
	uint8_t b = 0x80;

	for (unsigned shift = 0; b & 0x80; shift += 7) {
		if (shift > 63 || !cur_u8(c, &b))
			return false;
		v |= (uint64_t)(b & 0x7f) << shift;
	}
	*ret = v;
	return true;
}

static bool field_get(struct cur *c, struct field *ret)
{
	struct field f = { 0 };
	uint64_t tag, n;

	if (!varint_get(c, &tag) || !(tag >> 3))
		return false;
	f.number = tag >> 3;
	switch (tag & 7) {
	case 0:
		if (!varint_get(c, &f.value))
			return false;
		break;
	case 1:
	case 5:
		if (!cur_skip(c, (tag & 7) == 1 ? 8 : 4))
			return false;
		break;
	case 2:
		if (!varint_get(c, &n) || !cur_str(c, n, &f.bytes))
			return false;
		break;
	default:
		return false;
	}
	*ret = f;
	return true;
}

/* {1: a number, 2: text} is what both messages come to. */
static bool pair_read(struct str s, struct otlp_reply *ret)
{
	struct cur c = cur_of(s.p, s.n);
	struct otlp_reply r = { 0 };
	struct field f;

	while (cur_left(&c)) {
		if (!field_get(&c, &f))
			return false;
		if (f.number == 1) /* an int64 */
			r.rejected = f.value <= INT64_MAX ? f.value : 0;
		else if (f.number == 2)
			r.message = f.bytes;
	}
	*ret = r;
	return true;
}

static bool success_read(struct str body, struct otlp_reply *ret)
{
	struct cur c = cur_of(body.p, body.n);
	struct otlp_reply r = { 0 };
	struct field f;

	while (cur_left(&c))
		if (!field_get(&c, &f) || (f.number == 1 && !pair_read(f.bytes, &r)))
			return false;
	*ret = r;
	return true;
}

bool otlp_again(long code)
{
	return code == 0 || code == 429 || code == 502 || code == 503 || code == 504;
}

bool otlp_reply_read(long code, struct str body, struct otlp_reply *ret)
{
	*ret = (struct otlp_reply){ 0 };
	if (code >= 200 && code < 300)
		return success_read(body, ret);
	if (!pair_read(body, ret))
		return false;
	ret->rejected = 0; /* it was the status's code */
	return true;
}
