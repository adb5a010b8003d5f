/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Operations asked for through io_uring, told as the system calls of the same effect: the records
 * are REC_SYSCALL with that call's number and arguments, so names, rendering and rules are the same.
 * They say in their flags that they came this way.
 *
 * A request is noted when it is submitted, when the kernel has its own copy of the paths, and told
 * when it is completed, with its result. Where no completion can be waited for (the program asked
 * for none on success, the kernel's tracepoint does not say whose it is, a path is too long to be
 * kept meanwhile, too many requests are under way) it is told at submission and success is assumed:
 * a rule that asks for success must not be evaded this way.
 *
 * Source: Linux, include/uapi/linux/io_uring.h, include/trace/events/io_uring.h, io_uring/.
 */
#include <linux/types.h>

/* Requests under way that are remembered. */
#define URING_ASKED_MAX 1024

/* What the kernel program knows of an operation. */
#define URING_OPS 64

struct uring_op {
	__u8 used;
	__u8 kind; /* enum kind_id */
	__u16 nr;  /* of the system call, x86-64 */
};
_Static_assert(sizeof(struct uring_op) == 4, "uring_op is shared with the kernel program");
