#pragma once
/*
 * What HTTP of any version asks for: the target of the request line, or :path. Puts resource (path without
 * query), route, and with opts->raw the whole as text into an exchange. Texts are bounded so that all that
 * follow (host, status, agent) find room: longer ones are cut and marked REQ_CUT.
 */
#include "proto/exchange.h"

#define TARGET_PATH_MAX	 512 /* bytes of a resource; half of it with opts->raw */
#define TARGET_HOST_MAX	 64
#define TARGET_AGENT_MAX 128
#define TARGET_TRACE_MAX 64

/* *text = at most @max bytes of @s, marked when cut. */
void target_text(struct exchange *x, struct str *text, struct str s, size_t max);

/*
 * @target: "/path?query", "http://host/path", "*". With an authority in it, *ret_host is that, else untouched.
 */
void target_set(struct proto_io *io, struct exchange *x, struct str target, struct str *ret_host);
