/*
 * A sweep over the starts with a heap of the ranges that are open, the newest on top. A piece is
 * written up to where the top changes; ranges that ended leave the heap when they come to the top.
 */
#include "symbol/ranges.h"

#include <errno.h>

#include "base/cleanup.h"

int ranges_add(struct ranges *r, uint64_t start, uint64_t size, uint32_t id)
{
	struct range *piece;
	size_t cap = r->cap ? r->cap * 2 : 256;

	if (size == 0 || start + size < start)
		return 0;
	if (r->n == 2 * RANGES_MAX || id >= RANGES_MAX)
		return -ENOSPC;
	if (r->n == r->cap) {
		piece = reallocarray(r->piece, cap, sizeof(*piece));
		if (!piece)
			return -ENOMEM;
		r->piece = piece;
		r->cap = cap;
	}
	r->piece[r->n++] = (struct range){ start, start + size, id };
	return 0;
}

static int range_order(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

struct sweep {
	const struct range **heap; /* the newest first */
	size_t n;
	struct range *out;
	size_t nout;
};

static void heap_push(struct sweep *s, const struct range *r)
{
	size_t i = s->n++;

	for (; i > 0 && s->heap[(i - 1) / 2]->id < r->id; i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = r;
}

static void heap_pop(struct sweep *s)
{
	const struct range *last = s->heap[--s->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < s->n) {
		if (child + 1 < s->n && s->heap[child + 1]->id > s->heap[child]->id)
			child++;
		if (s->heap[child]->id <= last->id)
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = last;
}

static void piece_put(struct sweep *s, uint64_t start, uint64_t end, uint32_t id)
{
	struct range *last = s->nout ? &s->out[s->nout - 1] : NULL;

	if (last && last->id == id && last->end == start)
		last->end = end;
	else
		s->out[s->nout++] = (struct range){ start, end, id };
}

/* Writes pieces from @at up to @until, where the next range begins. */
static void advance(struct sweep *s, uint64_t at, uint64_t until)
{
	while (s->n && at < until) {
		const struct range *top = s->heap[0];
		uint64_t end = top->end < until ? top->end : until;

		if (top->end <= at) {
			heap_pop(s);
			continue;
		}
		piece_put(s, at, end, top->id);
		at = end;
	}
}

int ranges_settle(struct ranges *r)
{
	_cleanup_(freep) const struct range **heap = NULL;
	_cleanup_(freep) struct range *out = NULL;
	struct sweep s;

	if (r->settled == r->n)
		return 0;
	/* Each start and each end can begin one piece. */
	heap = calloc(r->n, sizeof(struct range *));
	out = calloc(2 * r->n, sizeof(*out));
	if (!heap || !out)
		return -ENOMEM;
	s = (struct sweep){ .heap = heap, .out = out };
	qsort(r->piece, r->n, sizeof(*r->piece), range_order);
	for (size_t i = 0; i < r->n; i++) {
		heap_push(&s, &r->piece[i]);
		advance(&s, r->piece[i].start, i + 1 < r->n ? r->piece[i + 1].start : UINT64_MAX);
	}
	free(r->piece);
	r->piece = reallocarray(out, s.nout, sizeof(*out));
	if (!r->piece)
		r->piece = out;
	out = NULL;
	r->n = r->cap = r->settled = s.nout;
	return 0;
}

bool ranges_find(const struct ranges *r, uint64_t addr, struct range *ret)
{
	size_t lo = 0, hi = r->settled;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->piece[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || addr >= r->piece[lo - 1].end)
		return false;
	*ret = r->piece[lo - 1];
	return true;
}

void ranges_free(struct ranges *r)
{
	free(r->piece);
	*r = (struct ranges){ 0 };
}
