/* Numbers of the source's frames and series are mapped to the target's when they are first met. */
#include "agg/profile_merge.h"

#include <errno.h>

#include "base/cleanup.h"

#define UNMAPPED UINT32_MAX
#define UNWANTED (UINT32_MAX - 1)

struct merge {
	struct profile *to;
	const struct profile *from;
	profile_keep_fn keep;
	void *ctx;
	bool one; /* only of from_type to to_type */
	size_t to_type, from_type;
	uint32_t *frames, *series; /* by the source's number */
};

static void merge_free(struct merge *m)
{
	free(m->frames);
	free(m->series);
}

static bool types_eq(const struct profile_opts *a, const struct profile_opts *b)
{
	if (a->ntypes != b->ntypes)
		return false;
	for (size_t i = 0; i < a->ntypes; i++)
		if (!str_eq(a->types[i].type, b->types[i].type) ||
		    !str_eq(a->types[i].unit, b->types[i].unit))
			return false;
	return true;
}

static int series_map(struct merge *m, uint32_t series, uint32_t *ret)
{
	size_t n;
	const struct profile_label *l = profile_series_labels(m->from, series, &n);
	uint32_t *at = &m->series[series];
	int err = 0;

	if (*at == UNMAPPED) {
		if (m->keep && !m->keep(m->ctx, l, n)) {
			*at = UNWANTED;
		} else {
			err = profile_series(m->to, l, n, at);
			if (err == -ENOSPC) {
				*at = PROFILE_SERIES_NONE;
				err = 0;
			}
		}
	}
	*ret = *at;
	return err;
}

static int frame_map(struct merge *m, const struct frame *frames, uint32_t frame, uint32_t *ret)
{
	uint32_t *at = &m->frames[frame];
	int err = 0;

	if (*at == UNMAPPED)
		err = profile_frame(m->to, &frames[frame], at);
	if (err == -ENOSPC) {
		*at = PROFILE_FRAME_FULL;
		err = 0;
	}
	*ret = *at;
	return err;
}

static int sample_merge(struct merge *m, const struct profile_sample *s)
{
	/* A stack, and the mark above one that was cut. */
	uint32_t stack[PROFILE_DEPTH_MAX + 1], series;
	uint64_t values[PROFILE_TYPES_MAX] = { 0 };
	size_t n = 0, unused;
	const struct profile_node *nodes = profile_nodes(m->from, &unused);
	const struct frame *frames = profile_frames(m->from, &unused);
	int err = series_map(m, s->series, &series);

	if (err || series == UNWANTED)
		return err;
	for (uint32_t at = s->node; !err && at; at = nodes[at].parent)
		err = frame_map(m, frames, nodes[at].frame, &stack[n++]);
	if (m->one)
		values[m->to_type] = s->value[m->from_type];
	return err ? err : profile_add(m->to, series, stack, n, m->one ? values : s->value);
}

static bool sample_any(const struct merge *m, const struct profile_sample *s)
{
	uint64_t any = 0;

	if (m->one)
		return s->value[m->from_type] > 0;
	for (size_t k = 0; k < profile_opts(m->from)->ntypes; k++)
		any |= s->value[k];
	return any > 0;
}

static int merge(struct merge *m)
{
	size_t n, nframes, nseries = profile_series_count(m->from);
	const struct profile_sample *s = profile_samples(m->from, &n);
	int err = 0;

	profile_frames(m->from, &nframes);
	m->frames = malloc(nframes * sizeof(*m->frames));
	m->series = malloc(nseries * sizeof(*m->series));
	if (!m->frames || !m->series)
		return -ENOMEM;
	memset(m->frames, 0xff, nframes * sizeof(*m->frames));
	memset(m->series, 0xff, nseries * sizeof(*m->series));
	for (size_t i = 0; !err && i < n; i++)
		if (sample_any(m, &s[i]))
			err = sample_merge(m, &s[i]);
	return err;
}

int profile_merge(struct profile *to, const struct profile *from, profile_keep_fn keep, void *ctx)
{
	_cleanup_(merge_free) struct merge m = { .to = to, .from = from, .keep = keep, .ctx = ctx };

	if (to == from || !types_eq(profile_opts(to), profile_opts(from)))
		return -EINVAL;
	return merge(&m);
}

int profile_merge_type(struct profile *to, size_t to_type, const struct profile *from,
		       size_t from_type)
{
	_cleanup_(merge_free) struct merge m = {
		.to = to, .from = from, .one = true, .to_type = to_type, .from_type = from_type
	};

	if (to == from || to_type >= profile_opts(to)->ntypes ||
	    from_type >= profile_opts(from)->ntypes)
		return -EINVAL;
	return merge(&m);
}
