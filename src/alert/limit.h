#pragma once
/*
 * Rate limits: a token bucket for each name (a rule, a pod). "10/s" lets ten through at once and
 * ten a second for long; "600/m burst 100" a hundred at once. What is held back is counted for each
 * name, and reported when the limit is no longer felt or a minute has passed, so nothing is held
 * back in silence. Names beyond LIMIT_NAMES_MAX pass, counted.
 */
#include "alert/keys.h"
#include "base/buf.h"
#include "base/clock.h"
#include "rule/rule.h"

#define LIMIT_NAMES_MAX 4096
#define LIMIT_REPORT_NS (60 * NS_PER_SEC)

struct limit {
	uint64_t every_ns;   /* between two alerts for long; 0: no limit */
	uint64_t slack_ns;   /* so much earlier they may come */
	uint64_t held, full; /* counters */
	struct keys names;
};

/* What was held back of one name since the last report. */
struct limit_report {
	struct str name;
	uint64_t held, ns; /* in so much time */
	enum priority worst;
	struct boot_ns last;
};

/*
 * A time with its unit: "90s", "5m", "1h", "250ms"; a unit alone is one of it. Nanoseconds, above 0
 * and at most a day. False: not one.
 */
bool limit_time(struct str text, uint64_t *ret_ns);

/* "" or NULL: no limit. 0, or -EINVAL with the reason appended to @why. */
int limit_init(struct limit *l, const char *text, struct buf *why);
void limit_free(struct limit *l);

/* False: held back. */
bool limit_pass(struct limit *l, struct str name, enum priority p, struct boot_ns now);

/* Reports what is due, all of it when @all; forgets names that are at rest. */
void limit_turn(struct limit *l, struct boot_ns now, bool all,
		void (*report)(void *ctx, const struct limit_report *r), void *ctx);
