#pragma once
/*
 * How this kernel groups processes, and the groups that are there now. Reads /proc/cgroups and
 * /proc/self/mountinfo and walks the mounted hierarchies.
 */
#include <stdint.h>

#include "wire/ctl.h"
#include "wire/record.h"

struct cgroup_layout {
	uint32_t v1_subsys;    /* enum v1_subsys: which version 1 controller tells, if any */
	uint32_t v1_hierarchy; /* its hierarchy's number */
	char v1_mount[256];    /* where it is mounted; "" when not */
	char v2_mount[256];
};

/* 0 or -errno when /proc cannot be read. Missing mounts are empty strings, not errors. */
int cgroup_layout_read(struct cgroup_layout *ret);

/* For each cgroup of the telling hierarchies: its id (with CGROUP_V1) and path. Stops at nonzero. */
typedef int (*cgroup_seen)(void *ctx, uint64_t id, const char *path);
int cgroup_walk(const struct cgroup_layout *l, cgroup_seen each, void *ctx);
