#pragma once
/*
 * CPU time and memory of cgroups, from the kernel's own accounting files: version 2 cpu.stat and
 * memory.current, version 1 cpuacct.usage and memory.usage_in_bytes.
 *
 * A container is read at its topmost cgroup, with all below it, once a tick. Another cgroup is read
 * without its children, which have rows of their own: their use is subtracted.
 *
 * CPU time is told as what was used since the last tick; a cgroup seen for the first time tells
 * nothing, unless it cannot be older than the last tick. What a cgroup used between the last tick
 * and its end is not told. Bounded: USAGE_CGROUPS_MAX cgroups a tick, as many children each as
 * USAGE_CHILDREN_MAX. One owner, one thread.
 *
 * Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cpuacct.rst, memory.rst.
 */
#include "base/clock.h"
#include "event/subject.h"
#include "source/cgroups.h"

#define USAGE_CGROUPS_MAX  512
#define USAGE_CHILDREN_MAX 256

struct usage;

/* 0 or -errno. Hierarchies that are not mounted tell nothing: no error. */
int usage_open(const struct cgroup_layout *l, struct usage **ret);
void usage_close(struct usage *u);

void usage_begin(struct usage *u, struct boot_ns now);

struct usage_sample {
	bool has_cpu, has_memory;
	uint64_t cpu_ns; /* since the last tick */
	uint64_t memory_bytes;
};

/* Of @cg, in this tick. */
struct usage_sample usage_read(struct usage *u, const struct cgroup *cg);

/* Forgets the cgroups that this tick did not ask for. */
void usage_end(struct usage *u);
