#pragma once
/*
 * The child's side of symbol/lines.h: confinement, then questions until the parent goes or is silent.
 *
 * Called right after fork, maybe from a process with threads: everything it runs (malloc, libelf,
 * libdw) is usable there with glibc, whose fork readies malloc's locks.
 */
#include <stdint.h>

struct lines_question {
	uint64_t id, vaddr;
};

#define LINES_ANSWER_MAX 73728 /* {u32 n} and WALK_INLINED frames with their texts */

/* Serves @sock and exits. */
_Noreturn void lines_child(int sock);
