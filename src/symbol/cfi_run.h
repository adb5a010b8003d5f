#pragma once
/*
 * Between cfi.c, which finds entries, and cfi_run.c, which runs their instructions. Not for others.
 */
#include "symbol/cfi.h"

/* Runs the program of a common entry into its initial state. False: an instruction is bad. */
bool cfi_initial(struct cfi *s, struct cfi_cie *cie);

/* See cfi_rows. */
enum cfi_end cfi_program(struct cfi *s, const struct cfi_cie *cie, const struct cfi_fde *fde,
			 struct cur program, cfi_row_fn *row, void *data, uint64_t *ret_bad);

/* An encoded address (DW_EH_PE_*) at @c, a cursor into the section. */
MUST_CHECK bool cfi_address(const struct cfi *s, struct cur *c, uint8_t encoding, uint64_t *ret);
