/* Descriptors that are opened and not closed, or that have run out. */
#include "cause/cause.h"

#include <errno.h>

#define GROWTH 1.0 /* descriptors a second */
#define GROWN  10
#define FULL   0.9
#define NAMED  3

static void process_judge(const struct watch *w, const struct watch_process *p, struct findings *ret)
{
	uint32_t grown = p->after.fds > p->before.fds ? p->after.fds - p->before.fds : 0;
	double rate = watch_rate(w, grown), full = 0;
	uint64_t refused = watch_errors(w, p->who.pid, EMFILE);
	bool out, steady = p->fds_middle > p->before.fds && p->after.fds > p->fds_middle &&
			   (p->after.fds - p->fds_middle) * 4 > grown;
	struct finding *f;

	if (p->after.fds_max)
		full = (double)p->after.fds / (double)p->after.fds_max;
	out = refused || full >= FULL;
	/* Who has just started opens much once; who leaks goes on. */
	if (!out && (rate < GROWTH || grown < GROWN || !steady))
		return;
	f = finding_add(ret, &cause_fd_leak,
			refused || (rate >= 5 * GROWTH && grown >= 5 * GROWN) || (out && grown) ?
				CONFIDENCE_CERTAIN :
				CONFIDENCE_LIKELY,
			refused ? 970 : 600 + (rate > 100 ? 300 : (uint32_t)(rate * 3)));
	if (refused)
		finding_title(f, "%s has run out of file descriptors", who_text(&p->who).s);
	else
		finding_title(f, "%s opens more than it closes: %.1f descriptors a second",
			      who_text(&p->who).s, rate);
	finding_evidence(f, "%u descriptors open, %u before; its limit is %u", p->after.fds,
			 p->before.fds, p->after.fds_max);
	if (refused)
		finding_evidence(f, "%lu calls were refused: %s", refused, strerror(EMFILE));
	finding_advice(
		f,
		"see what they are (ls -l /proc/%u/fd) and who opens them: porthole events --kind open,socket --pid %u",
		p->who.pid, p->who.pid);
}

static void judge(const struct watch *w, struct findings *ret)
{
	size_t before = ret->n;

	for (size_t i = 0; i < w->nprocesses && ret->n - before < NAMED; i++)
		if (w->processes[i].has)
			process_judge(w, &w->processes[i], ret);
}

const struct cause cause_fd_leak = {
	.name = "fd-leak",
	.help = "file descriptors leak or have run out",
	.judge = judge,
};
