#pragma once
/*
 * The state of a session as numbers (struct metrics), and as the one JSON object that the control
 * socket's "status" answers. Main loop only.
 */
#include "out/prometheus/prometheus.h"

struct session;

/* Fills all that a session knows; start, clients, kube and series are left empty. */
void metrics_take(struct session *s, struct metrics *ret);

/* {"version":...,"probes":[...],"kinds":{...},...}, without newline. */
void status_json(const struct metrics *m, struct buf *b);
