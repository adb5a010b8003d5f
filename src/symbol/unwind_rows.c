/* Pages and rows of an unwind table. One row is held back: it may be replaced before it is written. */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "symbol/unwind_rows.h"

#define INVALID	   0 /* index of the rule UW_INVALID */
#define PAGE_BYTES (1u << UW_PAGE_SHIFT)

/* Room for one more of @n elements of @size bytes at *@p. */
static bool room(struct rows *r, void *p, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 256;
	void *moved;

	if (n < *cap)
		return true;
	moved = realloc(*(void **)p, more * size);
	if (!moved) {
		r->failed = true;
		return false;
	}
	*(void **)p = moved;
	*cap = more;
	return true;
}

static uint64_t rule_hash(const struct unwind_rule *rule)
{
	uint64_t a, b;
	uint32_t c;

	memcpy(&a, rule, 8);
	memcpy(&b, (const char *)rule + 8, 8);
	memcpy(&c, (const char *)rule + 16, 4);
	return hash_u64(hash_u64(a ^ (uint64_t)c << 32) ^ b);
}

/* The index of @rule, a new one if it is not there yet. */
static uint16_t rule_index(struct rows *r, const struct unwind_rule *rule)
{
	struct unwind_table *t = r->t;
	uint32_t at = rule_hash(rule) % ROWS_RULE_SLOTS;

	if (rule->cfa == UW_INVALID)
		return INVALID;
	for (; r->slots[at]; at = (at + 1) % ROWS_RULE_SLOTS)
		if (memcmp(&t->rules[r->slots[at]], rule, sizeof(*rule)) == 0)
			return r->slots[at];
	if (t->nrules == UW_RULES) {
		t->counts[UNWIND_N_rules_full]++;
		return INVALID;
	}
	if (!room(r, &t->rules, t->nrules, &r->cap_rules, sizeof(*rule)))
		return INVALID;
	t->rules[t->nrules] = *rule;
	r->slots[at] = (uint16_t)t->nrules;
	return (uint16_t)t->nrules++;
}

static struct unwind_page *open_page(const struct rows *r, uint32_t page)
{
	struct unwind_table *t = r->t;
	struct unwind_page *last = t->npages ? &t->pages[t->npages - 1] : NULL;

	return last && last->page == page ? last : NULL;
}

static struct unwind_page *add_page(struct rows *r, uint32_t page)
{
	struct unwind_table *t = r->t;

	if (!room(r, &t->pages, t->npages, &r->cap_pages, sizeof(*t->pages)))
		return NULL;
	t->pages[t->npages] = (struct unwind_page){ page, t->nrows, 0 };
	return &t->pages[t->npages++];
}

/* A row for which there is room in its page and in the table; the last one there is made UW_INVALID. */
static void add_row(struct rows *r, uint32_t page, uint16_t pc, uint16_t rule)
{
	struct unwind_table *t = r->t;
	struct unwind_page *p = open_page(r, page);
	bool table_full = t->nrows >= UNWIND_ROWS_MAX;

	if (!p && !table_full)
		p = add_page(r, page);
	if (!p || table_full || p->n == UW_BLOCK_ROWS) {
		t->counts[table_full ? UNWIND_N_rows_full : UNWIND_N_page_full]++;
		if (p && p->n)
			t->rows[p->first + p->n - 1].rule = INVALID;
		return;
	}
	if (!room(r, &t->rows, t->nrows, &r->cap_rows, sizeof(*t->rows)))
		return;
	t->rows[t->nrows++] = (struct unwind_row){ pc, rule };
	p->n++;
}

/* What is in force goes on at the start of each page from the last one written up to @page. */
static void carry(struct rows *r, uint32_t page)
{
	struct unwind_table *t = r->t;

	if (r->in_force == INVALID || !t->npages)
		return;
	for (uint32_t p = t->pages[t->npages - 1].page + 1; p < page && !r->failed; p++) {
		uint32_t before = t->npages;

		add_row(r, p, 0, r->in_force);
		if (t->npages == before)
			return; /* the table is full */
	}
}

static void write_pending(struct rows *r)
{
	uint32_t page = (uint32_t)(r->off >> UW_PAGE_SHIFT);
	uint16_t pc = (uint16_t)(r->off & (PAGE_BYTES - 1));

	carry(r, page);
	if (!open_page(r, page)) {
		/* The page's first row: what was in force, unless it is replaced right there. */
		if (r->in_force != INVALID && pc)
			add_row(r, page, 0, r->in_force);
		if (pc == 0 && r->rule != INVALID)
			add_row(r, page, 0, r->rule);
		else if (r->rule != r->in_force && pc)
			add_row(r, page, pc, r->rule);
	} else if (r->rule != r->in_force) {
		add_row(r, page, pc, r->rule);
	}
	if (r->rule == r->in_force)
		r->t->counts[UNWIND_N_rows_merged]++;
	r->in_force = r->rule;
}

void rows_begin(struct rows *r, struct unwind_table *t)
{
	memset(r, 0, sizeof(*r));
	r->t = t;
	if (room(r, &t->rules, 0, &r->cap_rules, sizeof(*t->rules)))
		t->rules[t->nrules++] = (struct unwind_rule){ .cfa = UW_INVALID };
}

void rows_put(struct rows *r, uint64_t off, const struct unwind_rule *rule)
{
	if (r->failed)
		return;
	if (r->pending && off > r->off)
		write_pending(r);
	r->pending = true;
	r->off = off;
	r->rule = rule_index(r, rule);
}

/* Growing doubles; what is left over goes back. Failing to shrink is no failure. */
static void shrink(void *p, size_t bytes)
{
	void *moved = realloc(*(void **)p, bytes ? bytes : 1);

	if (moved)
		*(void **)p = moved;
}

int rows_end(struct rows *r)
{
	struct unwind_table *t = r->t;

	if (!r->failed && r->pending)
		write_pending(r);
	if (r->failed)
		return -ENOMEM;
	shrink(&t->pages, t->npages * sizeof(*t->pages));
	shrink(&t->rows, t->nrows * sizeof(*t->rows));
	shrink(&t->rules, t->nrules * sizeof(*t->rules));
	return 0;
}
