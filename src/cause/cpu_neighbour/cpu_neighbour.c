/*
 * Threads are ready and somebody else has the CPU. The scheduler tells for each wait who ran
 * meanwhile: when that is the target's own threads, it has more of them than CPUs, which is said but
 * is nobody else's fault. Unless others have the CPU that the second thread would have run on: then
 * it is theirs, as far as they are on the other CPUs.
 */
#include "cause/cause.h"

/* Less than half: what it does while it runs matters more than who runs otherwise. */
#define LIKELY	150
#define CERTAIN 500
#define MENTION 40
#define NAMED	3
/* Of little work much time: a tenth of the watch, and each piece of work takes half as long again. */
#define LITTLE 100
#define SLOWED 300 /* of the time in which it wanted a CPU */

static enum confidence confidence(const struct watch *w, uint32_t cost, uint64_t waited)
{
	uint64_t wanted = w->ns[THREAD_RUNNING] + waited;

	if (cost >= LITTLE && cost < LIKELY && waited * 1000 > wanted * SLOWED)
		return CONFIDENCE_LIKELY;
	return confidence_of(cost, LIKELY, CERTAIN);
}

/* How much of one other CPU, or of all others, are taken by others: 0 to 1. */
static double others_share(const struct watch *w)
{
	const struct vitals_node *a = &w->node_before, *b = &w->node_after;
	uint64_t busy = b->user_ns - a->user_ns + b->system_ns - a->system_ns;
	double taken, rest = (double)w->duration_ns * ((double)b->cpus - 1);

	if (!w->has_node || b->cpus < 2 || busy <= w->ns[THREAD_RUNNING])
		return 0;
	taken = (double)(busy - w->ns[THREAD_RUNNING]);
	return taken < rest ? taken / rest : 1;
}

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t others = 0, own = 0, sum, waited, pushed;
	struct finding *f;
	size_t named = 0;
	uint32_t cost;

	for (size_t i = 0; i < w->nrivals; i++)
		*(w->rivals[i].self ? &own : &others) += w->rivals[i].ns;
	sum = own + others;
	if (!others || w->node)
		return;
	/* Rivals are sampled; the scheduler's total is whole. */
	pushed = (uint64_t)((double)own * others_share(w));
	waited = share_of(w->ns[THREAD_RUNNABLE], others + pushed, sum);
	cost = watch_cost(w, waited);
	if (cost < MENTION)
		return;
	f = finding_add(ret, &cause_cpu_neighbour, confidence(w, cost, waited), cost);
	finding_title(f, "it waits for a CPU while others run: %.0f %% of its busy time",
		      (double)cost / 10);
	finding_evidence(f, "ready but not running for %s, %s on a CPU",
			 time_text(w->ns[THREAD_RUNNABLE]).s, time_text(w->ns[THREAD_RUNNING]).s);
	for (size_t i = 0; i < w->nrivals && named < NAMED; i++) {
		if (w->rivals[i].self)
			continue;
		finding_evidence(f, "meanwhile ran: %s, %.0f %% of the waits",
				 who_text(&w->rivals[i].who).s, percent(w->rivals[i].ns, sum));
		named++;
	}
	if (own * 10 > sum)
		finding_evidence(f, "its own other threads: %.0f %% of the waits", percent(own, sum));
	if (pushed * 10 > sum)
		finding_evidence(f, "of it %.0f %% because others had the CPUs beside",
				 percent(pushed, own));
	finding_advice(f, "give it a CPU request (weight), limit or move the neighbour");
}

const struct cause cause_cpu_neighbour = {
	.name = "cpu-neighbour",
	.help = "others run while it is ready",
	.judge = judge,
};
