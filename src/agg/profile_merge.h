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
