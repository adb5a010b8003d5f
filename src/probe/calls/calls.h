/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * System calls counted in the kernel: how often each process made each call with each result, and
 * what it moved through which descriptor. For rates and errors; single calls are the syscall
 * probe's. Counted at the return of every call of the processes somebody asked for.
 *
 * The two maps are read by the agent, which puts what has changed into the stream as records: totals
 * since the probe began, so a lost record loses nothing once the next one has come.
 */
#include "wire/record.h"

/* In place of an errno: a call that waits for events and found none (it returned 0). */
#define CALLS_NOTHING 4096

struct calls_key {
	__u32 pid;
	__u16 nr;    /* x86-64 number */
	__u16 error; /* errno, 0, or CALLS_NOTHING */
};

struct calls_io_key {
	__u32 pid;
	__s32 fd;
	__u32 writes; /* 1: to the descriptor */
	__u32 pad;
};

/* Totals since the probe began. hdr: the process, tid 0. */
struct rec_calls {
	struct rec_hdr hdr;
	__u64 count;
	__u64 bytes; /* results of the calls that move bytes */
	__u16 nr;
	__u16 error;
	__u32 pad;
};
_Static_assert(sizeof(struct rec_calls) == 88, "rec_calls is stored in captures");

struct rec_calls_io {
	struct rec_hdr hdr;
	__u64 calls, bytes;
	__s32 fd;
	__u32 writes;
	__u32 mode;  /* S_IFMT of the file, when it was first used; 0: not known */
	__u32 flags; /* of the open file: O_APPEND */
};
_Static_assert(sizeof(struct rec_calls_io) == 96, "rec_calls_io is stored in captures");

#define CALLS_ENTRIES	 8192
#define CALLS_IO_ENTRIES 8192
