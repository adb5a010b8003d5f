/*
 * The threads between outlets_put and the channels. The intake's lock is held for a few
 * instructions; what can wait (files, sockets) is behind it.
 */
#include "alert/outlets.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "alert/channel.h"
#include "base/cleanup.h"

#define BACKOFF_MIN_MS 500
#define BACKOFF_MAX_MS 60000
#define SPOOL_DISK     (64u << 20)
#define SPOOL_MEMORY   (16u << 20)

static const struct channel_ops *const kinds[];

struct channel {
	struct outlets *outlets;
	const struct channel_ops *ops;
	char name[OUTLET_NAME_MAX];
	void *ctx;
	unsigned reader;
	uint32_t backoff_ms; /* of the last failure; 0: it works */
	atomic_bool reopen;
	pthread_t thread;
	bool started;
	struct spool_batch batch;
	struct outlet_stats stats; /* under the outlets' lock */
};

struct queue {
	struct alert *first, *last;
};

struct outlets {
	struct spool *spool;
	uint32_t backoff_min_ms, backoff_max_ms;
	pthread_mutex_t lock; /* the intake and the statistics */
	pthread_cond_t filled, stopped;
	struct queue intake[PRIORITIES];
	size_t waiting, waiting_bytes; /* in the intake */
	atomic_bool stop;
	bool ended; /* the intake */
	pthread_t thread, syncer;
	bool started, syncing;
	struct outlets_stats stats;
	struct channel channels[OUTLETS_MAX];
	size_t nchannels;
};

/* --- the intake ------------------------------------------------------------------------------- */

static size_t alert_bytes(const struct alert *a)
{
	return sizeof(*a) + a->rule.n + a->text.n + a->json.n;
}

static struct alert *queue_take(struct queue *q)
{
	struct alert *a = q->first;

	q->first = a->next;
	if (!q->first)
		q->last = NULL;
	return a;
}

static void queue_add(struct queue *q, struct alert *a)
{
	a->next = NULL;
	if (q->last)
		q->last->next = a;
	else
		q->first = a;
	q->last = a;
}

/* The oldest of the least severe goes. */
static void intake_bound(struct outlets *o)
{
	while (o->waiting > OUTLETS_INTAKE_ALERTS || o->waiting_bytes > OUTLETS_INTAKE_BYTES) {
		unsigned p = PRIORITIES - 1;
		struct alert *a;

		while (!o->intake[p].first)
			p--;
		a = queue_take(&o->intake[p]);
		o->waiting--;
		o->waiting_bytes -= alert_bytes(a);
		o->stats.intake_dropped[p]++;
		alert_unref(a);
	}
}

void outlets_put(struct outlets *o, struct alert *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&o->lock);
	a->number = o->stats.put++;
	queue_add(&o->intake[a->priority], a);
	o->waiting_bytes += alert_bytes(a);
	if (o->waiting++ == 0)
		pthread_cond_signal(&o->filled);
	intake_bound(o);
	pthread_mutex_unlock(&o->lock);
}

/* The oldest of all, or NULL. */
static struct alert *queues_take(struct queue q[PRIORITIES])
{
	struct queue *best = NULL;

	for (unsigned p = 0; p < PRIORITIES; p++)
		if (q[p].first && (!best || q[p].first->number < best->first->number))
			best = &q[p];
	return best ? queue_take(best) : NULL;
}

static void *intake_thread(void *ctx)
{
	struct outlets *o = ctx;
	struct queue all[PRIORITIES];
	struct alert *a;

	pthread_mutex_lock(&o->lock);
	while (o->waiting || !o->ended) {
		if (!o->waiting) {
			pthread_cond_wait(&o->filled, &o->lock);
			continue;
		}
		memcpy(all, o->intake, sizeof(all));
		memset(o->intake, 0, sizeof(o->intake));
		o->waiting = o->waiting_bytes = 0;
		pthread_mutex_unlock(&o->lock);
		while ((a = queues_take(all))) {
			spool_append(o->spool, a); /* a refusal is in the spool's counters */
			alert_unref(a);
		}
		pthread_mutex_lock(&o->lock);
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

/* --- channels --------------------------------------------------------------------------------- */

static void channel_note(struct channel *c, const struct channel_io *io, int err)
{
	struct outlet_stats *s = &c->stats;

	pthread_mutex_lock(&c->outlets->lock);
	s->sent += io->done - io->refused;
	s->refused += io->refused;
	s->cut += io->cut;
	if (err && err != -ECANCELED) {
		s->failures++;
		s->failing = true;
	} else if (!err) {
		s->failing = false;
	}
	if (io->error[0] || !err)
		memcpy(s->error, io->error, sizeof(s->error));
	pthread_mutex_unlock(&c->outlets->lock);
}

/* Sleeps until then, or until the end. */
static void channel_sleep(struct outlets *o, uint64_t until_ns)
{
	struct timespec until = { (time_t)(until_ns / NS_PER_SEC), (long)(until_ns % NS_PER_SEC) };
	int r = 0;

	pthread_mutex_lock(&o->lock);
	while (r == 0 && !atomic_load(&o->stop))
		r = pthread_cond_timedwait(&o->stopped, &o->lock, &until);
	pthread_mutex_unlock(&o->lock);
}

/* Half of the time is drawn by lot, so that nodes do not come back all at once. */
static void channel_backoff(struct channel *c, uint32_t wish_ms)
{
	struct outlets *o = c->outlets;
	uint32_t ms = c->backoff_ms ? c->backoff_ms * 2 : o->backoff_min_ms;

	c->backoff_ms = ms < o->backoff_max_ms ? ms : o->backoff_max_ms;
	ms = c->backoff_ms / 2 + arc4random_uniform(c->backoff_ms / 2 + 1);
	if (wish_ms > ms)
		ms = wish_ms < o->backoff_max_ms ? wish_ms : o->backoff_max_ms;
	channel_sleep(o, clock_read_ns(CLOCK_MONOTONIC) + ms * NS_PER_MS);
}

static void *channel_thread(void *ctx)
{
	struct channel *c = ctx;
	struct outlets *o = c->outlets;

	while (!atomic_load(&o->stop)) {
		struct channel_io io = { .stop = &o->stop, .batch = &c->batch };
		int err;

		spool_wait(o->spool, c->reader, &o->stop, 0);
		if (atomic_exchange(&c->reopen, false) && c->ops->reopen)
			c->ops->reopen(c->ctx);
		if (spool_read(o->spool, c->reader, c->ops->batch, &c->batch) == 0) {
			if (!atomic_load(&o->stop) && c->batch.bytes.failed)
				channel_backoff(c, 0); /* no memory */
			continue;
		}
		err = c->ops->send(c->ctx, &io);
		channel_note(c, &io, err);
		spool_done(o->spool, c->reader, &c->batch, io.done);
		if (io.done)
			c->backoff_ms = 0;
		if (err && !atomic_load(&o->stop))
			channel_backoff(c, io.retry_after_ms);
	}
	return NULL;
}

static const struct channel_ops *ops_find(const char *kind)
{
	for (size_t i = 0; kinds[i]; i++)
		if (kind && strcmp(kinds[i]->kind, kind) == 0)
			return kinds[i];
	return NULL;
}

static int channel_name(struct outlets *o, struct channel *c, const char *name, struct buf *why)
{
	size_t n = strlen(name);

	if (n == 0 || n >= OUTLET_NAME_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != n) {
		buf_printf(why, "the name of a channel is 1 to %d of a-z, 0-9, _ and -",
			   OUTLET_NAME_MAX - 1);
		return -EINVAL;
	}
	for (struct channel *other = o->channels; other < c; other++)
		if (strcmp(other->name, name) == 0) {
			buf_printf(why, "there is another channel of this name");
			return -EINVAL;
		}
	memcpy(c->name, name, n + 1);
	return 0;
}

static int channel_open(struct outlets *o, const struct outlet_opts *opts, struct buf *why)
{
	struct channel *c = &o->channels[o->nchannels];
	int err;

	c->outlets = o;
	c->ops = ops_find(opts->kind);
	if (!c->ops) {
		buf_printf(why, "no such kind of channel");
		return -EINVAL;
	}
	err = channel_name(o, c, opts->name && *opts->name ? opts->name : opts->kind, why);
	if (!err)
		err = spool_reader(o->spool, c->name, &c->reader);
	if (!err)
		err = c->ops->open(opts, &c->ctx, why);
	if (err)
		return err;
	c->stats.name = c->name;
	c->stats.kind = c->ops->kind;
	o->nchannels++;
	return 0;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int thread_start(pthread_t *thread, void *(*run)(void *), void *ctx, const char *name)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(thread, NULL, run, ctx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		pthread_setname_np(*thread, name);
	return -r;
}

static void *sync_thread(void *ctx)
{
	struct outlets *o = ctx;

	spool_sync(o->spool, &o->stop);
	return NULL;
}

static int outlets_start(struct outlets *o)
{
	int err = thread_start(&o->thread, intake_thread, o, "alerts");

	o->started = !err;
	if (!err)
		err = thread_start(&o->syncer, sync_thread, o, "alerts-sync");
	o->syncing = o->started && !err;
	for (size_t i = 0; !err && i < o->nchannels; i++) {
		struct channel *c = &o->channels[i];
		char name[16];

		snprintf(name, sizeof(name), "to-%.12s", c->name);
		err = thread_start(&c->thread, channel_thread, c, name);
		c->started = !err;
	}
	return err;
}

static int outlets_spool(struct outlets *o, const struct outlets_opts *opts, struct buf *why)
{
	bool disk = opts->spool_dir && *opts->spool_dir;
	struct spool_opts s = { .dir = disk ? opts->spool_dir : NULL, .max_bytes = opts->spool_bytes };
	int err;

	if (!s.max_bytes)
		s.max_bytes = disk ? SPOOL_DISK : SPOOL_MEMORY;
	if (s.max_bytes < OUTLETS_SPOOL_MIN)
		s.max_bytes = OUTLETS_SPOOL_MIN;
	if (disk)
		buf_printf(why, "%s: ", opts->spool_dir);
	err = spool_open(&s, &o->spool, why);
	if (!err && disk)
		why->n -= strlen(opts->spool_dir) + 2;
	return err;
}

static void outlets_closep(struct outlets **o)
{
	outlets_close(*o, 0);
}

int outlets_open(const struct outlets_opts *opts, struct outlets **ret, struct buf *why)
{
	_cleanup_(outlets_closep) struct outlets *o = calloc(1, sizeof(*o));
	pthread_condattr_t attr;
	int err;

	if (!o)
		return -ENOMEM;
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->filled, &attr);
	pthread_cond_init(&o->stopped, &attr);
	pthread_condattr_destroy(&attr);
	o->backoff_min_ms = opts->backoff_min_ms ? opts->backoff_min_ms : BACKOFF_MIN_MS;
	o->backoff_max_ms = opts->backoff_max_ms ? opts->backoff_max_ms : BACKOFF_MAX_MS;
	if (opts->nchannels > OUTLETS_MAX) {
		buf_printf(why, "more than %d channels", OUTLETS_MAX);
		return -EINVAL;
	}
	err = outlets_spool(o, opts, why);
	for (size_t i = 0; !err && i < opts->nchannels; i++) {
		size_t n = why->n;

		buf_printf(why, "%s: ", opts->channels[i].kind ? opts->channels[i].kind : "?");
		err = channel_open(o, &opts->channels[i], why);
		if (!err)
			why->n = n;
	}
	if (!err) {
		spool_absent(o->spool);
		err = outlets_start(o);
	}
	if (err)
		return err;
	*ret = take_ptr(o);
	return 0;
}

void outlets_reopen(struct outlets *o)
{
	for (size_t i = 0; i < o->nchannels; i++)
		atomic_store(&o->channels[i].reopen, true);
}

size_t outlets_count(const struct outlets *o)
{
	return o->nchannels;
}

void outlets_channel(const struct outlets *o, size_t i, struct outlet_stats *ret)
{
	struct outlets *w = (struct outlets *)o;
	struct spool_reader_stats r;

	spool_reader_stats(o->spool, o->channels[i].reader, &r);
	pthread_mutex_lock(&w->lock);
	*ret = o->channels[i].stats;
	pthread_mutex_unlock(&w->lock);
	ret->pending = r.pending;
	memcpy(ret->dropped, r.dropped, sizeof(ret->dropped));
}

void outlets_stats(const struct outlets *o, struct outlets_stats *ret)
{
	struct outlets *w = (struct outlets *)o;
	struct spool_stats s;

	spool_stats(o->spool, &s);
	pthread_mutex_lock(&w->lock);
	*ret = o->stats;
	pthread_mutex_unlock(&w->lock);
	ret->spool_bytes = s.bytes;
	ret->spool_max_bytes = s.max_bytes;
	ret->spool_errors = s.errors;
	ret->spool_refused = s.refused;
	ret->spool_absent = s.absent;
	ret->spool_expired = s.expired;
	ret->sync_errors = s.sync_errors;
	ret->damaged_bytes = s.damaged;
}

static uint64_t outlets_pending(struct outlets *o)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < o->nchannels; i++) {
		struct spool_reader_stats r;

		spool_reader_stats(o->spool, o->channels[i].reader, &r);
		sum += r.pending;
	}
	return sum;
}

/* Ends the intake: all that was put is in the spool then. */
static void intake_end(struct outlets *o)
{
	pthread_mutex_lock(&o->lock);
	o->ended = true;
	pthread_cond_signal(&o->filled);
	pthread_mutex_unlock(&o->lock);
	if (o->started)
		pthread_join(o->thread, NULL);
}

uint64_t outlets_close(struct outlets *o, uint32_t deadline_ms)
{
	uint64_t left = 0, until;

	if (!o)
		return 0;
	intake_end(o);
	until = clock_read_ns(CLOCK_MONOTONIC) + deadline_ms * NS_PER_MS;
	if (o->spool) {
		while (outlets_pending(o) && clock_read_ns(CLOCK_MONOTONIC) < until)
			nanosleep(&(struct timespec){ .tv_nsec = NS_PER_MS }, NULL);
		pthread_mutex_lock(&o->lock);
		atomic_store(&o->stop, true);
		pthread_cond_broadcast(&o->stopped);
		pthread_mutex_unlock(&o->lock);
		spool_wake(o->spool);
	}
	if (o->syncing)
		pthread_join(o->syncer, NULL);
	for (size_t i = 0; i < o->nchannels; i++) {
		struct channel *c = &o->channels[i];

		if (c->started)
			pthread_join(c->thread, NULL);
		c->ops->close(c->ctx);
		buf_free(&c->batch.bytes);
	}
	if (o->spool)
		left = outlets_pending(o);
	spool_close(o->spool);
	pthread_cond_destroy(&o->filled);
	pthread_cond_destroy(&o->stopped);
	pthread_mutex_destroy(&o->lock);
	free(o);
	return left;
}

static const struct channel_ops *const kinds[] = {
	&channel_stdout, &channel_file, &channel_syslog, &channel_journald, &channel_http, NULL,
};
