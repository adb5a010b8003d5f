/* Columns of text for people. */
#include "out/toptree/column.h"

#include <stdio.h>

#include "base/cleanup.h"

#define VALUE_WIDTH   9
#define PERCENT_WIDTH 6

/* Bytes of @s that make @n characters; *@ret_more: there are more. @s is valid UTF-8. */
static size_t prefix(struct str s, size_t n, size_t *ret_chars, bool *ret_more)
{
	size_t i = 0, chars = 0;

	for (; i < s.n; i++) {
		if ((s.p[i] & 0xc0) == 0x80)
			continue;
		if (chars == n)
			break;
		chars++;
	}
	*ret_chars = chars;
	*ret_more = i < s.n;
	return i;
}

void column_name(struct buf *b, struct str s, size_t width, bool pad)
{
	_cleanup_(buf_free) struct buf text = { 0 };
	size_t n, chars;
	bool more;

	buf_text(&text, s);
	n = prefix(buf_slice(&text), width, &chars, &more);
	if (more && width > 3) {
		n = prefix(buf_slice(&text), width - 3, &chars, &more);
		buf_add(b, text.p, n);
		buf_str(b, STR("..."));
		chars += 3;
	} else {
		buf_add(b, text.p, n);
	}
	for (; pad && chars < width; chars++)
		buf_char(b, ' ');
}

struct step {
	double from; /* of this value on */
	const char *unit;
};

static const struct step ns_steps[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" } };
static const struct step byte_steps[] = {
	{ 1099511627776.0, "TiB" },
	{ 1073741824.0, "GiB" },
	{ 1048576.0, "MiB" },
	{ 1024.0, "KiB" },
	{ 1, "B" },
};

/* Three digits, as many as a person compares by; whole numbers of the smallest unit. */
static int scaled(char *to, size_t size, uint64_t v, const struct step *steps, size_t n)
{
	const struct step *s = steps + n - 1;
	double x;

	for (size_t i = n; i--;)
		if ((double)v >= steps[i].from)
			s = &steps[i];
	x = (double)v / s->from;
	if (x >= 999999.5)
		return snprintf(to, size, "%.1e %s", x, s->unit);
	return snprintf(to, size, "%.*f %s",
			s == steps + n - 1 || x >= 99.95 ? 0 :
			x < 9.995			 ? 2 :
							   1,
			x, s->unit);
}

static int value_text(char *to, size_t size, uint64_t v, struct str unit)
{
	if (!v)
		return snprintf(to, size, "-");
	if (str_eq(unit, STR("nanoseconds")))
		return scaled(to, size, v, ns_steps, sizeof(ns_steps) / sizeof(ns_steps[0]));
	if (str_eq(unit, STR("bytes")))
		return scaled(to, size, v, byte_steps, sizeof(byte_steps) / sizeof(byte_steps[0]));
	return snprintf(to, size, v > 99999999 ? "%.2e" : "%.0f", (double)v);
}

void column_value(struct buf *b, uint64_t v, struct str unit)
{
	char text[40];

	value_text(text, sizeof(text), v, unit);
	buf_printf(b, "%*s", VALUE_WIDTH, text);
}

void column_value_short(struct buf *b, uint64_t v, struct str unit)
{
	char text[40];

	value_text(text, sizeof(text), v, unit);
	buf_str(b, str_of(text));
}

void column_percent(struct buf *b, uint64_t part, uint64_t of)
{
	if (part && of)
		buf_printf(b, "%*.1f", PERCENT_WIDTH, 100.0 * (double)part / (double)of);
	else
		buf_printf(b, "%*s", PERCENT_WIDTH, "-");
}
