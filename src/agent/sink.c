/* Putting query, form and buffer together. */
#include "agent/sink.h"

#include <errno.h>

#include "agent/catalogue.h"
#include "base/cleanup.h"
#include "event/request.h"

static void ref_take(void *ctx, const struct field_ref *ref)
{
	*(struct field_ref *)ctx = *ref;
}

/* A field with brackets, which is written as in a format. */
static int field_indexed(struct sink *s, struct str name, struct buf *why)
{
	_cleanup_(format_freep) struct format *f = NULL;
	_cleanup_(buf_free) struct buf text = { 0 };
	struct lang_error error;
	int err;

	buf_printf(&text, "%%%.*s", STR_ARG(name));
	if (text.failed)
		return -ENOMEM;
	err = format_parse(catalogue_get(), buf_slice(&text), &f, &error);
	if (err == -EINVAL)
		lang_error_print(&error, why);
	if (err)
		return err;
	if (format_count(f) != 1 || !str_eq(format_name(f, 0), name) || s->nrefs == SINK_FIELDS_MAX) {
		buf_printf(why, "--fields: %.*s: not a field with an index, or too many",
			   STR_ARG(name));
		return -EINVAL;
	}
	format_fields(f, ref_take, &s->refs[s->nrefs++]);
	s->indexed[s->nindexed++] = take_ptr(f);
	return 0;
}

static int field_one(struct sink *s, struct str name, struct buf *why)
{
	const struct field *f = field_find(catalogue_get(), name), *near;

	if (name.n && memchr(name.p, '[', name.n))
		return field_indexed(s, name, why);
	if (f && s->nrefs < SINK_FIELDS_MAX) {
		s->refs[s->nrefs++] = (struct field_ref){ .field = f };
		return 0;
	}
	if (f) {
		buf_str(why, STR("--fields: too many"));
		return -EINVAL;
	}
	buf_str(why, STR("unknown field \""));
	buf_text(why, name);
	buf_char(why, '"');
	near = field_nearest(catalogue_get(), name);
	if (near)
		buf_printf(why, "; did you mean %s?", near->name);
	else
		buf_str(why, STR("; porthole fields lists them"));
	return -EINVAL;
}

/* Bytes up to the comma that ends a field: not one in brackets. */
static size_t field_end(struct str list)
{
	bool inside = false;
	size_t n = 0;

	for (; n < list.n && (inside || list.p[n] != ','); n++)
		inside = list.p[n] == '[' || (inside && list.p[n] != ']');
	return n;
}

static int fields_parse(struct sink *s, struct str list, struct buf *why)
{
	int err = 0;

	while (!err && list.n) {
		struct str part = { list.p, field_end(list) };

		err = field_one(s, part, why);
		list = str_skip(list, part.n + 1);
	}
	return err;
}

static int format_make(struct sink *s, const char *text, struct buf *why)
{
	struct lang_error error;
	int err = format_parse(catalogue_get(), str_of(text), &s->format, &error);

	if (err == -EINVAL)
		lang_error_print(&error, why);
	return err;
}

/*
 * Who did not ask where requests' time went is not told, though it may be known for others; who did is told also that
 * nothing was seen.
 */
static bool plain_make(const struct sink *s, const struct event *ev, struct event *ret,
		       struct request *ret_request)
{
	const struct request *r = ev->kind->id == KIND_REQUEST ? ev->body : NULL;

	static const struct request_times not_seen = { .why = TIMES_NOT_SEEN };

	if (!r || s->explain == (r->times != NULL) || s->nrefs || s->format)
		return false;
	*ret = *ev;
	*ret_request = *r;
	ret_request->times = s->explain ? &not_seen : NULL;
	ret_request->calls = NULL;
	ret_request->calls_n = ret_request->calls_all = 0;
	ret->body = ret_request;
	return true;
}

static void sink_event(void *ctx, const struct event *ev)
{
	struct sink *s = ctx;
	size_t before = s->buf.n;

	struct event shown;
	struct request plain;

	if (s->done)
		return;
	if (plain_make(s, ev, &shown, &plain))
		ev = &shown;
	if (s->format) {
		format_print(s->format, ev, &s->buf);
		buf_char(&s->buf, '\n');
	} else {
		s->ops->event(s->out, ev, &s->buf);
	}
	if (s->buf.failed) {
		s->buf.n = before;
		s->buf.failed = false;
		s->lost++;
	}
	if (s->count && s->subscription.matched >= s->count)
		s->done = true;
}

static void shown_add(void *ctx, const struct field_ref *ref)
{
	*(uint32_t *)ctx |= ref->field->flags;
}

static void shown_note(struct sink *s)
{
	for (size_t i = 0; i < s->nrefs; i++)
		shown_add(&s->query.shown, &s->refs[i]);
	if (s->format)
		format_fields(s->format, shown_add, &s->query.shown);
}

static void indexed_free(struct sink *s)
{
	while (s->nindexed > 0)
		format_free(s->indexed[--s->nindexed]);
}

int sink_make(const struct sink_opts *o, struct sink *ret, struct buf *why)
{
	struct sink s = { .ops = o->json ? &out_json_ops : &out_text_ops,
			  .count = o->count,
			  .explain = o->explain };
	int err = query_make(&o->query, &s.query, why);

	if (o->ops)
		s.ops = o->ops;
	if (!err && o->fields)
		err = fields_parse(&s, str_of(o->fields), why);
	if (!err && o->format)
		err = format_make(&s, o->format, why);
	if (!err) {
		shown_note(&s);
		/* The refs are borrowed by the form: they must be where they will stay. */
		*ret = s;
		err = s.ops->open(catalogue_get(), ret->refs, ret->nrefs, &ret->out);
		s.query = (struct query){ 0 };
		s.format = NULL;
		s.nindexed = 0;
		if (err)
			sink_free(ret);
	}
	query_free(&s.query);
	format_free(s.format);
	indexed_free(&s);
	return err;
}

void sink_start(struct sink *s, struct pipeline *p)
{
	s->subscription = (struct subscription){
		.kinds = s->query.kinds,
		.where = s->query.where,
		.scope = s->query.scope,
		.event = sink_event,
		.ctx = s,
	};
	pipeline_subscribe(p, &s->subscription);
}

void sink_free(struct sink *s)
{
	if (s->out)
		s->ops->close(s->out);
	format_free(s->format);
	indexed_free(s);
	query_free(&s->query);
	buf_free(&s->buf);
	*s = (struct sink){ 0 };
}
