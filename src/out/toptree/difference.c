/*
 * Two lists: functions by the change of their own time, and of their time with all they call. By
 * shares, a profile that is longer, or of a busier time, can be compared with another; by values, what
 * became more stays more when all became more. Functions of one name are one, in whatever module:
 * another build's path does not make another function of it.
 */
#include "out/toptree/difference.h"

#include <errno.h>
#include <math.h>

#include "base/cleanup.h"
#include "out/toptree/column.h"
#include "out/toptree/functions.h"

#define WIDTH_DEFAULT 100
#define WIDTH_MIN     80
#define TOP_DEFAULT   20
#define FIGURES	      49 /* columns before the function: two values and shares, the changes, blanks */

struct changed {
	uint64_t value[PAIR_SIDES];
	double order;
	uint32_t frame;
};

struct work {
	const struct profile_difference *d;
	const struct profile_tree *t[PAIR_SIDES]; /* frames have the same numbers in both */
	struct function *f[PAIR_SIDES];
	struct changed *rows;
	uint64_t all[PAIR_SIDES];
	struct str unit;
	size_t width, top;
	bool absolute;
	struct buf *b;
};

static void work_free(struct work *w)
{
	free(w->f[PAIR_BEFORE]);
	free(w->f[PAIR_AFTER]);
	free(w->rows);
}

static double share(const struct work *w, int side, uint64_t v)
{
	return w->all[side] ? (double)v / (double)w->all[side] : 0;
}

static double points(const struct work *w, const struct changed *c)
{
	return 100 * (share(w, PAIR_AFTER, c->value[PAIR_AFTER]) -
		      share(w, PAIR_BEFORE, c->value[PAIR_BEFORE]));
}

static int changed_cmp(const void *pa, const void *pb)
{
	const struct changed *a = pa, *b = pb;

	if (a->order != b->order)
		return a->order > b->order ? -1 : 1;
	return a->frame < b->frame ? -1 : a->frame > b->frame;
}

static void change_put(struct buf *b, const uint64_t v[PAIR_SIDES], struct str unit)
{
	const bool less = v[PAIR_AFTER] < v[PAIR_BEFORE];
	_cleanup_(buf_free) struct buf text = { 0 };

	if (v[PAIR_AFTER] != v[PAIR_BEFORE])
		buf_char(&text, less ? '-' : '+');
	column_value_short(
		&text, less ? v[PAIR_BEFORE] - v[PAIR_AFTER] : v[PAIR_AFTER] - v[PAIR_BEFORE], unit);
	buf_printf(b, "%10.*s", STR_ARG(buf_slice(&text)));
}

static void row_put(const struct work *w, const struct changed *c)
{
	const double p = points(w, c);

	for (int side = 0; side < PAIR_SIDES; side++) {
		column_value(w->b, c->value[side], w->unit);
		column_percent(w->b, c->value[side], w->all[side]);
	}
	change_put(w->b, c->value, w->unit);
	if (fabs(p) >= 0.05)
		buf_printf(w->b, "%+7.1f  ", p);
	else
		buf_printf(w->b, "%7s  ", "-");
	/* A frame is known to both trees. */
	functions_name(w->b, &w->t[PAIR_AFTER]->frames[c->frame], w->width - FIGURES);
	buf_char(w->b, '\n');
}

static void rest_put(const struct work *w, const struct changed *c, size_t n)
{
	size_t count = 0;

	while (count < n && c[count].order > 0)
		count++;
	if (count)
		buf_printf(w->b, "%*s[%zu more function%s changed, less]\n", FIGURES, "", count,
			   count == 1 ? "" : "s");
}

static uint64_t of_function(const struct function *f, bool total)
{
	return total ? f->total : f->self;
}

static void list_put(const struct work *w, bool total)
{
	size_t n = 0, shown = 0;

	for (size_t i = 0; i < w->t[PAIR_AFTER]->nframes; i++) {
		struct changed c = { .frame = (uint32_t)i };

		if (w->t[PAIR_AFTER]->frames[i].label)
			continue;
		for (int side = 0; side < PAIR_SIDES; side++)
			c.value[side] = of_function(&w->f[side][i], total);
		c.order = w->absolute ?
				  fabs((double)c.value[PAIR_AFTER] - (double)c.value[PAIR_BEFORE]) :
				  fabs(points(w, &c));
		if (c.value[PAIR_BEFORE] || c.value[PAIR_AFTER])
			w->rows[n++] = c;
	}
	qsort(w->rows, n, sizeof(*w->rows), changed_cmp);
	buf_printf(w->b, "%9s%6s%9s%6s%10s%7s  %s\n", "before", "%", "after", "%", "change",
		   "points", total ? "function, with all it calls" : "function, its own");
	for (; shown < n && shown < w->top && w->rows[shown].order > 0; shown++)
		row_put(w, &w->rows[shown]);
	if (!shown)
		buf_printf(w->b, "%*s[nothing changed]\n", FIGURES, "");
	rest_put(w, w->rows + shown, n - shown);
}

static void side_put(const struct work *w, const char *word, const struct profile *p, uint64_t all)
{
	const struct profile_opts *o = profile_opts(p);
	struct profile_stats s = profile_stats(p);

	buf_printf(w->b, "%-8s", word);
	column_value_short(w->b, all, w->unit);
	if (o->duration_ns) {
		buf_str(w->b, STR(" in "));
		column_value_short(w->b, o->duration_ns, STR("nanoseconds"));
	}
	if (o->title.n) {
		buf_str(w->b, STR("  "));
		column_name(w->b, o->title, w->width - 40, false);
	}
	buf_char(w->b, '\n');
	if (s.folded)
		buf_printf(w->b, "        %llu samples not kept apart: too many different stacks\n",
			   (unsigned long long)s.folded);
}

static void head_put(const struct work *w)
{
	const struct profile_opts *a = profile_opts(w->d->after), *b = profile_opts(w->d->before);
	const uint64_t x = b->duration_ns, y = a->duration_ns;

	buf_text(w->b, a->types[w->d->types[PAIR_AFTER]].type);
	buf_printf(w->b, ", by the change of %s\n",
		   w->absolute ? "the values themselves" : "each function's share of all");
	side_put(w, "before", w->d->before, w->all[PAIR_BEFORE]);
	side_put(w, "after", w->d->after, w->all[PAIR_AFTER]);
	buf_printf(w->b, "%-8s", "change");
	change_put(w->b, w->all, w->unit);
	if (w->all[PAIR_BEFORE])
		buf_printf(w->b, " (%+.1f %%)",
			   100 * ((double)w->all[PAIR_AFTER] / (double)w->all[PAIR_BEFORE] - 1));
	buf_char(w->b, '\n');
	/* A tenth is what a watch of some seconds ends late by. */
	if (w->absolute && x && y && (x > y ? x - y : y - x) > (x > y ? x : y) / 10)
		buf_str(w->b, STR("the two are of different length: compare shares, not values\n"));
	buf_char(w->b, '\n');
}

static int sums_make(struct work *w)
{
	int err = 0;

	for (int side = 0; !err && side < PAIR_SIDES; side++) {
		w->f[side] = calloc(w->t[side]->nframes, sizeof(**w->f));
		err = w->f[side] ? functions_sum(w->t[side], w->f[side]) : -ENOMEM;
		w->all[side] = w->t[side]->nodes[0].total;
	}
	w->rows = calloc(w->t[PAIR_AFTER]->nframes, sizeof(*w->rows));
	return w->rows ? err : -ENOMEM;
}

int toptree_difference(const struct profile_difference *d, const struct profile_out_opts *o,
		       struct buf *b)
{
	_cleanup_(profile_sides_free) struct profile_sides sides = { 0 };
	_cleanup_(work_free) struct work w = { .d = d, .absolute = o->absolute, .b = b };
	int err = profile_sides_make(d->before, d->after, d->types, &o->view, &sides);

	if (err)
		return err;
	for (size_t i = 0; i < PAIR_SIDES; i++)
		w.t[i] = sides.tree[i];
	w.unit = profile_opts(sides.both)->types[PAIR_AFTER].unit;
	w.width = o->width ? o->width : WIDTH_DEFAULT;
	w.width = w.width < WIDTH_MIN ? WIDTH_MIN : w.width;
	w.top = o->top ? o->top : TOP_DEFAULT;
	err = sums_make(&w);
	if (err)
		return err;
	head_put(&w);
	list_put(&w, false);
	buf_char(b, '\n');
	list_put(&w, true);
	return b->failed ? -EFBIG : 0;
}
