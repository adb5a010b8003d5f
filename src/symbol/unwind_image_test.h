#pragma once
/*
 * For tests: ELF images with code and call frame information made by hand.
 *
 *     off 0        headers
 *     off 0x1000   code, at address 0x401000, as many bytes as asked for (zeros)
 *     behind it    .eh_frame_hdr (8 bytes), .eh_frame, other sections, names, section headers
 *
 * Addresses in the entries are absolute, 8 bytes. Data alignment is -8, code alignment 1.
 */
#include <elf.h>

#include "base/buf.h"

#define IMAGE_CODE	0x1000u
#define IMAGE_BASE	0x400000u
#define IMAGE_ADDR(off) ((uint64_t)IMAGE_BASE + IMAGE_CODE + (off))

struct image_section {
	const char *name;
	struct str bytes;
	uint64_t flags;
	uint64_t at; /* not 0: no bytes of its own, but @size bytes of code at this offset of the file */
	uint64_t size;
};

static inline void image_u32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof(v));
}

static inline void image_u64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, sizeof(v));
}

/* A common entry; the initial program is rsp + 8, return address at CFA - 8. Returns its offset. */
static inline uint32_t image_cie(struct buf *b, const char *letters, bool debug)
{
	static const uint8_t initial[] = { 0x0c, 7, 8, 0x90, 1 };
	uint32_t at = (uint32_t)b->n;
	size_t n = strlen(letters) + 1;

	image_u32(b, (uint32_t)(4 + 1 + n + 3 + (letters[0] == 'z' ? 2 : 0) + sizeof(initial)));
	image_u32(b, debug ? UINT32_MAX : 0);
	buf_char(b, 1);
	buf_add(b, letters, n);
	buf_add(b, "\x01\x78\x10", 3);
	if (letters[0] == 'z')
		buf_add(b, "\x01\x04", 2); /* R: absolute, 8 bytes */
	buf_add(b, initial, sizeof(initial));
	return at;
}

static inline void image_fde(struct buf *b, uint32_t cie, bool debug, uint64_t start, uint64_t len,
			     struct str program)
{
	uint32_t at = (uint32_t)b->n;

	image_u32(b, (uint32_t)(4 + 16 + (debug ? 0 : 1) + program.n));
	image_u32(b, debug ? cie : at + 4 - cie);
	image_u64(b, start);
	image_u64(b, len);
	if (!debug)
		buf_char(b, 0);
	buf_str(b, program);
}

static inline void image_sections(struct buf *b, const struct image_section *s, unsigned n)
{
	Elf64_Shdr h[8] = { { 0 } };
	Elf64_Ehdr *e;
	struct buf names = { 0 };

	buf_char(&names, 0);
	for (unsigned i = 0; i < n; i++) {
		h[i + 1] = (Elf64_Shdr){ .sh_name = (uint32_t)names.n,
					 .sh_type = SHT_PROGBITS,
					 .sh_flags = s[i].flags,
					 .sh_addr = s[i].at ? IMAGE_BASE + s[i].at : 0,
					 .sh_offset = s[i].at ? s[i].at : b->n,
					 .sh_size = s[i].at ? s[i].size : s[i].bytes.n };
		buf_add(&names, s[i].name, strlen(s[i].name) + 1);
		buf_str(b, s[i].bytes);
	}
	h[n + 1] = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_offset = b->n, .sh_size = names.n };
	buf_str(b, buf_slice(&names));
	buf_free(&names);
	while (b->n % 8)
		buf_char(b, 0);
	e = (Elf64_Ehdr *)b->p;
	e->e_shoff = b->n;
	e->e_shnum = (uint16_t)(n + 2);
	e->e_shstrndx = (uint16_t)(n + 1);
	buf_add(b, h, (n + 2) * sizeof(h[0]));
}

/* At most 6 sections; @eh may be absent, @code shorter than @code_n. */
static inline void image_make(struct buf *b, struct str code, size_t code_n, struct str eh,
			      const struct image_section *s, unsigned n)
{
	uint64_t hdr = IMAGE_CODE + code_n;
	Elf64_Ehdr e = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			 .e_type = ET_DYN,
			 .e_machine = EM_X86_64,
			 .e_entry = IMAGE_ADDR(0),
			 .e_phoff = sizeof(e),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = eh.p ? 3 : 1,
			 .e_shentsize = sizeof(Elf64_Shdr) };
	Elf64_Phdr p[3] = {
		{ PT_LOAD, PF_R | PF_X, IMAGE_CODE, IMAGE_ADDR(0), 0, code_n, code_n, 0x1000 },
		{ PT_LOAD, PF_R, hdr, IMAGE_BASE + hdr, 0, 8 + eh.n, 8 + eh.n, 0x1000 },
		{ PT_GNU_EH_FRAME, PF_R, hdr, IMAGE_BASE + hdr, 0, 8, 8, 4 },
	};

	buf_add(b, &e, sizeof(e));
	buf_add(b, p, sizeof(p));
	while (b->n < IMAGE_CODE)
		buf_char(b, 0);
	buf_str(b, code);
	while (b->n < hdr)
		buf_char(b, 0);
	if (eh.p) {
		buf_add(b, "\x01\x1b\xff\xff\x04\0\0\0", 8);
		buf_str(b, eh);
	}
	if (n)
		image_sections(b, s, n);
}
