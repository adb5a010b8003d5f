#pragma once
/*
 * Tells the kernel which files hold a CPython interpreter (wire/python.h): looks once at each file that
 * stacks go through, by a thread of its own.
 *
 * A file is found by the first stacks that pass through it; from then on the samples of all processes
 * that map it have Python frames. PY_FILES interpreters at most; a further one takes the place of the
 * one longest there.
 *
 * python_files_seen is for the pipeline's thread; statistics for any.
 */
#include "probe/stack.h"

#define PYTHON_FILES_QUEUE 256
#define PYTHON_FILES_KNOWN 16384 /* files looked at; beyond, all are looked at again */

/* What happened since the start. X(name, help) */
#define PYTHON_FILES_STATS(X)                                                \
	X(found, "files with a CPython interpreter whose frames are read")   \
	X(unknown, "files with one of a version or build that is not known") \
	X(gone, "files whose process was gone before they were looked at")   \
	X(queue_full, "times a file was not queued because too many waited") \
	X(failed, "interpreters that the kernel's maps did not take")

struct python_files_stats {
#define X(name, help) uint64_t name;
	PYTHON_FILES_STATS(X)
#undef X
};

struct python_files;

/* @files_fd, @layouts_fd: the maps py_files and py_layouts, borrowed. 0 or -errno. */
int python_files_start(int files_fd, int layouts_fd, struct python_files **ret);
/* NULL is fine. */
void python_files_stop(struct python_files *p);

/* A stack of process @pid. */
void python_files_seen(struct python_files *p, uint32_t pid, const struct stack *s);

void python_files_stats(struct python_files *p, struct python_files_stats *ret);
