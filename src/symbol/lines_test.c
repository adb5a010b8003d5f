/*
 * Lines and inlined functions, compared with LLVM's addr2line at every address of a program (that
 * of binutils 2.40 calls inlined functions without a linkage name by their caller's); and what
 * happens when the process that reads DWARF dies, stalls or leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>

#include "symbol/elf_test.h"
#include "symbol/lines.h"
#include "symbol/module.h"

static struct arena text;

static const char PROGRAM[] =
	"static volatile int sink;\n"
	"static inline __attribute__((always_inline)) void innermost(int x)\n"
	"{\n"
	"	sink = x * 3;\n"
	"	sink += x / 7;\n"
	"}\n"
	"static inline __attribute__((always_inline)) void middle(int x)\n"
	"{\n"
	"	for (int i = 0; i < x; i++) {\n"
	"		int y = i * x;\n"
	"		innermost(y);\n"
	"	}\n"
	"}\n"
	"namespace shop {\n"
	"struct cart {\n"
	"	int n;\n"
	"	__attribute__((noinline)) int total(int x)\n"
	"	{\n"
	"		middle(x + n);\n"
	"		auto twice = [](int v) __attribute__((noinline)) { middle(v); return v * 2; };\n"
	"		return twice(sink);\n"
	"	}\n"
	"};\n"
	"template <class T> __attribute__((noinline)) T outer(T x)\n"
	"{\n"
	"	cart c = { (int)x };\n"
	"	innermost(c.total((int)x));\n"
	"	return x;\n"
	"}\n"
	"}\n"
	"int main(int argc, char **)\n"
	"{\n"
	"	middle(argc);\n"
	"	return (int)shop::outer<long>(argc) + shop::outer<int>(argc);\n"
	"}\n";

struct line {
	char function[512], file[512];
	unsigned line;
};

/* One answer of addr2line -a -f -i: "0xADDR" and pairs of lines up to the next one. */
static unsigned oracle_next(FILE *f, struct line *ret, unsigned max)
{
	unsigned n = 0;
	int c;

	while (n < max && (c = getc(f)) != EOF) {
		ungetc(c, f);
		if (c == '0')
			break;
		if (fscanf(f, "%511s %511[^:]:%u%*[^\n]", ret[n].function, ret[n].file,
			   &ret[n].line) < 2)
			break;
		ret[n].line = ret[n].line == ~0u ? 0 : ret[n].line;
		while ((c = getc(f)) != '\n' && c != EOF)
			;
		n++;
	}
	return n;
}

static bool same(const struct frame *f, const struct line *l)
{
	struct str name = f->linkage.p ? f->linkage : f->function;
	struct str base = l->file[0] ?
				  str_of(strrchr(l->file, '/') ? strrchr(l->file, '/') : l->file) :
				  STR_NONE;

	return str_eq(name, str_of(l->function)) && f->line == l->line &&
	       (l->line == 0 || str_ends(f->file, base));
}

static unsigned compare(struct scratch *s, struct module *m, const char *name, uint64_t off,
			uint64_t size, uint64_t vaddr, unsigned *ret_inlined)
{
	struct line want[16];
	struct frame got[16];
	unsigned right = 0;
	uint64_t addr;
	FILE *f;

	assert_int_equal(
		scratch_run(s, "seq %lu %lu | xargs printf '%%x\\n' | llvm-addr2line-19 -a -f -i -e %s > oracle",
			    vaddr, vaddr + size - 1, name),
		0);
	f = fdopen(scratch_open(s, "oracle"), "r");
	for (uint64_t at = off; at < off + size; at++) {
		unsigned n, k;

		assert_int_equal(fscanf(f, "0x%lx\n", &addr), 1);
		assert_int_equal(addr - vaddr, at - off);
		n = oracle_next(f, want, 16);
		arena_reset(&text);
		k = (unsigned)module_frames(m, at, false, &text, got, 16);
		*ret_inlined += k > 1;
		for (unsigned i = 0; i < n && n == k; i++)
			k = same(&got[i], &want[i]) ? k : 0;
		if (n == k)
			right++;
		else
			print_message("%#lx: %u frames, \"%.*s\" %.*s:%u for %s %s:%u\n", at, n,
				      STR_ARG(got[0].function), STR_ARG(got[0].file), got[0].line,
				      want[0].function, want[0].file, want[0].line);
	}
	fclose(f);
	return right;
}

static const char *const WAYS[] = {
	"g++ -O2 -g -o p p.cc",	       "g++ -O1 -g -gdwarf-4 -no-pie -o p p.cc",
	"g++ -O2 -g -gz -o p p.cc",    "g++ -O3 -g -ffunction-sections -Wl,--gc-sections -o p p.cc",
	"clang++-19 -O2 -g -o p p.cc", /* without .debug_aranges */
};

static void as_addr2line(void **state)
{
	static const char *const functions[] = { "main", "_ZN4shop5outerIlEET_S1_",
						 "_ZN4shop4cart5totalEi" };
	struct scratch *s = *state;
	unsigned ways = 0, inlined = 0, right = 0, all = 0;
	struct lines *d;

	assert_int_equal(lines_new(&d), 0);
	scratch_write(s, "p.cc", PROGRAM, strlen(PROGRAM));
	for (size_t i = 0; i < sizeof(WAYS) / sizeof(WAYS[0]); i++) {
		struct module_opts o = { .root_fd = -1, .host_root_fd = -1, .lines = d };
		struct module *m;
		int fd;

		if (scratch_run(s, "%s 2>cc.log", WAYS[i]) == 127 ||
		    scratch_run(s, "llvm-addr2line-19 --version >/dev/null") != 0)
			continue;
		ways++;
		fd = scratch_open(s, "p");
		assert_int_equal(module_open(dup(fd), STR("p"), &o, &m), 0);
		for (size_t k = 0; k < 3; k++) {
			uint64_t size, vaddr, off = elf_symbol_at(fd, functions[k], &size, &vaddr);

			if (off == UINT64_MAX)
				continue;
			all += (unsigned)size;
			right += compare(s, m, "p", off, size, vaddr, &inlined);
		}
		assert_int_equal(module_counts(m)->lines_lost, 0);
		module_free(m);
		close(fd);
	}
	if (ways == 0)
		skip();
	print_message("%u of %u addresses as addr2line, %u with inlined functions\n", right, all,
		      inlined);
	assert_true(inlined > 100);
	assert_int_equal(lines_counts(d)->started, 1);
	assert_int_equal(right, all);
	lines_free(d);
}

/* The child of this process, by its name; 0: none. */
static pid_t child_find(void)
{
	char line[64] = "";
	FILE *f = popen("pgrep -x porthole-lines -P $PPID", "r");

	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		pclose(f);
	return (pid_t)atoi(line);
}

static struct module *open_with(struct scratch *s, struct lines *l, uint64_t *ret_off)
{
	struct module_opts o = { .root_fd = -1, .host_root_fd = -1, .lines = l };
	uint64_t size;
	struct module *m;
	int fd;

	scratch_write(s, "p.cc", PROGRAM, strlen(PROGRAM));
	if (scratch_run(s, "g++ -O2 -g -o p p.cc 2>cc.log") == 127)
		skip();
	fd = scratch_open(s, "p");
	*ret_off = elf_symbol(fd, "main", &size);
	assert_int_equal(module_open(fd, STR("p"), &o, &m), 0);
	return m;
}

/* Killed: that file is given up, its symbols stay; other files have a new child. */
static void killed(void **state)
{
	struct scratch *s = *state;
	struct frame f[16];
	struct module *m, *other;
	struct lines *l;
	uint64_t off;
	pid_t pid;

	assert_int_equal(lines_new(&l), 0);
	m = open_with(s, l, &off);
	other = open_with(s, l, &off);
	arena_reset(&text);
	assert_true(module_frames(m, off, false, &text, f, 16) >= 1);
	assert_true(f[0].line > 0);
	pid = child_find();
	if (pid <= 1)
		skip();
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(module_frames(m, off, false, &text, f, 16), 1);
	assert_true(str_eq(f[0].function, STR("main")));
	assert_int_equal(f[0].line, 0);
	assert_int_equal(module_counts(m)->lines_lost, 1);
	assert_true(module_frames(other, off, false, &text, f, 16) >= 1);
	assert_true(f[0].line > 0);
	assert_int_equal(lines_counts(l)->started, 2);
	assert_int_equal(lines_counts(l)->crashed, 1);
	/* Stopped, it is late. */
	pid = child_find();
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(module_frames(other, off, false, &text, f, 16), 1);
	assert_int_equal(lines_counts(l)->late, 1);
	assert_int_equal(child_find(), 0);
	module_free(m);
	module_free(other);
	lines_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(as_addr2line, scratch_make, scratch_free),
		cmocka_unit_test_setup_teardown(killed, scratch_make, scratch_free),
	};

	if (arena_init(&text, 256 << 10) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
