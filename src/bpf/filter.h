/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Which clauses (wire/ctl.h) an event can still match. Each step is skipped unless a clause is left
 * that it could clear, so nothing is read for nothing; a mask of 0 means: drop.
 */
#include "bpf/task.h"

static __always_inline u64 mask_or(const u64 *found, u64 other)
{
	return found ? *found : other;
}

static __always_inline u64 pid_mask(struct ctl *c, u64 m, u32 pid)
{
	if (m & c->dim[DIM_PID])
		m &= mask_or(bpf_map_lookup_elem(&f_pid, &pid), c->other[DIM_PID]);
	return m;
}

/* One that user space has not judged yet passes: nothing of a new pod is missed. */
static __always_inline u64 cgroup_mask(struct ctl *c, u64 m, u64 cgroup)
{
	return m & mask_or(bpf_map_lookup_elem(&f_cgroup, &cgroup), ~0ull);
}

/* By the name without what older kernels leave behind it. */
static __always_inline u64 comm_mask(struct ctl *c, u64 m, struct task_struct *t)
{
	char raw[16], comm[16] = {};

	current_comm(t, raw);
	bpf_probe_read_kernel_str(comm, sizeof(comm), raw);
	return m & mask_or(bpf_map_lookup_elem(&f_comm, comm), c->other[DIM_COMM]);
}

/* What the running task leaves of the clauses @m; @t as in bpf/task.h. */
static __always_inline u64 task_mask(struct ctl *c, u64 m, struct task_struct *t)
{
	if (m & c->dim[DIM_PID])
		m = pid_mask(c, m, current_pid(t));
	if (m & c->dim[DIM_UID]) {
		u32 uid = current_euid(t);

		m &= mask_or(bpf_map_lookup_elem(&f_uid, &uid), c->other[DIM_UID]);
	}
	if (m & c->dim[DIM_CGROUP])
		m = cgroup_mask(c, m, current_cgroup(t));
	if (m & c->dim[DIM_COMM])
		m = comm_mask(c, m, t);
	return m;
}

/* The clauses that an event of @kind can match; all of life, which identity needs. */
static __always_inline u64 kind_mask(struct ctl *c, u32 kind)
{
	return KINDS_LIFE & KIND_BIT(kind & 63) ? FILTER_ALL : c->clauses[kind & 63];
}

/* Whether an event of @kind by the running task can match anything. */
static __always_inline bool filter_pass(struct ctl *c, u32 kind, struct task_struct *t)
{
	return current_pid(t) != c->self && task_mask(c, kind_mask(c, kind), t);
}
