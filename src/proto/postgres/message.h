#pragma once
/*
 * Messages of PostgreSQL's protocol 3: which there are in each direction, and how sure one can be that bytes are
 * one. Source: PostgreSQL 15's manual, chapter 55, "Message Formats"; a length includes its own four bytes, not the
 * type.
 *
 *     type 1 | length 4, big end first | body
 *
 * Before authentication a client's messages have no type: the first byte is then 0, which is none.
 */
#include "proto/proto.h"

#define PG_HEAD 5

enum pg_startup {
	PG_CANCEL = 80877102,
	PG_SSL = 80877103,
	PG_GSS = 80877104,
	PG_VERSION_3 = 3 << 16, /* 3.0; minor versions are below */
};

struct pg_message {
	uint32_t min, max; /* length; max 0: no such message */
	bool hold;	   /* its body is read */
	/* Whether the first bytes of a body of @n bytes can be one; NULL: always. */
	bool (*body)(struct cur some, uint32_t n);
};

/* The description of a type in a direction; NULL: none has it. */
const struct pg_message *pg_message(enum proto_dir dir, uint8_t type);

/* A head that may be one: 1, with type and length; 0: too few bytes; -1: none. */
int pg_head(enum proto_dir dir, struct cur bytes, uint8_t *ret_type, uint32_t *ret_length);

enum proto_guess pg_guess(struct str head, bool usual);

/* Advances to where messages begin that follow each other; false: nowhere. */
bool pg_find(enum proto_dir dir, struct cur *bytes);

static inline bool pg_be32(struct cur *c, uint32_t *ret)
{
	uint32_t v;

	if (!cur_u32(c, &v))
		return false;
	*ret = __builtin_bswap32(v);
	return true;
}

static inline bool pg_be16(struct cur *c, uint16_t *ret)
{
	uint16_t v;

	if (!cur_u16(c, &v))
		return false;
	*ret = __builtin_bswap16(v);
	return true;
}

/* A string up to its NUL. */
static inline bool pg_text(struct cur *c, struct str *ret)
{
	const void *nul = cur_left(c) ? memchr(c->p, 0, cur_left(c)) : NULL;

	if (!nul)
		return false;
	*ret = (struct str){ (const char *)c->p, (size_t)((const uint8_t *)nul - c->p) };
	c->p = (const uint8_t *)nul + 1;
	return true;
}
