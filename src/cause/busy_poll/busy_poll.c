/*
 * Asking again and again whether something has come: sleeps of microseconds, polls that return at
 * once with nothing, reads that say "try again", yields.
 */
#include "cause/cause.h"

#include <errno.h>

#define LIKELY	500.0 /* a second */
#define CERTAIN 3000.0

struct asking {
	const char *call;
	int error;
	const char *what;
};

static const struct asking table[] = {
	{ "nanosleep", 0, "sleeps" },
	{ "clock_nanosleep", 0, "sleeps" },
	{ "sched_yield", 0, "yields" },
	{ "read", EAGAIN, "reads that find nothing" },
	{ "recvfrom", EAGAIN, "receives that find nothing" },
	{ "recvmsg", EAGAIN, "receives that find nothing" },
	{ "accept", EAGAIN, "accepts that find nobody" },
	{ "accept4", EAGAIN, "accepts that find nobody" },
	{ "futex", ETIMEDOUT, "waits that time out" },
	{ "poll", WATCH_NOTHING, "polls that find nothing" },
	{ "ppoll", WATCH_NOTHING, "polls that find nothing" },
	{ "select", WATCH_NOTHING, "selects that find nothing" },
	{ "pselect6", WATCH_NOTHING, "selects that find nothing" },
	{ "epoll_wait", WATCH_NOTHING, "polls that find nothing" },
	{ "epoll_pwait", WATCH_NOTHING, "polls that find nothing" },
};

static void judge(const struct watch *w, struct findings *ret)
{
	const struct asking *best = NULL;
	uint64_t most = 0, n;
	struct finding *f;
	double rate;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		n = watch_calls(w, table[i].call, table[i].error).count;
		if (n > most) {
			most = n;
			best = &table[i];
		}
	}
	rate = watch_rate(w, most);
	if (!best || rate < LIKELY)
		return;
	f = finding_add(ret, &cause_busy_poll,
			rate >= CERTAIN ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY,
			300 + watch_cost(w, w->ns[THREAD_RUNNING]) * 7 / 10);
	finding_title(f, "it polls: %.0f %s a second", rate, best->what);
	finding_evidence(f, "%lu %s calls in %s", most, best->call, time_text(w->duration_ns).s);
	finding_evidence(f, "%.0f %% of a CPU, %.0f switches a second",
			 percent(w->ns[THREAD_RUNNING], w->duration_ns), watch_rate(w, w->switches));
	finding_advice(
		f, "wait for the event instead: block, poll with a timeout, or a condition variable");
}

const struct cause cause_busy_poll = {
	.name = "busy-poll",
	.help = "it asks again and again whether something has come",
	.judge = judge,
};
