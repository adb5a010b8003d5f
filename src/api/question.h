#pragma once
/*
 * What is said on the control socket. A client sends one line, a JSON object, and reads lines:
 *
 *   {"cmd":"status"}                      one line: the agent's state, a JSON object; then the end
 *   {"cmd":"events","kinds":"exec,open","where":"...","pod":"ns/name","container":"...","pid":1,
 *    "tree":true,"json":true,"fields":"a,b","format":"...","count":10}
 *   {"cmd":"requests",...}                as events, in the form of porthole requests; "wide", "explain", "raw"
 *   {"cmd":"top","by":"route","sort":"p99","pages":true,...}, {"cmd":"map","form":"json",...}
 *
 * All but status (agent/view.h): the first line is {"ok":true,"pid":N,"warnings":["..."]}, then come lines in the
 * form asked for, and last a line that starts with the byte 0x1e and goes on as an object:
 * {"end":"stopped","matched":N,"lost":N,"losses":["lost 12 open events: ring full"]}, where "end"
 * is "stopped" (by the client), "count" (reached), "agent" (the agent ends) or "failed" ("error" says why). A client
 * stops by closing its writing side. Text that is no line of an event comes after a line that starts with 0x1d:
 * {"page":N}, what a terminal is to show now, or {"report":N}, the answer, before the end; then N bytes.
 *
 * Any command may be refused by {"error":"..."} (text of several lines); with "alone":true the agent is not made for
 * it, and the client should do the work itself.
 *
 * Members not known, of the wrong type or out of range are refused. A request has at most
 * REQUEST_BYTES_MAX bytes. This file is the pure part: words in, words out.
 */
#include "base/buf.h"

#define REQUEST_BYTES_MAX (64u << 10)
#define REQUEST_END_MARK  '\x1e'
#define REQUEST_TEXT_MARK '\x1d'
#define REQUEST_TEXT_MAX  (16u << 20) /* bytes of a page or a report */
#define CONTROL_SOCKET	  "/run/porthole/porthole.sock"

/* Strings are NULL when absent; after question_parse they are owned (question_free). */
struct question {
	const char *cmd;
	const char *kinds, *where, *pod, *container, *fields, *format;
	const char *by, *sort; /* top */
	const char *form;      /* map: text, dot, json, html */
	uint64_t pid, count;
	bool tree, json;
	bool wide, raw, explain; /* requests */
	bool pages;		 /* top: as it goes, too */
};

/* One line, its newline included. */
void question_print(const struct question *r, struct buf *b);

/* 0, -EINVAL with the reason appended to @why, or -ENOMEM. @line may end in a newline. */
int question_parse(struct str line, struct question *ret, struct buf *why);
void question_free(struct question *r);

/* {"error":"..."} and a newline. @alone: the agent is not made for it. */
void reply_error(struct str why, bool alone, struct buf *b);

/* What the first and the last line of a stream say, and marks; strings in @text are appended to, one a line. */
struct reply {
	bool ok, alone;
	uint64_t pid, matched, lost;
	uint64_t page,
		report; /* bytes that follow the line, REQUEST_TEXT_MAX at most; one of them, or none */
	char end[16];
	struct buf text; /* the error, the warnings, or the losses */
};

/* 0, -EBADMSG or -ENOMEM. A first line, or one without its mark. Any JSON object is fine. */
int reply_parse(struct str line, struct reply *ret);
void reply_free(struct reply *r);
