/*
 * Writing its log is what it does: writes to standard output or error, to a terminal, or to a file
 * that only grows, as the hot path.
 */
#include "cause/cause.h"

#define LIKELY	2000.0 /* writes a second */
#define CERTAIN 8000.0
#define LINE	2048 /* bytes a write, on average: longer ones are data */

static bool is_log(const struct watch_file *f)
{
	struct str name = f->name;

	if (!f->writes || !f->calls || f->bytes / f->calls > LINE || f->type == WATCH_SOCKET)
		return false;
	return f->fd == 1 || f->fd == 2 || f->type == WATCH_TERMINAL || f->appends ||
	       str_ends(name, STR(".log")) || str_contains(name, STR("/log/"));
}

static void judge(const struct watch *w, struct findings *ret)
{
	const struct watch_file *x = NULL;
	uint64_t calls = 0, bytes = 0;
	struct finding *f;
	double rate;

	for (size_t i = 0; i < w->nfiles; i++) {
		if (!is_log(&w->files[i]))
			continue;
		calls += w->files[i].calls;
		bytes += w->files[i].bytes;
		if (!x || w->files[i].calls > x->calls)
			x = &w->files[i];
	}
	rate = watch_rate(w, calls);
	if (!x || rate < LIKELY)
		return;
	/* Lines of a log are small writes too; that it is a log says more. */
	f = finding_add(ret, &cause_logging, rate >= CERTAIN ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY,
			watch_cost(w, w->ns[THREAD_RUNNING] + w->ns[THREAD_WAIT]) + 30);
	finding_title(f, "it writes %.0f log lines a second", rate);
	finding_evidence(f, "%s to %.*s (descriptor %d): %lu writes, %s", who_text(&x->who).s,
			 STR_ARG(x->name.n ? x->name : STR("a file without a name")), x->fd,
			 x->calls, bytes_text(x->bytes).s);
	finding_evidence(f, "%s in all, %lu bytes a line", bytes_text(bytes).s, bytes / calls);
	finding_advice(f, "lower the log level, or buffer and sample the lines");
}

const struct cause cause_logging = {
	.name = "logging",
	.help = "writing its log is the hot path",
	.judge = judge,
};
