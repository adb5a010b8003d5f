/*
 * The dearest functions of a profile. Times are summed by what a function is called, in the merged
 * tree of names (agg/profile_tree.h).
 */
#include "agg/profile_tree.h"
#include "agg/watch.h"
#include "base/cleanup.h"

/* Libraries whose functions do what somebody else asked for. */
static const char *const helpers[] = {
	"libc.",    "libc-",	 "libm.",      "libm-",	    "ld-linux", "ld-musl",
	"libgcc_s", "libstdc++", "libpthread", "libcrypt.", "[vdso]",
};

static bool is_helper(const struct profile_tree_frame *f)
{
	const char *slash = f->module.n ? memrchr(f->module.p, '/', f->module.n) : NULL;
	struct str name = slash ? str_skip(f->module, (size_t)(slash + 1 - f->module.p)) : f->module;

	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++)
		if (str_starts(name, str_of(helpers[i])))
			return true;
	return false;
}

/* Whose time the leaf's is: the nearest interpreted function, else the nearest that is no helper. */
static uint32_t owner_of(const struct profile_tree *t, uint32_t leaf)
{
	uint32_t own = 0;

	for (uint32_t n = leaf; n; n = t->nodes[n].parent) {
		const struct profile_tree_frame *f = &t->frames[t->nodes[n].frame];

		if (f->label || f->kind == FRAME_MARK)
			continue;
		if (f->kind == FRAME_INTERP)
			return n;
		if (!own && !f->inlined && !is_helper(f))
			own = n;
	}
	return own ? own : leaf;
}

struct tally {
	uint64_t own;	 /* ns */
	uint64_t callee; /* of it: in one helper */
	uint32_t helper; /* its frame */
};

static void tally_leaf(const struct profile_tree *t, uint32_t leaf, struct tally *all)
{
	uint32_t own = t->nodes[owner_of(t, leaf)].frame, helper = t->nodes[leaf].frame;
	struct tally *a = &all[own];

	a->own += t->nodes[leaf].self;
	if (helper == own)
		return;
	if (a->helper == helper || t->nodes[leaf].self > a->callee) {
		a->callee = t->nodes[leaf].self + (a->helper == helper ? a->callee : 0);
		a->helper = helper;
	}
}

static uint32_t tally_best(const struct tally *all, size_t n)
{
	uint32_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (all[i].own > all[best].own)
			best = (uint32_t)i;
	return best;
}

static void hot_add(struct watch *w, const struct profile_tree *t, const struct tally *a,
		    uint32_t frame)
{
	const struct profile_tree_frame *f = &t->frames[frame];
	struct watch_hot *h = watch_add_hot(w);

	if (!h)
		return;
	h->name = watch_text(w, f->name);
	h->module = watch_text(w, f->module);
	h->kind = f->kind;
	h->nameless = f->nameless;
	h->ns = a->own;
	if (a->callee * 2 > a->own && is_helper(&t->frames[a->helper]))
		h->callee = watch_text(w, t->frames[a->helper].name);
}

static void tally_all(struct watch *w, const struct profile_tree *t, struct tally *all)
{
	for (uint32_t i = 1; i < t->nnodes; i++) {
		enum frame_kind kind = t->frames[t->nodes[i].frame].kind;

		if (!t->nodes[i].self || kind == FRAME_MARK)
			continue;
		if (kind == FRAME_KERNEL) {
			w->kernel_ns += t->nodes[i].self;
			all[t->nodes[i].frame].own += t->nodes[i].self;
		} else {
			w->user_ns += t->nodes[i].self;
			tally_leaf(t, i, all);
		}
	}
}

#define HOTS 20

void watch_hot_fill(struct watch *w)
{
	_cleanup_(profile_tree_freep) struct profile_tree *t = NULL;
	_cleanup_(freep) struct tally *all = NULL;
	const struct profile_view view = { 0 };

	w->nhots = 0;
	w->user_ns = w->kernel_ns = 0;
	if (!w->cpu || profile_tree_new(w->cpu, &view, &t) != 0)
		return;
	all = calloc(t->nframes + 1, sizeof(*all));
	if (!all)
		return;
	tally_all(w, t, all);
	for (size_t n = 0; n < HOTS; n++) {
		uint32_t best = tally_best(all, t->nframes);

		if (!all[best].own)
			break;
		hot_add(w, t, &all[best], best);
		all[best].own = 0;
	}
}
