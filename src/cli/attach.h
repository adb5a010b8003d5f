#pragma once
/*
 * porthole events through a running agent: the same lines, from its control socket. Signals INT and
 * TERM, the deadline and the agent's end all end in its last line, which tells what was lost.
 */
#include "api/request.h"
#include "cli/cli.h"

struct attach_opts {
	const char *socket;
	struct request request;
	uint64_t for_ns; /* 0: no deadline */
};

/*
 * True: an agent answered, and *ret_code is the command's exit code. False: none is there (or its
 * socket is not for us), and nothing was printed.
 */
bool attach_events(const struct attach_opts *o, int *ret_code);
