/* Short-lived processes, one after the other: who starts what, and how long they live. */
#include "cause/cause.h"

#define LIKELY	 10.0 /* programs a second */
#define CERTAIN	 40.0
#define SHORT_NS 1000000000
#define NAMED	 3

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t started = 0, ended = 0, life = 0;
	struct finding *f;
	double rate;

	for (size_t i = 0; i < w->nexecs; i++) {
		started += w->execs[i].started;
		ended += w->execs[i].ended;
		life += w->execs[i].life_ns;
	}
	rate = watch_rate(w, started);
	if (rate < LIKELY || !ended || life / ended > SHORT_NS)
		return;
	f = finding_add(ret, &cause_exec_storm,
			rate >= CERTAIN ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY,
			rate >= 200 ? 980 : 500 + (uint32_t)(rate * 2.4));
	finding_title(f, "it starts %.0f short-lived processes a second, mostly %.*s", rate,
		      STR_ARG(w->execs[0].program));
	finding_evidence(f, "%lu started, %lu ended after %s on average", started, ended,
			 time_text(life / ended).s);
	for (size_t i = 0; i < w->nexecs && i < NAMED; i++)
		finding_evidence(f, "%s started %.*s %lu times", who_text(&w->execs[i].parent).s,
				 STR_ARG(w->execs[i].program), w->execs[i].started);
	finding_advice(
		f,
		"do it inside the process, or keep a helper running; a fork costs far more than the work");
}

const struct cause cause_exec_storm = {
	.name = "exec-storm",
	.help = "short-lived processes one after the other",
	.judge = judge,
};
