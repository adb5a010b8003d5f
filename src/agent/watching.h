#pragma once
/*
 * One watch of a target: everything `porthole why` looks at, from the session's events and the
 * kernel's accounting files to the evidence (agg/watch.h).
 *
 * watching_begin reads the files and subscribes; events are summed as they come; watching_end reads
 * again, names stacks and fills the evidence. Pipeline thread. At most WATCHING_SUMS sums; what
 * comes beyond is counted and said in `unseen`.
 */
#include "agent/profiler.h"
#include "agent/session.h"
#include "agg/watch.h"

#define WATCHING_SUMS 32768

struct watching;

struct watching_opts {
	const struct query *query; /* scope: the target; NULL scope: the node. Borrowed */
	struct str target;	   /* for people */
	uint32_t hz;
};

/* The kinds of events that a watch needs to have loaded. */
uint64_t watching_kinds(void);

/* 0 or -errno. */
int watching_begin(struct session *s, const struct watching_opts *o, struct watching **ret);

/* Half-way: readings that tell a steady growth from a burst. */
void watching_middle(struct watching *w);

/*
 * Fills @ret, which is the caller's to free (watch_free); the profiles in it live as long as @w. 0 or
 * -ENOMEM.
 */
int watching_end(struct watching *w, struct watch *ret);
void watching_free(struct watching *w);

/* Whether a process lives for which @scope holds. */
bool watching_any(struct session *s, const struct expr *scope);
