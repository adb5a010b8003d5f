/* Either expression may have them: both must hold. */
#include "agent/pushdown_triggers.h"

#include "agent/pushdown_judge.h"

struct triggers {
	struct knowledge know; /* about the clause's events */
	trigger_usable_fn usable;
	trigger_add_fn add;
	void *ctx;
};

static enum judgement trigger_judge(void *ctx, const struct expr_cond *c)
{
	struct triggers *t = ctx;

	return know_judge(&t->know, c);
}

static bool trigger_usable(void *ctx, const struct expr_cond *c)
{
	struct triggers *t = ctx;

	return t->usable(t->ctx, c);
}

static void trigger_found(void *ctx, const struct expr_cond *c)
{
	struct triggers *t = ctx;

	t->add(t->ctx, c);
}

int triggers_find(const struct pushdown_clause *c, uint64_t kinds, trigger_usable_fn usable,
		  trigger_add_fn add, void *ctx)
{
	const struct expr *both[] = { c->where, c->scope };
	struct triggers t = { { .kinds = c->kinds & kinds }, usable, add, ctx };
	int got = 0;

	for (size_t i = 0; got == 0 && i < 2; i++)
		if (both[i])
			got = expr_triggers(both[i], trigger_judge, trigger_usable, trigger_found,
					    &t);
	return got;
}
