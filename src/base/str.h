#pragma once
/*
 * A slice: borrowed bytes with a length, not NUL-terminated, any content. Whoever made it says how
 * long it lives. An absent string is {NULL, 0}; an empty one has p set and n 0.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){ (lit), sizeof(lit) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_of(const char *z)
{
	return (struct str){ z, z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

static inline bool str_contains(struct str s, struct str part)
{
	return part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n) != NULL);
}

/* -1, 0 or 1, by bytes as strcmp does. */
static inline int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c)
		return c < 0 ? -1 : 1;
	return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

/* The part from @from on; empty when @from is past the end. */
static inline struct str str_skip(struct str s, size_t from)
{
	return from < s.n ? (struct str){ s.p + from, s.n - from } : (struct str){ s.p + s.n, 0 };
}

/* Bytes up to the first NUL, at most @max: for fixed char arrays such as comm. */
static inline struct str str_fixed(const char *p, size_t max)
{
	return (struct str){ p, strnlen(p, max) };
}
