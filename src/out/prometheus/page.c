/* Labels of the page. */
#include "out/prometheus/page.h"

#include "base/utf8.h"

void page_label(struct buf *b, const char *name, struct str value)
{
	char last = b->p && b->n ? b->p[b->n - 1] : 0;

	buf_printf(b, "%s%s=\"", last == '"' ? "," : last == '{' ? "" : "{", name);
	for (size_t i = 0, n; i < value.n; i += n ? n : 1) {
		n = utf8_char((const uint8_t *)value.p + i, value.n - i);
		if (value.p[i] == '\n')
			buf_str(b, STR("\\n"));
		else if (value.p[i] == '"' || value.p[i] == '\\')
			buf_add(b, (const char[]){ '\\', value.p[i] }, 2);
		else if (n)
			buf_add(b, value.p + i, n);
		else
			buf_str(b, STR("\xef\xbf\xbd"));
	}
	buf_char(b, '"');
}
