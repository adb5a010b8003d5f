#pragma once
/*
 * Unwind tables: from the call frame information of an ELF file (.eh_frame, .debug_frame) to rows
 * that a kernel program can search, in the shapes of wire/unwind.h.
 *
 * In: a file descriptor, or the image of the vDSO in our own memory. x86-64, ET_EXEC and ET_DYN.
 * Out: one table, keyed by offset in the file, owned by the caller. A row holds up to the next row
 * of its page or the page's end; what is in force at a page's start is repeated there, so a page
 * is complete in itself. Pages without a row are left out: nothing in them can be unwound.
 *
 * Files are hostile: bytes are copied out with pread (a file that is cut while it is read must not
 * end us with SIGBUS, as a mapping would), every size and loop has a bound below, and what is not
 * described becomes UW_INVALID and is counted by reason. Memory while building: the section (at
 * most UNWIND_SECTION_MAX), 16 bytes a function, the table.
 *
 * .eh_frame comes before .debug_frame (which fills what it leaves open), both before what is made
 * up: linkage tables whose every entry has the known form, the entry stub. In Go programs, and in
 * files without any call frame information, all other code is UW_FRAME; so are long stretches that
 * begin functions as frame pointers want it (V8's builtins). All else is UW_INVALID, but gaps of up
 * to UNWIND_GAP_JOINED bytes (padding) belong to the function before.
 *
 * No state, any thread. Sources: DWARF 5 section 6.4, LSB core 10.6 (.eh_frame), x86-64 psABI 3.7.
 */
#include <stddef.h>
#include <stdint.h>

#include "wire/unwind.h"

#define UNWIND_SECTION_MAX (48u << 20) /* bytes of .eh_frame, or of .debug_frame uncompressed */
#define UNWIND_FDES_MAX	   (1u << 21)
#define UNWIND_ROWS_MAX	   (1u << 23)
#define UNWIND_GAP_JOINED  15

/* What was seen and what was lost. X(name, help) */
/* clang-format off */
#define UNWIND_COUNTERS(X)                                                                \
	X(cies,          "common entries read")                                           \
	X(fdes,          "functions described")                                           \
	X(rows_read,     "rows that the call frame information has")                      \
	X(rows_merged,   "rows left out: the row before has the same rule")               \
	X(gaps,          "gaps between functions, marked as not described")               \
	X(gaps_joined,   "gaps of a few bytes, joined to the function before")            \
	X(plt_made,      "linkage tables without description, recognized by their code")  \
	X(entry_made,    "entry stubs without description, recognized by their code")     \
	X(frames_made,   "stretches of code without description that keep frame pointers, recognized by their code") \
	X(duplicates,    "functions described twice: the first is kept")                  \
	X(overlaps,      "functions cut where the next begins")                           \
	X(outside,       "functions outside the executable segments (removed by the linker)") \
	X(empty,         "functions of no bytes")                                         \
	X(lost_cie,      "functions whose common entry cannot be read")                   \
	X(lost_fde,      "function entries that cannot be read")                          \
	X(lost_rest,     "sections with an entry that cannot be passed: the rest is not read") \
	X(lost_op,       "functions with an instruction that cannot be read: not described from there") \
	X(lost_work,     "functions not read: too many instructions in all")              \
	X(lost_fdes,     "functions beyond the most a table can have")                    \
	X(lost_section,  "sections that are too large or cannot be read")                 \
	X(cfa_expr,      "rows not described: expression for the frame address")          \
	X(cfa_reg,       "rows not described: register for the frame address")            \
	X(cfa_far,       "rows not described: an offset of more than 32 bits")            \
	X(ra_odd,        "rows not described: rule for the return address")               \
	X(rsp_odd,       "rows not described: rule for the stack pointer")                \
	X(signal_odd,    "rows not described: signal frame of another form")              \
	X(rbp_lost,      "rows without the caller's rbp: rule of another form")           \
	X(rules_full,    "rows not described: too many different rules")                  \
	X(page_full,     "rows dropped: their page was full, its rest is not described")  \
	X(rows_full,     "rows dropped: the table was full, its rest is not described")
/* clang-format on */

#define UNWIND_COUNTER_ENUM(name, help) UNWIND_N_##name,
enum unwind_counter {
	UNWIND_COUNTERS(UNWIND_COUNTER_ENUM) UNWIND_COUNTERS_N
};
#undef UNWIND_COUNTER_ENUM

struct unwind_counter_name {
	const char *name, *help;
};
extern const struct unwind_counter_name unwind_counter_names[UNWIND_COUNTERS_N];

enum unwind_flags {
	UNWIND_NO_CFI = 1, /* nothing describes this file: all its code is UW_FRAME, a guess */
	UNWIND_GO = 2, /* a Go program: what C's tables do not cover is UW_FRAME, which Go keeps to */
};

struct unwind_page {
	uint32_t page;	/* offset in the file >> UW_PAGE_SHIFT */
	uint32_t first; /* index in rows */
	uint32_t n;	/* 1..UW_BLOCK_ROWS */
};

struct unwind_table {
	struct unwind_page *pages; /* ascending */
	struct unwind_row *rows;   /* of each page ascending by pc; rule is an index in rules */
	struct unwind_rule *rules; /* distinct; rules[0] is UW_INVALID, all else zero */
	uint32_t npages, nrows, nrules;
	uint32_t flags; /* enum unwind_flags */
	uint64_t counts[UNWIND_COUNTERS_N];
};

/*
 * The table of the ELF file @fd, which is read with pread and stays open. @debug_fd: a separate
 * file with the debug information of the same file, of which .debug_frame is read, or -1; one that
 * cannot be read counts as lost_section.
 *
 * -ENOEXEC: not ELF, or headers that cannot be right; -EOPNOTSUPP: not a 64-bit x86 program or
 * library; -ENOMEM; else what pread or fstat said.
 */
int unwind_table_build(int fd, int debug_fd, struct unwind_table **ret);

/* The same of an ELF image in memory, of which @n bytes can be read. Offsets are those in the image. */
int unwind_table_image(const void *image, size_t n, struct unwind_table **ret);

/* The vDSO's, from this process's own. -ENOENT: the kernel gave us none. */
int unwind_table_vdso(struct unwind_table **ret);

void unwind_table_free(struct unwind_table *t);

/*
 * The rule in force at the offset @off in the file, by the same search as the kernel's, or NULL
 * where no row is. Also UW_INVALID is a rule. Borrowed from the table.
 */
const struct unwind_rule *unwind_table_find(const struct unwind_table *t, uint64_t off);

static inline void unwind_table_freep(struct unwind_table **t)
{
	unwind_table_free(*t);
}
