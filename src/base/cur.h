#pragma once
/*
 * Cursor over untrusted bytes: ring records, capture blocks, packets, files.
 *
 * Each reader returns false, and changes neither the cursor nor its output, when fewer bytes are
 * left than it needs. A length-prefixed element is carved into its own bounded cursor with
 * cur_sub, so that it can never read its neighbour. Numbers are in host byte order unless the name
 * ends in _be. Nothing is copied except numbers; slices borrow the underlying bytes.
 */
#include "base/str.h"

struct cur {
	const uint8_t *p;
	const uint8_t *end;
};

#define MUST_CHECK __attribute__((warn_unused_result))

static inline struct cur cur_of(const void *p, size_t n)
{
	return (struct cur){ p, (const uint8_t *)p + n };
}

static inline size_t cur_left(const struct cur *c)
{
	return (size_t)(c->end - c->p);
}

MUST_CHECK static inline bool cur_copy(struct cur *c, void *ret, size_t n)
{
	if (cur_left(c) < n)
		return false;
	memcpy(ret, c->p, n);
	c->p += n;
	return true;
}

MUST_CHECK static inline bool cur_skip(struct cur *c, size_t n)
{
	if (cur_left(c) < n)
		return false;
	c->p += n;
	return true;
}

MUST_CHECK static inline bool cur_sub(struct cur *c, size_t n, struct cur *ret)
{
	if (cur_left(c) < n)
		return false;
	*ret = cur_of(c->p, n);
	c->p += n;
	return true;
}

MUST_CHECK static inline bool cur_str(struct cur *c, size_t n, struct str *ret)
{
	if (cur_left(c) < n)
		return false;
	*ret = (struct str){ (const char *)c->p, n };
	c->p += n;
	return true;
}

#define CUR_READER(name, type)                                             \
	MUST_CHECK static inline bool cur_##name(struct cur *c, type *ret) \
	{                                                                  \
		return cur_copy(c, ret, sizeof(*ret));                     \
	}
CUR_READER(u8, uint8_t)
CUR_READER(u16, uint16_t)
CUR_READER(u32, uint32_t)
CUR_READER(u64, uint64_t)
#undef CUR_READER
