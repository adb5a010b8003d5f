#pragma once
/*
 * UTF-8 as Unicode 15, table 3-7, defines it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 */
#include "base/str.h"

/* Bytes of the well-formed character at p (1 to 4), or 0 when there is none within n bytes. */
static inline size_t utf8_char(const uint8_t *p, size_t n)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t len;

	if (n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* How many characters begin in it: near enough to columns, whatever the bytes. */
static inline size_t utf8_chars(struct str s)
{
	size_t chars = 0;

	for (size_t i = 0; i < s.n; i++)
		chars += ((uint8_t)s.p[i] & 0xc0) != 0x80;
	return chars;
}

/* Its beginning of @max bytes at most that ends where a character does. */
static inline struct str utf8_cut(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max && ((uint8_t)s.p[max] & 0xc0) == 0x80)
		max--;
	return (struct str){ s.p, max };
}

/*
 * True for what can reshape a terminal line: C1 controls (U+0080..U+009F), line and paragraph
 * separators, and the bidirectional overrides (U+202A..U+202E, U+2066..U+2069).
 */
static inline bool utf8_is_control(const uint8_t *p, size_t n)
{
	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x80)
		return p[2] >= 0xa8 && p[2] <= 0xae;
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x81)
		return p[2] >= 0xa6 && p[2] <= 0xa9;
	return false;
}
