/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Why a task is blocked: decided by its state, the system call it is in, what is behind that call's
 * descriptor, and whether the kernel waits for input or output on its behalf.
 *
 * For the running task as it leaves the CPU, and for one that is off it. In 32-bit system calls only
 * disk and other can be told apart.
 */
#include "bpf/blocked_on.h"
#include "bpf/owner.h"
#include "bpf/sched_calls.h"
#include "bpf/sock.h"

#define PF_EXITING_V	 0x00000004
#define PF_IO_WORKER_V	 0x00000010
#define TASK_STOPPED_V	 0x800c /* stopped, traced; frozen since 6.1 */
#define TASK_WAKING_V	 0x200
#define TS_COMPAT_V	 2
#define ANON_INODE_MAGIC 0x09041934
#define S_IFCHR_V	 0020000
#define S_IFBLK_V	 0060000
#define S_IFREG_V	 0100000
#define THREAD_STACK	 16384

/* Of the registers at the task's entry into the kernel, what is needed here. */
struct entry {
	u64 call, di, si, ip, sp;
};

/* Where in its stack a task's registers are: with FRED (6.9), two words deeper. */
#define REGS_AT	     (THREAD_STACK - bpf_core_type_size(struct pt_regs))
#define REGS_AT_FRED (REGS_AT - 16)

static u64 regs_at; /* 0: not known yet */

/* A helper call costs as much as all the rest here: it is asked once, of the running task. */
static __always_inline struct pt_regs *entry_typed(struct task_struct *t)
{
	struct task_struct *me;

	if (!regs_at) {
		me = bpf_get_current_task_btf();
		regs_at = pointer_number((void *)bpf_task_pt_regs(me)) - pointer_number(me->stack);
	}
	if (regs_at == REGS_AT)
		return bpf_rdonly_cast(t->stack + REGS_AT, bpf_core_type_id_kernel(struct pt_regs));
	return bpf_rdonly_cast(t->stack + REGS_AT_FRED, bpf_core_type_id_kernel(struct pt_regs));
}

static __always_inline void entry_read(struct task_struct *t, struct entry *ret)
{
	/* From si to sp, as everybody sees them (ptrace): the whole would not fit on the stack. */
	u64 words[7];
	struct pt_regs *typed;

	if (CASTS) {
		typed = entry_typed(t);
		*ret = (struct entry){ typed->orig_ax, typed->di, typed->si, typed->ip, typed->sp };
		return;
	}
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) { /* since 5.15 */
		typed = (void *)bpf_task_pt_regs(t);
		*ret = (struct entry){ typed->orig_ax, typed->di, typed->si, typed->ip, typed->sp };
		return;
	}
	if (bpf_probe_read_kernel(words, sizeof(words),
				  (void *)t->stack + THREAD_STACK - sizeof(*typed) +
					  __builtin_offsetof(struct pt_regs, si)) == 0)
		*ret = (struct entry){ words[2], words[1], words[0], words[3], words[6] };
}

/* A kiocb is what begins with a pointer to a file. */
static __always_inline void file_mode(struct file **at, u16 *ret_mode, u64 *ret_magic)
{
	struct inode *inode;
	struct file *f = NULL;
	struct kiocb *k;

	if (CASTS) {
		k = bpf_rdonly_cast(at, bpf_core_type_id_kernel(struct kiocb));
		inode = k->ki_filp->f_inode;
		*ret_mode = inode->i_mode;
		*ret_magic = inode->i_sb->s_magic;
		return;
	}
	bpf_probe_read_kernel(&f, sizeof(f), at);
	inode = BPF_CORE_READ(f, f_inode);
	*ret_mode = BPF_CORE_READ(inode, i_mode);
	*ret_magic = BPF_CORE_READ(inode, i_sb, s_magic);
}

/* What a descriptor stands for: reads from a socket, a pipe, a disk wait for different things. */
static __always_inline u8 file_state(struct task_struct *t, u64 fd)
{
	struct fdtable *fdt = t->files->fdt;
	u64 magic;
	u16 mode;

	if (fd >= fdt->max_fds)
		return SCHED_OTHER;
	file_mode(&fdt->fd[fd], &mode, &magic);
	mode &= S_IFMT_V;
	if (mode == S_IFSOCK_V)
		return SCHED_NETWORK;
	if (mode == S_IFBLK_V)
		return SCHED_DISK;
	/* eventfd and its kin are regular files since 6.16, of a file system of their own */
	if (mode == S_IFREG_V && magic != ANON_INODE_MAGIC)
		return SCHED_DISK;
	return SCHED_WAIT;
}

static __always_inline u8 call_state(struct blocked_on *e, struct task_struct *t,
				     const struct entry *r, bool io)
{
	u32 nr = e->nr, row, class;

	if (nr >= CALLS)
		return io ? SCHED_DISK : SCHED_OTHER;
	row = sched_calls[nr];
	class = row & CALL_CLASS;
	if (row & (CALL_FD | CALL_FUTEX))
		e->arg = r->di;
	e->has_fd = (row & CALL_FD) != 0;
	if (row & CALL_FUTEX)
		e->op = r->si & 0x7f;
	if (class == CALL_BY_FILE)
		return file_state(t, (u32)r->di);
	if (class == CALL_NFDS0)
		return r->di ? SCHED_POLL : SCHED_SLEEP;
	if (class == CALL_NFDS1)
		return r->si ? SCHED_POLL : SCHED_SLEEP;
	if (class)
		return class;
	return io ? SCHED_DISK : SCHED_OTHER;
}

static __always_inline u32 task_state(struct task_struct *t)
{
	struct task_struct___old *old = (void *)t;

	if (bpf_core_field_exists(t->__state))
		return t->__state;
	return old->state; /* until 5.13 */
}

/* Why a task that is blocked is. Fills nr, arg, op and the registers. */
static __always_inline u8 blocked_state(struct blocked_on *e, struct task_struct *t, u32 state,
					struct entry *r)
{
	bool io = BPF_CORE_READ_BITFIELD(t, in_iowait);

	e->nr = SCHED_NO_CALL;
	e->arg = 0;
	e->op = 0;
	e->has_fd = 0;
	*r = (struct entry){ 0 };
	if (t->flags & (PF_KTHREAD_V | PF_IO_WORKER_V))
		return io ? SCHED_DISK : SCHED_OTHER;
	entry_read(t, r);
	if (state & TASK_STOPPED_V)
		return SCHED_STOPPED;
	if (t->thread_info.status & TS_COMPAT_V)
		return io ? SCHED_DISK : SCHED_OTHER;
	if ((s64)r->call < 0)
		return t->flags & PF_EXITING_V ? SCHED_OTHER : SCHED_PAGEFAULT;
	e->nr = r->call < CALLS ? r->call : SCHED_NO_CALL;
	return call_state(e, t, r, io);
}
