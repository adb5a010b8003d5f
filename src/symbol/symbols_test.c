/* The cache: hits, sharing by content, bounds, and what is not there. Over this test's own file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "symbol/elf_test.h"
#include "symbol/symbols.h"

static uint64_t main_off(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint64_t size, off = elf_symbol(fd, "main", &size);

	close(fd);
	return off;
}

static struct symbols *make(size_t bytes, unsigned modules)
{
	struct symbols_opts o = { .bytes_max = bytes, .modules_max = modules, .host_root_fd = -1 };
	struct symbols *s;

	assert_int_equal(symbols_open(&o, &s), 0);
	return s;
}

static void add(struct symbols *s, uint64_t ino, const char *path)
{
	struct symbols_file f = { .ino = ino };

	assert_int_equal(symbols_add(s, &f, open(path, O_RDONLY | O_CLOEXEC), str_of(path), -1), 0);
}

static bool is_main(struct symbols *s, uint64_t ino, uint64_t off, bool returned)
{
	struct symbols_file f = { .ino = ino };
	const struct frame *got;
	int n = symbols_frames(s, &f, off, returned, &got);

	return n == 1 && str_eq(got[0].function, STR("main"));
}

static void hits(void **state)
{
	struct symbols *s = make(0, 0);
	struct symbols_file none = { .ino = 9 };
	uint64_t off = main_off();
	const struct frame *got;

	(void)state;
	assert_int_equal(symbols_frames(s, &none, off, false, &got), -ENOENT);
	add(s, 1, "/proc/self/exe");
	assert_true(is_main(s, 1, off, false));
	assert_true(is_main(s, 1, off, false));
	assert_false(is_main(s, 1, off, true)); /* the byte before is another function's */
	assert_true(is_main(s, 1, off + 1, true));
	assert_int_equal(symbols_counts(s)->hits, 1);
	assert_int_equal(symbols_counts(s)->misses, 3);
	assert_int_equal(symbols_add_unknown(s, &none, STR("/gone")), 0);
	assert_int_equal(symbols_frames(s, &none, 0x99, false, &got), 1);
	assert_true(str_eq(got[0].module, STR("/gone")));
	assert_int_equal(got[0].address, 0x99);
	assert_int_equal(symbols_add_vdso(s, &(struct symbols_file){ .dev = 2 }), 0);
	symbols_free(s);
}

static void shares(void **state)
{
	struct scratch *d = *state;
	struct symbols *s = make(0, 0);
	uint64_t off = main_off();
	char path[128];

	snprintf(path, sizeof(path), "%s/copy", d->dir);
	if (scratch_run(d, "cp /proc/%d/exe copy", getpid()) != 0)
		skip();
	add(s, 1, "/proc/self/exe");
	add(s, 2, path);
	assert_int_equal(symbols_counts(s)->shared, 1);
	assert_true(is_main(s, 2, off, false));
	/* The same build id, but not the same file: not shared. */
	assert_int_equal(scratch_run(d, "printf x | dd of=copy bs=1 seek=%lu conv=notrunc 2>/dev/null",
				     off + 1),
			 0);
	add(s, 3, path);
	assert_int_equal(symbols_counts(s)->shared, 1);
	symbols_free(s);
}

static void bounds(void **state)
{
	struct symbols *s = make(0, 3);
	uint64_t off = main_off();
	struct symbols_file f;
	const struct frame *got;

	(void)state;
	add(s, 1, "/proc/self/exe");
	for (uint64_t i = 2; i < 100; i++) {
		f = (struct symbols_file){ .ino = i };
		assert_int_equal(symbols_add_unknown(s, &f, STR("/x")), 0);
		assert_true(is_main(s, 1, off, false)); /* in use, so it stays */
	}
	assert_int_equal(symbols_counts(s)->evicted, 96);
	symbols_free(s);
	s = make(1, 0); /* one byte: the last one is kept all the same */
	add(s, 1, "/proc/self/exe");
	assert_true(is_main(s, 1, off, false));
	f = (struct symbols_file){ .ino = 2 };
	assert_int_equal(symbols_add_unknown(s, &f, STR("/x")), 0);
	f.ino = 1;
	assert_int_equal(symbols_frames(s, &f, off, false, &got), -ENOENT);
	symbols_free(s);
}

static void many_results(void **state)
{
	struct symbols *s = make(0, 0);
	uint64_t off = main_off();
	struct symbols_file f = { .ino = 1 };
	const struct frame *got;

	(void)state;
	add(s, 1, "/proc/self/exe");
	for (uint64_t i = 0; i < 100000; i++)
		assert_int_equal(symbols_frames(s, &f, i, false, &got), 1);
	assert_true(symbols_counts(s)->results_dropped > 0);
	assert_true(symbols_tick(s, 1) < 8 << 20);
	assert_true(is_main(s, 1, off, false));
	symbols_tick(s, 2 * SYMBOLS_IDLE_S * 1000000000ull);
	assert_int_equal(symbols_frames(s, &f, off, false, &got), -ENOENT);
	symbols_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits),
		cmocka_unit_test_setup_teardown(shares, scratch_make, scratch_free),
		cmocka_unit_test(bounds),
		cmocka_unit_test(many_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
