/*
 * A profile as text for people: the functions with the most time of their own, then the tree of
 * calls, cut where a branch has less than `cut` of all; what is cut is said, so figures add up.
 *
 * A function's total counts a stack once, however often the function stands in it. In the tree, a
 * chain of single calls stays in one column and only a branch indents: each of its ways begins with
 * "- ". Labels above the stacks stand in the tree, not in the list of functions.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "out/profile_out.h"
#include "out/toptree/column.h"
#include "out/toptree/difference.h"
#include "out/toptree/functions.h"

#define WIDTH_DEFAULT 100
#define WIDTH_MIN     60
#define TOP_DEFAULT   20
#define CUT_DEFAULT   0.01
#define FIGURES	      32 /* columns before the function: two values and percentages, blanks */
#define TREE_FIGURES  27 /* before the tree: value, percentage, value, blanks */
#define INDENT_MAX    30 /* columns; deeper branches stand there, with their depth */

struct work {
	const struct profile_tree *t;
	struct str unit;
	uint64_t all, least; /* least: of what the tree shows */
	unsigned width;
	size_t top;
	struct buf *b;
};

static int function_cmp(const void *pa, const void *pb)
{
	const struct function *a = pa, *b = pb;

	if (a->self != b->self)
		return a->self > b->self ? -1 : 1;
	if (a->total != b->total)
		return a->total > b->total ? -1 : 1;
	return a->frame < b->frame ? -1 : a->frame > b->frame;
}

static void function_put(const struct work *w, const struct function *f)
{
	const struct profile_tree_frame *frame = &w->t->frames[f->frame];
	struct buf *b = w->b;

	column_value(b, f->self, w->unit);
	column_percent(b, f->self, w->all);
	column_value(b, f->total, w->unit);
	column_percent(b, f->total, w->all);
	buf_str(b, STR("  "));
	functions_name(b, frame, w->width - FIGURES);
	buf_char(b, '\n');
}

static void top_rest(const struct work *w, const struct function *f, size_t n)
{
	uint64_t self = 0;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		self = functions_add(self, f[i].self);
		count += f[i].self > 0;
	}
	if (!count)
		return;
	column_value(w->b, self, w->unit);
	column_percent(w->b, self, w->all);
	buf_printf(w->b, "%17s[%zu more function%s]\n", "", count, count == 1 ? "" : "s");
}

static int top_put(const struct work *w)
{
	const struct profile_tree *t = w->t;
	_cleanup_(freep) struct function *f = calloc(t->nframes, sizeof(*f));
	size_t n = 0, shown = 0;
	int err = f ? functions_sum(t, f) : -ENOMEM;

	if (err)
		return err;
	for (size_t i = 0; i < t->nframes; i++)
		if (f[i].total && !t->frames[i].label)
			f[n++] = f[i];
	qsort(f, n, sizeof(*f), function_cmp);
	buf_printf(w->b, "%9s%6s%9s%6s  %-*s  module\n", "self", "%", "total", "%",
		   (int)(w->width - FIGURES - (w->width - FIGURES) / 4 - 2), "function");
	for (; shown < n && shown < w->top && f[shown].self; shown++)
		function_put(w, &f[shown]);
	top_rest(w, f + shown, n - shown);
	return 0;
}

/* How a node's line begins; @indent is where its text stands, @way that it is one of several. */
static size_t tree_indent(struct buf *b, size_t indent, bool way, size_t depth)
{
	size_t at = b->n;

	if (indent <= INDENT_MAX)
		buf_printf(b, "%*s%s", (int)(indent - (way ? 2 : 0)), "", way ? "- " : "");
	else
		buf_printf(b, "%*s[%zu] %s", INDENT_MAX - 8, "", depth, way ? "- " : "");
	return b->n - at;
}

static void node_put(const struct work *w, uint32_t node, size_t indent, bool way, size_t depth)
{
	const struct profile_tree_node *n = &w->t->nodes[node];
	const struct profile_tree_frame *f = &w->t->frames[n->frame];
	struct str module = f->label || f->nameless ? STR_NONE : functions_module(f->module);
	size_t left = w->width - TREE_FIGURES, used;
	struct buf *b = w->b;

	column_value(b, n->total, w->unit);
	column_percent(b, n->total, w->all);
	column_value(b, n->self, w->unit);
	buf_str(b, STR("   "));
	used = tree_indent(b, indent, way, depth);
	left = left > used ? left - used : 0;
	if (f->inlined && left > 30) {
		buf_str(b, STR("(inlined) "));
		left -= 10;
	}
	/* The module takes at most a third, and only where a name fits beside it. */
	if (module.n && left > 24) {
		size_t most = left / 3, takes = module.n + 3 < most ? module.n + 3 : most;

		column_name(b, f->name, left - takes, false);
		buf_str(b, module.p[0] == '[' ? STR(" ") : STR(" ["));
		column_name(b, module, takes - 3, false);
		buf_str(b, module.p[0] == '[' ? STR("") : STR("]"));
	} else {
		column_name(b, f->name, left, false);
	}
	buf_char(b, '\n');
}

/* How many children of @node are shown; the others' number and sum. */
static size_t children(const struct work *w, uint32_t node, size_t *ret_rest, uint64_t *ret_sum)
{
	size_t n = 0;

	*ret_rest = 0;
	*ret_sum = 0;
	for (uint32_t c = w->t->nodes[node].first; c; c = w->t->nodes[c].next) {
		if (w->t->nodes[c].total >= w->least) {
			n++;
			continue;
		}
		++*ret_rest;
		*ret_sum = functions_add(*ret_sum, w->t->nodes[c].total);
	}
	return n;
}

static void rest_put(const struct work *w, size_t rest, uint64_t sum, size_t indent, size_t depth)
{
	column_value(w->b, sum, w->unit);
	column_percent(w->b, sum, w->all);
	column_value(w->b, 0, w->unit);
	buf_str(w->b, STR("   "));
	tree_indent(w->b, indent, true, depth);
	buf_printf(w->b, "[%zu more, smaller]\n", rest);
}

/*
 * The node after @node among those shown: children are sorted, so the first one that is too small
 * ends its row. What was left out of a row is said when the row is left.
 */
static uint32_t tree_step(const struct work *w, uint32_t node, size_t *depth, const size_t *indent)
{
	const struct profile_tree_node *nodes = w->t->nodes;
	uint32_t c = nodes[node].first;
	uint64_t sum;
	size_t rest;

	if (c && nodes[c].total >= w->least) {
		++*depth;
		return c;
	}
	while (node) {
		children(w, node, &rest, &sum);
		if (rest)
			rest_put(w, rest, sum, indent[*depth + 1], *depth + 1);
		c = nodes[node].next;
		if (c && nodes[c].total >= w->least)
			return c;
		node = nodes[node].parent;
		--*depth;
	}
	children(w, 0, &rest, &sum);
	if (rest)
		rest_put(w, rest, sum, indent[1], 1);
	return 0;
}

static int tree_put(const struct work *w)
{
	/* By depth: where the row of children stands, and whether it is of several ways. */
	_cleanup_(freep) size_t *indent = calloc(w->t->depth + 2, sizeof(*indent));
	_cleanup_(freep) bool *ways = calloc(w->t->depth + 2, sizeof(*ways));
	size_t depth = 0, rest;
	uint32_t i = 0;
	uint64_t sum;

	if (!indent || !ways)
		return -ENOMEM;
	buf_printf(w->b, "%9s%6s%9s   calls\n", "total", "%", "self");
	if (w->t->nodes[0].self) {
		column_value(w->b, w->t->nodes[0].self, w->unit);
		column_percent(w->b, w->t->nodes[0].self, w->all);
		column_value(w->b, w->t->nodes[0].self, w->unit);
		buf_str(w->b, STR("   - [no stack]\n"));
	}
	do {
		if (i)
			node_put(w, i, indent[depth], ways[depth], depth);
		ways[depth + 1] = children(w, i, &rest, &sum) + (rest > 0) > 1;
		indent[depth + 1] = indent[depth] + (ways[depth + 1] || rest ? 2 : 0);
		i = tree_step(w, i, &depth, indent);
	} while (i);
	return 0;
}

static void title_put(const struct work *w, const struct profile *p, size_t type)
{
	const struct profile_opts *po = profile_opts(p);
	struct profile_stats s = profile_stats(p);

	if (po->title.n) {
		column_name(w->b, po->title, w->width, false);
		buf_char(w->b, '\n');
	}
	buf_text(w->b, po->types[type].type);
	buf_str(w->b, STR(": "));
	column_value_short(w->b, w->all, w->unit);
	if (po->duration_ns) {
		buf_str(w->b, STR(" in "));
		column_value_short(w->b, po->duration_ns, STR("nanoseconds"));
	}
	buf_char(w->b, '\n');
	if (s.folded)
		buf_printf(w->b, "%llu samples not kept apart: too many different stacks\n",
			   (unsigned long long)s.folded);
	buf_char(w->b, '\n');
}

static int toptree_render(const struct profile *p, const struct profile_out_opts *o, struct buf *b)
{
	_cleanup_(profile_tree_freep) struct profile_tree *t = NULL;
	struct work w = { .b = b, .width = o->width ? o->width : WIDTH_DEFAULT };
	double cut = o->cut > 0 ? o->cut : CUT_DEFAULT;
	int err = profile_tree_new(p, &o->view, &t);

	if (err)
		return err;
	w.t = t;
	w.unit = profile_opts(p)->types[o->view.type].unit;
	w.all = t->nodes[0].total;
	w.least = (uint64_t)((double)w.all * (cut < 1 ? cut : 1));
	w.least += !w.least;
	w.top = o->top ? o->top : TOP_DEFAULT;
	if (w.width < WIDTH_MIN)
		w.width = WIDTH_MIN;
	title_put(&w, p, o->view.type);
	if (w.all) {
		err = top_put(&w);
		buf_char(b, '\n');
		if (!err)
			err = tree_put(&w);
	}
	if (err)
		return err;
	return b->failed ? -EFBIG : 0;
}

const struct profile_out_ops profile_out_toptree = {
	.name = "text",
	.content_type = "text/plain; charset=utf-8",
	.suffix = ".txt",
	.help = "top functions and the tree of calls, for people",
	.render = toptree_render,
	.difference = toptree_difference,
};
