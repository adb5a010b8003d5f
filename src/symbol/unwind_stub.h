#pragma once
/*
 * Code that linkers write without call frame information, recognized by its bytes: linkage tables
 * (lld describes none) and the entry stub of C libraries built without. Internal to the unwind
 * tables. Only certain cases: every entry of a table must have the one known form.
 */
#include "symbol/unwind.h"
#include "symbol/unwind_elf.h"

#define STUB_ROWS 3
#define STUBS_MAX (ELF_PLTS_MAX + 1)

struct stub {
	uint64_t off, len;	/* in the file */
	uint32_t at[STUB_ROWS]; /* offset of each row from off; 0 but in the first: no more rows */
	struct unwind_rule rule[STUB_ROWS];
};

struct stubs {
	struct stub stubs[STUBS_MAX];
	unsigned n;
};

/* 0, also when there are none, or -ENOMEM. */
int stubs_find(const struct elf *e, struct stubs *ret);
