/*
 * Unwind tables of files that are there: this program, the C library, the vDSO. What holds for every
 * table is checked on them. `unwind_files_test rows FILE [DEBUG_FILE]` prints a table instead, for
 * test/e2e/unwind.py, which compares it with readelf's; `time FILE...` measures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sys/resource.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "symbol/unwind.h"

static const char *const cfa_names[] = { "invalid", "stop", "reg", "deref", "plt", "signal", "frame" };

static int build(const char *path, const char *debug, struct unwind_table **ret)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(closep) int debug_fd = debug ? open(debug, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || (debug && debug_fd < 0))
		return -errno;
	return unwind_table_build(fd, debug_fd, ret);
}

static int print_rows(const char *path, const char *debug)
{
	_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
	int err = build(path, debug, &t);

	if (err) {
		printf("error %s\n", strerror(-err));
		return 1;
	}
	printf("flags %u\n", t->flags);
	for (int i = 0; i < UNWIND_COUNTERS_N; i++)
		if (t->counts[i])
			printf("count %s %llu\n", unwind_counter_names[i].name,
			       (unsigned long long)t->counts[i]);
	for (uint32_t i = 0; i < t->nrules; i++) {
		const struct unwind_rule *r = &t->rules[i];

		printf("rule %s %u %d %d %u %d %u %d\n", cfa_names[r->cfa], r->reg, r->off, r->add,
		       r->rbp, r->rbp_off, r->ra, r->ra_off);
	}
	for (uint32_t p = 0; p < t->npages; p++) {
		printf("page %x\n", t->pages[p].page);
		for (uint32_t i = 0; i < t->pages[p].n; i++)
			printf("%x %u\n", t->rows[t->pages[p].first + i].pc,
			       t->rows[t->pages[p].first + i].rule);
	}
	return 0;
}

static uint64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int print_times(char **paths)
{
	struct rusage use;

	for (; *paths; paths++) {
		_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
		uint64_t start = cpu_us();
		int err = build(*paths, NULL, &t);
		uint64_t end = cpu_us();

		if (err) {
			printf("%s: %s\n", *paths, strerror(-err));
			continue;
		}
		getrusage(RUSAGE_SELF, &use);
		printf("%s: %llu us of CPU, %u rows, %u rules, %u pages, %llu functions, peak %ld KiB\n",
		       *paths, (unsigned long long)(end - start), t->nrows, t->nrules, t->npages,
		       (unsigned long long)t->counts[UNWIND_N_fdes], use.ru_maxrss);
	}
	return 0;
}

/* What every table keeps to. */
static void assert_table(const struct unwind_table *t)
{
	uint32_t first = 0;

	assert_true(t->nrules >= 1 && t->rules[0].cfa == UW_INVALID);
	for (uint32_t p = 0; p < t->npages; p++) {
		const struct unwind_page *page = &t->pages[p];
		const struct unwind_row *rows = t->rows + page->first;
		uint64_t start = (uint64_t)page->page << UW_PAGE_SHIFT;

		assert_true(p == 0 || page->page > page[-1].page);
		assert_int_equal(page->first, first);
		assert_in_range(page->n, 1, UW_BLOCK_ROWS);
		first += page->n;
		for (uint32_t i = 0; i < page->n; i++) {
			assert_true(i == 0 || rows[i].pc > rows[i - 1].pc);
			assert_true(i == 0 || rows[i].rule != rows[i - 1].rule);
			assert_in_range(rows[i].rule, 0, t->nrules - 1);
			assert_ptr_equal(unwind_table_find(t, start + rows[i].pc),
					 &t->rules[rows[i].rule]);
		}
		if (rows[0].pc)
			assert_null(unwind_table_find(t, start + rows[0].pc - 1));
		assert_ptr_equal(unwind_table_find(t, start + (1u << UW_PAGE_SHIFT) - 1),
				 &t->rules[rows[page->n - 1].rule]);
	}
	assert_int_equal(first, t->nrows);
}

static const uint64_t *lost(const struct unwind_table *t)
{
	for (int i = UNWIND_N_lost_cie; i <= UNWIND_N_lost_section; i++)
		if (t->counts[i])
			return &t->counts[i];
	return NULL;
}

static void this_program(void **state)
{
	_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;

	(void)state;
	assert_int_equal(build("/proc/self/exe", NULL, &t), 0);
	assert_table(t);
	assert_null(lost(t));
	assert_int_equal(t->flags, 0);
	assert_true(t->counts[UNWIND_N_fdes] > 20 && t->nrows > 100);
}

struct library {
	const char *name;
	char path[4096];
};

static int find_library(struct dl_phdr_info *info, size_t size, void *data)
{
	struct library *l = data;

	(void)size;
	if (!strstr(info->dlpi_name, l->name))
		return 0;
	snprintf(l->path, sizeof(l->path), "%s", info->dlpi_name);
	return 1;
}

/* glibc has a signal frame, a thread start, and more than most. */
static void c_library(void **state)
{
	_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
	struct library libc = { .name = "libc.so.6" };
	unsigned kinds[UW_FRAME + 1] = { 0 };

	(void)state;
	if (!dl_iterate_phdr(find_library, &libc)) {
		print_message("no libc.so.6 in this process\n");
		skip();
	}
	assert_int_equal(build(libc.path, NULL, &t), 0);
	assert_table(t);
	assert_null(lost(t));
	for (uint32_t i = 0; i < t->nrules; i++)
		kinds[t->rules[i].cfa]++;
	assert_int_equal(kinds[UW_SIGNAL], 1);
	assert_int_equal(kinds[UW_STOP], 1);
	assert_int_equal(kinds[UW_FRAME], 0);
	assert_true(kinds[UW_REG] > 100);
}

static void vdso(void **state)
{
	_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
	int err = unwind_table_vdso(&t);

	(void)state;
	if (err == -ENOENT) {
		print_message("the kernel gives no vDSO\n");
		skip();
	}
	assert_int_equal(err, 0);
	assert_table(t);
	assert_null(lost(t));
	assert_true(t->nrows > 10);
	assert_int_equal(t->flags, 0);
}

static void not_a_program(void **state)
{
	struct unwind_table *t = NULL;

	(void)state;
	assert_int_equal(build("/etc/passwd", NULL, &t), -ENOEXEC);
	assert_int_equal(build("/dev/null", NULL, &t), -ENOEXEC);
	assert_int_equal(unwind_table_build(-1, -1, &t), -EBADF);
	assert_int_equal(build("/", NULL, &t), -EISDIR);
	assert_null(t);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_program),
		cmocka_unit_test(c_library),
		cmocka_unit_test(vdso),
		cmocka_unit_test(not_a_program),
	};

	if (argc > 2 && strcmp(argv[1], "rows") == 0)
		return print_rows(argv[2], argv[3]);
	if (argc > 2 && strcmp(argv[1], "time") == 0)
		return print_times(argv + 2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
