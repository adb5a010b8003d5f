#pragma once
/*
 * Attaching to the functions of one file, as a probe's `libraries` (probe/probe.h) name them: by their symbols, or by
 * the places that somebody finds in a Go program's code.
 */
#include "source/load.h"

/*
 * @find may be NULL: Go programs are left alone. All functions that the file has; links are kept in @p, what was attached
 * before an error too (a return without its entry does nothing).
 *
 * 0; -ENOENT: it lacks the first one, so it is none of the library; -EBADMSG: a Go program that cannot be read;
 * or what the kernel said.
 */
int functions_attach(struct loaded *p, probe_places find, const struct probe_library *lib,
		     const char *path);
