/* Signals, very many: timers, children, or processes that knock at each other. */
#include "cause/cause.h"

#define LIKELY	100.0 /* a second */
#define CERTAIN 1000.0
#define NAMED	3

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t n = 0;
	struct finding *f;
	double rate;

	for (size_t i = 0; i < w->nsignals; i++)
		if (!str_eq(w->signals[i].name, STR("SIGCHLD"))) /* every child that ends sends one */
			n += w->signals[i].count;
	rate = watch_rate(w, n);
	if (rate < LIKELY)
		return;
	f = finding_add(ret, &cause_signal_storm,
			rate >= CERTAIN ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY,
			rate >= 10000 ? 960 : 500 + (uint32_t)(rate / 22));
	finding_title(f, "%.0f signals a second, mostly %.*s", rate, STR_ARG(w->signals[0].name));
	for (size_t i = 0; i < w->nsignals && i < NAMED; i++) {
		const struct watch_signal *s = &w->signals[i];

		finding_evidence(f, "%.*s to %s, %lu times, from %s", STR_ARG(s->name),
				 who_text(&s->target).s, s->count,
				 s->sender.pid ? who_text(&s->sender).s : "the kernel");
	}
	finding_advice(f, "each one interrupts a thread and its system call: use fewer, or signalfd");
}

const struct cause cause_signal_storm = {
	.name = "signal-storm",
	.help = "very many signals",
	.judge = judge,
};
