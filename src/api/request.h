#pragma once
/*
 * What is said on the control socket. A client sends one line, a JSON object, and reads lines:
 *
 *   {"cmd":"status"}                      one line: the agent's state, a JSON object; then the end
 *   {"cmd":"events","kinds":"exec,open","where":"...","pod":"ns/name","container":"...","pid":1,
 *    "tree":true,"json":true,"fields":"a,b","format":"...","count":10}
 *
 * Events: the first line is {"ok":true,"pid":N,"warnings":["..."]}, then come lines in the form
 * asked for, and last a line that starts with the byte 0x1e and goes on as an object:
 * {"end":"stopped","matched":N,"lost":N,"losses":["lost 12 open events: ring full"]}, where "end"
 * is "stopped" (by the client), "count" (reached) or "agent" (the agent ends). A client stops by
 * closing its writing side. Any command may be refused by {"error":"..."} (text of several lines).
 *
 * Members not known, of the wrong type or out of range are refused. A request has at most
 * REQUEST_BYTES_MAX bytes. This file is the pure part: words in, words out.
 */
#include "base/buf.h"

#define REQUEST_BYTES_MAX (64u << 10)
#define REQUEST_END_MARK  '\x1e'
#define CONTROL_SOCKET	  "/run/porthole/porthole.sock"

/* Strings are NULL when absent; after request_parse they are owned (request_free). */
struct request {
	const char *cmd;
	const char *kinds, *where, *pod, *container, *fields, *format;
	uint64_t pid, count;
	bool tree, json;
};

/* One line, its newline included. */
void request_print(const struct request *r, struct buf *b);

/* 0, -EINVAL with the reason appended to @why, or -ENOMEM. @line may end in a newline. */
int request_parse(struct str line, struct request *ret, struct buf *why);
void request_free(struct request *r);

/* {"error":"..."} and a newline. */
void reply_error(struct str why, struct buf *b);

/* What the first and the last line of a stream say; strings in @text are appended to, one a line. */
struct reply {
	bool ok;
	uint64_t pid, matched, lost;
	char end[16];
	struct buf text; /* the error, the warnings, or the losses */
};

/* 0, -EBADMSG or -ENOMEM. A first line, or a last one without its mark. Any JSON object is fine. */
int reply_parse(struct str line, struct reply *ret);
void reply_free(struct reply *r);
