#pragma once
/*
 * What the agent of this node kept of a target before a watch of it begins (`porthole why`): its CPU time by the minute and the
 * function that had most of it (the continuous profile), the requests it served, its processes that ended, its alerts (the
 * history). Lines for people, as evidence beside the findings; no finding rests on them.
 *
 * Asked before the watch, for PAST_ASK_NS at most, so that neither the watch nor its answer waits. What could not
 * be told is said. Reads files alone (agent/recall.h).
 */
#include "agent/session.h"

#define PAST_ASK_NS (3 * NS_PER_SEC)
#define PAST_LINES  8
#define PAST_LINE   240
#define PAST_PIDS   256 /* processes of a target that are asked for, when no pod is named */

struct past {
	char line[PAST_LINES][PAST_LINE];
	size_t n;
	char unseen[PAST_LINE]; /* "": nothing to say */
};

struct past_opts {
	const char *socket;	  /* the agent's */
	const struct expr *scope; /* the target; NULL: the node */
	const char *pod;	  /* NS/NAME or NAME when the target is one; NULL: it is not */
};

/* Nothing when no agent runs. The session's tables say which processes the target is. */
void past_tell(struct session *s, const struct past_opts *o, struct past *ret);
