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
 * none that was in use within UNWINDING_KEEP_NS; then the new file is marked as without a table,
 * counted, and tried again when that time is over and it still is in use. A file that is changed in place keeps its old table: keys are inode numbers.
 *
 * unwinding_seen is for the pipeline's thread; statistics for any.
 */
#include <stdbool.h>

#include "agent/unwind_maps.h"
#include "base/clock.h"
#include "probe/stack.h"
#include "wire/record.h"
#include "wire/unwind.h"

#define UNWINDING_QUEUE	  256
#define UNWINDING_EVICT	  64
#define UNWINDING_PENDING 64 /* samples that wait to be completed, 14 KiB each */
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
	X(finished, "samples completed in user space")                       \
	X(pending_full, "samples left incomplete because too many waited")   \
	X(evicted, "tables taken out to make room")                          \
	X(full, "files left without a table because all room was in use")    \
	X(again, "times such a file was tried again")                        \
	X(resets, "times all tables were taken out because there were too many different rules")

struct unwinding_stats {
#define X(name, help) uint64_t name;
	UNWINDING_STATS(X)
#undef X
};

/*
 * Takes a completed sample back into the stream, on the unwinding's thread. @h is the callee's only
 * during the call.
 */
typedef void (*unwinding_finished)(void *ctx, const struct rec_hdr *h);

/* Starts the thread. The maps are borrowed. 0 or -errno. */
int unwinding_start(const struct unwind_map_fds *fds, unwinding_finished finished, void *ctx,
		    struct unwinding **ret);

/* Another time than UNWINDING_KEEP_NS. */
void unwinding_set_keep(struct unwinding *u, uint64_t ns);

/* Ends it; NULL is fine. Waits for the table that is being made. */
void unwinding_stop(struct unwinding *u);

/*
 * The record @h came, whose stack's head is @stack_at bytes into it, as @s has it. True: it was taken,
 * because its walk will be completed (unwind_finish.h), and comes back through `finished`, at the
 * latest when UNWINDING_PENDING others wait and it is passed on as it is.
 */
bool unwinding_seen(struct unwinding *u, const struct rec_hdr *h, size_t stack_at,
		    const struct stack *s);

void unwinding_stats(struct unwinding *u, struct unwinding_stats *ret);
