/*
 * Any statement in any dialect: what comes out is no longer than what went in and than is stated, is UTF-8, and has
 * no digit outside of a name. With the first byte's high bit the rest chooses among pieces of statements whose
 * literals all hold a mark, which must not survive.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "proto/sql.h"

static const char *const pieces[] = {
	"SELECT ",    "a ",	" FROM ",    "t ",	"(",	  ")",	     ", ",
	" IN (",      "'Q'",	"'it''Q'",   "'\\\\Q'", "7",	  "-7.5e-7", ".7",
	"0x7F",	      " ",	"\n",	     "/* Q */", "-- Q\n", " x ",     " e'Q\\'Q'",
	"E'Q'",	      "N'Q'",	" _utf8'Q'", "X'7'",	";",	  "VALUES ", "INSERT INTO ",
	"JOIN ",      "::int ", "=",	     " * ",	"$1",	  "?",	     "WITH ",
	" AS ",	      "u.v ",	"UPDATE ",   " SET ",	"ARRAY[", "]",	     "'Q7Q'",
	"/*Q/*Q*/*/",
};

static void check_digits(struct str s)
{
	char quote = 0;
	bool in_name = false;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (quote) {
			quote = c == quote ? 0 : quote;
			in_name = false;
		} else if (c == '"' || c == '`') {
			quote = (char)c;
		} else if (c >= '0' && c <= '9') {
			if (!in_name)
				abort();
		} else {
			in_name = c == '_' || c == '$' || c >= 0x80 || (c | 0x20) - 'a' < 26u;
		}
	}
}

static void check(struct str in, const struct sql *r)
{
	struct str s = sql_shape(r);

	if (s.n > in.n || s.n > SQL_SHAPE_MAX || r->summary_n > SQL_SUMMARY_MAX)
		abort();
	for (size_t i = 0, n; i < s.n; i += n)
		if (!(n = utf8_char((const uint8_t *)s.p + i, s.n - i)))
			abort();
	for (size_t i = 0, n; i < r->summary_n; i += n)
		if (!(n = utf8_char((const uint8_t *)r->summary + i, r->summary_n - i)))
			abort();
	if (!r->cut)
		check_digits(s);
}

static void read_pieces(const uint8_t *data, size_t size, enum sql_dialect dialect)
{
	char text[4096];
	size_t n = 0;
	static struct sql r;

	for (size_t i = 0; i < size; i++) {
		const char *piece = pieces[data[i] % (sizeof(pieces) / sizeof(pieces[0]))];

		if (n + strlen(piece) > sizeof(text))
			break;
		memcpy(text + n, piece, strlen(piece));
		n += strlen(piece);
	}
	sql_read((struct str){ text, n }, dialect, &r);
	check((struct str){ text, n }, &r);
	if (memchr(r.shape, 'Q', r.shape_n) || memchr(r.shape, '7', r.shape_n) ||
	    memchr(r.summary, 'Q', r.summary_n) || memchr(r.summary, '7', r.summary_n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sql r;
	struct str in = { (const char *)data + 1, size - 1 };

	if (size == 0)
		return 0;
	if (data[0] & 0x80) {
		read_pieces(data + 1, size - 1, (data[0] & 0x7f) % 3);
		return 0;
	}
	sql_read(in, data[0] % 3, &r);
	check(in, &r);
	return 0;
}
