#pragma once
/*
 * Go's own function table, .gopclntab, which stays in stripped programs: function, file, line.
 *
 *     magic       Go       what changed
 *     fffffffb    1.2      {pc, offset} of words; all offsets from the table's begin
 *     fffffffa    1.16     names, files and pc tables in blocks of their own
 *     fffffff0    1.18     32-bit offsets from the text's begin
 *     fffffff1    1.20     the same for what is read here
 *
 * Searched in the file, nothing is kept in memory. Little-endian, words of 4 or 8 bytes. Inlined
 * functions are not read here (their tree hangs on the program's moduledata, whose place only the
 * symbol table tells): a frame has the name of the function that was compiled, and the line of the
 * inlined code. Programs that kept their DWARF show inlined functions by that.
 *
 * Limits: GO_STEPS steps of a pc table, as of hostile files. Source: src/debug/gosym/pclntab.go of Go.
 */
#include "symbol/image.h"

#define GO_STEPS 65536
#define GO_NAME	 1024

struct go_table {
	const struct image *im; /* borrowed */
	uint64_t at, end;	/* the section */
	uint32_t magic;
	uint8_t quantum, word;
	uint64_t text, functions, count; /* count: of functions */
	uint64_t names, units, files, pcs;
};

struct go_function {
	char name[GO_NAME], file[GO_NAME]; /* "": unknown */
	uint32_t line;			   /* 0: unknown */
};

/* false: no table, or none of these. */
bool go_open(const struct image *im, struct go_table *ret);
bool go_find(const struct go_table *t, uint64_t vaddr, struct go_function *ret);
