// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Signals, where they are generated: once per target process or thread, also when the target
 * ignores them. Signal 0 is a question, not a signal, and does not come here.
 *
 * The running task is the sender when a system call sends (kill, tgkill, sigqueue, pidfd), when a
 * process dies (SIGCHLD, parent-death), when a task's own fault or limit raises it, and for SIGKILL,
 * which the kernel sends from process context alone (OOM, the end of a pid namespace). What is left
 * comes from interrupts, on top of a task that has nothing to do with it: no sender.
 */
#include "probe/signal/signal.h"

#include "bpf/owner.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SIGKILL_V 9
#define SIGALRM_V 14
#define SIGCHLD_V 17
/* si_code of what system calls send: SI_USER, SI_QUEUE, SI_TKILL. Positive: the kernel. */
#define SI_USER_V  0
#define SI_QUEUE_V (-1)
#define SI_TKILL_V (-6)
/* Two values of the pointer that are no pointers (SEND_SIG_NOINFO, SEND_SIG_PRIV). */
#define INFO_NONE 0
#define INFO_PRIV 1

static __always_inline void signal_origin(u64 info, s32 *ret_code, u8 *ret_kernel)
{
	struct kernel_siginfo *si = (void *)info;

	*ret_code = 0;
	*ret_kernel = info == INFO_PRIV;
	if (info == INFO_NONE || info == INFO_PRIV)
		return;
	*ret_code = BPF_CORE_READ(si, si_code);
	*ret_kernel = *ret_code != SI_USER_V && *ret_code != SI_QUEUE_V && *ret_code != SI_TKILL_V;
}

/* Whether what the kernel sends has to do with the running task. A timer hits it by chance. */
static __always_inline bool sent_by_current(bool to_current, u32 sig)
{
	return sig == SIGKILL_V || sig == SIGCHLD_V || (to_current && sig != SIGALRM_V);
}

/* The arguments as plain numbers: `info` need not be a pointer, whatever its type says. */
struct signal_args {
	u64 sig, info, task, group, result;
};

SEC("tp_btf/signal_generate")
int signal_generate(u64 *ctx)
{
	struct task_struct *me = (void *)bpf_get_current_task(), *target;
	struct ctl *c = ctl_get();
	struct signal_args args;
	struct owner sender;
	struct rec_signal *r;
	u32 number;
	u8 kernel;
	s32 code;

	if (!c || !((c->wanted | c->counted) & KIND_BIT(KIND_SIGNAL)))
		return 0;
	if (bpf_probe_read_kernel(&args, sizeof(args), ctx) != 0)
		return 0;
	target = (void *)args.task;
	signal_origin(args.info, &code, &kernel);
	if (!kernel || sent_by_current(target == me, (u32)args.sig))
		owner_of(me, &sender);
	else
		owner_none(&sender);
	if (c->counted & KIND_BIT(KIND_SIGNAL))
		count_add(KIND_SIGNAL, sender.cgroup, false);
	if (!(c->wanted & KIND_BIT(KIND_SIGNAL)) || !owner_pass(c, KIND_SIGNAL, &sender))
		return 0;
	r = record_reserve(&ring_bulk, sizeof(*r), KIND_SIGNAL, &number);
	if (!r)
		return 0;
	hdr_fill_owner(&r->hdr, REC_SIGNAL, &sender, number, sizeof(*r));
	r->target_start_ns = task_start(target);
	r->target_cgroup = task_cgroup(target);
	r->target_pid = BPF_CORE_READ(target, tgid);
	r->target_tid = BPF_CORE_READ(target, pid);
	r->number = (s32)args.sig;
	r->code = code;
	r->result = args.result;
	r->group = args.group != 0;
	r->kernel = kernel;
	__builtin_memset(r->pad, 0, sizeof(r->pad));
	BPF_CORE_READ_INTO(&r->target_comm, target, comm);
	record_submit(&ring_bulk, RING_BULK_BYTES, r, KIND_SIGNAL);
	return 0;
}
