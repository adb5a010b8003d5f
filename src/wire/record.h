/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * What travels from the kernel to the agent, and into captures: a header and a body of the record's
 * type. Bodies of the kernel's probes stand in probe/NAME/NAME.h; the agent's own records (what it
 * learned outside the kernel, so that a replay knows it too) in wire/meta.h.
 *
 * Little-endian, fixed-width, big fields first, all padding named. `len` counts header, body and
 * the used part of the tail; a tail piece is a `struct rec_str` relative to the record's start.
 * Type numbers are stored in captures: append, never reorder, never reuse.
 */
#include <linux/types.h>

#define PORTHOLE_RECORDS(X) \
	X(FORK)             \
	X(EXEC)             \
	X(EXIT)             \
	X(CGROUP)           \
	X(SYSCALL)          \
	X(TCP)              \
	X(UDP)              \
	X(SIGNAL)           \
	X(OOM)              \
	X(MODULE)           \
	X(TASK_SEEN)        \
	X(CGROUP_SEEN)      \
	X(KUBE)             \
	X(CONTAINER)        \
	X(LOSS)             \
	X(USERS)            \
	X(SAMPLE)           \
	X(OFFCPU)           \
	X(SCHED_TIMES)      \
	X(SCHED_TAKEN)      \
	X(CALLS)            \
	X(CALLS_IO)         \
	X(STREAM)

enum rec_type {
	REC_NONE,
#define X(NAME) REC_##NAME,
	PORTHOLE_RECORDS(X)
#undef X
	REC_TYPE_COUNT
};

/* Cgroup ids of a version 1 hierarchy carry this bit: each hierarchy numbers its own. */
#define CGROUP_V1 (1ull << 63)

struct rec_hdr {
	__u64 time_ns;	/* CLOCK_BOOTTIME */
	__u64 start_ns; /* start of the process (its group leader), CLOCK_BOOTTIME */
	__u64 cgroup;	/* of the task, see CGROUP_V1 */
	__u32 len;	/* bytes in use, header included */
	__u32 seq;	/* counts each CPU's records, lost ones too */
	__u32 pid;	/* thread group */
	__u32 tid;
	__u16 type; /* enum rec_type */
	__u16 cpu;
	__u32 uid;     /* effective */
	char comm[16]; /* of the process (its group leader) */
};
_Static_assert(sizeof(struct rec_hdr) == 64, "rec_hdr is stored in captures");

/* A piece of the tail. `cut`: it was longer than the stated maximum. off 0: absent. */
struct rec_str {
	__u16 off; /* from the start of the record */
	__u16 len; /* bytes */
};

/* Flags beside a set of tail pieces: bit n says that piece n was cut. */
#define REC_CUT(n) (1u << (n))

/* Maxima of what one record carries, in bytes; longer is cut and marked. */
#define REC_PATH_MAX  4096  /* a path as a program gave it, its NUL included */
#define REC_WALK_MAX  2048  /* a path read from the kernel's directory cache */
#define REC_WALK_DEEP 32    /* its components */
#define REC_NAME_MAX  256   /* one component, its NUL included */
#define REC_ARGS_MAX  16384 /* argument vector, all NULs included */
#define REC_ENV_MAX   8192
#define REC_MAX	      65536 /* a whole record; cluster objects are the largest */

/* A process's state that is not its program: in fork, exec and task records. */
struct rec_task {
	__u64 start_ns;
	__u64 parent_start_ns;
	__u64 cgroup;
	__u64 cap_permitted;
	__u64 cap_effective;
	__u64 cap_inheritable;
	__u32 pid;
	__u32 ppid;
	__u32 pgid;
	__u32 sid;
	__u32 vpid;
	__u32 tty;
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 loginuid;
	__u32 flags; /* PF_* of the task */
	char comm[16];
};
_Static_assert(sizeof(struct rec_task) == 112, "rec_task is stored in captures");

/*
 * What the kernel says of an executable beyond its path, and of the namespace its process is in.
 * Captures made before this have records without it (probe/process/process.c sees which).
 */
enum exe_flag {
	EXE_OVERLAY = 1, /* on an overlay file system */
	EXE_UPPER = 2,	 /* there in the layer that is written to */
	EXE_MEMFD = 4,	 /* made by memfd_create */
	EXE_RDONLY = 8,	 /* its file system is read-only, or the file immutable */
};

struct rec_exe {
	__u64 inode;		  /* 0: nothing here is known (kernel threads) */
	__u64 ctime_ns, mtime_ns; /* wall clock */
	__u64 pidns_start_ns; /* start of the first process of the pid namespace, CLOCK_BOOTTIME */
	__u32 vpgid, vsid;    /* in the innermost pid namespace; 0: the leader is not in it */
	__u32 uid, gid;	      /* of the file, in the first user namespace */
	__u32 nlink;
	__u16 mode;
	__u16 flags; /* enum exe_flag */
};
_Static_assert(sizeof(struct rec_exe) == 56, "rec_exe is stored in captures");
