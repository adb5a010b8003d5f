#pragma once
/*
 * Code that was compiled at run time, by process: its perf map (/tmp/perf-PID.map, PID as the process
 * itself has it) and its jitdump (a file jit-PID.dump that it maps). Opened while the process lives,
 * read when names are wanted. At most @max processes; the oldest goes. One thread at a time.
 */
#include "symbol/frame.h"

struct jits;

int jits_new(size_t max, struct jits **ret);
void jits_free(struct jits *j);

/* Process @pid runs such code: its files are opened, again if they were not there before. */
void jits_open(struct jits *j, uint32_t pid);

/* Reads what was appended to all files; returns how many there are. */
size_t jits_update(struct jits *j);

/* The frame of @address; false: no file tells. Strings: until the next update. */
bool jits_find(const struct jits *j, uint32_t pid, uint64_t address, struct frame *ret);
