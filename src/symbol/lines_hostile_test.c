/*
 * DWARF that goes in circles, that is deeper, wider or longer than any compiler makes it: whoever asks
 * has an answer in bounded time, with the function's name or without, and the next file has its own.
 * With the name of a folder it writes the small ones there, as lines_fuzz takes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "symbol/dwarf_image_test.h"
#include "symbol/lines.h"
#include "symbol/lines_walk.h"
#include "symbol/module.h"

/* Of an answer that has to be waited for until the reader is given up; the machine may be busy. */
#define WAIT_MS (LINES_TIME_MS + 3000)

static struct arena text;

/* What is wrong with it. Each fills .debug_info; @line, when it wants its own. */
typedef void (*wrong_fn)(struct buf *info, struct buf *line);

static void sound(struct buf *b, struct buf *line)
{
	const size_t callee = b->n;

	(void)line;
	dwarf_function(b, 0x2000, 0x10, "callee");
	buf_char(b, 0);
	dwarf_function(b, 0, 0x1000, "caller");
	dwarf_inlined(b, 0, 0x1000, callee);
	buf_char(b, 0);
	buf_char(b, 0);
}

/* Two abstract functions, each the other's origin; and inlined ones of them. */
static void origins(struct buf *b, struct buf *line)
{
	const size_t first = b->n;

	(void)line;
	buf_char(b, ABBREV_ORIGIN);
	dwarf_u32(b, first + 5);
	buf_char(b, ABBREV_ORIGIN);
	dwarf_u32(b, first);
	dwarf_function(b, 0, 0x1000, "caller");
	dwarf_inlined(b, 0, 0x1000, first);
	dwarf_inlined(b, 0, 0x1000, b->n); /* its own origin */
	buf_add(b, "\0\0\0", 3);
}

/* Specifications: of itself, in a circle, and of an origin that comes back. */
static void specifications(struct buf *b, struct buf *line)
{
	const size_t first = b->n;

	(void)line;
	buf_char(b, ABBREV_SPECIFIED);
	dwarf_u32(b, first);
	buf_char(b, ABBREV_SPECIFIED);
	dwarf_u32(b, first + 10);
	buf_char(b, ABBREV_ORIGIN);
	dwarf_u32(b, first + 5);
	buf_char(b, ABBREV_DECLARED);
	dwarf_code(b, 0, 0x1000);
	dwarf_u32(b, first + 5);
	buf_char(b, 0);
}

/* A sibling before itself: the row of entries never ends. */
static void siblings_back(struct buf *b, struct buf *line)
{
	const size_t first = b->n;

	(void)line;
	dwarf_function(b, 0, 0x1000, "caller");
	buf_char(b, 0);
	for (int i = 0; i < 3; i++) {
		buf_char(b, ABBREV_SIBLING);
		dwarf_code(b, 0x1000, 0x10);
		dwarf_u32(b, i == 2 ? first : b->n + 5);
		buf_char(b, 0);
	}
}

static void sibling_self(struct buf *b, struct buf *line)
{
	const size_t at = b->n;

	(void)line;
	buf_char(b, ABBREV_SIBLING);
	dwarf_code(b, 0, 0x1000);
	dwarf_u32(b, at);
	buf_char(b, 0);
}

/* References out of the unit, and into the middle of another entry. */
static void nowhere(struct buf *b, struct buf *line)
{
	(void)line;
	buf_char(b, ABBREV_DECLARED);
	dwarf_code(b, 0, 0x1000);
	dwarf_u32(b, UINT32_MAX);
	dwarf_inlined(b, 0, 0x1000, 3);
	dwarf_inlined(b, 0, 0x1000, b->n + 2);
	buf_add(b, "\0\0\0", 3);
}

static void deep_blocks(struct buf *b, struct buf *line)
{
	(void)line;
	dwarf_function(b, 0, 0x1000, "caller");
	for (int i = 0; i < 1000000; i++)
		buf_char(b, ABBREV_BLOCK);
	for (int i = 0; i < 1000001; i++)
		buf_char(b, 0);
}

/* The levels are not even closed. */
static void deep_inlined(struct buf *b, struct buf *line)
{
	const size_t at = b->n;

	(void)line;
	dwarf_function(b, 0, 0x1000, "caller");
	for (int i = 0; i < 100000; i++)
		dwarf_inlined(b, 0, 0x1000, at);
}

static void wide(struct buf *b, struct buf *line)
{
	(void)line;
	dwarf_function(b, 0, 0x1000, "caller");
	for (int i = 0; i < 1000000; i++)
		buf_add(b, "\7\0", 2); /* a block without children */
	buf_char(b, 0);
}

static void many_functions(struct buf *b, struct buf *line)
{
	(void)line;
	for (int i = 0; i < 300000; i++) {
		dwarf_function(b, 0, 0x1000 + (uint64_t)i % 0x1000, "f");
		buf_char(b, 0);
	}
}

/* A row for each byte of the program: of all, more than the reader may take memory for. */
static void long_lines(struct buf *b, struct buf *line)
{
	sound(b, line);
	dwarf_line(line);
	for (int i = 0; i < 6000000; i++)
		buf_char(line, 0x0e); /* a row, no advance */
	dwarf_line_end(line);
}

static void many_files(struct buf *b, struct buf *line)
{
	sound(b, line);
	dwarf_line(line);
	for (int i = 0; i < 1000000; i++)
		buf_add(line, "\0\7\3a\0\0\0\0\0", 9); /* define file */
	dwarf_line_end(line);
}

/* Units one after the other, each over all code, and the first one's end last. */
static void many_units(struct buf *b, struct buf *line)
{
	(void)line;
	for (int i = 0; i < 100000; i++) {
		const size_t at = b->n;

		dwarf_unit(b);
		dwarf_function(b, 0, 0x1000, "caller");
		buf_char(b, 0);
		dwarf_unit_end(b, at);
	}
}

static const struct {
	const char *name;
	wrong_fn make;
} wrongs[] = {
	{ "origins", origins },
	{ "specifications", specifications },
	{ "siblings back", siblings_back },
	{ "sibling itself", sibling_self },
	{ "nowhere", nowhere },
	{ "deep blocks", deep_blocks },
	{ "deep inlined", deep_inlined },
	{ "wide", wide },
	{ "many functions", many_functions },
	{ "long lines", long_lines },
	{ "many files", many_files },
	{ "many units", many_units },
};

static void sections_make(wrong_fn make, struct buf *info, struct buf *line)
{
	if (make != many_units)
		dwarf_unit(info);
	make(info, line);
	if (make != many_units)
		dwarf_unit_end(info, 0);
	if (!line->n) {
		dwarf_line(line);
		buf_add(line, "\x18\x82", 2);
		dwarf_line_end(line);
	}
}

static struct module *open_made(struct lines *l, wrong_fn make)
{
	const struct module_opts o = { .root_fd = -1, .host_root_fd = -1, .lines = l };
	_cleanup_(buf_free) struct buf info = { 0 }, line = { 0 }, image = { .max = 128u << 20 };
	struct dwarf_sections d = { .abbrev = { (const char *)dwarf_abbrevs, sizeof(dwarf_abbrevs) } };
	int fd = memfd_create("dwarf", MFD_CLOEXEC);
	struct module *m;

	sections_make(make, &info, &line);
	d.info = buf_slice(&info);
	d.line = buf_slice(&line);
	dwarf_image(&image, &d);
	assert_false(info.failed || line.failed || image.failed);
	assert_int_equal(write(fd, image.p, image.n), image.n);
	assert_int_equal(module_open(fd, STR("/bin/x"), &o, &m), 0);
	return m;
}

/* What is asked of code at 0x100; how many frames. */
static size_t ask(struct module *m, struct frame *ret, uint64_t *ret_ms)
{
	const uint64_t begin = clock_boot().ns;
	size_t n;

	arena_reset(&text);
	n = module_frames(m, IMAGE_CODE + 0x100, false, &text, ret, MODULE_INLINED_MAX);
	*ret_ms = (clock_boot().ns - begin) / NS_PER_MS;
	assert_in_range(n, 1, MODULE_INLINED_MAX);
	return n;
}

static void sound_is_told(struct lines *l)
{
	struct frame f[MODULE_INLINED_MAX];
	struct module *m = open_made(l, sound);
	uint64_t ms;

	assert_int_equal(ask(m, f, &ms), 2);
	assert_true(str_eq(f[0].function, STR("callee")) && f[0].inlined);
	assert_true(str_eq(f[1].function, STR("caller")) && f[1].line == 7);
	assert_int_equal(module_counts(m)->lines_lost, 0);
	module_free(m);
}

static void test_wrong(void **state)
{
	struct frame f[MODULE_INLINED_MAX];
	struct lines *l;

	(void)state;
	assert_int_equal(lines_new(&l), 0);
	sound_is_told(l);
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct module *m = open_made(l, wrongs[i].make);
		uint64_t first, again;
		size_t n = ask(m, f, &first);

		ask(m, f, &again);
		print_message("%s: %zu frames, %.*s, %lu ms, then %lu ms%s\n", wrongs[i].name, n,
			      STR_ARG(f[n - 1].function), (unsigned long)first, (unsigned long)again,
			      module_counts(m)->lines_lost ? ", given up" : "");
		assert_true(first < WAIT_MS && again < WAIT_MS);
		module_free(m);
		sound_is_told(l);
	}
	print_message("%lu readers, %lu crashed, %lu late\n", lines_counts(l)->started,
		      lines_counts(l)->crashed, lines_counts(l)->late);
	lines_free(l);
}

static int input_write(const char *folder, const char *name, wrong_fn make)
{
	_cleanup_(buf_free) struct buf info = { 0 }, line = { 0 }, b = { 0 };
	_cleanup_(fclosep) FILE *f = NULL;
	const struct str abbrev = { (const char *)dwarf_abbrevs, sizeof(dwarf_abbrevs) };
	char path[4096];

	sections_make(make, &info, &line);
	if (info.n > 30000)
		return 0;
	buf_char(&b, 's');
	for (int i = 0; i < 3; i++) {
		const struct str part = i == 0 ? abbrev : buf_slice(i == 1 ? &info : &line);

		buf_add(&b, &(uint16_t){ (uint16_t)part.n }, 2);
		buf_str(&b, part);
	}
	buf_add(&b, "\0", 2);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	return !f || fwrite(b.p, 1, b.n, f) != b.n;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong),
	};

	if (argc > 1) {
		for (size_t i = 0; i < 5; i++)
			if (input_write(argv[1], wrongs[i].name, wrongs[i].make))
				return 1;
		return input_write(argv[1], "sound", sound);
	}
	if (arena_init(&text, 256 << 10) < 0)
		return 1;
	return cmocka_run_group_tests_name("symbol/lines_hostile", tests, NULL, NULL);
}
