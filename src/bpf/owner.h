/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The subject of an event that is not the running task: who opened a socket whose packet arrives
 * in an interrupt, who is killed, who is sent a signal. Like filter_pass, hdr_fill of record.h.
 *
 * Command name and user are not compared here: they may have changed since the owner was noted,
 * and a filter in the kernel must be a necessary condition. User space compares them.
 */
#include "bpf/record.h"

#define PF_KTHREAD_V 0x00200000

struct owner {
	u64 start_ns;
	u64 cgroup; /* 0: not known */
	u32 pid;    /* 0: not known */
	u32 tid;
	u32 uid;
	u32 pad;
};

/* Fills every member. */
static __always_inline void owner_of(struct task_struct *t, struct owner *ret)
{
	ret->start_ns = task_start(t);
	ret->cgroup = task_cgroup(t);
	ret->pid = BPF_CORE_READ(t, tgid);
	ret->tid = BPF_CORE_READ(t, pid);
	ret->uid = BPF_CORE_READ(t, real_cred, uid.val);
	ret->pad = 0;
}

static __always_inline bool task_is_kernel(struct task_struct *t)
{
	return BPF_CORE_READ(t, flags) & PF_KTHREAD_V || BPF_CORE_READ(t, pid) == 0;
}

static __always_inline bool owner_pass(struct ctl *c, u32 kind, const struct owner *o)
{
	u32 pid = o->pid, filters = c->filters;
	u64 cgroup = o->cgroup;

	if (pid && pid == c->self)
		return false;
	if (!filters || !(c->filtered_kinds & KIND_BIT(kind)))
		return true;
	if ((filters & FILTER_PID) && !bpf_map_lookup_elem(&f_pid, &pid))
		return false;
	return !(filters & FILTER_CGROUP) || bpf_map_lookup_elem(&f_cgroup, &cgroup);
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
}
