/* Tables in all four layouts, made here; and the Go programs this machine has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>

#include "base/buf.h"
#include "symbol/go.h"

#define TEXT 0x401000

static void put(struct buf *b, uint64_t v, size_t n)
{
	buf_add(b, &v, n);
}

/* In both: main.alpha [0, 0x20) a.go:10, from 0x10 on line 12; main.beta [0x20, 0x30) b.go:7. */
static const char NAMES[] = "main.alpha\0main.beta";
static const char FILES[] = "a.go\0b.go";
/* pairs of (zigzag difference of the value, of the pc): from -1 */
static const char FILE_A[] = { 2, 0x20, 0 }, FILE_B[] = { 4, 0x10, 0 };
static const char LINE_A[] = { 22, 0x10, 4, 0x10, 0 }, LINE_B[] = { 16, 0x10, 0 };

struct offsets {
	uint32_t name, file, line;
	uint32_t pc;
};

static void function_put(struct buf *b, const struct offsets *o, size_t entry, bool unit)
{
	put(b, o->pc, entry);
	put(b, o->name, 4);
	put(b, 0, 4);
	put(b, 0, 4);
	put(b, 0, 4);
	put(b, o->file, 4);
	put(b, o->line, 4);
	put(b, 0, 4);
	if (unit)
		put(b, 0, 4);
}

/* @p: the bytes of the pc tables, in the order file a, file b, line a, line b, from @at on. */
static void pcs_put(struct buf *b, uint32_t at, struct offsets o[2])
{
	o[0].file = (uint32_t)b->n - at;
	buf_add(b, FILE_A, sizeof(FILE_A));
	o[1].file = (uint32_t)b->n - at;
	buf_add(b, FILE_B, sizeof(FILE_B));
	o[0].line = (uint32_t)b->n - at;
	buf_add(b, LINE_A, sizeof(LINE_A));
	o[1].line = (uint32_t)b->n - at;
	buf_add(b, LINE_B, sizeof(LINE_B));
}

static void make_1_2(struct buf *b)
{
	struct offsets o[2] = { { .pc = TEXT }, { .pc = TEXT + 0x20 } };
	uint32_t names, files, functions[2], table;
	struct buf tail = { 0 };

	/* What comes after functab, whose size is known: 2 entries, the end, the place of files. */
	table = 8 + 8 + 2 * 16 + 8 + 4;
	names = 0;
	buf_add(&tail, NAMES, sizeof(NAMES));
	o[0].name = table + names;
	o[1].name = o[0].name + 11;
	pcs_put(&tail, 0, o);
	for (int i = 0; i < 2; i++) {
		o[i].file += table;
		o[i].line += table;
		functions[i] = table + (uint32_t)tail.n;
		function_put(&tail, &o[i], 8, false);
	}
	files = table + (uint32_t)tail.n;
	put(&tail, 3, 4);
	put(&tail, files + 12, 4); /* number 0 is not used by the tables above: they begin at 0 */
	put(&tail, files + 17, 4);
	buf_add(&tail, FILES, sizeof(FILES));
	put(b, 0xfffffffb, 4);
	put(b, 0x08010000, 4);
	put(b, 2, 8);
	for (int i = 0; i < 2; i++) {
		put(b, o[i].pc, 8);
		put(b, functions[i], 8);
	}
	put(b, TEXT + 0x30, 8);
	put(b, files + 4, 4);
	buf_str(b, buf_slice(&tail));
	buf_free(&tail);
}

static void make_blocks(struct buf *b, uint32_t magic)
{
	bool v16 = magic == 0xfffffffa;
	size_t entry = v16 ? 8 : 4;
	uint64_t base = v16 ? TEXT : 0;
	struct offsets o[2] = { { .pc = (uint32_t)base },
				{ .pc = (uint32_t)base + 0x20, .name = 11 } };
	uint64_t at = 8 + (v16 ? 7 : 8) * 8, names, units, files, pcs, functions;
	struct buf tail = { 0 };

	names = at;
	buf_add(&tail, NAMES, sizeof(NAMES));
	units = at + tail.n;
	put(&tail, 0, 4);
	put(&tail, 5, 4);
	files = at + tail.n;
	buf_add(&tail, FILES, sizeof(FILES));
	pcs = at + tail.n;
	pcs_put(&tail, (uint32_t)tail.n, o);
	functions = at + tail.n;
	put(&tail, o[0].pc, entry);
	put(&tail, 5 * entry, entry);
	put(&tail, o[1].pc, entry);
	put(&tail, 5 * entry + entry + 32, entry);
	put(&tail, base + 0x30, entry);
	for (int i = 0; i < 2; i++)
		function_put(&tail, &o[i], entry, true);
	put(b, magic, 4);
	put(b, 0x08010000, 4);
	put(b, 2, 8);
	put(b, 2, 8);
	if (!v16)
		put(b, TEXT, 8);
	put(b, names, 8);
	put(b, units, 8);
	put(b, files, 8);
	put(b, pcs, 8);
	put(b, functions, 8);
	buf_str(b, buf_slice(&tail));
	buf_free(&tail);
}

static void expect(const struct go_table *t, uint64_t at, const char *name, const char *file,
		   uint32_t line)
{
	struct go_function f;

	assert_int_equal(go_find(t, at, &f), name != NULL);
	if (!name)
		return;
	assert_string_equal(f.name, name);
	assert_string_equal(f.file, file);
	assert_int_equal(f.line, line);
}

static const uint32_t MAGICS[] = { 0xfffffffb, 0xfffffffa, 0xfffffff0, 0xfffffff1 };

static void layout(struct buf *b)
{
	struct image im = { .bytes = { .fd = -1, .p = (uint8_t *)b->p, .n = b->n } };
	struct go_function f;
	struct go_table t;

	im.pclntab.size = b->n;
	assert_true(go_open(&im, &t));
	expect(&t, TEXT - 1, NULL, NULL, 0);
	expect(&t, TEXT, "main.alpha", "a.go", 10);
	expect(&t, TEXT + 0x10, "main.alpha", "a.go", 12);
	expect(&t, TEXT + 0x1f, "main.alpha", "a.go", 12);
	expect(&t, TEXT + 0x20, "main.beta", "b.go", 7);
	expect(&t, TEXT + 0x30, NULL, NULL, 0);
	/* Every prefix: maybe less is found, never anything outside. */
	for (size_t n = 0; n < b->n; n++) {
		im.bytes.n = im.pclntab.size = n;
		if (!go_open(&im, &t))
			continue;
		for (uint64_t at = TEXT; at < TEXT + 0x30; at += 8)
			go_find(&t, at, &f);
	}
}

static void layouts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(MAGICS) / sizeof(MAGICS[0]); i++) {
		struct buf b = { 0 };

		if (MAGICS[i] == 0xfffffffb)
			make_1_2(&b);
		else
			make_blocks(&b, MAGICS[i]);
		layout(&b);
		buf_free(&b);
	}
}

static const char *const PROGRAMS[] = { "/usr/sbin/runc", "/usr/bin/prometheus", "/usr/bin/promtool" };

static void programs(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(PROGRAMS) / sizeof(PROGRAMS[0]); i++) {
		int fd = open(PROGRAMS[i], O_RDONLY | O_CLOEXEC);
		unsigned found = 0, lined = 0, asked = 0;
		struct go_function f;
		struct go_table t;
		struct image im;

		if (fd < 0 || image_open(fd, &im) < 0)
			continue;
		assert_true(go_open(&im, &t));
		for (uint64_t at = im.text.vaddr; at < im.text.vaddr + im.text.size; at += 997) {
			asked++;
			if (!go_find(&t, at, &f))
				continue;
			found++;
			lined += f.line && (strstr(f.file, ".go") || strstr(f.file, ".s") ||
					    strcmp(f.file, "<autogenerated>") == 0);
		}
		print_message("%s: of %u addresses %u named, %u with a line\n", PROGRAMS[i], asked,
			      found, lined);
		assert_true(found > asked / 2);
		assert_true(lined > found * 9 / 10);
		image_close(&im);
		seen++;
	}
	if (seen == 0)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts),
		cmocka_unit_test(programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
