#pragma once
/*
 * A view of an ELF file for symbol lookup: segments, the few sections that hold names, build id.
 *
 * Everything is read with pread at the moment it is needed; nothing is mapped. Files belong to
 * containers, which may cut them while they are looked at: a read then comes short, where a mapping
 * would end the process with SIGBUS. An image may also be a block of memory (.gnu_debugdata, vDSO).
 *
 * Little-endian ELF of 32 and 64 bits, as executables, shared objects and debug files are. Limits:
 * IMAGE_SEGMENTS loadable segments, IMAGE_SECTIONS section headers looked at; what is over them is
 * as if it were not there. Without section headers only the segments and the build id are known.
 *
 * Sources: System V ABI (gabi 4.2), elf(5).
 */
#include "base/str.h"

#define IMAGE_SEGMENTS	   32
#define IMAGE_SECTIONS	   65536
#define IMAGE_BUILD_ID_MAX 64 /* bytes; GNU ld writes 16 or 20 */

/* Where bytes come from. Of a file the fd is the image's; memory is freed with it. */
struct bytes {
	int fd; /* -1: memory */
	uint8_t *p;
	uint64_t n;
};

struct image_segment {
	uint64_t off, vaddr, size; /* size: in the file */
	bool exec;
};

struct image_section {
	uint64_t off, size, vaddr; /* size 0: absent */
	uint64_t entsize;
	uint32_t link; /* index of the string table */
};

struct image {
	struct bytes bytes;
	struct image_segment seg[IMAGE_SEGMENTS];
	unsigned nseg;
	struct image_section symtab, symtab_str, dynsym, dynsym_str;
	struct image_section eh_frame_hdr; /* by its program header */
	struct image_section debugdata, debuglink, pclntab, debug_info, text;
	bool elf64;
	uint16_t type; /* ET_EXEC, ET_DYN */
	uint8_t build_id[IMAGE_BUILD_ID_MAX];
	size_t build_id_n; /* 0: none */
	unsigned notes;	   /* looked at */
};

/* Reads exactly @n bytes at @off; false when they are not (or not all) there. */
bool bytes_read(const struct bytes *b, uint64_t off, void *ret, size_t n);
/* Reads up to @n bytes at @off, but not past @end; how many came. */
size_t bytes_some(const struct bytes *b, uint64_t off, uint64_t end, void *ret, size_t n);
void bytes_free(struct bytes *b);

/*
 * Takes ownership of @fd (a regular file opened for reading; closed also on failure). 0, -ENOEXEC
 * (no ELF of ours), -EIO or the error of fstat.
 */
int image_open(int fd, struct image *ret);

/* The same, but @fd stays the caller's. */
int image_borrow(int fd, struct image *ret);
/* Takes ownership of @p (malloc). 0 or -ENOEXEC. */
int image_memory(uint8_t *p, size_t n, struct image *ret);
void image_close(struct image *im);

/* The virtual address of an offset in the file; code first where segments share a page. */
bool image_vaddr(const struct image *im, uint64_t off, uint64_t *ret);
/* Whether executable segments have that address. */
bool image_is_code(const struct image *im, uint64_t vaddr);
