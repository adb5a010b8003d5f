/*
 * From a field's value to the expressions that it triggers: equal values by hashing, starts and
 * ends by a tree each, parts by one pass of an automaton. Strings are cut to MANY_PART_MAX_BYTES
 * where a part is looked for, and substrings share the automaton's bits: both may name an
 * expression too many, never one too few.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "lang/many_priv.h"

/* Fields of few values, which would fire all the time. */
static const char *const dull_fields[] = {
	"container.id", "container.type", "evt.category", "evt.res",	 "evt.rawres", "fd.l4proto",
	"fd.num",	"fd.sockfamily",  "fd.type",	  "fd.typechar", "proc.tty",
};
static const struct str dull_rooms[] = { STR("user."), STR("group.") };

static bool is_word(enum value_type t)
{
	return t == VALUE_U64 || t == VALUE_I64 || t == VALUE_PORT;
}

static bool is_dull(struct str name)
{
	for (size_t i = 0; i < sizeof(dull_fields) / sizeof(dull_fields[0]); i++)
		if (str_eq(name, str_of(dull_fields[i])))
			return true;
	for (size_t i = 0; i < sizeof(dull_rooms) / sizeof(dull_rooms[0]); i++)
		if (str_starts(name, dull_rooms[i]))
			return true;
	return false;
}

bool index_takes(const struct expr_cond *c)
{
	bool str = c->ref->field->type == VALUE_STR;
	bool part = c->op == EXPR_STARTSWITH || c->op == EXPR_ENDSWITH || c->op == EXPR_CONTAINS;

	if (is_dull(str_of(c->ref->field->name)))
		return false;
	if (c->op == EXPR_EQ)
		return str || is_word(c->ref->field->type);
	for (size_t i = 0; part && str && i < c->n; i++)
		part = c->values[i].v.str.n != 0;
	return part && str;
}

/* Making */

static int row_order(const void *a, const void *b)
{
	const struct trigger_row *x = a, *y = b;
	int order = 0;

	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	if (x->v.type == VALUE_STR)
		order = str_cmp(x->v.str, y->v.str);
	else if (x->v.u64 != y->v.u64)
		order = x->v.u64 < y->v.u64 ? -1 : 1;
	return order ? order : x->local < y->local ? -1 : x->local > y->local;
}

static bool same_value(const struct trigger_row *a, const struct trigger_row *b)
{
	return a->slot == b->slot && a->op == b->op &&
	       (a->v.type == VALUE_STR ? str_eq(a->v.str, b->v.str) : a->v.u64 == b->v.u64);
}

static size_t value_end(const struct trigger_row *list, size_t at, size_t end)
{
	size_t from = at;

	while (at < end && same_value(&list[from], &list[at]))
		at++;
	return at;
}

/* The expressions of rows that are sorted by them or nearly so; all in one when @words is small. */
static const struct hits *hits_make(struct many *m, const struct trigger_row *list, size_t n,
				    uint32_t words)
{
	_cleanup_(freep) uint64_t *bits = calloc(words, sizeof(*bits));
	struct hits *h = NULL;
	uint32_t used = 0;

	for (size_t i = 0; bits && i < n; i++)
		bits[list[i].local / 64] |= 1ull << (list[i].local % 64);
	for (uint32_t w = 0; bits && w < words; w++)
		used += bits[w] != 0;
	if (bits)
		h = pool_alloc(&m->pool, sizeof(*h) + used * sizeof(h->word[0]));
	for (uint32_t w = 0; h && w < words; w++)
		if (bits[w])
			h->word[h->n++] = (struct hits_word){ w, bits[w] };
	return h;
}

/* What is being made, for one field: rows [lo, hi) of one operator. */
struct maker {
	struct many *m;
	struct index *x;
	const struct trigger_row *list;
	size_t lo, hi;
	uint32_t words, number; /* number: of the next hits */
};

static int make_eq(struct maker *k)
{
	bool str = k->list[k->lo].v.type == VALUE_STR;
	uint32_t slots = 2;

	while (slots < 2 * (k->hi - k->lo))
		slots *= 2;
	k->x->eq = pool_alloc(&k->m->pool, slots * sizeof(*k->x->eq));
	if (!k->x->eq)
		return -ENOMEM;
	k->x->eq_mask = slots - 1;
	for (size_t i = k->lo, end; i < k->hi; i = end) {
		const struct value *v = &k->list[i].v;
		struct str s = str ? v->str : (struct str){ "", v->u64 };
		uint32_t h = str ? strset_hash(s) : (uint32_t)hash_u64(v->u64);
		uint32_t at = h & k->x->eq_mask;

		end = value_end(k->list, i, k->hi);
		while (k->x->eq[at].str.p)
			at = (at + 1) & k->x->eq_mask;
		k->x->eq[at] = (struct eq_entry){ s.p ? s : STR(""), h, k->number };
		k->x->hits[k->number] = hits_make(k->m, &k->list[i], end - i, k->words);
		if (!k->x->hits[k->number++])
			return -ENOMEM;
	}
	return 0;
}

static int make_radix(struct maker *k, bool reversed, struct radix *ret)
{
	_cleanup_(freep) struct radix_entry *entries = calloc(k->hi - k->lo, sizeof(*entries));
	size_t n = 0;

	if (!entries)
		return -ENOMEM;
	for (size_t i = k->lo, end; i < k->hi; i = end) {
		end = value_end(k->list, i, k->hi);
		entries[n++] = (struct radix_entry){ k->list[i].v.str, k->number };
		k->x->hits[k->number] = hits_make(k->m, &k->list[i], end - i, k->words);
		if (!k->x->hits[k->number++])
			return -ENOMEM;
	}
	return radix_make(&k->m->pool, entries, n, reversed, ret);
}

/* Neighbours in the order share a group: they tend to belong together. */
static int make_groups(struct maker *k, struct automaton_pattern *patterns)
{
	size_t n = k->hi - k->lo, at = k->lo;

	for (size_t i = k->lo; i < k->hi; i++)
		patterns[i - k->lo] = (struct automaton_pattern){
			.text = k->list[i].v.str,
			.mask = 1ull << ((i - k->lo) * 64 / n),
		};
	for (size_t g = 0; g < 64; g++) {
		size_t from = at;

		while (at < k->hi && (at - k->lo) * 64 / n == g)
			at++;
		k->x->groups[g] = hits_make(k->m, k->list + from, at - from, k->words);
		if (!k->x->groups[g])
			return -ENOMEM;
	}
	return 0;
}

static int make_automaton(struct maker *k)
{
	size_t n = k->hi - k->lo, max = MANY_PART_MAX_BYTES;
	_cleanup_(freep) struct automaton_pattern *patterns = calloc(n, sizeof(*patterns));
	int r = patterns ? make_groups(k, patterns) : -ENOMEM;

	if (r < 0)
		return r;
	do {
		for (size_t i = 0; i < n; i++)
			if (patterns[i].text.n > max)
				patterns[i].text.n = max;
		r = automaton_make(patterns, n, false, &k->x->automaton);
		max /= 2;
	} while (r == -E2BIG && max);
	return r;
}

static int make_op(struct maker *k)
{
	switch (k->list[k->lo].op) {
	case EXPR_EQ:
		return make_eq(k);
	case EXPR_STARTSWITH:
		return make_radix(k, false, &k->x->starts);
	case EXPR_ENDSWITH:
		return make_radix(k, true, &k->x->ends);
	default:
		return make_automaton(k);
	}
}

static int make_index(struct many *m, const struct plan *p, const struct trigger_row *list,
		      size_t n, struct index *x)
{
	const struct field_ref *ref = m->slots[list->slot].ref;
	struct maker k = { m, x, list, 0, 0, p->words, 0 };
	uint64_t *users = pool_alloc(&m->pool, p->words * sizeof(*users));
	int r = 0;

	x->slot = list->slot;
	x->any = ref->field->flags & FIELD_ANY && !ref->has_index;
	x->starts.root.number = x->ends.root.number = RADIX_NONE;
	x->hits = pool_alloc(&m->pool, n * sizeof(*x->hits));
	x->users = users;
	if (!users || !x->hits)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		users[list[i].local / 64] |= 1ull << (list[i].local % 64);
	while (r == 0 && k.hi < n) {
		k.lo = k.hi;
		while (k.hi < n && list[k.hi].op == list[k.lo].op)
			k.hi++;
		r = make_op(&k);
	}
	return r;
}

int index_make(struct many *m, struct plan *p, struct trigger_row *list, size_t n)
{
	size_t count = 0, end;

	for (size_t i = 0; i < n; i++)
		if (list[i].op != EXPR_EQ && list[i].v.str.n > MANY_PART_MAX_BYTES) {
			size_t cut = list[i].v.str.n - MANY_PART_MAX_BYTES;

			if (list[i].op == EXPR_ENDSWITH)
				list[i].v.str.p += cut;
			list[i].v.str.n -= cut;
		}
	qsort(list, n, sizeof(*list), row_order);
	for (size_t i = 0; i < n; i++)
		count += i == 0 || list[i].slot != list[i - 1].slot;
	p->index = pool_alloc(&m->pool, count * sizeof(*p->index));
	if (!p->index)
		return -ENOMEM;
	for (size_t i = 0; i < n; i = end) {
		for (end = i; end < n && list[end].slot == list[i].slot;)
			end++;
		if (make_index(m, p, list + i, end - i, &p->index[p->nindex++]) < 0)
			return -ENOMEM;
	}
	return 0;
}

void index_free(struct index *x)
{
	automaton_free(&x->automaton);
}

/* Firing */

static void fire(const struct hits *h, uint64_t *fired)
{
	for (uint32_t i = 0; i < h->n; i++)
		fired[h->word[i].at] |= h->word[i].bits;
}

static void fire_eq(const struct index *x, struct str s, uint32_t h, uint64_t *fired)
{
	for (uint32_t at = h & x->eq_mask; x->eq[at].str.p; at = (at + 1) & x->eq_mask)
		if (x->eq[at].hash == h && str_eq(x->eq[at].str, s)) {
			fire(x->hits[x->eq[at].number], fired);
			return;
		}
}

static void fire_word(const struct index *x, uint64_t word, uint64_t *fired)
{
	uint32_t h = (uint32_t)hash_u64(word);

	for (uint32_t at = h & x->eq_mask; x->eq[at].str.p; at = (at + 1) & x->eq_mask)
		if (x->eq[at].str.n == word) {
			fire(x->hits[x->eq[at].number], fired);
			return;
		}
}

static void fire_radix(const struct index *x, const struct radix *radix, struct str s, uint64_t *fired)
{
	struct radix_search search = { .radix = radix, .text = s };
	uint32_t number;

	while ((number = radix_next(&search)) != RADIX_NONE)
		fire(x->hits[number], fired);
}

static void fire_parts(const struct index *x, struct str s, uint64_t *fired)
{
	if (x->starts.root.label)
		fire_radix(x, &x->starts, s, fired);
	if (x->ends.root.label)
		fire_radix(x, &x->ends, s, fired);
	if (x->automaton.n)
		for (uint64_t hit = automaton_run(&x->automaton, s); hit; hit &= hit - 1)
			fire(x->groups[__builtin_ctzll(hit)], fired);
}

static void fire_any(const struct many *m, const struct index *x, const struct event *ev,
		     uint64_t *fired)
{
	const struct field_ref *ref = m->slots[x->slot].ref;
	struct value v;

	for (unsigned nth = 0; ref->field->get(ev, ref, nth, &v); nth++) {
		if (v.type != VALUE_STR) {
			fire_word(x, v.u64, fired);
			continue;
		}
		if (x->eq)
			fire_eq(x, v.str, strset_hash(v.str), fired);
		fire_parts(x, v.str, fired);
	}
}

void index_fire(struct many *m, const struct index *x, const struct event *ev, uint64_t *fired)
{
	struct slot *s;

	if (x->any) {
		fire_any(m, x, ev, fired);
		return;
	}
	s = slot_get(m, x->slot, ev);
	if (!s)
		return;
	if (s->ref->field->type != VALUE_STR) {
		fire_word(x, s->v.u64, fired);
		return;
	}
	if (x->eq)
		fire_eq(x, s->v.str, slot_hash(m, s), fired);
	fire_parts(x, s->v.str, fired);
}
