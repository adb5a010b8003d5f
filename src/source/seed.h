#pragma once
/*
 * What is there when the agent starts, as records: every cgroup, then every process.
 */
#include "source/cgroups.h"
#include "source/inject.h"

struct bpf_object;

/* Puts one CGROUP_SEEN record per cgroup into @q. 0 or -errno. */
int seed_cgroups(const struct cgroup_layout *l, struct inject *q);

/*
 * Puts one TASK_SEEN record per process into @q, from the task iterator @program of @obj, with
 * arguments, executable and working directory from /proc, with @env also the environment for as
 * long as half of @q is free. A process that ends meanwhile lacks those. 0 or -errno.
 */
int seed_tasks(struct bpf_object *obj, const char *program, bool env, struct inject *q);
