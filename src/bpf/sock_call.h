/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Which of the program's memory a system call on a socket moves bytes from or to, by the number and
 * the arguments with which the running task entered the kernel. x86-64, programs of 64 bits.
 *
 * `typed` is a constant: the kernel has typed pointers (since 6.2 all that is needed here), so members
 * are plain loads; else each is a helper call.
 */
#include "bpf/peer.h"
#include "bpf/task.h"

enum call_nr {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_READV = 19,
	NR_WRITEV = 20,
	NR_SENDTO = 44,
	NR_RECVFROM = 45,
	NR_SENDMSG = 46,
	NR_RECVMSG = 47,
	NR_RECVMMSG = 299,
	NR_SENDMMSG = 307,
	NR_PREADV2 = 327,
	NR_PWRITEV2 = 328,
};

#define TS_COMPAT_FLAG	2
#define PF_WORKERS	(0x00200000 | 0x00000010) /* kernel threads, io_uring's workers */
#define ENOSYS_RUNNING	38
#define MSG_PEEK_V	0x2
#define USER_IOVS	32 /* segments of one message that are looked at */
#define USER_MMSG_BYTES 64 /* struct mmsghdr; its msg_len stands at 56 */
#define USER_MMSG_LEN	56

/* struct iovec, struct msghdr of a program. */
struct user_vec {
	u64 at, len;
};

struct user_hdr {
	u64 name;
	u32 name_len, pad;
	u64 vec, vec_n;
};

/* The registers of the call that is running. */
struct call_regs {
	u64 nr; /* ~0: none that we could read, and the others are not set */
	u64 di, si, dx, r10, r8, r9;
};

/* Where the bytes are. */
struct call_bytes {
	u64 at, len;	/* one piece; at 0: see vec */
	u64 vec, vec_n; /* pieces; vec 0: the bytes are not in the program's memory */
	u64 name;	/* the peer's address, 0: none given */
	u32 name_len, pad;
};

/*
 * In a system call the saved result is still -ENOSYS, so what is done on the way back to the program
 * (io_uring) is told from what the call asked for. @t is the running task, from bpf_get_current_task_btf when @typed.
 * @done: called at the return, the result is there.
 */
u64 regs_at; /* of a task's registers, from where its stack begins; 0: not known yet */

static __always_inline struct pt_regs *typed_regs(struct task_struct *t)
{
	struct pt_regs *r;

	if (regs_at)
		return bpf_rdonly_cast(t->stack + regs_at, bpf_core_type_id_kernel(struct pt_regs));
	r = (void *)bpf_task_pt_regs(t);
	regs_at = pointer_number(r) - (u64)t->stack;
	return r;
}

static __always_inline void call_regs_read(struct call_regs *ret, struct task_struct *t,
					   const bool typed, const bool done)
{
	struct pt_regs *r;

	ret->nr = ~0ull;
	if (typed) {
		if (t->flags & PF_WORKERS || t->thread_info.status & TS_COMPAT_FLAG)
			return;
		r = typed_regs(t);
		if (!done && (long)r->ax != -ENOSYS_RUNNING)
			return;
		*ret = (struct call_regs){ r->orig_ax, r->di, r->si, r->dx, r->r10, r->r8, r->r9 };
		return;
	}
	if (BPF_CORE_READ(t, thread_info.status) & TS_COMPAT_FLAG)
		return;
	r = task_regs(t);
	ret->di = BPF_CORE_READ(r, di);
	ret->si = BPF_CORE_READ(r, si);
	ret->dx = BPF_CORE_READ(r, dx);
	ret->r10 = BPF_CORE_READ(r, r10);
	ret->r8 = BPF_CORE_READ(r, r8);
	ret->r9 = BPF_CORE_READ(r, r9);
	ret->nr = BPF_CORE_READ(r, orig_ax);
}

static __always_inline bool call_is_many(const struct call_regs *r)
{
	return r->nr == NR_SENDMMSG || r->nr == NR_RECVMMSG;
}

static __always_inline bool call_sends(u64 nr)
{
	return nr == NR_WRITE || nr == NR_WRITEV || nr == NR_SENDTO || nr == NR_SENDMSG ||
	       nr == NR_SENDMMSG || nr == NR_PWRITEV2;
}

/* The flags of a receiving call. */
static __always_inline u32 call_flags(const struct call_regs *r)
{
	if (r->nr == NR_RECVFROM || r->nr == NR_RECVMMSG)
		return r->r10;
	return r->nr == NR_RECVMSG ? r->dx : 0;
}

static __always_inline void call_message(u64 msg, struct call_bytes *ret)
{
	struct user_hdr h = {};

	if (bpf_probe_read_user(&h, sizeof(h), (void *)msg) != 0)
		return;
	ret->vec = h.vec;
	ret->vec_n = h.vec_n;
	ret->name = h.name;
	ret->name_len = h.name_len;
}

/* One piece of memory behind several is one piece. */
static __always_inline void call_single(struct call_bytes *ret)
{
	struct user_vec v = {};

	if (ret->vec_n != 1 || !ret->vec || bpf_probe_read_user(&v, sizeof(v), (void *)ret->vec) != 0)
		return;
	ret->at = v.at;
	ret->len = v.len;
}

/* @nth: of the messages of sendmmsg, recvmmsg. @out: bytes were sent. */
static __always_inline void call_bytes_find(const struct call_regs *r, u32 nth, bool out,
					    struct call_bytes *ret)
{
	__builtin_memset(ret, 0, sizeof(*ret));
	if (r->nr > NR_PWRITEV2 || call_sends(r->nr) != out)
		return;
	switch (r->nr) {
	case NR_SENDTO:
	case NR_RECVFROM:
		ret->name = r->r8;
		ret->name_len = out ? (u32)r->r9 : 0;
		/* fallthrough */
	case NR_READ:
	case NR_WRITE:
		ret->at = r->si;
		ret->len = r->dx;
		return;
	case NR_READV:
	case NR_WRITEV:
	case NR_PREADV2:
	case NR_PWRITEV2:
		ret->vec = r->si;
		ret->vec_n = r->dx;
		break;
	case NR_SENDMSG:
	case NR_RECVMSG:
		call_message(r->si, ret);
		break;
	case NR_SENDMMSG:
	case NR_RECVMMSG:
		call_message(r->si + (u64)nth * USER_MMSG_BYTES, ret);
		break;
	}
	call_single(ret);
}

/* What sendmmsg and recvmmsg note at the end of a message: its bytes. */
static __always_inline u32 call_message_len(const struct call_regs *r, u32 nth)
{
	u32 len = 0;

	bpf_probe_read_user(&len, sizeof(len),
			    (void *)(r->si + (u64)nth * USER_MMSG_BYTES + USER_MMSG_LEN));
	return len;
}
