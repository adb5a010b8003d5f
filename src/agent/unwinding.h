#pragma once
/*
 * Keeps the kernel's unwind tables: which files stacks go through, their tables made and put into
 * the maps, by a thread of its own.
 *
 * A file becomes known by the first stack that ends in it for want of a table (STACK_NO_TABLE): it
 * is queued with the process and mapping it was met in, opened there, and read, the most often
 * missed first. From then on every
 * stack of every process goes through it. A file that has no table (not ELF, not x86-64) is marked
 * so; one whose process was gone before it could be opened is forgotten and asked for again.
 *
 * When blocks, pages or files run out, the longest unused go, at most UNWINDING_EVICT at a time, but
 * none that was in use within UNWINDING_KEEP_NS; then the new file is marked as without a table, and
 * counted. A file that is changed in place keeps its old table: keys are inode numbers.
 *
 * unwinding_seen is for the pipeline's thread; statistics for any.
 */
#include "agent/unwind_maps.h"
#include "base/clock.h"
#include "wire/record.h"
#include "wire/unwind.h"

#define UNWINDING_QUEUE	  256
#define UNWINDING_EVICT	  64
#define UNWINDING_KEEP_NS (10 * NS_PER_SEC)

struct unwinding;

/* What there is now, and what happened since the start. X(name, help) */
#define UNWINDING_STATS(X)                                                   \
	X(files, "files whose tables are in the kernel")                     \
	X(pages, "pages of 64 KiB of code they describe")                    \
	X(blocks, "blocks of rows in the kernel, 64 KiB each")               \
	X(built, "tables made")                                              \
	X(none, "files that have no table")                                  \
	X(gone, "files whose process was gone before they could be opened")  \
	X(failed, "files that could not be read")                            \
	X(queue_full, "times a file was not queued because too many waited") \
	X(evicted, "tables taken out to make room")                          \
	X(full, "files left without a table because all room was in use")    \
	X(resets, "times all tables were taken out because there were too many different rules")

struct unwinding_stats {
#define X(name, help) uint64_t name;
	UNWINDING_STATS(X)
#undef X
};

/* Starts the thread. The maps are borrowed. 0 or -errno. */
int unwinding_start(const struct unwind_map_fds *fds, struct unwinding **ret);

/* Ends it; NULL is fine. Waits for the table that is being made. */
void unwinding_stop(struct unwinding *u);

/* A stack of process @pid came: its @n mappings, and why it ended. */
void unwinding_seen(struct unwinding *u, uint32_t pid, const struct rec_vma *vma, size_t n,
		    enum stack_end end);

void unwinding_stats(struct unwinding *u, struct unwinding_stats *ret);
