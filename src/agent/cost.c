/* From descriptors to ids, from ids to what the kernel knows of them. */
#include "agent/cost.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CLOCK_TICK_NS (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK))

int cost_stats_enable(void)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	return fd < 0 ? -errno : fd;
}

/* What a descriptor's fdinfo says of it. */
struct fd_about {
	bool program, map, link;
	uint32_t id;
	uint64_t memory_bytes, runs, run_ns;
};

static bool line_u64(const char *line, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);

	return strncmp(line, key, n) == 0 && sscanf(line + n, "%llu", (unsigned long long *)ret) == 1;
}

static bool fd_read(int dir, const char *name, struct fd_about *ret)
{
	char text[2048];
	_cleanup_(closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	struct fd_about a = { 0 };
	uint64_t id = 0;

	if (n <= 0)
		return false;
	text[n] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		a.program |= line_u64(line, "prog_id:", &id);
		a.map |= line_u64(line, "map_id:", &id);
		a.link |= strncmp(line, "link_type:", 10) == 0;
		line_u64(line, "memlock:", &a.memory_bytes);
		line_u64(line, "run_cnt:", &a.runs);
		line_u64(line, "run_time_ns:", &a.run_ns);
	}
	a.id = (uint32_t)id;
	*ret = a;
	return (a.program || a.map) && !a.link;
}

/* The function's whole name: that of the program is cut at 15 characters. */
static void program_name(int fd, const struct bpf_prog_info *info, char ret[64])
{
	struct bpf_func_info func = { 0 };
	struct bpf_prog_info again = {
		.nr_func_info = 1,
		.func_info_rec_size = sizeof(func),
		.func_info = (uint64_t)(uintptr_t)&func,
	};
	uint32_t len = sizeof(again);
	struct btf *btf;
	const struct btf_type *t;

	snprintf(ret, 64, "%s", info->name);
	if (!info->btf_id || !info->nr_func_info || bpf_prog_get_info_by_fd(fd, &again, &len) != 0)
		return;
	btf = btf__load_from_kernel_by_id(info->btf_id);
	t = btf ? btf__type_by_id(btf, func.type_id) : NULL;
	if (t)
		snprintf(ret, 64, "%s", btf__name_by_offset(btf, t->name_off));
	btf__free(btf);
}

/* @own: the descriptor itself, when it is this process's; else -1. */
static void program_add(struct cost *c, const struct fd_about *a, int own)
{
	struct cost_program *p = &c->programs[c->nprograms];
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	_cleanup_(closep) int fd = own < 0 ? bpf_prog_get_fd_by_id(a->id) : -1;
	int use = own < 0 ? fd : own;

	for (size_t i = 0; i < c->nprograms; i++)
		if (c->programs[i].id == a->id)
			return;
	if (c->nprograms == COST_PROGRAMS_MAX)
		return;
	*p = (struct cost_program){
		.id = a->id, .runs = a->runs, .run_ns = a->run_ns, .memory_bytes = a->memory_bytes
	};
	if (use >= 0 && bpf_prog_get_info_by_fd(use, &info, &len) == 0) {
		program_name(use, &info, p->name);
		p->runs = info.run_cnt;
		p->run_ns = info.run_time_ns;
	}
	c->nprograms++;
}

static void map_add(struct cost *c, const struct fd_about *a, int own)
{
	struct cost_map *m = &c->maps[c->nmaps];
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	_cleanup_(closep) int fd = own < 0 ? bpf_map_get_fd_by_id(a->id) : -1;
	int use = own < 0 ? fd : own;

	for (size_t i = 0; i < c->nmaps; i++)
		if (c->maps[i].id == a->id)
			return;
	if (c->nmaps == COST_MAPS_MAX)
		return;
	*m = (struct cost_map){ .id = a->id, .memory_bytes = a->memory_bytes };
	if (use >= 0 && bpf_map_get_info_by_fd(use, &info, &len) == 0) {
		snprintf(m->name, sizeof(m->name), "%s", info.name);
		m->type = info.type;
		m->key_bytes = info.key_size;
		m->value_bytes = info.value_size;
		m->entries_max = info.max_entries;
	}
	c->nmaps++;
}

static int program_cmp(const void *a, const void *b)
{
	uint32_t x = ((const struct cost_program *)a)->id, y = ((const struct cost_program *)b)->id;

	return (x > y) - (x < y);
}

static int map_cmp(const void *a, const void *b)
{
	uint32_t x = ((const struct cost_map *)a)->id, y = ((const struct cost_map *)b)->id;

	return (x > y) - (x < y);
}

int cost_process(pid_t pid, uint64_t *ret_cpu_ns, uint64_t *ret_rss_bytes)
{
	unsigned long long user, system;
	char path[64], text[1024], *end;
	_cleanup_(closep) int fd = -1;
	long rss;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return fd < 0 ? -errno : -ESRCH;
	text[n] = '\0';
	/* The name may hold anything, also blanks and brackets: the fields begin after its last. */
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
			   "%*d %*u %*u %ld",
			   &user, &system, &rss) != 3)
		return -EBADMSG;
	*ret_cpu_ns = (user + system) * CLOCK_TICK_NS;
	*ret_rss_bytes = (uint64_t)rss * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

int cost_read(pid_t pid, struct cost *ret)
{
	bool own = pid == getpid();
	struct fd_about about;
	char path[64];
	struct dirent *e;
	DIR *d;
	int err;

	memset(ret, 0, sizeof(*ret));
	err = cost_process(pid, &ret->cpu_ns, &ret->rss_bytes);
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)pid);
	d = err ? NULL : opendir(path);
	if (!d)
		return err ? err : -errno;
	while ((e = readdir(d))) {
		int fd = atoi(e->d_name);

		if (e->d_name[0] == '.' || !fd_read(dirfd(d), e->d_name, &about))
			continue;
		if (about.program)
			program_add(ret, &about, own ? fd : -1);
		else
			map_add(ret, &about, own ? fd : -1);
	}
	closedir(d);
	qsort(ret->programs, ret->nprograms, sizeof(ret->programs[0]), program_cmp);
	qsort(ret->maps, ret->nmaps, sizeof(ret->maps[0]), map_cmp);
	return 0;
}

uint64_t cost_run_ns(const struct cost *c)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < c->nprograms; i++)
		ns += c->programs[i].run_ns;
	return ns;
}

const char *cost_map_type(uint32_t type)
{
	const char *name = libbpf_bpf_map_type_str((enum bpf_map_type)type);

	return name ? name : "other";
}
