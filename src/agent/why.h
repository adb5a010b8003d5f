#pragma once
/*
 * The answer of `porthole why`: the evidence judged (cause/cause.h) and written for people or as
 * JSON. Pure but for the buffer.
 *
 * JSON: {"target", "verdict", "findings":[{"cause","confidence","cost","title","evidence":[],
 * "advice"}] in rank order, "time":{state: seconds of all threads, every state}, "watched" (seconds),
 * "threads", "timeline":[{state: seconds} a second], "before":[] (agent/past.h), "unseen":[]}. Names in it are any bytes made valid UTF-8.
 */
#include "agg/watch.h"
#include "base/buf.h"
#include "cause/cause.h"

struct why {
	struct findings findings;
	char verdict[600];
};

void why_judge(const struct watch *w, struct why *ret);

/* At most @width columns a line; possible findings after the third are only counted unless @all. */
void why_text(const struct watch *w, const struct why *y, unsigned width, bool all, struct buf *b);
void why_json(const struct watch *w, const struct why *y, struct buf *b);

/* One page that needs nothing else: the answer, and the flame graph. 0, -ENOMEM, -EFBIG. */
int why_html(const struct watch *w, const struct why *y, struct buf *b);

/* "certain", "likely", "possible". */
const char *why_confidence(enum confidence c);
