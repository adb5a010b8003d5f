#pragma once
/*
 * Samples of one profile added to another: to join intervals, to keep the part that has certain
 * labels, to make a copy within a smaller bound. Types are matched by place and must be the same;
 * period, time, duration and title of the target stay as they are, its owner knows better.
 *
 * What does not fit goes to the target's "[too many different stacks]" and counts there.
 */
#include "agg/profile.h"

/* Whether samples of a series with these labels are wanted. Asked once for each series. */
typedef bool (*profile_keep_fn)(void *ctx, const struct profile_label *l, size_t n);

/*
 * @keep NULL: all. 0; -EINVAL: types differ, or both are one profile; -ENOMEM: some of it may have
 * been added.
 */
int profile_merge(struct profile *to, const struct profile *from, profile_keep_fn keep, void *ctx);

/*
 * The same for one type: values of @from_type are added to @to_type, whatever either is called; others
 * stay as they are. 0; -EINVAL: no such type, or both are one profile; -ENOMEM.
 */
int profile_merge_type(struct profile *to, size_t to_type, const struct profile *from,
		       size_t from_type);
