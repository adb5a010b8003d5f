#pragma once
/*
 * Where the files are that a probe with `libraries` (probe/probe.h) attaches to. A file is found when a process
 * has it mapped executable, through that process's root, so also in containers; each inode once, for all processes
 * of now and later. Processes are looked at: all when the probe is attached, each twice soon after its exec, and
 * a few every second in turn, for what is loaded later. Besides, the usual folders of a root are looked into at exec, so that
 * the first process of a library is not missed.
 *
 * Go programs have no library: the executable of a process is looked at itself, when the process is, and at once at
 * its exec; each file once, while its place among those seen is not taken by another.
 *
 * Bounded: LIBRARIES_MAX files, LIBRARY_QUEUE processes that wait (the turn gets the others). For the thread that loads.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LIBRARIES_MAX 64
#define LIBRARY_SEEN  1024 /* inodes remembered, also those that are none */
#define LIBRARY_QUEUE 1024
#define PROGRAMS_SEEN 4096 /* executables remembered; a power of two */
#define LIBRARY_TURN  16   /* processes a second */

struct probe_library;

struct library_stats {
	uint64_t attached;
	uint64_t failed; /* the kernel refused */
	uint64_t none;	 /* files of such a name without the functions */
	uint64_t unread; /* Go programs whose code is not what probes are put on */
	uint64_t full;	 /* not attached: there are LIBRARIES_MAX, or LIBRARY_SEEN */
	uint64_t gone;	 /* mapped, but no longer to be opened by that name */
	uint64_t waits;	 /* processes that found the queue full */
};

/* Attaches to the file at @path. 0; -ENOENT: none of the library; -EBADMSG: one that cannot be read; or -errno. */
typedef int (*library_attach)(void *ctx, const struct probe_library *l, const char *path);

struct libraries;

/* @list is borrowed. 0 or -ENOMEM. */
int libraries_new(const struct probe_library *list, library_attach attach, void *ctx,
		  struct libraries **ret);
void libraries_free(struct libraries *l);

/* Looks at all processes. */
void libraries_all(struct libraries *l);

/* A process has begun to run a program. */
void libraries_exec(struct libraries *l, pid_t pid);

/* To be called often; costs next to nothing when nothing is due. */
void libraries_tick(struct libraries *l);

const struct library_stats *libraries_stats(const struct libraries *l);
