#pragma once
/*
 * Attaching to the functions of one file, as a probe's `libraries` (probe/probe.h) name them: by their symbols, or by
 * the places that somebody finds in their code (@p->find).
 *
 * A function of C that has both an entry and a return: where cheap places of all its returns are known, plain uprobes
 * at them and at its entry; else a return probe, which is set where the entry is probed, so that both share a
 * breakpoint: at the cheap place, if the return address is still on top of the stack there, else at the first
 * instruction. Where the kernel has no attach cookies (before 5.15), only places that need none.
 */
#include "source/load.h"

/*
 * All functions that the file has; links are kept in @p, what was attached
 * before an error too (a return without its entry does nothing).
 *
 * 0; -ENOENT: it lacks the first one, so it is none of the library; -EBADMSG: a Go program that cannot be read;
 * or what the kernel said.
 */
int functions_attach(struct loaded *p, const struct probe_library *lib, const char *path);
