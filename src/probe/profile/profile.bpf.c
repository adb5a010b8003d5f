// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The sampling clock of each CPU: who runs, and both stacks. Runs in an interrupt that nothing but
 * an NMI interrupts, so this CPU's scratch is its own (bpf/unwind.h). A sample that falls into
 * another program's run on a perf event or tracepoint is not taken: the kernel does not nest them.
 * With knobs.samples_shared who put this program on an event of his own (bench/profiling.py: perf's)
 * gets the samples there too, so that both look at the same instant.
 */
#include "probe/profile/profile.h"

#include "bpf/unwind.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* What programs on perf events are given: the kernel's user interface, fixed. */
struct sample_ctx {
	u64 regs[PT_WORDS]; /* struct pt_regs */
	u64 period, addr;
};

static __always_inline void regs_sampled(const struct sample_ctx *ctx, struct uw_scratch *s)
{
	u64 *w = s->walk.node;

	w[PT_R15] = ctx->regs[PT_R15];
	w[PT_R14] = ctx->regs[PT_R14];
	w[PT_R13] = ctx->regs[PT_R13];
	w[PT_R12] = ctx->regs[PT_R12];
	w[PT_BP] = ctx->regs[PT_BP];
	w[PT_BX] = ctx->regs[PT_BX];
	w[PT_R11] = ctx->regs[PT_R11];
	w[PT_R10] = ctx->regs[PT_R10];
	w[PT_R9] = ctx->regs[PT_R9];
	w[PT_R8] = ctx->regs[PT_R8];
	w[PT_AX] = ctx->regs[PT_AX];
	w[PT_CX] = ctx->regs[PT_CX];
	w[PT_DX] = ctx->regs[PT_DX];
	w[PT_SI] = ctx->regs[PT_SI];
	w[PT_DI] = ctx->regs[PT_DI];
	w[PT_IP] = ctx->regs[PT_IP];
	w[PT_SP] = ctx->regs[PT_SP];
	uw_regs_words(s);
}

static __always_inline void sample_send(struct uw_scratch *s, struct task_struct *t, bool user)
{
	struct rec_sample *r = uw_record(s, sizeof(*r));
	struct kind_stats *st = stats_get(KIND_SAMPLE);
	u64 tail;

	hdr_fill(&r->hdr, REC_SAMPLE, t, seq_next());
	r->flags = user ? SAMPLE_USER : 0;
	r->pad = 0;
	tail = uw_end(s, &r->stack);
	if (st && s->end == STACK_FAULT)
		st->fault++;
	if (st && py_ended(INTERP_FAULT))
		st->fault++;
	if (st && (s->end == STACK_DEEP || py_ended(INTERP_DEEP)))
		st->cut++;
	asm volatile("" : "+r"(tail));
	if (tail > UW_TAIL_BYTES)
		return;
	r->hdr.len = sizeof(*r) + tail;
	record_output(&ring_bulk, RING_BULK_BYTES, r, sizeof(*r) + tail, KIND_SAMPLE);
}

SEC("perf_event")
int profile_sample(struct sample_ctx *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	bool user = (ctx->regs[PT_CS] & 3) == 3;
	struct ctl *c = ctl_get();
	struct uw_scratch *s;

	if (!c || !(c->wanted & KIND_BIT(KIND_SAMPLE)) || !(u32)bpf_get_current_pid_tgid())
		return 0;
	if (!filter_pass(c, KIND_SAMPLE, t))
		return 0;
	s = uw_begin(t);
	if (!s)
		return 0;
	if (!user)
		uw_kernel(ctx, s);
	if (!knobs.kernel_stacks_only) {
		if (user)
			regs_sampled(ctx, s);
		else
			uw_regs_task(s, t);
		uw_user(s);
		uw_interp(s, t);
	}
	sample_send(s, t, user);
	return knobs.samples_shared ? 1 : 0;
}
