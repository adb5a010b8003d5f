/* The JSON string writer: copies plain runs whole and looks closer only where it must. */
#include "base/json.h"

#include "base/utf8.h"

static const uint8_t json_plain[256] = {
	[0x20 ... 0x21] = 1,
	[0x23 ... 0x5b] = 1,
	[0x5d ... 0x7e] = 1,
};

static void json_escape_ascii(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char short_form[256] = {
		['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
		['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'
	};
	char e[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (short_form[c]) {
		e[1] = short_form[c];
		buf_add(b, e, 2);
	} else {
		buf_add(b, e, 6);
	}
}

void json_escape(struct buf *b, struct str s)
{
	size_t i = 0;

	while (i < s.n) {
		size_t run = i, n;

		while (run < s.n && json_plain[(unsigned char)s.p[run]])
			run++;
		buf_add(b, s.p + i, run - i);
		i = run;
		if (i == s.n)
			return;
		n = utf8_char((const uint8_t *)s.p + i, s.n - i);
		if (n == 1)
			json_escape_ascii(b, (unsigned char)s.p[i]);
		else if (n == 0)
			buf_add(b, "\xef\xbf\xbd", 3);
		else
			buf_add(b, s.p + i, n);
		i += n ? n : 1;
	}
}

void json_str(struct buf *b, struct str s)
{
	buf_char(b, '"');
	json_escape(b, s);
	buf_char(b, '"');
}
