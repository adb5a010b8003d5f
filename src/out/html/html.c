/*
 * A profile as columns of JSON inside the flame graph page. Strings are interned across frames and
 * labels, under one budget, and written last; everything else is numbers.
 */
#include "out/html/html.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/intern.h"
#include "base/json.h"

extern const char ui_flame[], ui_flame_end[];

#define DATA_MARK STR("<!--data-->")

struct row {
	uint32_t kind, function, module, file, address, line, inlined;
};

static const struct {
	struct str key;
	size_t offset;
} columns[] = {
	{ STR("kind"), offsetof(struct row, kind) },
	{ STR("function"), offsetof(struct row, function) },
	{ STR("module"), offsetof(struct row, module) },
	{ STR("file"), offsetof(struct row, file) },
	{ STR("address"), offsetof(struct row, address) },
	{ STR("line"), offsetof(struct row, line) },
	{ STR("inlined"), offsetof(struct row, inlined) },
};

/* As the page calls them, src/ui/flame/model.js. */
static const char *const kinds[] = {
	[FRAME_KERNEL] = "kernel", [FRAME_NATIVE] = "native", [FRAME_JIT] = "jit",
	[FRAME_INTERP] = "interp", [FRAME_MARK] = "mark",
};

_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == FRAME_KINDS, "the page knows every kind");

struct work {
	struct budget budget;
	struct intern strings;
	struct row *rows;
};

static void work_free(struct work *w)
{
	intern_free(&w->strings);
	free(w->rows);
}

/* Quoted, safe inside a script element. '<' is ASCII: no character is cut by splitting there. */
static void text_put(struct buf *b, struct str s)
{
	const char *lt;

	buf_char(b, '"');
	while (s.n && (lt = memchr(s.p, '<', s.n))) {
		size_t n = (size_t)(lt - s.p);

		json_escape(b, (struct str){ s.p, n });
		buf_str(b, STR("\\u003c"));
		s = str_skip(s, n + 1);
	}
	json_escape(b, s);
	buf_char(b, '"');
}

static void comma(struct buf *b, size_t i)
{
	if (i)
		buf_char(b, ',');
}

static void member_text(struct buf *b, struct str key, struct str value)
{
	json_key(b, key);
	text_put(b, value);
}

static void member_u64(struct buf *b, struct str key, uint64_t value)
{
	json_key(b, key);
	buf_u64(b, value);
}

/* Absent and empty strings are number 0. */
static int put(struct work *w, struct str s, uint32_t *ret)
{
	*ret = 0;
	return s.n ? intern_put(&w->strings, s, ret) : 0;
}

static int row_make(struct work *w, const struct frame *f, struct row *r)
{
	char hex[17];
	int n = 0;
	int err = put(w, f->function, &r->function);

	if (!f->function.n && f->address)
		n = snprintf(hex, sizeof(hex), "%llx", (unsigned long long)f->address);
	if (!err)
		err = put(w, f->module, &r->module);
	if (!err)
		err = put(w, f->file, &r->file);
	if (!err)
		err = put(w, (struct str){ hex, (size_t)n }, &r->address);
	r->kind = f->kind;
	r->line = f->line > INT32_MAX ? 0 : f->line;
	r->inlined = f->inlined;
	return err;
}

static int frames_put(struct work *w, const struct profile *p, struct buf *b)
{
	size_t n;
	const struct frame *f = profile_frames(p, &n);
	int err = 0;

	w->rows = calloc(n + 1, sizeof(*w->rows));
	if (!w->rows)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n; i++)
		err = row_make(w, &f[i], &w->rows[i]);
	json_key(b, STR("frames"));
	buf_char(b, '{');
	for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
		json_key(b, columns[c].key);
		buf_char(b, '[');
		for (size_t i = 0; i < n; i++) {
			comma(b, i);
			buf_u64(b, *(uint32_t *)((char *)&w->rows[i] + columns[c].offset));
		}
		buf_char(b, ']');
	}
	buf_char(b, '}');
	return err;
}

static void nodes_put(const struct profile *p, struct buf *b)
{
	size_t n;
	const struct profile_node *node = profile_nodes(p, &n);

	json_key(b, STR("nodes"));
	buf_str(b, STR("{\"up\":["));
	for (size_t i = 1; i < n; i++) {
		comma(b, i - 1);
		buf_u64(b, i - node[i].parent);
	}
	buf_str(b, STR("],\"frame\":["));
	for (size_t i = 1; i < n; i++) {
		comma(b, i - 1);
		buf_u64(b, node[i].frame);
	}
	buf_str(b, STR("]}"));
}

static int series_put(struct work *w, const struct profile *p, struct buf *b)
{
	uint32_t count = (uint32_t)profile_series_count(p), key, value;
	int err = 0;

	json_key(b, STR("series"));
	buf_char(b, '[');
	for (uint32_t s = 0; s < count; s++) {
		size_t n;
		const struct profile_label *l = profile_series_labels(p, s, &n);

		buf_str(b, s ? STR(",[") : STR("["));
		for (size_t i = 0; !err && i < n; i++) {
			err = put(w, l[i].key, &key);
			if (!err)
				err = put(w, l[i].value, &value);
			if (!err)
				buf_printf(b, "%s%u,%u", i ? "," : "", key, value);
		}
		buf_char(b, ']');
	}
	buf_char(b, ']');
	return err;
}

static void samples_put(const struct profile *p, struct buf *b)
{
	size_t n, types = profile_opts(p)->ntypes;
	const struct profile_sample *s = profile_samples(p, &n);

	json_key(b, STR("samples"));
	buf_str(b, STR("{\"node\":["));
	for (size_t i = 0; i < n; i++) {
		comma(b, i);
		buf_u64(b, s[i].node);
	}
	buf_str(b, STR("],\"series\":["));
	for (size_t i = 0; i < n; i++) {
		comma(b, i);
		buf_u64(b, s[i].series);
	}
	buf_str(b, STR("],\"values\":["));
	for (size_t t = 0; t < types; t++) {
		buf_str(b, t ? STR(",[") : STR("["));
		for (size_t i = 0; i < n; i++) {
			comma(b, i);
			buf_u64(b, s[i].value[t]);
		}
		buf_char(b, ']');
	}
	buf_str(b, STR("]}"));
}

static void facts_put(const struct profile *p, struct buf *b)
{
	const struct profile_opts *o = profile_opts(p);

	member_text(b, STR("title"), o->title);
	member_u64(b, STR("time_ms"), o->time_ns > 0 ? (uint64_t)o->time_ns / 1000000 : 0);
	member_u64(b, STR("duration_ns"), o->duration_ns);
	member_u64(b, STR("period_ns"), o->period);
	member_u64(b, STR("folded"), profile_stats(p).folded);
	json_key(b, STR("types"));
	buf_char(b, '[');
	for (size_t i = 0; i < o->ntypes; i++) {
		buf_str(b, i ? STR(",[") : STR("["));
		text_put(b, o->types[i].type);
		buf_char(b, ',');
		text_put(b, o->types[i].unit);
		buf_char(b, ']');
	}
	buf_char(b, ']');
	json_key(b, STR("kinds"));
	buf_char(b, '[');
	for (size_t i = 0; i < FRAME_KINDS; i++) {
		comma(b, i);
		text_put(b, str_of(kinds[i]));
	}
	buf_char(b, ']');
}

static int profile_put(const struct profile *p, struct buf *b)
{
	_cleanup_(work_free) struct work w = { .budget = { .max = PROFILE_BYTES_MAX } };
	int err = intern_init(&w.strings, &w.budget, PROFILE_STRINGS_MAX);

	if (err)
		return err;
	buf_char(b, '{');
	facts_put(p, b);
	err = frames_put(&w, p, b);
	if (!err)
		err = series_put(&w, p, b);
	if (err)
		return err;
	nodes_put(p, b);
	samples_put(p, b);
	json_key(b, STR("strings"));
	buf_char(b, '[');
	for (uint32_t i = 0; i < w.strings.n; i++) {
		comma(b, i);
		text_put(b, intern_get(&w.strings, i));
	}
	buf_str(b, STR("]}"));
	return 0;
}

static bool view_ok(const struct profile *p, const struct profile_out_opts *o)
{
	return o->view.type < profile_opts(p)->ntypes && o->view.nroots <= PROFILE_LABELS_MAX;
}

int html_data(const struct profile *before, const struct profile *p,
	      const struct profile_out_opts *o, struct buf *b)
{
	int err = 0;

	if (!view_ok(p, o))
		return -EINVAL;
	buf_str(b, STR("{\"porthole\":1"));
	member_text(b, STR("type"), profile_opts(p)->types[o->view.type].type);
	if (o->view.nroots)
		member_text(b, STR("group"), o->view.roots[0]);
	if (o->absolute)
		member_text(b, STR("scale"), STR("absolute"));
	json_key(b, STR("profiles"));
	buf_char(b, '[');
	if (before) {
		err = profile_put(before, b);
		buf_char(b, ',');
	}
	if (!err)
		err = profile_put(p, b);
	buf_str(b, STR("]}"));
	return err ? err : b->failed ? -EFBIG : 0;
}

int html_render(const struct profile *before, const struct profile *p,
		const struct profile_out_opts *o, struct buf *b)
{
	struct str page = { ui_flame, (size_t)(ui_flame_end - ui_flame) };
	const char *at = memmem(page.p, page.n, DATA_MARK.p, DATA_MARK.n);
	size_t head = at ? (size_t)(at - page.p) : 0;
	int err;

	if (!at || !view_ok(p, o))
		return -EINVAL;
	buf_str(b, (struct str){ page.p, head });
	err = html_data(before, p, o, b);
	buf_str(b, str_skip(page, head + DATA_MARK.n));
	return err ? err : b->failed ? -EFBIG : 0;
}

static int render(const struct profile *p, const struct profile_out_opts *o, struct buf *b)
{
	return html_render(NULL, p, o, b);
}

/* The page finds what both count by itself. */
static int difference(const struct profile_difference *d, const struct profile_out_opts *o,
		      struct buf *b)
{
	struct profile_out_opts of_after = *o;

	of_after.view.type = d->types[PAIR_AFTER];
	return html_render(d->before, d->after, &of_after, b);
}

const struct profile_out_ops profile_out_html = {
	.name = "html",
	.content_type = "text/html; charset=utf-8",
	.suffix = ".html",
	.help = "one web page: flame graph, table, search",
	.render = render,
	.difference = difference,
};
