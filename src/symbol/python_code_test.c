/* Line tables of real compilers, strings of each kind, memory that lies; running interpreters. */
#include "symbol/python_code.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it. */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "symbol/python_code_test.h"

/* --- line tables ----------------------------------------------------------------------------------- */

struct table {
	uint8_t bytes[512];
	size_t n;
};

static struct table table_of(const char *hex)
{
	struct table t = { .n = 0 };
	unsigned byte;

	while (sscanf(hex + 2 * t.n, "%2x", &byte) == 1)
		t.bytes[t.n++] = (uint8_t)byte;
	return t;
}

/*
 * co_linetable of CPython 3.11.7 and what its co_lines() said, of
 *
 *     def f(a, b):                        line 10
 *         if a:
 *             return [x
 *                 for x in b]
 *         with b as c:                    line 214
 *             a(c)
 *         raise ValueError
 */
static void test_lines_golden(void **state)
{
	const struct {
		uint32_t instr, line;
	} want[] = { { 0, 10 },	  { 1, 10 },	{ 2, 11 },    { 5, 11 },   { 6, 12 },	{ 9, 12 },
		     { 10, 13 },  { 11, 13 },	{ 12, 12 },   { 29, 12 },  { 30, 214 }, { 35, 214 },
		     { 36, 215 }, { 57, 215 },	{ 58, 214 },  { 89, 214 }, { 90, 0 },	{ 95, 0 },
		     { 96, 214 }, { 103, 214 }, { 104, 216 }, { 117, 216 } };
	const struct table t =
		table_of("8000d80708f000020518f002011018f000011018d81516f003011018f100011018f40001"
			 "1018f000010918f05406000a0bf00001050d8861d808098801882189048c048804f00301"
			 "050df00001050df00001050df10001050df40001050df00001050df00001050df0000105"
			 "0df00001050df00001050df00001050df8f8f8f00001050df00001050df00001050df000"
			 "01050de50a14d00414");

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_int_equal(python_line(t.bytes, t.n, 10, want[i].instr), want[i].line);
}

static void test_lines_forms(void **state)
{
	/* One unit each: no columns +5, long -3, none, short, one line +2. */
	const struct table t = table_of("e80a"
					"f007000102"
					"f8"
					"8011"
					"e00102");

	(void)state;
	assert_int_equal(python_line(t.bytes, t.n, 100, 0), 105);
	assert_int_equal(python_line(t.bytes, t.n, 100, 1), 105);
	assert_int_equal(python_line(t.bytes, t.n, 100, 2), 102);
	assert_int_equal(python_line(t.bytes, t.n, 100, 4), 0);
	assert_int_equal(python_line(t.bytes, t.n, 100, 6), 102);
	assert_int_equal(python_line(t.bytes, t.n, 100, 8), 104);
	/* Behind the end; a frame that has not begun. */
	assert_int_equal(python_line(t.bytes, t.n, 100, 10), 0);
	assert_int_equal(python_line(t.bytes, t.n, 100, (uint32_t)-2), 0);
	/* Cut short anywhere: some line or none, and no byte too many. */
	for (size_t n = 0; n < t.n; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, t.bytes, n);
		(void)python_line(copy, n, 100, 9);
		free(copy);
	}
}

/* --- objects --------------------------------------------------------------------------------------- */

static uint64_t str_put(struct fake *f, const struct python_layout *l, unsigned kind, bool ascii,
			const void *text, size_t n)
{
	const size_t head = ascii ? l->str_ascii : l->str_compact;
	uint64_t at = fake_room(f, head + n * kind);
	uint32_t bits = 1 | kind << 2 | 1 << 5 | (unsigned)ascii << 6;

	fake_put(f, at + 16, n);
	memcpy(fake_at(f, at + 32), &bits, sizeof(bits));
	memcpy(fake_at(f, at + head), text, n * kind);
	return at;
}

/* A code object whose name and file are the strings at @name and @file. */
static uint64_t code_put(struct fake *f, const struct python_layout *l, uint64_t name, uint64_t file)
{
	const uint8_t lines[] = { 0xe8, 0x0a };
	uint64_t word = fake_room(f, 16), type = fake_room(f, 64), code = fake_room(f, 256);
	uint64_t table = fake_room(f, 64);
	uint32_t first = 7;

	memcpy(fake_at(f, word), "code", 5);
	fake_put(f, type + 24, word);
	fake_put(f, code + 8, type);
	memcpy(fake_at(f, code + l->code_first_line), &first, sizeof(first));
	fake_put(f, code + l->code_qualname, name);
	fake_put(f, code + l->code_name, name);
	fake_put(f, code + l->code_file, file);
	fake_put(f, code + l->code_lines, table);
	fake_put(f, table + 16, sizeof(lines));
	memcpy(fake_at(f, table + l->bytes_data), lines, sizeof(lines));
	return code;
}

static void test_strings(void **state)
{
	static const uint16_t two[] = { 'a', 0x20ac, 0xd800 };
	static const uint32_t four[] = { 0x1f40d, 0x110000 };
	static const struct {
		unsigned kind;
		bool ascii;
		const void *text;
		size_t n;
		const char *want;
	} rows[] = {
		{ 1, true, "Cls.f", 5, "Cls.f" },
		{ 1, false, "br\xfchen", 6, "br\xc3\xbchen" },
		{ 2, false, two, 3, "a\xe2\x82\xac\xef\xbf\xbd" },
		{ 4, false, four, 2, "\xf0\x9f\x90\x8d\xef\xbf\xbd" },
	};

	(void)state;
	for (uint32_t version = 0x30b; version <= 0x30d; version++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const struct python_layout *l = python_layout(version);
			struct fake *f = calloc(1, sizeof(*f));
			struct python_code c;
			uint64_t name, code;

			assert_non_null(f);
			name = str_put(f, l, rows[i].kind, rows[i].ascii, rows[i].text, rows[i].n);
			code = code_put(f, l, name, str_put(f, l, 1, true, "/x.py", 5));
			assert_int_equal(python_code_read(l, fake_read, f, code, &c), 0);
			assert_true(str_eq(c.name, str_of(rows[i].want)));
			assert_true(str_eq(c.file, STR("/x.py")));
			assert_int_equal(c.first_line, 7);
			assert_int_equal(python_line(c.lines, c.nlines, c.first_line, 0), 12);
			python_code_free(&c);
			free(f);
		}
}

/* Every word of memory that is changed in several ways: an error or a bounded result, no crash. */
static void test_hostile(void **state)
{
	static const uint64_t values[] = { 0, 1, FAKE_BASE, FAKE_BASE + 8, UINT64_MAX, 1ull << 62 };
	const struct python_layout *l = python_layout(0x30b);
	struct fake *f = calloc(1, sizeof(*f));
	struct python_code c;
	uint64_t name, code;
	size_t refused = 0;

	(void)state;
	assert_non_null(f);
	name = str_put(f, l, 1, true, "name", 4);
	code = code_put(f, l, name, name);
	for (uint64_t at = FAKE_BASE; at < FAKE_BASE + f->n; at += 8)
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			uint64_t before;
			int err;

			memcpy(&before, fake_at(f, at), 8);
			fake_put(f, at, values[i]);
			err = python_code_read(l, fake_read, f, code, &c);
			if (!err) {
				assert_true(c.name.n <= 4 * PYTHON_NAME_MAX);
				assert_true(c.nlines <= PYTHON_LINES_MAX);
				python_code_free(&c);
			}
			refused += err != 0;
			fake_put(f, at, before);
		}
	assert_true(refused > 0);
	/* What ends anywhere. */
	for (size_t n = f->n; n--;) {
		f->n = n;
		if (python_code_read(l, fake_read, f, code, &c) == 0)
			python_code_free(&c);
	}
	free(f);
	assert_null(python_layout(0x30a));
	assert_null(python_layout(0x30e));
}

/* --- running interpreters -------------------------------------------------------------------------- */

/* Says where a function's code is, and where its lines are, as "address", then "instr line" each. */
static const char program[] = "import sys\n"
			      "class Ünit:\n"
			      "  def f(self, a):\n"
			      "    if a:\n"
			      "      return [x for x in\n"
			      "        a]\n"
			      "\n"
			      "    raise ValueError(\n"
			      "      'a')\n"
			      "c = Ünit.f.__code__\n"
			      "print(id(c), c.co_firstlineno)\n"
			      "for a, b, line in c.co_lines(): print(a, line or 0)\n"
			      "print('end', flush=True)\n"
			      "sys.stdin.read()\n";

static const char *const interpreters[][2] = {
	{ "/usr/bin/python3.11", "\x0b" },
	{ "/usr/bin/python3.12", "\x0c" },
	{ "/usr/bin/python3.13", "\x0d" },
	{ "/root/.pyenv/versions/3.11.7/bin/python3.11", "\x0b" },
	{ "/root/.pyenv/versions/3.12.1/bin/python3.12", "\x0c" },
	{ "/root/.pyenv/versions/3.13.0/bin/python3.13", "\x0d" },
};

static bool memory_read(void *ctx, uint64_t at, void *ret, size_t n)
{
	struct iovec to = { ret, n }, from = { (void *)at, n };

	return process_vm_readv(*(pid_t *)ctx, &to, 1, &from, 1, 0) == (ssize_t)n;
}

static pid_t interpreter_start(const char *path, FILE **ret_out, int *ret_in)
{
	int out[2], in[2];
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(path, path, "-X", "utf8", "-c", program, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	*ret_out = fdopen(out[0], "r");
	*ret_in = in[1];
	return pid;
}

static void interpreter_check(const char *path, uint32_t version)
{
	unsigned long long code, instr;
	unsigned first, line, rows = 0;
	struct python_code c;
	FILE *out;
	int in, status;
	pid_t pid = interpreter_start(path, &out, &in);

	assert_int_equal(fscanf(out, "%llu %u", &code, &first), 2);
	assert_int_equal(python_code_read(python_layout(version), memory_read, &pid, code, &c), 0);
	assert_true(str_eq(c.name, STR("\xc3\x9cnit.f")));
	assert_true(str_eq(c.file, STR("<string>")));
	assert_int_equal(c.first_line, first);
	for (; fscanf(out, "%llu %u", &instr, &line) == 2; rows++)
		assert_int_equal(python_line(c.lines, c.nlines, c.first_line, (uint32_t)instr), line);
	assert_true(rows >= 4);
	python_code_free(&c);
	/* Another object of its. */
	assert_int_equal(python_code_read(python_layout(version), memory_read, &pid, code + 16, &c),
			 -EBADMSG);
	close(in);
	/* To its end: what is not buffered (PYTHONUNBUFFERED) still writes behind the word that ended it. */
	while (fgetc(out) != EOF)
		;
	fclose(out);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* And when it is gone. */
	assert_int_not_equal(python_code_read(python_layout(version), memory_read, &pid, code, &c),
			     0);
}

static void test_interpreters(void **state)
{
	unsigned checked = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(interpreters) / sizeof(interpreters[0]); i++) {
		if (access(interpreters[i][0], X_OK) != 0)
			continue;
		interpreter_check(interpreters[i][0], 0x300u | (unsigned)interpreters[i][1][0]);
		checked++;
	}
	print_message("%u interpreters checked\n", checked);
	if (!checked)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_golden), cmocka_unit_test(test_lines_forms),
		cmocka_unit_test(test_strings),	     cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_interpreters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
