/* One row a command: how its sink is made, and what it has to say beside lines. */
#include "agent/view.h"

#include <errno.h>

#include "agent/mapping.h"
#include "agent/requests_top.h"
#include "agent/session.h"
#include "base/cleanup.h"
#include "out/map/map.h"

struct view_kind {
	const char *name;
	/* Completes @o; *ret_state is freed by `free`. */
	int (*make)(const struct question *r, struct sink_opts *o, void **ret_state, struct buf *why);
	void (*begin)(void *state,
		      struct session *s); /* this and all below: NULL where there is nothing to do */
	void (*end)(void *state);
	bool (*page)(void *state, unsigned height, bool again, struct buf *b);
	int (*report)(void *state, const struct session *s, uint64_t lost, struct buf *b);
	void (*free)(void *state);
};

/* --- events, requests: lines --- */

static int events_make(const struct question *r, struct sink_opts *o, void **ret_state,
		       struct buf *why)
{
	(void)o;
	(void)ret_state;
	if (!r->tree || r->pid)
		return 0;
	buf_str(why, STR("\"tree\" goes with \"pid\""));
	return -EINVAL;
}

static int requests_make(const struct question *r, struct sink_opts *o, void **ret_state,
			 struct buf *why)
{
	(void)ret_state;
	(void)why;
	o->query.kinds = "request";
	if (!r->json && !r->fields)
		o->ops = r->wide ? &out_requests_wide_ops : &out_requests_ops;
	return 0;
}

/* --- top: counted, shown once a second or at the end --- */

struct top {
	struct requests_top *counts;
	bool json;
};

static void top_free(void *state)
{
	struct top *t = state;

	requests_top_free(t->counts);
	free(t);
}

static int top_make(const struct question *r, struct sink_opts *o, void **ret_state, struct buf *why)
{
	const struct requests_top_opts opts = { .by = r->by, .sort = r->sort, .recent = r->pages };
	_cleanup_(freep) struct top *t = calloc(1, sizeof(*t));
	int err = t ? requests_top_new(&opts, &t->counts, why) : -ENOMEM;

	if (err)
		return err;
	t->json = r->json;
	o->query.kinds = "request";
	requests_top_sink(t->counts, o);
	*ret_state = take_ptr(t);
	return 0;
}

static void top_begin(void *state, struct session *s)
{
	struct top *t = state;

	(void)s;
	requests_top_begin(t->counts);
}

static bool top_page(void *state, unsigned height, bool again, struct buf *b)
{
	struct top *t = state;

	return requests_top_frame(t->counts, height, again, b);
}

static int top_report(void *state, const struct session *s, uint64_t lost, struct buf *b)
{
	struct top *t = state;

	(void)lost;
	(t->json ? requests_top_json : requests_top_table)(t->counts, s->live, b);
	return 0;
}

/* --- map: one report --- */

struct map {
	struct mapping *mapping;
	char form[8];
};

static void map_free(void *state)
{
	struct map *m = state;

	mapping_free(m->mapping);
	free(m);
}

static int map_make(const struct question *r, struct sink_opts *o, void **ret_state, struct buf *why)
{
	const struct query_opts select = o->query;
	_cleanup_(freep) struct map *m = calloc(1, sizeof(*m));
	const char *form = r->form ? r->form : "text";
	int err = m ? 0 : -ENOMEM;

	if (!err && !map_out_find(form)) {
		buf_str(why, STR("-o: text, dot, json or html"));
		err = -EINVAL;
	}
	if (!err)
		err = mapping_new(&select, &m->mapping, why);
	if (err)
		return err;
	snprintf(m->form, sizeof(m->form), "%s", form);
	mapping_sink(m->mapping, o);
	*ret_state = take_ptr(m);
	return 0;
}

static void map_begin(void *state, struct session *s)
{
	struct map *m = state;

	mapping_use(m->mapping, enrich_k8s(s->pipeline.enrich));
}

static void map_end(void *state)
{
	struct map *m = state;

	mapping_use(m->mapping, NULL);
}

static int map_report(void *state, const struct session *s, uint64_t lost, struct buf *b)
{
	struct map *m = state;

	return mapping_put(m->mapping, m->form, s->live, lost, b);
}

/* --- all --- */

static const struct view_kind kinds[] = {
	{ .name = "events", .make = events_make },
	{ .name = "requests", .make = requests_make },
	{ .name = "top",
	  .make = top_make,
	  .begin = top_begin,
	  .page = top_page,
	  .report = top_report,
	  .free = top_free },
	{ .name = "map",
	  .make = map_make,
	  .begin = map_begin,
	  .end = map_end,
	  .report = map_report,
	  .free = map_free },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

void view_names(struct buf *b)
{
	for (size_t i = 0; i < KINDS; i++)
		buf_printf(b, "%s%s", i ? ", " : "", kinds[i].name);
}

static const struct view_kind *view_find(const char *name)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

int view_make(const struct question *r, struct view *ret, struct buf *why)
{
	struct sink_opts o = {
		.query = { r->kinds, r->where, r->pod, r->container, (uint32_t)r->pid, r->tree },
		.json = r->json,
		.fields = r->fields,
		.format = r->format,
		.count = r->count,
		.explain = r->explain,
	};
	int err;

	*ret = (struct view){ .kind = view_find(r->cmd) };
	if (!ret->kind) {
		buf_str(why, STR("unknown command; there are status, "));
		view_names(why);
		return -EINVAL;
	}
	err = ret->kind->make(r, &o, &ret->state, why);
	if (!err)
		err = sink_make(&o, &ret->sink, why);
	if (err)
		view_free(ret);
	return err;
}

void view_free(struct view *v)
{
	sink_free(&v->sink);
	if (v->state)
		v->kind->free(v->state);
	*v = (struct view){ 0 };
}

const char *view_lacks(const struct session *s, const struct question *r)
{
	if (r->raw && !s->pipeline.requests.raw)
		return "it does not keep the texts of requests";
	if (r->explain && !s->pipeline.requests.explain)
		return "it does not watch where the time of requests goes (store.explain)";
	return NULL;
}

void view_begin(struct view *v, struct session *s)
{
	if (v->kind->begin)
		v->kind->begin(v->state, s);
	sink_start(&v->sink, &s->pipeline);
}

void view_end(struct view *v, struct session *s)
{
	pipeline_unsubscribe(&s->pipeline, &v->sink.subscription);
	if (v->kind->end)
		v->kind->end(v->state);
}

bool view_pages(const struct view *v)
{
	return v->kind->page;
}

bool view_page(struct view *v, unsigned height, bool again, struct buf *b)
{
	return v->kind->page && v->kind->page(v->state, height, again, b);
}

bool view_reports(const struct view *v)
{
	return v->kind->report;
}

int view_report(struct view *v, const struct session *s, uint64_t lost, struct buf *b)
{
	return v->kind->report ? v->kind->report(v->state, s, lost, b) : 0;
}
