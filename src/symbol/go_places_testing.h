#pragma once
/*
 * A small Go program as bytes: an ELF file with .text, .gopclntab and their names, whose functions are
 *
 *     a.Read   [0, 32)  the code given, padded with int3
 *     a.Write  [32, 64) bound compared, large frame, one return
 *     x.a.Read [64, 96) nothing: a longer name with the same tail
 *
 * For tests and fuzzers.
 */
#include <elf.h>

#include "base/buf.h"

#define TESTING_CODE_OFF 0x200
#define TESTING_TEXT	 0x401000

struct testing_code {
	const char *p;
	size_t n; /* up to 32 */
};

/* cmp rsp, [r14+16]; jbe; sub rsp, 8; ret; jmp; nop; nop; add; ret */
static const struct testing_code testing_good = {
	"\x49\x3b\x66\x10\x76\x07\x48\x83\xec\x08\xeb\x01\xc3\x90\x48\x83\xc4\x08\xc3", 19
};

static const char testing_write[] =
	"\x4c\x8d\x64\x24\xf8\x4d\x3b\x66\x10\x48\x83\xc4\x08\x90\xc3"; /* lea r12; cmp r12, [r14+16] */

static inline void testing_put(struct buf *b, uint64_t v, size_t n)
{
	buf_add(b, &v, n);
}

static inline void testing_pad(struct buf *b, size_t to, char with)
{
	while (b->n < to)
		buf_add(b, &with, 1);
}

/* The table, as go_test.c makes it, without files and lines. */
static inline void testing_table(struct buf *b, uint32_t magic)
{
	static const char names[] = "x.a.Read\0a.Read\0a.Write";
	static const uint32_t name_at[] = { 9, 16, 0 };
	bool old = magic == 0xfffffffa;
	size_t start = b->n, entry = old ? 8 : 4;
	uint64_t head = 8 + (old ? 7 : 8) * 8, functions = head + sizeof(names);
	uint64_t records = 7 * entry, base = old ? TESTING_TEXT : 0;

	testing_put(b, magic, 4);
	testing_put(b, 0x08010000, 4);
	testing_put(b, 3, 8);
	testing_put(b, 0, 8);
	if (!old)
		testing_put(b, TESTING_TEXT, 8);
	testing_put(b, head, 8);
	for (int i = 0; i < 4; i++)
		testing_put(b, functions, 8);
	testing_pad(b, start + head, 0);
	buf_add(b, names, sizeof(names));
	for (size_t i = 0; i < 3; i++) {
		testing_put(b, base + 32 * i, entry);
		testing_put(b, records + i * (entry + 32), entry);
	}
	testing_put(b, base + 96, entry);
	for (size_t i = 0; i < 3; i++) {
		testing_put(b, base + 32 * i, entry);
		testing_put(b, name_at[i], 4);
		for (int k = 0; k < 7; k++)
			testing_put(b, 0, 4);
	}
}

static inline void testing_section(Elf64_Shdr *s, uint32_t name, uint32_t type, uint64_t off,
				   uint64_t size)
{
	*s = (Elf64_Shdr){ .sh_name = name, .sh_type = type, .sh_offset = off, .sh_size = size };
}

static inline void testing_go(struct buf *b, uint32_t magic, const struct testing_code *code)
{
	static const char strings[] = "\0.text\0.gopclntab\0.shstrtab";
	Elf64_Ehdr h = { .e_type = ET_EXEC,
			 .e_machine = EM_X86_64,
			 .e_phoff = sizeof(h),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 1,
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = 4,
			 .e_shstrndx = 3 };
	Elf64_Phdr p = { .p_type = PT_LOAD,
			 .p_flags = PF_R | PF_X,
			 .p_offset = TESTING_CODE_OFF,
			 .p_vaddr = TESTING_TEXT,
			 .p_filesz = 96 };
	Elf64_Shdr s[4] = { { 0 } };
	size_t table;

	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	h.e_shoff = sizeof(h) + sizeof(p);
	testing_pad(b, TESTING_CODE_OFF, 0);
	buf_add(b, code->p, code->n);
	testing_pad(b, TESTING_CODE_OFF + 32, (char)0xcc);
	buf_add(b, testing_write, sizeof(testing_write) - 1);
	testing_pad(b, TESTING_CODE_OFF + 96, (char)0xcc);
	table = b->n;
	testing_table(b, magic);
	testing_section(&s[1], 1, SHT_PROGBITS, TESTING_CODE_OFF, 96);
	testing_section(&s[2], 7, SHT_PROGBITS, table, b->n - table);
	testing_section(&s[3], 18, SHT_STRTAB, b->n, sizeof(strings));
	s[1].sh_addr = TESTING_TEXT;
	buf_add(b, strings, sizeof(strings));
	memcpy(b->p, &h, sizeof(h));
	memcpy(b->p + sizeof(h), &p, sizeof(p));
	memcpy(b->p + h.e_shoff, s, sizeof(s));
}
