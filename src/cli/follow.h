#pragma once
/*
 * A view (agent/view.h) to standard output until a time, a count, a signal, q on its screen or the end of a capture: by the agent
 * that runs on this node, else by a session of its own. Probes that cannot be had and losses are told on standard error.
 */
#include "agent/session.h"
#include "agent/view.h"

struct follow {
	struct question request;     /* what is shown; `pages` is set here */
	struct session_opts session; /* of its own; kinds, raw and explain are taken from the view */
	uint64_t for_ns;	     /* 0: no end */
	const char *socket;	     /* of the agent; NULL: where it usually is */
	bool alone;		     /* do not look for an agent; so with a replay */
	uint64_t *ret_matched;	     /* events, of a session of its own; may be NULL */
};

/* Returns enum cli_exit. */
int follow_run(const struct follow *f);

#define CLI_OPT_SOCKET(type_, member)                                       \
	{ 0,                                                                \
	  "socket",                                                         \
	  "PATH",                                                           \
	  CLI_STRING,                                                       \
	  offsetof(type_, member),                                          \
	  "where to look for a running agent (default " CONTROL_SOCKET ")", \
	  "FILE" }
#define CLI_OPT_ALONE(type_, member) \
	{ 0, "alone", NULL, CLI_FLAG, offsetof(type_, member), "do not use a running agent", NULL }
