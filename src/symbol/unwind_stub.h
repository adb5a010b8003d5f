#pragma once
/*
 * Code that linkers write without call frame information, recognized by its bytes: linkage tables
 * (lld describes none) and the entry stub of C libraries built without. Internal to the unwind
 * tables. Only certain cases: every entry of a table must have the one known form. And code that a
 * generator has put into a program, which keeps frame pointers (V8's builtins in Node and Chromium).
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

/*
 * Whether code that nothing describes begins functions as frame pointers want it: 64 KiB or more of
 * it, with one such beginning in 4 KiB at least. V8's has nearly five; hand-written code of codecs and
 * ciphers, which keeps none, has one in 100 KiB at most.
 */
bool stubs_keep_frames(const struct elf *e, uint64_t start, uint64_t end);

/* 0, also when there are none, or -ENOMEM. */
int stubs_find(const struct elf *e, struct stubs *ret);
