/* Strict where two readers could differ about where a message ends, lenient elsewhere. */
#include "proto/http/head.h"

#define METHOD_MAX 32
#define LENGTH_MAX (INT64_MAX / 2) /* so that sums of lengths stay far from the end of 64 bits */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 9110, 5.6.2. */
static bool is_token(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str http_trim(struct str s)
{
	while (s.n && is_blank(s.p[0]))
		s = str_skip(s, 1);
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool http_is(struct str s, struct str lower)
{
	if (s.n != lower.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if (c != lower.p[i])
			return false;
	}
	return true;
}

static bool version(struct str s, uint8_t *ret_minor)
{
	if (s.n != 8 || memcmp(s.p, "HTTP/1.", 7) != 0 || !is_digit(s.p[7]))
		return false;
	*ret_minor = (uint8_t)(s.p[7] - '0');
	return true;
}

static bool target_sane(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 127)
			return false;
	return s.n > 0;
}

const char *http_request_line(struct str line, bool cut, struct http_request_line *ret)
{
	struct http_request_line r = { .minor = 1 };
	size_t n = 0;
	const char *blank;

	while (n < line.n && n <= METHOD_MAX && is_token(line.p[n]))
		n++;
	if (n == 0 || n > METHOD_MAX || n == line.n || line.p[n] != ' ')
		return "method";
	r.method = (struct str){ line.p, n };
	r.target = str_skip(line, n + 1);
	blank = memrchr(r.target.p, ' ', r.target.n);
	if (!cut) {
		if (!blank)
			return "version";
		n = (size_t)(blank - r.target.p);
		if (!version(str_skip(r.target, n + 1), &r.minor))
			return "version";
		r.target.n = n;
	}
	if (!target_sane(r.target))
		return "target";
	*ret = r;
	return NULL;
}

const char *http_status_line(struct str line, struct http_status_line *ret)
{
	struct http_status_line r = { 0 };

	if (!version((struct str){ line.p, line.n < 8 ? line.n : 8 }, &r.minor))
		return "version";
	if (line.n < 12 || line.p[8] != ' ' || line.p[9] < '1' || !is_digit(line.p[9]) ||
	    !is_digit(line.p[10]) || !is_digit(line.p[11]) || (line.n > 12 && line.p[12] != ' '))
		return "status";
	r.code = (uint16_t)((line.p[9] - '0') * 100 + (line.p[10] - '0') * 10 + line.p[11] - '0');
	*ret = r;
	return NULL;
}

const char *http_field(struct str line, struct str *ret_name, struct str *ret_value)
{
	const char *colon = memchr(line.p, ':', line.n);

	if (!colon)
		return "field-colon";
	if (colon == line.p || !is_token(line.p[0]) || !is_token(colon[-1]))
		return "field-name";
	*ret_name = (struct str){ line.p, (size_t)(colon - line.p) };
	*ret_value = str_skip(line, ret_name->n + 1);
	return NULL;
}

static bool number(struct str s, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]) || v > LENGTH_MAX / 10)
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	*ret = v;
	return true;
}

/* The next of a list with commas; false: none left. */
static bool next_of(struct str *list, struct str *ret)
{
	const char *comma;

	if (!list->n)
		return false;
	comma = memchr(list->p, ',', list->n);
	*ret = http_trim((struct str){ list->p, comma ? (size_t)(comma - list->p) : list->n });
	*list = comma ? str_skip(*list, (size_t)(comma - list->p) + 1) : STR_NONE;
	return true;
}

const char *http_length(struct http_framing *f, struct str value)
{
	struct str one;
	uint64_t v;

	if (!value.n)
		return "content-length";
	while (next_of(&value, &one)) {
		if (!number(one, &v))
			return "content-length";
		if (f->has_length && f->length != v)
			return "content-length-twice";
		f->has_length = true;
		f->length = v;
	}
	return NULL;
}

const char *http_coding(struct http_framing *f, struct str value)
{
	struct str one;

	while (next_of(&value, &one)) {
		if (!one.n || http_is(one, STR("identity")))
			continue;
		if (f->chunked) /* chunked is the last, and there is one */
			return "transfer-encoding";
		f->coded = true;
		f->chunked = http_is(one, STR("chunked"));
	}
	return NULL;
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *http_chunk_size(struct str line, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < line.n && hex_digit(line.p[i]) >= 0; i++) {
		if (v > LENGTH_MAX / 16)
			return "chunk-size";
		v = v << 4 | (uint64_t)hex_digit(line.p[i]);
	}
	if (i == 0)
		return "chunk-size";
	while (i < line.n && is_blank(line.p[i]))
		i++;
	if (i < line.n && line.p[i] != ';')
		return "chunk-extension";
	*ret = v;
	return NULL;
}

size_t http_find_status(struct str s)
{
	struct http_status_line line;
	size_t at = 0;

	for (;;) {
		struct str rest = str_skip(s, at);
		const char *p = memmem(rest.p, rest.n, "HTTP/1.", 7);

		if (!p)
			return s.n;
		at = (size_t)(p - s.p);
		rest = str_skip(s, at);
		if (rest.n > 12 &&
		    !http_status_line((struct str){ p, p[12] == ' ' ? 13 : 12 }, &line) &&
		    memchr(" \r\n", p[12], 3))
			return at;
		at += 7;
	}
}

/* Where the line begins that has " HTTP/1." at @at; at + 1: none does. */
static size_t request_begin(struct str s, size_t at)
{
	size_t i = at, low = at > 8192 ? at - 8192 : 0, end;

	while (i > low && (unsigned char)s.p[i - 1] > ' ' && s.p[i - 1] != 127)
		i--;
	if (i == at || i < low + 2 || s.p[i - 1] != ' ')
		return at + 1;
	end = --i;
	/* Capitals alone: a body without an end of line may stand right before. */
	while (i > low && end - i <= METHOD_MAX && s.p[i - 1] >= 'A' && s.p[i - 1] <= 'Z')
		i--;
	return end - i >= 3 && end - i <= METHOD_MAX ? i : at + 1;
}

size_t http_find_request(struct str s)
{
	size_t at = 0;

	for (;;) {
		struct str rest = str_skip(s, at);
		const char *p = memmem(rest.p, rest.n, " HTTP/1.", 8);
		size_t begin;

		if (!p)
			return s.n;
		at = (size_t)(p - s.p);
		begin = request_begin(s, at);
		if (begin < at && s.n - at > 9 && is_digit(p[8]) && (p[9] == '\r' || p[9] == '\n'))
			return begin;
		at += 8;
	}
}
