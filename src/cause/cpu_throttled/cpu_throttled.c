/*
 * The cgroup's CPU quota: by the kernel's own count of throttled periods, and by the time threads
 * stood ready with no quota left. Short windows of 100 ms are enough to be throttled in while the
 * average is far below the limit, so the periods count, not the average.
 */
#include "cause/cause.h"

#define LIKELY	50
#define CERTAIN 200

static void group_judge(const struct watch *w, const struct watch_group *g, struct findings *ret)
{
	uint64_t periods = g->after.periods - g->before.periods;
	uint64_t throttled = g->after.throttled - g->before.throttled;
	uint64_t ns = g->after.throttled_ns - g->before.throttled_ns;
	double cpus =
		(double)g->after.quota_ns / (double)(g->after.period_ns ? g->after.period_ns : 1);
	uint32_t cost = watch_cost(w, w->ns[THREAD_THROTTLED]), of_periods;
	struct finding *f;

	if (!throttled)
		return;
	of_periods = (uint32_t)(percent(throttled, periods) * 10);
	if (of_periods > cost)
		cost = of_periods;
	f = finding_add(ret, &cause_cpu_throttled, confidence_of(cost, LIKELY, CERTAIN), cost);
	finding_title(f, "its CPU limit (%.2f CPUs) stops it in %.0f %% of the periods", cpus,
		      percent(throttled, periods));
	finding_evidence(f, "%.*s: throttled in %lu of %lu periods of %s, for %s", STR_ARG(g->name),
			 throttled, periods, time_text(g->after.period_ns).s, time_text(ns).s);
	if (w->ns[THREAD_THROTTLED])
		finding_evidence(
			f, "its threads stood ready without quota for %s (%.1f %% of their time)",
			time_text(w->ns[THREAD_THROTTLED]).s,
			percent(w->ns[THREAD_THROTTLED], watch_total_ns(w)));
	if (g->after.has & GROUP_CPU)
		finding_evidence(f, "used %.2f CPUs on average",
				 (double)(g->after.cpu_ns - g->before.cpu_ns) /
					 (double)(w->duration_ns ? w->duration_ns : 1));
	finding_advice(f, "raise or remove resources.limits.cpu, or run fewer threads at once");
}

static void judge(const struct watch *w, struct findings *ret)
{
	for (size_t i = 0; i < w->ngroups; i++)
		if (w->groups[i].before.has & w->groups[i].after.has & GROUP_QUOTA)
			group_judge(w, &w->groups[i], ret);
}

const struct cause cause_cpu_throttled = {
	.name = "cpu-throttled",
	.help = "the CPU limit of its cgroup is used up",
	.judge = judge,
};
