#pragma once
/*
 * What the kernel programs may leave out: from the queries of all subscribers, the kinds they want
 * and necessary conditions that the kernel can test. Filtering there never changes an answer; the
 * condition itself is always judged in user space.
 *
 * With several subscribers only kinds are pushed down: what one does not want another may.
 */
#include "agent/query.h"
#include "source/live.h"

struct pushdown {
	struct source *source; /* a live one; borrowed */
	struct pipeline *pipeline;
	struct ctl ctl;
	bool off;		   /* PORTHOLE_PUSHDOWN=0: for tests, kinds only */
	const struct query *query; /* whose cgroup conditions apply; NULL: none */
	uint64_t cgroups_gen;	   /* of the cgroup verdicts in force */
};

/* Sets the kinds and, when @q is not NULL, its filters. @counted are kinds to count per cgroup. */
int pushdown_set(struct pushdown *p, uint64_t wanted, uint64_t counted, const struct query *q);

/* Judges cgroups that are new, or whose container or pod got a name. Call after each batch. */
int pushdown_cgroups(struct pushdown *p);

/* What was pushed down, for people: "kind open; fd.name startswith /etc/", or "nothing". */
void pushdown_describe(const struct pushdown *p, struct buf *b);
