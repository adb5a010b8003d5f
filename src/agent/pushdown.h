#pragma once
/*
 * What the kernel programs may leave out: from all who want events, the kinds they want and what
 * the kernel can tell of their conditions early (wire/ctl.h). Filtering there never changes an
 * answer; conditions are always judged again in user space.
 *
 * Each expression that somebody wants events for is a clause with a bit of its own in the kernel's
 * masks; beyond FILTER_CLAUSES of them, those of like kinds share one.
 */
#include "agent/query.h"
#include "source/live.h"

struct pushdown_clause {
	uint64_t kinds;			  /* that it wants */
	const struct expr *where, *scope; /* NULL: all */
	uint32_t pid; /* with @tree: scope says this process or its descendants */
	bool tree;
	uint32_t shown; /* FIELD_FILE, FIELD_DATA: of fields that are shown; those compared are seen */
};

struct bits;

struct pushdown {
	struct source *source; /* a live one; borrowed */
	struct pipeline *pipeline;
	struct ctl ctl;
	bool times;	   /* offcpu for threads' times alone: no samples unless it is asked for */
	bool off;	   /* PORTHOLE_PUSHDOWN=0: for tests, kinds only */
	struct bits *bits; /* the clauses in force; NULL: none */
	uint64_t cgroups_gen; /* of the cgroup verdicts in force */
};

struct pushdown_clause pushdown_of_query(const struct query *q);

/*
 * Sets the kinds and the clauses of all who want them, in place of those before. The expressions
 * are borrowed until the next call. Kinds of @wanted that no clause has are all wanted. @counted are
 * kinds to count per cgroup. 0 or -errno; then too much may pass, never too little.
 */
int pushdown_set(struct pushdown *p, uint64_t wanted, uint64_t counted,
		 const struct pushdown_clause *list, size_t n);

/* Judges cgroups that are new, or whose container or pod got a name. Call after each batch. */
int pushdown_cgroups(struct pushdown *p);

/* The dimensions in force, for people: "processes, paths", or "nothing". */
void pushdown_describe(const struct pushdown *p, struct buf *b);

/*
 * What the kernel is told of one clause, for people: a line each for its kinds, the calls with the
 * results and modes they pass with, and every other dimension that drops something.
 */
void pushdown_explain(const struct pushdown_clause *c, struct buf *b);

void pushdown_free(struct pushdown *p);
