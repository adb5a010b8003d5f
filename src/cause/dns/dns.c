/*
 * Names that are slow to resolve, are not answered, or do not exist: one finding each, however many
 * names, for it is one server that is slow, and a crawler asks each name once. A slow answer weighs
 * by the time lost in all: one name that comes from far away now and then is nobody's trouble.
 */
#include "cause/cause.h"

#include <stdio.h>

#define SLOW_NS	  20000000
#define SLOW_SURE 100000000
#define SLOW_COST 20  /* of the busy time, in slow answers; less is worth a line */
#define SURE_COST 100 /* and to be sure */
#define FAILS	  3   /* fewer failures are a search list at work */
#define LOST	  2   /* fewer may be on their way when the watch ends */
#define NAMED	  3

enum trouble_kind {
	UNANSWERED,
	FAILING,
	SLOW,
	TROUBLES
};

struct trouble {
	const struct watch_name *named[NAMED]; /* the dearest first */
	uint64_t names, asked, answered, failed, ns;
	enum confidence sure; /* by what single names say */
};

static uint64_t lost_of(const struct watch_name *n)
{
	return n->asked > n->answered ? n->asked - n->answered : 0;
}

/* What it cost: of a question without an answer nobody knows how long was waited. */
static uint64_t price_of(const struct watch_name *n)
{
	return n->ns + lost_of(n) * SLOW_SURE;
}

static enum trouble_kind kind_of(const struct watch_name *n)
{
	return lost_of(n) * 2 > n->asked ? UNANSWERED : n->failed * 2 > n->asked ? FAILING : SLOW;
}

static enum confidence sure_of(const struct watch *w, const struct watch_name *n)
{
	if (lost_of(n) >= LOST && lost_of(n) * 4 > n->asked)
		return CONFIDENCE_CERTAIN;
	if (n->failed * 2 > n->asked && watch_rate(w, n->failed) >= 2)
		return CONFIDENCE_LIKELY;
	return CONFIDENCE_POSSIBLE;
}

static void trouble_add(struct trouble *t, const struct watch *w, const struct watch_name *n)
{
	enum confidence sure = sure_of(w, n);

	t->names++;
	t->asked += n->asked;
	t->answered += n->answered;
	t->failed += n->failed;
	t->ns += n->ns;
	if (sure > t->sure)
		t->sure = sure;
	for (size_t i = 0; i < NAMED && n; i++) {
		const struct watch_name *was = t->named[i];

		if (was && price_of(was) >= price_of(n))
			continue;
		t->named[i] = n;
		n = was;
	}
}

static void title_add(const struct trouble *t, enum trouble_kind kind, uint64_t each,
		      struct finding *f)
{
	const struct watch_name *n = t->named[0];
	char more[48] = "";

	if (t->names > 1)
		snprintf(more, sizeof(more), ", and so %lu other%s", t->names - 1,
			 t->names > 2 ? "s" : "");
	if (kind == UNANSWERED)
		finding_title(f, "the name %.*s is not answered%s", STR_ARG(n->name), more);
	else if (kind == FAILING)
		finding_title(f, "the name %.*s fails: %.*s%s", STR_ARG(n->name),
			      STR_ARG(n->result), more);
	else
		finding_title(f, "the name %.*s takes %s to resolve%s", STR_ARG(n->name),
			      time_text(each).s, more);
}

static void name_add(const struct watch_name *n, struct finding *f)
{
	finding_evidence(f, "%s asked %.*s for %.*s %lu times: %lu answers, %lu of them failures",
			 who_text(&n->who).s, STR_ARG(n->server), STR_ARG(n->name), n->asked,
			 n->answered, n->failed);
	if (n->answered)
		finding_evidence(f, "an answer took %s on average, %s at worst",
				 time_text(n->ns / n->answered).s, time_text(n->worst_ns).s);
}

static void trouble_judge(const struct watch *w, const struct trouble *t, enum trouble_kind kind,
			  struct findings *ret)
{
	uint64_t each = t->answered ? t->ns / t->answered : 0, lost = 0;
	enum confidence sure = t->sure;
	struct finding *f;
	uint32_t cost;

	if (t->asked > t->answered)
		lost = t->asked - t->answered;
	cost = watch_cost(w, t->ns + lost * SLOW_SURE);
	if (each >= SLOW_SURE && cost >= SURE_COST)
		sure = CONFIDENCE_CERTAIN;
	else if (each >= SLOW_NS && cost >= SLOW_COST && sure < CONFIDENCE_LIKELY)
		sure = CONFIDENCE_LIKELY;
	f = finding_add(ret, &cause_dns, sure, cost + (t->failed >= FAILS ? 200 : 0));
	title_add(t, kind, each, f);
	for (size_t i = 0; i < NAMED && t->named[i]; i++)
		name_add(t->named[i], f);
	finding_advice(
		f, kind == FAILING ?
			   "check the name, and ndots and search in the pod's resolv.conf" :
			   "look at that DNS server; a cache on the node (NodeLocal DNSCache) helps");
}

static void judge(const struct watch *w, struct findings *ret)
{
	struct trouble all[TROUBLES] = { 0 };

	for (size_t i = 0; i < w->nnames; i++) {
		const struct watch_name *n = &w->names[i];
		uint64_t each = n->answered ? n->ns / n->answered : 0;

		if (each >= SLOW_NS || n->failed >= FAILS || lost_of(n) >= LOST)
			trouble_add(&all[kind_of(n)], w, n);
	}
	for (size_t i = 0; i < TROUBLES; i++)
		if (all[i].names)
			trouble_judge(w, &all[i], (enum trouble_kind)i, ret);
}

const struct cause cause_dns = {
	.name = "dns",
	.help = "a name resolves slowly, or not at all",
	.judge = judge,
};
