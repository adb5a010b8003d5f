/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * What a request of io_uring asks for, as the arguments of the system call of the same effect. Read
 * when it is submitted: the kernel has prepared it then, and has its own copy of the paths.
 *
 * Of the kernel's types only the members that are read stand here; offsets come from the running
 * kernel (see bpf/vmlinux.h). An operation's own data begins where its request begins, in all
 * versions. Source: Linux, include/uapi/linux/io_uring.h, io_uring/, before 5.19 fs/io_uring.c.
 */
#include "bpf/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

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
	u64 flags, mode, resolve;
};

struct io_open {
	int dfd;
	u32 file_slot; /* not 0: the result is an index in the ring's own table */
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
	u32 file_slot;
};

struct io_socket {
	int domain, type, protocol;
	u32 file_slot;
};

struct io_listen {
	int backlog;
};

/* From 6.0 to 6.11 with the address that a send names. */
struct io_sr_msg {
	void *umsg; /* or the data */
	int len;
	void *addr;
	u16 addr_len;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
};

/* Since then (6.10, commit 50220d6ac8ff) it is made at submission, and the address is in it. */
struct io_async_msghdr {
	struct msghdr msg;
};

struct io_async_msghdr___first {
	int free_iov_nr;
};

struct iou_vec {
	int nr;
};

struct io_async_msghdr___vec {
	struct iou_vec vec;
};

struct io_kiocb___async {
	void *async_data;
};

#pragma clang attribute pop

/* enum io_uring_op: the kernel's user interface. */
enum {
	OP_SENDMSG = 9,
	OP_RECVMSG = 10,
	OP_ACCEPT = 13,
	OP_CONNECT = 16,
	OP_OPENAT = 18,
	OP_SEND = 26,
	OP_RECV = 27,
	OP_OPENAT2 = 28,
	OP_RENAMEAT = 35,
	OP_UNLINKAT = 36,
	OP_MKDIRAT = 37,
	OP_SYMLINKAT = 38,
	OP_LINKAT = 39,
	OP_SOCKET = 45,
	OP_SEND_ZC = 47,
	OP_SENDMSG_ZC = 48,
	OP_BIND = 56,
	OP_LISTEN = 57,
};

#define URING_ARGS	6
#define NO_DIR		(-101) /* no path, or not one of the file system */
#define O_LARGEFILE_V	0100000
#define O_CREAT_V	0100
#define FMODE_CREATED_V 0x100000 /* since 4.19 */

/* A request's arguments: at the system call's places, and those that are more than a number. */
struct uring_args {
	u64 v[URING_ARGS];
	const char *name[2]; /* kernel memory; NULL: could not be read */
	int dir[2];
	u32 paths;  /* how many names it has */
	u32 slot;   /* of the result in the ring's own table; 0: it is a descriptor */
	void *addr; /* user memory, or with addr_kernel the kernel's */
	u32 addr_bytes;
	u32 addr_kernel;
};

/* struct msghdr of a program of 64 bits. */
struct user_msg {
	u64 name;
	u32 name_len, pad;
	u64 iov, iov_n;
};

/* Where the pointer to a struct filename is. */
#define NAME_OFFSET(type, member)                             \
	(bpf_core_field_exists(struct type, member) ?         \
		 bpf_core_field_offset(struct type, member) : \
		 bpf_core_field_offset(struct type##___wrapped, member))

static __always_inline const char *name_at(struct io_kiocb *req, u32 offset)
{
	struct filename *f = NULL;

	bpf_probe_read_kernel(&f, sizeof(f), (void *)req + offset);
	return BPF_CORE_READ(f, name);
}

static __always_inline void open_args(struct io_kiocb *req, struct uring_args *ret)
{
	struct io_open *o = (void *)req;

	ret->dir[0] = BPF_CORE_READ(o, dfd);
	ret->name[0] = name_at(req, NAME_OFFSET(io_open, filename));
	ret->v[0] = ret->dir[0];
	ret->v[2] = BPF_CORE_READ(o, how.flags) & ~(u64)O_LARGEFILE_V; /* the kernel's addition */
	ret->v[3] = BPF_CORE_READ(o, how.mode);
	ret->v[4] = BPF_CORE_READ(o, how.resolve);
	ret->slot = BPF_CORE_READ(o, file_slot);
}

static __always_inline void unlink_args(struct io_kiocb *req, struct uring_args *ret)
{
	struct io_unlink *o = (void *)req;

	ret->dir[0] = BPF_CORE_READ(o, dfd);
	ret->name[0] = name_at(req, NAME_OFFSET(io_unlink, filename));
	ret->v[0] = ret->dir[0];
	ret->v[2] = BPF_CORE_READ(o, flags);
}

static __always_inline void mkdir_args(struct io_kiocb *req, struct uring_args *ret)
{
	struct io_mkdir *o = (void *)req;

	ret->dir[0] = BPF_CORE_READ(o, dfd);
	ret->name[0] = name_at(req, NAME_OFFSET(io_mkdir, filename));
	ret->v[0] = ret->dir[0];
	ret->v[2] = BPF_CORE_READ(o, mode);
}

/* Two paths, both with directories, and flags. */
#define PAIR_ARGS(type, req, ret)                           \
	({                                                  \
		struct type *o_ = (void *)(req);            \
		(ret)->dir[0] = BPF_CORE_READ(o_, old_dfd); \
		(ret)->dir[1] = BPF_CORE_READ(o_, new_dfd); \
		(ret)->v[0] = (ret)->dir[0];                \
		(ret)->v[2] = (ret)->dir[1];                \
		(ret)->v[4] = BPF_CORE_READ(o_, flags);     \
	})

static __always_inline void rename_args(struct io_kiocb *req, struct uring_args *ret)
{
	PAIR_ARGS(io_rename, req, ret);
	ret->name[0] = name_at(req, NAME_OFFSET(io_rename, oldpath));
	ret->name[1] = name_at(req, NAME_OFFSET(io_rename, newpath));
}

static __always_inline void link_args(struct io_kiocb *req, struct uring_args *ret)
{
	if (bpf_core_type_exists(struct io_link)) {
		PAIR_ARGS(io_link, req, ret);
		ret->name[0] = name_at(req, NAME_OFFSET(io_link, oldpath));
		ret->name[1] = name_at(req, NAME_OFFSET(io_link, newpath));
	} else {
		PAIR_ARGS(io_hardlink, req, ret);
		ret->name[0] = name_at(req, bpf_core_field_offset(struct io_hardlink, oldpath));
		ret->name[1] = name_at(req, bpf_core_field_offset(struct io_hardlink, newpath));
	}
}

static __always_inline void symlink_args(struct io_kiocb *req, struct uring_args *ret)
{
	if (bpf_core_type_exists(struct io_link)) {
		ret->dir[1] = BPF_CORE_READ((struct io_link *)req, new_dfd);
		ret->name[0] = name_at(req, NAME_OFFSET(io_link, oldpath));
		ret->name[1] = name_at(req, NAME_OFFSET(io_link, newpath));
	} else {
		ret->dir[1] = BPF_CORE_READ((struct io_symlink *)req, new_dfd);
		ret->name[0] = name_at(req, bpf_core_field_offset(struct io_symlink, oldpath));
		ret->name[1] = name_at(req, bpf_core_field_offset(struct io_symlink, newpath));
	}
	ret->v[1] = ret->dir[1];
}

/* The descriptor a request was submitted with, or -1: before 5.19 it is not kept. */
static __always_inline int uring_fd(struct io_kiocb *req)
{
	if (!bpf_core_field_exists(struct io_kiocb, cqe))
		return -1;
	return BPF_CORE_READ(req, cqe.fd);
}

static __always_inline void sock_args(struct io_kiocb *req, u32 op, struct uring_args *ret)
{
	ret->v[0] = uring_fd(req);
	if (op == OP_CONNECT) {
		ret->addr = BPF_CORE_READ((struct io_connect *)req, addr);
		ret->addr_bytes = BPF_CORE_READ((struct io_connect *)req, addr_len);
	} else if (op == OP_ACCEPT) {
		ret->v[3] = BPF_CORE_READ((struct io_accept *)req, flags);
		ret->slot = BPF_CORE_READ((struct io_accept *)req, file_slot);
	} else if (op == OP_LISTEN && bpf_core_type_exists(struct io_listen)) {
		ret->v[1] = BPF_CORE_READ((struct io_listen *)req, backlog);
	} else if (op == OP_SOCKET && bpf_core_type_exists(struct io_socket)) {
		ret->v[0] = BPF_CORE_READ((struct io_socket *)req, domain);
		ret->v[1] = BPF_CORE_READ((struct io_socket *)req, type);
		ret->v[2] = BPF_CORE_READ((struct io_socket *)req, protocol);
		ret->slot = BPF_CORE_READ((struct io_socket *)req, file_slot);
	}
}

/* A send that names its peer. */
static __always_inline void send_addr(struct io_kiocb *req, struct uring_args *ret)
{
	struct io_sr_msg *m = (void *)req;
	struct io_async_msghdr *made;

	if (bpf_core_field_exists(m->addr)) {
		ret->addr = BPF_CORE_READ(m, addr);
		ret->addr_bytes = BPF_CORE_READ(m, addr_len);
	} else if (bpf_core_field_exists(struct io_async_msghdr___first, free_iov_nr) ||
		   bpf_core_field_exists(struct io_async_msghdr___vec, vec)) {
		made = BPF_CORE_READ((struct io_kiocb___async *)req, async_data);
		ret->addr = BPF_CORE_READ(made, msg.msg_name);
		ret->addr_bytes = BPF_CORE_READ(made, msg.msg_namelen);
		ret->addr_kernel = 1;
	}
}

static __always_inline void message_args(struct io_kiocb *req, u32 op, struct uring_args *ret)
{
	struct io_sr_msg *m = (void *)req;
	struct user_msg msg = {};

	ret->v[0] = uring_fd(req);
	ret->v[1] = (u64)BPF_CORE_READ(m, umsg);
	if (op == OP_SENDMSG || op == OP_SENDMSG_ZC || op == OP_RECVMSG) {
		bpf_probe_read_user(&msg, sizeof(msg), (void *)ret->v[1]);
		ret->addr = (void *)msg.name;
		/* What a receive will find is not there yet. */
		ret->addr_bytes = op == OP_RECVMSG ? 0 : msg.name_len;
		return;
	}
	ret->v[2] = (u32)BPF_CORE_READ(m, len);
	if (op != OP_RECV)
		send_addr(req, ret);
}

static __always_inline void uring_args_of(struct io_kiocb *req, u32 op, struct uring_args *ret)
{
	__builtin_memset(ret, 0, sizeof(*ret));
	ret->dir[0] = ret->dir[1] = NO_DIR;
	ret->paths = 1;
	switch (op) {
	case OP_OPENAT:
	case OP_OPENAT2:
		open_args(req, ret);
		break;
	case OP_UNLINKAT:
		unlink_args(req, ret);
		break;
	case OP_MKDIRAT:
		mkdir_args(req, ret);
		break;
	case OP_RENAMEAT:
		rename_args(req, ret);
		ret->paths = 2;
		break;
	case OP_LINKAT:
		link_args(req, ret);
		ret->paths = 2;
		break;
	case OP_SYMLINKAT:
		symlink_args(req, ret);
		ret->paths = 2;
		break;
	case OP_SENDMSG:
	case OP_RECVMSG:
	case OP_SEND:
	case OP_RECV:
	case OP_SEND_ZC:
	case OP_SENDMSG_ZC:
		message_args(req, op, ret);
		ret->paths = 0;
		break;
	default:
		sock_args(req, op, ret);
		ret->paths = 0;
	}
}

static __always_inline u64 uring_user_data(struct io_kiocb *req)
{
	if (bpf_core_field_exists(struct io_kiocb, cqe))
		return BPF_CORE_READ(req, cqe.user_data);
	return BPF_CORE_READ((struct io_kiocb___old *)req, user_data);
}
