#pragma once
/*
 * A profile as people look at it: one tree of names for one value type, with self and total, which
 * the outputs that draw or list read (folded, speedscope, text, flame graph).
 *
 * What differs from the profile's own tree: frames are merged by what they are called, not by
 * address or line; labels of the series (pod, thread, state) may stand above the stacks as frames of
 * their own; samples whose value is 0 are left out. Children stand in the order of their totals,
 * largest first, then by name. Node 0 is the root, its total is all there is; a parent's number is
 * smaller than its child's.
 *
 * Numbers of frames depend on the profile, the roots and by_name alone: trees of two value types
 * agree in them. Strings are borrowed from the profile or the tree's own. Read only; one thread.
 */
#include "agg/profile.h"

struct profile_view {
	size_t type;		 /* of the profile's types */
	const struct str *roots; /* keys of labels, outermost first */
	size_t nroots;		 /* at most PROFILE_LABELS_MAX */
	bool by_name;		 /* functions of one name are one, in whatever module */
};

struct profile_tree_frame {
	struct str name; /* the function, "libc.so.6+0x1234", "0x1234", a label's value, "[no pod]" */
	struct str module; /* as in struct frame; of the first one when by_name */
	struct str file;   /* of the first one */
	enum frame_kind kind;
	bool inlined;
	bool label;
	bool nameless; /* name was made from module and address */
};

struct profile_tree_node {
	uint32_t parent, frame; /* the root's frame says nothing */
	uint32_t first, next;	/* child, sibling; 0: none */
	uint64_t self, total;
};

struct profile_tree {
	const struct profile_tree_frame *frames;
	const struct profile_tree_node *nodes;
	size_t nframes, nnodes;
	size_t depth; /* of the deepest node; the root's is 0 */
};

/* 0; -EINVAL: no such type, too many roots; -ENOSPC: more than PROFILE_BYTES_MAX; -ENOMEM. */
int profile_tree_new(const struct profile *p, const struct profile_view *v,
		     struct profile_tree **ret);
void profile_tree_free(struct profile_tree *t);

static inline void profile_tree_freep(struct profile_tree **t)
{
	profile_tree_free(*t);
}

/*
 * The node after @node, parents before children; 0 after the last. *@depth is kept: 0 at the root.
 */
static inline uint32_t profile_tree_next(const struct profile_tree *t, uint32_t node, size_t *depth)
{
	if (t->nodes[node].first) {
		++*depth;
		return t->nodes[node].first;
	}
	while (node && !t->nodes[node].next) {
		node = t->nodes[node].parent;
		--*depth;
	}
	return t->nodes[node].next;
}
