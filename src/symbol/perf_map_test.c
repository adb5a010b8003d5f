/* Perf maps: what runtimes write, and what nobody should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/perf_map.h"

struct fixture {
	int fd;
	struct perf_map *m;
};

static int start(void **state)
{
	static struct fixture f;

	f.fd = memfd_create("perf-map", MFD_CLOEXEC);
	*state = &f;
	return f.fd < 0 || perf_map_new(&f.m) < 0 ? -1 : 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;

	perf_map_free(f->m);
	return close(f->fd);
}

static void append(struct fixture *f, const char *z)
{
	assert_int_equal(write(f->fd, z, strlen(z)), strlen(z));
	assert_int_equal(perf_map_update(f->m, f->fd), 0);
}

static void expect(struct fixture *f, uint64_t addr, const char *want)
{
	struct frame got = { 0 };

	assert_int_equal(perf_map_find(f->m, addr, &got), want != NULL);
	if (want && !str_eq(got.function, str_of(want)))
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got.function), want);
	if (want) {
		assert_int_equal(got.kind, FRAME_JIT);
		assert_int_equal(got.address, addr);
		assert_true(str_eq(got.module, STR("[jit]")));
	}
}

static void grows(void **state)
{
	struct fixture *f = *state;

	append(f, "1000 10 JS:~a /app/x.js:1:2\n1010 20 Builtin:b c d\n");
	expect(f, 0xfff, NULL);
	expect(f, 0x1000, "JS:~a /app/x.js:1:2");
	expect(f, 0x100f, "JS:~a /app/x.js:1:2");
	expect(f, 0x1010, "Builtin:b c d");
	expect(f, 0x1030, NULL);
	append(f, "1008 10 JS:*newer\n0x7f0000001000 0x");
	expect(f, 0x1007, "JS:~a /app/x.js:1:2");
	expect(f, 0x1008, "JS:*newer");
	expect(f, 0x1017, "JS:*newer");
	expect(f, 0x1018, "Builtin:b c d");
	expect(f, 0x7f0000001000, NULL);
	append(f, "40 late\n");
	expect(f, 0x7f000000103f, "late");
	assert_int_equal(perf_map_counts(f->m)->wrong, 0);
	assert_int_equal(ftruncate(f->fd, 0), 0);
	lseek(f->fd, 0, SEEK_SET);
	append(f, "20 1 begun again\n");
	expect(f, 0x20, "begun again");
	expect(f, 0x1000, NULL);
}

static void wrong_lines(void **state)
{
	static const char *const bad[] = {
		"\n",	      " \n",	    "1000\n",	  "1000 10\n",
		"1000 10 \n", "xyz 10 a\n", "10 xyz a\n", "\xff\xfe\x00\n",
		"-1 -1 a\n",  "0x 10 a\n",  "1000  \n",	  "11111111111111111 1 a\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		append(f, bad[i]);
	append(f, "5 5 good\n");
	expect(f, 5, "good");
	assert_int_equal(perf_map_counts(f->m)->lines - perf_map_counts(f->m)->wrong, 1);
}

static void long_lines(void **state)
{
	struct fixture *f = *state;
	char *z = malloc(300001);

	memset(z, 'a', 300000);
	z[300000] = '\0';
	memcpy(z, "10 10 ", 6);
	append(f, z);
	append(f, "\n50 10 after\n");
	expect(f, 0x50, "after");
	z[1000] = '\0';
	z[1] = '1';
	append(f, z);
	append(f, "\n");
	assert_true(perf_map_find(f->m, 0x11, &(struct frame){ 0 }));
	assert_int_equal(perf_map_counts(f->m)->names_cut, 1);
	free(z);
}

static void too_many(void **state)
{
	struct fixture *f = *state;
	FILE *out = fdopen(dup(f->fd), "w");

	for (unsigned i = 0; i < 300000; i++)
		fprintf(out, "%x 10 f%u\n", 0x10000 + i * 16, i);
	fclose(out);
	assert_int_equal(perf_map_update(f->m, f->fd), 0);
	assert_true(perf_map_counts(f->m)->dropped > 30000);
	assert_true(perf_map_bytes(f->m) < 16 << 20);
	expect(f, 0x10000 + 200000 * 16, "f200000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(grows, start, stop),
		cmocka_unit_test_setup_teardown(wrong_lines, start, stop),
		cmocka_unit_test_setup_teardown(long_lines, start, stop),
		cmocka_unit_test_setup_teardown(too_many, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
