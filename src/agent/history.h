#pragma once
/*
 * The node's recent history: events and alerts of the agent as rows of the store (store/store.h),
 * for porthole query. A table of events is a subscription; all writing is the store's thread's.
 *
 * Main loop's thread.
 */
#include "agent/config.h"
#include "agent/session.h"
#include "alert/alert.h"
#include "out/prometheus/prometheus.h"
#include "store/store.h"

#define HISTORY_END_MS 700 /* for the last rows, when the agent ends */

struct history;

/*
 * Before privileges are dropped: the folder. 0; -errno with a line for people in @why: nothing can
 * be kept.
 */
int history_new(const struct config *c, struct history **ret, struct buf *why);

/* The kinds that its tables want. */
uint64_t history_kinds(const struct history *h);

/* Requests are kept with where their time went: the session must be opened so (session_opts.explain). */
bool history_explains(const struct history *h);

/* After that: the thread, and the subscriptions. 0 or -errno. Borrows the session. */
int history_start(struct history *h, struct session *s);

/* Clauses for the push-down; at most STORE_TABLES. How many. */
size_t history_clauses(const struct history *h, struct pushdown_clause *list);

void history_alert(struct history *h, const struct alert *a);

/* After each batch: trouble is told, once. */
void history_turn(struct history *h);

/* Figures and losses. */
void history_fill(struct history *h, struct metrics *m);

/* A line for people: what, where, how much. */
void history_describe(const struct history *h, struct buf *b);

/* Writes what is queued, but waits no longer than HISTORY_END_MS; a loss is logged. */
void history_stop(struct history *h);
