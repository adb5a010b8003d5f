/*
 * One probe at a time: open, choose programs, share maps, set read-only data, load, attach. The
 * reason of a failure is the last thing libbpf or the verifier said, which is why the print hook
 * keeps it.
 */
#include "source/load.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/cgroup2.h"
#include "source/cpu_events.h"
#include "source/functions.h"
#include "source/library.h"
#include "source/source.h"
#include "source/tracefs.h"
#include "source/user_stack.h"

static const char *const shared_names[MAP_COUNT] = {
#define X(name) #name,
	PORTHOLE_SHARED_MAPS(X)
#undef X
};

static __thread char last_word[256];

/*
 * The verifier's log ends with what it objected to, then "processed N insns": the last line before
 * that is the reason.
 */
static void verifier_keep(char *log)
{
	char *end = strstr(log, "\nprocessed ");
	char *line;

	if (!end)
		return;
	*end = '\0';
	line = strrchr(log, '\n');
	snprintf(last_word, sizeof(last_word), "verifier: %.200s", line ? line + 1 : log);
}

static int print_keep(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	_cleanup_(freep) char *text = NULL;

	if (level != LIBBPF_WARN || vasprintf(&text, fmt, ap) < 0)
		return 0;
	if (strstr(text, "BEGIN PROG LOAD LOG")) {
		verifier_keep(text);
	} else if (!last_word[0]) {
		text[strcspn(text, "\n")] = '\0';
		snprintf(last_word, sizeof(last_word), "%.250s", text);
	}
	return 0;
}

int loader_init(struct loader *l, const struct knobs *knobs, uint32_t sample_hz,
		const struct probe_finders *find)
{
	const char *shared = getenv("PORTHOLE_SAMPLES_SHARED");

	*l = (struct loader){ .knobs = *knobs, .tracefs = -1 };
	l->sample_hz = sample_hz ? sample_hz : CPU_EVENTS_HZ_DEFAULT;
	l->knobs.kernel_stacks_only =
		!user_stack_safe_here(l->no_user_stack, sizeof(l->no_user_stack));
	l->knobs.samples_shared = shared && strcmp(shared, "1") == 0;
	l->probes = calloc(probes_n, sizeof(*l->probes));
	if (!l->probes)
		return -ENOMEM;
	for (size_t i = 0; i < probes_n; i++) {
		l->probes[i].probe = probes[i];
		l->probes[i].find = *find;
	}
	for (size_t i = 0; i < MAP_COUNT; i++)
		l->maps[i] = -1;
	libbpf_set_print(print_keep);
	return 0;
}

static bool hook_wanted(const struct probe_hook *h, uint64_t kinds)
{
	return h->kinds == 0 || (h->kinds & kinds);
}

/* The program of a hook in use. */
static const char *hook_program(const struct loaded *p, const struct probe_hook *h)
{
	return h->targets && p->fallback && h->fallback ? h->fallback : h->program;
}

static int probe_maps(struct loader *l, struct bpf_object *obj)
{
	struct bpf_map *knobs = bpf_object__find_map_by_name(obj, ".rodata.knobs");

	if (knobs && bpf_map__set_initial_value(knobs, &l->knobs, sizeof(l->knobs)) != 0)
		return -EINVAL;
	for (size_t i = 0; i < MAP_COUNT; i++) {
		struct bpf_map *m = bpf_object__find_map_by_name(obj, shared_names[i]);
		int err = m && l->maps[i] >= 0 ? bpf_map__reuse_fd(m, l->maps[i]) : 0;

		if (err)
			return err;
	}
	return 0;
}

/* One that was left out has a descriptor all the same, of no map: libbpf's placeholder. */
static void probe_maps_keep(struct loader *l, struct bpf_object *obj)
{
	for (size_t i = 0; i < MAP_COUNT; i++) {
		struct bpf_map *m = bpf_object__find_map_by_name(obj, shared_names[i]);

		if (l->maps[i] < 0 && m && bpf_map__autocreate(m))
			l->maps[i] = bpf_map__fd(m);
	}
}

/* Only the programs in use are loaded: the rest need not even be acceptable to this kernel. */
static void probe_choose(struct loaded *p, uint64_t kinds)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, p->obj)
		bpf_program__set_autoload(prog, false);
	for (const struct probe_hook *h = p->probe->hooks; h->program; h++) {
		prog = bpf_object__find_program_by_name(p->obj, hook_program(p, h));
		if (prog && (h->targets || hook_wanted(h, kinds)))
			bpf_program__set_autoload(prog, true);
	}
}

static int probe_open(struct loader *l, struct loaded *p, uint64_t kinds)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = p->probe->name);
	struct bpf_object *obj;
	int err;

	obj = bpf_object__open_mem(p->probe->elf, (size_t)(p->probe->elf_end - p->probe->elf), &opts);
	if (!obj)
		return -errno;
	p->obj = obj;
	p->fallback = p->probe->targets && l->tracefs < 0;
	probe_choose(p, kinds);
	err = probe_maps(l, obj);
	if (!err && p->probe->prepare)
		err = p->probe->prepare(obj);
	if (!err)
		err = bpf_object__load(obj);
	if (!err)
		probe_maps_keep(l, obj);
	return err;
}

/* @event: the perf event that the link owns; -1: none. */
static int link_keep_event(struct loaded *p, struct bpf_link *link, int event)
{
	if (!link)
		return -errno;
	if (p->nlinks == PROBE_LINKS_MAX) {
		bpf_link__destroy(link);
		return -E2BIG;
	}
	p->events[p->nlinks] = event;
	p->links[p->nlinks++] = link;
	return 0;
}

int loaded_keep(struct loaded *p, struct bpf_link *link)
{
	return link_keep_event(p, link, -1);
}

/* What targets() calls back with. */
struct target_ctx {
	struct loader *loader;
	struct loaded *probe;
	struct bpf_program *prog;
};

static int target_attach(void *ctx, const char *category, const char *event)
{
	struct target_ctx *t = ctx;
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
	};
	_cleanup_(closep) int fd = -1;
	int id = tracefs_event_id(t->loader->tracefs, category, event), kept;

	if (id == -ENOENT)
		return 0; /* a call this kernel does not have */
	if (id < 0)
		return id;
	attr.config = (uint64_t)id;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	kept = fd;
	/* From here the link owns the descriptor, when there is one. */
	return link_keep_event(t->probe, bpf_program__attach_perf_event(t->prog, take_fd(&fd)), kept);
}

/* Runs an iterator to its end for what it leaves in maps. */
static int hook_sweep(struct bpf_program *prog)
{
	struct bpf_link *link = bpf_program__attach_iter(prog, NULL);
	_cleanup_(closep) int fd = -1;
	char nothing[64];
	ssize_t n;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	n = fd < 0 ? -errno : 1;
	bpf_link__destroy(link);
	while (fd >= 0 && (n = read(fd, nothing, sizeof(nothing))) != 0)
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
	return (int)n;
}

static int hook_attach_cgroup(struct loaded *p, struct bpf_program *prog)
{
	_cleanup_(closep) int fd = cgroup2_open();

	return fd < 0 ? fd : loaded_keep(p, bpf_program__attach_cgroup(prog, fd));
}

static int library_probe(void *ctx, const struct probe_library *lib, const char *path)
{
	struct loaded *p = ctx;

	return functions_attach(p, lib, path);
}

/* Two for each place of each file: the usual soft limit is for programs that use select(2). */
static void descriptors_allow(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

static int libraries_start(struct loaded *p)
{
	int err;

	if (!p->probe->libraries || p->libraries)
		return 0;
	descriptors_allow();
	err = libraries_new(p->probe->libraries, library_probe, p, &p->libraries);
	if (!err)
		libraries_all(p->libraries);
	return err;
}

static int hook_attach(struct loader *l, struct loaded *p, const struct probe_hook *h, uint64_t kinds)
{
	const char *name = hook_program(p, h);
	struct bpf_program *prog = bpf_object__find_program_by_name(p->obj, name);
	struct target_ctx t = { l, p, prog };

	if (!prog)
		return -ENOENT;
	if (h->iterator || h->clock || h->function || !bpf_program__autoload(prog))
		return 0;
	if (h->sweep)
		return hook_sweep(prog);
	if (h->cgroup)
		return hook_attach_cgroup(p, prog);
	if (h->perf)
		return cpu_events_open(prog, l->sample_hz, &p->cpus, last_word, sizeof(last_word));
	if (h->targets && name == h->program)
		return p->probe->targets(h, kinds, target_attach, &t);
	return loaded_keep(p, bpf_program__attach(prog));
}

static void probe_fail(struct loaded *p, const char *what, int err)
{
	p->state = PROBE_UNAVAILABLE;
	snprintf(p->why, sizeof(p->why), "%s: %s%s%.180s", what, strerror(-err),
		 last_word[0] ? "; " : "", last_word);
}

static void probe_unload(struct loaded *p)
{
	while (p->nlinks)
		bpf_link__destroy(p->links[--p->nlinks]);
	cpu_events_close(p->cpus);
	p->cpus = NULL;
	libraries_free(p->libraries);
	p->libraries = NULL;
	bpf_object__close(p->obj);
	p->obj = NULL;
	p->kinds = 0;
}

static void libraries_begin(struct loaded *p)
{
	int err = libraries_start(p);

	if (!err)
		return;
	probe_fail(p, "libraries", err);
	p->state = PROBE_DEGRADED;
}

static void probe_attach(struct loader *l, struct loaded *p, uint64_t kinds)
{
	p->state = PROBE_ON;
	for (const struct probe_hook *h = p->probe->hooks; h->program; h++) {
		int err = hook_wanted(h, kinds) ? hook_attach(l, p, h, kinds) : 0;

		if (h->targets && l->tracefs < 0) {
			p->state = PROBE_DEGRADED;
			snprintf(p->why, sizeof(p->why),
				 "no tracefs (%s): each system call pays for the hook",
				 strerror(-l->tracefs));
		}
		if (h->stacks && l->no_user_stack[0]) {
			p->state = PROBE_DEGRADED;
			snprintf(p->why, sizeof(p->why), "%s", l->no_user_stack);
		}
		if (!err)
			continue;
		probe_fail(p, h->tracepoint ? h->tracepoint : h->program, err);
		if (!h->optional) {
			probe_unload(p);
			return;
		}
		p->state = PROBE_DEGRADED;
	}
	p->kinds = kinds;
	libraries_begin(p);
}

/* Loads without attaching; on failure the probe is unavailable. */
static bool probe_verify(struct loader *l, struct loaded *p, uint64_t kinds)
{
	int err;

	last_word[0] = '\0';
	err = probe_open(l, p, kinds);
	if (!err)
		return true;
	probe_fail(p, "load", err);
	if (err == -EOPNOTSUPP && p->probe->missing)
		snprintf(p->why, sizeof(p->why), "%s", p->probe->missing);
	probe_unload(p);
	return false;
}

static void probe_load(struct loader *l, struct loaded *p, uint64_t kinds)
{
	probe_unload(p);
	if (probe_verify(l, p, kinds))
		probe_attach(l, p, kinds);
}

/*
 * A loaded probe all of whose conditional hooks are tracepoint targets only attaches the new ones:
 * nothing is detached meanwhile. False: it must be loaded again.
 */
static bool probe_extend(struct loader *l, struct loaded *p, uint64_t kinds)
{
	for (const struct probe_hook *h = p->probe->hooks; h->program; h++)
		if (h->kinds && !h->targets)
			return false;
	for (const struct probe_hook *h = p->probe->hooks; h->program; h++) {
		uint64_t more = kinds & ~p->kinds;
		int err = 0;

		if (p->fallback && hook_wanted(h, kinds) && !hook_wanted(h, p->kinds))
			err = hook_attach(l, p, h, kinds);
		else if (!p->fallback && h->targets && hook_wanted(h, kinds))
			err = hook_attach(l, p, h, more);
		if (err) {
			probe_fail(p, h->tracepoint, err);
			p->state = PROBE_DEGRADED;
		}
	}
	p->kinds = kinds;
	return true;
}

static uint64_t probe_wants(const struct loaded *p, uint64_t kinds)
{
	return (p->probe->always ? p->probe->kinds : p->probe->kinds & kinds) | p->kinds;
}

int loader_want(struct loader *l, uint64_t kinds)
{
	if (l->tracefs == -1)
		l->tracefs = tracefs_open();
	for (size_t i = 0; i < probes_n; i++) {
		struct loaded *p = &l->probes[i];
		uint64_t want = probe_wants(p, kinds);

		if (p->probe->late && l->late)
			continue;
		if (!want || (p->state != PROBE_OFF && want == p->kinds))
			continue;
		if (p->state == PROBE_UNAVAILABLE)
			continue;
		if (!p->obj || !probe_extend(l, p, want))
			probe_load(l, p, want);
		if (p->state == PROBE_UNAVAILABLE && p->probe->always)
			return -ENOTSUP;
	}
	return 0;
}

/* --- late probes --- */

/*
 * The thread has its own copies of what it loads; of the loader it reads maps and knobs only. Maps
 * that a late probe shares must be another's too, which is loaded for the same kinds.
 */
struct late {
	struct loader loader; /* a copy */
	uint64_t kinds;
	pthread_t thread;
	atomic_bool done;
	struct loaded work[]; /* probes_n */
};

static void *late_run(void *ctx)
{
	struct late *late = ctx;

	for (size_t i = 0; i < probes_n; i++)
		if (late->work[i].probe)
			probe_verify(&late->loader, &late->work[i], late->kinds);
	late->done = true;
	return NULL;
}

/* Signals are for the threads that wait for them. */
static int late_thread(struct late *late)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	err = -pthread_create(&late->thread, NULL, late_run, late);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

static int late_start(struct loader *l, uint64_t kinds)
{
	struct late *late = calloc(1, sizeof(*late) + probes_n * sizeof(late->work[0]));
	bool any = false;
	int err;

	if (!late)
		return -ENOMEM;
	late->loader = *l;
	late->kinds = kinds;
	for (size_t i = 0; i < probes_n; i++) {
		if (!probes[i]->late || !probe_wants(&l->probes[i], kinds))
			continue;
		late->work[i].probe = probes[i];
		any = true;
	}
	err = any ? late_thread(late) : 0;
	if (err || !any)
		free(late);
	else
		l->late = late;
	return err;
}

static void probes_verify(struct loader *l, uint64_t kinds, bool always)
{
	for (size_t i = 0; i < probes_n; i++) {
		struct loaded *p = &l->probes[i];

		if (p->probe->always == always && !p->probe->late && probe_wants(p, kinds))
			probe_verify(l, p, probe_wants(p, kinds));
	}
}

/*
 * Nothing is attached before all is verified: what is attached writes into a ring that nobody reads
 * yet.
 */
int loader_begin(struct loader *l, uint64_t kinds)
{
	int err;

	l->tracefs = tracefs_open();
	probes_verify(l, kinds, true);
	probes_verify(l, kinds, false);
	err = late_start(l, kinds); /* after those that make the maps they share */
	for (size_t i = 0; !err && i < probes_n; i++) {
		struct loaded *p = &l->probes[i];

		if (p->obj)
			probe_attach(l, p, probe_wants(p, kinds));
		if (p->state == PROBE_UNAVAILABLE && p->probe->always)
			err = -ENOTSUP;
	}
	return err;
}

bool loader_late_done(const struct loader *l)
{
	return l->late && l->late->done;
}

void loader_late_finish(struct loader *l)
{
	struct late *late = l->late;

	if (!late)
		return;
	pthread_join(late->thread, NULL);
	l->late = NULL;
	for (size_t i = 0; i < probes_n; i++) {
		struct loaded *p = &l->probes[i];

		if (!late->work[i].probe)
			continue;
		*p = late->work[i];
		if (p->obj)
			probe_attach(l, p, probe_wants(p, late->kinds));
	}
	free(late);
}

void loader_tick(struct loader *l)
{
	for (size_t i = 0; i < probes_n; i++) {
		if (l->probes[i].cpus)
			cpu_events_refresh(l->probes[i].cpus);
		if (l->probes[i].libraries)
			libraries_tick(l->probes[i].libraries);
	}
}

void loader_exec(struct loader *l, uint32_t pid)
{
	for (size_t i = 0; i < probes_n; i++)
		if (l->probes[i].libraries)
			libraries_exec(l->probes[i].libraries, (pid_t)pid);
}

void loader_libraries(const struct loader *l, struct source_libraries *ret)
{
	uint32_t zero = 0;

	*ret = (struct source_libraries){ 0 };
	for (size_t i = 0; i < probes_n; i++) {
		const struct loaded *p = &l->probes[i];
		const struct library_stats *st;
		uint64_t untied = 0;
		int fd;

		if (!p->libraries)
			continue;
		st = libraries_stats(p->libraries);
		ret->full += st->full;
		ret->none += st->none;
		ret->unread += st->unread;
		ret->gone += st->gone;
		ret->failed += st->failed;
		ret->waits += st->waits;
		fd = bpf_object__find_map_fd_by_name(p->obj, p->probe->untied);
		if (fd >= 0 && bpf_map_lookup_elem(fd, &zero, &untied) == 0)
			ret->untied += untied;
	}
}

void loader_close(struct loader *l)
{
	if (loader_late_done(l)) {
		l->late->kinds = 0; /* loaded, attached to nothing */
		loader_late_finish(l);
	} else if (l->late) {
		pthread_detach(l->late->thread); /* the end of the process ends it; who stops does not wait */
		l->late = NULL;
	}
	for (size_t i = 0; l->probes && i < probes_n; i++)
		probe_unload(&l->probes[i]);
	free(l->probes);
	l->probes = NULL;
	if (l->tracefs >= 0)
		close(l->tracefs);
	l->tracefs = -1;
}
