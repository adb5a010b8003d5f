#pragma once
/*
 * What unwind tables need of an ELF file: where code is, and the bytes of a few sections. Internal
 * to the unwind tables. Reads with pread, or from an image in memory; copies, never maps. Section
 * headers may be missing or wrong: .eh_frame is then found as a running program finds it, through
 * PT_GNU_EH_FRAME.
 */
#include "base/cur.h"

#define ELF_LOADS_MAX	 64
#define ELF_SECTIONS_MAX 65536
#define ELF_PLTS_MAX	 4

struct elf_load {
	uint64_t vaddr, off, size; /* size: in the file */
	bool exec;
};

/* size 0: absent. */
struct elf_section {
	uint64_t vaddr, off, size;
	bool compressed; /* SHF_COMPRESSED */
	bool gnu_zipped; /* .zdebug_*: "ZLIB" and a size before */
	bool ends;	 /* its size is not known: a terminator ends it */
};

struct elf {
	int fd; /* -1: mem */
	const uint8_t *mem;
	uint64_t size, entry;
	struct elf_load loads[ELF_LOADS_MAX]; /* by offset */
	unsigned nloads;
	uint64_t eh_frame_hdr; /* address, 0: absent */
	struct elf_section eh_frame, debug_frame, plt[ELF_PLTS_MAX];
	unsigned nplt;
	bool go;
};

struct elf_bytes {
	uint8_t *p;
	size_t n;
};

/* Headers of @fd, or of @n bytes at @mem when @fd is -1. Errors as unwind_table_build. */
int elf_open(int fd, const void *mem, size_t n, struct elf *ret);

/* A copy of bytes of the file. -ENODATA: it has fewer; else what pread said, -ENOMEM. */
int elf_copy(const struct elf *e, uint64_t off, size_t n, struct elf_bytes *ret);

/*
 * A copy of a section, decompressed, of at most @max bytes. -EFBIG: it is larger; -EBADMSG: it does
 * not decompress; else as elf_copy.
 */
int elf_section_bytes(const struct elf *e, const struct elf_section *s, size_t max,
		      struct elf_bytes *ret);

/* The offset in the file of code at @vaddr, and how many bytes of its segment follow. */
MUST_CHECK bool elf_code_off(const struct elf *e, uint64_t vaddr, uint64_t *ret_off,
			     uint64_t *ret_left);

void elf_bytes_free(struct elf_bytes *b);
