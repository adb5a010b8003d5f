#pragma once
/*
 * What somebody asks of the event stream, in words, made ready to run: kinds, condition and scope.
 * The same for a command of its own (`porthole events`), a replay, and a client of a running agent.
 */
#include "agent/pipeline.h"

struct query_opts {
	const char *kinds;     /* "exec,open", NULL: what the condition allows */
	const char *where;     /* expression, NULL: all */
	const char *pod;       /* NS/NAME, or NAME */
	const char *container; /* id, its beginning (12 digits or more), or name */
	uint32_t pid;	       /* 0: all */
	bool tree;	       /* with the descendants of pid */
};

struct query {
	uint64_t kinds;
	struct expr *where, *scope;
	uint32_t pid;
	bool tree;
	uint32_t shown; /* as in struct pushdown_clause */
};

/*
 * 0, or -EINVAL with the reason appended to @why (several lines: message, text, caret), or -ENOMEM.
 * On failure *ret is untouched.
 */
int query_make(const struct query_opts *o, struct query *ret, struct buf *why);
void query_free(struct query *q);
