/*
 * The bucket as one number: the time at which it would be full again. An alert moves it on by
 * every_ns; it is held back when that lies more than slack_ns ahead. (The generic cell rate
 * algorithm, ITU-T I.371.)
 */
#include "alert/limit.h"

#include <errno.h>

#define DAY_NS	  (86400 * NS_PER_SEC)
#define COUNT_MAX 1000000u

struct bucket {
	uint64_t full_ns; /* when it is full again */
	uint64_t held;
	struct boot_ns first, last; /* of those held back */
	enum priority worst;
};

static bool read_count(struct str *s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9' && v <= COUNT_MAX; i++)
		v = v * 10 + (uint64_t)(s->p[i] - '0');
	if (i == 0 || v > COUNT_MAX)
		return false;
	*s = str_skip(*s, i);
	*ret = v;
	return true;
}

bool limit_time(struct str text, uint64_t *ret_ns)
{
	static const struct {
		struct str unit;
		uint64_t ns;
	} units[] = {
		{ STR("ms"), NS_PER_MS },
		{ STR("s"), NS_PER_SEC },
		{ STR("m"), 60 * NS_PER_SEC },
		{ STR("h"), 3600 * NS_PER_SEC },
	};
	uint64_t n = 1;

	if (text.n && text.p[0] >= '0' && text.p[0] <= '9' && !read_count(&text, &n))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!str_eq(units[i].unit, text))
			continue;
		if (n == 0 || n * units[i].ns > DAY_NS)
			return false;
		*ret_ns = n * units[i].ns;
		return true;
	}
	return false;
}

static bool limit_read(struct str s, uint64_t *ret_n, uint64_t *ret_ns, uint64_t *ret_burst)
{
	const char *blank;

	if (!read_count(&s, ret_n) || *ret_n == 0 || !str_starts(s, STR("/")))
		return false;
	s = str_skip(s, 1);
	blank = memchr(s.p, ' ', s.n);
	*ret_burst = *ret_n;
	if (!blank)
		return limit_time(s, ret_ns);
	if (!limit_time((struct str){ s.p, (size_t)(blank - s.p) }, ret_ns))
		return false;
	s = str_skip(s, (size_t)(blank - s.p));
	if (!str_starts(s, STR(" burst ")))
		return false;
	s = str_skip(s, 7);
	return read_count(&s, ret_burst) && *ret_burst > 0 && s.n == 0;
}

int limit_init(struct limit *l, const char *text, struct buf *why)
{
	uint64_t n, ns, burst;

	*l = (struct limit){ .names = { .max = LIMIT_NAMES_MAX, .payload = sizeof(struct bucket) } };
	if (!text || !*text)
		return 0;
	if (!limit_read(str_of(text), &n, &ns, &burst)) {
		buf_printf(why,
			   "\"%.100s\": expected a number, a slash and a time, as \"10/s\", "
			   "\"600/m burst 100\" or \"1/30s\"",
			   text);
		return -EINVAL;
	}
	l->every_ns = ns / n ? ns / n : 1;
	l->slack_ns = (burst - 1) * l->every_ns;
	return 0;
}

void limit_free(struct limit *l)
{
	keys_clear(&l->names);
}

bool limit_pass(struct limit *l, struct str name, enum priority p, struct boot_ns now)
{
	struct bucket *b;
	struct key *k;

	if (!l->every_ns)
		return true;
	k = keys_find(&l->names, name);
	if (!k)
		k = keys_add(&l->names, name);
	if (!k) {
		l->full++;
		return true;
	}
	b = (struct bucket *)k->payload;
	if (b->full_ns < now.ns)
		b->full_ns = now.ns;
	if (b->full_ns - now.ns <= l->slack_ns) {
		b->full_ns += l->every_ns;
		return true;
	}
	if (b->held++ == 0) {
		b->first = now;
		b->worst = p;
	}
	b->last = now;
	if (p < b->worst)
		b->worst = p;
	l->held++;
	return false;
}

struct turn {
	struct limit *limit;
	struct boot_ns now;
	bool all;
	void (*report)(void *ctx, const struct limit_report *r);
	void *ctx;
};

static void bucket_turn(void *ctx, struct key *k)
{
	struct bucket *b = (struct bucket *)k->payload;
	struct turn *t = ctx;
	uint64_t felt_ns = t->now.ns > b->first.ns ? t->now.ns - b->first.ns : 0;
	bool rest = b->full_ns <= t->now.ns;

	if (b->held && (rest || t->all || felt_ns >= LIMIT_REPORT_NS)) {
		struct limit_report r = { k->text, b->held, felt_ns, b->worst, b->last };

		t->report(t->ctx, &r);
		b->held = 0;
	}
	if (rest)
		keys_remove(&t->limit->names, k);
}

void limit_turn(struct limit *l, struct boot_ns now, bool all,
		void (*report)(void *ctx, const struct limit_report *r), void *ctx)
{
	struct turn t = { l, now, all, report, ctx };

	keys_each(&l->names, bucket_turn, &t);
}
