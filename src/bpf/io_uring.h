/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The kernel's types of io_uring, and of them only the members that are read; offsets come from the
 * running kernel (see bpf/vmlinux.h). An operation's own data begins where its request begins, in
 * all versions.
 */
#include "bpf/vmlinux.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct filename {
	const char *name;
};

struct io_cqe {
	u64 user_data;
	s32 res;
	int fd; /* until the request runs */
};

struct io_ring_ctx;

struct io_kiocb {
	struct file *file;
	u8 opcode;
	u32 flags;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
};

/* Before 5.19. */
struct io_kiocb___old {
	u64 user_data;
};

struct io_uring_cqe {
	u64 user_data;
	s32 res;
	u32 flags;
};

struct open_how {
	u64 flags, mode;
};

struct io_open {
	int dfd;
	struct filename *filename;
	struct open_how how;
};

struct io_unlink {
	int dfd, flags;
	struct filename *filename;
};

struct io_mkdir {
	int dfd;
	u16 mode;
	struct filename *filename;
};

struct io_rename {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
};

/* Symbolic and hard links since 5.19. */
struct io_link {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
};

/* Before: two types. */
struct io_symlink {
	int new_dfd;
	struct filename *oldpath, *newpath;
};

struct io_hardlink {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
};

/* Later the pointers are wrapped (seen in 7.2). */
struct delayed_filename {
	struct filename *__incomplete_filename;
};

struct io_open___wrapped {
	struct delayed_filename filename;
};

struct io_unlink___wrapped {
	struct delayed_filename filename;
};

struct io_mkdir___wrapped {
	struct delayed_filename filename;
};

struct io_rename___wrapped {
	struct delayed_filename oldpath, newpath;
};

struct io_link___wrapped {
	struct delayed_filename oldpath, newpath;
};

struct io_connect {
	void *addr;
	int addr_len;
};

struct io_accept {
	int flags;
};

struct io_socket {
	int domain, type, protocol;
};

struct io_bind {
	int addr_len;
};

struct io_listen {
	int backlog;
};

#pragma clang attribute pop
