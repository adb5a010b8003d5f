#pragma once
/*
 * Lines and inlined functions of one file, by libdw. Runs in the process that symbol/lines.h starts,
 * for libdw trusts files more than an agent may: what crashes, loops or eats memory here ends that
 * process only.
 *
 * Our own walks are bounded all the same: WALK_DEPTH levels of DIEs, WALK_DIES of a unit, WALK_FUNCS
 * functions kept in the index, WALK_INLINED frames.
 *
 * A unit is indexed when first asked for: the ranges of its functions, sorted; a lookup then walks
 * one function only. Split DWARF (.dwo) is not followed; of dwz's common files see walk_open.
 */
#include "base/buf.h"

#define WALK_DEPTH   64
#define WALK_DIES    (8u << 20)
#define WALK_FUNCS   (1u << 20)
#define WALK_INLINED 32

struct walk;

/* Borrows @fd until walk_close. 0 or -ENOENT: no DWARF that libdw reads. */
int walk_open(int fd, struct walk **ret);
void walk_close(struct walk *w);

/* What is appended to a reply for each frame, innermost first; then the two texts. */
struct walk_frame {
	uint32_t line;	 /* 0: unknown */
	uint16_t name_n; /* linkage name if there is one */
	uint16_t file_n;
};
#define WALK_TEXT 1024 /* bytes of a text, cut there */

/* Frames at @vaddr appended to @out; how many, 0: DWARF knows nothing of that address. */
unsigned walk_frames(struct walk *w, uint64_t vaddr, struct buf *out);
