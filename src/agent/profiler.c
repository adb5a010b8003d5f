/* Labels of an event's subject, its stack, its weight. */
#include "agent/profiler.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "decode/decode.h"
#include "probe/sched/sched.h"

#define HZ_DEFAULT 99
#define TEXT_BYTES 320

struct profiler {
	struct profiler_opts opts;
	struct naming *naming;
	struct stacks *stacks;
	struct profile *profile; /* being filled; its series are numbered as events come */
	uint64_t samples, lost;
	char title[256];
};

int profiler_new(const struct profiler_opts *o, struct naming *naming, struct profiler **ret)
{
	struct profiler *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->opts = *o;
	if (!p->opts.hz)
		p->opts.hz = HZ_DEFAULT;
	snprintf(p->title, sizeof(p->title), "%.*s", STR_ARG(o->title));
	p->naming = naming;
	if (stacks_new(&p->stacks) != 0) {
		free(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

void profiler_free(struct profiler *p)
{
	if (!p)
		return;
	stacks_free(p->stacks);
	profile_free(p->profile);
	free(p);
}

int profiler_begin(struct profiler *p, int64_t wall_ns)
{
	const struct str what = p->opts.wall	? STR("wall") :
				p->opts.off_cpu ? STR("off_cpu") :
						  STR("cpu");
	const struct profile_type ns = { what, STR("nanoseconds") };
	const struct profile_opts o = {
		.types = { ns, { STR("samples"), STR("count") } },
		.ntypes = 2,
		.period_type = ns,
		.period = 1000000000ull / p->opts.hz,
		.time_ns = wall_ns,
		.title = str_of(p->title),
	};

	profile_free(p->profile);
	p->profile = NULL;
	p->samples = p->lost = 0;
	stacks_clear(p->stacks);
	return profile_new(&o, &p->profile);
}

/* --- labels ---------------------------------------------------------------------------------------- */

struct labels {
	struct profile_label l[PROFILE_LABELS_MAX];
	size_t n;
	char pod[TEXT_BYTES], pid[16], thread[16], cpu[8], lock[24];
};

static void label_add(struct labels *to, const char *key, struct str value)
{
	if (value.n)
		to->l[to->n++] = (struct profile_label){ str_of(key), value };
}

static struct str pod_name(const struct pod *pod, char text[TEXT_BYTES])
{
	int n;

	if (!pod)
		return STR_NONE;
	if (!pod->name.n)
		return pod->uid;
	n = snprintf(text, TEXT_BYTES, "%.*s/%.*s", STR_ARG(pod->ns), STR_ARG(pod->name));
	return (struct str){ text, n < TEXT_BYTES ? (size_t)n : TEXT_BYTES - 1 };
}

/* @lock: address of the futex that the thread waits for; 0: none */
static void labels_of(const struct profiler *p, const struct event *ev, struct str state,
		      uint64_t lock, struct labels *to)
{
	const struct proc *proc = ev->proc;
	const struct cgroup *cg = proc->cgroup;
	uint32_t want = p->opts.labels;

	to->n = 0;
	if (want & LABEL_POD)
		label_add(to, "pod", pod_name(cg ? cg->pod : NULL, to->pod));
	if ((want & LABEL_CONTAINER) && cg && cg->container)
		label_add(to, "container",
			  cg->container->name.n ? cg->container->name : cg->container->id12);
	if (want & LABEL_PROCESS)
		label_add(to, "process", str_fixed(ev->hdr->comm, sizeof(ev->hdr->comm)));
	if (want & (LABEL_PID | LABEL_THREAD)) {
		snprintf(to->pid, sizeof(to->pid), "%u", ev->hdr->pid);
		label_add(to, "pid", str_of(to->pid));
	}
	if (want & LABEL_THREAD) {
		snprintf(to->thread, sizeof(to->thread), "%u", ev->hdr->tid);
		label_add(to, "thread", str_of(to->thread));
	}
	if (want & LABEL_CPU) {
		snprintf(to->cpu, sizeof(to->cpu), "%u", ev->hdr->cpu);
		label_add(to, "cpu", str_of(to->cpu));
	}
	if (want & LABEL_STATE)
		label_add(to, "state", state);
	if ((want & LABEL_LOCK) && lock) {
		snprintf(to->lock, sizeof(to->lock), "%llx", (unsigned long long)lock);
		label_add(to, "lock", str_of(to->lock));
	}
}

/* --- events ---------------------------------------------------------------------------------------- */

/* @labels are the event's. */
static void stack_take(struct profiler *p, const struct event *ev, const struct labels *labels,
		       uint64_t ns, const struct stack *s)
{
	const uint64_t values[STACKS_VALUES] = { ns, 1 };
	uint32_t series = PROFILE_SERIES_NONE;

	(void)profile_series(p->profile, labels->l, labels->n, &series);
	naming_seen(p->naming, ev->hdr->pid, s->vma, s->nvma);
	naming_interp(p->naming, ev->hdr->pid, ev->hdr->start_ns, s);
	p->samples++;
	p->lost += stacks_add(p->stacks, ev->hdr->pid, ev->hdr->start_ns, series, s, values) != 0;
}

static void sample_take(struct profiler *p, const struct event *ev)
{
	struct labels labels;
	struct stack s;
	size_t at;

	if (!decode_stack(ev->hdr, &at, &s))
		return;
	labels_of(p, ev, STR("running"), 0, &labels);
	stack_take(p, ev, &labels, 1000000000ull / p->opts.hz, &s);
}

static void offcpu_take(struct profiler *p, const struct event *ev)
{
	static const char *const names[] = {
#define X(ID, name, help) #name,
		SCHED_STATES(X)
#undef X
	};
	const struct rec_offcpu *r = ev->body;
	struct stack s = { .end = STACK_NONE }; /* it counts without one too */
	struct labels labels;
	size_t at;

	(void)decode_stack(ev->hdr, &at, &s);
	labels_of(p, ev, str_of(names[r->state]), r->state == SCHED_LOCK ? r->uaddr : 0, &labels);
	stack_take(p, ev, &labels, r->weight_ns, &s);
}

void profiler_event(struct profiler *p, const struct event *ev)
{
	if (!p->profile || !(p->opts.kinds & KIND_BIT(ev->kind->id)))
		return;
	if (ev->hdr->type == REC_SAMPLE)
		sample_take(p, ev);
	else if (ev->hdr->type == REC_OFFCPU)
		offcpu_take(p, ev);
}

int profiler_end(struct profiler *p, uint64_t duration_ns, struct profile **ret)
{
	int err = naming_profile(p->naming, p->stacks, p->profile);

	profile_set_duration(p->profile, duration_ns);
	if (!err)
		*ret = take_ptr(p->profile);
	return err;
}

uint64_t profiler_samples(const struct profiler *p)
{
	return p->samples;
}

uint64_t profiler_lost(const struct profiler *p)
{
	return p->lost;
}
