/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Records of process life: fork, exec, exit, cgroup changes, and the tasks that were there before.
 * Source: kernel/fork.c, fs/exec.c and kernel/exit.c tracepoints sched_process_*; cgroup_*
 * tracepoints; the task iterator.
 */
#include "wire/record.h"

struct rec_fork {
	struct rec_hdr hdr; /* the parent */
	struct rec_task child;
};
_Static_assert(sizeof(struct rec_fork) == 176, "rec_fork is stored in captures");

enum exec_cut {
	EXEC_ARGS,
	EXEC_EXE,
	EXEC_CWD,
	EXEC_ENV,
	EXEC_PIECES
};

struct rec_exec {
	struct rec_hdr hdr;
	struct rec_task task;
	struct rec_str piece[EXEC_PIECES]; /* args, exe walk, cwd walk, environment */
	__u32 args_bytes;		   /* whole length of the vector */
	__u32 cut;			   /* REC_CUT(enum exec_cut) */
	__u64 inode;			   /* of the executable */
	struct rec_exe exe;		   /* since version 2 of this record */
	char tail[];
};
_Static_assert(sizeof(struct rec_exec) == 264, "rec_exec is stored in captures");

struct rec_exit {
	struct rec_hdr hdr;
	__u64 user_ns;
	__u64 system_ns;
	__u64 max_rss_bytes;
	__s32 code; /* as wait(2) has it: exit status << 8 | signal, 0x80 for a core dump */
	__u32 pad;
};
_Static_assert(sizeof(struct rec_exit) == 96, "rec_exit is stored in captures");

enum cgroup_op {
	CGROUP_MKDIR,
	CGROUP_RMDIR,
	CGROUP_ATTACH,
};

struct rec_cgroup {
	struct rec_hdr hdr;  /* who did it */
	__u64 id;	     /* see CGROUP_V1 */
	__u64 task_start_ns; /* attach: who was moved */
	__u32 task_pid;
	__u16 op;
	__u16 cut;
	struct rec_str path;
	__u32 hierarchy;
	char tail[];
};
_Static_assert(sizeof(struct rec_cgroup) == 96, "rec_cgroup is stored in captures");

/*
 * A process that was there before the agent. The iterator gives the fixed part; source/seed.c adds
 * the strings from /proc, which are whole paths, not walks.
 */
struct rec_task_seen {
	struct rec_hdr hdr; /* len, type and the task's own pid, start, cgroup; time of the look */
	struct rec_task task;
	__u64 user_ns;
	__u64 system_ns;
	struct rec_str piece[EXEC_PIECES];
	__u32 cut; /* REC_CUT(enum exec_cut) */
	__u32 pad;
	struct rec_exe exe; /* since version 2 of this record */
};
_Static_assert(sizeof(struct rec_task_seen) == 272, "rec_task_seen is stored in captures");
