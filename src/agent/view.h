#pragma once
/*
 * What a command shows of the event stream, made the same way by the command itself and by a running agent for it. The
 * question is the request as it goes over the control socket (api/question.h); the answer is lines as events come
 * (events, requests), pages that replace each other on a terminal, or one report at the end (requests top, map).
 *
 * A view subscribes to a session's pipeline and owns what it counts. It must not move between view_make and view_free.
 * Pipeline thread.
 */
#include "agent/sink.h"
#include "api/question.h"

struct session;
struct view_kind;

struct view {
	const struct view_kind *kind;
	struct sink sink; /* its buffer: lines that wait for the owner */
	void *state;	  /* the kind's */
};

/* 0; -EINVAL with the reason appended to @why, also for a command that is no view; -ENOMEM. */
int view_make(const struct question *r, struct view *ret, struct buf *why);
void view_free(struct view *v);

/* What an agent must be able to do for @r and this session cannot: a text for people, or NULL. */
const char *view_lacks(const struct session *s, const struct question *r);

/* From now on events are taken. */
void view_begin(struct view *v, struct session *s);
void view_end(struct view *v, struct session *s);

/*
 * Appends what a terminal shows now, in at most @height lines: once a second, or at once when @again. False: nothing yet,
 * or it has no pages (view_pages).
 */
bool view_pages(const struct view *v);
bool view_page(struct view *v, unsigned height, bool again, struct buf *b);

/* At the end: appends the report, if it is of the kind that has one. @lost: events, since it began. 0 or -ENOMEM. */
bool view_reports(const struct view *v);
int view_report(struct view *v, const struct session *s, uint64_t lost, struct buf *b);

/* The commands that are views, for people: "events, requests, top, map". */
void view_names(struct buf *b);
