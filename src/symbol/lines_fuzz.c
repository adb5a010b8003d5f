/*
 * Lines and inlined functions of a file whose DWARF is any bytes, asked for as profiles do: of a
 * module, through the process that reads it. That process may fall; whoever asked must have an answer
 * within its time, and the process after it must be as good as new.
 *
 * By the first byte: 'e': the rest is a whole ELF file; 's': sections, each with two bytes of length,
 * of an image that is right otherwise. What happens in the reader is not seen by the fuzzer, so what it
 * answers is told: how many frames, with which names and lines, and whether it fell.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/cur.h"
#include "base/hash.h"
#include "symbol/dwarf_image_test.h"
#include "symbol/lines.h"
#include "symbol/module.h"

#define INPUT_MAX 65536
#define WAIT_NS	  ((LINES_TIME_MS + 3000) * NS_PER_MS)
#define SEEN	  4096

/* libFuzzer counts what is in this section as covered code. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t seen[SEEN];

static struct arena text;
static struct lines *reader;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void saw(uint64_t what)
{
	seen[hash_u64(what) % SEEN] = 1;
}

static void sections_take(struct str bytes, struct buf *image)
{
	struct dwarf_sections d = { 0 };
	struct str *to[] = { &d.abbrev, &d.info, &d.line, &d.ranges };
	struct cur c = cur_of(bytes.p, bytes.n);
	uint16_t n;

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++)
		if (cur_u16(&c, &n) && !cur_str(&c, n < cur_left(&c) ? n : cur_left(&c), to[i]))
			abort();
	d.str = (struct str){ (const char *)c.p, cur_left(&c) };
	dwarf_image(image, &d);
}

static void look(struct module *m, uint64_t off)
{
	const struct lines_counts *counts = lines_counts(reader);
	const uint64_t begin = clock_boot().ns, fallen = counts->crashed + counts->late;
	struct frame f[MODULE_INLINED_MAX];
	size_t n;

	arena_reset(&text);
	n = module_frames(m, off, false, &text, f, MODULE_INLINED_MAX);
	must(n >= 1 && n <= MODULE_INLINED_MAX);
	must(clock_boot().ns - begin < WAIT_NS);
	saw(n);
	saw(0x100 + counts->crashed + counts->late - fallen);
	for (size_t i = 0; i < n; i++) {
		must(f[i].function.n < MODULE_NAME_MAX && f[i].file.n < MODULE_NAME_MAX);
		saw(0x10000 + (uint64_t)i * 16 + (f[i].line > 0) * 8 + (f[i].file.n > 0) * 4 +
		    (f[i].function.n > 0) * 2 + f[i].inlined);
		saw(0x20000 + f[i].line % 256);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct module_opts none = { .root_fd = -1, .host_root_fd = -1 };
	const struct str rest = { (const char *)data + 1, size - 1 };
	_cleanup_(buf_free) struct buf image = { 0 };
	struct module_opts o = none;
	uint64_t from = 0, to, step;
	struct module *m;
	int fd;

	if (!size || size > INPUT_MAX)
		return 0;
	if (!text.p)
		must(arena_init(&text, 128 << 10) == 0 && lines_new(&reader) == 0);
	if (data[0] == 's') {
		sections_take(rest, &image);
		from = IMAGE_CODE;
		to = from + DWARF_CODE;
	} else {
		buf_str(&image, rest);
		to = image.n;
	}
	step = (to - from) / 24 + 1;
	fd = memfd_create("dwarf", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, image.p, image.n) == (ssize_t)image.n);
	o.lines = reader;
	if (module_open(fd, STR("/bin/x"), &o, &m) < 0)
		return 0;
	for (uint64_t off = from; off < to; off += step)
		look(m, off);
	module_free(m);
	return 0;
}
