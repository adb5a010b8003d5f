#pragma once
/* A tree's functions with their own time and that with all they call, and how a function is written. */
#include "agg/profile_tree.h"
#include "base/buf.h"

struct function {
	uint64_t self, total;
	uint32_t frame;
};

/* To UINT64_MAX, and it stays there. */
static inline uint64_t functions_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* @f: zeroed, one for each frame of @t. A stack counts once in a total, however often it has the function. 0 or -ENOMEM. */
int functions_sum(const struct profile_tree *t, struct function *f);

/* The last part of a path. */
struct str functions_module(struct str path);

/* The name and, where it is known, its module at the right, within @width characters. */
void functions_name(struct buf *b, const struct profile_tree_frame *f, size_t width);
