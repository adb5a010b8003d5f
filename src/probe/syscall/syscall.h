/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * One probe for all system calls that become events. User space compiles its table of calls
 * (table.c) into `struct sys_row`s, one per number, which are read-only data of the program: the
 * kernel side knows classes of arguments, not calls.
 *
 * Records are made when the call returns: one hook instead of two, the result is known, and the
 * pages of the arguments are present. A program that changes its path string from another thread
 * during the call can make the record show the new one.
 */
#include "wire/record.h"
#include "wire/sock.h"

#define SYS_ROWS 512
#define SYS_ARGS 6
#define ARG_NONE 0xff
#define ARG_RET	 0xfe /* the descriptor is the call's result */

enum sys_flag {
	SYS_FAILED = 1, /* only when the call failed */
	SYS_ENTER = 2,	/* the descriptor is looked up at entry: it is gone at return */
	SYS_MAIN1 = 4,	/* the event is about the second path, not the first */
};

struct sys_row {
	__u8 used;
	__u8 kind;    /* enum kind_id */
	__u8 flags;   /* enum sys_flag */
	__u8 fd;      /* argument that is the descriptor the event is about, ARG_RET or ARG_NONE */
	__u8 path[2]; /* arguments that are path strings */
	__u8 dir[2];  /* arguments that are their directories; ARG_NONE: the working directory */
	__u8 addr;    /* argument that is a socket address, its length in the next one */
	__u8 pad[7];
};
_Static_assert(sizeof(struct sys_row) == 16, "sys_row is shared with the kernel program");

enum sys_piece {
	SYS_PATH0,
	SYS_PATH1,
	SYS_BASE0, /* walk of the directory a relative path starts from; leaf first */
	SYS_BASE1,
	SYS_FILE, /* walk of the descriptor's file, or a unix socket's name */
	SYS_ADDR, /* socket address as the program gave it */
	SYS_PIECES
};

struct rec_syscall {
	struct rec_hdr hdr;
	__u64 args[SYS_ARGS];
	__s64 ret;
	struct rec_sock sock; /* family 0: the descriptor is no socket */
	struct rec_str piece[SYS_PIECES];
	__u16 nr;    /* x86-64 number */
	__u16 cut;   /* REC_CUT(enum sys_piece) */
	__u16 fault; /* REC_CUT(enum sys_piece): could not be read */
	__u16 pad;
	char tail[];
};
_Static_assert(sizeof(struct rec_syscall) == 200, "rec_syscall is stored in captures");
