/* Segments are sent again: packets are lost on the way, or a peer does not answer. */
#include "cause/cause.h"

#define FEW	10
#define LIKELY	0.005 /* of the segments sent */
#define CERTAIN 0.02
#define NAMED	3

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t again = w->net_after.retransmits - w->net_before.retransmits;
	uint64_t syn = w->net_after.syn_retransmits - w->net_before.syn_retransmits;
	uint64_t sent = w->net_after.out_segments - w->net_before.out_segments;
	double share;
	struct finding *f;
	size_t named = 0;

	if (!w->has_net || again < FEW)
		return;
	share = sent ? (double)again / (double)sent : 1;
	f = finding_add(ret, &cause_tcp_retransmit,
			share >= CERTAIN ? CONFIDENCE_CERTAIN :
			share >= LIKELY	 ? CONFIDENCE_LIKELY :
					   CONFIDENCE_POSSIBLE,
			share * 10 > 1 ? 1000 : (uint32_t)(share * 10000));
	finding_title(f, "%.1f %% of its TCP segments are sent again", share * 100);
	finding_evidence(f, "%lu of %lu segments, in its network namespace", again, sent);
	if (syn)
		finding_evidence(f, "%lu of them ask for a connection (SYN)", syn);
	for (size_t i = 0; i < w->npeers && named < NAMED; i++) {
		const struct watch_peer *p = &w->peers[i];

		if (!p->retransmits)
			continue;
		finding_evidence(f, "to %.*s: %lu sent again, round trip %s", STR_ARG(p->address),
				 p->retransmits, time_text(p->rtt_ns).s);
		named++;
	}
	finding_advice(
		f,
		"packets are lost on that way: look at drops of interfaces, qdiscs, conntrack and policies");
}

const struct cause cause_tcp_retransmit = {
	.name = "tcp-retransmit",
	.help = "TCP segments are lost and sent again",
	.judge = judge,
};
