#pragma once
/*
 * JSON writer (RFC 8259) into a buf. Strings of any bytes come out as valid UTF-8: a byte that is
 * not part of a well-formed character becomes U+FFFD. It writes what it is told in the order it is
 * told; commas are the caller's, except in json_key.
 */
#include "base/buf.h"

/* A quoted, escaped string. */
void json_str(struct buf *b, struct str s);

/* The same without the quotes around it. */
void json_escape(struct buf *b, struct str s);

/* A member's key, with a comma unless it is the first after '{': `,"key":`. @key needs no escape. */
static inline void json_key(struct buf *b, struct str key)
{
	char *to = buf_grow(b, key.n + 4);

	if (!to)
		return;
	if (b->n && b->p[b->n - 1] != '{')
		*to++ = ',';
	*to++ = '"';
	memcpy(to, key.p, key.n);
	to += key.n;
	*to++ = '"';
	*to++ = ':';
	b->n = (size_t)(to - b->p);
}
