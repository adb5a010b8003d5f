/*
 * Folded stacks as FlameGraph, speedscope and most others read them: a line for each stack, root
 * first, frames joined by ';', a space, the value. Annotations as stackcollapse-perf.pl makes them:
 * _[k] kernel, _[i] inlined, _[j] compiled at run time.
 *
 * The form has no escapes of its own. Control characters, invalid UTF-8 and the backslash are
 * escaped as in all text of porthole (base/buf.h), and so are what would be read as separators: ';'
 * as \x3b, and the space before a name's last word when that is a number, which flamegraph.pl takes
 * for the first of two values, as \x20. Labels above the stacks stand as they are.
 *
 * A difference has two values a line, before and after, as difffolded.pl makes it for flamegraph.pl.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/slots.h"
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

/* Lines of one tree: of each node its stack, and up to two values. */
struct lines {
	const struct profile_tree *t;
	struct buf line, *b;
	size_t *ends; /* of the line, by depth */
};

static void lines_free(struct lines *l)
{
	buf_free(&l->line);
	free(l->ends);
}

static int lines_begin(struct lines *l, const struct profile_tree *t, struct buf *b)
{
	l->t = t;
	l->b = b;
	l->ends = calloc(t->depth + 1, sizeof(*l->ends));
	return l->ends ? 0 : -ENOMEM;
}

/* The node after @node, its stack made. The root's is said too: nothing was known but that time went by. */
static uint32_t lines_next(struct lines *l, uint32_t node, size_t *depth)
{
	node = profile_tree_next(l->t, node, depth);
	if (!node)
		return 0;
	l->line.n = l->ends[*depth - 1];
	if (l->line.n)
		buf_char(&l->line, ';');
	frame_put(&l->line, &l->t->frames[l->t->nodes[node].frame]);
	l->ends[*depth] = l->line.n;
	return node;
}

static void value_put(struct lines *l, uint64_t v)
{
	buf_char(l->b, ' ');
	buf_u64(l->b, v);
}

static void stack_put(struct lines *l, uint32_t node)
{
	buf_str(l->b, node ? buf_slice(&l->line) : STR("[no stack]"));
}

static int folded_render(const struct profile *p, const struct profile_out_opts *o, struct buf *b)
{
	_cleanup_(profile_tree_freep) struct profile_tree *t = NULL;
	_cleanup_(lines_free) struct lines l = { 0 };
	struct profile_view view = o->view;
	size_t depth = 0;
	uint32_t i = 0;
	int err;

	view.by_name = true;
	err = profile_tree_new(p, &view, &t);
	if (!err)
		err = lines_begin(&l, t, b);
	if (err)
		return err;
	do {
		if (!t->nodes[i].self)
			continue;
		stack_put(&l, i);
		value_put(&l, t->nodes[i].self);
		buf_char(b, '\n');
	} while ((i = lines_next(&l, i, &depth)));
	return l.line.failed || b->failed ? -EFBIG : 0;
}

/* --- differences ----------------------------------------------------------------------------------- */

struct difference {
	const struct profile_tree *before, *after;
	struct budget budget;
	struct slots by_child; /* of after's nodes: parent and frame */
	uint32_t *same;	       /* by before's node: after's of the same stack; 0: there is none */
	uint64_t *was;	       /* by after's node: its value before */
};

static void difference_free(struct difference *d)
{
	slots_free(&d->by_child);
	free(d->same);
	free(d->was);
}

static uint64_t child_hash(uint32_t parent, uint32_t frame)
{
	return hash_u64((uint64_t)parent << 32 | frame);
}

static uint64_t child_hash_of(const void *ctx, uint32_t at)
{
	const struct profile_tree_node *n = &((const struct profile_tree *)ctx)->nodes[at + 1];

	return child_hash(n->parent, n->frame);
}

static uint32_t child_find(const struct difference *d, uint32_t parent, uint32_t frame)
{
	SLOTS_EACH(&d->by_child, child_hash(parent, frame), at)
	if (d->after->nodes[at + 1].parent == parent && d->after->nodes[at + 1].frame == frame)
		return at + 1;
	return 0;
}

/* Frames have the same numbers in both trees; a parent's number is smaller than its child's. */
static int nodes_match(struct difference *d)
{
	const struct profile_tree_node *n = d->before->nodes;
	int err = 0;

	d->budget.max = PROFILE_BYTES_MAX;
	d->same = calloc(d->before->nnodes, sizeof(*d->same));
	d->was = calloc(d->after->nnodes, sizeof(*d->was));
	if (!d->same || !d->was)
		return -ENOMEM;
	for (uint32_t i = 1; !err && i < d->after->nnodes; i++) {
		err = slots_room(&d->by_child, &d->budget, child_hash_of, d->after);
		if (!err)
			slots_put(&d->by_child, child_hash_of(d->after, i - 1), i - 1);
	}
	d->was[0] = n[0].self;
	for (uint32_t i = 1; !err && i < d->before->nnodes; i++) {
		if (n[i].parent && !d->same[n[i].parent])
			continue;
		d->same[i] = child_find(d, d->same[n[i].parent], n[i].frame);
		if (d->same[i])
			d->was[d->same[i]] = n[i].self;
	}
	return err;
}

/* With @gone: the stacks that only the tree before has; else those of the tree after. */
static int difference_lines(const struct difference *d, bool gone, struct buf *b)
{
	const struct profile_tree *t = gone ? d->before : d->after;
	_cleanup_(lines_free) struct lines l = { 0 };
	size_t depth = 0;
	uint32_t i = 0;
	int err = lines_begin(&l, t, b);

	if (err)
		return err;
	do {
		const uint64_t self = t->nodes[i].self;
		const uint64_t was = gone ? self : d->was[i], is = gone ? 0 : self;

		if ((!was && !is) || (gone && (!i || d->same[i])))
			continue;
		stack_put(&l, i);
		value_put(&l, was);
		value_put(&l, is);
		buf_char(b, '\n');
	} while ((i = lines_next(&l, i, &depth)));
	return l.line.failed || b->failed ? -EFBIG : 0;
}

static int folded_difference(const struct profile_difference *pd, const struct profile_out_opts *o,
			     struct buf *b)
{
	_cleanup_(profile_sides_free) struct profile_sides sides = { 0 };
	_cleanup_(difference_free) struct difference d = { 0 };
	int err = profile_sides_make(pd->before, pd->after, pd->types, &o->view, &sides);

	if (err)
		return err;
	d.before = sides.tree[PAIR_BEFORE];
	d.after = sides.tree[PAIR_AFTER];
	err = nodes_match(&d);
	if (!err)
		err = difference_lines(&d, false, b);
	return err ? err : difference_lines(&d, true, b);
}

const struct profile_out_ops profile_out_folded = {
	.name = "folded",
	.content_type = "text/plain; charset=utf-8",
	.suffix = ".folded",
	.help = "one line a stack, for FlameGraph and speedscope",
	.render = folded_render,
	.difference = folded_difference,
};
