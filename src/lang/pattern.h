#pragma once
/*
 * String comparisons that libc does not have for slices: patterns, case-blind search, paths.
 * Bytes, not characters; case means ASCII case. All take time at most (text x pattern).
 */
#include "base/str.h"

/*
 * fnmatch(pattern, text, 0), with @fold FNM_CASEFOLD: * ? [a-z] [!a] [[:alpha:]] and backslash; a
 * bracket that is never closed stands for itself.
 */
bool pattern_glob(struct str pattern, struct str text, bool fold);

/* Does @text contain @part, whatever the case? */
bool pattern_icontains(struct str text, struct str part);

/* Are the components of @prefix, globs allowed, the first ones of @path? Empty ones do not count. */
bool pattern_path(struct str prefix, struct str path);
