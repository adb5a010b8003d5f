/* Any text as an output format, printed for a fixed event. */
#include <stdlib.h>

#include "lang/format.h"
#include "lang/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct catalogue catalogue;
	static struct arena arena;
	static struct test_event event;
	struct lang_error e = { 0 };
	struct format *f = NULL;
	struct buf b = { .max = 1 << 22 };
	struct value v;

	if (!catalogue.n) {
		catalogue = test_catalogue();
		if (arena_init(&arena, 1 << 16) < 0)
			abort();
		field_arena_set(&arena);
		test_set(&event, &catalogue, STR("proc.name"), STR("n\xc3\xa9g\xff\n"));
		test_set(&event, &catalogue, STR("proc.argv"), STR("a b"));
		test_set(&event, &catalogue, STR("proc.aname"), STR("a b"));
		test_set(&event, &catalogue, STR("fd.ip"), STR("::1 10.0.0.1"));
	}
	if (format_parse(&catalogue, (struct str){ (const char *)data, size }, &f, &e) < 0) {
		if (!e.line || !e.column || f)
			abort();
		return 0;
	}
	arena_reset(&arena);
	format_print(f, &event.ev, &b);
	for (size_t i = 0; i < format_count(f); i++)
		if (format_name(f, i).n)
			format_value(f, i, &event.ev, &v);
	format_free(f);
	buf_free(&b);
	return 0;
}
