#pragma once
/*
 * Source lines and inlined functions, from a process of its own.
 *
 * Files come from containers and libdw is not made for enemies: one file must not crash, stall or
 * bloat the agent. So a child process does it: it gets the open file with each question, has no
 * capabilities, may make few system calls (seccomp), take LINES_MEMORY bytes and LINES_TIME_MS for
 * an answer. When it dies or is late it is killed, the file is given up for good (-EIO), and the next
 * question starts another. After LINES_IDLE_S seconds without a question it exits, and all its memory
 * with it.
 *
 *     agent                              child
 *       | -- {id, vaddr} + fd ------------> |   keeps the LINES_OPEN last files open
 *       | <- {n} + n frames --------------- |
 *
 * What remains: the child can still read the file it was given and write nonsense into its answers,
 * which are read as untrusted bytes. Blocking: up to LINES_TIME_MS. One thread.
 */
#include "base/arena.h"
#include "symbol/frame.h"

#define LINES_TIME_MS 5000
#define LINES_MEMORY  (256u << 20) /* of data; the file itself is mapped and not counted */
#define LINES_IDLE_S  10
#define LINES_OPEN    4

struct lines;

struct lines_counts {
	uint64_t asked, started;
	uint64_t crashed, late; /* files given up for it */
};

/* Starts nothing yet. 0 or -ENOMEM. */
int lines_new(struct lines **ret);
/* Ends the child too. */
void lines_free(struct lines *d);

/*
 * Frames at @vaddr of the file @fd (borrowed), innermost first, at most @max; @id: a number that is
 * the file's alone. Of a frame only function (as the DWARF has it, mangled), file, line and inlined
 * are set; texts are in @text. How many, 0 when DWARF does not know the address (or there is none),
 * -EIO: the child was lost over this file; do not ask again.
 */
int lines_frames(struct lines *d, uint64_t id, int fd, uint64_t vaddr, struct arena *text,
		 struct frame *ret, size_t max);
/* Takes leave of a child that has exited; call it now and then. */
void lines_tick(struct lines *d);
const struct lines_counts *lines_counts(const struct lines *d);
