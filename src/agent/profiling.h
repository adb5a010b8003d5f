#pragma once
/*
 * The agent's continuous profile: samples of the whole node, with labels pod, container, process and
 * pid, in parts of PROFILING_PART_NS, each written to a folder (agent/profile_dir.h) that is kept
 * within a size and an age.
 *
 * Two collectors: one is filled by the pipeline while a thread of its own gives names to the other
 * and writes it. The pipeline never waits: where the thread is not ready, the part goes on and the
 * files are longer (counted). A part with PROFILING_SAMPLES ends early, which bounds its memory.
 *
 * Main loop's thread, but for what is said. $PORTHOLE_PROFILE_PART_MS sets the parts' length, for tests.
 */
#include "agent/config.h"
#include "agent/session.h"
#include "out/prometheus/prometheus.h"

#define PROFILING_PART_NS (60 * NS_PER_SEC)
#define PROFILING_SAMPLES 8192
#define PROFILING_END_MS  700 /* for the last part, when the agent ends */
#define PROFILING_SYMBOLS (8u << 20)
#define PROFILING_MODULES 64

struct profiling;

/*
 * Before privileges are dropped: the folder and the kernel's symbols. 0; -errno with a line for people
 * in @why: no profile can be kept.
 */
int profiling_new(const struct config *c, struct profiling **ret, struct buf *why);

/* After that: threads, and the subscription. 0 or -errno. Borrows the session. */
int profiling_start(struct profiling *p, struct session *s);

/* After each batch. */
void profiling_turn(struct profiling *p);

struct pushdown_clause profiling_clause(void);

/* Figures and losses. */
void profiling_fill(struct profiling *p, struct metrics *m);

/* A line for people: how often, where, how much. */
void profiling_describe(const struct profiling *p, struct buf *b);

/*
 * Writes the last part, but waits no longer than PROFILING_END_MS; then the part is lost, which is
 * logged, and what the thread still uses is left to the end of the process.
 */
void profiling_stop(struct profiling *p);
