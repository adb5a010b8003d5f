/* The queue of a listening socket is full: the kernel drops connections before the program sees them. */
#include "cause/cause.h"

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t full = w->net_after.listen_overflows - w->net_before.listen_overflows;
	uint64_t drops = w->net_after.listen_drops - w->net_before.listen_drops;
	struct finding *f;

	if (!w->has_net || !full)
		return;
	f = finding_add(ret, &cause_listen_overflow,
			full >= 5 ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY,
			full >= 50 ? 950 : 500 + (uint32_t)full * 9);
	finding_title(f, "its accept queue is full: %lu connections were dropped", full);
	finding_evidence(f, "ListenOverflows +%lu, ListenDrops +%lu in its network namespace", full,
			 drops);
	finding_evidence(f, "it made %lu accept calls meanwhile",
			 watch_calls(w, "accept", 0).count + watch_calls(w, "accept4", 0).count);
	finding_advice(
		f,
		"accept faster (more workers), or raise listen()'s backlog and net.core.somaxconn");
}

const struct cause cause_listen_overflow = {
	.name = "listen-overflow",
	.help = "the queue of a listening socket is full",
	.judge = judge,
};
