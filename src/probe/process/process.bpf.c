// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Process life. Typed tracepoints (tp_btf) give the tasks themselves; each SEC function is a thin
 * door to one worker. Everything here is sent whether asked for or not: identity hangs on it.
 */
#include "probe/process/process.h"

#include "bpf/overlay.h"
#include "bpf/record.h"
#include "bpf/walk.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Two sizes of an exec record's tail (see TAIL_BYTES): the ordinary, and the largest there is. */
#define EXEC_SMALL_ARGS 1024
#define EXEC_SMALL_MASK 2047
/* With an environment of the usual size. */
#define EXEC_MEDIUM_ENV	 2048
#define EXEC_MEDIUM_MASK 4095
#define EXEC_LARGE_MASK	 32767

/* A child is watched as its parent is, by who asked for a process and its descendants. */
static __always_inline void filter_inherit(struct ctl *c, u32 parent, u32 child)
{
	u64 *from = c && c->tree ? bpf_map_lookup_elem(&f_pid, &parent) : NULL, *own, m;
	struct kind_stats *s;

	if (!from || !(*from & c->tree))
		return;
	own = bpf_map_lookup_elem(&f_pid, &child);
	m = mask_or(own, c->other[DIM_PID]) | (*from & c->tree);
	if (bpf_map_update_elem(&f_pid, &child, &m, BPF_ANY) != 0) {
		s = stats_get(KIND_FORK);
		if (s)
			s->map_full++;
	}
}

/* Its number may be used again: what it inherited goes, what is asked of the number stays. */
static __always_inline void filter_forget(struct ctl *c, u32 pid)
{
	u64 *own = c && c->tree ? bpf_map_lookup_elem(&f_pid, &pid) : NULL, m;

	if (!own)
		return;
	m = *own & ~c->tree;
	if (m == c->other[DIM_PID])
		bpf_map_delete_elem(&f_pid, &pid);
	else
		bpf_map_update_elem(&f_pid, &pid, &m, BPF_EXIST);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct ctl *c = ctl_get();
	struct rec_fork *r;
	u32 number;

	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid))
		return 0;
	filter_inherit(c, BPF_CORE_READ(parent, tgid), BPF_CORE_READ(child, tgid));
	if (c && (c->counted & KIND_BIT(KIND_FORK)))
		count_add(KIND_FORK, current_cgroup(parent), false);
	r = record_reserve(&ring_life, sizeof(*r), KIND_FORK, &number);
	if (!r)
		return 0;
	hdr_fill(&r->hdr, REC_FORK, parent, number);
	r->hdr.len = sizeof(*r);
	task_fill(child, &r->child);
	record_submit(&ring_life, RING_LIFE_BYTES, r, KIND_FORK);
	return 0;
}

/* Appends user memory [from, to), at most @max (a constant power of two). Returns whether it was cut. */
static __always_inline bool user_bytes(const struct tail *t, unsigned long from, unsigned long to,
				       const u32 max)
{
	struct kind_stats *s = stats_get(KIND_EXEC);
	u64 n = to > from ? to - from : 0;
	u32 at = tail_end(t);

	if (n == 0 || at > t->mask - max)
		return n != 0;
	if (n >= max)
		n = max - 1;
	if (bpf_probe_read_user(t->p + at, n & (max - 1), (void *)from) == 0)
		*t->end = at + (n & (max - 1));
	else if (s)
		s->fault++;
	return to - from >= max;
}

static __always_inline void piece_set(struct rec_exec *r, u32 which, u32 from, const struct tail *t,
				      bool cut)
{
	u32 to = tail_end(t);

	r->piece[which].off = to > from ? sizeof(*r) + from : 0;
	r->piece[which].len = to - from;
	if (cut)
		r->cut |= REC_CUT(which);
}

/* --- the executable's file ---------------------------------------------------------------------- */

#define SB_RDONLY_V   1
#define S_IMMUTABLE_V 8
#define NS_PER_SEC_V  1000000000ull
#define CTIME_NSEC    0x7fffffffu /* the bit above says "was asked" (6.13, commit 4e40eff0b573) */

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
} __attribute__((preserve_access_index));

struct kid {
	u32 val;
} __attribute__((preserve_access_index));

/* The members that no other probe reads. */
struct inode___exe {
	struct kid i_uid, i_gid;
	unsigned int i_flags;
	unsigned int i_nlink;
} __attribute__((preserve_access_index));

struct super_block___exe {
	unsigned long s_flags;
} __attribute__((preserve_access_index));

/* Times: up to 6.5; ctime from 6.6 and mtime from 6.7 (commit 13bc24457850) to 6.10; from 6.11. */
struct inode___first {
	struct timespec64 i_ctime, i_mtime;
} __attribute__((preserve_access_index));

struct inode___hidden {
	struct timespec64 __i_ctime, __i_mtime;
} __attribute__((preserve_access_index));

struct inode___split {
	s64 i_ctime_sec, i_mtime_sec;
	u32 i_ctime_nsec, i_mtime_nsec;
} __attribute__((preserve_access_index));

struct pid_namespace___exe {
	struct task_struct *child_reaper;
} __attribute__((preserve_access_index));

struct upid___exe {
	int nr;
	struct pid_namespace___exe *ns;
} __attribute__((preserve_access_index));

#define INODE_TIME(inode, which)                                                   \
	({                                                                         \
		struct inode___first *a = (void *)(inode);                         \
		struct inode___hidden *b = (void *)(inode);                        \
		struct inode___split *c = (void *)(inode);                         \
		u64 ns = 0;                                                        \
                                                                                   \
		if (bpf_core_field_exists(c->i_##which##_sec))                     \
			ns = BPF_CORE_READ(c, i_##which##_sec) * NS_PER_SEC_V +    \
			     (BPF_CORE_READ(c, i_##which##_nsec) & CTIME_NSEC);    \
		else if (bpf_core_field_exists(b->__i_##which))                    \
			ns = BPF_CORE_READ(b, __i_##which.tv_sec) * NS_PER_SEC_V + \
			     BPF_CORE_READ(b, __i_##which.tv_nsec);                \
		else if (bpf_core_field_exists(a->i_##which))                      \
			ns = BPF_CORE_READ(a, i_##which.tv_sec) * NS_PER_SEC_V +   \
			     BPF_CORE_READ(a, i_##which.tv_nsec);                  \
		ns;                                                                \
	})

/* memfd_create's files have the prefix in their name, no directory and no link. */
static __always_inline bool exe_is_memfd(struct dentry *d, u32 nlink)
{
	char name[8] = {};

	if (nlink || BPF_CORE_READ(d, d_parent) != d)
		return false;
	bpf_probe_read_kernel(name, 6, BPF_CORE_READ(d, d_name.name));
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' &&
	       name[4] == 'd' && name[5] == ':';
}

static __always_inline void exe_file_fill(struct file *file, struct rec_exe *ret)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	struct inode___exe *more = (void *)inode;
	struct super_block___exe *sb_more = (void *)sb;

	ret->inode = BPF_CORE_READ(inode, i_ino);
	ret->mode = BPF_CORE_READ(inode, i_mode);
	ret->uid = BPF_CORE_READ(more, i_uid.val);
	ret->gid = BPF_CORE_READ(more, i_gid.val);
	ret->nlink = BPF_CORE_READ(more, i_nlink);
	ret->ctime_ns = INODE_TIME(inode, ctime);
	ret->mtime_ns = INODE_TIME(inode, mtime);
	ret->flags = inode_layer(inode, sb);
	if (exe_is_memfd(BPF_CORE_READ(file, f_path.dentry), ret->nlink))
		ret->flags |= EXE_MEMFD;
	if ((BPF_CORE_READ(sb_more, s_flags) & SB_RDONLY_V) ||
	    (BPF_CORE_READ(more, i_flags) & S_IMMUTABLE_V))
		ret->flags |= EXE_RDONLY;
}

/* What @p is called at @level of the namespaces; 0 where it is not seen. */
static __always_inline u32 pid_at(struct pid *p, u32 level, struct pid_namespace___exe *ns)
{
	const u32 first = bpf_core_field_offset(struct pid, numbers);
	struct upid___exe *up = (void *)p + first + level * bpf_core_type_size(struct upid);

	if (!p || BPF_CORE_READ(p, level) < level || BPF_CORE_READ(up, ns) != ns)
		return 0;
	return BPF_CORE_READ(up, nr);
}

/* Fills every member. @file may be NULL. */
static __always_inline void exe_fill(struct task_struct *t, struct file *file, struct rec_exe *ret)
{
	const u32 first = bpf_core_field_offset(struct pid, numbers);
	struct signal_struct *sig = BPF_CORE_READ(t, signal);
	struct pid *p = BPF_CORE_READ(t, group_leader, thread_pid), *group = NULL, *session = NULL;
	u32 level = BPF_CORE_READ(p, level);
	struct upid___exe *up = (void *)p + first + level * bpf_core_type_size(struct upid);
	struct pid_namespace___exe *ns = BPF_CORE_READ(up, ns);

	__builtin_memset(ret, 0, sizeof(*ret));
	bpf_core_read(&group, sizeof(group), &sig->pids[PIDTYPE_PGID_V]);
	bpf_core_read(&session, sizeof(session), &sig->pids[PIDTYPE_SID_V]);
	ret->vpgid = pid_at(group, level, ns);
	ret->vsid = pid_at(session, level, ns);
	ret->pidns_start_ns = BPF_CORE_READ(ns, child_reaper, start_boottime);
	if (file)
		exe_file_fill(file, ret);
}

/* --- exec --------------------------------------------------------------------------------------- */

/* Fills the record; sizes are constants. Until the end, hdr.len is the end of the tail. */
static __always_inline void exec_fill(struct rec_exec *r, struct task_struct *task,
				      struct linux_binprm *bprm, const u32 args, const u32 env,
				      const u32 mask)
{
	struct tail t = { r->tail, &r->hdr.len, mask };
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct file *file = BPF_CORE_READ(bprm, file);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	unsigned long start = BPF_CORE_READ(mm, arg_start), end = BPF_CORE_READ(mm, arg_end);
	u32 from;
	bool cut;

	task_fill(task, &r->task);
	__builtin_memset(r->piece, 0, sizeof(r->piece));
	r->cut = 0;
	r->args_bytes = end - start;
	exe_fill(task, file, &r->exe);
	r->inode = r->exe.inode;
	piece_set(r, EXEC_ARGS, 0, &t, user_bytes(&t, start, end, args));
	if (env) {
		from = tail_end(&t);
		piece_set(r, EXEC_ENV, from, &t,
			  user_bytes(&t, BPF_CORE_READ(mm, env_start), BPF_CORE_READ(mm, env_end),
				     env));
	}
	from = tail_end(&t);
	cut = walk_path(&t, &file->f_path);
	cut |= walk_leaf(&t, &file->f_path, from);
	piece_set(r, EXEC_EXE, from, &t, cut);
	from = tail_end(&t);
	piece_set(r, EXEC_CWD, from, &t, walk_path(&t, &fs->pwd));
	r->hdr.len = sizeof(*r) + tail_end(&t);
}

/* Returns false, with nothing sent, when it did not fit and a larger size is left to try. */
static __always_inline bool exec_send(struct task_struct *t, struct linux_binprm *bprm,
				      const u32 args, const u32 env, const u32 mask, const bool last)
{
	struct kind_stats *s = stats_get(KIND_EXEC);
	struct rec_exec *r;
	u32 number;

	r = record_reserve(&ring_life, sizeof(*r) + TAIL_BYTES(mask), KIND_EXEC, &number);
	if (!r)
		return true;
	hdr_fill(&r->hdr, REC_EXEC, t, number);
	exec_fill(r, t, bprm, args, env, mask);
	if (!last && r->cut) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return false;
	}
	if (s && r->cut)
		s->cut++;
	record_submit(&ring_life, RING_LIFE_BYTES, r, KIND_EXEC);
	return true;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *t, pid_t old_pid, struct linux_binprm *bprm)
{
	struct ctl *c = ctl_get();

	if (c && (c->counted & KIND_BIT(KIND_EXEC)))
		count_add(KIND_EXEC, current_cgroup(t), false);
	if (knobs.env) {
		if (!exec_send(t, bprm, EXEC_SMALL_ARGS, EXEC_MEDIUM_ENV, EXEC_MEDIUM_MASK, false))
			exec_send(t, bprm, REC_ARGS_MAX, REC_ENV_MAX, EXEC_LARGE_MASK, true);
	} else if (!exec_send(t, bprm, EXEC_SMALL_ARGS, 0, EXEC_SMALL_MASK, false))
		exec_send(t, bprm, REC_ARGS_MAX, 0, EXEC_LARGE_MASK, true);
	return 0;
}

#define SIGNAL_GROUP_EXIT_V 0x4
#define PAGE_BYTES	    4096

static __always_inline int exit_status(struct task_struct *t, struct signal_struct *sig)
{
	if (BPF_CORE_READ(sig, flags) & SIGNAL_GROUP_EXIT_V)
		return BPF_CORE_READ(sig, group_exit_code);
	return BPF_CORE_READ(t, exit_code);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *t)
{
	struct signal_struct *sig = BPF_CORE_READ(t, signal);
	u32 pid = BPF_CORE_READ(t, tgid), number;
	struct ctl *c = ctl_get();
	struct rec_exit *r;

	/* The last thread takes the process with it. */
	if (BPF_CORE_READ(sig, live.counter) != 0)
		return 0;
	if (c && (c->counted & KIND_BIT(KIND_EXIT)))
		count_add(KIND_EXIT, current_cgroup(t), exit_status(t, sig) != 0);
	filter_forget(c, pid);
	r = record_reserve(&ring_life, sizeof(*r), KIND_EXIT, &number);
	if (!r)
		return 0;
	hdr_fill(&r->hdr, REC_EXIT, t, number);
	r->hdr.len = sizeof(*r);
	r->user_ns = BPF_CORE_READ(sig, utime) + BPF_CORE_READ(t, utime);
	r->system_ns = BPF_CORE_READ(sig, stime) + BPF_CORE_READ(t, stime);
	r->max_rss_bytes = BPF_CORE_READ(sig, maxrss) * PAGE_BYTES;
	r->code = exit_status(t, sig);
	r->pad = 0;
	record_submit(&ring_life, RING_LIFE_BYTES, r, KIND_EXIT);
	return 0;
}

#define CGROUP_TAIL 1024

/* Only the hierarchies that identity is taken from. */
static __always_inline bool cgroup_relevant(struct cgroup *cg)
{
	int hierarchy = BPF_CORE_READ(cg, root, hierarchy_id);

	return hierarchy == 0 || (knobs.v1_subsys != V1_NONE && hierarchy == (int)knobs.v1_hierarchy);
}

static __always_inline int cgroup_event(struct cgroup *cg, const char *path, u32 op,
					struct task_struct *moved)
{
	struct task_struct *me = (void *)bpf_get_current_task();
	struct rec_cgroup *r;
	u32 number;
	long n;

	if (!cgroup_relevant(cg))
		return 0;
	r = record_reserve(&ring_life, sizeof(*r) + CGROUP_TAIL, KIND_CGROUP, &number);
	if (!r)
		return 0;
	hdr_fill(&r->hdr, REC_CGROUP, me, number);
	r->id = cgroup_key(cg);
	r->hierarchy = BPF_CORE_READ(cg, root, hierarchy_id);
	r->op = op;
	r->task_pid = moved ? BPF_CORE_READ(moved, tgid) : 0;
	r->task_start_ns = moved ? task_start(moved) : 0;
	n = bpf_probe_read_kernel_str(r->tail, CGROUP_TAIL, path);
	r->cut = n == CGROUP_TAIL;
	r->path.off = n > 1 ? sizeof(*r) : 0;
	r->path.len = n > 1 ? n - 1 : 0;
	r->hdr.len = sizeof(*r) + r->path.len;
	record_submit(&ring_life, RING_LIFE_BYTES, r, KIND_CGROUP);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(process_cgroup_mkdir, struct cgroup *cg, const char *path)
{
	return cgroup_event(cg, path, CGROUP_MKDIR, NULL);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(process_cgroup_rmdir, struct cgroup *cg, const char *path)
{
	return cgroup_event(cg, path, CGROUP_RMDIR, NULL);
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(process_cgroup_attach, struct cgroup *cg, const char *path, struct task_struct *t)
{
	return cgroup_event(cg, path, CGROUP_ATTACH, t);
}

/* The processes that are there already: one record each through the iterator's seq_file. */
SEC("iter/task")
int process_seen(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct rec_task_seen r = {}; /* its pieces are user space's to add */
	struct signal_struct *sig;

	if (!t || BPF_CORE_READ(t, pid) != BPF_CORE_READ(t, tgid))
		return 0;
	sig = BPF_CORE_READ(t, signal);
	task_fill(t, &r.task);
	r.hdr.time_ns = bpf_ktime_get_boot_ns();
	r.hdr.start_ns = r.task.start_ns;
	r.hdr.cgroup = r.task.cgroup;
	r.hdr.len = sizeof(r);
	r.hdr.pid = r.hdr.tid = r.task.pid;
	r.hdr.type = REC_TASK_SEEN;
	r.hdr.uid = r.task.euid;
	__builtin_memcpy(r.hdr.comm, r.task.comm, sizeof(r.hdr.comm));
	exe_fill(t, BPF_CORE_READ(t, mm, exe_file), &r.exe);
	r.user_ns = BPF_CORE_READ(sig, utime) + BPF_CORE_READ(t, utime);
	r.system_ns = BPF_CORE_READ(sig, stime) + BPF_CORE_READ(t, stime);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
