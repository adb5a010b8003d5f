/* Sums over a tree of names. */
#include "out/toptree/functions.h"

#include <errno.h>

#include "base/cleanup.h"
#include "out/toptree/column.h"

struct str functions_module(struct str path)
{
	for (size_t i = path.n; i--;)
		if (path.p[i] == '/' && i + 1 < path.n)
			return str_skip(path, i + 1);
	return path;
}

/* @on: how often the frame stands on the path to the node that is looked at. */
int functions_sum(const struct profile_tree *t, struct function *f)
{
	_cleanup_(freep) uint32_t *on = calloc(t->nframes, sizeof(*on));
	_cleanup_(freep) uint32_t *path = calloc(t->depth + 1, sizeof(*path));
	size_t depth = 0, at = 0;

	if (!on || !path)
		return -ENOMEM;
	for (uint32_t i = 0; (i = profile_tree_next(t, i, &depth));) {
		const struct profile_tree_node *n = &t->nodes[i];

		for (; at >= depth; at--)
			on[path[at]]--;
		at = depth;
		path[at] = n->frame;
		f[n->frame].frame = n->frame;
		f[n->frame].self = functions_add(f[n->frame].self, n->self);
		if (!on[n->frame]++)
			f[n->frame].total = functions_add(f[n->frame].total, n->total);
	}
	return 0;
}

void functions_name(struct buf *b, const struct profile_tree_frame *f, size_t width)
{
	const size_t module = width / 4;

	column_name(b, f->name, width - module - 2, f->module.n > 0);
	if (!f->module.n)
		return;
	buf_str(b, STR("  "));
	column_name(b, functions_module(f->module), module, false);
}
