#pragma once
/*
 * The cache of modules and of what was looked up in them: bounded, least recently used goes first.
 *
 * A module is known by its file as the kernel has it (struct symbols_file). Files that are the same
 * by build id and, byte for byte, by content (up to MODULE_SAME_MAX) share one module: an image pulled
 * twice. The build id alone does not do: a container could give its file that of another's libc.
 *
 * Use: symbols_frames; on -ENOENT open the file, symbols_add (or symbols_add_unknown when it cannot
 * be opened, so that it is not tried again), and ask again. One thread, of the caller's choice:
 * opening a large file takes tens of milliseconds, so not the pipeline's.
 */
#include "symbol/lines.h"
#include "symbol/module.h"

#define SYMBOLS_BYTES	(32u << 20) /* resident, modules and results; unless opts say other */
#define SYMBOLS_MODULES 256	    /* each keeps up to two files open */
#define SYMBOLS_FILES	4096	    /* that share the modules */
#define SYMBOLS_IDLE_S	900	    /* a module not asked for so long is closed */
#define SYMBOLS_RESULTS (4u << 20)  /* bytes of results, part of the above */

/* The file behind a mapping: struct file_key of wire/unwind.h, which this room does not include. */
struct symbols_file {
	uint64_t ino;
	uint32_t dev, gen;
};

struct symbols_opts {
	size_t bytes_max;     /* 0: SYMBOLS_BYTES */
	unsigned modules_max; /* 0: SYMBOLS_MODULES */
	int host_root_fd;     /* for debug files; borrowed; -1: none */
	bool lines;	      /* source lines and inlined functions from DWARF */
};

struct symbols_counts {
	uint64_t hits, misses;	  /* of results */
	uint64_t opened, shared;  /* modules; files that share one */
	uint64_t unknown;	  /* files that could not be opened or are no ELF */
	uint64_t evicted;	  /* modules dropped for room */
	uint64_t results_dropped; /* times all results were dropped for room */
};

struct symbols;

/* 0 or -ENOMEM. */
int symbols_open(const struct symbols_opts *o, struct symbols **ret);
void symbols_free(struct symbols *s);

/*
 * Takes ownership of @fd. @path as module_open; @root_fd: the root directory of a process that has
 * it, for debug files (borrowed during the call; -1: none). 0 or -ENOMEM. What is no ELF file is
 * there as unknown after it.
 */
int symbols_add(struct symbols *s, const struct symbols_file *file, int fd, struct str path,
		int root_fd);
int symbols_add_unknown(struct symbols *s, const struct symbols_file *file, struct str path);
/* The vDSO; @file: the key by which it will be asked for (ino 0). */
int symbols_add_vdso(struct symbols *s, const struct symbols_file *file);

/*
 * Frames of code at @off in @file, as module_frames. The number of frames, innermost first, or
 * -ENOENT: the file is not in the cache. Frames and strings are valid until the next call on @s.
 */
int symbols_frames(struct symbols *s, const struct symbols_file *file, uint64_t off, bool returned,
		   const struct frame **ret);

/* Resident bytes now. Also closes what was not used for a while: call it every few seconds. */
size_t symbols_tick(struct symbols *s, uint64_t now_ns);
const struct symbols_counts *symbols_counts(const struct symbols *s);
/* Counters of all modules there are and were. */
struct module_counts symbols_module_counts(const struct symbols *s);
/* NULL: lines were not asked for. */
const struct lines_counts *symbols_lines_counts(const struct symbols *s);
