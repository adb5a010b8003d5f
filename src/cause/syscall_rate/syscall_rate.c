/*
 * So many system calls that entering and leaving the kernel is what the CPU does. Which call; calls
 * that move little data are small-io's, and those that only ask whether something is there
 * busy-poll's.
 */
#include "cause/cause.h"

#define LIKELY	30000.0 /* a second, of one call */
#define CERTAIN 100000.0
#define KERNEL	0.3 /* of the CPU time */

/* Theirs to judge: calls that move bytes, and calls that wait or ask. */
static const char *const others[] = { "read",	  "write",	"pread64",	   "pwrite64",
				      "readv",	  "writev",	"recvfrom",	   "sendto",
				      "poll",	  "epoll_wait", "select",	   "ppoll",
				      "pselect6", "nanosleep",	"clock_nanosleep", "futex",
				      "recvmsg",  "sendmsg",	"sched_yield",	   "epoll_pwait" };

static bool is_others(struct str name)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (str_eq(name, str_of(others[i])))
			return true;
	return false;
}

static void judge(const struct watch *w, struct findings *ret)
{
	const struct watch_call *c = NULL;
	uint64_t all = 0;
	struct finding *f;
	double rate, kernel;

	for (size_t i = 0; i < w->ncalls; i++) {
		all += w->calls[i].count;
		if (!c && !w->calls[i].error && !is_others(w->calls[i].name))
			c = &w->calls[i];
	}
	if (!c)
		return;
	rate = watch_rate(w, c->count);
	kernel = percent(w->kernel_ns, w->user_ns + w->kernel_ns) / 100;
	if (rate < LIKELY || c->count * 2 < all)
		return;
	f = finding_add(ret, &cause_syscall_rate,
			rate >= CERTAIN && kernel >= KERNEL ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY,
			watch_cost(w, w->ns[THREAD_RUNNING]));
	finding_title(f, "it makes %.0f %.*s calls a second", rate, STR_ARG(c->name));
	finding_evidence(f, "%s: %lu %.*s calls of %lu in all", who_text(&c->who).s, c->count,
			 STR_ARG(c->name), all);
	finding_evidence(f, "%.0f %% of its CPU time is in the kernel", kernel * 100);
	finding_advice(f, "keep the answer, or ask once for many");
}

const struct cause cause_syscall_rate = {
	.name = "syscall-rate",
	.help = "one system call, very often",
	.judge = judge,
};
