#pragma once
/*
 * Call frame information: the entries of .eh_frame and .debug_frame, and the machine whose
 * instructions they hold. Only what unwinding x86-64 needs is kept: the rules for the canonical
 * frame address (CFA), rbp, rsp and the return address.
 *
 * In: the bytes of one section, untrusted, borrowed for as long as the struct cfi lives (states
 * point to expressions in them). Out: functions (cfi_next), then the rows of each (cfi_rows).
 * Work is bounded: all instructions of one section together, also those of common entries that
 * many functions share, are at most CFI_WORK times its bytes.
 *
 * Sources: DWARF 5 section 6.4 and 7.24; LSB core 5.0 section 10.6 for .eh_frame.
 */
#include "base/cur.h"

#define CFI_WORK      16
#define CFI_REMEMBERS 16  /* depth of DW_CFA_remember_state; compilers use 1 or 2 */
#define CFI_CIES      256 /* common entries kept; more are read again when needed */

enum cfi_how {
	CFI_UNSET,
	CFI_SAME,
	CFI_UNDEFINED,
	CFI_OFFSET,	/* saved at CFA + v */
	CFI_VAL_OFFSET, /* is CFA + v */
	CFI_REGISTER,	/* in register v */
	CFI_EXPR,	/* saved where the expression says */
	CFI_VAL_EXPR,	/* is what the expression says */
};

struct cfi_reg {
	enum cfi_how how;
	int64_t v;
	struct cur expr;
};

enum cfi_slot {
	CFI_RBP,
	CFI_RSP,
	CFI_RA,
	CFI_SLOTS
};

struct cfi_state {
	enum {
		CFI_CFA_UNSET,
		CFI_CFA_REG,
		CFI_CFA_EXPR
	} cfa;
	uint64_t reg; /* DWARF number; both stay when an expression takes their place */
	int64_t off;
	struct cur expr;
	struct cfi_reg regs[CFI_SLOTS];
};

struct cfi_cie {
	uint32_t off; /* of the entry in the section */
	bool read, ok;
	bool sized; /* 'z': functions have an augmentation with its length */
	bool signal;
	uint8_t encoding; /* of addresses in its functions, DW_EH_PE_* */
	uint8_t segment;  /* bytes of segment selector before an address */
	uint64_t code_align, ra;
	int64_t data_align;
	struct cur program;
	struct cfi_state initial;
};

struct cfi {
	/* Set by the caller. */
	struct cur data;   /* the whole section; less than 4 GiB */
	uint64_t vaddr;	   /* address of its first byte */
	uint64_t data_rel; /* what DW_EH_PE_datarel counts from: .eh_frame_hdr */
	bool debug;	   /* .debug_frame, not .eh_frame */
	bool ends;	   /* a terminator ends it (its size is not known) */
	/* Zero at first. */
	size_t next;   /* offset of the entry that cfi_next reads */
	uint64_t work; /* instructions run */
	uint64_t cies, bad_cies, bad_fdes;
	struct cfi_cie cache[CFI_CIES];
};

struct cfi_fde {
	uint32_t off;	     /* of the entry in the section */
	uint64_t start, len; /* addresses */
};

enum cfi_end {
	CFI_OK,
	CFI_BAD,
	CFI_TIRED
};

/*
 * The next function: CFI_OK. CFI_TIRED at the section's end. CFI_BAD: an entry whose length leads
 * out of the section, so that nothing behind it can be read. Entries that cannot be read but can
 * be passed are counted in bad_cies (of functions whose common entry is bad) and bad_fdes.
 */
enum cfi_end cfi_next(struct cfi *c, struct cfi_fde *ret);

/*
 * A row: from @at bytes into the function on @st holds. Rows come in ascending order; of several at
 * the same place the last counts.
 */
typedef void cfi_row_fn(void *data, uint64_t at, const struct cfi_state *st,
			const struct cfi_cie *cie);

/*
 * The rows of the function whose entry is at @off, as cfi_next of the same section gave it; all are
 * within its range. CFI_BAD: something that cannot be read, *ret_bad bytes into the function, from
 * where on nothing is known; CFI_TIRED: the same because the bound of work is reached.
 */
enum cfi_end cfi_rows(struct cfi *c, uint32_t off, cfi_row_fn *row, void *data, uint64_t *ret_bad);

/* ULEB128 and SLEB128 of at most 64 bits. */
MUST_CHECK bool cfi_uleb(struct cur *c, uint64_t *ret);
MUST_CHECK bool cfi_sleb(struct cur *c, int64_t *ret);
