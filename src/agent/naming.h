#pragma once
/*
 * Names for addresses: from kept stacks (agent/stacks.h) to a profile whose frames people can read.
 *
 * Files are opened when a stack first goes through them, by a thread of its own, while the process
 * that maps them still lives; names are looked up later, all at once. A process that was gone before
 * its file could be opened leaves frames with what is known: nothing but the offset.
 *
 * naming_seen and naming_saw are for the pipeline's thread; naming_profile for any one at a time.
 */
#include "agent/stacks.h"
#include "agg/profile.h"
#include "symbol/symbols.h"

#define NAMING_QUEUE 512   /* files that wait to be opened */
#define NAMING_FILES 16384 /* known; beyond, all are forgotten */
#define NAMING_JITS  256   /* processes with code compiled at run time */

/* What happened since the start. X(name, help) */
#define NAMING_STATS(X)                                                      \
	X(opened, "files opened for their symbols")                          \
	X(gone, "files whose process was gone before they could be opened")  \
	X(queue_full, "times a file was not queued because too many waited") \
	X(jit_maps, "maps of code compiled at run time that were read")      \
	X(kernel_hidden, "times the kernel's addresses could not be read")   \
	X(unnamed, "stacks lost to a lack of memory while they got names")

struct naming_stats {
#define X(name, help) uint64_t name;
	NAMING_STATS(X)
#undef X
};

struct naming;

struct naming_opts {
	bool lines;	      /* source lines and inlined functions too, which takes longer */
	int kallsyms;	      /* /proc/kallsyms, opened while that was allowed; -1: now */
	size_t bytes_max;     /* as symbols_opts */
	unsigned modules_max; /* as symbols_opts */
};

/* Takes kallsyms, also when it fails. 0 or -errno. */
int naming_open(const struct naming_opts *o, struct naming **ret);
int naming_start(bool lines, struct naming **ret);
void naming_stop(struct naming *n);

/* A stack of the process came with frames of an interpreter. */
void naming_interp(struct naming *n, uint32_t pid, uint64_t start_ns, const struct stack *s);

/* A stack of process @pid came through these mappings. */
void naming_seen(struct naming *n, uint32_t pid, const struct rec_vma *vma, size_t nvma);

/*
 * Adds all of @s to @p; series are @p's own numbers; values are taken by the profile's number of types.
 * Waits until files that were seen are open. 0 or -ENOMEM.
 */
int naming_profile(struct naming *n, const struct stacks *s, struct profile *p);

void naming_stats(struct naming *n, struct naming_stats *ret);
