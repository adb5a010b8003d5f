/*
 * It waits for somebody it asked: connections it opened, on which it waits for answers or for the
 * handshake. A server that waits for requests waits too, but is not held up. Where packets are lost,
 * the timeouts of TCP are in these waits: the way is at fault then before the peer is. Waits for the DNS server are for
 * dns to tell, by name.
 */
#include "cause/cause.h"

#define LIKELY	  100
#define CERTAIN	  300
#define MENTION	  30
#define EACH_NS	  2000000 /* answers faster than this on average are no slow peer */
#define EACH_SURE 10000000
#define LOST	  0.02 /* of the segments sent */
#define LOST_FEW  10

static bool way_is_bad(const struct watch *w)
{
	uint64_t again = w->net_after.retransmits - w->net_before.retransmits;
	uint64_t sent = w->net_after.out_segments - w->net_before.out_segments;

	return w->has_net && again >= LOST_FEW && (double)again > LOST * (double)sent;
}

/*
 * Who waits in poll for many at once waits for whom it asked, as far as answers take longer than the waits that are
 * told of that peer alone. Waits for several overlap: not more than it spent in poll.
 */
static uint64_t polled_ns(const struct watch *w, const struct watch_peer *p)
{
	uint64_t more = p->asked_ns > p->wait_ns ? p->asked_ns - p->wait_ns : 0;

	return more < w->ns[THREAD_POLL] ? more : w->ns[THREAD_POLL];
}

static void peer_judge(const struct watch *w, const struct watch_peer *p, struct findings *ret)
{
	uint64_t polled = polled_ns(w, p), ns = p->wait_ns + p->connect_ns + polled;
	uint64_t n = p->waits + p->connects, each = n ? (ns - polled) / n : 0;
	uint64_t answer = p->asked ? p->asked_ns / p->asked : 0;
	uint32_t cost = watch_cost(w, ns);
	enum confidence sure;
	struct finding *f;

	if (polled > ns / 2)
		each = answer;
	if (p->server || peer_resolves(w, p) || cost < MENTION || each < EACH_NS)
		return;
	sure = confidence_of(cost, LIKELY, CERTAIN);
	if (sure == CONFIDENCE_CERTAIN && (each < EACH_SURE || way_is_bad(w)))
		sure = CONFIDENCE_LIKELY;
	f = finding_add(ret, &cause_slow_peer, sure, cost);
	finding_title(f, "it waits for %.*s%s%.*s%s: %s each time", STR_ARG(p->address),
		      p->name.n ? " (" : "", STR_ARG(p->name), p->name.n ? ")" : "",
		      time_text(each).s);
	finding_evidence(f, "%s waited %s for it in %lu waits", who_text(&p->who).s,
			 time_text(p->wait_ns).s, p->waits);
	if (p->asked)
		finding_evidence(f, "%lu requests, answered after %s on average%s", p->asked,
				 time_text(answer).s, polled ? ", waited for in poll" : "");
	if (p->connects)
		finding_evidence(f, "%lu connections made, %s each", p->connects,
				 time_text(p->connect_ns / p->connects).s);
	if (p->connect_fails)
		finding_evidence(f, "%lu connections failed: %s", p->connect_fails,
				 strerror(p->error));
	if (p->rtt_ns)
		finding_evidence(f, "the network's round trip is %s", time_text(p->rtt_ns).s);
	finding_advice(f, "look at that peer: porthole why on its pod, if it is on a node of yours");
}

static void judge(const struct watch *w, struct findings *ret)
{
	for (size_t i = 0; i < w->npeers; i++)
		peer_judge(w, &w->peers[i], ret);
}

const struct cause cause_slow_peer = {
	.name = "slow-peer",
	.help = "it waits for a peer that it asked",
	.judge = judge,
};
