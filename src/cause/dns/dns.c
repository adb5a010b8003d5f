/* Names that are slow to resolve, are not answered, or do not exist. */
#include "cause/cause.h"

#define SLOW_NS	  20000000
#define SLOW_SURE 100000000
#define FAILS	  3 /* fewer failures are a search list at work */

static enum confidence sure_of(const struct watch *w, const struct watch_name *n, uint64_t each)
{
	uint64_t lost = n->asked - n->answered;

	if ((lost >= 2 && lost * 4 > n->asked) || each >= SLOW_SURE)
		return CONFIDENCE_CERTAIN;
	if (each >= SLOW_NS || (n->failed * 2 > n->asked && watch_rate(w, n->failed) >= 2))
		return CONFIDENCE_LIKELY;
	return CONFIDENCE_POSSIBLE;
}

static void name_judge(const struct watch *w, const struct watch_name *n, struct findings *ret)
{
	uint64_t each = n->answered ? n->ns / n->answered : 0, lost = n->asked - n->answered;
	uint64_t ns = n->ns + lost * SLOW_SURE;
	struct finding *f;
	uint32_t cost;

	if (each < SLOW_NS && n->failed < FAILS && lost < 2)
		return;
	cost = watch_cost(w, ns) + (n->failed >= FAILS ? 200 : 0);
	f = finding_add(ret, &cause_dns, sure_of(w, n, each), cost > 1000 ? 1000 : cost);
	if (lost * 2 > n->asked)
		finding_title(f, "the name %.*s is not answered", STR_ARG(n->name));
	else if (n->failed * 2 > n->asked)
		finding_title(f, "the name %.*s fails: %.*s", STR_ARG(n->name), STR_ARG(n->result));
	else
		finding_title(f, "the name %.*s takes %s to resolve", STR_ARG(n->name),
			      time_text(each).s);
	finding_evidence(f, "%s asked %.*s %lu times: %lu answers, %lu of them failures",
			 who_text(&n->who).s, STR_ARG(n->server), n->asked, n->answered, n->failed);
	if (n->answered)
		finding_evidence(f, "an answer took %s on average, %s at worst", time_text(each).s,
				 time_text(n->worst_ns).s);
	finding_advice(
		f, n->failed * 2 > n->asked ?
			   "check the name, and ndots and search in the pod's resolv.conf" :
			   "look at that DNS server; a cache on the node (NodeLocal DNSCache) helps");
}

static void judge(const struct watch *w, struct findings *ret)
{
	for (size_t i = 0; i < w->nnames; i++)
		name_judge(w, &w->names[i], ret);
}

const struct cause cause_dns = {
	.name = "dns",
	.help = "a name resolves slowly, or not at all",
	.judge = judge,
};
