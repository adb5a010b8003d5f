/*
 * The stage itself: life changes first, then the subject. The subject's cgroup and uid are taken
 * from each record, so a change nobody told of is still right one event later.
 */
#include "enrich/enrich.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "enrich/cluster.h"
#include "enrich/users.h"

/* The tables are cleaned when this much time of the records has passed. */
#define REAP_NS (100 * NS_PER_MS)

struct enrich {
	struct proc_table *procs;
	struct cgroup_table *cgroups;
	struct cluster *cluster;
	struct users users;
	struct accounts accounts;
	uint64_t reaped_ns;
	uint64_t generation;
};

void enrich_free(struct enrich *e)
{
	if (!e)
		return;
	proc_table_free(e->procs);
	cluster_free(e->cluster);
	cgroup_table_free(e->cgroups);
	users_free(&e->users);
	free(e);
}

/* Those that a process's ids are of. */
static const struct users *users_of(const struct enrich *e, const struct proc *p)
{
	const struct container *c = p->cgroup ? p->cgroup->container : NULL;

	return c && c->users ? c->users : &e->users;
}

static const struct account *user_by_id(const void *ctx, const struct proc *p, uint32_t uid)
{
	return users_find(users_of(ctx, p), uid);
}

static const struct account *group_by_id(const void *ctx, const struct proc *p, uint32_t gid)
{
	return users_group(users_of(ctx, p), gid);
}

int enrich_new(struct enrich **ret)
{
	struct enrich *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->accounts = (struct accounts){ e, user_by_id, group_by_id };
	err = proc_table_new(&e->procs);
	if (!err)
		err = cgroup_table_new(&e->cgroups);
	if (!err)
		err = cluster_new(e->cgroups, &e->cluster);
	if (err) {
		enrich_free(e);
		return err;
	}
	*ret = e;
	return 0;
}

static void accounts_set(struct enrich *e, struct proc *p)
{
	const struct users *own = users_of(e, p);

	p->user = users_find(own, p->euid);
	p->group = users_group(own, p->egid);
	p->login = p->loginuid == UINT32_MAX ? NULL : users_find(&e->users, p->loginuid);
	p->gen++;
}

static int accounts_again(void *ctx, struct proc *p)
{
	accounts_set(ctx, p);
	return 0;
}

struct contained {
	struct enrich *e;
	struct container *c;
};

static int contained_again(void *ctx, struct proc *p)
{
	struct contained *of = ctx;

	if (p->cgroup && p->cgroup->container == of->c)
		accounts_set(of->e, p);
	return 0;
}

static void container_users_set(struct enrich *e, struct str id, struct str blob)
{
	struct contained of = { e, container_find(e->cgroups, id) };

	if (!of.c)
		return;
	if (!of.c->users)
		of.c->users = calloc(1, sizeof(*of.c->users));
	if (!of.c->users)
		return;
	users_read(of.c->users, blob, true);
	proc_each(e->procs, contained_again, &of);
	contained_again(&of, proc_table_overflow(e->procs));
}

/* Every process borrows its names from the table: the new one, before the next event. */
static void users_set(struct enrich *e, struct str blob)
{
	struct str owner = users_owner(&blob);

	if (owner.p) {
		container_users_set(e, owner, blob);
		return;
	}
	users_read(&e->users, blob, false);
	proc_each(e->procs, accounts_again, e);
	accounts_set(e, proc_table_overflow(e->procs));
}

static void cgroup_set(struct enrich *e, struct proc *p, uint64_t id)
{
	struct cgroup *cg;

	if (p->cgroup && p->cgroup->id == id)
		return;
	cg = cgroup_ref(cgroup_get(e->cgroups, id));
	/* subject_gen is a sum: it must grow although the old cgroup's part goes. */
	p->gen = (uint32_t)subject_gen(p) + 1;
	cgroup_unref(p->cgroup);
	p->cgroup = cg;
	accounts_set(e, p);
}

static void subject_set(struct enrich *e, struct event *ev)
{
	const struct rec_hdr *h = ev->hdr;
	struct proc *p = proc_get(e->procs, h->pid, h->start_ns);

	cgroup_set(e, p, h->cgroup);
	if (h->comm[0] && memcmp(p->comm, h->comm, sizeof(p->comm)) != 0) {
		memcpy(p->comm, h->comm, sizeof(p->comm));
		p->gen++;
	}
	if (p->euid != h->uid) {
		p->euid = h->uid;
		accounts_set(e, p);
	}
	ev->proc = p;
}

static void proc_life(struct enrich *e, struct event *ev)
{
	struct proc *p = proc_apply(e->procs, ev->proc, &ev->life, ev->time);

	if (ev->life.task) {
		cgroup_set(e, p, ev->life.task->cgroup);
		accounts_set(e, p);
	}
}

static void proc_move(struct enrich *e, const struct life *life)
{
	struct proc *p = proc_find(e->procs, life->task_pid, life->task_start_ns);

	cgroup_named(e->cgroups, life->cgroup, life->path);
	e->generation++;
	if (p)
		cgroup_set(e, p, life->cgroup);
}

static void life_apply(struct enrich *e, struct event *ev)
{
	const struct life *life = &ev->life;

	switch (life->op) {
	case LIFE_NONE:
		break;
	case LIFE_FORK:
	case LIFE_EXEC:
	case LIFE_EXIT:
	case LIFE_SEEN:
		proc_life(e, ev);
		break;
	case LIFE_MOVE:
		proc_move(e, life);
		break;
	case LIFE_CGROUP:
		e->generation++;
		cgroup_named(e->cgroups, life->cgroup, life->path);
		break;
	case LIFE_CGROUP_GONE:
		e->generation++;
		cgroup_gone(e->cgroups, life->cgroup, ev->time);
		break;
	case LIFE_USERS:
		users_set(e, life->blob);
		break;
	case LIFE_KUBE:
		e->generation += cluster_object(e->cluster, life->blob, ev->time);
		break;
	case LIFE_CONTAINER:
		e->generation += cluster_container(e->cluster, life->blob);
		break;
	}
}

static void reap(struct enrich *e, struct boot_ns now)
{
	if (now.ns < e->reaped_ns + REAP_NS)
		return;
	e->reaped_ns = now.ns;
	proc_table_reap(e->procs, now);
	cgroup_table_reap(e->cgroups, now);
}

void enrich_event(struct enrich *e, struct event *ev)
{
	reap(e, ev->time);
	ev->accounts = &e->accounts;
	if (ev->kind) {
		subject_set(e, ev);
		cluster_peer(e->cluster, &ev->fd);
	}
	if (ev->life.op != LIFE_NONE)
		life_apply(e, ev);
}

uint64_t enrich_generation(const struct enrich *e)
{
	return e->generation;
}

struct proc_table *enrich_procs(struct enrich *e)
{
	return e->procs;
}

const struct k8s *enrich_k8s(const struct enrich *e)
{
	return cluster_k8s(e->cluster);
}

struct cgroup_table *enrich_cgroups(struct enrich *e)
{
	return e->cgroups;
}
