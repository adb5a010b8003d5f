/*
 * Builds the tree of names: frames first (all of the profile's, so that their numbers do not depend
 * on values), then each sample's path, then totals from the leaves up and the order of children.
 */
#include "agg/profile_tree.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/intern.h"

/* A stack, the mark above it and the labels above that. */
#define PATH_MAX_FRAMES (PROFILE_DEPTH_MAX + 1 + PROFILE_LABELS_MAX)

struct tree {
	struct profile_tree pub; /* first: what is handed out */
	const struct profile *p;
	struct profile_view view;
	struct budget budget;
	struct intern strings;
	struct profile_tree_frame *frames;
	struct profile_tree_node *nodes;
	size_t nframes, nnodes, cap_frames, cap_nodes;
	struct slots by_frame, by_node;
	uint32_t *frame_of;  /* by the profile's frame */
	uint32_t *labels_of; /* by series: nroots frames each */
};

static uint64_t frame_hash(const struct tree *t, const struct profile_tree_frame *f)
{
	uint64_t h = hash_u64((uintptr_t)f->name.p);

	if (!t->view.by_name)
		h = hash_u64(h ^ (uintptr_t)f->module.p);
	return h + f->kind * 4 + f->inlined * 2 + f->label;
}

static bool frame_eq(const struct tree *t, const struct profile_tree_frame *a,
		     const struct profile_tree_frame *b)
{
	return a->name.p == b->name.p && a->kind == b->kind && a->inlined == b->inlined &&
	       a->label == b->label && (t->view.by_name || a->module.p == b->module.p);
}

static uint64_t frame_hash_of(const void *ctx, uint32_t at)
{
	return frame_hash(ctx, &((const struct tree *)ctx)->frames[at]);
}

static uint64_t node_hash(uint32_t parent, uint32_t frame)
{
	return hash_u64((uint64_t)parent << 32 | frame);
}

static uint64_t node_hash_of(const void *ctx, uint32_t at)
{
	const struct profile_tree_node *n = &((const struct tree *)ctx)->nodes[at];

	return node_hash(n->parent, n->frame);
}

static int frame_put(struct tree *t, struct profile_tree_frame *f, uint32_t *ret)
{
	uint64_t hash;
	uint32_t id;
	int err = intern_put(&t->strings, f->name, &id);

	if (err)
		return err;
	f->name = intern_get(&t->strings, id);
	hash = frame_hash(t, f);
	SLOTS_EACH(&t->by_frame, hash, at)
	if (frame_eq(t, &t->frames[at], f)) {
		*ret = at;
		return 0;
	}
	err = grow_array(&t->budget, &t->frames, t->nframes, &t->cap_frames, sizeof(*f),
			 PROFILE_FRAMES_MAX * 2);
	if (!err)
		err = slots_room(&t->by_frame, &t->budget, frame_hash_of, t);
	if (err)
		return err;
	t->frames[t->nframes] = *f;
	slots_put(&t->by_frame, hash, (uint32_t)t->nframes);
	*ret = (uint32_t)t->nframes++;
	return 0;
}

static struct str base_name(struct str path)
{
	for (size_t i = path.n; i--;)
		if (path.p[i] == '/' && i + 1 < path.n)
			return str_skip(path, i + 1);
	return path;
}

static int named_put(struct tree *t, const struct frame *f, uint32_t *ret)
{
	struct profile_tree_frame d = { .name = f->function,
					.module = f->module,
					.file = f->file,
					.kind = f->kind,
					.inlined = f->inlined };
	struct str base = base_name(f->module);
	char text[512];
	int n;

	if (!d.name.n) {
		/* A longer name is cut; the module stands beside it whole. */
		n = snprintf(text, sizeof(text), "%.*s%s0x%llx", base.n < 400 ? (int)base.n : 400,
			     base.p ? base.p : "", base.n ? "+" : "", (unsigned long long)f->address);
		d.name = (struct str){ text, (size_t)n };
		d.nameless = true;
	}
	return frame_put(t, &d, ret);
}

static int label_put(struct tree *t, struct str key, struct str value, uint32_t *ret)
{
	struct profile_tree_frame d = { .name = value, .kind = FRAME_MARK, .label = true };
	char text[128];
	int n;

	if (!value.n) {
		n = snprintf(text, sizeof(text), "[no %.*s]", key.n < 100 ? (int)key.n : 100, key.p);
		d.name = (struct str){ text, (size_t)n };
	}
	return frame_put(t, &d, ret);
}

static int frames_make(struct tree *t)
{
	size_t n, series = profile_series_count(t->p);
	const struct frame *f = profile_frames(t->p, &n);
	int err = 0;

	t->frame_of = calloc(n, sizeof(*t->frame_of));
	t->labels_of = calloc(series * t->view.nroots + 1, sizeof(*t->labels_of));
	if (!t->frame_of || !t->labels_of)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n; i++)
		err = named_put(t, &f[i], &t->frame_of[i]);
	for (size_t i = 0; !err && i < series * t->view.nroots; i++) {
		struct str key = t->view.roots[i % t->view.nroots];
		struct str value = profile_series_label(t->p, (uint32_t)(i / t->view.nroots), key);

		err = label_put(t, key, value, &t->labels_of[i]);
	}
	return err;
}

static int node_child(struct tree *t, uint32_t parent, uint32_t frame, uint32_t *ret)
{
	uint64_t hash = node_hash(parent, frame);
	int err;

	SLOTS_EACH(&t->by_node, hash, at)
	if (t->nodes[at].parent == parent && t->nodes[at].frame == frame) {
		*ret = at;
		return 0;
	}
	err = grow_array(&t->budget, &t->nodes, t->nnodes, &t->cap_nodes, sizeof(*t->nodes),
			 UINT32_MAX / 2);
	if (!err)
		err = slots_room(&t->by_node, &t->budget, node_hash_of, t);
	if (err)
		return err;
	t->nodes[t->nnodes] = (struct profile_tree_node){ .parent = parent, .frame = frame };
	slots_put(&t->by_node, hash, (uint32_t)t->nnodes);
	*ret = (uint32_t)t->nnodes++;
	return 0;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static int sample_put(struct tree *t, const struct profile_node *nodes,
		      const struct profile_sample *s)
{
	uint32_t path[PATH_MAX_FRAMES], node = 0;
	const uint32_t *labels = t->labels_of + s->series * t->view.nroots;
	size_t n = 0;
	int err = 0;

	for (uint32_t at = s->node; at && n < PATH_MAX_FRAMES; at = nodes[at].parent)
		path[n++] = t->frame_of[nodes[at].frame];
	for (size_t i = 0; !err && i < t->view.nroots; i++)
		err = node_child(t, node, labels[i], &node);
	if (n + t->view.nroots > t->pub.depth)
		t->pub.depth = n + t->view.nroots;
	while (!err && n--)
		err = node_child(t, node, path[n], &node);
	if (!err)
		t->nodes[node].self = add(t->nodes[node].self, s->value[t->view.type]);
	return err;
}

static int samples_put(struct tree *t)
{
	size_t n, nnodes;
	const struct profile_sample *s = profile_samples(t->p, &n);
	const struct profile_node *nodes = profile_nodes(t->p, &nnodes);
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		if (s[i].value[t->view.type])
			err = sample_put(t, nodes, &s[i]);
	return err;
}

/* Ascending: the last one linked becomes its parent's first child. */
static int node_cmp(const void *pa, const void *pb, void *ctx)
{
	const struct tree *t = ctx;
	const struct profile_tree_node *a = &t->nodes[*(const uint32_t *)pa];
	const struct profile_tree_node *b = &t->nodes[*(const uint32_t *)pb];

	if (a->total != b->total)
		return a->total < b->total ? -1 : 1;
	if (a->frame != b->frame) {
		int c = str_cmp(t->frames[b->frame].name, t->frames[a->frame].name);

		return c ? c : a->frame > b->frame ? -1 : 1;
	}
	return a->parent < b->parent ? -1 : a->parent > b->parent;
}

static int totals_make(struct tree *t)
{
	_cleanup_(freep) uint32_t *order = calloc(t->nnodes, sizeof(*order));

	if (!order)
		return -ENOMEM;
	for (size_t i = t->nnodes; i--;) {
		struct profile_tree_node *n = &t->nodes[i];

		n->total = add(n->total, n->self);
		if (i)
			t->nodes[n->parent].total = add(t->nodes[n->parent].total, n->total);
		order[i] = (uint32_t)i;
	}
	qsort_r(order + 1, t->nnodes - 1, sizeof(*order), node_cmp, t);
	for (size_t i = 1; i < t->nnodes; i++) {
		struct profile_tree_node *n = &t->nodes[order[i]];

		n->next = t->nodes[n->parent].first;
		t->nodes[n->parent].first = order[i];
	}
	return 0;
}

static int tree_make(struct tree *t)
{
	int err = intern_init(&t->strings, &t->budget, PROFILE_FRAMES_MAX * 2);

	if (!err)
		err = frames_make(t);
	if (!err)
		err = grow_array(&t->budget, &t->nodes, 0, &t->cap_nodes, sizeof(*t->nodes),
				 UINT32_MAX / 2);
	if (err)
		return err;
	t->nodes[t->nnodes++] = (struct profile_tree_node){ .frame = UINT32_MAX };
	err = samples_put(t);
	if (!err)
		err = totals_make(t);
	if (err)
		return err;
	t->pub.frames = t->frames;
	t->pub.nodes = t->nodes;
	t->pub.nframes = t->nframes;
	t->pub.nnodes = t->nnodes;
	return 0;
}

int profile_tree_new(const struct profile *p, const struct profile_view *v, struct profile_tree **ret)
{
	_cleanup_(profile_tree_freep) struct profile_tree *pub = NULL;
	struct tree *t;
	int err;

	if (v->type >= profile_opts(p)->ntypes || v->nroots > PROFILE_LABELS_MAX)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	pub = &t->pub;
	t->p = p;
	t->view = *v;
	t->budget.max = PROFILE_BYTES_MAX;
	err = tree_make(t);
	if (err)
		return err;
	*ret = take_ptr(pub);
	return 0;
}

void profile_tree_free(struct profile_tree *pub)
{
	struct tree *t = (struct tree *)pub;

	if (!t)
		return;
	intern_free(&t->strings);
	free(t->frames);
	free(t->nodes);
	free(t->frame_of);
	free(t->labels_of);
	slots_free(&t->by_frame);
	slots_free(&t->by_node);
	free(t);
}
