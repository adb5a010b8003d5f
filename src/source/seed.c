/*
 * Seeding. The iterator gives identity, credentials and cgroup of every process consistently; the
 * strings come from /proc, read after it and therefore possibly of a later program of the same
 * process, which the exec record in the ring then says again.
 */
#include "source/seed.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "probe/process/process.h"
#include "wire/meta.h"

static int seed_cgroup(void *ctx, uint64_t id, const char *path)
{
	char room[sizeof(struct rec_cgroup_seen) + 4096];
	struct rec_cgroup_seen *r = (void *)room;
	size_t n = strnlen(path, 4095);

	memset(r, 0, sizeof(*r));
	memcpy(r->tail, path, n);
	r->hdr.time_ns = clock_boot().ns;
	r->hdr.type = REC_CGROUP_SEEN;
	r->hdr.len = (uint32_t)(sizeof(*r) + n);
	r->id = id;
	r->path.off = sizeof(*r);
	r->path.len = (uint16_t)n;
	return inject_add(ctx, &r->hdr);
}

int seed_cgroups(const struct cgroup_layout *l, struct inject *q)
{
	return cgroup_walk(l, seed_cgroup, q);
}

/* A record under construction: the fixed part and the strings behind it. */
struct seed_room {
	struct rec_task_seen r;
	char tail[REC_ARGS_MAX + 2 * REC_PATH_MAX + REC_ENV_MAX];
};

static void seed_piece(struct seed_room *room, unsigned which, ssize_t n, size_t max)
{
	if (n <= 0)
		return;
	room->r.piece[which].off = (uint16_t)room->r.hdr.len;
	room->r.piece[which].len = (uint16_t)n;
	room->r.hdr.len += (uint32_t)n;
	if ((size_t)n == max)
		room->r.cut |= REC_CUT(which);
}

static void seed_file(struct seed_room *room, unsigned which, const char *name, size_t max)
{
	_cleanup_(closep) int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/%s", room->r.hdr.pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		seed_piece(room, which, read(fd, (char *)room + room->r.hdr.len, max), max);
}

static void seed_link(struct seed_room *room, unsigned which, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/%s", room->r.hdr.pid, name);
	seed_piece(room, which, readlink(path, (char *)room + room->r.hdr.len, REC_PATH_MAX),
		   REC_PATH_MAX);
}

static int seed_task(struct seed_room *room, bool env, struct inject *q)
{
	if (room->r.hdr.len != sizeof(room->r))
		return -EBADMSG;
	seed_file(room, EXEC_ARGS, "cmdline", REC_ARGS_MAX);
	seed_link(room, EXEC_EXE, "exe");
	seed_link(room, EXEC_CWD, "cwd");
	if (env && q->tail - q->head < q->max / 2)
		seed_file(room, EXEC_ENV, "environ", REC_ENV_MAX);
	return inject_add(q, &room->r.hdr);
}

static int iterator_open(struct bpf_object *obj, const char *program)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(obj, program);
	struct bpf_link *link = prog ? bpf_program__attach_iter(prog, NULL) : NULL;
	int fd;

	if (!link)
		return prog ? -errno : -ENOENT;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		fd = -errno;
	bpf_link__destroy(link);
	return fd;
}

/* Parents come before their children, also where pid numbers have wrapped around. */
static int oldest_first(const void *a, const void *b)
{
	const struct rec_task_seen *x = a, *y = b;

	if (x->task.start_ns != y->task.start_ns)
		return x->task.start_ns < y->task.start_ns ? -1 : 1;
	return x->task.pid < y->task.pid ? -1 : x->task.pid > y->task.pid;
}

int seed_tasks(struct bpf_object *obj, const char *program, bool env, struct inject *q)
{
	_cleanup_(closep) int fd = iterator_open(obj, program);
	_cleanup_(freep) struct seed_room *room = malloc(sizeof(*room));
	_cleanup_(freep) char *all = NULL;
	size_t n = 0, cap = 0;
	int err = 0;

	if (fd < 0)
		return fd;
	if (!room)
		return -ENOMEM;
	for (;;) {
		ssize_t got;

		if (cap - n < 64 << 10) {
			char *more = realloc(all, cap + (256 << 10));

			if (!more)
				return -ENOMEM;
			all = more;
			cap += 256 << 10;
		}
		got = read(fd, all + n, cap - n);
		if (got < 0 && errno == EAGAIN)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (n)
		qsort(all, n / sizeof(room->r), sizeof(room->r), oldest_first);
	for (size_t at = 0; !err && at + sizeof(room->r) <= n; at += sizeof(room->r)) {
		memcpy(&room->r, all + at, sizeof(room->r));
		err = seed_task(room, env, q);
	}
	return err;
}
