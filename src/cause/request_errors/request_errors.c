/*
 * Requests that fail: those it answers, and those it makes. A few failures are everyday (404, a key that exists); a
 * burst, or a route that does nothing else, is not. What it costs is not time, so the share of failures stands for it.
 */
#include "cause/cause.h"

#define FEW	 10 /* failures in the watch */
#define SHARE	 50 /* per mille of a route's requests */
#define SURE	 300
#define COST_MIN 100

static void route_judge(const struct watch *w, const struct watch_request *r, struct findings *ret)
{
	uint64_t n = r->count + r->unanswered, bad = r->failed + r->unanswered;
	uint64_t share = n ? bad * 1000 / n : 0;
	struct finding *f;

	/* Names that fail are another hypothesis; of an unknown protocol no answer is a failure. */
	if (str_eq(r->protocol, STR("dns")) || str_eq(r->protocol, STR("tcp")))
		return;
	if (bad < FEW || share < SHARE)
		return;
	f = finding_add(ret, &cause_request_errors,
			share >= SURE ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY,
			share < COST_MIN ? COST_MIN : (uint32_t)share);
	finding_title(f, "%.0f %% of its %.*s requests %sfail%s%.*s", (double)share / 10,
		      STR_ARG(r->protocol), r->peer.n ? "to a peer " : "", r->status.n ? ": " : "",
		      STR_ARG(r->status));
	finding_evidence(f, "%.*s: %lu of %lu failed, %lu of them without an answer",
			 STR_ARG(r->route), bad, n, r->unanswered);
	if (r->peer.n)
		finding_evidence(f, "%s asks %.*s", who_text(&r->who).s, STR_ARG(r->peer));
	else
		finding_evidence(f, "%s answers them", who_text(&r->who).s);
	if (r->count)
		finding_evidence(f, "answered after %s on average, %.1f a second",
				 time_text(r->ns / r->count).s, watch_rate(w, n));
	finding_advice(
		f, "porthole requests --where 'req.ok=false' shows each with its status and message");
}

static void judge(const struct watch *w, struct findings *ret)
{
	for (size_t i = 0; i < w->nrequests; i++)
		route_judge(w, &w->requests[i], ret);
}

const struct cause cause_request_errors = {
	.name = "request-errors",
	.help = "requests fail",
	.judge = judge,
};
