/*
 * System calls that fail again and again: which, with what errno, on which path. Failures that are
 * answers (nothing there yet, interrupted, in progress, timed out) are no errors.
 */
#include "cause/cause.h"

#include <errno.h>

#define LIKELY	50.0 /* a second */
#define CERTAIN 500.0
#define SHARE	0.10 /* of all its calls */
#define NAMED	3

static const int answers[] = { EAGAIN,	 EINTR, EINPROGRESS, ETIMEDOUT, ECHILD,
			       EALREADY, 512,	513,	     514,	516 };

static bool is_answer(int error)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i] == error)
			return true;
	return error == 0 || error == WATCH_NOTHING;
}

static void judge(const struct watch *w, struct findings *ret)
{
	const struct watch_call *named[NAMED];
	struct finding *f;
	size_t n = 0;
	double rate;

	for (size_t i = 0; i < w->ncalls && n < NAMED; i++) {
		const struct watch_call *c = &w->calls[i];

		if (is_answer(c->error) || watch_rate(w, c->count) < LIKELY)
			continue;
		if ((double)c->count < SHARE * (double)watch_calls_all(w).count)
			continue;
		named[n++] = c;
	}
	if (!n)
		return;
	rate = watch_rate(w, named[0]->count);
	f = finding_add(ret, &cause_syscall_errors,
			rate >= CERTAIN ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY,
			rate >= 10000 ? 900 : 400 + (uint32_t)(rate / 20));
	finding_title(f, "%.*s fails %.0f times a second: %s", STR_ARG(named[0]->name), rate,
		      strerror(named[0]->error));
	for (size_t i = 0; i < n; i++) {
		finding_evidence(f, "%s: %.*s failed %lu times: %s", who_text(&named[i]->who).s,
				 STR_ARG(named[i]->name), named[i]->count, strerror(named[i]->error));
		if (named[i]->path.n)
			finding_evidence(f, "of those seen, %lu were for %.*s",
					 named[i]->path_count, STR_ARG(named[i]->path));
	}
	finding_advice(f,
		       "the program tries what cannot work: see its configuration and search paths");
}

const struct cause cause_syscall_errors = {
	.name = "syscall-errors",
	.help = "system calls that fail again and again",
	.judge = judge,
};
