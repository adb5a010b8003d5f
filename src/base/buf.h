#pragma once
/*
 * A growing byte buffer, the target of every writer (text, JSON, records, replies).
 *
 * Writers never fail one by one: when memory or the buffer's maximum runs out, `failed` is set,
 * later writes do nothing, and the owner checks once at the end. buf_reset keeps the memory.
 * One owner, one thread; buf_free(&b) releases, also a zeroed one.
 */
#include "base/str.h"

struct buf {
	char *p;
	size_t n, cap;
	size_t max; /* bytes; 0 means BUF_MAX_DEFAULT */
	bool failed;
};

#define BUF_MAX_DEFAULT (64u << 20)

/* Room for @more bytes behind b->p + b->n, or NULL (and b->failed). */
char *buf_room(struct buf *b, size_t more);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_free(struct buf *b);

static inline void buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

static inline char *buf_grow(struct buf *b, size_t more)
{
	if (__builtin_expect(b->cap - b->n >= more && !b->failed, 1))
		return b->p + b->n;
	return buf_room(b, more);
}

static inline void buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = n ? buf_grow(b, n) : NULL;

	if (to) {
		memcpy(to, p, n);
		b->n += n;
	}
}

static inline void buf_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

static inline void buf_char(struct buf *b, char c)
{
	char *to = buf_grow(b, 1);

	if (to) {
		*to = c;
		b->n++;
	}
}

static inline struct str buf_slice(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

/* Decimal digits; much faster than printf. */
void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);

/*
 * A span of time in the largest of us, ms, s that it is one of, at the right of @width characters; as many digits after
 * the point as is said for us and s, one for ms.
 */
void buf_span(struct buf *b, uint64_t ns, int width, int us_digits, int s_digits);

/* Bytes, short: 17B, 2.1K, 1.0M, in powers of 1024, at the right of @width characters. */
void buf_size(struct buf *b, uint64_t bytes, int width);

/*
 * For people and terminals: printable UTF-8 as it is; control characters, invalid bytes, and the
 * backslash as \n \t \\ or \xHH. One line of input stays one line of output.
 */
void buf_text(struct buf *b, struct str s);
