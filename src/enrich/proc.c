/*
 * The process table: hash chains by pid, a queue of the dead in order of death.
 *
 *	buckets[hash(pid)] -> node -> node		node = struct proc + links
 *	dead_first -> node -> ... -> dead_last		by time of exit
 *
 * A child counts on its parent's node (`children`), which keeps a dead parent from being freed.
 */
#include "enrich/proc.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "enrich/cgroup.h"
#include "enrich/program.h"

#define BUCKETS 16384

struct node {
	struct proc proc; /* first: a struct proc * is a struct node * */
	struct node *next;
	struct node *dead_next;
	uint32_t children;
};

struct proc_table {
	struct node *buckets[BUCKETS];
	struct node *dead_first, *dead_last;
	struct node *hot; /* found last */
	struct proc_stats stats;
	struct node overflow; /* stands for all that did not fit */
};

int proc_table_new(struct proc_table **ret)
{
	struct proc_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->overflow.proc.program = program_unknown();
	t->overflow.proc.unknown = true;
	t->overflow.proc.loginuid = UINT32_MAX;
	*ret = t;
	return 0;
}

static struct node **bucket_of(struct proc_table *t, uint32_t pid)
{
	return &t->buckets[hash_u64(pid) & (BUCKETS - 1)];
}

static void node_free(struct node *n)
{
	program_unref(n->proc.program);
	cgroup_unref(n->proc.cgroup);
	free(n);
}

void proc_table_free(struct proc_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (t->buckets[i]) {
			struct node *n = t->buckets[i];

			t->buckets[i] = n->next;
			node_free(n);
		}
	free(t);
}

struct proc *proc_find(struct proc_table *t, uint32_t pid, uint64_t start_ns)
{
	struct node *n = t->hot;

	if (n && n->proc.pid == pid && n->proc.start.ns == start_ns)
		return &n->proc;
	for (n = *bucket_of(t, pid); n; n = n->next)
		if (n->proc.pid == pid && n->proc.start.ns == start_ns) {
			t->hot = n;
			return &n->proc;
		}
	return NULL;
}

struct proc *proc_find_pid(struct proc_table *t, uint32_t pid)
{
	for (struct node *n = *bucket_of(t, pid); n; n = n->next)
		if (n->proc.pid == pid && n->proc.exited.ns == 0)
			return &n->proc;
	return NULL;
}

static struct node *node_new(struct proc_table *t, uint32_t pid, uint64_t start_ns)
{
	struct node *n = NULL, **b = bucket_of(t, pid);

	if (t->stats.alive + t->stats.dead < PROCS_MAX)
		n = calloc(1, sizeof(*n));
	if (!n) {
		t->stats.full++;
		return &t->overflow;
	}
	n->proc.pid = pid;
	n->proc.start.ns = start_ns;
	n->proc.loginuid = UINT32_MAX;
	n->proc.program = program_unknown();
	n->proc.unknown = true;
	n->next = *b;
	*b = n;
	t->stats.alive++;
	return n;
}

struct proc *proc_get(struct proc_table *t, uint32_t pid, uint64_t start_ns)
{
	struct proc *p = proc_find(t, pid, start_ns);

	if (p)
		return p;
	t->stats.unknown++;
	return &node_new(t, pid, start_ns)->proc;
}

static void parent_set(struct proc_table *t, struct proc *p, uint32_t ppid, uint64_t start_ns)
{
	struct proc *parent = ppid ? proc_find(t, ppid, start_ns) : NULL;

	p->ppid = ppid;
	if (parent == p->parent || parent == p)
		return;
	if (p->parent)
		((struct node *)p->parent)->children--;
	p->parent = parent;
	if (parent)
		((struct node *)parent)->children++;
}

static void task_apply(struct proc_table *t, struct proc *p, const struct rec_task *task)
{
	p->pgid = task->pgid;
	p->sid = task->sid;
	p->vpid = task->vpid;
	p->tty = task->tty;
	p->uid = task->uid;
	p->gid = task->gid;
	p->euid = task->euid;
	p->egid = task->egid;
	p->loginuid = task->loginuid;
	p->cap_permitted = task->cap_permitted;
	p->cap_effective = task->cap_effective;
	p->cap_inheritable = task->cap_inheritable;
	memcpy(p->comm, task->comm, sizeof(p->comm));
	p->comm[sizeof(p->comm) - 1] = '\0';
	p->unknown = false;
	p->gen++;
	parent_set(t, p, task->ppid, task->parent_start_ns);
}

static void exe_apply(struct proc *p, const struct rec_exe *exe)
{
	if (!exe)
		return;
	p->vpgid = exe->vpgid;
	p->vsid = exe->vsid;
	p->pidns_start.ns = exe->pidns_start_ns;
}

/* A fork says nothing of its namespaces: a child that is number 1 in one began it. */
static void exe_inherit(struct proc *p, const struct proc *parent)
{
	bool begins = p->vpid == 1 && p->pid != 1;

	p->vpgid = begins || p->pgid != parent->pgid ? 0 : parent->vpgid;
	p->vsid = begins || p->sid != parent->sid ? 0 : parent->vsid;
	p->pidns_start = begins ? p->start : parent->pidns_start;
}

static void program_set(struct proc *p, struct program *program)
{
	program_unref(p->program);
	p->program = program;
}

static struct proc *fork_apply(struct proc_table *t, struct proc *parent, const struct life *life)
{
	const struct rec_task *task = life->task;
	struct proc *p = proc_find(t, task->pid, task->start_ns);

	if (!p)
		p = &node_new(t, task->pid, task->start_ns)->proc;
	if (p == &t->overflow.proc)
		return p;
	program_set(p, program_ref(parent->program));
	task_apply(t, p, task);
	exe_inherit(p, parent);
	return p;
}

static struct proc *program_apply(struct proc_table *t, struct proc *p, const struct life *life,
				  struct boot_ns now)
{
	struct program *program;

	if (p == &t->overflow.proc)
		return p;
	task_apply(t, p, life->task);
	exe_apply(p, life->exe_file);
	program = program_new(life, p->comm, now);
	if (program)
		program_set(p, program);
	return p;
}

static struct proc *exit_apply(struct proc_table *t, struct proc *p, struct boot_ns now)
{
	struct node *n = (struct node *)p;

	if (p == &t->overflow.proc || p->exited.ns)
		return p;
	p->exited = now;
	if (t->dead_last) {
		t->dead_last->dead_next = n;
		/* Environments are half of what the dead weigh, and late events hardly ask for them. */
		program_env_drop(t->dead_last->proc.program);
		t->dead_last->proc.gen++;
	} else {
		t->dead_first = n;
	}
	t->dead_last = n;
	t->stats.alive--;
	t->stats.dead++;
	return p;
}

/* A process seen at the start; what the stream already said of it is newer and stays. */
static struct proc *seen_apply(struct proc_table *t, const struct life *life)
{
	const struct rec_task *task = life->task;
	struct proc *p = proc_find(t, task->pid, task->start_ns);

	if (!p)
		p = &node_new(t, task->pid, task->start_ns)->proc;
	if (p == &t->overflow.proc || !p->unknown)
		return p;
	return program_apply(t, p, life, (struct boot_ns){ 0 });
}

struct proc *proc_apply(struct proc_table *t, struct proc *subject, const struct life *life,
			struct boot_ns now)
{
	switch (life->op) {
	case LIFE_FORK:
		return fork_apply(t, subject, life);
	case LIFE_EXEC:
		return program_apply(t, subject, life, now);
	case LIFE_EXIT:
		return exit_apply(t, subject, now);
	case LIFE_SEEN:
		return seen_apply(t, life);
	default:
		return subject;
	}
}

static void node_unlink(struct proc_table *t, struct node *n)
{
	struct node **at = bucket_of(t, n->proc.pid);

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	if (t->hot == n)
		t->hot = NULL;
	if (n->proc.parent)
		((struct node *)n->proc.parent)->children--;
}

/*
 * The queue is in order of death. One with living children goes to the end again: it is looked at
 * once a grace period.
 */
void proc_table_reap(struct proc_table *t, struct boot_ns now)
{
	for (uint32_t left = t->stats.dead; left && t->dead_first; left--) {
		struct node *n = t->dead_first;
		bool crowded = t->stats.dead > PROCS_DEAD_MAX;

		if (!crowded && n->proc.exited.ns + PROC_GRACE_NS > now.ns)
			return;
		t->dead_first = n->dead_next;
		if (!t->dead_first)
			t->dead_last = NULL;
		n->dead_next = NULL;
		if (n->children) {
			if (n->proc.exited.ns + PROC_GRACE_NS <= now.ns)
				n->proc.exited = now;
			if (t->dead_last)
				t->dead_last->dead_next = n;
			else
				t->dead_first = n;
			t->dead_last = n;
			continue;
		}
		node_unlink(t, n);
		node_free(n);
		t->stats.dead--;
	}
}

struct proc *proc_table_overflow(struct proc_table *t)
{
	return &t->overflow.proc;
}

void proc_each(struct proc_table *t, int (*each)(void *ctx, struct proc *p), void *ctx)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct node *n = t->buckets[i]; n; n = n->next)
			if (each(ctx, &n->proc))
				return;
}

const struct proc_stats *proc_table_stats(const struct proc_table *t)
{
	return &t->stats;
}
