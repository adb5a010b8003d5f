#pragma once
/*
 * Requests counted by what people name (`porthole requests top --by`): a form of the sink that prints nothing by
 * itself, and tables of what it counted. Text or JSON; no terminal. One top a process, one thread.
 */
#include "agent/sink.h"

#define TOP_BY_USUAL "side,protocol,method,route,pod"

struct requests_top;

struct requests_top_opts {
	const char *by;	  /* words or names of fields by comma; NULL: TOP_BY_USUAL */
	const char *sort; /* count, failed, p50, p99, time, key; NULL: count */
	bool recent;	  /* the last seconds are kept apart, for requests_top_frame */
};

/* 0; -EINVAL with the reason in @why; -ENOMEM. */
int requests_top_new(const struct requests_top_opts *o, struct requests_top **ret, struct buf *why);
void requests_top_free(struct requests_top *t);

/* Rates are by the time since then, instead of since it was made. */
void requests_top_begin(struct requests_top *t);

/* What it needs of a sink: the form whose events it counts, and the form's fields. */
void requests_top_sink(struct requests_top *t, struct sink_opts *ret);

/*
 * The last five to ten seconds, in at most @height lines; again only after a second, or when @redraw. False: it is
 * too early, nothing was put.
 */
bool requests_top_frame(struct requests_top *t, unsigned height, bool redraw, struct buf *b);

/* All, at the end; @live: rates are by the clock, else by the requests' own times. */
void requests_top_table(struct requests_top *t, bool live, struct buf *b);
void requests_top_json(struct requests_top *t, bool live, struct buf *b);
