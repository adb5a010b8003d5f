#pragma once
/*
 * For tests: ELF images with DWARF 4 made by hand, right or not. Sections are put together by
 * dwarf_image; the entries of the one unit (its header and root are made by dwarf_unit) come from
 * dwarf_u8, dwarf_u32, dwarf_u64 and dwarf_code, with the abbreviations below.
 *
 * References are offsets from the unit's header: the place where an entry will stand is b->n.
 */
#include <dwarf.h>

#include "symbol/unwind_image_test.h"

#define DWARF_CODE 0x3000u

enum dwarf_abbrev {
	ABBREV_UNIT = 1,  /* range, lines */
	ABBREV_FUNCTION,  /* range, name; has children */
	ABBREV_INLINED,	  /* range, origin, line of the call; has children */
	ABBREV_ORIGIN,	  /* a function that is only: origin */
	ABBREV_DECLARED,  /* range, specification; has children */
	ABBREV_SPECIFIED, /* a function that is only: specification */
	ABBREV_BLOCK,	  /* nothing; has children */
	ABBREV_SIBLING,	  /* range, sibling; has children */
	ABBREV_RANGES,	  /* a function of ranges */
};

/* clang-format off */
static const uint8_t dwarf_abbrevs[] = {
	ABBREV_UNIT, DW_TAG_compile_unit, 1, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data8,
		DW_AT_stmt_list, DW_FORM_sec_offset, 0, 0,
	ABBREV_FUNCTION, DW_TAG_subprogram, 1, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data8,
		DW_AT_name, DW_FORM_string, 0, 0,
	ABBREV_INLINED, DW_TAG_inlined_subroutine, 1, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data8,
		DW_AT_abstract_origin, DW_FORM_ref4, DW_AT_call_line, DW_FORM_data4, 0, 0,
	ABBREV_ORIGIN, DW_TAG_subprogram, 0, DW_AT_abstract_origin, DW_FORM_ref4, 0, 0,
	ABBREV_DECLARED, DW_TAG_subprogram, 1, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data8,
		DW_AT_specification, DW_FORM_ref4, 0, 0,
	ABBREV_SPECIFIED, DW_TAG_subprogram, 0, DW_AT_specification, DW_FORM_ref4, 0, 0,
	ABBREV_BLOCK, DW_TAG_lexical_block, 1, 0, 0,
	ABBREV_SIBLING, DW_TAG_subprogram, 1, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data8,
		DW_AT_sibling, DW_FORM_ref4, 0, 0,
	ABBREV_RANGES, DW_TAG_subprogram, 1, DW_AT_ranges, DW_FORM_sec_offset, 0, 0,
	0,
};
/* clang-format on */

struct dwarf_sections {
	struct str abbrev, info, line, ranges, str;
};

static inline void dwarf_u64(struct buf *b, uint64_t v)
{
	image_u64(b, v);
}

static inline void dwarf_u32(struct buf *b, uint64_t v)
{
	image_u32(b, (uint32_t)v);
}

/* Code from @off on, @n bytes: two attributes. */
static inline void dwarf_code(struct buf *b, uint64_t off, uint64_t n)
{
	image_u64(b, IMAGE_ADDR(off));
	image_u64(b, n);
}

/* The header and the root entry, over all code. */
static inline void dwarf_unit(struct buf *b)
{
	image_u32(b, 0); /* dwarf_unit_end */
	buf_add(b, "\4\0\0\0\0\0\x08", 7);
	buf_char(b, ABBREV_UNIT);
	dwarf_code(b, 0, DWARF_CODE);
	image_u32(b, 0);
}

static inline void dwarf_function(struct buf *b, uint64_t off, uint64_t n, const char *name)
{
	buf_char(b, ABBREV_FUNCTION);
	dwarf_code(b, off, n);
	buf_add(b, name, strlen(name) + 1);
}

static inline void dwarf_inlined(struct buf *b, uint64_t off, uint64_t n, uint64_t origin)
{
	buf_char(b, ABBREV_INLINED);
	dwarf_code(b, off, n);
	dwarf_u32(b, origin);
	dwarf_u32(b, 7);
}

/* Ends the root's children; writes the unit's length at @at, where it begins. */
static inline void dwarf_unit_end(struct buf *b, size_t at)
{
	uint32_t n;

	buf_char(b, 0);
	n = (uint32_t)(b->n - at - 4);
	if (!b->failed)
		memcpy(b->p + at, &n, sizeof(n));
}

/* A line table's header, version 4; one file a.c. The program and dwarf_line_end follow. */
static inline void dwarf_line(struct buf *b)
{
	image_u32(b, 0);
	buf_add(b, "\4\0", 2);
	image_u32(b, 6 + 12 + 8 + 1);
	buf_add(b, "\1\1\1\xfb\x0e\x0d", 6);
	buf_add(b, "\0\1\1\1\1\0\0\0\1\0\0\1", 12);
	buf_add(b, "\0a.c\0\0\0\0\0", 9);
	buf_add(b, "\0\x09\x02", 3); /* set address */
	image_u64(b, IMAGE_ADDR(0));
}

static inline void dwarf_line_end(struct buf *b)
{
	uint32_t n;

	buf_add(b, "\2\x80\x60\0\1\1", 6); /* advance pc; end of the sequence */
	n = (uint32_t)b->n - 4;
	if (!b->failed)
		memcpy(b->p, &n, sizeof(n));
}

static inline void dwarf_image(struct buf *b, const struct dwarf_sections *d)
{
	const struct image_section s[] = {
		{ .name = ".debug_abbrev", .bytes = d->abbrev },
		{ .name = ".debug_info", .bytes = d->info },
		{ .name = ".debug_line", .bytes = d->line },
		{ .name = ".debug_ranges", .bytes = d->ranges },
		{ .name = ".debug_str", .bytes = d->str },
	};

	image_make(b, STR_NONE, DWARF_CODE, STR_NONE, s, sizeof(s) / sizeof(s[0]));
}
