/* A file made here, with a table of symbols; and the libraries this machine has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "symbol/code_places.h"
#include "symbol/func_places.h"

struct found {
	size_t entries[FUNC_PLACES], returns[FUNC_PLACES];
	uint64_t entry[FUNC_PLACES];
	uint32_t depth[FUNC_PLACES];
	int stop;
};

static int found_add(void *ctx, size_t name, int place, uint64_t off, uint32_t depth)
{
	struct found *f = ctx;

	assert_true(name < FUNC_PLACES);
	if (place == FUNC_ENTRY) {
		f->entries[name]++;
		f->entry[name] = off;
		f->depth[name] = depth;
	} else {
		assert_int_equal(place, FUNC_RETURN);
		assert_int_equal(f->entries[name], 0);
		f->returns[name]++;
	}
	return f->stop;
}

/* --- a file --- */

#define CODE_AT 0x400
#define VADDR	0x10000
#define STRINGS "\0bio_f\0xf\0g\0h\0twice\0nowhere\0.dynsym\0.dynstr"

/* sub rsp, 24; test edx, edx; js; ret, and 16 bytes of it for each function */
static const char code[16] = "\x48\x83\xec\x18\x85\xd2\x78\x00\xc3\x90\x90\x90\x90\x90\x90\xc3";

static void put_symbol(struct buf *b, uint32_t name, uint8_t type, uint64_t addr, uint64_t size)
{
	Elf64_Sym y = {
		.st_name = name, .st_info = type, .st_shndx = 1, .st_value = addr, .st_size = size
	};

	buf_add(b, &y, sizeof(y));
}

static void pad(struct buf *b, size_t to)
{
	while (b->n < to)
		buf_add(b, "", 1);
}

static void file_make(struct buf *b)
{
	Elf64_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			 .e_type = ET_DYN,
			 .e_machine = EM_X86_64,
			 .e_phoff = sizeof(h),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 1,
			 .e_shoff = 0x80,
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = 3,
			 .e_shstrndx = 2 };
	Elf64_Phdr p = { .p_type = PT_LOAD,
			 .p_flags = PF_R | PF_X,
			 .p_offset = CODE_AT,
			 .p_vaddr = VADDR,
			 .p_filesz = 64 };
	Elf64_Shdr s[3] = {
		{ 0 },
		{ .sh_name = 28,
		  .sh_type = SHT_DYNSYM,
		  .sh_offset = 0x180,
		  .sh_entsize = 24,
		  .sh_link = 2 },
		{ .sh_name = 36, .sh_type = SHT_STRTAB, .sh_offset = 0x300, .sh_size = sizeof(STRINGS) }
	};
	size_t at;

	buf_add(b, &h, sizeof(h));
	buf_add(b, &p, sizeof(p));
	pad(b, 0x180);
	put_symbol(b, 5, STT_FUNC, VADDR, 16);	     /* "f", the tail of bio_f */
	put_symbol(b, 7, STT_FUNC, VADDR + 48, 16);  /* xf */
	put_symbol(b, 10, STT_OBJECT, VADDR, 16);    /* g */
	put_symbol(b, 12, STT_FUNC, VADDR + 16, 16); /* h */
	put_symbol(b, 14, STT_FUNC, VADDR + 16, 16); /* twice */
	put_symbol(b, 14, STT_FUNC, VADDR + 32, 16);
	put_symbol(b, 20, STT_FUNC, VADDR + 56, 16); /* nowhere: half of it is outside */
	s[1].sh_size = b->n - 0x180;
	pad(b, 0x300);
	buf_add(b, STRINGS, sizeof(STRINGS));
	pad(b, CODE_AT);
	for (size_t i = 0; i < 4; i++)
		buf_add(b, code, sizeof(code));
	at = 0x80;
	memcpy(b->p + at, s, sizeof(s));
}

static const char *const NAMES[] = { "f", "g", "h", "twice", "nowhere", "none" };

static int look(const struct buf *b, size_t len, struct found *ret)
{
	uint8_t *p = malloc(len ? len : 1);
	struct image im;
	int err;

	memcpy(p, b->p, len);
	err = image_memory(p, len, &im);
	if (err)
		return err;
	err = func_places_image(&im, NAMES, 6, found_add, ret);
	image_close(&im);
	return err;
}

static void made(void **state)
{
	struct buf b = { 0 };
	struct found f = { 0 };

	(void)state;
	file_make(&b);
	assert_int_equal(look(&b, b.n, &f), 0);
	assert_int_equal(f.entries[0], 1);
	assert_int_equal(f.entry[0], CODE_AT + 6);
	assert_int_equal(f.depth[0], 24);
	assert_int_equal(f.entries[2], 1);
	assert_int_equal(f.entry[2], CODE_AT + 16 + 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(f.entries[i] + f.returns[i], i == 0 || i == 2);
	f = (struct found){ .stop = -ENOSPC };
	assert_int_equal(look(&b, b.n, &f), -ENOSPC);
	for (size_t n = 0; n < b.n; n++) {
		f = (struct found){ 0 };
		look(&b, n, &f);
		assert_int_equal(f.returns[0], 0);
	}
	buf_free(&b);
}

static void asked_wrongly(void **state)
{
	static const char *const empty[] = { "" };
	struct image im = { .bytes = { .fd = -1 } };

	(void)state;
	assert_int_equal(func_places_image(&im, NAMES, 0, found_add, NULL), -EINVAL);
	assert_int_equal(func_places_image(&im, NAMES, FUNC_PLACES + 1, found_add, NULL), -EINVAL);
	assert_int_equal(func_places_image(&im, empty, 1, found_add, NULL), -EINVAL);
}

/* --- of this machine --- */

static const char *const SSL[] = { "SSL_read",	       "SSL_write", "SSL_read_ex", "SSL_write_ex",
				   "SSL_do_handshake", "SSL_new",   "SSL_free" };
static const char *const TLS[] = { "gnutls_record_recv", "gnutls_record_send", "gnutls_handshake",
				   "gnutls_deinit" };

static void library(const char *path, const char *const *names, size_t n, struct found *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*ret = (struct found){ 0 };
	if (fd < 0) {
		print_message("%s is not here\n", path);
		skip();
	}
	assert_int_equal(func_places(fd, names, n, found_add, ret), 0);
	close(fd);
	for (size_t i = 0; i < n; i++)
		print_message("%s: entry %s at %#jx, %u below; %zu returns\n", names[i],
			      ret->entries[i] ? "cheap" : "none", (uintmax_t)ret->entry[i],
			      ret->depth[i], ret->returns[i]);
}

static void openssl(void **state)
{
	struct found f;

	(void)state;
	library("/usr/lib/x86_64-linux-gnu/libssl.so.3", SSL, sizeof(SSL) / sizeof(SSL[0]), &f);
	/* Both have the stack protector; without its return the entry would be of no use. */
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(f.entries[i], 1);
		assert_true(f.returns[i] > 0);
	}
	assert_int_equal(f.returns[2], 0);
}

static void gnutls(void **state)
{
	struct found f;

	(void)state;
	library("/usr/lib/x86_64-linux-gnu/libgnutls.so.30", TLS, sizeof(TLS) / sizeof(TLS[0]), &f);
	assert_int_equal(f.returns[1], 0); /* tail calls */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made),
		cmocka_unit_test(asked_wrongly),
		cmocka_unit_test(openssl),
		cmocka_unit_test(gnutls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
