/*
 * speedscope's file format (https://www.speedscope.app/file-format-schema.json): frames shared by
 * all, and one profile of type "sampled" for each value type: stacks as indices, root first, and a
 * weight each. The chosen value type is the one shown first. With by_thread, one for each process
 * and thread instead; these labels then are the profile's name and not frames.
 *
 * Stacks stand in the tree's order, not in the order of time, which a profile does not keep.
 * Numbers above 2^53 lose their last digits in every reader written in JavaScript.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "out/profile_out.h"

#define SPLIT_LABELS 2

struct work {
	struct profile_tree *trees[PROFILE_TYPES_MAX];
	size_t ntrees, split; /* split: how many labels above are the profile's name */
	uint32_t *number;     /* of a tree's frame in the file, + 1; 0: not used */
	uint32_t *path;
	const struct profile_opts *opts;
	struct buf samples, weights;
};

static void work_free(struct work *w)
{
	for (size_t i = 0; i < w->ntrees; i++)
		profile_tree_free(w->trees[i]);
	free(w->number);
	free(w->path);
	buf_free(&w->samples);
	buf_free(&w->weights);
}

static int trees_make(struct work *w, const struct profile *p, const struct profile_out_opts *o)
{
	struct str roots[SPLIT_LABELS + PROFILE_LABELS_MAX] = { STR("process"), STR("thread") };
	struct profile_view view = o->view;
	size_t depth = 0;
	int err = 0;

	if (view.nroots + w->split > PROFILE_LABELS_MAX || view.type >= w->opts->ntypes)
		return -EINVAL;
	for (size_t i = 0; i < view.nroots; i++)
		roots[w->split + i] = o->view.roots[i];
	view.roots = roots;
	view.nroots += w->split;
	for (view.type = 0; !err && view.type < w->opts->ntypes; view.type++) {
		err = profile_tree_new(p, &view, &w->trees[view.type]);
		w->ntrees += !err;
	}
	if (err)
		return err;
	for (size_t i = 0; i < w->ntrees; i++)
		if (w->trees[i]->depth > depth)
			depth = w->trees[i]->depth;
	w->number = calloc(w->trees[0]->nframes, sizeof(*w->number));
	w->path = calloc(depth + 1, sizeof(*w->path));
	return w->number && w->path ? 0 : -ENOMEM;
}

static void frame_put(struct buf *b, const struct profile_tree_frame *f)
{
	buf_char(b, '{');
	json_key(b, STR("name"));
	json_str(b, f->name);
	/* Shown beside the name; a module says more than nothing. */
	if (f->file.n || f->module.n) {
		json_key(b, STR("file"));
		json_str(b, f->file.n ? f->file : f->module);
	}
	buf_char(b, '}');
}

/* Frames in use, in the tree's order of first use; numbers them. */
static void frames_put(struct work *w, struct buf *b)
{
	uint32_t n = 0;

	buf_str(b, STR("\"shared\":{\"frames\":["));
	for (size_t k = 0; k < w->ntrees; k++) {
		const struct profile_tree *t = w->trees[k];
		size_t depth = 0;

		for (uint32_t i = 0; (i = profile_tree_next(t, i, &depth));) {
			uint32_t f = t->nodes[i].frame;

			if (w->number[f] || depth <= w->split)
				continue;
			if (n)
				buf_char(b, ',');
			frame_put(b, &t->frames[f]);
			w->number[f] = ++n;
		}
	}
	buf_str(b, STR("]}"));
}

static void sample_put(struct work *w, size_t depth, uint64_t weight)
{
	if (w->samples.n)
		buf_char(&w->samples, ',');
	buf_char(&w->samples, '[');
	for (size_t i = w->split + 1; i <= depth; i++) {
		if (i > w->split + 1)
			buf_char(&w->samples, ',');
		buf_u64(&w->samples, w->path[i] - 1);
	}
	buf_char(&w->samples, ']');
	if (w->weights.n)
		buf_char(&w->weights, ',');
	buf_u64(&w->weights, weight);
}

/* Names of units that the format knows; all else is a plain number. */
static struct str unit_name(struct str unit)
{
	static const struct str known[] = { { "nanoseconds", 11 },
					    { "microseconds", 12 },
					    { "milliseconds", 12 },
					    { "seconds", 7 },
					    { "bytes", 5 } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_eq(unit, known[i]))
			return unit;
	return STR("none");
}

/* Writes what has gathered in samples and weights. @node: whose labels name it. */
static void profile_put(struct work *w, const struct profile_tree *t, size_t type, uint32_t node,
			uint64_t total, struct buf *b)
{
	const struct profile_tree_node *n = &t->nodes[node];

	if (b->p && b->n && b->p[b->n - 1] == '}')
		buf_char(b, ',');
	buf_str(b, STR("{\"type\":\"sampled\",\"name\":\""));
	json_escape(b, w->opts->types[type].type);
	if (w->split && node) {
		buf_str(b, STR(": "));
		json_escape(b, t->frames[t->nodes[n->parent].frame].name);
		buf_str(b, STR(" / "));
		json_escape(b, t->frames[n->frame].name);
	}
	buf_str(b, STR("\",\"unit\":\""));
	json_escape(b, unit_name(w->opts->types[type].unit));
	buf_str(b, STR("\",\"startValue\":0,\"endValue\":"));
	buf_u64(b, total);
	buf_str(b, STR(",\"samples\":["));
	buf_str(b, buf_slice(&w->samples));
	buf_str(b, STR("],\"weights\":["));
	buf_str(b, buf_slice(&w->weights));
	buf_str(b, STR("]}"));
	if (w->samples.failed || w->weights.failed)
		b->failed = true;
	buf_reset(&w->samples);
	buf_reset(&w->weights);
}

/* The profiles of one value type; how many. */
static size_t type_put(struct work *w, size_t type, struct buf *b)
{
	const struct profile_tree *t = w->trees[type];
	size_t depth = 0, n = 0;
	uint32_t group = 0;

	if (t->nodes[0].self)
		sample_put(w, 0, t->nodes[0].self);
	for (uint32_t i = 0; (i = profile_tree_next(t, i, &depth));) {
		if (w->split && depth == w->split) {
			if (group) {
				profile_put(w, t, type, group, t->nodes[group].total, b);
				n++;
			}
			group = i;
		}
		w->path[depth] = w->number[t->nodes[i].frame];
		if (t->nodes[i].self)
			sample_put(w, depth, t->nodes[i].self);
	}
	if (!w->split || group) {
		profile_put(w, t, type, group, t->nodes[group].total, b);
		n++;
	}
	return n;
}

static int speedscope_render(const struct profile *p, const struct profile_out_opts *o, struct buf *b)
{
	_cleanup_(work_free) struct work w = { .opts = profile_opts(p) };
	size_t active = 0, n = 0;
	int err;

	w.samples.max = w.weights.max = b->max;
	w.split = o->by_thread ? SPLIT_LABELS : 0;
	err = trees_make(&w, p, o);
	if (err)
		return err;
	buf_str(b, STR("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\","));
	frames_put(&w, b);
	buf_str(b, STR(",\"profiles\":["));
	for (size_t i = 0; i < w.ntrees; i++) {
		if (i == o->view.type)
			active = n;
		n += type_put(&w, i, b);
	}
	buf_str(b, STR("],\"name\":"));
	json_str(b, w.opts->title.n ? w.opts->title : STR("porthole"));
	if (n) {
		buf_str(b, STR(",\"activeProfileIndex\":"));
		buf_u64(b, active);
	}
	buf_str(b, STR(",\"exporter\":\"porthole " PORTHOLE_VERSION "\"}\n"));
	return b->failed ? -EFBIG : 0;
}

const struct profile_out_ops profile_out_speedscope = {
	.name = "speedscope",
	.content_type = "application/json",
	.suffix = ".speedscope.json",
	.help = "JSON for speedscope.app",
	.render = speedscope_render,
};
