/*
 * The live source: two rings and the injected records, one stream. A record is handed out when it
 * is older than the hold; within that time a record of the other ring may still turn out older.
 */
#include "source/live.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/clockwork.h"
#include "source/inject.h"
#include "source/release.h"
#include "source/ring.h"
#include "source/seed.h"

#define RINGS 2

struct live {
	struct source source;
	struct loader loader;
	struct cgroup_layout layout;
	struct ring rings[RINGS]; /* life, bulk */
	struct inject inject;
	struct ring *lent;	   /* whose record is out */
	struct filter_path *paths; /* NULL: not asked for */
	uint64_t horizon_ns;
	uint64_t clock_ns; /* of the last reading by the clock */
	int epoll;
	int ncpus;
	char host_name[256];
};

static struct live *live_of(struct source *s)
{
	return (struct live *)s;
}

/* The older of the two rings' heads, or NULL. */
static const struct rec_hdr *live_oldest(struct live *l, struct ring **ret_ring)
{
	const struct rec_hdr *oldest = NULL;

	for (size_t i = 0; i < RINGS; i++) {
		uint32_t len;
		const struct rec_hdr *h = ring_peek(&l->rings[i], &len);

		if (!h)
			continue;
		if (len < sizeof(*h) || h->len < sizeof(*h) || h->len > len) {
			l->source.losses.damaged++;
			ring_take(&l->rings[i]);
			continue;
		}
		if (!oldest || h->time_ns < oldest->time_ns) {
			oldest = h;
			*ret_ring = &l->rings[i];
		}
	}
	return oldest;
}

void live_read(struct source *s)
{
	struct live *l = live_of(s);
	uint64_t refused = 0;

	l->clock_ns = clock_boot().ns;
	if (clockwork_run(&l->loader, &l->inject, &refused) != 0)
		l->source.losses.unread++;
	loader_libraries(&l->loader, &s->losses.libraries);
	__atomic_add_fetch(&s->losses.injected, refused, __ATOMIC_RELAXED);
}

static void live_look(struct live *l)
{
	if (clock_boot().ns - l->clock_ns >= CLOCKWORK_NS)
		live_read(&l->source);
	if (loader_late_done(&l->loader))
		loader_late_finish(&l->loader);
	loader_tick(&l->loader);
	l->horizon_ns = clock_boot().ns - LIVE_HOLD_NS;
	for (size_t i = 0; i < RINGS; i++)
		ring_refresh(&l->rings[i]);
}

static int live_next(struct source *s, const struct rec_hdr **ret)
{
	struct live *l = live_of(s);
	const struct rec_hdr *h;
	struct ring *ring = NULL;

	if (l->lent)
		ring_take(l->lent);
	l->lent = NULL;
	h = inject_take(&l->inject);
	if (h) {
		*ret = h;
		return 1;
	}
	h = live_oldest(l, &ring);
	if (!h || h->time_ns > l->horizon_ns) {
		live_look(l);
		h = live_oldest(l, &ring);
	}
	if (!h || h->time_ns > l->horizon_ns)
		return 0;
	l->lent = ring;
	if (h->type == REC_EXEC)
		loader_exec(&l->loader, h->pid);
	*ret = h;
	return 1;
}

static int live_fd(struct source *s)
{
	return live_of(s)->epoll;
}

static int live_stats(struct source *s, struct kind_stats ret[KIND_COUNT])
{
	struct live *l = live_of(s);
	_cleanup_(freep) struct kind_stats *per_cpu = calloc((size_t)l->ncpus, sizeof(*per_cpu));

	if (!per_cpu)
		return -ENOMEM;
	memset(ret, 0, KIND_COUNT * sizeof(*ret));
	for (uint32_t k = 0; k < KIND_COUNT; k++) {
		if (bpf_map_lookup_elem(l->loader.maps[MAP_stats], &k, per_cpu) != 0)
			return -errno;
		for (int c = 0; c < l->ncpus; c++) {
			ret[k].events += per_cpu[c].events;
			ret[k].ring_full += per_cpu[c].ring_full;
			ret[k].map_full += per_cpu[c].map_full;
			ret[k].fault += per_cpu[c].fault;
			ret[k].cut += per_cpu[c].cut;
		}
	}
	return 0;
}

static void live_close(struct source *s)
{
	struct live *l = live_of(s);
	struct ctl none = { .self = (uint32_t)getpid() };
	_cleanup_(closep) int held = -1;

	if (l->loader.probes && live_ctl(s, &none) == 0) /* till it is gone, it does nothing */
		held = release_begin(&l->loader);
	for (size_t i = 0; i < RINGS; i++)
		ring_close(&l->rings[i]);
	if (l->paths)
		munmap(l->paths, sizeof(*l->paths));
	loader_close(&l->loader);
	inject_free(&l->inject);
	if (l->epoll >= 0)
		close(l->epoll);
	free(l);
}

static const struct source_ops live_ops = {
	.next = live_next,
	.fd = live_fd,
	.stats = live_stats,
	.close = live_close,
};

static void live_host(struct live *l)
{
	uint64_t boot = clock_boot().ns, wall = clock_wall().ns;

	if (gethostname(l->host_name, sizeof(l->host_name) - 1) != 0)
		l->host_name[0] = '\0';
	l->source.host.name = str_of(l->host_name);
	l->source.host.boot_to_wall_ns = (int64_t)(wall - boot);
}

static int live_poll_add(struct live *l, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -errno;
}

static int live_rings(struct live *l)
{
	static const struct {
		enum shared_map map;
		size_t bytes;
	} rings[RINGS] = { { MAP_ring_life, RING_LIFE_BYTES }, { MAP_ring_bulk, RING_BULK_BYTES } };
	int err = 0;

	for (size_t i = 0; i < RINGS && !err; i++) {
		int fd = l->loader.maps[rings[i].map];

		err = ring_open(fd, rings[i].bytes, REC_MAX, &l->rings[i]);
		if (!err)
			err = live_poll_add(l, fd);
	}
	return err;
}

static const struct loaded *live_seeder(struct live *l, const char **ret_program)
{
	for (size_t i = 0; i < probes_n; i++)
		for (const struct probe_hook *h = probes[i]->hooks; h->program; h++)
			if (h->iterator && l->loader.probes[i].obj) {
				*ret_program = h->program;
				return &l->loader.probes[i];
			}
	return NULL;
}

static int live_seed(struct live *l, bool env)
{
	const char *program = NULL;
	const struct loaded *p = live_seeder(l, &program);
	int err = seed_cgroups(&l->layout, &l->inject);

	if (!err && p)
		err = seed_tasks(p->obj, program, env, &l->inject);
	return err;
}

/* Why the first probe that had to run does not. */
static void live_reason(struct live *l, char *ret_why)
{
	for (size_t i = 0; i < probes_n; i++)
		if (probes[i]->always && l->loader.probes[i].state == PROBE_UNAVAILABLE)
			snprintf(ret_why, 256, "%s", l->loader.probes[i].why);
}

static int live_start(struct live *l, const struct live_opts *opts, char *ret_why)
{
	struct knobs knobs = { .env = opts->env, .request_times = opts->times };
	struct ctl none = { .self = (uint32_t)getpid() };
	int err = cgroup_layout_read(&l->layout);

	snprintf(ret_why, 256, "starting: %s", strerror(err ? -err : ENOMEM));
	if (err)
		return err;
	knobs.v1_subsys = l->layout.v1_subsys;
	knobs.v1_hierarchy = l->layout.v1_hierarchy;
	err = inject_init(&l->inject, LIVE_INJECT_BYTES);
	if (!err)
		err = loader_init(&l->loader, &knobs, opts->sample_hz, &opts->find);
	if (err)
		return err;
	err = loader_begin(&l->loader, opts->kinds);
	if (err) {
		live_reason(l, ret_why);
		return err;
	}
	err = live_ctl(&l->source, &none);
	if (!err)
		err = live_rings(l);
	if (!err)
		err = live_poll_add(l, l->inject.eventfd);
	if (!err)
		err = live_seed(l, opts->env);
	if (err)
		snprintf(ret_why, 256, "starting: %s", strerror(-err));
	return err;
}

/*
 * Verifying programs takes a second of CPU, and people start us on nodes that have none to spare: this thread, and the
 * one for late probes that it makes, go first meanwhile. Without the right to, it takes its turn.
 */
#define HURRY 10 /* nice levels */

static int hurry_begin(void)
{
	int nice = getpriority(PRIO_PROCESS, 0);

	(void)setpriority(PRIO_PROCESS, 0, nice - HURRY);
	return nice;
}

int live_open(const struct live_opts *opts, char *ret_why, struct source **ret)
{
	struct live *l = calloc(1, sizeof(*l));
	int err, nice;

	if (!l)
		return -ENOMEM;
	l->source.ops = &live_ops;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->ncpus = libbpf_num_possible_cpus();
	live_host(l);
	nice = hurry_begin();
	err = l->epoll < 0 ? -errno : live_start(l, opts, ret_why);
	(void)setpriority(PRIO_PROCESS, 0, nice);
	if (err) {
		live_close(&l->source);
		return err;
	}
	*ret = &l->source;
	return 0;
}

void live_settle(struct source *s)
{
	loader_late_finish(&live_of(s)->loader);
}

int live_want(struct source *s, uint64_t kinds)
{
	struct live *l = live_of(s);

	live_settle(s);
	return loader_want(&l->loader, kinds);
}

int live_ctl(struct source *s, const struct ctl *ctl)
{
	uint32_t zero = 0;

	if (bpf_map_update_elem(live_of(s)->loader.maps[MAP_ctl], &zero, ctl, BPF_ANY) != 0)
		return -errno;
	live_of(s)->clock_ns = 0; /* totals begin now, not at the next second */
	return 0;
}

int live_map(struct source *s, enum shared_map map)
{
	return live_of(s)->loader.maps[map];
}

struct filter_path *live_paths(struct source *s)
{
	struct live *l = live_of(s);
	int fd = live_map(s, MAP_f_path);
	void *at;

	if (l->paths || fd < 0)
		return l->paths;
	at = mmap(NULL, sizeof(*l->paths), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	l->paths = at == MAP_FAILED ? NULL : at;
	return l->paths;
}

const struct loader *live_loader(struct source *s)
{
	return &live_of(s)->loader;
}

const struct cgroup_layout *live_layout(struct source *s)
{
	return &live_of(s)->layout;
}

int live_inject(struct source *s, const struct rec_hdr *h)
{
	int err = inject_add(&live_of(s)->inject, h);

	if (err)
		__atomic_add_fetch(&s->losses.injected, 1, __ATOMIC_RELAXED);
	return err;
}
