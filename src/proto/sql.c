/*
 * Statement to shape: one pass over the bytes by their class; runs are copied whole. Tokens go on to
 * sql_summary.c. Lists and rows are folded by taking back what was written, so a list of any length
 * needs the room of its first element.
 */
#include "proto/sql.h"

#include "base/utf8.h"
#include "proto/sql_summary.h"

#define SHAPE_ROOM sizeof((struct sql *)0)->shape
#define NAME_MAX_Q 258 /* bytes of a quoted name: 64 characters and quotes */

enum class {
	OTHER,
	SPACE,
	CONTROL,
	LETTER, /* also _ and what is not ASCII */
	DIGIT,
	STRING,
	NAME, /* " and ` */
	DOLLAR,
	SIGN,
	DOT,
	SLASH,
	HASH,
	OPEN,
	CLOSE,
	COMMA,
	MARK, /* ? */
	STAR,
};

/* clang-format off */
static const uint8_t classes[256] = {
	[0 ... 8] = CONTROL, ['\t' ... '\r'] = SPACE, [14 ... 31] = CONTROL, [' '] = SPACE, [127] = CONTROL,
	['A' ... 'Z'] = LETTER, ['a' ... 'z'] = LETTER, ['_'] = LETTER, [128 ... 255] = LETTER, ['0' ... '9'] = DIGIT,
	['\''] = STRING, ['"'] = NAME, ['`'] = NAME, ['$'] = DOLLAR, ['+'] = SIGN, ['-'] = SIGN, ['.'] = DOT,
	['/'] = SLASH, ['#'] = HASH, ['('] = OPEN, [')'] = CLOSE, ['['] = OPEN, [']'] = CLOSE, [','] = COMMA,
	['?'] = MARK, ['*'] = STAR,
};
/* clang-format on */

struct scan {
	const char *p, *end;
	enum sql_dialect dialect;
	struct sql *out;
	struct sql_tokens tokens;
	uint32_t n, depth;
	bool full;
	bool executable; /* within MySQL's executable comment */
	enum sql_word before;
	/* A list of literals: what follows the first in it is taken back. */
	uint32_t list_depth, list_end; /* 0: none; none yet */
	/* Rows of the same form in parentheses: in parentheses of this depth. */
	bool rows;
	uint32_t rows_depth, row, row_before, row_before_end;
};

static int class_at(const struct scan *s, size_t i)
{
	return s->p + i < s->end ? classes[(uint8_t)s->p[i]] : -1;
}

static char char_at(const struct scan *s, size_t i)
{
	return s->p + i < s->end ? s->p[i] : 0;
}

static bool is_name(const struct scan *s, size_t i)
{
	int c = class_at(s, i);

	return c == LETTER || c == DIGIT || c == DOLLAR;
}

static void put(struct scan *s, struct str t)
{
	size_t room = SHAPE_ROOM - s->n;

	if (s->full || t.n > room) {
		s->full = true;
		return;
	}
	memcpy(s->out->shape + s->n, t.p, t.n);
	s->n += (uint32_t)t.n;
}

/* The next @n bytes go to the shape as they are. */
static struct str keep(struct scan *s, size_t n)
{
	struct str t = { s->p, n };

	put(s, t);
	s->p += n;
	return t;
}

/* Names: what is not UTF-8 in them becomes _. */
static struct str keep_name(struct scan *s, size_t n)
{
	struct str t = { s->p, n };
	bool plain = true;

	for (size_t i = 0; i < n && plain; i++)
		plain = (uint8_t)t.p[i] < 0x80 && classes[(uint8_t)t.p[i]] != CONTROL;
	if (plain)
		return keep(s, n);
	if (s->full || n > SHAPE_ROOM - s->n)
		s->full = true;
	else
		s->n += (uint32_t)sql_copy(s->out->shape + s->n, n, t);
	s->p += n;
	return t;
}

/* Something that is neither literal nor comma nor white space: lists and rows that it ends. */
static void other(struct scan *s)
{
	s->list_end = 0;
	if (s->rows && s->depth == s->rows_depth)
		s->rows = false;
	s->before = SQL_WORD_OTHER;
}

/* The next @n bytes are a literal. */
static void literal(struct scan *s, size_t n)
{
	struct str t = { s->p, n };

	s->p += n;
	sql_tokens_add(&s->tokens, SQL_LITERAL, t);
	if (s->list_depth && s->list_depth == s->depth && s->list_end && !s->full) {
		s->n = s->list_end;
		return;
	}
	other(s);
	put(s, STR("?"));
	s->list_end = s->n;
}

/* Bytes to behind the closing @quote, which doubled (or behind a backslash) is none; or to the end: *ret_open. */
static size_t quoted(const struct scan *s, size_t from, char quote, bool backslash, bool *ret_open)
{
	const char *p = s->p + from;

	*ret_open = false;
	while (p < s->end) {
		if (*p == '\\' && backslash) {
			p += p + 1 < s->end ? 2 : 1;
		} else if (*p != quote) {
			p++;
		} else if (p + 1 < s->end && p[1] == quote) {
			p += 2;
		} else {
			return (size_t)(p + 1 - s->p);
		}
	}
	*ret_open = true;
	return (size_t)(s->end - s->p);
}

static void string_from(struct scan *s, size_t prefix, bool backslash)
{
	bool opened;

	literal(s, quoted(s, prefix + 1, '\'', backslash, &opened));
}

static void string(struct scan *s)
{
	string_from(s, 0, s->dialect == SQL_MYSQL);
}

static void name(struct scan *s)
{
	bool is_string = *s->p == '"' && s->dialect == SQL_MYSQL, opened;
	size_t n = quoted(s, 1, *s->p, is_string, &opened);

	if (is_string || opened || n > NAME_MAX_Q) {
		literal(s, n);
		return;
	}
	other(s);
	sql_tokens_add(&s->tokens, SQL_QUOTED, keep_name(s, n));
}

/* E'', B'', N'', X'', U&'': how many bytes before the quote belong to the literal. */
static size_t string_prefix(const struct scan *s, size_t word)
{
	if (word == 1 && char_at(s, 1) == '\'' && strchr("EeBbNnXx", *s->p))
		return 1;
	if (word == 1 && (*s->p | 0x20) == 'u' && char_at(s, 1) == '&' && char_at(s, 2) == '\'')
		return 2;
	return 0;
}

static void word(struct scan *s)
{
	size_t n = 1, prefix;

	while (is_name(s, n))
		n++;
	prefix = string_prefix(s, n);
	if (prefix) {
		string_from(s, prefix, (*s->p | 0x20) == 'e' || s->dialect == SQL_MYSQL);
		return;
	}
	other(s);
	s->before = sql_tokens_add(&s->tokens, SQL_WORD, keep_name(s, n));
	if (s->before == SQL_WORD_VALUES) {
		s->rows = true;
		s->rows_depth = s->depth;
		s->row_before_end = 0;
	}
}

/* Digits, and all letters that follow: 0x1f, 1e-5, 1_000, 12ab. */
static size_t number_end(const struct scan *s, size_t i)
{
	bool hex = char_at(s, i) == '0' && (char_at(s, i + 1) | 0x20) == 'x';

	for (;; i++) {
		bool sign = class_at(s, i) == SIGN && !hex && (s->p[i - 1] | 0x20) == 'e' &&
			    class_at(s, i + 1) == DIGIT;

		if (!is_name(s, i) && class_at(s, i) != DOT && !sign)
			return i;
	}
}

static void number(struct scan *s)
{
	literal(s, number_end(s, 1));
}

static void one(struct scan *s)
{
	other(s);
	sql_tokens_add(&s->tokens, SQL_PUNCT, keep(s, 1));
}

static void dot(struct scan *s)
{
	if (class_at(s, 1) == DIGIT)
		number(s);
	else
		one(s);
}

static void mark(struct scan *s)
{
	size_t n = 1;

	if (class_at(s, 1) == DIGIT)
		n = number_end(s, 1);
	literal(s, n);
}

static void comment_line(struct scan *s)
{
	const char *nl = memchr(s->p, '\n', (size_t)(s->end - s->p));

	s->p = nl ? nl : s->end;
}

static void sign(struct scan *s)
{
	bool comment = *s->p == '-' && char_at(s, 1) == '-';

	if (comment && s->dialect == SQL_MYSQL)
		comment = s->p + 2 >= s->end || class_at(s, 2) == SPACE || class_at(s, 2) == CONTROL;
	if (comment)
		comment_line(s);
	else if (class_at(s, 1) == DIGIT || (class_at(s, 1) == DOT && class_at(s, 2) == DIGIT))
		literal(s, number_end(s, 2));
	else
		one(s);
}

static void hash(struct scan *s)
{
	if (s->dialect == SQL_MYSQL)
		comment_line(s);
	else
		one(s);
}

/* What instrumentation adds to statements: traceparent='00-...'. */
static void comment_trace(struct scan *s, struct str text)
{
	static const struct str key = { "traceparent='", 13 };
	const char *p = memmem(text.p, text.n, key.p, key.n), *q;

	if (!p || s->out->trace.n)
		return;
	p += key.n;
	q = memchr(p, '\'', (size_t)(text.p + text.n - p));
	if (q && q - p == 55)
		s->out->trace = (struct str){ p, 55 };
}

static void comment_block(struct scan *s)
{
	const char *from = s->p;
	uint32_t nested = 0;

	for (; s->p + 1 < s->end; s->p++) {
		if (s->p[0] == '/' && s->p[1] == '*') {
			nested += nested == 0 || s->dialect == SQL_POSTGRES;
			s->p++;
		} else if (s->p[0] == '*' && s->p[1] == '/') {
			s->p++;
			if (--nested == 0)
				break;
		}
	}
	s->p = s->p + 1 < s->end ? s->p + 1 : s->end;
	comment_trace(s, (struct str){ from, (size_t)(s->p - from) });
	if (s->n && is_name(s, 0) && classes[(uint8_t)s->out->shape[s->n - 1]] == LETTER)
		put(s, STR(" ")); /* two words stay two */
}

static void slash(struct scan *s)
{
	if (char_at(s, 1) != '*') {
		one(s);
	} else if (s->dialect == SQL_MYSQL &&
		   (char_at(s, 2) == '!' || (char_at(s, 2) == 'M' && char_at(s, 3) == '!'))) {
		s->executable = true;
		s->p += s->p[2] == '!' ? 3 : 4;
		while (class_at(s, 0) == DIGIT) /* the version that it is for */
			s->p++;
	} else {
		comment_block(s);
	}
}

static void star(struct scan *s)
{
	if (s->executable && char_at(s, 1) == '/') {
		s->executable = false;
		s->p += 2;
	} else {
		one(s);
	}
}

/* $1, $$text$$, $tag$text$tag$; in MySQL a letter. */
static void dollar(struct scan *s)
{
	size_t n = 1;
	const char *close;

	if (class_at(s, 1) == DIGIT) {
		literal(s, number_end(s, 1));
		return;
	}
	if (s->dialect == SQL_MYSQL) {
		word(s);
		return;
	}
	while (class_at(s, n) == LETTER || class_at(s, n) == DIGIT)
		n++;
	if (char_at(s, n) != '$') {
		one(s);
		return;
	}
	n++;
	close = memmem(s->p + n, (size_t)(s->end - s->p) - n, s->p, n);
	literal(s, close ? (size_t)(close - s->p) + n : (size_t)(s->end - s->p));
}

static void space(struct scan *s)
{
	size_t n = 1;

	while (class_at(s, n) == SPACE)
		n++;
	keep(s, n);
}

static void control(struct scan *s)
{
	put(s, STR(" "));
	s->p++;
}

static void comma(struct scan *s)
{
	sql_tokens_add(&s->tokens, SQL_PUNCT, keep(s, 1));
}

static void open(struct scan *s)
{
	bool list = s->before == SQL_WORD_IN || s->before == SQL_WORD_ARRAY;

	s->list_end = 0;
	s->before = SQL_WORD_OTHER;
	if (s->rows && s->depth == s->rows_depth)
		s->row = s->n;
	s->depth++;
	if (list) {
		s->list_depth = s->depth;
		s->rows = true;
		s->rows_depth = s->depth;
		s->row_before_end = 0;
	}
	sql_tokens_add(&s->tokens, SQL_PUNCT, keep(s, 1));
}

/* A row has ended: is it as the one before? */
static void row(struct scan *s)
{
	const char *shape = s->out->shape;
	uint32_t n = s->n - s->row;

	if (s->row_before_end && s->row_before_end - s->row_before == n &&
	    memcmp(shape + s->row_before, shape + s->row, n) == 0) {
		s->n = s->row_before_end;
		return;
	}
	s->row_before = s->row;
	s->row_before_end = s->n;
}

static void close(struct scan *s)
{
	sql_tokens_add(&s->tokens, SQL_PUNCT, keep(s, 1));
	s->list_end = 0;
	s->before = SQL_WORD_OTHER;
	if (s->list_depth == s->depth)
		s->list_depth = 0;
	s->depth -= s->depth > 0;
	if (s->rows && s->depth == s->rows_depth && !s->full)
		row(s);
	if (s->rows && s->depth < s->rows_depth)
		s->rows = false;
}

static void (*const lex[])(struct scan *s) = {
	[OTHER] = one,	   [SPACE] = space, [CONTROL] = control, [LETTER] = word, [DIGIT] = number,
	[STRING] = string, [NAME] = name,   [DOLLAR] = dollar,	 [SIGN] = sign,	  [DOT] = dot,
	[SLASH] = slash,   [HASH] = hash,   [OPEN] = open,	 [CLOSE] = close, [COMMA] = comma,
	[MARK] = mark,	   [STAR] = star,
};

/* Cuts the shape to what is kept, between characters. */
static void shape_end(struct scan *s)
{
	uint32_t n = s->n;

	if (n > SQL_SHAPE_MAX) {
		s->full = true;
		n = SQL_SHAPE_MAX;
		while (n && ((uint8_t)s->out->shape[n] & 0xc0) == 0x80)
			n--;
	}
	s->out->shape_n = (uint16_t)n;
	s->out->cut |= s->full;
}

void sql_read(struct str statement, enum sql_dialect dialect, struct sql *ret)
{
	struct scan s = { .dialect = dialect, .out = ret };

	ret->method = ret->trace = STR_NONE;
	ret->cut = statement.n > SQL_READ_MAX;
	if (ret->cut)
		statement.n = SQL_READ_MAX;
	s.p = statement.p;
	s.end = statement.p + statement.n;
	sql_tokens_begin(&s.tokens, statement, ret);
	while (s.p < s.end)
		lex[classes[(uint8_t)*s.p]](&s);
	sql_tokens_end(&s.tokens);
	shape_end(&s);
}
