#pragma once
/*
 * Two profiles made comparable: which value both have, and both as one profile of two types, "before"
 * and "after", so that one set of frames and trees holds for both sides (agg/profile_tree.h).
 *
 * Frames are the same when they are called the same; what else tells them apart is the readers' to
 * merge. No I/O; one thread.
 */
#include "agg/profile.h"
#include "agg/profile_tree.h"

enum {
	PAIR_BEFORE,
	PAIR_AFTER,
	PAIR_SIDES
};

/*
 * The first type of @after, @wanted first, that @before has too. 0 and its place in each; -ENOENT:
 * none, they do not count the same.
 */
int profile_pair_type(const struct profile *before, const struct profile *after, size_t wanted,
		      size_t ret_type[PAIR_SIDES]);

/* Both as one profile, and each side's tree by name; frames have the same numbers in both trees. */
struct profile_sides {
	struct profile *both;
	struct profile_tree *tree[PAIR_SIDES];
};

/*
 * @types: places in each. @view: what of them, but for type and by_name. *ret is the caller's, and untouched on failure:
 * -ENOMEM, -EINVAL (types), or what profile_tree_new says.
 */
int profile_sides_make(const struct profile *before, const struct profile *after,
		       const size_t types[PAIR_SIDES], const struct profile_view *view,
		       struct profile_sides *ret);
void profile_sides_free(struct profile_sides *s);
