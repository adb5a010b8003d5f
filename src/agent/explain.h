#pragma once
/*
 * What a request called: the last requests that threads made as clients, joined to those that the same threads served
 * meanwhile. By thread and time alone, so only for requests whose times are known (decode/timing.h): a thread that
 * had several open could have called for any of them.
 *
 * Bounded: the last EXPLAIN_CALLS are kept, EXPLAIN_TEXT bytes of each text; one that served more, or for longer than
 * that lasts, is told fewer. One thread.
 */
#include "event/event.h"
#include "event/request.h"

#define EXPLAIN_CALLS 4096 /* a power of two */
#define EXPLAIN_TEXT  96

struct explain;

/* 0 or -ENOMEM. */
int explain_new(struct explain **ret);
void explain_free(struct explain *e);

/* @ev: a request that is over, which this process made (is_server 0); others are left alone. Copied. */
void explain_note(struct explain *e, const struct event *ev);

/*
 * ev->body is @r, served by this process and with its times known: fills r->calls, calls_n, calls_all and calls_ns,
 * borrowed until the next call of either. Otherwise nothing.
 */
void explain_join(struct explain *e, const struct event *ev, struct request *r);
