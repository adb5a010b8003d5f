/* Output formats: a list of pieces, each literal text and then perhaps an operand. */
#include "lang/format.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "lang/operand.h"
#include "lang/scan.h"

struct piece {
	struct str literal; /* before the field */
	struct str name;    /* of the field as written; absent: literal only */
	struct operand operand;
	unsigned width; /* 0: as wide as it is */
};

struct format {
	struct pool pool;
	struct piece *pieces;
	size_t n, fields; /* the last piece may have no field */
};

/* The longest prefix of @s.text at the position that is a field's name; 0 when none is. */
static bool name_longest(struct scan *s, const struct catalogue *c, struct str *ret)
{
	size_t start = s->at;
	struct str name;

	if (!scan_name(s, true, &name))
		return false;
	for (s->at = start; name.n; name.n--)
		if (field_find(c, name)) {
			s->at = start + name.n;
			*ret = name;
			return true;
		}
	return false;
}

static bool is_dotted_arg(struct str name)
{
	return str_starts(name, STR("evt.arg.")) || str_starts(name, STR("evt.rawarg.")) ||
	       str_starts(name, STR("evt.type.is."));
}

static int error_field(const struct scan *s, const struct catalogue *c, size_t at)
{
	struct scan probe = *s;
	const struct field *near;
	struct str name;

	probe.at = at;
	if (!scan_name(&probe, true, &name))
		return scan_error(s, at, "expected a field behind %%; write %%%% for a percent sign");
	near = field_nearest(c, name);
	if (near)
		return scan_error(s, at, "no field is called %.*s; did you mean %s?", STR_ARG(name),
				  near->name);
	return scan_error(s, at, "no field is called %.*s", STR_ARG(name));
}

/* The field or transformer behind a percent sign and its width. */
static int format_operand(struct scan *s, const struct catalogue *c, struct piece *p)
{
	struct operand_site site = { c, s->pool, s->text, s->error, false };
	struct ast_operand *a = NULL;
	size_t start = s->at;
	struct str name;
	int r;

	if (scan_name(s, true, &name) && scan_peek(s) == '(') {
		r = scan_call(s, name, start, &a);
	} else if (s->at > start && is_dotted_arg(name) && !field_find(c, name)) {
		r = scan_field(s, name, start, &a);
	} else {
		s->at = start;
		r = name_longest(s, c, &name) ? scan_field(s, name, start, &a) :
						error_field(s, c, start);
	}
	if (r == 0)
		r = operand_compile(&site, a, &p->operand);
	p->name = (struct str){ s->text.p + start, s->at - start };
	return r;
}

static int format_width(struct scan *s, struct piece *p)
{
	size_t start = s->at;

	for (; scan_peek(s) >= '0' && scan_peek(s) <= '9'; s->at++) {
		p->width = p->width * 10 + (unsigned)(scan_peek(s) - '0');
		if (p->width > FORMAT_WIDTH_MAX)
			return scan_error(s, start, "wider than %d characters", FORMAT_WIDTH_MAX);
	}
	if (s->at > start && p->width == 0)
		return scan_error(s, start, "a width of nothing");
	return 0;
}

/* One piece: text up to a field, written to @literals, and the field. */
static int format_piece(struct scan *s, const struct catalogue *c, char *literals, struct piece *p)
{
	size_t n = s->text.n;
	char *to = literals;
	int r;

	p->literal.p = to;
	while (s->at < n) {
		char byte = s->text.p[s->at++];

		if (byte == '%' && scan_peek(s) != '%') {
			p->literal.n = (size_t)(to - p->literal.p);
			r = format_width(s, p);
			return r < 0 ? r : format_operand(s, c, p);
		}
		s->at += byte == '%';
		*to++ = byte;
	}
	p->literal.n = (size_t)(to - p->literal.p);
	return 0;
}

int format_parse(const struct catalogue *c, struct str text, struct format **ret,
		 struct lang_error *e)
{
	_cleanup_(format_freep) struct format *f = calloc(1, sizeof(*f));
	struct scan s = { .text = text, .error = e };
	char *literals;
	size_t max = 1;
	int r;

	if (!f)
		return -ENOMEM;
	if (text.n > FORMAT_TEXT_MAX_BYTES)
		return lang_error_at(e, text, 0, "too long: %zu bytes, the maximum is %u", text.n,
				     FORMAT_TEXT_MAX_BYTES);
	r = scan_check(&s);
	if (r < 0)
		return r;
	if (!pool_str(&f->pool, text.p ? text : STR(""), &s.text))
		return -ENOMEM;
	s.pool = &f->pool;
	for (size_t i = 0; i < text.n; i++)
		max += text.p[i] == '%';
	f->pieces = pool_alloc(&f->pool, max * sizeof(*f->pieces));
	literals = pool_alloc(&f->pool, text.n + 1);
	if (!f->pieces || !literals)
		return -ENOMEM;
	while (s.at < s.text.n) {
		struct piece *p = &f->pieces[f->n++];

		r = format_piece(&s, c, literals, p);
		if (r < 0)
			return r;
		literals += p->literal.n;
		f->fields += p->name.p != NULL;
	}
	*ret = take_ptr(f);
	return 0;
}

void format_free(struct format *f)
{
	if (!f)
		return;
	pool_free(&f->pool);
	free(f);
}

/* Makes what was written from @start on exactly @width characters wide. */
static void fit(struct buf *b, size_t start, unsigned width)
{
	unsigned chars = 0;
	size_t at = start, len;

	for (; at < b->n && chars < width; at += len ? len : 1, chars++)
		len = utf8_char((const uint8_t *)b->p + at, b->n - at);
	if (at < b->n)
		b->n = at;
	for (; chars < width; chars++)
		buf_char(b, ' ');
}

void format_print_by(const struct format *f, const struct event *ev, struct buf *b,
		     void (*print)(struct buf *b, const struct value *v))
{
	for (size_t i = 0; i < f->n; i++) {
		const struct piece *p = &f->pieces[i];
		size_t start;
		struct value v;

		if (p->literal.n)
			buf_str(b, p->literal);
		if (!p->name.p)
			continue;
		start = b->n;
		if (operand_get(&p->operand, ev, 0, &v))
			print(b, &v);
		else
			buf_str(b, STR("<NA>"));
		if (p->width && !b->failed)
			fit(b, start, p->width);
	}
}

void format_print(const struct format *f, const struct event *ev, struct buf *b)
{
	format_print_by(f, ev, b, value_text);
}

size_t format_count(const struct format *f)
{
	return f->fields;
}

struct str format_name(const struct format *f, size_t i)
{
	return f->pieces[i].name;
}

bool format_value(const struct format *f, size_t i, const struct event *ev, struct value *ret)
{
	return operand_get(&f->pieces[i].operand, ev, 0, ret);
}

void format_fields(const struct format *f, void (*cb)(void *ctx, const struct field_ref *ref),
		   void *ctx)
{
	for (size_t i = 0; i < f->fields; i++)
		operand_fields(&f->pieces[i].operand, cb, ctx);
}
