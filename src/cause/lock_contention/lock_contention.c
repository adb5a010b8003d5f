/*
 * Threads wait for each other's lock. A worker that waits for work stands in a futex too; what tells
 * them apart is who ends the wait: of a contended lock it is another waiter, at other times, and the
 * waiters stand in a function that takes a lock.
 */
#include "cause/cause.h"

#define LIKELY	100
#define CERTAIN 300
#define MENTION 30
#define NAMED	2

static void judge(const struct watch *w, struct findings *ret)
{
	const struct watch_lock *named[NAMED];
	uint64_t ns = 0, waits = 0;
	struct finding *f;
	size_t n = 0;
	uint32_t cost;

	for (size_t i = 0; i < w->nlocks; i++) {
		const struct watch_lock *l = &w->locks[i];

		if (!watch_lock_contended(l))
			continue;
		ns += l->wait_ns;
		waits += l->waits;
		if (n < NAMED)
			named[n++] = l;
	}
	cost = watch_cost(w, ns);
	if (cost < MENTION)
		return;
	f = finding_add(ret, &cause_lock_contention, confidence_of(cost, LIKELY, CERTAIN), cost);
	finding_title(f, "its threads wait for a lock: %.0f %% of their busy time%s%.*s",
		      (double)cost / 10, named[0]->function.n ? ", in " : "",
		      STR_ARG(named[0]->function));
	finding_evidence(f, "%s of waiting in %lu waits", time_text(ns).s, waits);
	for (size_t i = 0; i < n; i++) {
		const struct watch_lock *l = named[i];

		finding_evidence(f, "lock at 0x%lx: %s in %lu waits of %s, taken in %.*s",
				 l->address, time_text(l->wait_ns).s, l->waits, who_text(&l->who).s,
				 STR_ARG(l->function.n ? l->function : STR("unknown code")));
		if (l->holder_wakes)
			finding_evidence(f, "it is mostly %s that lets go of it (%lu times)",
					 who_text(&l->holder).s, l->holder_wakes);
	}
	finding_advice(f, "hold it shorter, split it, or use fewer threads");
}

const struct cause cause_lock_contention = {
	.name = "lock-contention",
	.help = "threads wait for a lock that others hold",
	.judge = judge,
};
