/* A cgroup's readings: cpu, memory, pressure, pids; limits from every level above it. */
#include "source/vitals.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/vitals_file.h"

#define PATH_ROOM 4096
#define FILE_ROOM (PATH_ROOM + 512)

static void mount_take(char ret[256], const char *dir)
{
	if (!ret[0])
		snprintf(ret, 256, "%s", dir);
}

int vitals_open(struct vitals_reader *ret)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct vitals_reader r = { "" };
	struct mntent *m;

	if (!f)
		return -errno;
	while ((m = getmntent(f))) {
		if (strcmp(m->mnt_type, "cgroup2") == 0)
			mount_take(r.v2, m->mnt_dir);
		if (strcmp(m->mnt_type, "cgroup") != 0)
			continue;
		if (hasmntopt(m, "cpu"))
			mount_take(r.v1_cpu, m->mnt_dir);
		if (hasmntopt(m, "cpuacct"))
			mount_take(r.v1_cpuacct, m->mnt_dir);
		if (hasmntopt(m, "memory"))
			mount_take(r.v1_memory, m->mnt_dir);
		if (hasmntopt(m, "pids"))
			mount_take(r.v1_pids, m->mnt_dir);
	}
	endmntent(f);
	*ret = r;
	return 0;
}

#define GROUP(member) offsetof(struct vitals_group, member)

static const struct vitals_key v2_cpu[] = {
	{ "usage_usec", GROUP(cpu_ns), VITALS_USEC },
	{ "user_usec", GROUP(cpu_user_ns), VITALS_USEC },
	{ "system_usec", GROUP(cpu_system_ns), VITALS_USEC },
	{ NULL },
};

static const struct vitals_key v2_throttle[] = {
	{ "nr_periods", GROUP(periods), 1 },
	{ "nr_throttled", GROUP(throttled), 1 },
	{ "throttled_usec", GROUP(throttled_ns), VITALS_USEC },
	{ NULL },
};

static const struct vitals_key v1_throttle[] = {
	{ "nr_periods", GROUP(periods), 1 },
	{ "nr_throttled", GROUP(throttled), 1 },
	{ "throttled_time", GROUP(throttled_ns), 1 },
	{ NULL },
};

static const struct vitals_key v2_memory[] = {
	{ "anon", GROUP(anon), 1 },
	{ "file", GROUP(file), 1 },
	{ "pgfault", GROUP(faults), 1 },
	{ "pgmajfault", GROUP(major_faults), 1 },
	{ "pgscan", GROUP(scanned), 1 },
	{ "pgsteal", GROUP(reclaimed), 1 },
	{ "workingset_refault_file", GROUP(refaults), 1 },
	{ "workingset_refault_anon", GROUP(refaults), 1 },
	{ "workingset_refault", GROUP(refaults), 1 }, /* before 5.9 */
	{ NULL },
};

/* The total_ keys: a version 1 group leaves its children out of the others. */
static const struct vitals_key v1_memory[] = {
	{ "total_rss", GROUP(anon), 1 },
	{ "total_cache", GROUP(file), 1 },
	{ "total_pgfault", GROUP(faults), 1 },
	{ "total_pgmajfault", GROUP(major_faults), 1 },
	{ "total_pgscan", GROUP(scanned), 1 },
	{ "total_pgsteal", GROUP(reclaimed), 1 },
	{ "total_workingset_refault_file", GROUP(refaults), 1 },
	{ "total_workingset_refault_anon", GROUP(refaults), 1 },
	{ NULL },
};

static const struct vitals_key v2_events[] = {
	{ "max", GROUP(limit_hits), 1 },
	{ "oom_kill", GROUP(oom_kills), 1 },
	{ NULL },
};

static const struct vitals_key v1_oom[] = {
	{ "oom_kill", GROUP(oom_kills), 1 },
	{ NULL },
};

static const char *const pressure_files[PRESSURES] = {
	[PRESSURE_CPU] = "cpu.pressure",
	[PRESSURE_MEMORY] = "memory.pressure",
	[PRESSURE_IO] = "io.pressure",
};

struct group_path {
	char text[FILE_ROOM];
};

static const char *group_file(struct group_path *p, const char *mount, const char *path,
			      const char *file)
{
	snprintf(p->text, sizeof(p->text), "%s%s%s/%s", mount, path[0] == '/' ? "" : "/",
		 strcmp(path, "/") == 0 ? "" : path, file);
	return p->text;
}

/* "100000 100000" or "max 100000"; version 1 has a file each. */
static bool quota_read(const char *mount, bool v1, const char *path, uint64_t *ret_quota,
		       uint64_t *ret_period)
{
	struct group_path p;
	char text[64], first[32];
	uint64_t period = 0;

	if (v1)
		return vitals_number(group_file(&p, mount, path, "cpu.cfs_quota_us"), ret_quota) ==
			       0 &&
		       vitals_number(group_file(&p, mount, path, "cpu.cfs_period_us"), ret_period) ==
			       0;
	if (vitals_file(group_file(&p, mount, path, "cpu.max"), text, sizeof(text)) < 0 ||
	    sscanf(text, "%31s %lu", first, &period) != 2)
		return false;
	*ret_quota = strcmp(first, "max") == 0 ? VITALS_NO_LIMIT : strtoull(first, NULL, 10);
	*ret_period = period;
	return true;
}

/* Calls @take for @path and each level above it, the root left out. */
static void levels_each(const char *path, void (*take)(void *ctx, const char *path), void *ctx)
{
	char at[PATH_ROOM];

	snprintf(at, sizeof(at), "%s", path);
	for (int i = 0; i < VITALS_LEVELS && at[0] && strcmp(at, "/") != 0; i++) {
		char *slash = strrchr(at, '/');

		take(ctx, at);
		if (!slash)
			break;
		*slash = 0;
	}
}

struct level {
	const char *mount;
	bool v1;
	struct vitals_group *g;
	double share; /* of the tightest quota so far */
};

static void quota_level(void *ctx, const char *path)
{
	uint64_t quota, period;
	struct group_path p;
	struct level *l = ctx;
	struct vitals_group t = { 0 };

	if (!quota_read(l->mount, l->v1, path, &quota, &period))
		return;
	if (vitals_keys(group_file(&p, l->mount, path, "cpu.stat"),
			l->v1 ? v1_throttle : v2_throttle, &t) == 0) {
		if (!(l->g->has & GROUP_QUOTA))
			l->g->quota_ns = VITALS_NO_LIMIT;
		l->g->has |= GROUP_QUOTA;
	}
	if (quota == VITALS_NO_LIMIT || !period)
		return;
	if (l->g->quota_ns != VITALS_NO_LIMIT && (double)quota / (double)period >= l->share)
		return;
	l->share = (double)quota / (double)period;
	l->g->quota_ns = quota * VITALS_USEC;
	l->g->period_ns = period * VITALS_USEC;
	l->g->periods = t.periods;
	l->g->throttled = t.throttled;
	l->g->throttled_ns = t.throttled_ns;
}

#define V1_UNLIMITED (1ull << 60) /* version 1 says "no limit" with a number near 2^63 */

static void memory_level(void *ctx, const char *path)
{
	uint64_t max, high = VITALS_NO_LIMIT;
	struct group_path p;
	struct level *l = ctx;

	if (vitals_number(group_file(&p, l->mount, path,
				     l->v1 ? "memory.limit_in_bytes" : "memory.max"),
			  &max) != 0)
		return;
	if (max >= V1_UNLIMITED)
		max = VITALS_NO_LIMIT;
	if (!l->v1)
		(void)vitals_number(group_file(&p, l->mount, path, "memory.high"), &high);
	if (max < l->g->memory_max)
		l->g->memory_max = max;
	if (high < l->g->memory_high)
		l->g->memory_high = high;
}

static void memory_read(const char *mount, bool v1, const char *path, struct vitals_group *g)
{
	struct level l = { mount, v1, g, 0 };
	struct group_path p;

	if (!mount[0] || vitals_number(group_file(&p, mount, path,
						  v1 ? "memory.usage_in_bytes" : "memory.current"),
				       &g->memory) != 0)
		return;
	g->has |= GROUP_MEMORY;
	g->memory_max = g->memory_high = VITALS_NO_LIMIT;
	if (vitals_keys(group_file(&p, mount, path, "memory.stat"), v1 ? v1_memory : v2_memory, g) ==
	    0)
		g->has |= GROUP_REFAULT;
	if (v1) {
		(void)vitals_number(group_file(&p, mount, path, "memory.failcnt"), &g->limit_hits);
		(void)vitals_keys(group_file(&p, mount, path, "memory.oom_control"), v1_oom, g);
	} else {
		(void)vitals_keys(group_file(&p, mount, path, "memory.events"), v2_events, g);
	}
	levels_each(path, memory_level, &l);
}

static void cpu_read(const struct vitals_reader *r, bool v1, const char *path, struct vitals_group *g)
{
	struct level l = { v1 ? r->v1_cpu : r->v2, v1, g, 0 };
	struct group_path p;

	if (v1 && r->v1_cpuacct[0] &&
	    vitals_number(group_file(&p, r->v1_cpuacct, path, "cpuacct.usage"), &g->cpu_ns) == 0) {
		(void)vitals_number(group_file(&p, r->v1_cpuacct, path, "cpuacct.usage_user"),
				    &g->cpu_user_ns);
		(void)vitals_number(group_file(&p, r->v1_cpuacct, path, "cpuacct.usage_sys"),
				    &g->cpu_system_ns);
		g->has |= GROUP_CPU;
	}
	if (!v1 && vitals_keys(group_file(&p, r->v2, path, "cpu.stat"), v2_cpu, g) == 0)
		g->has |= GROUP_CPU;
	if (l.mount[0])
		levels_each(path, quota_level, &l);
}

static void pressures_read(const char *mount, const char *path, struct vitals_group *g)
{
	struct group_path p;
	bool any = false;

	for (size_t i = 0; i < PRESSURES; i++)
		any |= vitals_pressure_read(group_file(&p, mount, path, pressure_files[i]),
					    &g->pressure[i]) == 0;
	if (any)
		g->has |= GROUP_PRESSURE;
}

int vitals_group_read(const struct vitals_reader *r, bool v1, const char *path,
		      struct vitals_group *ret)
{
	const char *pids = v1 ? r->v1_pids : r->v2;
	struct vitals_group g = { .quota_ns = VITALS_NO_LIMIT };
	struct group_path p;

	cpu_read(r, v1, path, &g);
	memory_read(v1 ? r->v1_memory : r->v2, v1, path, &g);
	if (!v1 && r->v2[0])
		pressures_read(r->v2, path, &g);
	if (pids[0] && vitals_number(group_file(&p, pids, path, "pids.current"), &g.pids) == 0 &&
	    vitals_number(group_file(&p, pids, path, "pids.max"), &g.pids_max) == 0)
		g.has |= GROUP_PIDS;
	if (!g.has)
		return -ENOENT;
	*ret = g;
	return 0;
}
