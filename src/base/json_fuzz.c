/* Any bytes as a JSON string: jansson must read what was written, and get the same characters. */
#include <jansson.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/utf8.h"

#define INPUT_MAX 65536 /* longer input shows nothing new and makes fuzzing slow */

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void replace(struct str s, struct buf *to)
{
	for (size_t i = 0, n; i < s.n; i += n ? n : 1) {
		n = utf8_char((const uint8_t *)s.p + i, s.n - i);
		buf_str(to, n ? (struct str){ s.p + i, n } : STR("\xef\xbf\xbd"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	_cleanup_(buf_free) struct buf want = { 0 };
	_cleanup_(buf_free) struct buf line = { 0 };
	struct str s = { (const char *)data, size };
	json_t *read;

	if (size > INPUT_MAX)
		return 0;
	json_str(&b, s);
	must(!b.failed);
	read = json_loadb(b.p, b.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	must(read != NULL);
	replace(s, &want);
	must(json_string_length(read) == want.n);
	must(want.n == 0 || memcmp(json_string_value(read), want.p, want.n) == 0);
	json_decref(read);

	buf_text(&line, s);
	must(!line.failed && (line.n == 0 || !memchr(line.p, '\n', line.n)));
	return 0;
}
