/* The stages in order. A reader who knows pipeline_record knows the program. */
#include "agent/pipeline.h"

#include <errno.h>

int pipeline_init(struct pipeline *p, const struct event_host *host)
{
	int err;

	*p = (struct pipeline){ .host = *host };
	err = arena_init(&p->arena, ARENA_BYTES);
	return err ? err : enrich_new(&p->enrich);
}

void pipeline_free(struct pipeline *p)
{
	requests_free(&p->requests);
	enrich_free(p->enrich);
	arena_free(&p->arena);
	*p = (struct pipeline){ 0 };
}

static void record_keep(struct pipeline *p, const struct rec_hdr *h)
{
	if (!p->capture || p->capture_err)
		return;
	p->capture_err = capture_add(p->capture, h);
	p->captured += p->capture_err == 0;
}

/* What the tables need is kept whether it matches or not. */
static bool record_wanted(const struct pipeline *p, const struct event *ev, uint64_t matched)
{
	return !p->capture_of || !ev->kind || ev->life.op != LIFE_NONE ||
	       p->capture_of->matched != matched;
}

static void event_deliver(struct subscription *s, const struct event *ev)
{
	if (!(s->kinds & KIND_BIT(ev->kind->id)))
		return;
	if ((s->scope && !expr_match(s->scope, ev)) || (s->where && !expr_match(s->where, ev)))
		return;
	s->matched++;
	s->event(s->ctx, ev);
}

void pipeline_event(struct pipeline *p, struct event *ev)
{
	ev->num = ++p->events;
	for (struct subscription *s = p->subscriptions; s; s = s->next)
		event_deliver(s, ev);
}

void pipeline_record(struct pipeline *p, const struct rec_hdr *h)
{
	uint64_t matched = p->capture_of ? p->capture_of->matched : 0;
	struct event ev;

	ev.kind = NULL;
	p->records++;
	if (h->time_ns > p->now.ns)
		p->now.ns = h->time_ns;
	field_arena_set(&p->arena);
	if (h->type == REC_STREAM) {
		requests_record(p, h);
	} else if (decode_record(h, &p->host, &p->arena, &p->decoded, &ev)) {
		enrich_event(p->enrich, &ev);
		if (ev.kind)
			pipeline_event(p, &ev);
	}
	if (record_wanted(p, &ev, matched))
		record_keep(p, h);
	if (p->lookback)
		lookback_record(p->lookback, h);
	arena_reset(&p->arena);
}

void pipeline_end(struct pipeline *p)
{
	field_arena_set(&p->arena);
	requests_end(p);
	arena_reset(&p->arena);
}

void pipeline_subscribe(struct pipeline *p, struct subscription *s)
{
	s->next = p->subscriptions;
	p->subscriptions = s;
}

void pipeline_unsubscribe(struct pipeline *p, struct subscription *s)
{
	struct subscription **at = &p->subscriptions;

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
}
