/*
 * One function takes the CPU: by the samples of the target's own code, of whatever language. What
 * the kernel does is kernel-cpu's; little CPU time in all is no cause, however it is spread.
 */
#include "cause/cause.h"

#define LIKELY	250
#define CERTAIN 450
#define MENTION 80  /* less is not worth a line */
#define SHARE	0.2 /* of the CPU time: less is spread, not hot */
#define OTHERS	3

static const char *where_of(const struct watch_hot *h)
{
	switch (h->kind) {
	case FRAME_INTERP:
		return "interpreted code";
	case FRAME_JIT:
		return "code compiled at run time";
	default:
		return "native code";
	}
}

static const struct watch_hot *user_hot(const struct watch *w, size_t nth)
{
	for (size_t i = 0; i < w->nhots; i++)
		if (w->hots[i].kind != FRAME_KERNEL && nth-- == 0)
			return &w->hots[i];
	return NULL;
}

static void evidence_add(const struct watch *w, const struct watch_hot *h, struct finding *f)
{
	uint64_t all = w->user_ns + w->kernel_ns;
	const struct watch_hot *o;

	finding_evidence(f, "%.*s: %.1f %% of the CPU time (%s), %s of %.*s", STR_ARG(h->name),
			 percent(h->ns, all), time_text(h->ns).s, where_of(h), STR_ARG(h->module));
	if (h->callee.n)
		finding_evidence(f, "most of it in %.*s, which it calls", STR_ARG(h->callee));
	for (size_t i = 1; i <= OTHERS && (o = user_hot(w, i)); i++)
		finding_evidence(f, "next: %.*s %.1f %%", STR_ARG(o->name), percent(o->ns, all));
	finding_evidence(f, "the target used %.2f CPUs on average",
			 (double)w->ns[THREAD_RUNNING] /
				 (double)(w->duration_ns ? w->duration_ns : 1));
}

static void judge(const struct watch *w, struct findings *ret)
{
	const struct watch_hot *h = user_hot(w, 0);
	uint64_t all = w->user_ns + w->kernel_ns;
	struct finding *f;
	uint32_t cost;

	if (!h || (double)h->ns < SHARE * (double)all)
		return;
	cost = watch_cost(w, share_of(w->ns[THREAD_RUNNING], h->ns, all));
	if (cost < MENTION)
		return;
	f = finding_add(ret, &cause_hot_function, confidence_of(cost, LIKELY, CERTAIN), cost);
	finding_title(f, "%.*s takes %.0f %% of the CPU time", STR_ARG(h->name), percent(h->ns, all));
	if (f)
		evidence_add(w, h, f);
	finding_advice(f, "look at who calls it: porthole profile, with -o html for a flame graph");
}

const struct cause cause_hot_function = {
	.name = "hot-function",
	.help = "one function of the program takes the CPU",
	.judge = judge,
};
