/*
 * The cgroup layout. On a hybrid system the version 1 hierarchy of pids (else memory, else cpu)
 * tells the container, because runtimes with the cgroupfs driver use only those. A cgroup's id is
 * its directory's inode number (kernfs, 64-bit kernels).
 */
#include "source/cgroups.h"

#include <errno.h>
#include <fts.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/str.h"

/* A machine with more groups than this is not one we know how to serve. */
#define CGROUPS_MAX 100000

static const struct {
	const char *name;
	uint32_t subsys;
} v1_order[] = {
	{ "pids", V1_PIDS },
	{ "memory", V1_MEMORY },
	{ "cpu", V1_CPU },
};

static void hierarchies_read(FILE *f, uint32_t ret_number[3])
{
	char line[256], name[64];
	unsigned hierarchy;

	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || sscanf(line, "%63s %u", name, &hierarchy) != 2)
			continue;
		for (size_t i = 0; i < 3; i++)
			if (strcmp(name, v1_order[i].name) == 0)
				ret_number[i] = hierarchy;
	}
}

static void mount_find(const char *type, const char *option, char ret[256])
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	struct mntent *m;

	while (f && (m = getmntent(f))) {
		if (strcmp(m->mnt_type, type) != 0 || (option && !hasmntopt(m, option)))
			continue;
		snprintf(ret, 256, "%s", m->mnt_dir);
		break;
	}
	if (f)
		endmntent(f);
}

int cgroup_layout_read(struct cgroup_layout *ret)
{
	_cleanup_(fclosep) FILE *f = fopen("/proc/cgroups", "re");
	struct cgroup_layout l = { .v1_subsys = V1_NONE };
	uint32_t number[3] = { 0 };

	if (!f)
		return -errno;
	hierarchies_read(f, number);
	for (size_t i = 0; i < 3 && l.v1_subsys == V1_NONE; i++) {
		if (number[i] == 0)
			continue;
		l.v1_subsys = v1_order[i].subsys;
		l.v1_hierarchy = number[i];
		mount_find("cgroup", v1_order[i].name, l.v1_mount);
	}
	mount_find("cgroup2", NULL, l.v2_mount);
	*ret = l;
	return 0;
}

static int hierarchy_walk(const char *mount, uint64_t bit, cgroup_seen each, void *ctx)
{
	char *const roots[] = { (char *)mount, NULL };
	size_t skip = strlen(mount), n = 0;
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	int err = 0;
	FTSENT *e;

	if (!fts)
		return -errno;
	while (!err && n < CGROUPS_MAX && (e = fts_read(fts))) {
		const char *path = e->fts_path + skip;

		if (e->fts_info != FTS_D)
			continue;
		n++;
		err = each(ctx, e->fts_statp->st_ino | bit, path[0] ? path : "/");
	}
	fts_close(fts);
	return err;
}

int cgroup_walk(const struct cgroup_layout *l, cgroup_seen each, void *ctx)
{
	int err = 0;

	if (l->v1_mount[0])
		err = hierarchy_walk(l->v1_mount, CGROUP_V1, each, ctx);
	if (!err && l->v2_mount[0])
		err = hierarchy_walk(l->v2_mount, 0, each, ctx);
	return err;
}
