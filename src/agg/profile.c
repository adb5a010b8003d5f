/*
 * The aggregated profile: five interned tables (strings, frames, series, nodes, samples), each an
 * array with a hash index, under one budget of bytes.
 *
 * A new stack's nodes are made one after the other, so the child wanted is most often the node that
 * follows its parent: that is looked at before the index is. Limits: profile.h.
 */
#include "agg/profile.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/intern.h"

struct series {
	uint32_t first, n; /* in labels */
};

struct profile {
	struct profile_opts opts;
	struct profile_stats stats;
	struct budget budget;
	struct intern strings;
	struct frame *frames;
	struct profile_node *nodes;
	struct profile_sample *samples;
	struct series *series;
	struct profile_label *labels;
	size_t nframes, nnodes, nsamples, nseries, nlabels;
	size_t cap_frames, cap_nodes, cap_samples, cap_series, cap_labels;
	struct slots by_frame, by_node, by_sample, by_series;
};

static uint64_t pair_hash(uint32_t a, uint32_t b)
{
	return hash_u64((uint64_t)a << 32 | b);
}

/* Interned strings are equal when their pointers are. */
static uint64_t string_mix(uint64_t h, struct str s)
{
	return hash_u64(h ^ (uintptr_t)s.p);
}

static uint64_t frame_hash(const struct frame *f)
{
	uint64_t h = hash_u64(f->address ^ (uint64_t)f->line << 40);

	h = string_mix(h, f->function);
	h = string_mix(h, f->linkage);
	h = string_mix(h, f->module);
	h = string_mix(h, f->build_id);
	h = string_mix(h, f->file);
	return h + f->kind * 2 + f->inlined;
}

static bool frame_eq(const struct frame *a, const struct frame *b)
{
	return a->address == b->address && a->function.p == b->function.p && a->line == b->line &&
	       a->module.p == b->module.p && a->file.p == b->file.p && a->kind == b->kind &&
	       a->inlined == b->inlined && a->linkage.p == b->linkage.p &&
	       a->build_id.p == b->build_id.p;
}

static uint64_t labels_hash(const struct profile_label *l, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = string_mix(string_mix(h, l[i].key), l[i].value);
	return h;
}

static uint64_t frame_hash_of(const void *ctx, uint32_t at)
{
	return frame_hash(&((const struct profile *)ctx)->frames[at]);
}

static uint64_t node_hash_of(const void *ctx, uint32_t at)
{
	const struct profile_node *n = &((const struct profile *)ctx)->nodes[at];

	return pair_hash(n->parent, n->frame);
}

static uint64_t sample_hash_of(const void *ctx, uint32_t at)
{
	const struct profile_sample *s = &((const struct profile *)ctx)->samples[at];

	return pair_hash(s->node, s->series);
}

static uint64_t series_hash_of(const void *ctx, uint32_t at)
{
	const struct profile *p = ctx;

	return labels_hash(p->labels + p->series[at].first, p->series[at].n);
}

/* Replaces *@s by its interned copy, cut where it is too long. */
static int string_keep(struct profile *p, struct str *s)
{
	struct str in = *s;
	uint32_t id;
	int err;

	if (in.n > PROFILE_STRING_MAX) {
		in.n = PROFILE_STRING_MAX;
		p->stats.strings_cut++;
	}
	err = intern_put(&p->strings, in, &id);
	if (!err)
		*s = intern_get(&p->strings, id);
	return err;
}

static int frame_put(struct profile *p, const struct frame *f, uint32_t *ret)
{
	struct frame k = { .line = f->line, .address = f->address };
	struct str *to[] = { &k.function, &k.linkage, &k.module, &k.build_id, &k.file };
	const struct str *from[] = { &f->function, &f->linkage, &f->module, &f->build_id, &f->file };
	uint64_t hash;
	int err = 0;

	k.kind = f->kind;
	k.inlined = f->inlined;
	for (size_t i = 0; !err && i < sizeof(to) / sizeof(to[0]); i++) {
		*to[i] = *from[i];
		err = string_keep(p, to[i]);
	}
	if (err)
		return err;
	hash = frame_hash(&k);
	SLOTS_EACH(&p->by_frame, hash, at)
	if (frame_eq(&p->frames[at], &k)) {
		*ret = at;
		return 0;
	}
	err = grow_array(&p->budget, &p->frames, p->nframes, &p->cap_frames, sizeof(k),
			 PROFILE_FRAMES_MAX);
	if (!err)
		err = slots_room(&p->by_frame, &p->budget, frame_hash_of, p);
	if (err)
		return err;
	p->frames[p->nframes] = k;
	slots_put(&p->by_frame, hash, (uint32_t)p->nframes);
	*ret = (uint32_t)p->nframes++;
	return 0;
}

int profile_frame(struct profile *p, const struct frame *f, uint32_t *ret)
{
	int err = frame_put(p, f, ret);

	p->stats.frames_refused += err == -ENOSPC;
	return err;
}

/* Copies those of @l that have a value into @to, sorted by key. How many, or -EINVAL. */
static long labels_sort(const struct profile_label *l, size_t n, struct profile_label *to)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = k;

		if (!l[i].key.n)
			return -EINVAL;
		if (!l[i].value.n)
			continue;
		if (k == PROFILE_LABELS_MAX)
			return -EINVAL;
		for (; at && str_cmp(to[at - 1].key, l[i].key) >= 0; at--) {
			if (str_eq(to[at - 1].key, l[i].key))
				return -EINVAL;
			to[at] = to[at - 1];
		}
		to[at] = l[i];
		k++;
	}
	return (long)k;
}

static bool labels_eq(const struct profile_label *a, const struct profile_label *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].key.p != b[i].key.p || a[i].value.p != b[i].value.p)
			return false;
	return true;
}

static int labels_room(struct profile *p, size_t n)
{
	int err = 0;

	while (!err && n && p->cap_labels < p->nlabels + n)
		err = grow_array(&p->budget, &p->labels, p->cap_labels, &p->cap_labels,
				 sizeof(*p->labels), (size_t)PROFILE_SERIES_MAX * PROFILE_LABELS_MAX);
	return err;
}

static int series_put(struct profile *p, struct profile_label *l, size_t n, uint32_t *ret)
{
	uint64_t hash;
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		err = string_keep(p, &l[i].key);
		if (!err)
			err = string_keep(p, &l[i].value);
	}
	if (err)
		return err;
	hash = labels_hash(l, n);
	SLOTS_EACH(&p->by_series, hash, at)
	if (p->series[at].n == n && labels_eq(p->labels + p->series[at].first, l, n)) {
		*ret = at;
		return 0;
	}
	err = labels_room(p, n);
	if (!err)
		err = grow_array(&p->budget, &p->series, p->nseries, &p->cap_series,
				 sizeof(*p->series), PROFILE_SERIES_MAX);
	if (!err)
		err = slots_room(&p->by_series, &p->budget, series_hash_of, p);
	if (err)
		return err;
	p->series[p->nseries] = (struct series){ (uint32_t)p->nlabels, (uint32_t)n };
	for (size_t i = 0; i < n; i++)
		p->labels[p->nlabels++] = l[i];
	slots_put(&p->by_series, hash, (uint32_t)p->nseries);
	*ret = (uint32_t)p->nseries++;
	return 0;
}

int profile_series(struct profile *p, const struct profile_label *l, size_t n, uint32_t *ret)
{
	struct profile_label sorted[PROFILE_LABELS_MAX];
	long k = labels_sort(l, n, sorted);
	int err = k < 0 ? (int)k : series_put(p, sorted, (size_t)k, ret);

	p->stats.series_refused += err == -ENOSPC;
	return err;
}

static int node_child(struct profile *p, uint32_t parent, uint32_t frame, uint32_t *ret)
{
	const struct profile_node *next = p->nodes + parent + 1;
	uint64_t hash;
	int err;

	if (parent + 1 < p->nnodes && next->parent == parent && next->frame == frame) {
		*ret = parent + 1;
		return 0;
	}
	hash = pair_hash(parent, frame);
	SLOTS_EACH(&p->by_node, hash, at)
	if (p->nodes[at].parent == parent && p->nodes[at].frame == frame) {
		*ret = at;
		return 0;
	}
	err = grow_array(&p->budget, &p->nodes, p->nnodes, &p->cap_nodes, sizeof(*p->nodes),
			 PROFILE_NODES_MAX);
	if (!err)
		err = slots_room(&p->by_node, &p->budget, node_hash_of, p);
	if (err)
		return err;
	p->nodes[p->nnodes] = (struct profile_node){ parent, frame };
	slots_put(&p->by_node, hash, (uint32_t)p->nnodes);
	*ret = (uint32_t)p->nnodes++;
	return 0;
}

/* The node of the whole stack. */
static int stack_node(struct profile *p, const uint32_t *frames, size_t n, uint32_t *ret)
{
	static const struct frame cut = { .function = { "[deeper than 2048 frames]", 25 },
					  .kind = FRAME_MARK };
	uint32_t node = 0, mark;
	int err = 0;

	_Static_assert(PROFILE_DEPTH_MAX == 2048, "it stands in the text above");
	if (n > PROFILE_DEPTH_MAX) {
		p->stats.stacks_cut++;
		n = PROFILE_DEPTH_MAX;
		err = frame_put(p, &cut, &mark);
		if (!err)
			err = node_child(p, 0, mark, &node);
	}
	while (!err && n--)
		err = node_child(p, node, frames[n], &node);
	if (!err)
		*ret = node;
	return err;
}

static int sample_of(struct profile *p, uint32_t node, uint32_t series, uint32_t *ret)
{
	uint64_t hash = pair_hash(node, series);
	int err;

	SLOTS_EACH(&p->by_sample, hash, at)
	if (p->samples[at].node == node && p->samples[at].series == series) {
		*ret = at;
		return 0;
	}
	err = grow_array(&p->budget, &p->samples, p->nsamples, &p->cap_samples, sizeof(*p->samples),
			 PROFILE_SAMPLES_MAX);
	if (!err)
		err = slots_room(&p->by_sample, &p->budget, sample_hash_of, p);
	if (err)
		return err;
	p->samples[p->nsamples] = (struct profile_sample){ .node = node, .series = series };
	slots_put(&p->by_sample, hash, (uint32_t)p->nsamples);
	*ret = (uint32_t)p->nsamples++;
	return 0;
}

/* Where a stack goes for which there is no room; the last resort has been there since profile_new. */
static int sample_full(struct profile *p, uint32_t series, uint32_t *ret)
{
	int err = sample_of(p, PROFILE_NODE_FULL, series, ret);

	if (err == -ENOSPC)
		err = sample_of(p, PROFILE_NODE_FULL, PROFILE_SERIES_NONE, ret);
	p->stats.folded += !err;
	return err;
}

int profile_add(struct profile *p, uint32_t series, const uint32_t *frames, size_t n,
		const uint64_t *values)
{
	uint32_t node, at;
	uint64_t *to;
	int err;

	if (series >= p->nseries)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (frames[i] >= p->nframes)
			return -EINVAL;
	err = stack_node(p, frames, n, &node);
	if (!err)
		err = sample_of(p, node, series, &at);
	if (err == -ENOSPC)
		err = sample_full(p, series, &at);
	if (err)
		return err;
	to = p->samples[at].value;
	for (size_t i = 0; i < p->opts.ntypes; i++)
		if (__builtin_add_overflow(to[i], values[i], &to[i]))
			to[i] = UINT64_MAX;
	return 0;
}

static int opts_keep(struct profile *p, const struct profile_opts *o)
{
	int err;

	p->opts = *o;
	err = string_keep(p, &p->opts.title);
	if (!err)
		err = string_keep(p, &p->opts.period_type.type);
	if (!err)
		err = string_keep(p, &p->opts.period_type.unit);
	for (size_t i = 0; !err && i < o->ntypes; i++) {
		err = string_keep(p, &p->opts.types[i].type);
		if (!err)
			err = string_keep(p, &p->opts.types[i].unit);
	}
	return err;
}

/* The series, frame, nodes and sample that are always there. */
static int first_make(struct profile *p)
{
	static const struct frame full = { .function = { "[too many different stacks]", 27 },
					   .kind = FRAME_MARK };
	uint32_t id;
	int err = series_put(p, NULL, 0, &id);

	if (!err)
		err = frame_put(p, &full, &id);
	if (!err)
		err = grow_array(&p->budget, &p->nodes, 0, &p->cap_nodes, sizeof(*p->nodes),
				 PROFILE_NODES_MAX);
	if (err)
		return err;
	p->nodes[p->nnodes++] = (struct profile_node){ 0, UINT32_MAX };
	err = node_child(p, 0, PROFILE_FRAME_FULL, &id);
	if (!err)
		err = sample_of(p, PROFILE_NODE_FULL, PROFILE_SERIES_NONE, &id);
	return err;
}

int profile_new(const struct profile_opts *o, struct profile **ret)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	int err;

	if (o->ntypes < 1 || o->ntypes > PROFILE_TYPES_MAX)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->budget.max = PROFILE_BYTES_MAX;
	if (o->bytes_max && o->bytes_max < PROFILE_BYTES_MAX)
		p->budget.max = o->bytes_max;
	err = intern_init(&p->strings, &p->budget, PROFILE_STRINGS_MAX);
	if (!err)
		err = opts_keep(p, o);
	if (!err)
		err = first_make(p);
	if (err)
		return err;
	*ret = take_ptr(p);
	return 0;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	intern_free(&p->strings);
	free(p->frames);
	free(p->nodes);
	free(p->samples);
	free(p->series);
	free(p->labels);
	slots_free(&p->by_frame);
	slots_free(&p->by_node);
	slots_free(&p->by_sample);
	slots_free(&p->by_series);
	free(p);
}

void profile_set_duration(struct profile *p, uint64_t duration_ns)
{
	p->opts.duration_ns = duration_ns;
}

int profile_set_title(struct profile *p, struct str title)
{
	int err = string_keep(p, &title);

	if (!err)
		p->opts.title = title;
	return err;
}

const struct profile_opts *profile_opts(const struct profile *p)
{
	return &p->opts;
}

const struct frame *profile_frames(const struct profile *p, size_t *ret_n)
{
	*ret_n = p->nframes;
	return p->frames;
}

const struct profile_node *profile_nodes(const struct profile *p, size_t *ret_n)
{
	*ret_n = p->nnodes;
	return p->nodes;
}

const struct profile_sample *profile_samples(const struct profile *p, size_t *ret_n)
{
	*ret_n = p->nsamples;
	return p->samples;
}

size_t profile_series_count(const struct profile *p)
{
	return p->nseries;
}

const struct profile_label *profile_series_labels(const struct profile *p, uint32_t series,
						  size_t *ret_n)
{
	*ret_n = p->series[series].n;
	return p->labels + p->series[series].first;
}

struct str profile_series_label(const struct profile *p, uint32_t series, struct str key)
{
	size_t n;
	const struct profile_label *l = profile_series_labels(p, series, &n);

	for (size_t i = 0; i < n; i++)
		if (str_eq(l[i].key, key))
			return l[i].value;
	return STR_NONE;
}

struct profile_stats profile_stats(const struct profile *p)
{
	struct profile_stats s = p->stats;

	s.bytes = p->budget.used;
	return s;
}
