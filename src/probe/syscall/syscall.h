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

enum sys_piece {
	SYS_PATH0,
	SYS_PATH1,
	SYS_BASE0, /* walk of the directory a relative path starts from; leaf first */
	SYS_BASE1,
	SYS_FILE, /* walk of the descriptor's file, or a unix socket's name */
	SYS_ADDR, /* socket address as the program gave it, or was given */
	SYS_PIECES,
	/* No call has both. */
	SYS_DATA = SYS_PATH0, /* first bytes of what was sent or received */
	SYS_INODE = SYS_ADDR, /* struct sys_inode of the opened file */
};

/* Most of SYS_DATA that is kept. */
#define SYS_DATA_MAX 127

/*
 * rec_syscall.info. Its lowest two bits are enum sys_via (probe/uring/uring.h), its top four the type
 * of the descriptor's file (S_IFMT; 0: not looked at).
 */
enum sys_info {
	SYS_PEER_NEW = 4,  /* the socket's peer is another than in the event before */
	SYS_CREATED = 8,   /* the open made the file */
	SYS_HOW_READ = 16, /* openat2: args[2] to args[4] are flags, mode, resolve */
};
#define SYS_IFMT 0170000

struct sys_inode {
	__u64 ino;
	__u32 dev;   /* major << 20 | minor */
	__u32 layer; /* EXE_OVERLAY, EXE_UPPER of wire/record.h */
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
	__u16 info;  /* enum sys_info; 0 in captures made before there were any */
	char tail[];
};
_Static_assert(sizeof(struct rec_syscall) == 200, "rec_syscall is stored in captures");
