/*
 * Memory is touched for the first time, again and again (minor faults: mapping and unmapping,
 * forking, garbage), or has to be read from disk (major faults). Faults for pages that it had, and
 * that were evicted, are no fault of how it maps memory: they are cache-thrash's.
 */
#include "cause/cause.h"

#define LIKELY	120
#define CERTAIN 300
#define MENTION 40
#define MANY	5000.0 /* faults a second */

static bool is_fault(const struct frame *f, const void *ctx)
{
	(void)ctx;
	return f->kind == FRAME_KERNEL && (str_eq(f->function, STR("asm_exc_page_fault")) ||
					   str_eq(f->function, STR("exc_page_fault")) ||
					   str_eq(f->function, STR("handle_mm_fault")) ||
					   str_eq(f->function, STR("do_user_addr_fault")));
}

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t minor = 0, major = 0, cpu, others = refault_cpu_ns(w), waited, best = 0;
	double again = refault_share(w);
	const struct watch_process *who = NULL;
	struct finding *f;
	uint32_t cost;

	for (size_t i = 0; i < w->nprocesses; i++) {
		const struct watch_process *p = &w->processes[i];
		uint64_t n = p->after.minor_faults - p->before.minor_faults;

		if (!p->has)
			continue;
		minor += n;
		major += p->after.major_faults - p->before.major_faults;
		if (n >= best) {
			best = n;
			who = p;
		}
	}
	cpu = watch_stacks_ns(w->cpu, is_fault, NULL, false);
	cpu -= others < cpu ? others : cpu;
	waited = (uint64_t)((double)w->ns[THREAD_PAGEFAULT] * (1 - again));
	cost = watch_cost(w, cpu + waited);
	if (cost < MENTION || (watch_rate(w, minor) < MANY && !waited))
		return;
	f = finding_add(ret, &cause_page_faults, confidence_of(cost, LIKELY, CERTAIN), cost);
	finding_explains(ret, f, cpu);
	finding_title(f, "it spends %.0f %% of its busy time in page faults", (double)cost / 10);
	finding_evidence(f, "%.0f minor and %.0f major faults a second", watch_rate(w, minor),
			 watch_rate(w, major));
	finding_evidence(f, "%s of CPU in the fault handler, %s of waiting for pages",
			 time_text(cpu).s, time_text(waited).s);
	if (again > 0)
		finding_evidence(
			f, "not counted: %.0f %% of those that read a page in, for pages it had",
			again * 100);
	if (who)
		finding_evidence(f, "mostly %s, resident %s", who_text(&who->who).s,
				 bytes_text(who->after.resident).s);
	finding_advice(
		f,
		major * 10 > minor ?
			"its pages come from disk: more memory, or read ahead" :
			"keep memory instead of mapping it anew (allocator trim threshold), or use huge pages");
}

const struct cause cause_page_faults = {
	.name = "page-faults",
	.help = "memory is faulted in again and again",
	.judge = judge,
};
