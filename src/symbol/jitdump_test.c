/* Dumps made here record by record, as the specification has them; and every prefix of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "symbol/jitdump.h"

static void u32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, 4);
}

static void u64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, 8);
}

static void header(struct buf *b)
{
	u32(b, 0x4A695444);
	u32(b, 1);
	u32(b, 40);
	u32(b, 62);
	u32(b, 0);
	u32(b, 77);
	u64(b, 1);
	u64(b, 0);
}

static void record(struct buf *b, uint32_t id, const struct buf *body)
{
	u32(b, id);
	u32(b, (uint32_t)body->n + 16);
	u64(b, 2);
	buf_add(b, body->p, body->n);
}

static void load(struct buf *b, uint64_t addr, uint64_t size, uint64_t index, const char *name)
{
	struct buf body = { 0 };

	u64(&body, 77);
	u64(&body, addr);
	u64(&body, addr);
	u64(&body, size);
	u64(&body, index);
	buf_add(&body, name, strlen(name) + 1);
	for (uint64_t i = 0; i < size; i++)
		buf_char(&body, '\x90');
	record(b, 0, &body);
	buf_free(&body);
}

static void move(struct buf *b, uint64_t from, uint64_t to, uint64_t size, uint64_t index)
{
	struct buf body = { 0 };

	u64(&body, 77);
	u64(&body, from);
	u64(&body, from);
	u64(&body, to);
	u64(&body, size);
	u64(&body, index);
	record(b, 1, &body);
	buf_free(&body);
}

static void line(struct buf *b, uint64_t addr, uint32_t number, const char *file)
{
	u64(b, addr);
	u32(b, number);
	u32(b, 0);
	buf_add(b, file, strlen(file) + 1);
}

static void dump_make(struct buf *b)
{
	struct buf lines = { 0 };

	header(b);
	u64(&lines, 0x1000);
	u64(&lines, 3);
	line(&lines, 0x1000, 10, "a.js");
	line(&lines, 0x1008, 11, "\xff");
	line(&lines, 0x1010, 3, "b.js");
	record(b, 2, &lines);
	load(b, 0x1000, 0x20, 1, "alpha");
	load(b, 0x2000, 0x10, 2, "beta");
	record(b, 4, &lines); /* unwinding: skipped */
	move(b, 0x1000, 0x3000, 0x20, 1);
	load(b, 0x1000, 0x10, 3, "gamma");
	buf_free(&lines);
}

static struct jitdump *read_dump(const void *p, size_t n, int want)
{
	int fd = memfd_create("jitdump", MFD_CLOEXEC);
	struct jitdump *j;

	assert_int_equal(write(fd, p, n), n);
	assert_int_equal(jitdump_new(&j), 0);
	assert_int_equal(jitdump_update(j, fd), want);
	close(fd);
	return j;
}

static void expect(struct jitdump *j, uint64_t addr, const char *name, const char *file, uint32_t at)
{
	struct frame f = { 0 };

	assert_int_equal(jitdump_find(j, addr, &f), name != NULL);
	if (!name)
		return;
	assert_true(str_eq(f.function, str_of(name)));
	assert_true(str_eq(f.file, str_of(file)));
	assert_int_equal(f.line, at);
	assert_int_equal(f.kind, FRAME_JIT);
}

static void whole(void **state)
{
	struct buf b = { 0 };
	struct jitdump *j;

	(void)state;
	dump_make(&b);
	j = read_dump(b.p, b.n, 0);
	expect(j, 0x1000, "gamma", NULL, 0);
	expect(j, 0x1010, "alpha", "b.js", 3);
	expect(j, 0x3007, "alpha", "a.js", 10);
	expect(j, 0x3008, "alpha", "a.js", 11);
	expect(j, 0x301f, "alpha", "b.js", 3);
	expect(j, 0x3020, NULL, NULL, 0);
	expect(j, 0x200f, "beta", NULL, 0);
	assert_int_equal(jitdump_counts(j)->records, 6);
	assert_int_equal(jitdump_counts(j)->wrong, 0);
	jitdump_free(j);
	buf_free(&b);
}

/* Half-written records wait; the rest is read when it is there. */
static void prefixes(void **state)
{
	struct buf b = { 0 };

	(void)state;
	dump_make(&b);
	for (size_t n = 0; n < b.n; n++) {
		struct jitdump *j = read_dump(b.p, n, n < 40 ? -EBADMSG : 0);

		assert_int_equal(jitdump_counts(j)->wrong, 0);
		jitdump_free(j);
	}
	buf_free(&b);
}

static void grows(void **state)
{
	int fd = memfd_create("jitdump", MFD_CLOEXEC);
	struct buf b = { 0 };
	struct jitdump *j;

	(void)state;
	dump_make(&b);
	assert_int_equal(jitdump_new(&j), 0);
	for (size_t n = 0; n < b.n; n++) {
		assert_int_equal(write(fd, b.p + n, 1), 1);
		assert_int_equal(jitdump_update(j, fd), n < 39 ? -EBADMSG : 0);
	}
	expect(j, 0x1000, "gamma", NULL, 0);
	expect(j, 0x3008, "alpha", "a.js", 11);
	jitdump_free(j);
	buf_free(&b);
	close(fd);
}

static void hostile(void **state)
{
	struct buf b = { 0 };
	struct jitdump *j;

	(void)state;
	header(&b);
	u32(&b, 0); /* a record of no length would stand for ever */
	u32(&b, 0);
	u64(&b, 0);
	j = read_dump(b.p, b.n, 0);
	assert_int_equal(jitdump_counts(j)->wrong, 1);
	jitdump_free(j);
	buf_reset(&b);
	header(&b);
	load(&b, 0x1000, 16, 1, "a");
	for (int i = 0; i < 2000; i++)
		move(&b, 0x1000, 0x1000, 16, 1);
	j = read_dump(b.p, b.n, 0);
	assert_true(jitdump_counts(j)->dropped > 0);
	expect(j, 0x1000, "a", NULL, 0);
	jitdump_free(j);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(grows),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
