/* Kernel to board. */
#include "agent/feed.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/counters.h"
#include "agent/usage.h"

/* A removed cgroup's counters are final when this has passed. */
#define GONE_NS NS_PER_SEC

struct feed {
	struct session *session;
	struct board *board;
	struct counters counters;
	struct usage *usage;
};

int feed_open(struct session *s, struct board *b, struct feed **ret)
{
	struct feed *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->session = s;
	f->board = b;
	err = counters_open(live_map(s->source, MAP_cg_count), &f->counters);
	if (!err)
		err = usage_open(live_layout(s->source), &f->usage);
	if (err)
		feed_close(f);
	else
		*ret = f;
	return err;
}

void feed_close(struct feed *f)
{
	if (!f)
		return;
	counters_close(&f->counters);
	usage_close(f->usage);
	free(f);
}

static struct cgroup *cgroup_of(struct feed *f, uint64_t id)
{
	return cgroup_get(enrich_cgroups(f->session->pipeline.enrich), id);
}

static int process_add(void *ctx, struct proc *p)
{
	struct feed *f = ctx;

	if (!p->exited.ns && p->cgroup)
		board_process(f->board, p->cgroup);
	return 0;
}

static int cgroup_use(void *ctx, struct board_cgroup *c)
{
	struct feed *f = ctx;
	struct usage_sample s;

	if (c->cgroup->removed.ns)
		return 0;
	s = usage_read(f->usage, c->cgroup);
	if (s.has_cpu)
		board_cpu(c, s.cpu_ns);
	if (s.has_memory)
		board_memory(c, s.memory_bytes);
	return 0;
}

static void counters_drop(struct feed *f, struct boot_ns now)
{
	for (size_t i = 0; i < f->counters.n; i++) {
		const struct cg_key *key = &f->counters.all[i].key;
		const struct cgroup *cg = cgroup_of(f, key->cgroup);
		bool gone = cg->removed.ns && cg->removed.ns + GONE_NS < now.ns;

		if (!gone && f->counters.n > CG_COUNT_ENTRIES / 2)
			gone = board_idle(f->board, key->cgroup) > FEED_IDLE_TICKS;
		if (gone && counters_delete(&f->counters, key) == 0)
			board_forget(f->board, key->cgroup);
	}
}

int feed_tick(struct feed *f, struct boot_ns now, bool fresh)
{
	int err = counters_read(&f->counters);

	if (err)
		return err;
	board_begin(f->board, now, fresh);
	for (size_t i = 0; i < f->counters.n; i++) {
		const struct counter *c = &f->counters.all[i];

		board_count(f->board, cgroup_of(f, c->key.cgroup), c->key.kind, c->sum.events,
			    c->sum.errors);
	}
	proc_each(enrich_procs(f->session->pipeline.enrich), process_add, f);
	board_end(f->board);
	usage_begin(f->usage, now);
	board_each(f->board, cgroup_use, f);
	usage_end(f->usage);
	counters_drop(f, now);
	return 0;
}
