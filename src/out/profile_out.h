#pragma once
/*
 * Output forms for profiles: each folder out/NAME of PROFILE_OUTS turns one whole profile into
 * bytes of its form. They keep nothing between two calls and read nothing but the profile.
 *
 * Names in a profile come from files and processes of any intent: each form escapes them as its
 * readers need. What is too large for @b (its max) leaves b->failed set, as everywhere.
 *
 * A new form is a folder and its name in PROFILE_OUTS.
 */
#include "agg/profile_pair.h"
#include "agg/profile_tree.h"
#include "base/buf.h"

#define PROFILE_OUTS(X) \
	X(folded)       \
	X(html)         \
	X(pprof)        \
	X(speedscope)   \
	X(toptree)

struct profile_out_opts {
	struct profile_view view; /* value type to show (pprof: by default); labels as root frames */
	bool by_thread;		  /* speedscope: one profile for each process and thread */
	double cut;		  /* toptree: smallest part of all that is shown, 0..1; 0: 0.01 */
	size_t top;		  /* toptree: functions; 0: 20 */
	unsigned width;		  /* toptree: columns, at least 60; 0: 100 */
	bool absolute;		  /* differences: of the values, not of their shares of all */
};

/* Two profiles to compare, and which value of each (profile_pair_type). */
struct profile_difference {
	const struct profile *before, *after;
	size_t types[PAIR_SIDES];
};

struct profile_out_ops {
	const char *name, *content_type;
	const char *suffix; /* of a file, with its dot */
	const char *help;   /* half a line */
	bool binary;	    /* not for a terminal */

	/* Appends all of it. 0; -EINVAL: the view; -ENOMEM, -ENOSPC; -EFBIG: @b is too small. */
	int (*render)(const struct profile *p, const struct profile_out_opts *o, struct buf *b);

	/* The same for what two differ in; view.type is not looked at. NULL: the form has none. */
	int (*difference)(const struct profile_difference *d, const struct profile_out_opts *o,
			  struct buf *b);
};

#define PROFILE_OUT_DECLARE(name) extern const struct profile_out_ops profile_out_##name;
PROFILE_OUTS(PROFILE_OUT_DECLARE)
#undef PROFILE_OUT_DECLARE

extern const struct profile_out_ops *const profile_outs[]; /* ends with NULL */

/* NULL: there is none of that name. */
const struct profile_out_ops *profile_out_find(struct str name);
