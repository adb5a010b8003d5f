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
#include "probe/sys_record.h"

#define SYS_ROWS 512
#define ARG_NONE 0xff
#define ARG_RET	 0xfe /* the descriptor is the call's result */

enum sys_flag {
	SYS_FAILED = 1,	 /* only when the call failed */
	SYS_ENTER = 2,	 /* the descriptor is looked up at entry: it is gone at return */
	SYS_MAIN1 = 4,	 /* the event is about the second path, not the first */
	SYS_PEER = 8,	 /* names a socket's peer: whether it is another than before is noted */
	SYS_LEN_AT = 16, /* the address's length stands where its argument points */
	SYS_MANY = 32,	 /* the message is the first of several, and the result their number */
	SYS_HOW = 64,	 /* the flags of the open, its mode and more stand where `open` points */
	SYS_CREAT = 128, /* opens, and always creates */
};

struct sys_row {
	__u8 used;
	__u8 kind;    /* enum kind_id */
	__u8 flags;   /* enum sys_flag */
	__u8 fd;      /* argument that is the descriptor the event is about, ARG_RET or ARG_NONE */
	__u8 path[2]; /* arguments that are path strings */
	__u8 dir[2];  /* arguments that are their directories; ARG_NONE: the working directory */
	__u8 addr;    /* argument that is a socket address, its length in the next one */
	__u8 msg;     /* argument that is a struct msghdr: address and data */
	__u8 data;    /* argument that is data, its length in the next one */
	__u8 open;    /* argument that has the flags of an open */
	__u8 pad[4];
};
_Static_assert(sizeof(struct sys_row) == 16, "sys_row is shared with the kernel program");
