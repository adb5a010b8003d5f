/* A tree of common starts. Built from the sorted list, range by range; walked without backing up. */
#include "lang/radix.h"

#include <errno.h>
#include <stdlib.h>

static char byte_at(struct str s, size_t i, bool reversed)
{
	return s.p[reversed ? s.n - 1 - i : i];
}

static int entry_order(const void *a, const void *b)
{
	const struct radix_entry *x = a, *y = b;

	return str_cmp(x->str, y->str);
}

/* As entry_order, from the last byte on. */
static int entry_order_reversed(const void *a, const void *b)
{
	const struct radix_entry *x = a, *y = b;

	for (size_t i = 0; i < x->str.n && i < y->str.n; i++) {
		uint8_t c = (uint8_t)byte_at(x->str, i, true);
		uint8_t d = (uint8_t)byte_at(y->str, i, true);

		if (c != d)
			return c < d ? -1 : 1;
	}
	return x->str.n == y->str.n ? 0 : x->str.n < y->str.n ? -1 : 1;
}

struct builder {
	struct pool *pool;
	const struct radix_entry *list;
	bool reversed;
};

/* Bytes that all of the sorted range have in common, counted from the start. */
static size_t common(const struct builder *b, size_t lo, size_t hi, size_t from)
{
	struct str x = b->list[lo].str, y = b->list[hi - 1].str;
	size_t n = from;

	while (n < x.n && n < y.n && byte_at(x, n, b->reversed) == byte_at(y, n, b->reversed))
		n++;
	return n;
}

static int node_label(struct builder *b, struct radix_node *node, size_t lo, size_t from, size_t to)
{
	char *label = pool_alloc(b->pool, to - from + 1);

	if (!label)
		return -ENOMEM;
	for (size_t i = from; i < to; i++)
		label[i - from] = byte_at(b->list[lo].str, i, b->reversed);
	node->label = label;
	node->n = (uint32_t)(to - from);
	return 0;
}

/* Where the strings that have the same byte at @at as the one at @lo end. */
static size_t run_end(const struct builder *b, size_t lo, size_t hi, size_t at)
{
	char c = byte_at(b->list[lo].str, at, b->reversed);

	while (++lo < hi && byte_at(b->list[lo].str, at, b->reversed) == c)
		;
	return lo;
}

/*
 * Fills @node for the range, whose first @from bytes stand above it. Each level takes at least one
 * byte and one string away from what it hands down, or ends: the depth is that of nested prefixes.
 */
static int node_make(struct builder *b, size_t lo, size_t hi, size_t from, struct radix_node *node)
{
	size_t to = common(b, lo, hi, from), count = 0;
	int r = node_label(b, node, lo, from, to);
	struct radix_node *children;
	uint8_t *bytes;

	node->number = RADIX_NONE;
	if (b->list[lo].str.n == to)
		node->number = b->list[lo++].number;
	for (size_t i = lo; i < hi; i = run_end(b, i, hi, to))
		count++;
	children = pool_alloc(b->pool, count * sizeof(*children));
	bytes = pool_alloc(b->pool, count);
	if (r < 0 || !children || !bytes)
		return -ENOMEM;
	node->children = children;
	node->bytes = bytes;
	while (r == 0 && lo < hi) {
		size_t end = run_end(b, lo, hi, to);

		bytes[node->nchildren] = (uint8_t)byte_at(b->list[lo].str, to, b->reversed);
		r = node_make(b, lo, end, to, &children[node->nchildren++]);
		lo = end;
	}
	return r;
}

int radix_make(struct pool *p, struct radix_entry *list, size_t n, bool reversed, struct radix *ret)
{
	struct radix x = { .reversed = reversed, .root.number = RADIX_NONE };
	struct builder b = { p, list, reversed };
	int r = 0;

	qsort(list, n, sizeof(*list), reversed ? entry_order_reversed : entry_order);
	if (n)
		r = node_make(&b, 0, n, 0, &x.root);
	if (r == 0)
		*ret = x;
	return r;
}

/* The child that @s goes on with, or NULL. */
static const struct radix_node *child_find(const struct radix_node *node,
					   const struct radix_search *s)
{
	uint8_t c;

	if (s->at >= s->text.n)
		return NULL;
	c = (uint8_t)byte_at(s->text, s->at, s->radix->reversed);
	for (uint32_t i = 0; i < node->nchildren; i++)
		if (node->bytes[i] == c)
			return &node->children[i];
	return NULL;
}

static bool label_fits(const struct radix_node *node, const struct radix_search *s)
{
	const char *at = s->text.p + s->at;

	if (node->n > s->text.n - s->at)
		return false;
	if (s->radix->reversed)
		for (uint32_t i = 0; i < node->n; i++)
			if (byte_at(s->text, s->at + i, true) != node->label[i])
				return false;
	return s->radix->reversed || node->n == 0 || memcmp(at, node->label, node->n) == 0;
}

/* Nothing follows it, however often it is asked. */
static const struct radix_node ended = { .number = RADIX_NONE };

uint32_t radix_next(struct radix_search *s)
{
	for (;;) {
		s->node = s->node ? child_find(s->node, s) : &s->radix->root;
		if (!s->node || !label_fits(s->node, s))
			break;
		s->at += s->node->n;
		if (s->node->number != RADIX_NONE)
			return s->node->number;
	}
	s->node = &ended;
	return RADIX_NONE;
}
