#pragma once
/*
 * One frame of a stack as people and profile formats see it: what symbols make of an address.
 *
 * Strings are borrowed from whoever made the frame (a module, a table of strings) and say so there.
 * Absent strings are unknown, never guessed: a frame without a function keeps module and address.
 */
#include "base/str.h"

enum frame_kind {
	FRAME_KERNEL,
	FRAME_NATIVE, /* from an ELF file, the vDSO too */
	FRAME_JIT,    /* compiled at run time: perf map, jitdump, or anonymous executable memory */
	FRAME_INTERP, /* a function of an interpreted language (CPython) */
	FRAME_MARK,   /* no code: says why the stack ends here, or what was left out */
	FRAME_KINDS
};

struct frame {
	struct str function; /* demangled, as a person writes it; of FRAME_MARK: the reason */
	struct str linkage;  /* as the symbol table has it; absent when it is the same */
	struct str module;   /* path of the file, "[kernel]", "[vdso]", "[jit]"; absent: unknown */
	struct str build_id; /* hex, lower case */
	struct str file;     /* of the source */
	uint32_t line;	     /* 0: unknown */
	/*
	 * ELF virtual address in the module; of the kernel and JIT: as it ran. Of a frame without a
	 * function it is where its function begins, when that much is known.
	 */
	uint64_t address;
	enum frame_kind kind;
	bool inlined; /* its code stands inside the next (outer) frame's function */
};
