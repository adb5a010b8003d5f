#pragma once
/*
 * What leaves the node by itself: metrics of requests, on the agent's metrics page; and by OTLP to a receiver, if one is
 * named: those, requests as spans, and alerts as log records (out/otlp/otlp.h). One subscription to all requests; the
 * kernel programs that see them load when it is on.
 *
 * Main loop's thread, but for exporting_page. What takes time is on the sender's or the HTTP server's.
 */
#include "agent/config.h"
#include "agent/session.h"
#include "alert/alert.h"
#include "out/prometheus/prometheus.h"

struct exporting;

/* Does the configuration ask for it? */
bool exporting_wanted(const struct config *c);

/* 0, or -errno with a line for people in @why. */
int exporting_new(const struct config *c, struct exporting **ret, struct buf *why);

uint64_t exporting_kinds(void);
struct pushdown_clause exporting_clause(void);

/* Subscribes. Borrows the session. */
int exporting_start(struct exporting *x, struct session *s);

void exporting_alert(struct exporting *x, const struct alert *a);

/* After each batch: trouble is told, once. */
void exporting_turn(struct exporting *x);

/* Figures and losses. */
void exporting_fill(struct exporting *x, struct metrics *m);

/* Appends to the metrics page; any thread. */
void exporting_page(struct exporting *x, struct buf *b);

/* A line for people. */
void exporting_describe(const struct exporting *x, struct buf *b);

/* Sends what is queued, but for a second at most; a loss is logged. */
void exporting_stop(struct exporting *x);
