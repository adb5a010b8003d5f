/* A ruleset's expressions given to many.h, and its answers turned back into rules. */
#include "rule/match.h"

#include <errno.h>

#include "base/cleanup.h"
#include "lang/many.h"

struct matcher {
	const struct ruleset *rules;
	struct many *many;
	uint64_t *matched;
};

void matcher_free(struct matcher *m)
{
	if (!m)
		return;
	many_free(m->many);
	free(m->matched);
	free(m);
}

static void matcher_freep(struct matcher **m)
{
	matcher_free(*m);
}

int matcher_new(const struct ruleset *r, struct matcher **ret)
{
	_cleanup_(matcher_freep) struct matcher *m = calloc(1, sizeof(*m));
	_cleanup_(freep) const struct expr **list = calloc(r->n + 1, sizeof(*list));
	int err;

	if (!m || !list)
		return -ENOMEM;
	m->rules = r;
	m->matched = calloc(r->n + 1, sizeof(*m->matched));
	if (!m->matched)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++)
		list[i] = r->rules[i]->expr;
	err = many_new(list, r->n, &m->many);
	if (err == 0)
		*ret = take_ptr(m);
	return err;
}

struct run {
	struct matcher *matcher;
	const struct event *ev;
	bool all;
	void (*hit)(void *ctx, const struct rule *r, const struct event *ev);
	void *ctx;
};

static bool run_hit(void *ctx, uint32_t place)
{
	const struct run *r = ctx;

	r->matcher->matched[place]++;
	r->hit(r->ctx, r->matcher->rules->rules[place], r->ev);
	return r->all;
}

size_t matcher_run(struct matcher *m, const struct event *ev, bool all,
		   void (*hit)(void *ctx, const struct rule *r, const struct event *ev), void *ctx)
{
	struct run r = { m, ev, all, hit, ctx };

	return many_match(m->many, ev, run_hit, &r);
}

struct match_count matcher_count(const struct matcher *m, uint32_t index)
{
	return (struct match_count){ many_looked(m->many, index), m->matched[index] };
}
