#pragma once
/*
 * A view (agent/view.h) through a running agent: the same lines, pages and reports, from its control socket. Signals INT
 * and TERM, the deadline, q on a screen and the agent's end all end in its last line, which tells what was lost.
 */
#include "api/question.h"
#include "cli/cli.h"

struct screen;

struct attach_opts {
	const char *socket;
	const struct question *request;
	uint64_t for_ns; /* 0: no deadline */
	struct screen *screen; /* opened for pages when the agent answers, closed before a report; NULL: no pages */
};

/*
 * True: an agent answered, and *ret_code is the command's exit code. False: none is there, its socket is not for us, or it
 * is not made for this (then it was said); the command does it by itself.
 */
bool attach_view(const struct attach_opts *o, int *ret_code);
