/* Kernel symbols: texts in the shape of /proc/kallsyms, and this machine's own where it shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/kernel.h"

static const char TEXT[] = "0000000000000000 A fixed_percpu_data\n"
			   "ffffffff81000000 T _stext\n"
			   "ffffffff81000000 T _text\n"
			   "ffffffff81000100 t __do_work\n"
			   "ffffffff81000100 T do_work\n"
			   "ffffffff81000100 t dw\n"
			   "ffffffff81000180 d not_code\n"
			   "ffffffff81000200 W weak_one\n"
			   "ffffffff90000000 B bss\n"
			   "ffffffffc0000000 t mod_a\t[nf_tables]\n"
			   "ffffffffc0000400 t mod_b\t[nf_tables]\n"
			   "no line at all\n"
			   "ffffffffc0001000 t bpf_prog_1234_x\t[bpf]\n";

static struct kernel *kernel_of(const char *text)
{
	int fd = memfd_create("kallsyms", MFD_CLOEXEC);
	struct kernel *k;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(kernel_open(fd, &k), 0);
	return k;
}

static const struct {
	uint64_t addr;
	const char *function, *module;
} WANTED[] = {
	{ 0xffffffff81000150, "do_work", "[kernel]" },
	{ 0xffffffff81000100, "do_work", "[kernel]" },
	{ 0xffffffff810001ff, "do_work", "[kernel]" },
	{ 0xffffffff81000200, "weak_one", "[kernel]" },
	{ 0xffffffff80ffffff, NULL, "[kernel]" },
	{ 0x10, NULL, "[kernel]" },
	{ 0xffffffffc00003ff, "mod_a", "[nf_tables]" },
	{ 0xffffffffc0000400, "mod_b", "[nf_tables]" },
	{ 0xffffffffc0001004, "bpf_prog_1234_x", "[bpf]" },
	{ 0xffffffff90000000, NULL, "[kernel]" }, /* far from any function */
	{ 0xffffffffffffffff, NULL, "[kernel]" },
};
#define N (sizeof(WANTED) / sizeof(WANTED[0]))

static void expect(const struct kernel *k, size_t i)
{
	struct frame f = kernel_frame(k, WANTED[i].addr, false);

	assert_int_equal(f.kind, FRAME_KERNEL);
	assert_int_equal(f.address, WANTED[i].addr);
	if (!str_eq(f.function, str_of(WANTED[i].function)))
		fail_msg("%#lx is \"%.*s\"", WANTED[i].addr, STR_ARG(f.function));
	assert_true(str_eq(f.module, str_of(WANTED[i].module)));
}

static void one_pass(void **state)
{
	struct kernel *k = kernel_of(TEXT);

	(void)state;
	for (size_t i = 0; i < N; i++)
		assert_int_equal(kernel_want(k, WANTED[i].addr), 0);
	assert_int_equal(kernel_resolve(k), 0);
	for (size_t i = 0; i < N; i++)
		expect(k, i);
	assert_true(str_eq(kernel_frame(k, 0xffffffff81000200, true).function, STR("do_work")));
	kernel_free(k);
}

static void one_by_one(void **state)
{
	(void)state;
	for (size_t first = 0; first < N; first++) {
		struct kernel *k = kernel_of(TEXT);

		for (size_t n = 0; n < N; n++) {
			assert_int_equal(kernel_want(k, WANTED[(first + n) % N].addr), 0);
			assert_int_equal(kernel_resolve(k), 0);
			for (size_t i = 0; i <= n; i++)
				expect(k, (first + i) % N);
		}
		kernel_forget(k);
		assert_null(kernel_frame(k, WANTED[0].addr, false).function.p);
		kernel_free(k);
	}
}

static void hidden(void **state)
{
	struct kernel *k = kernel_of("0000000000000000 T _text\n0000000000000000 T do_work\n");

	(void)state;
	assert_int_equal(kernel_want(k, 0xffffffff81000000), 0);
	assert_int_equal(kernel_resolve(k), -EPERM);
	kernel_free(k);
	k = kernel_of("");
	assert_int_equal(kernel_want(k, 0xffffffff81000000), 0);
	assert_int_equal(kernel_resolve(k), -EPERM);
	kernel_free(k);
}

static void this_machine(void **state)
{
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	FILE *f = fopen("/proc/kallsyms", "re");
	uint64_t addr[KERNEL_WANT_MAX], at;
	char type, name[KERNEL_NAME_MAX];
	unsigned n = 0, lines = 0, same = 0;
	struct kernel *k;

	(void)state;
	if (fd < 0 || !f)
		skip();
	assert_int_equal(kernel_open(fd, &k), 0);
	while (n < KERNEL_WANT_MAX && fscanf(f, "%lx %c %511s%*[^\n]", &at, &type, name) == 3)
		if (at && (type == 't' || type == 'T') && lines++ % 50 == 0)
			addr[n++] = at;
	fclose(f);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(kernel_want(k, addr[i]), 0);
	if (n == 0)
		skip(); /* addresses are hidden here */
	assert_int_equal(kernel_resolve(k), 0);
	for (unsigned i = 0; i < n; i++)
		same += kernel_frame(k, addr[i], false).function.n > 0;
	print_message("%u of %u named, %zu bytes kept\n", same, n, kernel_bytes(k));
	assert_int_equal(same, n);
	kernel_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_pass),
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(hidden),
		cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
