/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The record of one system call, or of an operation that came another way and is told as the system
 * call of the same effect (probe/uring). Two kernel programs fill it; the syscall probe decodes it.
 *
 * Captures hold it: members keep their places and numbers their meaning.
 */
#include "wire/record.h"
#include "wire/sock.h"

#define SYS_ARGS 6

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

/* rec_syscall.info; its top four bits: type of the descriptor's file (S_IFMT; 0: not looked at). */
enum sys_info {
	SYS_VIA_URING = 1,   /* by io_uring, not by the system call */
	SYS_VIA_ASSUMED = 2, /* by io_uring, and the result is not known: success is assumed */
	SYS_PEER_NEW = 4,    /* the socket's peer is another than in the event before */
	SYS_CREATED = 8,     /* the open made the file */
	SYS_HOW_READ = 16,   /* openat2: args[2] to args[4] are flags, mode, resolve */
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
