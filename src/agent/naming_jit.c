/* Which files tell of a process's compiled code, and asking them. */
#include "agent/naming_jit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "symbol/jitdump.h"
#include "symbol/perf_map.h"

struct jit {
	uint32_t pid;
	int map_fd, dump_fd;
	struct perf_map *map;
	struct jitdump *dump;
};

struct jits {
	size_t max, n, next; /* next: the place that is taken anew when all are in use */
	struct jit all[];
};

static void jit_close(struct jit *j)
{
	closep(&j->map_fd);
	closep(&j->dump_fd);
	perf_map_free(j->map);
	jitdump_free(j->dump);
	*j = (struct jit){ .map_fd = -1, .dump_fd = -1 };
}

int jits_new(size_t max, struct jits **ret)
{
	struct jits *j = calloc(1, sizeof(*j) + max * sizeof(j->all[0]));

	if (!j)
		return -ENOMEM;
	j->max = max;
	*ret = j;
	return 0;
}

void jits_free(struct jits *j)
{
	for (size_t i = 0; j && i < j->n; i++)
		jit_close(&j->all[i]);
	free(j);
}

/* The process's number in its innermost pid namespace: the last of the line NSpid. */
static uint32_t own_pid(uint32_t pid)
{
	_cleanup_(fclosep) FILE *f = NULL;
	char path[64], line[256];
	uint32_t own = pid;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		const char *last = strrchr(line, '\t');

		if (strncmp(line, "NSpid:", 6) == 0 && last)
			own = (uint32_t)strtoul(last, NULL, 10);
	}
	return own;
}

static void map_open(struct jit *j)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%u/root/tmp/perf-%u.map", j->pid, own_pid(j->pid));
	j->map_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (j->map_fd >= 0 && perf_map_new(&j->map) != 0)
		closep(&j->map_fd);
}

#define MAPS_LINES 65536

/* The dump is found by the page of it that the process maps to mark it (jitdump-specification.txt). */
static void dump_open(struct jit *j)
{
	_cleanup_(fclosep) FILE *f = NULL;
	char path[64], line[4352], full[4400];

	snprintf(path, sizeof(path), "/proc/%u/maps", j->pid);
	f = fopen(path, "re");
	for (int i = 0; f && i < MAPS_LINES && fgets(line, sizeof(line), f); i++) {
		char *name = strchr(line, '/'), *base;

		if (!name)
			continue;
		name[strcspn(name, "\n")] = 0;
		base = strrchr(name, '/') + 1;
		if (strncmp(base, "jit-", 4) != 0 || !strstr(base, ".dump"))
			continue;
		snprintf(full, sizeof(full), "/proc/%u/root%s", j->pid, name);
		j->dump_fd = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (j->dump_fd >= 0 && jitdump_new(&j->dump) != 0)
			closep(&j->dump_fd);
		return;
	}
}

static struct jit *jit_find(const struct jits *j, uint32_t pid)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->all[i].pid == pid)
			return (struct jit *)&j->all[i];
	return NULL;
}

void jits_open(struct jits *j, uint32_t pid)
{
	struct jit *at = jit_find(j, pid);

	if (!at) {
		if (j->n < j->max) {
			at = &j->all[j->n++];
		} else {
			at = &j->all[j->next];
			j->next = (j->next + 1) % j->max;
			jit_close(at);
		}
		*at = (struct jit){ .pid = pid, .map_fd = -1, .dump_fd = -1 };
	}
	if (at->map_fd < 0)
		map_open(at);
	if (at->dump_fd < 0)
		dump_open(at);
}

size_t jits_update(struct jits *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++) {
		struct jit *at = &j->all[i];

		if (at->map)
			n += perf_map_update(at->map, at->map_fd) == 0;
		if (at->dump)
			n += jitdump_update(at->dump, at->dump_fd) == 0;
	}
	return n;
}

bool jits_find(const struct jits *j, uint32_t pid, uint64_t address, struct frame *ret)
{
	const struct jit *at = jit_find(j, pid);

	return at && ((at->dump && jitdump_find(at->dump, address, ret)) ||
		      (at->map && perf_map_find(at->map, address, ret)));
}
