/* Reading /proc/PID/maps for files of known names; nothing of a file is read here. */
#include "source/library.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/folder.h"
#include "probe/probe.h"

#define MAPS_MAX   65536 /* lines of one process that are read */
#define LOOKS	   2
#define TURN_NS	   NS_PER_SEC
#define FOLDER_MAX 4096 /* entries of a usual folder that are read */

static const uint64_t look_after_ns[LOOKS] = { 50 * NS_PER_MS, NS_PER_SEC };

static const char *const folders[] = {
	"/usr/lib/x86_64-linux-gnu",
	"/lib/x86_64-linux-gnu",
	"/usr/lib64",
	"/lib64",
	"/usr/lib",
	"/lib",
	"/usr/local/lib",
};

/* With the time of its last change: numbers are used again. */
struct file_id {
	uint64_t dev, ino, changed_ns;
};

struct due {
	uint64_t at_ns;
	pid_t pid;
};

/* Each look has a queue of its own, in order of time. */
struct queue {
	struct due due[LIBRARY_QUEUE];
	uint32_t first, n;
};

struct libraries {
	const struct probe_library *list;
	library_attach attach;
	void *ctx;
	struct library_stats stats;
	struct file_id seen[LIBRARY_SEEN], roots[LIBRARIES_MAX];
	size_t seen_n, roots_n;
	struct file_id programs[PROGRAMS_SEEN], attached[LIBRARIES_MAX]; /* the second: programs too */
	size_t attached_n;
	struct queue queues[LOOKS];
	uint64_t turn_ns;
	pid_t turn; /* processes after this one come next */
};

static struct file_id id_of(const struct stat *st)
{
	return (struct file_id){ st->st_dev, st->st_ino,
				 (uint64_t)st->st_ctim.tv_sec * NS_PER_SEC +
					 (uint64_t)st->st_ctim.tv_nsec };
}

static bool id_eq(const struct file_id *a, const struct file_id *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->changed_ns == b->changed_ns;
}

static bool id_in(const struct file_id *ids, size_t n, const struct file_id *id)
{
	for (size_t i = 0; i < n; i++)
		if (id_eq(&ids[i], id))
			return true;
	return false;
}

static const struct probe_library *library_of(const struct libraries *l, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (const struct probe_library *p = l->list; p->name; p++)
		if (!p->go && fnmatch(p->name, name, 0) == 0)
			return p;
	return NULL;
}

/* @path: as we can open it. */
static void file_found(struct libraries *l, const struct probe_library *lib, const char *path)
{
	struct stat st;
	struct file_id id;
	int err;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
		l->stats.gone++;
		return;
	}
	id = id_of(&st);
	if (id_in(l->seen, l->seen_n, &id))
		return;
	if (l->seen_n == LIBRARY_SEEN || l->stats.attached == LIBRARIES_MAX) {
		l->stats.full++;
		return;
	}
	l->seen[l->seen_n++] = id;
	err = l->attach(l->ctx, lib, path);
	l->stats.attached += !err;
	l->stats.none += err == -ENOENT;
	l->stats.failed += err && err != -ENOENT;
}

/* --- a process --- */

/* A file that no process may be running any more when the kernel is given its name: by our own descriptor. */
static void program_found(struct libraries *l, const struct probe_library *lib, int fd,
			  const struct file_id *id)
{
	char path[32];
	int err;

	if (l->attached_n == LIBRARIES_MAX || l->stats.attached == LIBRARIES_MAX) {
		l->stats.full++;
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = l->attach(l->ctx, lib, path);
	if (!err)
		l->attached[l->attached_n++] = *id;
	l->stats.attached += !err;
	l->stats.unread += err == -EBADMSG;
	l->stats.failed += err && err != -EBADMSG && err != -ENOENT;
}

/* The executable, for those who look for Go programs. */
static void program_look(struct libraries *l, pid_t pid)
{
	const struct probe_library *lib = l->list;
	_cleanup_(closep) int fd = -1;
	struct file_id id, *seen;
	struct stat st;
	char path[32];

	while (lib->name && !lib->go)
		lib++;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (!lib->name || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	id = id_of(&st);
	seen = &l->programs[(id.ino ^ id.dev * 31) % PROGRAMS_SEEN];
	if (id_eq(seen, &id) || id_in(l->attached, l->attached_n, &id))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return; /* has ended; another look comes with the next process */
	id = id_of(&st);
	l->programs[(id.ino ^ id.dev * 31) % PROGRAMS_SEEN] = id;
	program_found(l, lib, fd, &id);
}

static void map_line(struct libraries *l, pid_t pid, char *line)
{
	const struct probe_library *lib;
	_cleanup_(freep) char *path = NULL;
	char perms[5];
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%*[0-9a-f-] %4s %*s %*s %*s %n", perms, &at) != 1 || at == 0 ||
	    perms[2] != 'x' || line[at] != '/')
		return;
	lib = library_of(l, line + at);
	if (lib && asprintf(&path, "/proc/%d/root%s", (int)pid, line + at) >= 0)
		file_found(l, lib, path);
}

static void process_look(struct libraries *l, pid_t pid)
{
	_cleanup_(fclosep) FILE *f = NULL;
	_cleanup_(freep) char *line = NULL;
	char name[32];
	size_t room = 0;

	program_look(l, pid);
	snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	f = fopen(name, "re");
	for (size_t i = 0; f && i < MAPS_MAX && getline(&line, &room, f) > 0; i++)
		map_line(l, pid, line);
}

static void folder_look(struct libraries *l, const char *path)
{
	_cleanup_(closedirp) DIR *d = opendir(path);
	struct dirent *e;

	for (size_t i = 0; d && i < FOLDER_MAX && (e = readdir(d)); i++) {
		const struct probe_library *lib = library_of(l, e->d_name);
		_cleanup_(freep) char *file = NULL;

		if (lib && asprintf(&file, "%s/%s", path, e->d_name) >= 0)
			file_found(l, lib, file);
	}
}

/* The usual folders of the process's root, if that is a new one. */
static void root_look(struct libraries *l, pid_t pid)
{
	char path[96];
	struct file_id id;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	if (stat(path, &st) != 0)
		return;
	id = (struct file_id){ st.st_dev, st.st_ino, 0 };
	if (id_in(l->roots, l->roots_n < LIBRARIES_MAX ? l->roots_n : LIBRARIES_MAX, &id))
		return;
	l->roots[l->roots_n++ % LIBRARIES_MAX] = id; /* the oldest makes room */
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/root%s", (int)pid, folders[i]);
		folder_look(l, path);
	}
}

/* --- when --- */

static pid_t pid_of(const char *name)
{
	char *end;
	long pid = strtol(name, &end, 10);

	return *end || pid <= 0 || pid > INT32_MAX ? 0 : (pid_t)pid;
}

/* Processes numbered above @after, @max at most; /proc lists them in order. Returns the last one, 0: there was none. */
static pid_t processes_look(struct libraries *l, pid_t after, size_t max)
{
	_cleanup_(closedirp) DIR *d = opendir("/proc");
	struct dirent *e;
	pid_t last = 0;

	while (d && max && (e = readdir(d))) {
		pid_t pid = pid_of(e->d_name);

		if (pid <= after)
			continue;
		root_look(l, pid);
		process_look(l, pid);
		last = pid;
		max--;
	}
	return last;
}

void libraries_all(struct libraries *l)
{
	processes_look(l, 0, SIZE_MAX);
	l->turn_ns = clock_boot().ns;
}

void libraries_exec(struct libraries *l, pid_t pid)
{
	uint64_t now = clock_boot().ns;

	program_look(l, pid);
	root_look(l, pid);
	for (size_t i = 0; i < LOOKS; i++) {
		struct queue *q = &l->queues[i];

		if (q->n == LIBRARY_QUEUE) {
			l->stats.waits++;
			continue;
		}
		q->due[(q->first + q->n++) % LIBRARY_QUEUE] =
			(struct due){ now + look_after_ns[i], pid };
	}
}

void libraries_tick(struct libraries *l)
{
	uint64_t now = clock_boot().ns;

	for (size_t i = 0; i < LOOKS; i++) {
		struct queue *q = &l->queues[i];

		while (q->n && q->due[q->first].at_ns <= now) {
			process_look(l, q->due[q->first].pid);
			q->first = (q->first + 1) % LIBRARY_QUEUE;
			q->n--;
		}
	}
	if (now - l->turn_ns < TURN_NS)
		return;
	l->turn_ns = now;
	l->turn = processes_look(l, l->turn, LIBRARY_TURN);
}

int libraries_new(const struct probe_library *list, library_attach attach, void *ctx,
		  struct libraries **ret)
{
	struct libraries *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->list = list;
	l->attach = attach;
	l->ctx = ctx;
	*ret = l;
	return 0;
}

void libraries_free(struct libraries *l)
{
	free(l);
}

const struct library_stats *libraries_stats(const struct libraries *l)
{
	return &l->stats;
}
