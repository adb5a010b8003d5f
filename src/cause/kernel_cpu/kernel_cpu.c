/*
 * The CPU works in the kernel: on the target's behalf in one path, or on the node's in interrupts.
 * Which path, by the samples. That it is there is no reason yet: what a finding with a reason explains
 * (faults, switches, reclaim) is that one's, and only what is left is told of here.
 */
#include "cause/cause.h"

#define LIKELY	250
#define CERTAIN 500
#define MENTION 100
#define SHARE	0.5  /* of the target's CPU time */
#define SOFT	0.10 /* of all CPUs */
#define NAMED	3

static void own_judge(const struct watch *w, struct findings *ret)
{
	uint64_t all = w->user_ns + w->kernel_ns;
	uint64_t other = ret->kernel_ns < w->kernel_ns ? ret->kernel_ns : w->kernel_ns;
	uint64_t left = w->kernel_ns - other;
	struct finding *f;
	size_t named = 0;
	uint32_t cost;

	if (!all || (double)left < SHARE * (double)all)
		return;
	cost = watch_cost(w, share_of(w->ns[THREAD_RUNNING], left, all));
	if (cost < MENTION)
		return;
	/* Why it is there is for others to say; that it is there weighs a little less than a reason. */
	f = finding_add(ret, &cause_kernel_cpu, confidence_of(cost, LIKELY, CERTAIN), cost * 8 / 10);
	finding_title(f, "%.0f %% of its CPU time is in the kernel", percent(w->kernel_ns, all));
	if (other)
		finding_evidence(f, "of it %.0f %% have a reason among the other findings",
				 percent(other, all));
	for (size_t i = 0; i < w->nhots && named < NAMED; i++) {
		if (w->hots[i].kind != FRAME_KERNEL)
			continue;
		finding_evidence(f, "%.*s: %.1f %%", STR_ARG(w->hots[i].name),
				 percent(w->hots[i].ns, all));
		named++;
	}
	if (w->ncalls)
		finding_evidence(f, "its commonest system call is %.*s, %.0f a second",
				 STR_ARG(w->calls[0].name), watch_rate(w, w->calls[0].count));
	finding_advice(f, "porthole profile shows the paths; porthole events the calls");
}

static void node_judge(const struct watch *w, struct findings *ret)
{
	const struct vitals_node *a = &w->node_before, *b = &w->node_after;
	uint64_t irq = b->irq_ns - a->irq_ns + b->softirq_ns - a->softirq_ns;
	uint64_t whole = w->duration_ns * b->cpus;
	struct finding *f;

	if (!w->has_node || (double)irq < SOFT * (double)whole)
		return;
	f = finding_add(ret, &cause_kernel_cpu, CONFIDENCE_LIKELY,
			(uint32_t)(percent(irq, whole) * 10));
	finding_title(f, "interrupts take %.0f %% of the node's CPUs", percent(irq, whole));
	finding_evidence(f, "%s in soft interrupts, %s in hard ones",
			 time_text(b->softirq_ns - a->softirq_ns).s,
			 time_text(b->irq_ns - a->irq_ns).s);
	finding_advice(f,
		       "see /proc/softirqs and /proc/interrupts; network load is the usual reason");
}

static void judge(const struct watch *w, struct findings *ret)
{
	own_judge(w, ret);
	node_judge(w, ret);
}

const struct cause cause_kernel_cpu = {
	.name = "kernel-cpu",
	.help = "the CPU works in the kernel",
	.judge = judge,
};
