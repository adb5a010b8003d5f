#pragma once
/*
 * jit-PID.dump: code that a JIT compiler loaded, moved and (maybe) has source lines for.
 *
 *     header   u32 magic "JiTD", version, total_size, elf_mach, pad, pid; u64 timestamp, flags
 *     record   u32 id, total_size; u64 timestamp; body:
 *       0 load     u32 pid, tid; u64 vma, code_addr, code_size, code_index; name NUL; code
 *       1 move     u32 pid, tid; u64 vma, old_code_addr, new_code_addr, code_size, code_index
 *       2 lines    u64 code_addr, n; n times: u64 addr; u32 line, discrim; file NUL ("\xff" NUL: as
 *                  the one before). Stands before the load it is about.
 *
 * Code itself and unwinding records are skipped, unread. Only this machine's byte order. Records are
 * applied in the order of the file; where code overlaps, the later wins. The file is the process's
 * own and may hold anything; what does not fit the shape ends the reading for good (counted).
 *
 * Limits: JITDUMP_RECORDS records, RANGES_MAX loads and moves, JITDUMP_TEXT bytes of names,
 * JITDUMP_LINES line entries. One thread.
 * Source: tools/perf/Documentation/jitdump-specification.txt of the kernel.
 */
#include "symbol/frame.h"

#define JITDUMP_RECORDS (1u << 20)
#define JITDUMP_TEXT	(16u << 20)
#define JITDUMP_LINES	(512u << 10)
#define JITDUMP_MOVES	1024 /* each looks through the loads before it */
#define JITDUMP_NAME	512

struct jitdump_counts {
	uint64_t records, loads, moves, lines;
	uint64_t dropped; /* over a limit */
	uint64_t wrong;	  /* 1: the file ceased to make sense */
};

struct jitdump;

/* 0 or -ENOMEM. Empty until jitdump_update. */
int jitdump_new(struct jitdump **ret);
void jitdump_free(struct jitdump *j);
/* Reads the records appended to @fd (borrowed) since the last call. 0, -ENOMEM, -EBADMSG: no jitdump. */
int jitdump_update(struct jitdump *j, int fd);
/* The frame of @addr (FRAME_JIT, module "[jit]"), false: not in it. Strings: until the next update. */
bool jitdump_find(const struct jitdump *j, uint64_t addr, struct frame *ret);
const struct jitdump_counts *jitdump_counts(const struct jitdump *j);
size_t jitdump_bytes(const struct jitdump *j);
