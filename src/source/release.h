#pragma once
/*
 * Letting go of what programs are attached to. For each tracepoint the kernel waits for grace
 * periods, 10 to 80 ms, one after the other: some seconds for all system calls of a set of rules.
 * Who stops porthole has it gone at once: a child that holds the same links, and nothing else,
 * outlives it by that time.
 *
 * While one is let go of, the kernel lets nobody attach to another (event_mutex). The child pauses
 * between them, so that a porthole that starts meanwhile waits for one of them, not for each.
 */
#include "source/load.h"

/*
 * Starts the child. Returns a descriptor that the caller closes when it has closed all of the
 * loader's own, as its end does too: only then the child begins. -1: there is nothing to wait for,
 * or no child could be had, and closing takes its time.
 */
int release_begin(const struct loader *l);
