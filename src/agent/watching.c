/* A watch from its beginning to its end: readings, subscriptions, and who the target is. */
#include "agent/watching.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/subject.h"
#include "agent/watching_fill.h"
#include "agent/watching_take.h"
#include "base/cleanup.h"
#include "source/vitals.h"

#define PIDS_MAX    4096
#define DEVICES_MAX 64
#define GROUPS_MAX  64
#define LISTENS_MAX 256

struct process {
	uint32_t pid;
	uint64_t start_ns;
	char comm[16];
	bool has;
	struct vitals_process before;
	uint32_t fds_middle;
};

struct group {
	uint64_t id;
	char path[4096];
	struct str name; /* for people; the sums' */
	bool has;
	struct vitals_group before;
};

struct watching {
	struct session *session;
	const struct query *query;
	struct str target;
	struct boot_ns begin;
	struct naming *naming;
	struct profiler *cpu, *off;
	struct profile *cpu_profile, *off_profile;
	struct sums *sums;
	struct query dns, failing; /* conditions that the kernel's filter borrows */
	struct subscription of_target, of_any;
	struct vitals_reader files;
	struct process *processes;
	size_t nprocesses;
	uint64_t more_processes;
	struct group *groups;
	size_t ngroups;
	bool has_node, has_net;
	struct vitals_node node;
	struct vitals_device device[DEVICES_MAX];
	size_t ndevices;
	struct vitals_net net;
	uint32_t net_pid;
	uint64_t oom_kills;
	char oom_victim[64];
};

uint64_t watching_kinds(void)
{
	return KIND_BIT(KIND_SAMPLE) | KIND_BIT(KIND_OFFCPU) | KIND_BIT(KIND_CALLS) |
	       KIND_BIT(KIND_EXEC) | KIND_BIT(KIND_EXIT) | KIND_BIT(KIND_FORK) |
	       KIND_BIT(KIND_SIGNAL) | KIND_BIT(KIND_OOM) | KIND_BIT(KIND_TCP) | KIND_BIT(KIND_SEND) |
	       KIND_BIT(KIND_RECV) | KIND_BIT(KIND_OPEN) | KIND_BIT(KIND_REQUEST);
}

/* --- who the target is ------------------------------------------------------------------------------ */

static void group_note(struct watching *w, const struct cgroup *cg)
{
	struct group *g;

	if (!cg || !cg->path.n || w->ngroups == GROUPS_MAX)
		return;
	for (size_t i = 0; i < w->ngroups; i++)
		if (w->groups[i].id == cg->id)
			return;
	g = &w->groups[w->ngroups++];
	g->id = cg->id;
	snprintf(g->path, sizeof(g->path), "%.*s", STR_ARG(cg->path));
	g->name = watching_where(w->sums, cg);
	g->has = vitals_group_read(&w->files, cg->id & CGROUP_V1, g->path, &g->before) == 0;
}

static int process_note(void *ctx, struct proc *p)
{
	struct watching *w = ctx;
	struct subject_event s;
	struct process *at;

	if (p->exited.ns || !p->pid)
		return 0;
	subject_event_init(&s, p, &w->session->pipeline.host, w->begin);
	field_arena_set(&w->session->pipeline.arena);
	if (w->query->scope && !expr_match(w->query->scope, &s.ev))
		return 0;
	group_note(w, p->cgroup);
	if (w->nprocesses == PIDS_MAX) {
		w->more_processes++;
		return 0;
	}
	at = &w->processes[w->nprocesses++];
	*at = (struct process){ .pid = p->pid, .start_ns = p->start.ns };
	memcpy(at->comm, p->comm, sizeof(at->comm));
	at->has = vitals_process_read(p->pid, &at->before) == 0;
	return 0;
}

struct any {
	struct session *s;
	const struct expr *scope;
	bool found;
};

static int any_process(void *ctx, struct proc *p)
{
	struct any *a = ctx;
	struct subject_event s;

	if (p->exited.ns || !p->pid)
		return 0;
	subject_event_init(&s, p, &a->s->pipeline.host, clock_boot());
	field_arena_set(&a->s->pipeline.arena);
	a->found = expr_match(a->scope, &s.ev);
	return a->found;
}

bool watching_any(struct session *s, const struct expr *scope)
{
	struct any a = { s, scope, false };

	proc_each(enrich_procs(s->pipeline.enrich), any_process, &a);
	return a.found;
}

static void readings_begin(struct watching *w)
{
	proc_each(enrich_procs(w->session->pipeline.enrich), process_note, w);
	w->has_node = vitals_node_read(&w->node) == 0;
	(void)vitals_devices_read(NULL, w->device, DEVICES_MAX, &w->ndevices);
	for (size_t i = 0; i < w->nprocesses && !w->has_net; i++) {
		w->net_pid = w->processes[i].pid;
		w->has_net = vitals_net_read(w->net_pid, &w->net) == 0;
	}
}

/* --- events ----------------------------------------------------------------------------------------- */

static void target_event(void *ctx, const struct event *ev)
{
	struct watching *w = ctx;

	profiler_event(w->cpu, ev);
	profiler_event(w->off, ev);
	watching_take(w->sums, ev);
	if (ev->kind->id == KIND_OOM) {
		w->oom_kills++;
		snprintf(w->oom_victim, sizeof(w->oom_victim), "%.*s[%u]",
			 (int)strnlen(ev->hdr->comm, sizeof(ev->hdr->comm)), ev->hdr->comm,
			 ev->hdr->pid);
	}
}

static void any_event(void *ctx, const struct event *ev)
{
	struct watching *w = ctx;

	watching_take_any(w->sums, ev);
}

#define OF_ANY	   (KIND_BIT(KIND_SIGNAL) | KIND_BIT(KIND_OFFCPU))
#define OF_DNS	   (KIND_BIT(KIND_SEND) | KIND_BIT(KIND_RECV))
#define OF_FAILING KIND_BIT(KIND_OPEN)

/* What the kernel is asked: of the target all but calls that succeed; of others their signals. */
static int ask(struct watching *w)
{
	const struct query_opts dns = { .where = "fd.rport=53" },
				failing = { .where = "evt.failed=true" };
	_cleanup_(buf_free) struct buf why = { 0 };
	const struct expr *scope = w->query->scope;
	int err = query_make(&dns, &w->dns, &why);

	if (!err)
		err = query_make(&failing, &w->failing, &why);
	if (err)
		return err;
	const struct pushdown_clause list[] = {
		{ .kinds = watching_kinds() & ~(OF_DNS | OF_FAILING | KIND_BIT(KIND_SIGNAL)),
		  .scope = scope },
		{ .kinds = OF_DNS, .where = w->dns.where, .scope = scope, .shown = FIELD_DATA },
		{ .kinds = OF_FAILING, .where = w->failing.where, .scope = scope },
		{ .kinds = KIND_BIT(KIND_SIGNAL) },
	};
	return pushdown_set(&w->session->pushdown, watching_kinds(), 0, list,
			    sizeof(list) / sizeof(list[0]));
}

/* --- life -------------------------------------------------------------------------------------------- */

void watching_free(struct watching *w)
{
	if (!w)
		return;
	profiler_free(w->cpu);
	profiler_free(w->off);
	naming_stop(w->naming);
	profile_free(w->cpu_profile);
	profile_free(w->off_profile);
	sums_free(w->sums);
	query_free(&w->dns);
	query_free(&w->failing);
	free(w->processes);
	free(w->groups);
	free(w);
}

static int parts_make(struct watching *w, uint32_t hz)
{
	const struct profiler_opts cpu = {
		.hz = hz,
		.labels = LABEL_PROCESS | LABEL_PID | LABEL_STATE,
		.kinds = KIND_BIT(KIND_SAMPLE),
		.wall = true,
		.title = w->target,
	};
	const struct profiler_opts off = {
		.hz = hz,
		.labels = LABEL_PROCESS | LABEL_PID | LABEL_STATE | LABEL_LOCK,
		.kinds = KIND_BIT(KIND_OFFCPU),
		.wall = true,
		.title = w->target,
	};
	int err = naming_start(false, &w->naming);

	if (!err)
		err = profiler_new(&cpu, w->naming, &w->cpu);
	if (!err)
		err = profiler_new(&off, w->naming, &w->off);
	if (!err)
		err = profiler_begin(w->cpu, (int64_t)clock_wall().ns);
	if (!err)
		err = profiler_begin(w->off, (int64_t)clock_wall().ns);
	if (!err)
		err = sums_new(&w->sums);
	w->processes = calloc(PIDS_MAX, sizeof(*w->processes));
	w->groups = calloc(GROUPS_MAX, sizeof(*w->groups));
	return err ? err : w->processes && w->groups ? vitals_open(&w->files) : -ENOMEM;
}

int watching_begin(struct session *s, const struct watching_opts *o, struct watching **ret)
{
	struct watching *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->session = s;
	w->query = o->query;
	w->target = o->target;
	err = parts_make(w, o->hz);
	if (err) {
		watching_free(w);
		return err;
	}
	s->pipeline.requests.turns = true;
	session_drain(s);
	w->begin = clock_boot();
	sums_begin(w->sums, w->begin);
	readings_begin(w);
	w->of_target = (struct subscription){
		.kinds = watching_kinds(), .scope = o->query->scope, .event = target_event, .ctx = w
	};
	w->of_any = (struct subscription){ .kinds = OF_ANY, .event = any_event, .ctx = w };
	pipeline_subscribe(&s->pipeline, &w->of_target);
	pipeline_subscribe(&s->pipeline, &w->of_any);
	err = ask(w);
	if (err) {
		pipeline_unsubscribe(&s->pipeline, &w->of_target);
		pipeline_unsubscribe(&s->pipeline, &w->of_any);
		watching_free(w);
		return err;
	}
	*ret = w;
	return 0;
}

void watching_middle(struct watching *w)
{
	struct vitals_process now;

	for (size_t i = 0; i < w->nprocesses; i++)
		if (vitals_process_read(w->processes[i].pid, &now) == 0)
			w->processes[i].fds_middle = now.fds;
}

/* --- the end ------------------------------------------------------------------------------------------ */

/* Ports in state LISTEN (0A) of the target's network namespace. */
static size_t listening(uint32_t pid, uint16_t ports[LISTENS_MAX])
{
	static const char *const files[] = { "tcp", "tcp6" };
	char path[64], line[256];
	size_t n = 0;

	for (size_t i = 0; i < 2; i++) {
		_cleanup_(fclosep) FILE *f = NULL;
		unsigned port, state;

		snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, files[i]);
		f = fopen(path, "re");
		while (f && n < LISTENS_MAX && fgets(line, sizeof(line), f))
			if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &port, &state) == 2 &&
			    state == 10)
				ports[n++] = (uint16_t)port;
	}
	return n;
}

static void processes_end(struct watching *w, struct watch *e)
{
	for (size_t i = 0; i < w->nprocesses; i++) {
		const struct process *p = &w->processes[i];
		struct vitals_process after;
		struct watch_process *r;

		if (!p->has || vitals_process_read(p->pid, &after) != 0)
			continue;
		r = watch_add_process(e);
		if (!r)
			break;
		r->has = true;
		r->before = p->before;
		r->after = after;
		r->fds_middle = p->fds_middle;
		r->who.pid = p->pid;
		r->who.comm = watch_text(e, str_fixed(p->comm, sizeof(p->comm)));
	}
}

static int device_cmp(const void *pa, const void *pb)
{
	const struct watch_device *a = pa, *b = pb;

	return a->ns < b->ns ? 1 : a->ns > b->ns ? -1 : 0;
}

/* What a device did since, when it did anything. One that was not there before began at 0. */
static void device_add(const struct watching *w, const struct vitals_device *now, struct watch *e)
{
	struct vitals_device was = { .reads = 0 };
	struct watch_device *r;
	uint64_t n;

	for (size_t i = 0; i < w->ndevices; i++)
		if (strcmp(w->device[i].name, now->name) == 0)
			was = w->device[i];
	n = now->reads + now->writes + now->flushes - was.reads - was.writes - was.flushes;
	r = n ? watch_add_device(e) : NULL;
	if (!r)
		return;
	r->name = watch_text(e, str_of(now->name));
	r->reads = now->reads - was.reads;
	r->writes = now->writes - was.writes;
	r->flushes = now->flushes - was.flushes;
	r->read_bytes = now->read_bytes - was.read_bytes;
	r->written_bytes = now->written_bytes - was.written_bytes;
	r->ns = now->read_ns + now->write_ns + now->flush_ns - was.read_ns - was.write_ns -
		was.flush_ns;
	r->busy_ns = now->busy_ns - was.busy_ns;
}

/* The busiest first. */
static void devices_end(struct watching *w, struct watch *e)
{
	struct vitals_device now[DEVICES_MAX];
	size_t n;

	if (vitals_devices_read(NULL, now, DEVICES_MAX, &n) != 0) {
		watch_unseen(e, "block devices: /proc/diskstats cannot be read");
		return;
	}
	for (size_t i = 0; i < n; i++)
		device_add(w, &now[i], e);
	if (e->ndevices)
		qsort(e->devices, e->ndevices, sizeof(*e->devices), device_cmp);
}

static void groups_end(struct watching *w, struct watch *e)
{
	for (size_t i = 0; i < w->ngroups; i++) {
		const struct group *g = &w->groups[i];
		struct vitals_group after;
		struct watch_group *r;

		if (!g->has || vitals_group_read(&w->files, g->id & CGROUP_V1, g->path, &after) != 0)
			continue;
		r = watch_add_group(e);
		if (!r)
			break;
		r->name = watch_text(e, g->name.n ? g->name : str_of(g->path));
		r->before = g->before;
		r->after = after;
	}
}

static void readings_end(struct watching *w, struct watch *e)
{
	if (w->has_node && vitals_node_read(&e->node_after) == 0) {
		e->has_node = true;
		e->node_before = w->node;
	}
	if (w->has_net && vitals_net_read(w->net_pid, &e->net_after) == 0) {
		e->has_net = true;
		e->net_before = w->net;
	} else {
		watch_unseen(e, "the network's counters: no process of the target lived that long");
	}
	devices_end(w, e);
	processes_end(w, e);
	if (!w->query->scope)
		return;
	groups_end(w, e);
	if (!e->ngroups)
		watch_unseen(e, "limits and pressure: the target's cgroup has no accounting files that "
				"can be read");
}

static void unseen_add(struct watching *w, struct watch *e)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct naming_stats n;

	naming_stats(w->naming, &n);
	if (n.gone)
		watch_unseen(e, "%lu files of processes that ended before they could be read",
			     n.gone);
	if (n.kernel_hidden)
		watch_unseen(e, "names of kernel functions: /proc/kallsyms hides addresses");
	if (w->more_processes)
		watch_unseen(e, "%lu processes beyond %d", w->more_processes, PIDS_MAX);
	if (profiler_lost(w->cpu) + profiler_lost(w->off))
		watch_unseen(e, "%lu stacks found no room",
			     profiler_lost(w->cpu) + profiler_lost(w->off));
	if (session_losses(w->session, &b) && b.n)
		watch_unseen(e, "%.*s", (int)strcspn(b.p, "\n"), b.p);
}

static int evidence_fill(struct watching *w, struct watch *e)
{
	_cleanup_(freep) uint64_t *cgroups = calloc(GROUPS_MAX, sizeof(*cgroups));
	_cleanup_(freep) uint32_t *pids = calloc(PIDS_MAX, sizeof(*pids));
	uint16_t ports[LISTENS_MAX];
	struct watching_target t = {
		.cgroups = cgroups, .pids = pids, .listening = ports, .node = !w->query->scope
	};

	if (!cgroups || !pids)
		return -ENOMEM;
	for (size_t i = 0; i < w->ngroups; i++)
		cgroups[t.ncgroups++] = w->groups[i].id;
	for (size_t i = 0; i < w->nprocesses; i++)
		pids[t.npids++] = w->processes[i].pid;
	t.nlistening = w->net_pid ? listening(w->net_pid, ports) : 0;
	watching_fill(w->sums, &t, e);
	watching_lock_names(e);
	watch_hot_fill(e);
	return 0;
}

int watching_end(struct watching *w, struct watch *ret)
{
	uint64_t ns = clock_boot().ns - w->begin.ns;
	struct watch e;
	int err;

	session_drain(w->session);
	(void)pushdown_set(&w->session->pushdown, 0, 0, NULL, 0);
	pipeline_unsubscribe(&w->session->pipeline, &w->of_target);
	pipeline_unsubscribe(&w->session->pipeline, &w->of_any);
	err = watch_init(&e);
	if (err)
		return err;
	e.duration_ns = ns;
	e.node = !w->query->scope;
	e.target = watch_text(&e, w->target);
	e.oom_kills = w->oom_kills;
	e.oom_victim = watch_text(&e, str_of(w->oom_victim));
	readings_end(w, &e);
	err = profiler_end(w->cpu, ns, &w->cpu_profile);
	if (!err)
		err = profiler_end(w->off, ns, &w->off_profile);
	e.cpu = w->cpu_profile;
	e.off = w->off_profile;
	if (!err)
		err = evidence_fill(w, &e);
	unseen_add(w, &e);
	if (err) {
		watch_free(&e);
		return err;
	}
	*ret = e;
	return 0;
}
