/* Reads members one by one: objects are small, and each function is read once. */
#include "symbol/python_code.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/cur.h"

#define UNIT 2 /* bytes of an instruction's unit */

/* Every object begins with its count of references and its type; a type has its name first. */
#define OB_TYPE	 8
#define OB_SIZE	 16
#define TP_NAME	 24
#define STR_LEN	 16
#define STR_BITS 32

/* --- line tables ----------------------------------------------------------------------------------- */

/* Six bits a byte, the lowest first; the seventh says that more come. */
static bool varint(struct cur *c, uint32_t *ret)
{
	uint32_t value = 0;
	uint8_t byte;

	for (unsigned shift = 0; shift < 32; shift += 6) {
		if (!cur_u8(c, &byte))
			return false;
		value |= (uint32_t)(byte & 63) << shift;
		if (!(byte & 64)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/* The sign is the lowest bit. */
static bool svarint(struct cur *c, uint32_t *ret)
{
	uint32_t value;

	if (!varint(c, &value))
		return false;
	*ret = value & 1 ? -(value >> 1) : value >> 1;
	return true;
}

enum {
	LINES_ONE_LINE = 10, /* to 12: as many lines on, and two columns */
	LINES_NO_COLUMNS = 13,
	LINES_LONG,
	LINES_NONE,
};

/* What follows an entry's first byte: lines on from the last one (it may be negative). */
static bool line_delta(struct cur *c, unsigned form, uint32_t *ret)
{
	uint32_t skipped;

	*ret = 0;
	if (form == LINES_NONE)
		return true;
	if (form < LINES_ONE_LINE)
		return cur_skip(c, 1);
	if (form < LINES_NO_COLUMNS) {
		*ret = form - LINES_ONE_LINE;
		return cur_skip(c, 2);
	}
	if (!svarint(c, ret))
		return false;
	return form == LINES_NO_COLUMNS ||
	       (varint(c, &skipped) && varint(c, &skipped) && varint(c, &skipped));
}

uint32_t python_line(const uint8_t *table, size_t n, uint32_t first_line, uint32_t instr)
{
	struct cur c = cur_of(table, n);
	uint32_t line = first_line, delta;
	uint64_t end = 0;
	uint8_t head;

	while (cur_u8(&c, &head)) {
		const unsigned form = head >> 3 & 15;

		if (!line_delta(&c, form, &delta))
			break;
		line += delta;
		end += ((head & 7) + 1u) * UNIT;
		if (instr < end)
			return form == LINES_NONE || line > INT32_MAX ? 0 : line;
	}
	return 0;
}

/* --- objects --------------------------------------------------------------------------------------- */

struct reader {
	python_read read;
	void *ctx;
};

static bool word(const struct reader *r, uint64_t at, uint64_t *ret)
{
	return r->read(r->ctx, at, ret, sizeof(*ret));
}

static bool is_code(const struct reader *r, uint64_t code)
{
	uint64_t type, name;
	char text[5];

	return word(r, code + OB_TYPE, &type) && word(r, type + TP_NAME, &name) &&
	       r->read(r->ctx, name, text, sizeof(text)) && memcmp(text, "code", 5) == 0;
}

static size_t utf8_put(char *to, uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* @n characters of @kind bytes each, as UTF-8 at @to, where 4 * @n bytes are free. */
static size_t text_make(const uint8_t *from, size_t n, unsigned kind, char *to)
{
	struct cur c = cur_of(from, n * kind);
	size_t done = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t value = 0;

		if (!cur_copy(&c, &value, kind))
			break;
		done += utf8_put(to + done, value);
	}
	return done;
}

/*
 * A str's characters at @to (4 * @max bytes are free), how many bytes; 0: it cannot be read.
 * Bits of the state: interned 2, kind 3 (bytes of a character), compact 1, ascii 1.
 */
static size_t str_read(const struct reader *r, const struct python_layout *l, uint64_t at,
		       size_t max, char *to)
{
	uint8_t raw[PYTHON_PATH_MAX * 4];
	uint64_t length;
	uint32_t bits;
	unsigned kind;

	if (!at || !word(r, at + STR_LEN, &length) ||
	    !r->read(r->ctx, at + STR_BITS, &bits, sizeof(bits)))
		return 0;
	kind = bits >> 2 & 7;
	if ((kind != 1 && kind != 2 && kind != 4) || !(bits >> 5 & 1))
		return 0;
	at += bits >> 6 & 1 ? l->str_ascii : l->str_compact;
	length = length < max ? length : max;
	if (!length || !r->read(r->ctx, at, raw, length * kind))
		return 0;
	return text_make(raw, length, kind, to);
}

static int lines_read(const struct reader *r, const struct python_layout *l, uint64_t at,
		      struct python_code *to)
{
	uint64_t n;

	if (!at || !word(r, at + OB_SIZE, &n))
		return -EFAULT;
	n = n < PYTHON_LINES_MAX ? n : PYTHON_LINES_MAX;
	to->lines = malloc(n ? n : 1);
	if (!to->lines)
		return -ENOMEM;
	if (!r->read(r->ctx, at + l->bytes_data, to->lines, n))
		return -EFAULT;
	to->nlines = n;
	to->bytes += n;
	return 0;
}

/* Both names into one piece of memory. */
static int names_read(const struct reader *r, const struct python_layout *l, uint64_t code,
		      struct python_code *to)
{
	char text[4 * (PYTHON_NAME_MAX + PYTHON_PATH_MAX)];
	uint64_t name, qualname, file;
	size_t n, m;

	if (!word(r, code + l->code_name, &name) || !word(r, code + l->code_qualname, &qualname) ||
	    !word(r, code + l->code_file, &file))
		return -EFAULT;
	n = str_read(r, l, qualname, PYTHON_NAME_MAX, text);
	if (!n)
		n = str_read(r, l, name, PYTHON_NAME_MAX, text);
	m = str_read(r, l, file, PYTHON_PATH_MAX, text + n);
	to->text = malloc(n + m + 1);
	if (!to->text)
		return -ENOMEM;
	memcpy(to->text, text, n + m);
	to->name = n ? (struct str){ to->text, n } : STR_NONE;
	to->file = m ? (struct str){ to->text + n, m } : STR_NONE;
	to->bytes += n + m + 1;
	return 0;
}

int python_code_read(const struct python_layout *l, python_read read, void *ctx, uint64_t code,
		     struct python_code *ret)
{
	const struct reader r = { read, ctx };
	struct python_code c = { 0 };
	uint64_t lines;
	int err;

	if (!is_code(&r, code))
		return -EBADMSG;
	if (!read(ctx, code + l->code_first_line, &c.first_line, sizeof(c.first_line)) ||
	    !word(&r, code + l->code_lines, &lines))
		return -EFAULT;
	err = names_read(&r, l, code, &c);
	/* Without lines there is still a name. */
	if (!err && lines_read(&r, l, lines, &c) == -ENOMEM)
		err = -ENOMEM;
	if (err)
		python_code_free(&c);
	else
		*ret = c;
	return err;
}

void python_code_free(struct python_code *c)
{
	free(c->lines);
	free(c->text);
	*c = (struct python_code){ 0 };
}
