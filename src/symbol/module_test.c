/*
 * Modules: programs made here in the shapes that distributions ship, and every function of the
 * system's own libraries, compared with what libelf reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "symbol/elf_test.h"
#include "symbol/module.h"

static const struct module_opts PLAIN = { .root_fd = -1, .host_root_fd = -1 };

static const char PROGRAM[] = "#include <stdio.h>\n"
			      "static int __attribute__((noinline)) inner(int x)\n"
			      "{\n"
			      "	return printf(\"%d\", x) + 1;\n"
			      "}\n"
			      "int __attribute__((noinline)) outer(int x)\n"
			      "{\n"
			      "	return inner(x) + 2;\n"
			      "}\n"
			      "int main(int argc, char **argv)\n"
			      "{\n"
			      "	(void)argv;\n"
			      "	return outer(argc);\n"
			      "}\n";

static struct arena text;

static struct frame look(struct module *m, uint64_t off)
{
	struct frame f[8];

	arena_reset(&text);
	assert_int_equal(module_frames(m, off, false, &text, f, 8), 1);
	return f[0];
}

static void assert_str(struct str got, const char *want)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

static void compile(struct scratch *s)
{
	scratch_write(s, "p.c", PROGRAM, strlen(PROGRAM));
	if (scratch_run(s, "cc -O2 -g -o full p.c 2>cc.log") == 127)
		skip();
	assert_int_equal(scratch_run(s, "strip -o bare full"), 0);
}

static struct module *open_in(struct scratch *s, const char *name)
{
	int fd = scratch_open(s, name);
	struct module *m;

	assert_true(fd >= 0);
	assert_int_equal(module_open(fd, str_of(name), &PLAIN, &m), 0);
	return m;
}

static void symtab(void **state)
{
	struct scratch *s = *state;
	struct module *m;
	uint64_t size, off;
	int fd;

	compile(s);
	fd = scratch_open(s, "full");
	off = elf_symbol(fd, "inner", &size);
	m = open_in(s, "full");
	assert_str(look(m, off).function, "inner");
	assert_str(look(m, off + size - 1).function, "inner");
	assert_true(!str_eq(look(m, off + size).function, STR("inner")));
	off = elf_symbol(fd, "outer", &size);
	assert_str(look(m, off).function, "outer");
	assert_str(look(m, off).module, "full");
	assert_int_equal(look(m, off).kind, FRAME_NATIVE);
	assert_int_equal(look(m, off).build_id.n, 40);
	assert_int_equal(module_sources(m), MODULE_SYMTAB);
	assert_null(look(m, UINT64_MAX).function.p);
	module_free(m);
	m = open_in(s, "bare");
	assert_null(look(m, off).function.p);
	assert_true(look(m, off).address >= off);
	module_free(m);
	close(fd);
}

static struct module *open_rooted(struct scratch *s, const char *name, const char *path)
{
	int root = open(s->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct module_opts o = { .root_fd = root, .host_root_fd = -1 };
	struct module *m;

	assert_int_equal(module_open(scratch_open(s, name), str_of(path), &o, &m), 0);
	close(root);
	return m;
}

static void expect_inner(struct scratch *s, struct module *m, unsigned source)
{
	int fd = scratch_open(s, "full");
	uint64_t size, off = elf_symbol(fd, "inner", &size);

	close(fd);
	if (source) {
		assert_str(look(m, off).function, "inner");
		assert_true(module_sources(m) & source);
	} else {
		assert_null(look(m, off).function.p);
	}
	module_free(m);
}

static void debug_link(void **state)
{
	static const char *const dirs[] = { "bin", "bin/.debug", "usr/lib/debug/bin" };
	struct scratch *s = *state;
	struct module *m;

	compile(s);
	if (scratch_run(s, "objcopy --only-keep-debug full p.debug && cp bare linked && "
			   "objcopy --add-gnu-debuglink=p.debug linked") != 0)
		skip();
	m = open_rooted(s, "linked", "/bin/linked");
	expect_inner(s, m, 0);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		assert_int_equal(scratch_run(s, "mkdir -p %s && cp p.debug %s/", dirs[i], dirs[i]),
				 0);
		m = open_rooted(s, "linked", "/bin/linked");
		assert_int_equal(module_counts(m)->debugfile_wrong, 0);
		expect_inner(s, m, MODULE_DEBUGFILE);
		/* One byte more, and it is another file. */
		assert_int_equal(scratch_run(s, "echo >> %s/p.debug", dirs[i]), 0);
		m = open_rooted(s, "linked", "/bin/linked");
		assert_int_equal(module_counts(m)->debugfile_wrong, 1);
		expect_inner(s, m, 0);
		assert_int_equal(scratch_run(s, "rm %s/p.debug", dirs[i]), 0);
	}
}

static void debug_build_id(void **state)
{
	struct scratch *s = *state;
	struct module *m = NULL;
	char id[64];

	compile(s);
	m = open_in(s, "bare");
	snprintf(id, sizeof(id), "%.2s/%.*s", module_build_id(m).p, (int)module_build_id(m).n - 2,
		 module_build_id(m).p + 2);
	module_free(m);
	assert_int_equal(scratch_run(s, "mkdir -p usr/lib/debug/.build-id/%.2s", id), 0);
	/* Through a link that would leave the root, were it not one. */
	assert_int_equal(scratch_run(s, "ln -s /full usr/lib/debug/.build-id/%s.debug", id), 0);
	m = open_rooted(s, "bare", "/bin/bare");
	expect_inner(s, m, MODULE_DEBUGFILE);
	assert_int_equal(scratch_run(s, "cp full kept && cc -O1 -o full p.c"), 0);
	m = open_rooted(s, "bare", "/bin/bare");
	assert_int_equal(module_counts(m)->debugfile_wrong, 1);
	assert_int_equal(scratch_run(s, "mv kept full"), 0);
	module_free(m);
	assert_int_equal(scratch_run(s, "rm full && mkfifo full"), 0);
	m = open_rooted(s, "bare", "/bin/bare"); /* does not wait for a writer */
	module_free(m);
}

static void debug_data(void **state)
{
	struct scratch *s = *state;
	struct module *m;

	compile(s);
	if (scratch_run(s, "objcopy -S --keep-symbol=inner full mini && xz -k mini && cp bare packed && "
			   "objcopy --add-section .gnu_debugdata=mini.xz packed") != 0)
		skip();
	m = open_in(s, "packed");
	assert_true(module_bytes(m) < 8192);
	expect_inner(s, m, MODULE_DEBUGDATA);
	/* A bomb, a stump, and what is no ELF. */
	assert_int_equal(
		scratch_run(s, "head -c 100000000 /dev/zero | xz > bomb.xz && head -c 99 mini.xz "
			       "> stump.xz && echo hello | xz > text.xz && for i in bomb stump text; do "
			       "cp bare $i && objcopy --add-section .gnu_debugdata=$i.xz $i; done"),
		0);
	for (size_t i = 0; i < 3; i++) {
		static const char *const bad[] = { "bomb", "stump", "text" };

		m = open_in(s, bad[i]);
		assert_int_equal(module_counts(m)->debugdata_wrong, 1);
		expect_inner(s, m, 0);
	}
}

static const char *const LIBRARIES[] = {
	"/lib/x86_64-linux-gnu/libc.so.6",
	"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
	"/usr/bin/python3.11",
	"/usr/bin/python3.13",
	"/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
};

/* Whether one of the table's functions that begin where @sym does, or cover it, is named @name. */
static bool is_named(Elf *elf, Elf_Data *data, uint32_t link, const GElf_Sym *sym, struct str name)
{
	for (int i = 0;; i++) {
		GElf_Sym other;
		const char *z;

		if (!gelf_getsym(data, i, &other))
			return false;
		if (sym->st_value < other.st_value ||
		    sym->st_value - other.st_value >= other.st_size + !other.st_size)
			continue;
		z = elf_strptr(elf, link, other.st_name);
		if (z && str_eq(name, (struct str){ z, strcspn(z, "@") }))
			return true;
	}
}

static unsigned compare(struct module *m, Elf *elf, Elf_Data *data, uint32_t link)
{
	unsigned n = 0;

	for (int i = 0;; i++) {
		GElf_Sym sym;
		const char *z;
		struct frame f;
		uint64_t off;
		bool code = false;

		if (!gelf_getsym(data, i, &sym))
			return n;
		if (GELF_ST_TYPE(sym.st_info) != STT_FUNC || sym.st_shndx == SHN_UNDEF)
			continue;
		off = elf_offset(elf, sym.st_value, &code);
		if (!code)
			continue;
		f = look(m, off);
		z = elf_strptr(elf, link, sym.st_name);
		n++;
		if (f.linkage.p ? str_eq(f.linkage, str_of(z)) : str_eq(f.function, str_of(z)))
			continue;
		if (!is_named(elf, data, link, &sym, f.linkage.p ? f.linkage : f.function))
			fail_msg("%s is called \"%.*s\"", z, STR_ARG(f.function));
	}
}

static void every_function(void **state)
{
	unsigned files = 0;

	(void)state;
	elf_version(EV_CURRENT);
	for (size_t i = 0; i < sizeof(LIBRARIES) / sizeof(LIBRARIES[0]); i++) {
		int fd = open(LIBRARIES[i], O_RDONLY | O_CLOEXEC);
		struct module *m;
		GElf_Shdr sh;
		Elf_Scn *scn;
		unsigned n;
		Elf *elf;

		if (fd < 0)
			continue;
		assert_int_equal(module_open(dup(fd), str_of(LIBRARIES[i]), &PLAIN, &m), 0);
		elf = elf_begin(fd, ELF_C_READ, NULL);
		scn = elf_section(elf, SHT_DYNSYM, &sh);
		assert_non_null(scn);
		n = compare(m, elf, elf_getdata(scn, NULL), sh.sh_link);
		print_message("%s: %u functions, %zu bytes\n", LIBRARIES[i], n, module_bytes(m));
		assert_true(n > 1000);
		elf_end(elf);
		module_free(m);
		close(fd);
		files++;
	}
	if (files == 0)
		skip();
}

static void vdso(void **state)
{
	struct module *m;
	struct frame f;

	(void)state;
	if (module_vdso(&m) < 0)
		skip();
	assert_true(module_sources(m) & (MODULE_DYNSYM | MODULE_SYMTAB));
	f = look(m, 0x700); /* .text begins at a few hundred bytes in every kernel's */
	assert_str(f.module, "[vdso]");
	module_free(m);
}

static void no_elf(void **state)
{
	struct scratch *s = *state;
	struct module *m = NULL;

	scratch_write(s, "text", "hello", 5);
	assert_int_equal(module_open(scratch_open(s, "text"), STR("text"), &PLAIN, &m), -ENOEXEC);
	assert_int_equal(module_open(open("/", O_RDONLY), STR("/"), &PLAIN, &m), -ENOEXEC);
	assert_null(m);
	assert_int_equal(module_unknown(STR("/gone"), &m), 0);
	assert_str(look(m, 0x1234).module, "/gone");
	assert_int_equal(look(m, 0x1234).address, 0x1234);
	module_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(symtab, scratch_make, scratch_free),
		cmocka_unit_test_setup_teardown(debug_link, scratch_make, scratch_free),
		cmocka_unit_test_setup_teardown(debug_build_id, scratch_make, scratch_free),
		cmocka_unit_test_setup_teardown(debug_data, scratch_make, scratch_free),
		cmocka_unit_test(every_function),
		cmocka_unit_test(vdso),
		cmocka_unit_test_setup_teardown(no_elf, scratch_make, scratch_free),
	};

	if (arena_init(&text, 64 << 10) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
