/*
 * The growing buffer. It doubles up to its maximum; a write that would pass the maximum marks the
 * buffer failed and leaves what is there.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

char *buf_room(struct buf *b, size_t more)
{
	size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
	size_t cap = b->cap ? b->cap : 256;
	char *p;

	if (b->failed || more > max || b->n > max - more) {
		b->failed = true;
		return NULL;
	}
	while (cap - b->n < more)
		cap *= 2;
	if (cap > max)
		cap = max; /* buf_grow looks at cap alone */
	if (cap != b->cap) {
		p = realloc(b->p, cap);
		if (!p) {
			b->failed = true;
			return NULL;
		}
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	int n;
	char *to;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if ((size_t)n < sizeof(small)) {
		buf_add(b, small, (size_t)n);
		return;
	}
	to = buf_grow(b, (size_t)n + 1);
	if (!to)
		return;
	va_start(ap, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void buf_u64(struct buf *b, uint64_t v)
{
	char d[20];
	size_t at = sizeof(d);

	do {
		d[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, d + at, sizeof(d) - at);
}

void buf_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_char(b, '-');
	buf_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

static bool text_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '\\';
}

static void text_escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char e[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

	switch (c) {
	case '\n':
		buf_add(b, "\\n", 2);
		return;
	case '\t':
		buf_add(b, "\\t", 2);
		return;
	case '\r':
		buf_add(b, "\\r", 2);
		return;
	case '\\':
		buf_add(b, "\\\\", 2);
		return;
	default:
		buf_add(b, e, 4);
	}
}

void buf_span(struct buf *b, uint64_t ns, int width, int us_digits, int s_digits)
{
	if (ns < 1000000)
		buf_printf(b, "%*.*fus", width ? width - 2 : 0, us_digits, (double)ns / 1e3);
	else if (ns < 1000000000)
		buf_printf(b, "%*.1fms", width ? width - 2 : 0, (double)ns / 1e6);
	else
		buf_printf(b, "%*.*fs", width ? width - 1 : 0, s_digits, (double)ns / 1e9);
}

void buf_size(struct buf *b, uint64_t bytes, int width)
{
	static const char units[] = "BKMGTPE";
	double v = (double)bytes;
	size_t u = 0;

	for (; v >= 1000 && units[u + 1]; u++)
		v /= 1024;
	buf_printf(b, "%*.*f%c", width ? width - 1 : 0, u ? 1 : 0, v, units[u]);
}

void buf_text(struct buf *b, struct str s)
{
	size_t i = 0, n;

	while (i < s.n) {
		size_t run = i;

		while (run < s.n && text_plain((unsigned char)s.p[run]))
			run++;
		buf_add(b, s.p + i, run - i);
		i = run;
		if (i == s.n)
			break;
		n = utf8_char((const uint8_t *)s.p + i, s.n - i);
		if (n > 1 && !utf8_is_control((const uint8_t *)s.p + i, n))
			buf_add(b, s.p + i, n);
		else
			for (size_t k = 0; k < (n ? n : 1); k++)
				text_escape(b, (unsigned char)s.p[i + k]);
		i += n ? n : 1;
	}
}
