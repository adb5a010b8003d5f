/* Positions, excerpts and carets. Everything is cut to fixed sizes: a text may have 1 MiB a line. */
#include "lang/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

/* Bytes of the character at @p for counting: an invalid byte is one character. */
static size_t char_bytes(const char *p, size_t n)
{
	size_t len = utf8_char((const uint8_t *)p, n);

	return len ? len : 1;
}

/* Copies one character so that it takes one printable place. Returns the bytes written. */
static size_t char_show(char *to, const char *p, size_t n)
{
	size_t len = utf8_char((const uint8_t *)p, n);
	uint8_t c = (uint8_t)*p;

	if (c == '\t' || c == '\r') {
		*to = ' ';
		return 1;
	}
	if (len == 0 || c < 0x20 || c == 0x7f || utf8_is_control((const uint8_t *)p, len)) {
		*to = '?';
		return 1;
	}
	memmove(to, p, len);
	return len;
}

/* In place: no control characters, no half character at a cut end. */
static void message_clean(char *m)
{
	size_t n = strlen(m), from = 0, to = 0;

	while (from < n) {
		size_t len = char_bytes(m + from, n - from);

		to += char_show(m + to, m + from, n - from);
		from += len;
	}
	m[to] = 0;
}

/* The line holding @at, a window of it: whole characters, the place inside. */
static void excerpt_fill(struct lang_error *e, struct str line, size_t at)
{
	size_t from = 0, n = 0, to = 0;
	unsigned shown = 0;

	e->caret = e->column - 1;
	for (unsigned skip =
		     e->caret > LANG_EXCERPT_CHARS / 2 + 10 ? e->caret - LANG_EXCERPT_CHARS / 2 : 0;
	     skip; skip--) {
		from += char_bytes(line.p + from, line.n - from);
		e->caret--;
	}
	if (from > 0) {
		memcpy(e->excerpt, "...", 3);
		to = 3;
		e->caret += 3;
	}
	for (n = from; n < line.n && shown < LANG_EXCERPT_CHARS; shown++) {
		to += char_show(e->excerpt + to, line.p + n, line.n - n);
		n += char_bytes(line.p + n, line.n - n);
	}
	if (n < line.n) {
		memcpy(e->excerpt + to, "...", 3);
		to += 3;
	}
	e->excerpt[to] = 0;
	(void)at;
}

int lang_error_at(struct lang_error *e, struct str text, size_t at, const char *fmt, ...)
{
	struct str line = text;
	size_t start = 0, i = 0;
	va_list ap;

	if (!e)
		return -EINVAL;
	if (at > text.n)
		at = text.n;
	memset(e, 0, sizeof(*e));
	e->line = 1;
	for (i = 0; i < at; i++)
		if (text.p[i] == '\n') {
			e->line++;
			start = i + 1;
		}
	line = str_skip(text, start);
	if (line.n && memchr(line.p, '\n', line.n))
		line.n = (size_t)((const char *)memchr(line.p, '\n', line.n) - line.p);
	e->column = 1;
	for (i = 0; start + i < at && i < line.n; e->column++)
		i += char_bytes(line.p + i, line.n - i);
	excerpt_fill(e, line, at - start);
	va_start(ap, fmt);
	vsnprintf(e->message, sizeof(e->message), fmt, ap);
	va_end(ap);
	message_clean(e->message);
	return -EINVAL;
}

void lang_error_print(const struct lang_error *e, struct buf *b)
{
	buf_printf(b, "%u:%u: %s\n  %s\n  ", e->line, e->column, e->message, e->excerpt);
	for (unsigned i = 0; i < e->caret; i++)
		buf_char(b, ' ');
	buf_str(b, STR("^\n"));
}
