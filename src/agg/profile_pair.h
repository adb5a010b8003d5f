#pragma once
/*
 * Two profiles made comparable: which value both have, and both as one profile of two types, "before"
 * and "after", so that one set of frames and trees holds for both sides (agg/profile_tree.h).
 *
 * Frames are the same when they are called the same; what else tells them apart is the readers' to
 * merge. No I/O; one thread.
 */
#include "agg/profile.h"

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

/* @types: places in each. The profile is the caller's. 0, -ENOMEM, -EINVAL (types). */
int profile_pair(const struct profile *before, const struct profile *after,
		 const size_t types[PAIR_SIDES], struct profile **ret);
