#pragma once
/*
 * Function symbols of a module as one sorted array: 12 bytes a symbol, names stay in the file.
 *
 *     struct symtab_row { u32 addr; u32 size; u32 name; }     addr from the lowest segment on
 *                              '-- its two high bits: which of the images has the name
 *
 * A name is read from the file when a lookup lands on its symbol: few of a table's symbols are ever
 * hot, so this costs a page-cache read each and no memory. Several images may contribute (dynsym of
 * the file, symtab of its debug file, .gnu_debugdata); their addresses are those of the module.
 *
 * Limits: SYMTAB_MAX symbols a module, SYMTAB_IMAGES images, addresses within 4 GiB of the lowest;
 * what is left out is counted in `cut`. One thread.
 */
#include "symbol/image.h"

#define SYMTAB_MAX    (2u << 20) /* 24 MiB */
#define SYMTAB_IMAGES 3
#define SYMTAB_NAME   1024 /* longer names are cut there */

struct symtab_row {
	uint32_t addr, size, name;
};

struct symtab {
	struct symtab_row *row;
	size_t n, cap;
	uint64_t base;
	uint64_t cut;		  /* symbols left out because of a limit */
	const struct image *code; /* whose segments say what is code */
	struct {
		const struct bytes *bytes;
		uint64_t off, size; /* of the string table */
	} names[SYMTAB_IMAGES];
	unsigned nnames;
};

/* @code must outlive the table. */
void symtab_init(struct symtab *t, const struct image *code);
/*
 * Adds the functions of @symbols (a section of @im, with its strings), which must outlive the
 * table. 0 (also when there are none), -ENOMEM, -ENOSPC (more than SYMTAB_IMAGES).
 */
int symtab_add(struct symtab *t, const struct image *im, const struct image_section *symbols,
	       const struct image_section *strings);
/* After the last symtab_add; gives back memory that is not needed. */
void symtab_sort(struct symtab *t);
void symtab_free(struct symtab *t);

/*
 * The function at @vaddr: its name (NUL-terminated, at most SYMTAB_NAME bytes with the NUL) and
 * where it begins. false when no symbol covers it. A symbol without a size reaches to the next.
 */
bool symtab_find(const struct symtab *t, uint64_t vaddr, char ret_name[SYMTAB_NAME],
		 uint64_t *ret_start);
