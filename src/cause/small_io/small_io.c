/* Reads and writes of a few bytes, very many of them: a buffer is missing. */
#include "cause/cause.h"

#define LIKELY	5000.0 /* calls a second */
#define CERTAIN 30000.0
#define SMALL	128 /* bytes a call, on average */

static void judge(const struct watch *w, struct findings *ret)
{
	const struct watch_file *x = NULL;
	uint64_t kernel = w->user_ns + w->kernel_ns;
	struct finding *f;
	double rate;

	for (size_t i = 0; i < w->nfiles; i++) {
		const struct watch_file *y = &w->files[i];

		if (y->calls && y->bytes / y->calls < SMALL && (!x || y->calls > x->calls))
			x = y;
	}
	if (!x)
		return;
	rate = watch_rate(w, x->calls);
	if (rate < LIKELY)
		return;
	f = finding_add(ret, &cause_small_io,
			rate >= CERTAIN ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY,
			watch_cost(w, w->ns[THREAD_RUNNING]));
	finding_title(f, "it %s %.0f times a second, %lu bytes at a time",
		      x->writes ? "writes" : "reads", rate, x->bytes / x->calls);
	finding_evidence(f, "%s: %lu calls, %s, %s %.*s", who_text(&x->who).s, x->calls,
			 bytes_text(x->bytes).s, x->writes ? "to" : "from",
			 STR_ARG(x->name.n ? x->name : STR("an unknown file")));
	if (kernel)
		finding_evidence(f, "%.0f %% of its CPU time is in the kernel",
				 percent(w->kernel_ns, kernel));
	finding_advice(f, "buffer it: one call for many (stdio, BufferedReader, writev)");
}

const struct cause cause_small_io = {
	.name = "small-io",
	.help = "reads or writes of a few bytes, very many",
	.judge = judge,
};
