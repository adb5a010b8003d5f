#pragma once
/*
 * Detection in the agent: rules and alerts as the configuration says, over the agent's session.
 * One thread, the main loop's.
 *
 * Made in two steps, because the rules tell which kinds to load before the session is there, and
 * channels have threads, which come after privileges are dropped.
 */
#include "agent/alerting.h"
#include "agent/config.h"
#include "agent/detect.h"
#include "out/prometheus/prometheus.h"

struct detection;

/* Does the configuration ask for it? */
bool detection_wanted(const struct config *c);

/* Loads the rules. 0, or -errno with the reason (several lines) appended to @why. */
int detection_new(const struct config *c, struct detection **ret, struct buf *why);

/* Opens the channels and subscribes. 0, or -errno with the reason. Borrows the session. */
int detection_start(struct detection *d, struct session *s,
		    void (*each)(void *ctx, const struct alert *a), void *ctx, struct buf *why);

uint64_t detection_kinds(const struct detection *d);
bool detection_env(const struct detection *d);
/* As detect_clauses. */
size_t detection_clauses(const struct detection *d, struct pushdown_clause *list);
const struct detect *detection_detect(const struct detection *d);

/* After each batch. 1: other rules are in force, kinds and push-down must be renewed. */
int detection_turn(struct detection *d);

/* Figures of all of it. */
void detection_fill(const struct detection *d, struct metrics *m);

/* "56 rules from 2 files; alerts to http, file", a line for people. */
void detection_describe(const struct detection *d, struct buf *b);

void detection_close(struct detection *d);
