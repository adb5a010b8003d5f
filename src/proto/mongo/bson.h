#pragma once
/*
 * BSON 1.1 (bsonspec.org), element by element. An element whose value has up to BSON_WHOLE bytes is told whole; of a
 * longer one only type and name, the value is to be skipped. Names have at most BSON_NAME bytes. Documents inside are
 * not entered: `inside` can be walked with bson_next. Everything borrows.
 */
#include "base/cur.h"

#define BSON_WHOLE 4096
#define BSON_NAME  255

struct bson {
	uint8_t type;
	struct str name;
	struct str text; /* strings; absent: another type, or too long */
	struct cur inside; /* documents and arrays: their elements; empty: another type, or too long */
	struct str value; /* the value's bytes; absent: too long */
};

enum bson_step {
	BSON_GOT,
	BSON_MORE, /* not whole yet */
	BSON_BAD,
};

bool bson_u32(struct cur *c, uint32_t *ret);

/* Up to a NUL, which is consumed, at most @max bytes before it. */
bool bson_cstring(struct cur *c, size_t max, struct str *ret);

/* @room: bytes the document still has from here on, there or not, without its last 0. *ret_skip: of the value. */
enum bson_step bson_step(struct cur *c, size_t room, struct bson *ret, uint32_t *ret_skip);

/* The next of elements that are all there; false: no more, or not BSON. */
bool bson_next(struct cur *c, struct bson *ret);

/* double, bool, int32, int64; fractions are cut. */
bool bson_number(const struct bson *e, int64_t *ret);
