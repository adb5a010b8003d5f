/*
 * A part's tree has the labels above the stacks, so what belongs to one process is one subtree. A
 * function's total counts where it is not below itself.
 */
#include "agent/profile_rows.h"

#include <errno.h>
#include <string.h>

#include "agent/profile_dir.h"
#include "agg/profile_tree.h"
#include "base/cleanup.h"
#include "base/folder.h"

#define LABELS	 4 /* pod, container, process, pid */
#define ROWS_MAX (64u << 20)

struct sum {
	uint64_t self, total;
};

struct cursor {
	struct profile_rows_ctx *ctx;
	int dir;
	struct profile_parts parts;
	size_t next;
	int64_t from, to;
	struct buf rows;
	size_t at; /* in rows */
};

/* One part while its rows are made. */
struct making {
	const struct profile_tree *t;
	const struct profile_part *part;
	struct buf *rows;
	struct sum *sums;  /* by frame */
	uint32_t *touched; /* frames with a sum */
	size_t ntouched;
	uint32_t *path; /* frames, by depth */
};

static void cursor_close(void *cursor)
{
	struct cursor *c = cursor;

	profile_parts_free(&c->parts);
	buf_free(&c->rows);
	closep(&c->dir);
	free(c);
}

static int cursor_open(void *ctx, int64_t from, int64_t to, void **ret)
{
	struct profile_rows_ctx *p = ctx;
	struct cursor *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	*c = (struct cursor){ .ctx = p, .dir = -1, .from = from, .to = to };
	c->rows.max = ROWS_MAX;
	err = folder_open(p->directory, &c->dir);
	if (!err)
		err = profile_dir_list(c->dir, &c->parts);
	if (err) {
		cursor_close(c);
		return err;
	}
	*ret = c;
	return 0;
}

/* Absent where the tree says "[no pod]". */
static struct str label_at(const struct making *m, size_t depth)
{
	const struct str name = m->t->frames[m->path[depth]].name;

	return str_starts(name, STR("[no ")) ? STR_NONE : name;
}

static int64_t number_of(struct str s)
{
	char text[24] = "";

	memcpy(text, s.p ? s.p : "", s.n < sizeof(text) ? s.n : sizeof(text) - 1);
	return strtoll(text, NULL, 10);
}

static void who_put(const struct making *m, struct row *r)
{
	const struct str pod = label_at(m, 1), pid = label_at(m, 4);
	const char *slash = pod.n ? memchr(pod.p, '/', pod.n) : NULL;

	row_text(r, label_at(m, 3));
	if (pid.n)
		row_int(r, number_of(pid));
	else
		row_null(r);
	row_text(r, label_at(m, 2));
	row_text(r, slash ? (struct str){ pod.p, (size_t)(slash - pod.p) } : STR_NONE);
	row_text(r, slash ? str_skip(pod, (size_t)(slash - pod.p) + 1) : pod);
}

static void row_put(const struct making *m, uint32_t frame)
{
	const struct profile_tree_frame *f = &m->t->frames[frame];
	struct row r = row_begin(m->rows, STORE_PROFILES, m->part->start_ns);

	row_int(&r, m->part->start_ns);
	row_u64(&r, m->part->length_ns);
	row_text(&r, f->name);
	row_text(&r, f->module);
	row_u64(&r, m->sums[frame].self);
	row_u64(&r, m->sums[frame].total);
	who_put(m, &r);
	row_own_end(&r);
	(void)row_end(&r);
}

/* The rows of the process whose labels are on the path. */
static void process_end(struct making *m)
{
	for (size_t i = 0; i < m->ntouched; i++) {
		row_put(m, m->touched[i]);
		m->sums[m->touched[i]] = (struct sum){ 0 };
	}
	m->ntouched = 0;
}

static bool below_itself(const struct making *m, size_t depth, uint32_t frame)
{
	for (size_t i = LABELS + 1; i < depth; i++)
		if (m->path[i] == frame)
			return true;
	return false;
}

static void node_take(struct making *m, const struct profile_tree_node *n, size_t depth)
{
	struct sum *s = &m->sums[n->frame];

	if (!s->total && !s->self)
		m->touched[m->ntouched++] = n->frame;
	s->self += n->self;
	if (!below_itself(m, depth, n->frame))
		s->total += n->total;
}

static void tree_rows(struct making *m)
{
	size_t depth = 0;
	uint32_t node = 0;

	while ((node = profile_tree_next(m->t, node, &depth))) {
		if (depth <= LABELS)
			process_end(m);
		m->path[depth] = m->t->nodes[node].frame;
		if (depth > LABELS)
			node_take(m, &m->t->nodes[node], depth);
	}
	process_end(m);
}

static size_t type_of(const struct profile *p)
{
	const struct profile_opts *o = profile_opts(p);

	for (size_t i = 0; i < o->ntypes; i++)
		if (str_eq(o->types[i].unit, STR("nanoseconds")))
			return i;
	return 0;
}

static int part_rows(struct cursor *c, const struct profile_part *part)
{
	static const struct str roots[LABELS] = {
		{ "pod", 3 }, { "container", 9 }, { "process", 7 }, { "pid", 3 }
	};
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_(profile_tree_freep) struct profile_tree *t = NULL;
	_cleanup_(freep) struct sum *sums = NULL;
	_cleanup_(freep) uint32_t *touched = NULL, *path = NULL;
	struct profile_view v = { .roots = roots, .nroots = LABELS };
	struct making m;
	int err = profile_dir_read(c->dir, part, &p);

	if (err)
		return err;
	v.type = type_of(p);
	err = profile_tree_new(p, &v, &t);
	if (err)
		return err;
	sums = calloc(t->nframes + 1, sizeof(*sums));
	touched = calloc(t->nframes + 1, sizeof(*touched));
	path = calloc(t->depth + LABELS + 2, sizeof(*path));
	if (!sums || !touched || !path)
		return -ENOMEM;
	m = (struct making){
		.t = t, .part = part, .rows = &c->rows, .sums = sums, .touched = touched, .path = path
	};
	tree_rows(&m);
	return 0;
}

/* Rows of the next part that has some. 0: there is none. */
static int part_next(struct cursor *c)
{
	buf_reset(&c->rows);
	c->at = 0;
	while (!c->rows.n && c->next < c->parts.n) {
		const struct profile_part *part = &c->parts.list[c->next++];
		int err = part->start_ns >= c->from && part->start_ns < c->to ? part_rows(c, part) :
										0;

		c->ctx->damaged += err == -EBADMSG || err == -ENOTSUP;
		if (err == -ENOMEM)
			return err;
	}
	return c->rows.n > 0;
}

static int cursor_next(void *cursor, struct str *ret)
{
	struct cursor *c = cursor;
	struct row_head h;

	if (c->at == c->rows.n) {
		int n = part_next(c);

		if (n <= 0)
			return n;
	}
	memcpy(&h, c->rows.p + c->at, sizeof(h));
	*ret = (struct str){ c->rows.p + c->at, h.bytes };
	c->at += h.bytes;
	return 1;
}

struct store_source profile_rows_source(struct profile_rows_ctx *ctx)
{
	return (struct store_source){ STORE_PROFILES, ctx, cursor_open, cursor_next, cursor_close };
}
