#pragma once
/*
 * A profile from a file that somebody names: pprof's form, of whatever program, or porthole's own
 * (agg/profile_file.h). Which one it is, its first bytes say.
 */
#include "agent/kept.h"

/*
 * Of @o only pod, container and pid are looked at: what of the file is wanted. Where the file has no
 * such label at all, all of it is taken, and that is logged. The profile is the
 * caller's. 0; another -errno, and the reason is appended to @why: it cannot be read, is no profile,
 * or has nothing of what is wanted.
 */
int profile_given(const char *path, const struct kept_opts *o, struct profile **ret, struct buf *why);
