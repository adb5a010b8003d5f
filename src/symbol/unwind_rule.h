#pragma once
/*
 * From what the call frame information says of one row to a rule that the kernel can follow.
 * What it cannot follow becomes UW_INVALID and counts by reason. Internal to the unwind tables.
 */
#include "symbol/cfi.h"
#include "symbol/unwind.h"

struct unwind_rule unwind_rule_of(const struct cfi_state *st, const struct cfi_cie *cie,
				  uint64_t counts[UNWIND_COUNTERS_N]);

/* What Go and programs without call frame information are taken to keep. @go: as UW_FRAME's add. */
struct unwind_rule unwind_rule_frame(bool go);
/* CFA = rsp + off, rbp untouched. */
struct unwind_rule unwind_rule_rsp(int32_t off);
/* The entries of a linkage table, which have pushed their index from byte @pushed of 16 on. */
struct unwind_rule unwind_rule_plt(int32_t pushed);
