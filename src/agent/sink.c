/* Putting query, form and buffer together. */
#include "agent/sink.h"

#include <errno.h>

#include "agent/catalogue.h"
#include "base/cleanup.h"

static int field_one(struct sink *s, struct str name, struct buf *why)
{
	const struct field *f = field_find(catalogue_get(), name), *near;

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

static int fields_parse(struct sink *s, struct str list, struct buf *why)
{
	int err = 0;

	while (!err && list.n) {
		const char *comma = memchr(list.p, ',', list.n);
		struct str part = { list.p, comma ? (size_t)(comma - list.p) : list.n };

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

static void sink_event(void *ctx, const struct event *ev)
{
	struct sink *s = ctx;
	size_t before = s->buf.n;

	if (s->done)
		return;
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

int sink_make(const struct sink_opts *o, struct sink *ret, struct buf *why)
{
	struct sink s = { .ops = o->json ? &out_json_ops : &out_text_ops, .count = o->count };
	int err = query_make(&o->query, &s.query, why);

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
		if (err)
			sink_free(ret);
	}
	query_free(&s.query);
	format_free(s.format);
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
	query_free(&s->query);
	buf_free(&s->buf);
	*s = (struct sink){ 0 };
}
