#pragma once
/*
 * Events to standard output until a time, a count, a signal or the end of a capture: what `events` and `requests`
 * have in common. Probes that cannot be had and losses are told on standard error.
 */
#include "agent/session.h"
#include "agent/sink.h"

struct follow {
	struct session_opts session; /* `kinds` is taken from the sink's query */
	uint64_t for_ns;	     /* 0: no end */
	/* The session is open, no event came yet; may be NULL. */
	void (*start)(void *ctx, struct session *s);
	/* Before each writing, and once at the end (`last`); may be NULL. Not 0: that was enough. */
	int (*batch)(void *ctx, struct session *s, struct buf *b, bool last);
	void *ctx;
};

/* The sink is not started yet; it stays the caller's. Returns enum cli_exit. */
int follow_run(const struct follow *f, struct sink *sink);
