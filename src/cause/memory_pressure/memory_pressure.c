/*
 * Memory is short and threads pay for it: they wait for reclaim, by the kernel's pressure figures of
 * the target's cgroup (else of the node), and by the pages that had to be scanned.
 */
#include "cause/cause.h"

#define LIKELY	50
#define CERTAIN 200
#define MENTION 10

static bool is_reclaim(const struct frame *f, const void *ctx)
{
	(void)ctx;
	return f->kind == FRAME_KERNEL && (str_eq(f->function, STR("try_to_free_pages")) ||
					   str_eq(f->function, STR("try_to_free_mem_cgroup_pages")) ||
					   str_eq(f->function, STR("shrink_node")));
}

/* Thousandths of the watch in which somebody waited for memory. */
static uint32_t stalled(const struct watch *w, const struct vitals_pressure *a,
			const struct vitals_pressure *b)
{
	return (uint32_t)(percent(b->some_ns - a->some_ns, w->duration_ns) * 10);
}

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t scanned = 0, cpu = watch_stacks_ns(w->cpu, is_reclaim, NULL, false);
	uint32_t psi = 0, node = 0, cost;
	struct finding *f;

	for (size_t i = 0; i < w->ngroups; i++) {
		const struct watch_group *g = &w->groups[i];

		if (g->after.has & g->before.has & GROUP_PRESSURE)
			psi = stalled(w, &g->before.pressure[PRESSURE_MEMORY],
				      &g->after.pressure[PRESSURE_MEMORY]);
		scanned += g->after.scanned - g->before.scanned;
	}
	if (w->has_node && w->node_after.has_pressure)
		node = stalled(w, &w->node_before.pressure[PRESSURE_MEMORY],
			       &w->node_after.pressure[PRESSURE_MEMORY]);
	cost = watch_cost(w, cpu);
	if (psi > cost)
		cost = psi;
	/* The node's figure says that somebody waits; that it is the target, only its own stacks say. */
	if (!psi && node > cost && (w->node || cpu))
		cost = node;
	if (cost < MENTION)
		return;
	f = finding_add(ret, &cause_memory_pressure, confidence_of(cost, LIKELY, CERTAIN), cost);
	finding_explains(ret, f, cpu);
	finding_title(f, "it waits for memory to be reclaimed: %.0f %% of the time",
		      (double)cost / 10);
	if (psi)
		finding_evidence(f, "pressure of its cgroup: some thread waited %.1f %% of the time",
				 psi / 10.0);
	if (node)
		finding_evidence(f, "pressure of the node: %.1f %%", node / 10.0);
	if (cpu)
		finding_evidence(f, "%s of its CPU time went into reclaim", time_text(cpu).s);
	if (w->has_node)
		finding_evidence(
			f, "the node has %s available of %s; %lu pages scanned by who needed them",
			bytes_text(w->node_after.memory_available).s,
			bytes_text(w->node_after.memory).s,
			w->node_after.direct_scanned - w->node_before.direct_scanned);
	if (scanned)
		finding_evidence(f, "%lu pages of its cgroup were scanned", scanned);
	finding_advice(
		f, "give it more memory, or use less: porthole why without a target shows the node");
}

const struct cause cause_memory_pressure = {
	.name = "memory-pressure",
	.help = "it waits for memory to be reclaimed",
	.judge = judge,
};
