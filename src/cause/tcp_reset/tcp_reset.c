/* Connections end by a reset: a peer that crashed, refuses, or lets go of idle connections. */
#include "cause/cause.h"

#define FEW	10
#define LIKELY	2.0 /* per second */
#define CERTAIN 10.0
#define NAMED	3

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t in = w->net_after.resets_in - w->net_before.resets_in;
	uint64_t out = w->net_after.resets_out - w->net_before.resets_out;
	uint64_t fails = w->net_after.connect_fails - w->net_before.connect_fails;
	uint64_t n = in > out ? in : out;
	double rate = watch_rate(w, n > fails ? n : fails);
	struct finding *f;
	size_t named = 0;

	if (!w->has_net || (n < FEW && fails < FEW))
		return;
	f = finding_add(ret, &cause_tcp_reset,
			rate >= CERTAIN ? CONFIDENCE_CERTAIN :
			rate >= LIKELY	? CONFIDENCE_LIKELY :
					  CONFIDENCE_POSSIBLE,
			rate >= 100 ? 900 : 300 + (uint32_t)(rate * 6));
	finding_title(f, "its connections end by resets: %.1f a second", rate);
	finding_evidence(f,
			 "in its network namespace: %lu established connections reset, %lu resets sent, "
			 "%lu attempts to connect failed",
			 in, out, fails);
	for (size_t i = 0; i < w->npeers && named < NAMED; i++) {
		const struct watch_peer *p = &w->peers[i];

		if (!p->resets && !p->connect_fails)
			continue;
		finding_evidence(f, "%.*s: %lu resets, %lu connections failed%s%s",
				 STR_ARG(p->address), p->resets, p->connect_fails,
				 p->connect_fails ? ": " : "",
				 p->connect_fails ? strerror(p->error) : "");
		named++;
	}
	finding_advice(f,
		       "see whether the peer is up and listens, and whose idle timeout is shorter");
}

const struct cause cause_tcp_reset = {
	.name = "tcp-reset",
	.help = "connections are reset or refused",
	.judge = judge,
};
