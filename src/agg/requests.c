/* The table of keys: an array of pointers behind a hash index, each with its histogram. */
#include "agg/requests.h"

#include <errno.h>
#include <stdlib.h>

#include "agg/histogram.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/slots.h"

#define KEY_MAX 1024

struct entry {
	uint64_t hash;
	struct tally_row row; /* without what the latencies tell */
	struct histogram latency;
	char key[];
};

struct tally {
	struct slots index;
	struct budget budget;
	struct entry *entry[TALLY_KEYS + 1]; /* the last one: "other" */
	uint32_t n;
	uint64_t other;
	struct tally_row *rows;
};

static const struct str other_key = STR("other");

/* --- the table --- */

static uint64_t hash_of(const void *ctx, uint32_t at)
{
	const struct tally *t = ctx;

	return t->entry[at]->hash;
}

static struct entry *find(const struct tally *t, struct str key, uint64_t hash)
{
	SLOTS_EACH(&t->index, hash, at)
	if (t->entry[at]->hash == hash && str_eq(t->entry[at]->row.key, key))
		return t->entry[at];
	return NULL;
}

static struct entry *entry_make(struct str key, uint64_t hash)
{
	struct entry *e = calloc(1, sizeof(*e) + key.n + 1);

	if (!e)
		return NULL;
	memcpy(e->key, key.p, key.n);
	e->hash = hash;
	e->row.key = (struct str){ e->key, key.n };
	return e;
}

/* The entry of that key, or of "other"; NULL: no memory. */
static struct entry *entry_get(struct tally *t, struct str key, uint64_t n)
{
	uint64_t hash;
	struct entry *e;

	if (key.n > KEY_MAX)
		key.n = KEY_MAX;
	hash = hash_bytes(key.p, key.n);
	e = find(t, key, hash);
	if (e)
		return e;
	if (t->n >= TALLY_KEYS) {
		t->other += n;
		if (!t->entry[TALLY_KEYS])
			t->entry[TALLY_KEYS] = entry_make(other_key, 0);
		return t->entry[TALLY_KEYS];
	}
	if (slots_room(&t->index, &t->budget, hash_of, t) != 0)
		return NULL;
	e = entry_make(key, hash);
	if (!e)
		return NULL;
	t->entry[t->n] = e;
	slots_put(&t->index, hash, t->n++);
	return e;
}

int tally_new(struct tally **ret)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->budget.max = 16 * TALLY_KEYS; /* the index alone; keys are counted */
	*ret = t;
	return 0;
}

void tally_clear(struct tally *t)
{
	for (size_t i = 0; i <= TALLY_KEYS; i++)
		free(take_ptr(t->entry[i]));
	slots_free(&t->index);
	free(take_ptr(t->rows));
	t->budget.used = 0;
	t->n = 0;
	t->other = 0;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	tally_clear(t);
	free(t);
}

int tally_add(struct tally *t, struct str key, const struct tally_request *r)
{
	struct entry *e = entry_get(t, key, 1);
	struct tally_row *w = e ? &e->row : NULL;

	if (!e)
		return -ENOMEM;
	w->n++;
	w->failed += r->failed;
	w->unanswered += r->unanswered;
	w->request_bytes += r->request_bytes;
	w->response_bytes += r->response_bytes;
	if (r->timed)
		histogram_add(&e->latency, r->latency_ns);
	return 0;
}

static int entry_merge(struct tally *t, const struct entry *from)
{
	struct entry *e = entry_get(t, from->row.key, from->row.n);
	const struct tally_row *f = &from->row;
	struct tally_row *w = e ? &e->row : NULL;

	if (!e)
		return -ENOMEM;
	w->n += f->n;
	w->failed += f->failed;
	w->unanswered += f->unanswered;
	w->request_bytes += f->request_bytes;
	w->response_bytes += f->response_bytes;
	histogram_merge(&e->latency, &from->latency);
	return 0;
}

int tally_merge(struct tally *t, const struct tally *from)
{
	int err = 0;

	for (size_t i = 0; i <= TALLY_KEYS && !err; i++)
		if (from->entry[i])
			err = entry_merge(t, from->entry[i]);
	return err;
}

uint64_t tally_other(const struct tally *t)
{
	return t->other;
}

/* --- rows --- */

static int by_number(uint64_t a, uint64_t b, const struct tally_row *x, const struct tally_row *y)
{
	return a > b ? -1 : a < b ? 1 : str_cmp(x->key, y->key);
}

#define COMPARE(name, what)                                   \
	static int name(const void *a, const void *b)         \
	{                                                     \
		const struct tally_row *x = a, *y = b;        \
		return by_number((x)->what, (y)->what, x, y); \
	}
COMPARE(by_count, n)
COMPARE(by_p50, p50_ns)
COMPARE(by_p99, p99_ns)
COMPARE(by_time, total_ns)
#undef COMPARE

static int by_failed(const void *a, const void *b)
{
	const struct tally_row *x = a, *y = b;

	return by_number(x->failed + x->unanswered, y->failed + y->unanswered, x, y);
}

static int by_key(const void *a, const void *b)
{
	return by_number(0, 0, a, b);
}

static const struct sort {
	const char *word;
	int (*compare)(const void *, const void *);
} sorts[] = {
	[TALLY_BY_COUNT] = { "count", by_count }, [TALLY_BY_FAILED] = { "failed", by_failed },
	[TALLY_BY_P50] = { "p50", by_p50 },	  [TALLY_BY_P99] = { "p99", by_p99 },
	[TALLY_BY_TIME] = { "time", by_time },	  [TALLY_BY_KEY] = { "key", by_key },
};

bool tally_sort_parse(const char *word, enum tally_sort *ret)
{
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (strcmp(sorts[i].word, word) == 0) {
			*ret = (enum tally_sort)i;
			return true;
		}
	return false;
}

static struct tally_row row_of(const struct entry *e)
{
	const struct histogram *h = &e->latency;
	struct tally_row r = e->row;

	r.timed = h->n;
	r.total_ns = h->total_ns;
	r.max_ns = h->max_ns;
	r.p50_ns = histogram_percentile(h, 0.5);
	r.p90_ns = histogram_percentile(h, 0.9);
	r.p99_ns = histogram_percentile(h, 0.99);
	return r;
}

long tally_rows(struct tally *t, enum tally_sort sort, const struct tally_row **ret)
{
	size_t n = 0;

	free(t->rows);
	t->rows = calloc((size_t)t->n + 2, sizeof(*t->rows));
	if (!t->rows)
		return -ENOMEM;
	for (size_t i = 0; i <= TALLY_KEYS; i++)
		if (t->entry[i])
			t->rows[n++] = row_of(t->entry[i]);
	qsort(t->rows, n, sizeof(*t->rows), sorts[sort].compare);
	*ret = t->rows;
	return (long)n;
}
