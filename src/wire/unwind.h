/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Unwind tables as the kernel programs search them, and stacks as they send them.
 *
 * A table belongs to a file, not to a process: rows are keyed by the offset in the file, so no
 * address of any process stands in them and the kernel needs no load bias. symbol/unwind.h makes
 * rows from .eh_frame and .debug_frame; agent/unwinding.h puts them into the maps.
 *
 *     address -> mapping of the task (read from its mm at that moment) -> file, offset in the file
 *     uw_files   file key -> number of the file, or UW_FILE_FRAMES, UW_FILE_NONE
 *     uw_pages   number, offset >> 16 -> block, first row, rows      (64 KiB of text a page)
 *     uw_rows    block -> UW_BLOCK_ROWS rows, sorted by pc; a page's first row is at or before its
 *                first code
 *     uw_rules   row.rule -> how to find the caller; shared by all files
 *
 * Filled in the order rules, rows, pages, file: a file that is there is there whole. How a rule is
 * applied stands in wire/unwind_step.h, for both sides.
 *
 * x86-64 only. DWARF register numbers: 6 rbp, 7 rsp, 16 the return address.
 */
#include <linux/types.h>

#define UW_PAGE_SHIFT 16
#define UW_BLOCK_ROWS \
	16384	       /* rows of a page never straddle blocks; so this is also a page's most */
#define UW_BLOCKS 1024 /* 64 KiB each, made when needed */
#define UW_RULES  16384
#define UW_FILES  8192
#define UW_PAGES  65536

/* Values of uw_files that are no numbers of files. */
#define UW_FILE_NONE   0xffffffffu /* has no table and gets none: stacks end there */
#define UW_FILE_FRAMES 0xfffffffeu /* has no table; its code keeps frame pointers */

/* From its pc on (the low 16 bits of the offset in the file) up to the next row's, or the page's end. */
struct unwind_row {
	__u16 pc;
	__u16 rule; /* index of a rule: a table's own, or in uw_rules */
};

/* How the canonical frame address (the caller's stack pointer) is made. */
enum unwind_cfa {
	UW_INVALID, /* no function here, or one that cannot be described: the stack ends with a reason */
	UW_STOP,  /* the outermost function (entry stub, thread start): the stack is whole */
	UW_REG,	  /* reg + off */
	UW_DEREF, /* *(reg + off) + add */
	UW_PLT, /* rsp + 8 + ((rip & 15) >= off ? 8 : 0), as the linkage table's expression has it */
	UW_SIGNAL, /* a signal frame: all registers from the ucontext at rsp + off */
	UW_FRAME, /* no table: by frame pointer, CFA = rbp + 16; add 1: maybe on another stack (Go) */
};

/* How the caller's rbp is found. */
enum unwind_rbp {
	UW_RBP_SAME,
	UW_RBP_CFA,   /* at CFA + rbp_off */
	UW_RBP_FRAME, /* at rbp + rbp_off (stack realignment) */
	UW_RBP_UNDEF, /* lost: frames that need it cannot be unwound */
};

/* Where the return address is. */
enum unwind_ra {
	UW_RA_CFA, /* at CFA + ra_off, which is -8 but for odd code */
	UW_RA_REG, /* in the register ra_off (vfork: its return address waits in rdi) */
};

struct unwind_rule {
	__s32 off; /* see enum unwind_cfa; 32 bits: frames of any size fit */
	__s32 add;
	__s32 rbp_off;
	__s32 ra_off;
	__u8 cfa; /* enum unwind_cfa */
	__u8 reg; /* DWARF number; other than 6 and 7 it is known in the innermost frame only */
	__u8 rbp; /* enum unwind_rbp */
	__u8 ra;  /* enum unwind_ra */
};
_Static_assert(sizeof(struct unwind_rule) == 20, "shared with the kernel programs");

/* Which file a mapping is of, as the kernel has it: the inode behind vma->vm_file. */
struct file_key {
	__u64 ino; /* 0: no file (see enum vma_kind in dev) */
	__u32 dev; /* s_dev: major << 20 | minor */
	__u32 gen; /* i_generation: an inode number used again differs in it */
};

/* In dev of a key without a file. */
enum vma_kind {
	VMA_NONE, /* no mapping: a wild address */
	VMA_ANON, /* memory without a file, executable: compiled at run time */
	VMA_VDSO,
};

struct uw_page_key {
	__u32 file; /* value of uw_files; 0 is never used */
	__u32 page; /* offset >> UW_PAGE_SHIFT */
};

struct uw_page {
	__u32 block;
	__u16 first, n;
};

/* A mapping that frames of a stack are in. */
struct rec_vma {
	struct file_key file;
	__u64 start, end; /* addresses */
	__u64 off;	  /* in the file, of start */
};
_Static_assert(sizeof(struct rec_vma) == 40, "stands in captures");

/* Why a user stack ends where it does. */
enum stack_end {
	STACK_WHOLE,	  /* the outermost frame was reached */
	STACK_NONE,	  /* a kernel thread, or user stacks were not asked for */
	STACK_DEEP,	  /* STACK_USER_MAX frames and more to come */
	STACK_NO_MAPPING, /* an address in no mapping */
	STACK_NO_TABLE,	  /* a file whose table is not there (yet) */
	STACK_NO_ROW,	  /* code that its table does not describe */
	STACK_FAULT,	  /* stack memory that could not be read */
	STACK_REGISTER,	  /* needs a register that is not known any more */
	STACK_STUCK,	  /* the stack pointer did not grow */
	STACK_ENDS
};

#define STACK_KERNEL_MAX 127 /* the kernel's own limit (PERF_MAX_STACK_DEPTH) */
#define STACK_USER_MAX	 1024
#define STACK_VMA_MAX	 32
#define UW_SWITCHES	 4 /* of stacks in one walk */

/*
 * A stack in a record's tail, of which struct rec_stack is the head: nkernel addresses, then nuser
 * addresses, u64 each, leaf first; then nvma mappings; with STACK_INTERP a struct rec_interp and its
 * frames (wire/python.h); with STACK_COPY a struct rec_stack_copy and copied bytes. Mappings are those of the user addresses, each once; an address whose mapping is
 * not there is in none, or in one of more than STACK_VMA_MAX.
 *
 * User addresses are return addresses, which belong to the call before them (look up at - 1),
 * except those marked STACK_EXACT: the innermost and those that a signal interrupted. Kernel
 * addresses are as the kernel gives them: the first is exact when the kernel itself was sampled.
 */
struct rec_stack {
	__u16 nkernel, nuser, nvma;
	__u8 end;   /* enum stack_end: of the user part */
	__u8 flags; /* enum stack_flag */
};
_Static_assert(sizeof(struct rec_stack) == 8, "stands in captures");

enum stack_flag {
	STACK_COPY = 1,	  /* the tail has what is needed to walk on in user space */
	STACK_INTERP = 2, /* the tail has frames of an interpreter */
};

#define STACK_EXACT (1ull << 63) /* user addresses have less than 57 bits */

/* The address as it is, and the one to look up by. */
static inline __u64 stack_address(__u64 a)
{
	return a & ~STACK_EXACT;
}

static inline __u64 stack_lookup(__u64 a)
{
	return a & STACK_EXACT ? a & ~STACK_EXACT : a - 1;
}

/* Registers of a frame: what unwinding needs of them. */
struct unwind_regs {
	__u64 ip, sp, bp;
	__u64 reg[16]; /* by DWARF number, only when `exact`; those for rsp and rbp unused */
	__u8 exact;    /* the innermost frame, or one that a signal interrupted */
	__u8 bp_lost;
	__u8 switches; /* of stacks, so far */
	__u8 pad[5];
};
_Static_assert(sizeof(struct unwind_regs) == 160, "stands in captures");

/*
 * Copied when the walk ended at a file that uw_files does not know yet (STACK_NO_TABLE): the stack
 * from a little below the stack pointer on, so that the walk can go on where there is time to read
 * the file. The last of the user addresses is that of @regs.
 */
struct rec_stack_copy {
	struct unwind_regs regs; /* of the frame that could not be unwound */
	__u64 sp;		 /* address of the first byte */
	__u32 len;		 /* bytes that follow; a multiple of 8 */
	__u32 pad;
};
_Static_assert(sizeof(struct rec_stack_copy) == 176, "stands in captures");

#define STACK_COPY_MAX	 12288
#define STACK_COPY_BELOW 128 /* the ABI's red zone */
