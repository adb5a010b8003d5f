#pragma once
/*
 * What a running agent offers others, in one: the control socket and the metrics page, both fed by
 * one snapshot of its counters (struct metrics), made on the main loop when somebody asks.
 *
 * /healthz asks the main loop too: an agent whose loop does not turn within SERVICE_WAIT_MS is not
 * well. Start it after privilege_drop (it has a thread), within the session's life.
 */
#include "agent/config.h"
#include "agent/control.h"
#include "agent/status.h"

#define SERVICE_WAIT_MS 1000

struct service;

struct service_host {
	void *ctx;
	/* As control_host's. */
	int (*wanted)(void *ctx, uint64_t kinds, const struct query *const *list, size_t n);
	/* Adds what only the agent knows: board series, kube. May be NULL. Main loop. */
	void (*fill)(void *ctx, struct metrics *m);
	/* Appends more members of the status object, each by json_key. May be NULL. Main loop. */
	void (*status)(void *ctx, struct buf *b);
	/* Appends to the metrics page. May be NULL. The HTTP thread. */
	void (*page)(void *ctx, struct buf *b);
};

/* 0 or -errno with the reason appended to @why. Borrows the session and what @h points to. */
int service_start(struct session *s, const struct config *c, const struct service_host *h,
		  struct service **ret, struct buf *why);

/* After each batch of records. */
void service_turn(struct service *v);

/* The kinds that clients want now. */
uint64_t service_kinds(const struct service *v);

/* Where metrics are served; 0: nowhere. */
uint16_t service_port(const struct service *v);

void service_stop(struct service *v);
