/* See bson.h. */
#include "proto/mongo/bson.h"

enum {
	DOUBLE = 1,
	STRING = 2,
	DOCUMENT = 3,
	ARRAY = 4,
	BOOL = 8,
	REGEX = 11,
	INT32 = 16,
	INT64 = 18,
	TYPES
};

/* Bytes of a value: `fixed`, and when it begins with a length, that many more. */
static const struct {
	uint8_t known, sized, fixed;
	int8_t less; /* what the length counts of the fixed part */
} types[] = {
	[DOUBLE] = { 1, 0, 8, 0 }, [STRING] = { 1, 1, 4, 0 }, [DOCUMENT] = { 1, 1, 4, 4 },
	[ARRAY] = { 1, 1, 4, 4 },  [5] = { 1, 1, 5, 0 },      [6] = { 1, 0, 0, 0 },
	[7] = { 1, 0, 12, 0 },	   [BOOL] = { 1, 0, 1, 0 },   [9] = { 1, 0, 8, 0 },
	[10] = { 1, 0, 0, 0 },	   [REGEX] = { 1, 0, 0, 0 },  [12] = { 1, 1, 16, 0 },
	[13] = { 1, 1, 4, 0 },	   [14] = { 1, 1, 4, 0 },     [15] = { 1, 1, 4, 4 },
	[INT32] = { 1, 0, 4, 0 },  [17] = { 1, 0, 8, 0 },     [INT64] = { 1, 0, 8, 0 },
	[19] = { 1, 0, 16, 0 },	   [0x7f] = { 1, 0, 0, 0 },   [0xff] = { 1, 0, 0, 0 },
};

bool bson_u32(struct cur *c, uint32_t *ret)
{
	uint8_t b[4];

	if (!cur_copy(c, b, 4))
		return false;
	*ret = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	return true;
}

bool bson_cstring(struct cur *c, size_t max, struct str *ret)
{
	size_t n = cur_left(c) < max + 1 ? cur_left(c) : max + 1;
	const uint8_t *nul = n ? memchr(c->p, 0, n) : NULL;

	if (!nul)
		return false;
	*ret = (struct str){ (const char *)c->p, (size_t)(nul - c->p) };
	c->p = nul + 1;
	return true;
}

/* BSON_GOT: *ret bytes. Lengths are int32: none is negative. */
static enum bson_step value_bytes(struct cur c, uint8_t type, size_t *ret)
{
	struct cur at = c;
	struct str s;
	uint32_t n;

	if (type == REGEX) {
		if (!bson_cstring(&at, BSON_WHOLE / 2, &s) || !bson_cstring(&at, BSON_WHOLE / 2, &s))
			return cur_left(&c) > BSON_WHOLE ? BSON_BAD : BSON_MORE;
		*ret = (size_t)(at.p - c.p);
		return BSON_GOT;
	}
	*ret = types[type].fixed;
	if (!types[type].sized)
		return BSON_GOT;
	if (!bson_u32(&c, &n))
		return BSON_MORE;
	if (n > INT32_MAX || n < (uint32_t)types[type].less)
		return BSON_BAD;
	*ret += n - (uint32_t)types[type].less;
	return BSON_GOT;
}

static void value_read(struct bson *e)
{
	size_t n = e->value.n;

	if (e->type == STRING && n > 4)
		e->text = (struct str){ e->value.p + 4, n - 5 };
	if ((e->type == DOCUMENT || e->type == ARRAY) && n > 4)
		e->inside = cur_of(e->value.p + 4, n - 5);
}

enum bson_step bson_step(struct cur *c, size_t room, struct bson *ret, uint32_t *ret_skip)
{
	struct cur at = *c;
	struct bson e = { 0 };
	enum bson_step s;
	size_t n;

	*ret_skip = 0;
	if (!cur_u8(&at, &e.type))
		return BSON_MORE;
	if (!types[e.type].known)
		return BSON_BAD;
	if (!bson_cstring(&at, BSON_NAME, &e.name))
		return cur_left(&at) > BSON_NAME ? BSON_BAD : BSON_MORE;
	s = value_bytes(at, e.type, &n);
	if (s != BSON_GOT)
		return s;
	if ((size_t)(at.p - c->p) + n > room)
		return BSON_BAD;
	if (n <= BSON_WHOLE) {
		if (!cur_str(&at, n, &e.value))
			return BSON_MORE;
		value_read(&e);
	} else if (!cur_skip(&at, n)) {
		*ret_skip = (uint32_t)n;
	}
	*ret = e;
	c->p = at.p;
	return BSON_GOT;
}

bool bson_next(struct cur *c, struct bson *ret)
{
	uint32_t skip;

	return cur_left(c) && bson_step(c, cur_left(c), ret, &skip) == BSON_GOT && !skip;
}

bool bson_number(const struct bson *e, int64_t *ret)
{
	struct cur c = cur_of(e->value.p, e->value.n);
	uint32_t low, high;
	double d;
	uint8_t b;

	if (e->type == BOOL && cur_u8(&c, &b)) {
		*ret = b;
		return true;
	}
	if ((e->type != INT32 && e->type != INT64 && e->type != DOUBLE) || !bson_u32(&c, &low))
		return false;
	if (e->type == INT32) {
		*ret = (int32_t)low;
		return true;
	}
	if (!bson_u32(&c, &high))
		return false;
	*ret = (int64_t)((uint64_t)high << 32 | low);
	if (e->type == INT64)
		return true;
	memcpy(&d, ret, sizeof(d));
	*ret = d > -1e15 && d < 1e15 ? (int64_t)d : 0;
	return d > -1e15 && d < 1e15;
}
