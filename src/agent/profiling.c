/*
 * Under the lock is only what both threads touch: the job and the counters. A collector belongs to
 * the pipeline, or, while it is the job, to the thread.
 */
#include "agent/profiling.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>

#include "agent/profile_dir.h"
#include "agent/profiler.h"
#include "base/cleanup.h"
#include "base/folder.h"
#include "base/log.h"

#define PART_MIN_MS 100
#define RETRY_NS    NS_PER_SEC

struct counts {
	uint64_t written, removed, failed, late, samples, lost, bytes;
};

struct profiling {
	const struct config *config; /* the copy: the thread may outlive the agent's */
	struct config copy;
	struct session *session;
	struct naming *naming;
	struct profiler *both[2], *filling;
	struct subscription sub;
	struct boot_ns begun, due;
	uint64_t part_ns;
	int dir, kallsyms;
	bool subscribed, late, running;

	pthread_t thread;
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	struct profiler *job; /* NULL: the thread is ready */
	uint64_t job_ns;
	struct counts counts;
	int last_err; /* of the last write, so that each trouble is told once */
	bool stop;
};

/* --- the thread that names and writes ---------------------------------------------------------------- */

static void trouble_tell(struct profiling *p, int err)
{
	if (err && err != p->last_err)
		log_warn("profile: cannot write to %s: %s", p->config->profile_directory,
			 strerror(-err));
	p->last_err = err;
}

static int64_t oldest_ns(const struct profiling *p)
{
	return (int64_t)clock_wall().ns -
	       (int64_t)p->config->profile_max_hours * 3600 * (int64_t)NS_PER_SEC;
}

static void part_write(struct profiling *p, struct profiler *job, uint64_t ns)
{
	_cleanup_(profile_freep) struct profile *profile = NULL;
	const uint64_t samples = profiler_samples(job), lost = profiler_lost(job);
	uint64_t removed = 0, bytes = 0;
	int err = profiler_end(job, ns, &profile);

	if (!err)
		err = profile_dir_write(p->dir, profile);
	trouble_tell(p, err);
	(void)profile_dir_prune(p->dir, p->config->profile_max_bytes, oldest_ns(p), &removed, &bytes);
	/* Nothing of it is needed until it is filled again. */
	(void)profiler_begin(job, 0);
	pthread_mutex_lock(&p->lock);
	p->counts.written += err == 0;
	p->counts.failed += err != 0;
	p->counts.samples += samples;
	p->counts.lost += lost;
	p->counts.removed += removed;
	p->counts.bytes = bytes;
	pthread_mutex_unlock(&p->lock);
}

static void *worker(void *ctx)
{
	struct profiling *p = ctx;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->job && !p->stop)
			pthread_cond_wait(&p->changed, &p->lock);
		if (!p->job)
			break;
		pthread_mutex_unlock(&p->lock);
		part_write(p, p->job, p->job_ns);
		malloc_trim(0);
		pthread_mutex_lock(&p->lock);
		p->job = NULL;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int worker_start(struct profiling *p)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&p->thread, NULL, worker, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	p->running = err == 0;
	return err;
}

/* --- the pipeline's side --------------------------------------------------------------------------- */

static void event_take(void *ctx, const struct event *ev)
{
	struct profiling *p = ctx;

	profiler_event(p->filling, ev);
	if (profiler_samples(p->filling) >= PROFILING_SAMPLES && !p->late)
		p->due.ns = 0;
}

static int part_begin(struct profiling *p, struct profiler *filling)
{
	p->filling = filling;
	p->late = false;
	p->begun = clock_boot();
	p->due.ns = p->begun.ns + p->part_ns;
	return profiler_begin(filling, (int64_t)clock_wall().ns);
}

/* What was filled to the thread. False: it is not ready. */
static bool part_hand(struct profiling *p)
{
	struct profiler *next = p->both[p->filling == p->both[0]];
	const uint64_t ns = clock_boot().ns - p->begun.ns;
	bool ready;

	pthread_mutex_lock(&p->lock);
	ready = !p->job;
	if (ready) {
		p->job = p->filling;
		p->job_ns = ns;
		pthread_cond_broadcast(&p->changed);
	}
	p->counts.late += !ready && !p->late;
	pthread_mutex_unlock(&p->lock);
	if (ready && part_begin(p, next) != 0)
		log_warn("profile: out of memory; a part will be missing");
	return ready;
}

void profiling_turn(struct profiling *p)
{
	struct boot_ns now = clock_boot();

	if (!p->subscribed || now.ns < p->due.ns || part_hand(p))
		return;
	p->late = true;
	p->due.ns = now.ns + RETRY_NS;
}

struct pushdown_clause profiling_clause(void)
{
	return (struct pushdown_clause){ .kinds = KIND_BIT(KIND_SAMPLE) };
}

/* --- life ------------------------------------------------------------------------------------------ */

static void profiling_free(struct profiling *p)
{
	for (size_t i = 0; i < 2; i++)
		profiler_free(p->both[i]);
	naming_stop(p->naming);
	closep(&p->kallsyms);
	closep(&p->dir);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->changed);
	free(p);
}

static uint64_t part_length(void)
{
	const char *text = getenv("PORTHOLE_PROFILE_PART_MS");
	unsigned long ms = text ? strtoul(text, NULL, 10) : 0;

	return ms >= PART_MIN_MS && ms < 86400000 ? ms * NS_PER_MS : PROFILING_PART_NS;
}

int profiling_new(const struct config *c, struct profiling **ret, struct buf *why)
{
	struct profiling *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;
	int err;

	if (!p)
		return -ENOMEM;
	p->copy = *c;
	p->config = &p->copy;
	p->dir = -1;
	p->part_ns = part_length();
	p->kallsyms = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attr);
	pthread_condattr_destroy(&attr);
	err = folder_make(c->profile_directory);
	if (!err)
		err = folder_open(c->profile_directory, &p->dir);
	if (err) {
		buf_printf(why, "no profiles are kept: %s: %s", c->profile_directory, strerror(-err));
		profiling_free(p);
		return err;
	}
	*ret = p;
	return 0;
}

int profiling_start(struct profiling *p, struct session *s)
{
	const struct profiler_opts o = {
		.hz = p->config->profile_hz,
		.labels = LABEL_POD | LABEL_CONTAINER | LABEL_PROCESS | LABEL_PID,
		.kinds = KIND_BIT(KIND_SAMPLE),
		.title = STR("porthole run"),
	};
	const struct naming_opts names = { .kallsyms = p->kallsyms,
					   .bytes_max = PROFILING_SYMBOLS,
					   .modules_max = PROFILING_MODULES };
	int err;

	p->kallsyms = -1;
	err = naming_open(&names, &p->naming);
	if (err)
		return err;
	for (size_t i = 0; i < 2 && !err; i++)
		err = profiler_new(&o, p->naming, &p->both[i]);
	if (!err)
		err = part_begin(p, p->both[0]);
	if (!err)
		err = worker_start(p);
	if (err)
		return err;
	p->session = s;
	p->sub = (struct subscription){ .kinds = KIND_BIT(KIND_SAMPLE), .event = event_take, .ctx = p };
	pipeline_subscribe(&s->pipeline, &p->sub);
	p->subscribed = true;
	return 0;
}

void profiling_fill(struct profiling *p, struct metrics *m)
{
	struct naming_stats names;
	struct counts c;

	if (!p->subscribed)
		return;
	naming_stats(p->naming, &names);
	pthread_mutex_lock(&p->lock);
	c = p->counts;
	pthread_mutex_unlock(&p->lock);
	m->profile = (struct metrics_profile){ .on = true,
					       .parts = c.written,
					       .samples = c.samples,
					       .late = c.late,
					       .removed = c.removed,
					       .bytes = c.bytes };
	metrics_loss_add(m, "profile_samples", "no_room", c.lost);
	metrics_loss_add(m, "profiles", "not_written", c.failed);
	metrics_loss_add(m, "profile_files", "process_gone", names.gone);
	metrics_loss_add(m, "profile_files", "queue_full", names.queue_full);
}

void profiling_describe(const struct profiling *p, struct buf *b)
{
	const struct config *c = p->config;

	buf_printf(b,
		   "profile: %u samples a second and CPU; the last %u h, at most %llu MiB, in %s\n",
		   c->profile_hz, c->profile_max_hours,
		   (unsigned long long)(c->profile_max_bytes >> 20), c->profile_directory);
}

/* Until the thread is ready, or @until (CLOCK_MONOTONIC). */
static bool ready_wait(struct profiling *p, const struct timespec *until)
{
	bool ready;

	pthread_mutex_lock(&p->lock);
	while (p->job && pthread_cond_timedwait(&p->changed, &p->lock, until) != ETIMEDOUT)
		;
	ready = !p->job;
	pthread_mutex_unlock(&p->lock);
	return ready;
}

void profiling_stop(struct profiling *p)
{
	uint64_t end = clock_read_ns(CLOCK_MONOTONIC) + PROFILING_END_MS * NS_PER_MS;
	const struct timespec until = { (time_t)(end / NS_PER_SEC), (long)(end % NS_PER_SEC) };

	if (!p)
		return;
	if (p->subscribed) {
		pipeline_unsubscribe(&p->session->pipeline, &p->sub);
		if (!ready_wait(p, &until) || !part_hand(p) || !ready_wait(p, &until)) {
			log_warn("profile: the last part was not written in time and is lost");
			pthread_detach(p->thread);
			return;
		}
	}
	if (p->running) {
		pthread_mutex_lock(&p->lock);
		p->stop = true;
		pthread_cond_broadcast(&p->changed);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	profiling_free(p);
}
