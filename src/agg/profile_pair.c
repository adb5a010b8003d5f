/* Each side's values go to a type of their own. */
#include "agg/profile_pair.h"

#include <errno.h>

#include "agg/profile_merge.h"
#include "base/cleanup.h"

static bool type_find(const struct profile_opts *o, const struct profile_type *t, size_t *ret)
{
	for (size_t i = 0; i < o->ntypes; i++) {
		if (!str_eq(o->types[i].type, t->type) || !str_eq(o->types[i].unit, t->unit))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

int profile_pair_type(const struct profile *before, const struct profile *after, size_t wanted,
		      size_t ret_type[PAIR_SIDES])
{
	const struct profile_opts *b = profile_opts(before), *a = profile_opts(after);
	size_t found;

	for (size_t i = 0; i <= a->ntypes; i++) {
		const size_t at = i ? i - 1 : wanted;

		if (at >= a->ntypes || !type_find(b, &a->types[at], &found))
			continue;
		ret_type[PAIR_BEFORE] = found;
		ret_type[PAIR_AFTER] = at;
		return 0;
	}
	return -ENOENT;
}

static int pair_make(const struct profile *before, const struct profile *after,
		     const size_t types[PAIR_SIDES], struct profile **ret)
{
	const struct profile_opts *a = profile_opts(after);
	_cleanup_(profile_freep) struct profile *p = NULL;
	struct profile_opts o = { .ntypes = PAIR_SIDES };
	int err;

	if (types[PAIR_AFTER] >= a->ntypes)
		return -EINVAL;
	o.types[PAIR_BEFORE].type = STR("before");
	o.types[PAIR_AFTER].type = STR("after");
	o.types[PAIR_BEFORE].unit = o.types[PAIR_AFTER].unit = a->types[types[PAIR_AFTER]].unit;
	err = profile_new(&o, &p);
	if (!err)
		err = profile_merge_type(p, PAIR_BEFORE, before, types[PAIR_BEFORE]);
	if (!err)
		err = profile_merge_type(p, PAIR_AFTER, after, types[PAIR_AFTER]);
	if (err)
		return err;
	*ret = take_ptr(p);
	return 0;
}

void profile_sides_free(struct profile_sides *s)
{
	profile_free(s->both);
	for (size_t i = 0; i < PAIR_SIDES; i++)
		profile_tree_free(s->tree[i]);
	*s = (struct profile_sides){ 0 };
}

int profile_sides_make(const struct profile *before, const struct profile *after,
		       const size_t types[PAIR_SIDES], const struct profile_view *view,
		       struct profile_sides *ret)
{
	_cleanup_(profile_sides_free) struct profile_sides s = { 0 };
	struct profile_view v = *view;
	int err = pair_make(before, after, types, &s.both);

	v.by_name = true;
	for (size_t i = 0; !err && i < PAIR_SIDES; i++) {
		v.type = i;
		err = profile_tree_new(s.both, &v, &s.tree[i]);
	}
	if (err)
		return err;
	*ret = s;
	s = (struct profile_sides){ 0 };
	return 0;
}
