#pragma once
/*
 * The pipeline: what happens to a record, in one visible function (pipeline_record). One thread, no
 * locks, nothing global: a large node may run several.
 *
 * Outputs are subscriptions: a set of kinds, a condition, and a callback that gets each event that
 * matches. They are borrowed, and may be added and removed between records.
 */
#include "agent/lookback.h"
#include "agent/requests.h"
#include "base/arena.h"
#include "decode/decode.h"
#include "enrich/enrich.h"
#include "lang/expr.h"
#include "source/capture.h"

#define ARENA_BYTES (256u << 10)

struct subscription {
	uint64_t kinds;		  /* KIND_BITs */
	const struct expr *where; /* NULL: all */
	const struct expr *scope; /* --pod, --container, --pid: NULL: all */
	void (*event)(void *ctx, const struct event *ev);
	void *ctx;
	uint64_t matched;
	struct subscription *next;
};

struct pipeline {
	struct arena arena;
	struct event_host host;
	struct enrich *enrich;
	struct requests requests;
	struct capture_writer *capture; /* NULL: nothing is recorded */
	/* Records of events that it does not match are left out of the capture; what keeps the tables
	 * is always in. NULL: all records are kept. Borrowed. */
	const struct subscription *capture_of;
	struct lookback *lookback; /* NULL: none. Borrowed */
	struct subscription *subscriptions;
	struct decode_stats decoded;
	uint64_t records, events, captured;
	struct boot_ns now; /* the latest record's time */
	int capture_err;    /* first -errno of the capture; it is closed then */
};

/* 0 or -ENOMEM. */
int pipeline_init(struct pipeline *p, const struct event_host *host);
void pipeline_free(struct pipeline *p);

/* One record in; everything made of it is gone when this returns. */
void pipeline_record(struct pipeline *p, const struct rec_hdr *h);

/* An event that has been through enrich: numbered, and given to whom it concerns. */
void pipeline_event(struct pipeline *p, struct event *ev);

/* No record comes any more: what waited for others is delivered. */
void pipeline_end(struct pipeline *p);

void pipeline_subscribe(struct pipeline *p, struct subscription *s);
void pipeline_unsubscribe(struct pipeline *p, struct subscription *s);
