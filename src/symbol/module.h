#pragma once
/*
 * A module: an ELF file that code runs from, and what is known of its functions.
 *
 * From the offset in the file (what the kernel's samples give by the mapping) to frames, innermost
 * first. Functions come from, in this order of trust:
 *
 *     .symtab of the file
 *     or .dynsym, with .symtab of its debug file, else with .gnu_debugdata (xz)
 *     .gopclntab of Go programs comes before those, and has files and lines: symbol/go.h
 *     DWARF, of the file or its debug file, before all: lines and inlined functions: symbol/lines.h
 *
 * Debug files are looked for by build id (/usr/lib/debug/.build-id/xx/yyyy.debug; the build id must
 * agree) and by .gnu_debuglink (beside the file, in .debug/, and below /usr/lib/debug; its CRC must
 * agree), in the container's root first, then in the host's.
 *
 * The file stays open; of its symbols 12 bytes each are in memory (symbol/symtab.h). One thread.
 */
#include "base/arena.h"
#include "symbol/frame.h"

#define MODULE_PATH_MAX	   4096
#define MODULE_NAME_MAX	   1024	       /* bytes of a function's or file's name: cut there */
#define MODULE_SAME_MAX	   (64u << 20) /* bytes of files that are compared */
#define MODULE_INLINED_MAX 32	       /* frames of one address */
#define MODULE_LINES_MS	   30000       /* for all questions about lines together */

struct module;
struct lines;

struct module_opts {
	int root_fd;	     /* the container's root directory; -1: none */
	int host_root_fd;    /* the host's; -1: none */
	struct lines *lines; /* lines and inlined functions; NULL: not wanted. Outlives the module */
};

/* Where a module's functions come from; for people and for tests. */
enum module_source {
	MODULE_SYMTAB = 1,
	MODULE_DYNSYM = 2,
	MODULE_DEBUGDATA = 4,
	MODULE_DEBUGFILE = 8,
	MODULE_GO = 16,
	MODULE_DWARF = 32,
};

/* Why something is missing; zero counters are the rule. */
struct module_counts {
	uint64_t symbols_cut;	  /* over SYMTAB_MAX */
	uint64_t debugdata_wrong; /* .gnu_debugdata that does not unpack, or to too much */
	uint64_t debugfile_wrong; /* a debug file whose build id or CRC disagrees */
	uint64_t names_cut;
	/* 1: its DWARF crashed or stalled its reader, or took MODULE_LINES_MS, and is not used any more */
	uint64_t lines_lost;
	uint64_t text_full; /* frames without names: the caller's arena was full */
};

/*
 * Takes ownership of @fd (closed on failure too). @path is the file's name as its process sees it
 * (copied). 0, -ENOEXEC (not an ELF file of ours), -ENOMEM or the error of fstat.
 */
int module_open(int fd, struct str path, const struct module_opts *o, struct module **ret);
/* The vDSO of this process, which is every process's: path "[vdso]". -ENOENT: there is none. */
int module_vdso(struct module **ret);
/* A file that could not be opened: frames keep its path and the offset. 0 or -ENOMEM. */
int module_unknown(struct str path, struct module **ret);
void module_free(struct module *m);

/*
 * Frames of the code at @off in the file, innermost (inlined) first; at least one, at most @max
 * (> 0). With @returned, @off is a return address and the call before it is meant; the frame's
 * address is then that of the byte before. Strings are in @text or the module's own.
 */
size_t module_frames(struct module *m, uint64_t off, bool returned, struct arena *text,
		     struct frame *ret, size_t max);

/* Whether both have one build id and the same content. */
bool module_same(const struct module *a, const struct module *b);

/* Resident bytes, all told. */
size_t module_bytes(const struct module *m);
unsigned module_sources(const struct module *m); /* enum module_source */
struct str module_path(const struct module *m);
struct str module_build_id(const struct module *m); /* hex; absent: none */
const struct module_counts *module_counts(const struct module *m);
