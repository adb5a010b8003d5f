#pragma once
/*
 * The table of cgroups: id to path, and from the path to container and pod. Filled by cgroup
 * records; a cgroup that only a process's record names is entered bare and completed later.
 *
 * Containers and pods are shared between cgroups and stay as long as the table. One owner, one
 * thread. Bounded: CGROUPS_MAX, CONTAINERS_MAX, PODS_MAX; the removed ones go first, after a grace.
 */
#include "event/event.h"

#define CGROUPS_MAX	65536
#define CONTAINERS_MAX	16384
#define PODS_MAX	8192
#define CGROUP_GRACE_NS (60 * NS_PER_SEC)

struct cgroup_table;

int cgroup_table_new(struct cgroup_table **ret);
void cgroup_table_free(struct cgroup_table *t);

/* The cgroup of that id, entered bare when it is not there. Never NULL (a full table shares one). */
struct cgroup *cgroup_get(struct cgroup_table *t, uint64_t id);

/* Names a cgroup; learns its container and pod. */
void cgroup_named(struct cgroup_table *t, uint64_t id, struct str path);

/*
 * A process that is in a cgroup keeps it. NULL and the shared overflow entry are fine. Returns the
 * cgroup, for assignment.
 */
struct cgroup *cgroup_ref(struct cgroup *cg);
void cgroup_unref(struct cgroup *cg);

/* Marks it removed; it is forgotten a grace period after @now. */
void cgroup_gone(struct cgroup_table *t, uint64_t id, struct boot_ns now);
void cgroup_table_reap(struct cgroup_table *t, struct boot_ns now);

/* Called for each container when it is entered. One callback; NULL: none. */
void cgroup_on_container(struct cgroup_table *t, void (*cb)(void *ctx, struct container *c),
			 void *ctx);

/* Called for each cgroup when its container or pod became known. */
void cgroup_on_named(struct cgroup_table *t, void (*cb)(void *ctx, struct cgroup *cg), void *ctx);

/* By full container id, or by pod UID; NULL when unknown. */
struct container *container_find(struct cgroup_table *t, struct str id);
struct pod *pod_find(struct cgroup_table *t, struct str uid);

void cgroup_each(struct cgroup_table *t, int (*each)(void *ctx, struct cgroup *c), void *ctx);
void container_each(struct cgroup_table *t, int (*each)(void *ctx, struct container *c), void *ctx);

/* Replaces a text the table owns by a copy of @value; returns whether it changed. */
bool table_text_set(struct str *text, struct str value);
