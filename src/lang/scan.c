/* Tokens and operands. Bounds: the text's length, and AST_DEPTH_MAX for nested transformers. */
#include "lang/scan.h"

#include <errno.h>
#include <stdio.h>

#include "base/utf8.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

static bool is_bare(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && !strchr("()\"'=,", c);
}

int scan_check(const struct scan *s)
{
	size_t len;

	if (s->text.n > AST_TEXT_MAX_BYTES)
		return scan_error(s, 0, "too long: %zu bytes, the maximum is %u", s->text.n,
				  AST_TEXT_MAX_BYTES);
	for (size_t i = 0; i < s->text.n; i += len) {
		len = utf8_char((const uint8_t *)s->text.p + i, s->text.n - i);
		if (len == 0)
			return scan_error(s, i, "not UTF-8; write this byte as \"\\x%02x\"",
					  (uint8_t)s->text.p[i]);
		if (s->text.p[i] == 0)
			return scan_error(s, i, "a NUL byte cannot be part of an expression");
	}
	return 0;
}

void scan_blanks(struct scan *s)
{
	while (s->at < s->text.n && scan_is_blank(s->text.p[s->at]))
		s->at++;
}

bool scan_char(struct scan *s, char c)
{
	if (s->at >= s->text.n || s->text.p[s->at] != c)
		return false;
	s->at++;
	return true;
}

bool scan_name(struct scan *s, bool dots, struct str *ret)
{
	size_t i = s->at, n = s->text.n;
	const char *p = s->text.p;

	if (i >= n || !is_letter(p[i]))
		return false;
	while (i < n && (is_word(p[i]) || (dots && p[i] == '.' && i + 1 < n && is_letter(p[i + 1]))))
		i++;
	*ret = (struct str){ p + s->at, i - s->at };
	s->at = i;
	return true;
}

bool scan_keyword(struct scan *s, struct str word)
{
	struct str rest = str_skip(s->text, s->at);

	if (!str_starts(rest, word))
		return false;
	if (rest.n > word.n && !scan_is_blank(rest.p[word.n]) && rest.p[word.n] != '(')
		return false;
	s->at += word.n;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character after a backslash at @at; what it stands for, and how many bytes it took. */
static int escape(const struct scan *s, size_t at, char *ret, size_t *ret_len)
{
	static const char from[] = "bfnrt\\/ ", to[] = "\b\f\n\r\t\\/\\";
	char c = at + 1 < s->text.n ? s->text.p[at + 1] : 0;
	const char *known = c ? strchr(from, c) : NULL;
	int hi = -1, lo = -1;

	*ret_len = 2;
	if (c == '"' || c == '\'') {
		*ret = c;
		return 0;
	}
	if (known) {
		*ret = to[known - from];
		return 0;
	}
	if (c == 'x' && at + 3 < s->text.n) {
		hi = hex_digit(s->text.p[at + 2]);
		lo = hex_digit(s->text.p[at + 3]);
	}
	if (hi >= 0 && lo >= 0) {
		*ret = (char)(hi << 4 | lo);
		*ret_len = 4;
		return *ret ? 0 : scan_error(s, at, "a value cannot hold a NUL byte");
	}
	if (c == 'x')
		return scan_error(s, at, "\\x needs two hexadecimal digits");
	return scan_error(s, at, "unknown escape; a backslash is written \\\\");
}

/* Appends the closed text from @from on, the quote being taken. */
static int quoted(struct scan *s, char quote, struct ast_text *t)
{
	size_t open = s->at - 1, i = s->at, n = 0, len;
	const char *end = memchr(s->text.p + i, quote, s->text.n - i);
	char *to;
	int r;

	/* The unescaped form is never longer; the closing quote may be farther than the first. */
	for (len = i; len < s->text.n && s->text.p[len] != quote; len++)
		if (s->text.p[len] == '\\')
			len++;
	if (!end || len >= s->text.n)
		return scan_error(s, open, "this quote is never closed");
	to = pool_alloc(s->pool, len - i + 1);
	if (!to)
		return -ENOMEM;
	while (s->text.p[i] != quote) {
		size_t took = 1;

		to[n] = s->text.p[i];
		r = s->text.p[i] == '\\' ? escape(s, i, &to[n], &took) : 0;
		if (r < 0)
			return r;
		n++;
		i += took;
	}
	s->at = i + 1;
	t->str = (struct str){ to, n };
	t->quoted = true;
	return 0;
}

int scan_string(struct scan *s, struct ast_text **ret)
{
	size_t start = s->at;
	char c = scan_peek(s);
	struct ast_text *t;
	int r;

	if (c != '"' && c != '\'' && !is_bare(c))
		return -ENOENT;
	t = pool_alloc(s->pool, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->at = (uint32_t)start;
	if (c == '"' || c == '\'') {
		s->at++;
		r = quoted(s, c, t);
		if (r < 0)
			return r;
	} else {
		while (s->at < s->text.n && is_bare(s->text.p[s->at]))
			s->at++;
		t->str = (struct str){ s->text.p + start, s->at - start };
	}
	*ret = t;
	return 0;
}

int scan_bracket(struct scan *s, struct ast_text **ret)
{
	size_t open = s->at++;
	char c = scan_peek(s);
	struct ast_text *t = NULL;
	int r;

	if (c == '"' || c == '\'') {
		r = scan_string(s, &t);
		if (r < 0)
			return r;
	} else {
		t = pool_alloc(s->pool, sizeof(*t));
		if (!t)
			return -ENOMEM;
		t->at = (uint32_t)s->at;
		while (s->at < s->text.n && (unsigned char)s->text.p[s->at] > ' ' &&
		       !strchr("[]\"'", s->text.p[s->at]))
			s->at++;
		t->str = (struct str){ s->text.p + t->at, s->at - t->at };
		if (t->str.n == 0)
			return scan_error(s, s->at, "expected a number or a key in the brackets");
	}
	if (!scan_char(s, ']'))
		return scan_error(s, open, "this bracket is never closed");
	*ret = t;
	return 0;
}

static struct ast_operand *operand_new(struct scan *s, enum ast_operand_kind kind, struct str name,
				       size_t at)
{
	struct ast_operand *o = pool_alloc(s->pool, sizeof(*o));

	if (o) {
		o->kind = kind;
		o->name = name;
		o->at = (uint32_t)at;
	}
	return o;
}

int scan_field(struct scan *s, struct str name, size_t at, struct ast_operand **ret)
{
	struct ast_operand *o = operand_new(s, AST_FIELD, name, at);
	int r = o ? 0 : -ENOMEM;

	if (r == 0 && scan_peek(s) == '[')
		r = scan_bracket(s, &o->arg);
	if (r < 0)
		return r;
	*ret = o;
	return 0;
}

/* Operands up to the closing parenthesis, the opening one being taken. */
static int operands(struct scan *s, size_t open, struct ast_operand **ret)
{
	struct ast_operand **tail = ret;
	char found[64];
	int r;

	if (++s->depth > AST_DEPTH_MAX)
		return scan_error(s, open, "nested deeper than %d", AST_DEPTH_MAX);
	for (;;) {
		scan_blanks(s);
		r = scan_operand(s, tail);
		if (r == -ENOENT)
			return scan_error(s, s->at, "expected a field or a value, found %s",
					  scan_found(s, &found));
		if (r < 0)
			return r;
		tail = &(*tail)->next;
		scan_blanks(s);
		if (scan_char(s, ','))
			continue;
		if (!scan_char(s, ')'))
			return scan_error(s, s->at, "expected ',' or ')', found %s",
					  scan_found(s, &found));
		s->depth--;
		return 0;
	}
}

int scan_call(struct scan *s, struct str name, size_t at, struct ast_operand **ret)
{
	struct ast_operand *o = operand_new(s, AST_CALL, name, at);
	int r;

	if (!o)
		return -ENOMEM;
	s->at++;
	r = operands(s, s->at - 1, &o->args);
	if (r == 0 && scan_peek(s) == '[' && str_eq(name, STR("getopt")))
		r = scan_bracket(s, &o->arg);
	if (r < 0)
		return r;
	*ret = o;
	return 0;
}

int scan_operand(struct scan *s, struct ast_operand **ret)
{
	size_t start = s->at;
	struct ast_operand *o;
	struct ast_text *t;
	struct str name;
	int r;

	if (scan_peek(s) == '(') {
		s->at++;
		o = operand_new(s, AST_LIST, STR_NONE, start);
		r = o ? operands(s, start, &o->args) : -ENOMEM;
	} else if (scan_name(s, true, &name) && scan_peek(s) == '(') {
		return scan_call(s, name, start, ret);
	} else if (s->at > start && memchr(name.p, '.', name.n)) {
		return scan_field(s, name, start, ret);
	} else {
		s->at = start;
		r = scan_string(s, &t);
		o = r == 0 ? operand_new(s, AST_STRING, t->str, start) : NULL;
		if (r == 0 && !o)
			r = -ENOMEM;
	}
	if (r < 0)
		return r;
	*ret = o;
	return 0;
}

const char *scan_found(const struct scan *s, char (*buf)[64])
{
	struct str rest = str_skip(s->text, s->at);
	size_t n = 0;

	if (rest.n == 0)
		return "the end of the text";
	while (n < rest.n && n < 32 && !scan_is_blank(rest.p[n]) && (n == 0 || is_bare(rest.p[n])))
		n++;
	while (n < rest.n && ((uint8_t)rest.p[n] & 0xc0) == 0x80)
		n++;
	snprintf(*buf, sizeof(*buf), "'%.*s'", (int)n, rest.p);
	return *buf;
}
