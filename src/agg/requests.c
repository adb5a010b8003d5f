/* The table of keys: an array of pointers behind a hash index, each with its histogram. */
#include "agg/requests.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/slots.h"

#define UNIT_BITS 6  /* of the smallest buckets: 64 ns */
#define SUB_BITS  4  /* 16 buckets for each power of two */
#define TOP_BITS  34 /* of a latency in units: 18 minutes */
#define SUBS	  (1u << SUB_BITS)
#define BUCKETS	  ((TOP_BITS - SUB_BITS + 1) * SUBS)
#define KEY_MAX	  1024

struct entry {
	uint64_t hash;
	struct tally_row row; /* without percentiles */
	uint32_t bucket[BUCKETS];
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

/* --- the histogram --- */

static uint32_t bucket_of(uint64_t ns)
{
	uint64_t u = ns >> UNIT_BITS;
	unsigned power;

	if (u < SUBS)
		return (uint32_t)u;
	power = 63 - (unsigned)__builtin_clzll(u);
	if (power >= TOP_BITS)
		return BUCKETS - 1;
	return (power - SUB_BITS + 1) * SUBS + (uint32_t)(u >> (power - SUB_BITS) & (SUBS - 1));
}

/* The middle of the bucket. */
static uint64_t bucket_ns(uint32_t i)
{
	uint64_t low, width;

	if (i < SUBS)
		return ((uint64_t)i << UNIT_BITS) + (1u << UNIT_BITS) / 2;
	width = 1ull << (i / SUBS - 1 + UNIT_BITS);
	low = (SUBS + (i & (SUBS - 1))) * width;
	return low + width / 2;
}

/* The value that @share of all are not above. */
static uint64_t percentile(const struct entry *e, double share)
{
	uint64_t want = (uint64_t)(share * (double)e->row.timed + 0.999999), seen = 0, ns;
	uint32_t i = 0;

	if (!e->row.timed)
		return 0;
	for (seen = e->bucket[0]; i < BUCKETS - 1 && seen < want; seen += e->bucket[i])
		i++;
	ns = bucket_ns(i);
	return ns < e->row.max_ns ? ns : e->row.max_ns;
}

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
	hash = hash_str(key);
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
	if (!r->timed)
		return 0;
	w->timed++;
	w->total_ns += r->latency_ns;
	if (r->latency_ns > w->max_ns)
		w->max_ns = r->latency_ns;
	e->bucket[bucket_of(r->latency_ns)]++;
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
	w->timed += f->timed;
	w->total_ns += f->total_ns;
	w->request_bytes += f->request_bytes;
	w->response_bytes += f->response_bytes;
	if (f->max_ns > w->max_ns)
		w->max_ns = f->max_ns;
	for (size_t i = 0; i < BUCKETS; i++)
		e->bucket[i] += from->bucket[i];
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

long tally_rows(struct tally *t, enum tally_sort sort, const struct tally_row **ret)
{
	size_t n = 0;

	free(t->rows);
	t->rows = calloc((size_t)t->n + 2, sizeof(*t->rows));
	if (!t->rows)
		return -ENOMEM;
	for (size_t i = 0; i <= TALLY_KEYS; i++) {
		const struct entry *e = t->entry[i];

		if (!e)
			continue;
		t->rows[n] = e->row;
		t->rows[n].p50_ns = percentile(e, 0.5);
		t->rows[n].p90_ns = percentile(e, 0.9);
		t->rows[n++].p99_ns = percentile(e, 0.99);
	}
	qsort(t->rows, n, sizeof(*t->rows), sorts[sort].compare);
	*ret = t->rows;
	return (long)n;
}
