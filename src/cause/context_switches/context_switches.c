/*
 * Threads hand work to each other so often that the switching is the work. The rate alone is no
 * fault: the time that a thread stays on its CPU tells.
 */
#include "cause/cause.h"

#define LIKELY	 15000.0 /* switches a second */
#define CERTAIN	 50000.0
#define SLICE_NS 60000 /* on the CPU at a time */
#define NAMED	 3

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t n = w->switches + w->preempted, slice = n ? w->ns[THREAD_RUNNING] / n : 0;
	double rate = watch_rate(w, n);
	struct finding *f;

	if (rate < LIKELY || slice > SLICE_NS)
		return;
	f = finding_add(ret, &cause_context_switches,
			rate >= CERTAIN ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY,
			watch_cost(w, w->ns[THREAD_RUNNING] + w->ns[THREAD_RUNNABLE]));
	finding_title(f, "its threads switch %.0f times a second", rate);
	finding_evidence(f,
			 "a thread runs for %s at a time; %lu switches by its own will, %lu by force",
			 time_text(slice).s, w->switches, w->preempted);
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
