/* Rows that never move, in one array of pointers, found by a hash of their key. */
#include "agent/watching_sums.h"

#include <stdlib.h>

#include "base/hash.h"

#define SLOTS	   65536 /* a power of two, twice the rows */
#define TEXT_BYTES (8u << 20)
#define TEXTS	   65536

struct sums {
	struct sum *slot[SLOTS];
	struct sum *all[WATCHING_SUMS];
	size_t n;
	uint64_t refused;
	struct budget budget;
	struct intern texts;
	struct boot_ns begin;
	uint64_t second[WATCH_SECONDS_MAX][THREAD_STATE_COUNT];
	size_t seconds; /* of those, how many are in use */
};

int sums_new(struct sums **ret)
{
	struct sums *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->budget.max = TEXT_BYTES;
	err = intern_init(&s->texts, &s->budget, TEXTS);
	if (err) {
		free(s);
		return err;
	}
	*ret = s;
	return 0;
}

void sums_free(struct sums *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		free(s->all[i]);
	intern_free(&s->texts);
	free(s);
}

static size_t slot_of(enum sum_sort sort, uint32_t pid, uint64_t a, uint64_t b)
{
	return hash_u64(hash_u64(a ^ ((uint64_t)sort << 56)) ^ hash_u64(b + pid)) & (SLOTS - 1);
}

struct sum *sum_find(const struct sums *s, enum sum_sort sort, uint32_t pid, uint64_t a, uint64_t b)
{
	struct sum *at = s->slot[slot_of(sort, pid, a, b)];

	while (at && (at->sort != sort || at->pid != pid || at->a != a || at->b != b))
		at = at->next;
	return at;
}

struct sum *sum_at(struct sums *s, enum sum_sort sort, uint32_t pid, uint64_t a, uint64_t b)
{
	struct sum *at = sum_find(s, sort, pid, a, b);
	size_t slot;

	if (at)
		return at;
	at = s->n < WATCHING_SUMS ? calloc(1, sizeof(*at)) : NULL;
	if (!at) {
		s->refused++;
		return NULL;
	}
	slot = slot_of(sort, pid, a, b);
	*at = (struct sum){ .next = s->slot[slot], .sort = sort, .pid = pid, .a = a, .b = b };
	s->slot[slot] = at;
	s->all[s->n++] = at;
	return at;
}

struct str sums_text(struct sums *s, struct str text)
{
	uint32_t id;

	return text.n && intern_put(&s->texts, text, &id) == 0 ? intern_get(&s->texts, id) : STR_NONE;
}

void sums_begin(struct sums *s, struct boot_ns begin)
{
	s->begin = begin;
}

uint64_t *sums_second(struct sums *s, struct boot_ns time)
{
	size_t at;

	if (time.ns <= s->begin.ns)
		return NULL;
	at = (time.ns - s->begin.ns - 1) / NS_PER_SEC;
	if (at >= WATCH_SECONDS_MAX)
		return NULL;
	if (at >= s->seconds)
		s->seconds = at + 1;
	return s->second[at];
}

const uint64_t (*sums_seconds(const struct sums *s, size_t *ret_n))[THREAD_STATE_COUNT]
{
	*ret_n = s->seconds;
	return s->second;
}

size_t sums_count(const struct sums *s)
{
	return s->n;
}

struct sum *sums_get(const struct sums *s, size_t i)
{
	return s->all[i];
}

uint64_t sums_refused(const struct sums *s)
{
	return s->refused;
}
