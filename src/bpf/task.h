/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Reading a task: identity, credentials, cgroup. All reads are of kernel memory through pointers
 * the hook gave; none can fault.
 */
#include "bpf/maps.h"

static __always_inline u64 cgroup_key(struct cgroup *cg)
{
	u64 id = BPF_CORE_READ(cg, kn, id);

	if (knobs.v1_subsys != V1_NONE &&
	    BPF_CORE_READ(cg, root, hierarchy_id) == (int)knobs.v1_hierarchy)
		id |= CGROUP_V1;
	return id;
}

/* Place of the telling controller in css_set.subsys; the kernel's configuration decides it. */
static __always_inline u32 v1_index(void)
{
	switch (knobs.v1_subsys) {
	case V1_PIDS:
		return bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	case V1_MEMORY:
		return bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	default:
		return bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id);
	}
}

/*
 * On hybrid systems the container runtime may use the v1 hierarchies only: the v1 controller's
 * cgroup tells, unless it is the root, which tells nothing.
 */
static __always_inline u64 task_cgroup(struct task_struct *t)
{
	struct css_set *css = BPF_CORE_READ(t, cgroups);

	if (knobs.v1_subsys != V1_NONE) {
		u32 at = v1_index();
		struct cgroup_subsys_state *state;
		struct cgroup *cg;

		bpf_core_read(&state, sizeof(state), &css->subsys[at]);
		cg = BPF_CORE_READ(state, cgroup);
		if (BPF_CORE_READ(cg, level) > 0)
			return cgroup_key(cg);
	}
	return BPF_CORE_READ(css, dfl_cgrp, kn, id);
}

/*
 * The running task's own members, which every record needs: plain loads where the kernel gives a
 * typed pointer (5.11 on; since 6.2 without any helper call), a helper call for each step where it does not. @t is
 * the running task.
 */
#define CURRENT_TYPED bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

static __always_inline struct task_struct *current_typed(struct task_struct *t)
{
	return CASTS ? task_read_only(t) : bpf_get_current_task_btf();
}

static __always_inline u32 current_pid(struct task_struct *t)
{
	return CASTS ? task_read_only(t)->tgid : bpf_get_current_pid_tgid() >> 32;
}

static __always_inline u64 typed_cgroup(struct task_struct *me)
{
	struct css_set *css = me->cgroups;
	struct cgroup_subsys_state *state;

	if (knobs.v1_subsys != V1_NONE) {
		state = css->subsys[v1_index() & 15];
		if (state->cgroup->level > 0)
			return state->cgroup->kn->id | CGROUP_V1;
	}
	return css->dfl_cgrp->kn->id;
}

static __always_inline u64 current_cgroup(struct task_struct *t)
{
	return CURRENT_TYPED ? typed_cgroup(current_typed(t)) : task_cgroup(t);
}

/* The effective user, which Falco's drivers tell too; the helper for it gives the real one. */
static __always_inline u32 current_euid(struct task_struct *t)
{
	if (!CURRENT_TYPED)
		return BPF_CORE_READ(t, real_cred, euid.val);
	return current_typed(t)->real_cred->euid.val;
}

/* 16 bytes: the command name of the process, whose leader is given. */
static __always_inline void typed_comm(struct task_struct *leader, char *ret)
{
	u64 *from = (void *)leader->comm, *to = (void *)ret;

	to[0] = from[0];
	to[1] = from[1];
}

static __always_inline void current_comm(struct task_struct *t, char *ret)
{
	if (CURRENT_TYPED)
		typed_comm(current_typed(t)->group_leader, ret);
	else
		BPF_CORE_READ_INTO((char(*)[16])ret, t, group_leader, comm);
}

/* Whose record it is. */
static __always_inline void current_fill(struct task_struct *t, struct rec_hdr *h)
{
	struct task_struct *me, *leader;
	u64 id;

	if (!CURRENT_TYPED) {
		id = bpf_get_current_pid_tgid();
		h->start_ns = BPF_CORE_READ(t, group_leader, start_boottime);
		h->cgroup = task_cgroup(t);
		h->pid = id >> 32;
		h->tid = (u32)id;
		h->uid = current_euid(t);
		current_comm(t, h->comm);
		return;
	}
	me = current_typed(t);
	leader = me->group_leader;
	h->start_ns = leader->start_boottime;
	h->cgroup = typed_cgroup(me);
	h->pid = me->tgid;
	h->tid = me->pid;
	h->uid = me->real_cred->euid.val;
	typed_comm(leader, h->comm);
}

#define THREAD_BYTES 16384 /* of a kernel stack */

/* The running task's registers as it entered the kernel; @t is that task. */
static __always_inline struct pt_regs *task_regs(struct task_struct *t)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf()); /* since 5.15 */
	return BPF_CORE_READ(t, stack) + THREAD_BYTES - bpf_core_type_size(struct pt_regs);
}

static __always_inline u64 task_start(struct task_struct *t)
{
	return BPF_CORE_READ(t, group_leader, start_boottime);
}

static __always_inline u32 task_vpid(struct task_struct *t)
{
	struct pid *p = BPF_CORE_READ(t, group_leader, thread_pid);
	u32 level = BPF_CORE_READ(p, level);
	struct upid up = {};

	if (!p)
		return 0;
	bpf_probe_read_kernel(&up, sizeof(up),
			      (void *)p + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return up.nr;
}

static __always_inline u32 signal_pid(struct signal_struct *sig, int type)
{
	struct pid *p = NULL;
	u32 nr = 0;

	bpf_core_read(&p, sizeof(p), &sig->pids[type]);
	if (p)
		bpf_core_read(&nr, sizeof(nr), &p->numbers[0].nr);
	return nr;
}

static __always_inline u32 task_tty(struct signal_struct *sig)
{
	struct tty_struct *tty = BPF_CORE_READ(sig, tty);

	if (!tty)
		return 0;
	return (u32)BPF_CORE_READ(tty, driver, major) << 8 |
	       (u32)(BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index));
}

enum {
	PIDTYPE_PGID_V = 2,
	PIDTYPE_SID_V = 3,
};

static __always_inline void task_creds(struct task_struct *t, struct rec_task *ret)
{
	const struct cred *c = BPF_CORE_READ(t, real_cred);

	ret->uid = BPF_CORE_READ(c, uid.val);
	ret->gid = BPF_CORE_READ(c, gid.val);
	ret->euid = BPF_CORE_READ(c, euid.val);
	ret->egid = BPF_CORE_READ(c, egid.val);
	/* Eight bytes in every version, whatever the type is called. */
	bpf_probe_read_kernel(&ret->cap_permitted, 8,
			      (void *)c + bpf_core_field_offset(struct cred, cap_permitted));
	bpf_probe_read_kernel(&ret->cap_effective, 8,
			      (void *)c + bpf_core_field_offset(struct cred, cap_effective));
	bpf_probe_read_kernel(&ret->cap_inheritable, 8,
			      (void *)c + bpf_core_field_offset(struct cred, cap_inheritable));
	ret->loginuid = ~0u;
	if (bpf_core_field_exists(t->loginuid))
		ret->loginuid = BPF_CORE_READ(t, loginuid.val);
}

/* Fills every member. */
static __always_inline void task_fill(struct task_struct *t, struct rec_task *ret)
{
	struct task_struct *parent = BPF_CORE_READ(t, real_parent);
	struct signal_struct *sig = BPF_CORE_READ(t, signal);

	ret->start_ns = task_start(t);
	ret->parent_start_ns = task_start(parent);
	ret->cgroup = task_cgroup(t);
	ret->pid = BPF_CORE_READ(t, tgid);
	ret->ppid = BPF_CORE_READ(parent, tgid);
	ret->pgid = signal_pid(sig, PIDTYPE_PGID_V);
	ret->sid = signal_pid(sig, PIDTYPE_SID_V);
	ret->vpid = task_vpid(t);
	ret->tty = task_tty(sig);
	ret->flags = BPF_CORE_READ(t, flags);
	task_creds(t, ret);
	BPF_CORE_READ_INTO(&ret->comm, t, comm);
}
