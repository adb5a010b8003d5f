/*
 * Of what it serves, one route takes most of the time, and much longer than the others: where it is slow, that is
 * where. Said of servers with several routes only.
 */
#include "cause/cause.h"

#define FEW	5	 /* answers of the route, and of others */
#define SLOW_NS 20000000 /* on average; what is faster is nobody's trouble */
#define TIMES	5	 /* as slow as the others on average */
#define SHARE	600	 /* per mille of all answers' time */
#define COST	250

static void judge(const struct watch *w, struct findings *ret)
{
	const struct watch_request *hot = NULL;
	uint64_t ns = 0, n = 0, each, others;
	struct finding *f;

	for (size_t i = 0; i < w->nrequests; i++) {
		const struct watch_request *r = &w->requests[i];

		if (r->peer.n || str_eq(r->protocol, STR("tcp")))
			continue;
		ns += r->ns;
		n += r->count;
		if (!hot || r->ns > hot->ns)
			hot = r;
	}
	if (!hot || hot->count < FEW || n - hot->count < FEW || hot->ns * 1000 < ns * SHARE)
		return;
	each = hot->ns / hot->count;
	others = (ns - hot->ns) / (n - hot->count);
	if (each < SLOW_NS || each < others * TIMES)
		return;
	f = finding_add(ret, &cause_hot_route, CONFIDENCE_LIKELY, COST);
	finding_title(f, "%.*s takes %.0f %% of the time of its answers", STR_ARG(hot->route),
		      (double)hot->ns * 100 / (double)ns);
	finding_evidence(f, "%lu of %lu answers, %s each, the longest %s", hot->count, n,
			 time_text(each).s, time_text(hot->worst_ns).s);
	finding_evidence(f, "its other routes take %s", time_text(others).s);
	finding_advice(
		f,
		"porthole requests --slow 20ms shows them; the other findings say what they wait for");
}

const struct cause cause_hot_route = {
	.name = "hot-route",
	.help = "one route takes most of the time of answers",
	.judge = judge,
};
