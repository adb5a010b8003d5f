/* Reading accounting files below directory descriptors; the last values stand in one table. */
#include "agent/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "wire/record.h"

#define CGROUP_PATH_ROOM 4096
#define PATH_ROOM	 (CGROUP_PATH_ROOM + 300) /* and a file's name */

/* Where one version keeps its accounting. */
struct hierarchy {
	int cpu, memory; /* directories, -1: not mounted */
	const char *cpu_file, *cpu_key, *memory_file;
	uint64_t cpu_unit_ns;
};

/* A directory read before. The key is version and path. */
struct known {
	uint64_t cpu_ns, delta_ns;
	uint64_t tick; /* when read */
	uint64_t told; /* tick in which usage_read told of it */
	bool has_delta;
	UT_hash_handle hh;
	size_t n;
	char key[]; /* ended by NUL */
};

struct usage {
	struct hierarchy v1, v2;
	struct known *known;
	uint64_t tick;
	struct boot_ns now, before;
	long ncpus;
	size_t read; /* in this tick */
};

static int dir_open(const char *path)
{
	return path[0] ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

static int v1_open(const char *controller)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	struct mntent *m;
	int fd = -1;

	while (f && fd < 0 && (m = getmntent(f)))
		if (strcmp(m->mnt_type, "cgroup") == 0 && hasmntopt(m, controller))
			fd = dir_open(m->mnt_dir);
	if (f)
		endmntent(f);
	return fd;
}

int usage_open(const struct cgroup_layout *l, struct usage **ret)
{
	struct usage *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->v1 = (struct hierarchy){ v1_open("cpuacct"),	     v1_open("memory"),
				    "cpuacct.usage",	     "",
				    "memory.usage_in_bytes", 1 };
	u->v2 = (struct hierarchy){ dir_open(l->v2_mount), dir_open(l->v2_mount), "cpu.stat",
				    "usage_usec ",	   "memory.current",	  1000 };
	u->ncpus = sysconf(_SC_NPROCESSORS_ONLN);
	*ret = u;
	return 0;
}

void usage_close(struct usage *u)
{
	struct known *k, *next;

	if (!u)
		return;
	HASH_ITER(hh, u->known, k, next) {
		HASH_DEL(u->known, k);
		free(k);
	}
	closep(&u->v1.cpu);
	closep(&u->v1.memory);
	closep(&u->v2.cpu);
	closep(&u->v2.memory);
	free(u);
}

void usage_begin(struct usage *u, struct boot_ns now)
{
	u->before = u->now;
	u->now = now;
	u->tick++;
	u->read = 0;
}

/* The number after @key in the file PATH/NAME below @dir. */
static bool number_read(int dir, const char *path, const char *name, const char *key, uint64_t *ret)
{
	char full[PATH_ROOM], text[512], *at;
	_cleanup_(closep) int fd = -1;
	ssize_t n;

	/* Paths begin with '/'; the root is "/" alone. */
	if (dir < 0 || snprintf(full, sizeof(full), ".%s/%s", path, name) >= (int)sizeof(full))
		return false;
	fd = openat(dir, full, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	at = strstr(text, key);
	return at && sscanf(at + strlen(key), "%llu", (unsigned long long *)ret) == 1;
}

static struct known *known_get(struct usage *u, const struct hierarchy *h, const char *path)
{
	char key[PATH_ROOM];
	struct known *k = NULL;
	int n = snprintf(key, sizeof(key), "%c%s", h == &u->v1 ? '1' : '2', path);

	if (n < 0 || n >= (int)sizeof(key))
		return NULL;
	HASH_FIND(hh, u->known, key, (size_t)n, k);
	if (k)
		return k;
	k = calloc(1, sizeof(*k) + (size_t)n + 1);
	if (!k)
		return NULL;
	memcpy(k->key, key, (size_t)n);
	k->n = (size_t)n;
	HASH_ADD_KEYPTR(hh, u->known, k->key, k->n, k);
	return k;
}

/* What the directory used since the last tick, with all below it; false: not known. */
static bool directory_cpu(struct usage *u, const struct hierarchy *h, struct known *k,
			  uint64_t *ret_ns)
{
	uint64_t value, most = (u->now.ns - u->before.ns) * (uint64_t)u->ncpus;

	if (k->tick != u->tick) {
		if (!number_read(h->cpu, k->key + 1, h->cpu_file, h->cpu_key, &value))
			return false;
		value *= h->cpu_unit_ns;
		/* One not known before can be older; if its use is, it is. */
		k->has_delta = k->tick || (u->before.ns && value <= most);
		k->delta_ns = value > k->cpu_ns ? value - k->cpu_ns : 0;
		k->cpu_ns = value;
		k->tick = u->tick;
	}
	*ret_ns = k->delta_ns;
	return k->has_delta;
}

/* What the children of the directory used since the last tick, all together. */
static uint64_t children_cpu(struct usage *u, const struct hierarchy *h, const char *path)
{
	char full[PATH_ROOM + 1];
	uint64_t sum = 0, one;
	struct dirent *e;
	struct known *k;
	size_t n = 0;
	DIR *d;
	int fd;

	snprintf(full, sizeof(full), ".%s", path);
	fd = openat(h->cpu, full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		closep(&fd);
		return 0;
	}
	while (n < USAGE_CHILDREN_MAX && (e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		n++;
		if (snprintf(full, sizeof(full), "%s/%s", path[1] ? path : "", e->d_name) >=
		    (int)sizeof(full))
			continue;
		k = known_get(u, h, full);
		if (k && directory_cpu(u, h, k, &one))
			sum += one;
	}
	closedir(d);
	return sum;
}

static bool has_children(const struct hierarchy *h, const char *path)
{
	char full[PATH_ROOM + 1];
	struct stat st;

	snprintf(full, sizeof(full), ".%s", path);
	return fstatat(h->cpu, full, &st, 0) == 0 && st.st_nlink != 2;
}

/*
 * The directory to read for @cg: its own, or, of a container, the path up to the end of the name
 * with the id in it.
 */
static void cgroup_path(const struct cgroup *cg, char ret[PATH_ROOM])
{
	const char *id = NULL, *end = NULL;

	if (cg->container && cg->container->id.n)
		id = memmem(cg->path.p, cg->path.n, cg->container->id.p, cg->container->id.n);
	if (id)
		end = memchr(id, '/', (size_t)(cg->path.p + cg->path.n - id));
	snprintf(ret, PATH_ROOM, "%.*s", end ? (int)(end - cg->path.p) : (int)cg->path.n, cg->path.p);
}

struct usage_sample usage_read(struct usage *u, const struct cgroup *cg)
{
	const struct hierarchy *h = cg->id & CGROUP_V1 ? &u->v1 : &u->v2;
	struct usage_sample s = { 0 };
	char path[PATH_ROOM];
	uint64_t children = 0;
	struct known *k;
	bool parent;

	/* A path with ".." is seen from a cgroup namespace and leads elsewhere from here. */
	if (!cg->path.n || cg->path.p[0] != '/' || cg->path.n >= CGROUP_PATH_ROOM || h->cpu < 0 ||
	    memmem(cg->path.p, cg->path.n, "/..", 3) || u->read++ >= USAGE_CGROUPS_MAX)
		return s;
	cgroup_path(cg, path);
	k = known_get(u, h, path);
	if (!k || k->told == u->tick)
		return s;
	k->told = u->tick;
	s.has_cpu = directory_cpu(u, h, k, &s.cpu_ns);
	parent = !cg->container && has_children(h, path);
	if (parent)
		children = children_cpu(u, h, path);
	s.cpu_ns = s.cpu_ns > children ? s.cpu_ns - children : 0;
	/* The memory of one with children is theirs too. */
	if (!parent)
		s.has_memory = number_read(h->memory, path, h->memory_file, "", &s.memory_bytes);
	return s;
}

void usage_end(struct usage *u)
{
	struct known *k, *next;

	HASH_ITER(hh, u->known, k, next)
		if (k->tick != u->tick) {
			HASH_DEL(u->known, k);
			free(k);
		}
}
