/* The cgroup's memory limit: reached, killed by it, or close to it. */
#include "cause/cause.h"

#define CLOSE	0.90
#define REACHED 0.97

static void group_judge(const struct watch *w, const struct watch_group *g, struct findings *ret)
{
	const struct vitals_group *a = &g->before, *b = &g->after;
	uint64_t kills = b->oom_kills - a->oom_kills, hits = b->limit_hits - a->limit_hits;
	uint64_t cache = b->file < b->memory ? b->file : b->memory;
	/* What a full page cache takes is given back when it is needed: only the rest counts as used. */
	double used = (double)(b->memory - cache) / (double)b->memory_max;
	enum confidence sure;
	struct finding *f;

	if (w->oom_kills > kills)
		kills = w->oom_kills;
	if (!kills && used < CLOSE)
		return;
	sure = kills || (used >= REACHED && hits) ? CONFIDENCE_CERTAIN :
	       used >= REACHED || hits		  ? CONFIDENCE_LIKELY :
						    CONFIDENCE_POSSIBLE;
	f = finding_add(ret, &cause_memory_limit, sure, kills ? 1000 : (uint32_t)(used * 900));
	if (kills)
		finding_title(f, "its memory limit (%s) killed it %lu times",
			      bytes_text(b->memory_max).s, kills);
	else
		finding_title(f, "it is at %.0f %% of its memory limit (%s)", used * 100,
			      bytes_text(b->memory_max).s);
	finding_evidence(f, "%.*s: uses %s, of it %s page cache, limit %s", STR_ARG(g->name),
			 bytes_text(b->memory).s, bytes_text(cache).s, bytes_text(b->memory_max).s);
	if (hits)
		finding_evidence(f, "the limit was reached %lu times", hits);
	if (w->oom_victim.n)
		finding_evidence(f, "killed: %.*s", STR_ARG(w->oom_victim));
	if (b->anon > a->anon)
		finding_evidence(f, "its own memory grew by %s", bytes_text(b->anon - a->anon).s);
	finding_advice(f, "raise resources.limits.memory, or find what grows");
}

static void judge(const struct watch *w, struct findings *ret)
{
	for (size_t i = 0; i < w->ngroups; i++) {
		const struct watch_group *g = &w->groups[i];

		if ((g->before.has & g->after.has & GROUP_MEMORY) &&
		    g->after.memory_max != VITALS_NO_LIMIT && g->after.memory_max)
			group_judge(w, g, ret);
	}
}

const struct cause cause_memory_limit = {
	.name = "memory-limit",
	.help = "its memory limit is reached",
	.judge = judge,
};
