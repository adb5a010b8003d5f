#pragma once
/*
 * One HTML file with everything in it: the flame graph page (src/ui/flame, embedded) and its data. The
 * page fetches nothing, and its policy forbids it to.
 *
 * The data is one JSON object in a script element of a type that no browser runs:
 *
 *   {"porthole":1, "profiles":[P] or [before, after], "type":"cpu", "group":"pod",
 *    "scale":"absolute"}                            of a pair: what to begin with; else shares
 *   P = {"title", "time_ms", "duration_ns", "period_ns", "folded",
 *        "types":[["cpu","nanoseconds"], ...], "kinds":["kernel", ...],
 *        "frames":{"kind":[], "function":[], "module":[], "file":[], "address":[], "line":[],
 *                  "inlined":[]},                    function .. address: numbers of strings
 *        "nodes":{"up":[], "frame":[]},              node 1 on; up: how far back the parent stands
 *        "series":[[key, value, ...], ...],          numbers of strings
 *        "samples":{"node":[], "series":[], "values":[[of type 0], ...]},
 *        "strings":["", ...]}
 *
 * The page merges, groups and filters, so nothing is summed here. An address (hex) is written only
 * for a frame without a function. Names are any bytes: `<` is escaped, so that no name ends the
 * element; bytes that are no UTF-8 become U+FFFD; what is unseen or turns text round is the page's
 * to show. Values above 2^53 lose their last digits in the browser.
 */
#include "out/profile_out.h"

/* The data alone, for other pages; @before may be NULL. As profile_out_ops.render. */
int html_data(const struct profile *before, const struct profile *p,
	      const struct profile_out_opts *o, struct buf *b);

/* The whole page, with the difference of two profiles when @before is not NULL. */
int html_render(const struct profile *before, const struct profile *p,
		const struct profile_out_opts *o, struct buf *b);
