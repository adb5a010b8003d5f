/* The list of hypotheses, and how their findings are ranked and summed up. */
#include "cause/cause.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const struct cause *const causes[] = {
#define X(name) &cause_##name,
	PORTHOLE_CAUSES(X)
#undef X
};
const size_t causes_n = sizeof(causes) / sizeof(causes[0]);

struct finding *finding_add(struct findings *fs, const struct cause *c, enum confidence conf,
			    uint32_t cost)
{
	struct finding *f;

	if (fs->n == FINDINGS_MAX) {
		fs->more++;
		return NULL;
	}
	f = &fs->f[fs->n++];
	*f = (struct finding){ .cause = c->name,
			       .confidence = conf,
			       .cost = cost < 1000 ? cost : 1000 };
	return f;
}

#define FORMAT_INTO(text, size, fmt)                  \
	do {                                          \
		va_list args;                         \
                                                      \
		va_start(args, fmt);                  \
		vsnprintf((text), (size), fmt, args); \
		va_end(args);                         \
	} while (0)

void finding_title(struct finding *f, const char *fmt, ...)
{
	if (f)
		FORMAT_INTO(f->title, sizeof(f->title), fmt);
}

void finding_evidence(struct finding *f, const char *fmt, ...)
{
	if (f && f->nevidence < EVIDENCE_MAX)
		FORMAT_INTO(f->evidence[f->nevidence++], CAUSE_LINE, fmt);
}

void finding_advice(struct finding *f, const char *fmt, ...)
{
	if (f)
		FORMAT_INTO(f->advice, sizeof(f->advice), fmt);
}

void finding_explains(struct findings *fs, const struct finding *f, uint64_t kernel_ns)
{
	if (f && f->confidence > CONFIDENCE_POSSIBLE && kernel_ns > fs->kernel_ns)
		fs->kernel_ns = kernel_ns;
}

enum confidence confidence_of(uint32_t cost, uint32_t likely, uint32_t certain)
{
	return cost >= certain ? CONFIDENCE_CERTAIN :
	       cost >= likely  ? CONFIDENCE_LIKELY :
				 CONFIDENCE_POSSIBLE;
}

struct who_text who_text(const struct watch_who *who)
{
	uint32_t id = who->tid && who->tid != who->pid ? who->tid : who->pid;
	struct who_text t;
	int n;

	if (id)
		n = snprintf(t.s, sizeof(t.s), "%.*s[%u]", STR_ARG(who->comm), id);
	else
		n = snprintf(t.s, sizeof(t.s), "%.*s", STR_ARG(who->comm));
	if (n > 0 && (size_t)n < sizeof(t.s) && who->where.n)
		snprintf(t.s + n, sizeof(t.s) - (size_t)n, "%s%.*s", n ? " in " : "",
			 STR_ARG(who->where));
	return t;
}

struct amount_text time_text(uint64_t ns)
{
	struct amount_text t;
	double v = (double)ns;

	if (ns < 1000000)
		snprintf(t.s, sizeof(t.s), "%.0f us", v / 1e3);
	else if (ns < 1000000000)
		snprintf(t.s, sizeof(t.s), "%.1f ms", v / 1e6);
	else
		snprintf(t.s, sizeof(t.s), "%.1f s", v / 1e9);
	return t;
}

struct amount_text bytes_text(uint64_t bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	struct amount_text t;
	double v = (double)bytes;
	size_t i = 0;

	while (v >= 1024 && i + 1 < sizeof(unit) / sizeof(unit[0])) {
		v /= 1024;
		i++;
	}
	snprintf(t.s, sizeof(t.s), i ? "%.1f %s" : "%.0f %s", v, unit[i]);
	return t;
}

double percent(uint64_t part, uint64_t whole)
{
	return whole ? (double)part * 100.0 / (double)whole : 0;
}

uint64_t share_of(uint64_t ns, uint64_t part, uint64_t whole)
{
	return (uint64_t)((double)ns * percent(part, whole) / 100);
}

uint64_t refaults_of(const struct watch *w)
{
	uint64_t n = 0;

	if (w->node && w->has_node)
		return w->node_after.refaults - w->node_before.refaults;
	for (size_t i = 0; i < w->ngroups; i++)
		if (w->groups[i].after.has & w->groups[i].before.has & GROUP_REFAULT)
			n += w->groups[i].after.refaults - w->groups[i].before.refaults;
	return n;
}

double refault_share(const struct watch *w)
{
	uint64_t refaults = refaults_of(w), major = 0;

	if (watch_rate(w, refaults) < REFAULTS_FEW)
		return 0;
	for (size_t i = 0; i < w->nprocesses; i++)
		if (w->processes[i].has)
			major += w->processes[i].after.major_faults -
				 w->processes[i].before.major_faults;
	return refaults >= major ? 1 : (double)refaults / (double)major;
}

/* Where a fault has to read its page in; pages that are there are mapped elsewhere. */
bool frame_reads_in(const struct frame *f, const void *ctx)
{
	(void)ctx;
	return f->kind == FRAME_KERNEL && (str_eq(f->function, STR("filemap_fault")) ||
					   str_eq(f->function, STR("do_swap_page")));
}

uint64_t refault_cpu_ns(const struct watch *w)
{
	double share = refault_share(w);

	if (share <= 0)
		return 0;
	return (uint64_t)((double)watch_stacks_ns(w->cpu, frame_reads_in, NULL, false) * share);
}

/* Names are seen in datagrams: what has a handshake is another conversation with that port. */
bool peer_resolves(const struct watch *w, const struct watch_peer *p)
{
	return w->nnames && !p->connects && !p->connect_fails && str_ends(p->address, STR(":53"));
}

static int finding_order(const void *pa, const void *pb)
{
	const struct finding *a = pa, *b = pb;

	if (a->confidence != b->confidence)
		return a->confidence > b->confidence ? -1 : 1;
	if (a->cost != b->cost)
		return a->cost > b->cost ? -1 : 1;
	return strcmp(a->cause, b->cause);
}

/* Not one of the table: it is what is left when they are silent. */
static const struct cause healthy = { "healthy", "nothing wrong", NULL };

static void healthy_add(const struct watch *w, struct findings *fs)
{
	uint64_t total = watch_total_ns(w);
	struct finding *f = finding_add(fs, &healthy, CONFIDENCE_LIKELY, 0);

	finding_title(f, "nothing is wrong that can be seen from here");
	finding_evidence(f, "%.1f %% of the time on a CPU, %.1f %% ready and waiting for one",
			 percent(w->ns[THREAD_RUNNING], total),
			 percent(w->ns[THREAD_RUNNABLE] + w->ns[THREAD_THROTTLED], total));
	finding_evidence(f, "%zu hypotheses were judged; %zu had something to say, none of weight",
			 causes_n, fs->n ? fs->n - 1 : 0);
	finding_advice(f, "watch longer (--for 60s) or while it is slow; or ask another target");
}

void causes_judge(const struct watch *w, struct findings *ret)
{
	*ret = (struct findings){ .n = 0 };
	for (size_t i = 0; i < causes_n; i++)
		causes[i]->judge(w, ret);
	qsort(ret->f, ret->n, sizeof(ret->f[0]), finding_order);
	if (ret->n == 0 || ret->f[0].confidence == CONFIDENCE_POSSIBLE) {
		healthy_add(w, ret);
		qsort(ret->f, ret->n, sizeof(ret->f[0]), finding_order);
	}
}

void causes_verdict(const struct watch *w, const struct findings *f, char *ret, size_t size)
{
	static const char *const sure[CONFIDENCES] = { "perhaps", "probably", "certainly" };
	const struct finding *first = &f->f[0];
	const struct finding *second =
		f->n > 1 && f->f[1].confidence > CONFIDENCE_POSSIBLE ? &f->f[1] : NULL;

	if (strcmp(first->cause, healthy.name) == 0)
		snprintf(ret, size, "%.*s is healthy: %s.", STR_ARG(w->target), first->title);
	else if (second)
		snprintf(ret, size, "%.*s: %s, %s; also %s.", STR_ARG(w->target),
			 sure[first->confidence], first->title, second->title);
	else
		snprintf(ret, size, "%.*s: %s, %s.", STR_ARG(w->target), sure[first->confidence],
			 first->title);
}
