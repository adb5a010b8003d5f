/* The hypervisor runs somebody else: a virtual machine's CPU time that its host kept. */
#include "cause/cause.h"

#define LIKELY	100
#define CERTAIN 250
#define MENTION 20

static void judge(const struct watch *w, struct findings *ret)
{
	const struct vitals_node *a = &w->node_before, *b = &w->node_after;
	uint64_t steal = b->steal_ns - a->steal_ns, whole = w->duration_ns * b->cpus;
	struct finding *f;
	uint32_t cost;

	if (!w->has_node)
		return;
	cost = (uint32_t)(percent(steal, whole) * 10);
	if (cost < MENTION)
		return;
	f = finding_add(ret, &cause_cpu_steal, confidence_of(cost, LIKELY, CERTAIN), cost);
	finding_title(f, "the hypervisor takes %.1f %% of this node's CPU time",
		      percent(steal, whole));
	finding_evidence(f, "%s stolen in %s on %u CPUs (/proc/stat)", time_text(steal).s,
			 time_text(w->duration_ns).s, b->cpus);
	finding_advice(
		f, "a larger or dedicated machine, or another host: nothing inside this one helps");
}

const struct cause cause_cpu_steal = {
	.name = "cpu-steal",
	.help = "the hypervisor runs somebody else",
	.judge = judge,
};
