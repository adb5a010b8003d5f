/* Tables and code made here, whole, cut and wrong; and the Go programs this machine has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "symbol/go_places.h"
#include "symbol/go_places_testing.h"

struct found {
	size_t n, entries, returns, kept;
	uint64_t entry[GO_PLACES], ret[GO_PLACES * GO_RETURNS];
	int stop; /* what add returns after so many */
};

static int found_add(void *ctx, size_t name, int place, uint64_t off)
{
	struct found *f = ctx;

	assert_true(name < GO_PLACES);
	f->kept += place == GO_RETURN_KEPT;
	if (place != GO_ENTRY)
		f->ret[f->returns++] = off;
	else
		f->entry[f->entries++] = off;
	return f->stop && ++f->n == (size_t)f->stop ? -ENOSPC : 0;
}

static const char *const NAMES[] = { "a.Read", "a.none", "a.Write" };

static int look(const struct buf *b, struct found *ret)
{
	uint8_t *p = malloc(b->n ? b->n : 1);
	struct image im;
	int err;

	memcpy(p, b->p, b->n);
	err = image_memory(p, b->n, &im);
	if (err)
		return err;
	err = go_places_image(&im, NAMES, 3, found_add, ret);
	image_close(&im);
	return err;
}

static int look_at(const struct testing_code *code, uint32_t magic, struct found *ret)
{
	struct buf b = { 0 };
	int err;

	*ret = (struct found){ .stop = ret->stop };
	testing_go(&b, magic, code);
	err = look(&b, ret);
	buf_free(&b);
	return err;
}

static const uint32_t MAGICS[] = { 0xfffffffa, 0xfffffff0, 0xfffffff1 };

static void found(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct found f = { 0 };

		assert_int_equal(look_at(&testing_good, MAGICS[i], &f), 0);
		assert_int_equal(f.entries, 2);
		assert_int_equal(f.entry[0], TESTING_CODE_OFF + 4); /* jbe */
		assert_int_equal(f.entry[1], TESTING_CODE_OFF + 32);
		assert_int_equal(f.returns, 3);
		assert_int_equal(f.ret[0], TESTING_CODE_OFF + 12);
		assert_int_equal(f.ret[1], TESTING_CODE_OFF + 18);
		assert_int_equal(f.ret[2], TESTING_CODE_OFF + 32 + 14);
	}
}

/* Where the jump of the prologue does not serve, the first instruction is the entry. */
static void entry_first(void **state)
{
	static const struct testing_code codes[] = {
		{ "\x49\x3b\x66\x10\x76\x07\x48\x83\xec\x08\xeb\xf8\xc3\xc3", 14 }, /* joined */
		{ "\x31\xdb\x49\x3b\x66\x10\x76\x02\x48\x90\xc3", 11 }, /* ebx is written to */
		{ "\x49\x3b\x66\x10\x90\x76\x02\x48\x90\xc3", 10 },	/* later */
		{ "\x49\x3b\x66\x10\x2e\x76\x02\x48\x90\xc3", 10 },	/* a prefix */
		{ "\x49\x3b\x66\x10\x72\x02\x48\x90\xc3", 9 },		/* another condition */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct found f = { 0 };

		assert_int_equal(look_at(&codes[i], MAGICS[1], &f), 0);
		assert_int_equal(f.entry[0], TESTING_CODE_OFF);
	}
}

/* Every way in which the code of the first function is not what a probe may be put on. */
static void refused(void **state)
{
	static const struct testing_code CODES[] = {
		/* no bound: another convention (before 1.17) */
		{ "\x64\x48\x8b\x0c\x25\xf8\xff\xff\xff\x48\x3b\x61\x10\xc3", 14 },
		/* the bound comes too late */
		{ "\x90\x90\x90\x90\x49\x3b\x66\x10\xc3", 9 },
		/* no return */
		{ "\x49\x3b\x66\x10\x90\x90", 6 },
		/* a byte that is no instruction in 64-bit mode */
		{ "\x49\x3b\x66\x10\xc3\x06", 6 },
		/* the last instruction goes on in the next function */
		{ "\x49\x3b\x66\x10\xc3\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc"
		  "\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xe8",
		  32 },
		/* it jumps out: another function returns instead */
		{ "\x49\x3b\x66\x10\xc3\xe9\x00\x10\x00\x00", 10 },
		{ "\x49\x3b\x66\x10\xc3\x0f\x84\x00\xff\xff\xff", 11 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
		struct found f = { 0 };

		assert_int_equal(look_at(&CODES[i], 0xfffffff1, &f), -EBADMSG);
		assert_int_equal(f.entries + f.returns, 0);
	}
}

/* Whether arguments are kept is told by where they are stored, with the frame's size known. */
static void kept(void **state)
{
	static const struct {
		struct testing_code code;
		size_t kept;
	} CASES[] = {
		/* cmp; sub rsp, 0x18; mov [rsp+0x20], rax; mov [rsp+0x28], rbx; ret */
		{ { "\x49\x3b\x66\x10\x48\x83\xec\x18\x48\x89\x44\x24\x20\x48\x89\x5c\x24\x28\xc3",
		    19 },
		  1 },
		/* the same with push rbp before */
		{ { "\x49\x3b\x66\x10\x55\x48\x83\xec\x10\x48\x89\x44\x24\x20\x48\x89\x5c\x24\x28\xc3",
		    20 },
		  1 },
		/* one of them elsewhere */
		{ { "\x49\x3b\x66\x10\x48\x83\xec\x18\x48\x89\x44\x24\x20\x48\x89\x5c\x24\x20\xc3",
		    19 },
		  0 },
		/* before there is a frame, as where the stack grows */
		{ { "\x49\x3b\x66\x10\x48\x89\x44\x24\x08\x48\x89\x5c\x24\x10\xc3", 15 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct found f = { 0 };

		assert_int_equal(look_at(&CASES[i].code, 0xfffffff1, &f), 0);
		assert_int_equal(f.kept, CASES[i].kept);
	}
}

static void not_there(void **state)
{
	struct found f = { .stop = 2 };
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(look_at(&testing_good, 0xfffffff1, &f), -ENOSPC);
	f.stop = 0;
	assert_int_equal(look_at(&testing_good, 0xfffffffb, &f), -ENOENT);
	assert_int_equal(look_at(&testing_good, 0x12345678, &f), -ENOENT);
	testing_go(&b, 0xfffffff1, &testing_good);
	memcpy((char *)memmem(b.p, b.n, "\0a.Read", 7), "\0b", 2);
	assert_int_equal(look(&b, &f), -ENOENT);
	buf_free(&b);
	assert_int_equal(go_places(-1, NAMES, 3, found_add, &f), -EBADF);
}

/* Every prefix, and every byte made another: found or not, never outside. */
static void damaged(void **state)
{
	(void)state;
	for (size_t m = 0; m < 3; m++) {
		struct buf b = { 0 };
		size_t n;

		testing_go(&b, MAGICS[m], &testing_good);
		n = b.n;
		for (size_t i = 0; i < n; i++) {
			struct found f = { 0 };
			char was = b.p[i];

			b.n = i;
			look(&b, &f);
			b.n = n;
			for (unsigned k = 1; k < 256; k += 31) {
				f = (struct found){ 0 };
				b.p[i] = (char)(was ^ k);
				look(&b, &f);
			}
			b.p[i] = was;
		}
		buf_free(&b);
	}
}

static const char *const PROGRAMS[] = { "/usr/bin/prometheus", "/usr/bin/promtool" };
static const char *const TLS[] = { "crypto/tls.(*Conn).Read", "crypto/tls.(*Conn).Write",
				   "crypto/tls.(*Conn).serverHandshake",
				   "crypto/tls.(*Conn).clientHandshake" };

static void programs(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(PROGRAMS) / sizeof(PROGRAMS[0]); i++) {
		int fd = open(PROGRAMS[i], O_RDONLY | O_CLOEXEC);
		struct found f = { 0 };
		uint8_t byte;

		if (fd < 0)
			continue;
		assert_int_equal(go_places(fd, TLS, 4, found_add, &f), 0);
		assert_in_range(f.entries, 3,
				4); /* one that serves nobody lacks the server's handshake */
		assert_true(f.returns > 10);
		assert_true(f.kept > 3);
		for (size_t k = 0; k < f.returns; k++) {
			assert_int_equal(pread(fd, &byte, 1, (off_t)f.ret[k]), 1);
			assert_int_equal(byte, 0xc3);
		}
		print_message("%s: %zu functions, %zu returns, %zu with arguments\n", PROGRAMS[i],
			      f.entries, f.returns, f.kept);
		close(fd);
		seen++;
	}
	if (seen == 0)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),    cmocka_unit_test(entry_first),
		cmocka_unit_test(refused),  cmocka_unit_test(not_there),
		cmocka_unit_test(kept),	    cmocka_unit_test(damaged),
		cmocka_unit_test(programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
