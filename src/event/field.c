/* The catalogue: field tables joined, sorted by name, searched by bisection. */
#include "event/field.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/near.h"

static __thread struct arena *arena_now;

struct arena *field_arena(void)
{
	return arena_now;
}

void field_arena_set(struct arena *a)
{
	arena_now = a;
}

static int field_order(const void *a, const void *b)
{
	const struct field *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

int catalogue_join(const struct field *const *tables, size_t n, struct catalogue *ret)
{
	_cleanup_(freep) const struct field **all = NULL;
	size_t count = 0, at = 0;

	for (size_t t = 0; t < n; t++)
		for (const struct field *f = tables[t]; f->name; f++)
			count++;
	all = calloc(count ? count : 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (size_t t = 0; t < n; t++)
		for (const struct field *f = tables[t]; f->name; f++)
			all[at++] = f;
	qsort(all, count, sizeof(*all), field_order);
	for (size_t i = 1; i < count; i++)
		if (strcmp(all[i - 1]->name, all[i]->name) == 0)
			return -EEXIST;
	*ret = (struct catalogue){ .fields = take_ptr(all), .n = count };
	return 0;
}

void catalogue_free(struct catalogue *c)
{
	free((void *)c->fields);
	*c = (struct catalogue){ 0 };
}

const struct field *field_find(const struct catalogue *c, struct str name)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int order = str_cmp(name, str_of(c->fields[mid]->name));

		if (order == 0)
			return c->fields[mid];
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct field *field_nearest(const struct catalogue *c, struct str name)
{
	const struct field *best = NULL;
	unsigned best_edits = NEAR_EDITS_MAX + 1;

	for (size_t i = 0; i < c->n; i++) {
		unsigned e = near_edits(name, str_of(c->fields[i]->name));

		if (e < best_edits) {
			best_edits = e;
			best = c->fields[i];
		}
	}
	return best;
}
