/*
 * Folded stacks as FlameGraph, speedscope and most others read them: a line for each stack, root
 * first, frames joined by ';', a space, the value. Annotations as stackcollapse-perf.pl makes them:
 * _[k] kernel, _[i] inlined, _[j] compiled at run time.
 *
 * The form has no escapes of its own. Control characters, invalid UTF-8 and the backslash are
 * escaped as in all text of porthole (base/buf.h), and so are what would be read as separators: ';'
 * as \x3b, and the space before a name's last word when that is a number, which flamegraph.pl takes
 * for the first of two values, as \x20. Labels above the stacks stand as they are.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "out/profile_out.h"

/* Where the last word begins when it is a number and a space stands before it; else 0. */
static size_t number_at(struct str s)
{
	size_t i = s.n;

	while (i && ((s.p[i - 1] >= '0' && s.p[i - 1] <= '9') || s.p[i - 1] == '.'))
		i--;
	return i < s.n && i && s.p[i - 1] == ' ' ? i : 0;
}

static void name_put(struct buf *b, struct str s)
{
	size_t number = number_at(s), from = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool space = i + 1 == number;

		if (s.p[i] != ';' && !space)
			continue;
		buf_text(b, (struct str){ s.p + from, i - from });
		buf_str(b, s.p[i] == ';' ? STR("\\x3b") : STR("\\x20"));
		from = i + 1;
	}
	buf_text(b, (struct str){ s.p + from, s.n - from });
}

static void frame_put(struct buf *b, const struct profile_tree_frame *f)
{
	name_put(b, f->name);
	if (f->kind == FRAME_KERNEL)
		buf_str(b, STR("_[k]"));
	else if (f->inlined)
		buf_str(b, STR("_[i]"));
	else if (f->kind == FRAME_JIT)
		buf_str(b, STR("_[j]"));
}

/* A stack without a frame (nothing was known but that time went by). */
static void bare_put(struct buf *b, uint64_t self)
{
	if (!self)
		return;
	buf_str(b, STR("[no stack] "));
	buf_u64(b, self);
	buf_char(b, '\n');
}

static int folded_render(const struct profile *p, const struct profile_out_opts *o, struct buf *b)
{
	_cleanup_(profile_tree_freep) struct profile_tree *t = NULL;
	_cleanup_(buf_free) struct buf line = { 0 };
	_cleanup_(freep) size_t *ends = NULL; /* of the line, by depth */
	struct profile_view view = o->view;
	size_t depth = 0;
	int err;

	view.by_name = true;
	err = profile_tree_new(p, &view, &t);
	if (err)
		return err;
	ends = calloc(t->depth + 1, sizeof(*ends));
	if (!ends)
		return -ENOMEM;
	bare_put(b, t->nodes[0].self);
	for (uint32_t i = 0; (i = profile_tree_next(t, i, &depth));) {
		line.n = ends[depth - 1];
		if (line.n)
			buf_char(&line, ';');
		frame_put(&line, &t->frames[t->nodes[i].frame]);
		ends[depth] = line.n;
		if (!t->nodes[i].self)
			continue;
		buf_str(b, buf_slice(&line));
		buf_char(b, ' ');
		buf_u64(b, t->nodes[i].self);
		buf_char(b, '\n');
	}
	return line.failed || b->failed ? -EFBIG : 0;
}

const struct profile_out_ops profile_out_folded = {
	.name = "folded",
	.content_type = "text/plain; charset=utf-8",
	.suffix = ".folded",
	.help = "one line a stack, for FlameGraph and speedscope",
	.render = folded_render,
};
