/*
 * Threads hand work to each other so often that the switching is the work. The rate alone is no
 * fault: the time that a thread stays on its CPU tells. It is sure at rates that no work needs; or
 * where the CPU is seen to switch and wake for much of the time, because the threads wake each other
 * (not a timer, and not because they hold a lock that others wait for: those are other causes).
 */
#include "cause/cause.h"

#define LIKELY	 15000.0 /* switches a second */
#define CERTAIN	 50000.0
#define SLICE_NS 60000 /* on the CPU at a time */
#define SHARE	 0.3   /* of the CPU time, in the scheduler */
#define COST	 300   /* of the busy time, at least: little work is not much switching */
#define NAMED	 3

/*
 * To switch and to wake. Wakers hold the lock of what is waited for with interrupts off; where samples come by an
 * interrupt, that time is seen when they are on again. At such rates it is waking, whatever else locks so.
 */
static const char *const switching[] = {
	"schedule",
	"__schedule",
	"preempt_schedule_common",
	"try_to_wake_up",
	"wake_up_q",
	"__wake_up",
	"__wake_up_common",
	"__wake_up_common_lock",
	"__wake_up_sync_key",
	"ttwu_do_activate",
	"_raw_spin_unlock_irqrestore",
};

static bool is_switching(const struct frame *f, const void *ctx)
{
	(void)ctx;
	if (f->kind != FRAME_KERNEL)
		return false;
	for (size_t i = 0; i < sizeof(switching) / sizeof(switching[0]); i++)
		if (str_eq(f->function, str_of(switching[i])))
			return true;
	return str_starts(f->function, STR("finish_task_switch"));
}

/* Most of the switches are waits that a thread of the target ends. */
static bool hands_over(const struct watch *w)
{
	uint64_t wakeups = 0, locked = 0;

	for (size_t i = 0; i < w->nthreads; i++)
		wakeups += w->threads[i].wakeups;
	for (size_t i = 0; i < w->nlocks; i++)
		if (watch_lock_contended(&w->locks[i]))
			locked += w->locks[i].wait_ns;
	return wakeups * 2 > w->switches + w->preempted && locked * 2 < w->ns[THREAD_RUNNING];
}

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t n = w->switches + w->preempted, slice = n ? w->ns[THREAD_RUNNING] / n : 0;
	uint64_t all = w->user_ns + w->kernel_ns, cpu;
	uint32_t cost = watch_cost(w, w->ns[THREAD_RUNNING] + w->ns[THREAD_RUNNABLE]);
	double rate = watch_rate(w, n);
	struct finding *f;
	bool sure;

	if (rate < LIKELY || slice > SLICE_NS)
		return;
	cpu = watch_stacks_ns(w->cpu, is_switching, NULL, false);
	sure = rate >= CERTAIN ||
	       (cost >= COST && (double)cpu > SHARE * (double)all && hands_over(w));
	f = finding_add(ret, &cause_context_switches, sure ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY,
			cost);
	finding_explains(ret, f, cpu);
	finding_title(f, "its threads switch %.0f times a second", rate);
	finding_evidence(f,
			 "a thread runs for %s at a time; %lu switches by its own will, %lu by force",
			 time_text(slice).s, w->switches, w->preempted);
	if (cpu)
		finding_evidence(f, "%.0f %% of its CPU time goes into switching and waking",
				 percent(cpu, all));
	for (size_t i = 0; i < w->nthreads && i < NAMED; i++)
		finding_evidence(f, "%s: %.0f switches a second, %.0f wakeups of others",
				 who_text(&w->threads[i].who).s,
				 watch_rate(w, w->threads[i].switches + w->threads[i].preempted),
				 watch_rate(w, w->threads[i].wakeups));
	finding_advice(f, "hand over more at a time, or let one thread do both ends");
}

const struct cause cause_context_switches = {
	.name = "context-switches",
	.help = "threads hand over to each other all the time",
	.judge = judge,
};
