/*
 * Cgroups, containers and pods: three uthash tables, one owner. Texts are owned copies.
 */
#include "enrich/cgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "enrich/cgroup_path.h"
#include "enrich/users.h"

#define ID_SHORT 12

struct cgroup_node {
	struct cgroup cgroup; /* first */
	uint32_t procs;	      /* that are in it */
	UT_hash_handle hh;
};

struct container_node {
	struct container container; /* first */
	uint32_t cgroups;	    /* that name it */
	UT_hash_handle hh;
};

struct pod_node {
	struct pod pod; /* first */
	uint32_t cgroups;
	UT_hash_handle hh;
};

struct cgroup_table {
	struct cgroup_node *cgroups;
	struct container_node *containers;
	struct pod_node *pods;
	void (*on_container)(void *ctx, struct container *c);
	void *on_container_ctx;
	void (*on_named)(void *ctx, struct cgroup *cg);
	void *on_named_ctx;
	struct cgroup_node overflow; /* stands for all that did not fit */
};

int cgroup_table_new(struct cgroup_table **ret)
{
	struct cgroup_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	*ret = t;
	return 0;
}

bool table_text_set(struct str *text, struct str value)
{
	char *copy;

	if (!text->p == !value.p && str_eq(*text, value))
		return false;
	copy = value.p ? malloc(value.n + 1) : NULL;
	if (value.p && !copy)
		return false;
	if (copy) {
		memcpy(copy, value.p, value.n);
		copy[value.n] = '\0';
	}
	free((char *)text->p);
	*text = (struct str){ copy, value.n };
	return true;
}

static void container_free(struct container *c)
{
	table_text_set(&c->id, STR_NONE);
	table_text_set(&c->name, STR_NONE);
	table_text_set(&c->image, STR_NONE);
	table_text_set(&c->image_id, STR_NONE);
	table_text_set(&c->mounts, STR_NONE);
	if (c->users)
		users_free(c->users);
	free(c->users);
	free(c);
}

static void pod_free(struct pod *p)
{
	struct str *const texts[] = { &p->uid,
				      &p->ns,
				      &p->name,
				      &p->node,
				      &p->owner_kind,
				      &p->owner_name,
				      &p->service_account,
				      &p->labels,
				      &p->annotations };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		table_text_set(texts[i], STR_NONE);
	free(p);
}

/* A cgroup that goes takes the container and pod with it when no other names them. */
static void cgroup_free(struct cgroup_table *t, struct cgroup_node *n)
{
	struct container_node *c = (struct container_node *)n->cgroup.container;
	struct pod_node *p = (struct pod_node *)n->cgroup.pod;

	HASH_DEL(t->cgroups, n);
	if (c && --c->cgroups == 0) {
		HASH_DEL(t->containers, c);
		container_free(&c->container);
	}
	if (p && --p->cgroups == 0) {
		HASH_DEL(t->pods, p);
		pod_free(&p->pod);
	}
	table_text_set(&n->cgroup.path, STR_NONE);
	free(n);
}

void cgroup_table_free(struct cgroup_table *t)
{
	struct cgroup_node *n, *next;

	if (!t)
		return;
	HASH_ITER(hh, t->cgroups, n, next)
		cgroup_free(t, n);
	free(t);
}

struct cgroup *cgroup_get(struct cgroup_table *t, uint64_t id)
{
	struct cgroup_node *n = NULL;

	HASH_FIND(hh, t->cgroups, &id, sizeof(id), n);
	if (n)
		return &n->cgroup;
	if (HASH_COUNT(t->cgroups) < CGROUPS_MAX)
		n = calloc(1, sizeof(*n));
	if (!n)
		return &t->overflow.cgroup;
	n->cgroup.id = id;
	HASH_ADD(hh, t->cgroups, cgroup.id, sizeof(n->cgroup.id), n);
	return &n->cgroup;
}

struct container *container_find(struct cgroup_table *t, struct str id)
{
	struct container_node *n = NULL;

	HASH_FIND(hh, t->containers, id.p, id.n, n);
	return n ? &n->container : NULL;
}

struct pod *pod_find(struct cgroup_table *t, struct str uid)
{
	struct pod_node *n = NULL;

	HASH_FIND(hh, t->pods, uid.p, uid.n, n);
	return n ? &n->pod : NULL;
}

static struct container *container_get(struct cgroup_table *t, struct str id, const char *runtime)
{
	struct container_node *n = (struct container_node *)container_find(t, id);

	if (n || HASH_COUNT(t->containers) >= CONTAINERS_MAX)
		return n ? &n->container : NULL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->container.runtime = str_of(runtime);
	if (!table_text_set(&n->container.id, id)) {
		free(n);
		return NULL;
	}
	n->container.id12 = n->container.id;
	if (id.n > ID_SHORT)
		n->container.id12.n = ID_SHORT;
	HASH_ADD_KEYPTR(hh, t->containers, n->container.id.p, n->container.id.n, n);
	if (t->on_container)
		t->on_container(t->on_container_ctx, &n->container);
	return &n->container;
}

static struct pod *pod_get(struct cgroup_table *t, struct str uid)
{
	struct pod_node *n = (struct pod_node *)pod_find(t, uid);

	if (n || HASH_COUNT(t->pods) >= PODS_MAX)
		return n ? &n->pod : NULL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	if (!table_text_set(&n->pod.uid, uid)) {
		free(n);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, t->pods, n->pod.uid.p, n->pod.uid.n, n);
	return &n->pod;
}

static void cgroup_learn(struct cgroup_table *t, struct cgroup *cg)
{
	char buf[CGROUP_POD_UID_LEN];
	struct cgroup_who who;
	struct str uid;

	if (!cgroup_path_parse(cg->path, &who))
		return;
	cg->unit = who.unit;
	uid = cgroup_pod_uid(who.pod_uid, buf);
	if (uid.p && !cg->pod) {
		cg->pod = pod_get(t, uid);
		if (cg->pod)
			((struct pod_node *)cg->pod)->cgroups++;
	}
	if (who.container_id.p && !cg->container) {
		cg->container = container_get(t, who.container_id, who.shape->runtime);
		if (cg->container) {
			((struct container_node *)cg->container)->cgroups++;
			cg->container->pod = cg->pod;
		}
	}
}

void cgroup_named(struct cgroup_table *t, uint64_t id, struct str path)
{
	struct cgroup *cg = cgroup_get(t, id);

	if (cg == &t->overflow.cgroup || !path.p || cg->path.p)
		return;
	if (!table_text_set(&cg->path, path))
		return;
	cg->gen++;
	cgroup_learn(t, cg);
	if (t->on_named && (cg->container || cg->pod))
		t->on_named(t->on_named_ctx, cg);
}

struct cgroup *cgroup_ref(struct cgroup *cg)
{
	if (cg)
		((struct cgroup_node *)cg)->procs++;
	return cg;
}

void cgroup_unref(struct cgroup *cg)
{
	if (cg)
		((struct cgroup_node *)cg)->procs--;
}

void cgroup_gone(struct cgroup_table *t, uint64_t id, struct boot_ns now)
{
	struct cgroup_node *n = NULL;

	HASH_FIND(hh, t->cgroups, &id, sizeof(id), n);
	if (n)
		n->cgroup.removed = now;
}

void cgroup_table_reap(struct cgroup_table *t, struct boot_ns now)
{
	struct cgroup_node *n, *next;

	HASH_ITER(hh, t->cgroups, n, next)
		if (!n->procs && n->cgroup.removed.ns &&
		    n->cgroup.removed.ns + CGROUP_GRACE_NS < now.ns)
			cgroup_free(t, n);
}

void cgroup_on_container(struct cgroup_table *t, void (*cb)(void *ctx, struct container *c), void *ctx)
{
	t->on_container = cb;
	t->on_container_ctx = ctx;
}

void cgroup_on_named(struct cgroup_table *t, void (*cb)(void *ctx, struct cgroup *cg), void *ctx)
{
	t->on_named = cb;
	t->on_named_ctx = ctx;
}

void cgroup_each(struct cgroup_table *t, int (*each)(void *ctx, struct cgroup *c), void *ctx)
{
	struct cgroup_node *n, *next;

	HASH_ITER(hh, t->cgroups, n, next)
		if (each(ctx, &n->cgroup))
			return;
}

void container_each(struct cgroup_table *t, int (*each)(void *ctx, struct container *c), void *ctx)
{
	struct container_node *n, *next;

	HASH_ITER(hh, t->containers, n, next)
		if (each(ctx, &n->container))
			return;
}
