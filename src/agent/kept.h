#pragma once
/*
 * Profiles that the agent kept (agent/profile_dir.h), as one: those of an interval, joined, and only
 * the series that were asked for. Needs no agent, and no privilege but to read the folder.
 */
#include "agg/profile.h"
#include "base/buf.h"

struct kept_opts {
	const char *from, *to; /* base/when.h; @to NULL: now */
	const char *option; /* how messages begin their names: "--base-" for --base-from; NULL: "--" */
	const char *directory; /* NULL: PROFILE_DIR */
	const char *pod;       /* "shop/cart", or the name alone */
	const char *container; /* name, or id or its beginning */
	uint32_t pid;	       /* 0: all */
};

/* A profile_keep_fn (agg/profile_merge.h) with the kept_opts as @ctx: series of that pod, container, process. */
bool kept_wanted(void *ctx, const struct profile_label *l, size_t n);

/*
 * 0 and the profile, the caller's; what is missing in the interval is logged. -EINVAL: an option is
 * wrong; another -errno: there is none, or it cannot be read. The reason is appended to @why.
 */
int kept_profile(const struct kept_opts *o, struct profile **ret, struct buf *why);
