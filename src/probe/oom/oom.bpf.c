// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * OOM kills. Since 6.8 the tracepoint gives the victim's task. Before, it gives a thread's number
 * alone; but the kernel sends SIGKILL to the victim just before (mm/oom_kill.c,
 * __oom_kill_process), in the same task: oom_signal notes its target for mark_victim to find. Where
 * no signal was sent (the running process was dying anyway) the victim is the running task.
 */
#include "probe/oom/oom.h"

#include "bpf/owner.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SIGKILL_V  9
#define INFO_PRIV  1
#define PAGE_BYTES 4096

enum {
	MM_FILEPAGES_V = 0,
	MM_ANONPAGES_V = 1,
	MM_SHMEMPAGES_V = 3,
};

struct victim {
	struct owner owner;
	u64 total_vm_bytes, anon_rss_bytes, file_rss_bytes, shmem_rss_bytes;
	__s16 score_adj;
	u8 known;
	u8 pad[5];
};

/* Of old kernels: by the thread that runs the kill. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, struct victim);
} oom_signalled SEC(".maps");

static __always_inline bool task_is_given(void)
{
	return bpf_core_field_exists(struct trace_event_raw_mark_victim, __data_loc_comm);
}

/* Since 6.2 without what each CPU has yet to add: less than a few hundred pages off. */
static __always_inline u64 rss_bytes(struct mm_struct *mm, u32 which)
{
	struct mm_struct___old *old = (void *)mm;
	s64 pages = 0;

	if (bpf_core_field_exists(old->rss_stat.count))
		bpf_core_read(&pages, sizeof(pages), &old->rss_stat.count[which].counter);
	else if (bpf_core_field_exists(mm->rss_stat))
		bpf_probe_read_kernel(&pages, sizeof(pages),
				      (void *)mm + bpf_core_field_offset(mm->rss_stat) +
					      which * bpf_core_type_size(struct percpu_counter) +
					      bpf_core_field_offset(struct percpu_counter, count));
	return pages > 0 ? pages * PAGE_BYTES : 0;
}

/* Fills every member. */
static __always_inline void victim_of(struct task_struct *t, struct victim *ret)
{
	struct mm_struct *mm = BPF_CORE_READ(t, mm);

	__builtin_memset(ret, 0, sizeof(*ret));
	owner_of(t, &ret->owner);
	ret->known = true;
	ret->score_adj = BPF_CORE_READ(t, signal, oom_score_adj);
	if (!mm)
		return;
	ret->total_vm_bytes = BPF_CORE_READ(mm, total_vm) * PAGE_BYTES;
	ret->anon_rss_bytes = rss_bytes(mm, MM_ANONPAGES_V);
	ret->file_rss_bytes = rss_bytes(mm, MM_FILEPAGES_V);
	ret->shmem_rss_bytes = rss_bytes(mm, MM_SHMEMPAGES_V);
}

SEC("tp_btf/signal_generate")
int oom_signal(u64 *ctx)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct victim v;
	u64 args[3];

	if (task_is_given())
		return 0;
	if (bpf_probe_read_kernel(args, sizeof(args), ctx) != 0 || (u32)args[0] != SIGKILL_V ||
	    args[1] != INFO_PRIV)
		return 0;
	victim_of((void *)args[2], &v);
	bpf_map_update_elem(&oom_signalled, &tid, &v, BPF_ANY);
	return 0;
}

/* The victim by the number of one of its threads. */
static __always_inline void victim_find(u32 victim_tid, struct victim *ret)
{
	struct task_struct *me = (void *)bpf_get_current_task();
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct victim *v = bpf_map_lookup_elem(&oom_signalled, &tid);

	if (victim_tid == tid) {
		victim_of(me, ret);
	} else if (v && v->owner.tid == victim_tid) {
		*ret = *v;
	} else {
		__builtin_memset(ret, 0, sizeof(*ret));
		owner_none(&ret->owner);
		ret->owner.pid = ret->owner.tid = victim_tid;
	}
	bpf_map_delete_elem(&oom_signalled, &tid);
}

static __always_inline void oom_fill(struct rec_oom *r, const struct victim *v)
{
	struct task_struct *me = (void *)bpf_get_current_task();

	r->trigger_start_ns = task_start(me);
	r->trigger_pid = bpf_get_current_pid_tgid() >> 32;
	BPF_CORE_READ_INTO(&r->trigger_comm, me, comm);
	r->total_vm_bytes = v->total_vm_bytes;
	r->anon_rss_bytes = v->anon_rss_bytes;
	r->file_rss_bytes = v->file_rss_bytes;
	r->shmem_rss_bytes = v->shmem_rss_bytes;
	r->score_adj = v->score_adj;
	r->known = v->known;
	r->pad = 0;
}

SEC("tp_btf/mark_victim")
int oom_victim(u64 *ctx)
{
	struct ctl *c = ctl_get();
	struct rec_oom *r;
	struct victim v;
	u32 number;
	u64 arg;

	if (!c || bpf_probe_read_kernel(&arg, sizeof(arg), ctx) != 0)
		return 0;
	if (task_is_given())
		victim_of((void *)arg, &v);
	else
		victim_find((u32)arg, &v);
	if (c->counted & KIND_BIT(KIND_OOM))
		count_add(KIND_OOM, v.owner.cgroup, false);
	if (!(c->wanted & KIND_BIT(KIND_OOM)) || !owner_pass(c, KIND_OOM, &v.owner))
		return 0;
	r = record_reserve(&ring_bulk, sizeof(*r), KIND_OOM, &number);
	if (!r)
		return 0;
	hdr_fill_owner(&r->hdr, REC_OOM, &v.owner, number, sizeof(*r));
	oom_fill(r, &v);
	record_submit(&ring_bulk, RING_BULK_BYTES, r, KIND_OOM);
	return 0;
}
