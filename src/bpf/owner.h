/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The subject of an event that is not the running task: who opened a socket whose packet arrives
 * in an interrupt, who is killed. Like filter_pass and hdr_fill of record.h.
 *
 * An owner is noted when it is known and told later. Its user, cgroup and name may have changed
 * meanwhile, and user space takes the header's word for them: owner_now reads them again, through
 * a pointer that is followed only while it still leads to the same living process. (Reads of freed
 * memory do not fault; number, start time and state tell that it is another's.)
 */
#include "bpf/record.h"

#define PF_KTHREAD_V 0x00200000

struct owner {
	u64 start_ns;
	u64 cgroup; /* 0: not known */
	u64 leader; /* struct task_struct *, perhaps freed */
	u32 pid;    /* 0: not known */
	u32 tid;
	u32 uid;
	u32 pad;
	char comm[16];
};

static __always_inline void owner_none(struct owner *ret)
{
	__builtin_memset(ret, 0, sizeof(*ret));
	ret->uid = ~0u;
}

/* Fills every member. */
static __always_inline void owner_of(struct task_struct *t, struct owner *ret)
{
	struct task_struct *leader = BPF_CORE_READ(t, group_leader);

	ret->start_ns = BPF_CORE_READ(leader, start_boottime);
	ret->cgroup = task_cgroup(t);
	ret->leader = (u64)leader;
	ret->pid = BPF_CORE_READ(t, tgid);
	ret->tid = BPF_CORE_READ(t, pid);
	ret->uid = BPF_CORE_READ(t, real_cred, euid.val);
	ret->pad = 0;
	BPF_CORE_READ_INTO(&ret->comm, leader, comm);
}

/* What may have changed since the owner was noted, as it is now. Of the dead: as noted. */
static __always_inline void owner_now(struct owner *o)
{
	struct task_struct *t = (void *)o->leader;

	if (!t || BPF_CORE_READ(t, pid) != (pid_t)o->pid || BPF_CORE_READ(t, exit_state) != 0 ||
	    BPF_CORE_READ(t, start_boottime) != o->start_ns)
		return;
	o->cgroup = task_cgroup(t);
	o->uid = BPF_CORE_READ(t, real_cred, euid.val);
	BPF_CORE_READ_INTO(&o->comm, t, comm);
}

static __always_inline bool task_is_kernel(struct task_struct *t)
{
	return BPF_CORE_READ(t, flags) & PF_KTHREAD_V || BPF_CORE_READ(t, pid) == 0;
}

/*
 * Whether the filters let an event of @o pass. User and name are left to user space: a dead owner's
 * may be old, and a filter in the kernel must not drop what could match.
 */
static __always_inline bool owner_pass(struct ctl *c, u32 kind, const struct owner *o)
{
	u32 pid = o->pid;
	u64 m;

	if (pid && pid == c->self)
		return false;
	m = pid_mask(c, kind_mask(c, kind), pid);
	if (m & c->dim[DIM_CGROUP])
		m = cgroup_mask(c, m, o->cgroup);
	return m;
}

static __always_inline void hdr_fill_owner(struct rec_hdr *h, u32 type, const struct owner *o,
					   u32 number, u32 len)
{
	h->time_ns = bpf_ktime_get_boot_ns();
	h->start_ns = o->start_ns;
	h->cgroup = o->cgroup;
	h->len = len;
	h->seq = number;
	h->pid = o->pid;
	h->tid = o->tid;
	h->type = type;
	h->cpu = bpf_get_smp_processor_id();
	h->uid = o->uid;
	__builtin_memcpy(h->comm, o->comm, sizeof(h->comm));
}
