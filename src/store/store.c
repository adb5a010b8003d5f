/*
 * Two buffers change places: one is filled under the lock, the other is the thread's. The thread
 * sleeps while there is nothing to write.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/folder.h"
#include "store/folder.h"
#include "store/slice.h"

#define SLICES	      16 /* that max_bytes is divided into at least */
#define LOG_PAGES_MAX 1000
#define TAKEN_KEEP    (256u << 10) /* of memory, until the next rows */
#define ROW_BYTES_MAX (512u << 10)
#define PAGE	      4096

struct store {
	struct store_opts opts;
	char path[PATH_MAX]; /* without links */
	int dir;
	struct buf scratch; /* of who puts events */

	/* The thread's. */
	struct slice *slice;
	char name[STORE_FILE_BYTES]; /* of it; "": none */
	int64_t started_ns;
	uint64_t retry_ns; /* CLOCK_MONOTONIC; 0: now */
	struct buf taken;

	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	struct buf filling;
	struct store_stats stats;
	bool stop, ended;
};

static uint64_t mono_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

static uint64_t slice_bytes(const struct store *st)
{
	return st->opts.max_bytes / SLICES;
}

/* Of one slice's log. It may grow by a transaction beyond. */
static unsigned log_pages(const struct store *st)
{
	uint64_t pages = slice_bytes(st) / 4 / PAGE;

	return (unsigned)(pages > LOG_PAGES_MAX ? LOG_PAGES_MAX : pages);
}

/* What a transaction may add before it is looked again: its pages in the log and in the file. */
static uint64_t headroom(const struct store *st)
{
	return 4ull * STORE_CHUNK_BYTES + (uint64_t)log_pages(st) * PAGE;
}

/* --- the thread: slices --- */

static void prune(struct store *st)
{
	const int64_t oldest = (int64_t)clock_wall().ns - (int64_t)st->opts.max_age_ns;
	uint64_t removed = 0, bytes = 0;

	(void)store_folder_prune(st->dir, st->name[0] ? st->name : NULL,
				 st->opts.max_bytes - headroom(st), oldest, &removed, &bytes);
	pthread_mutex_lock(&st->lock);
	st->stats.removed += removed;
	st->stats.bytes = bytes;
	pthread_mutex_unlock(&st->lock);
}

static void slice_end(struct store *st, bool whole)
{
	slice_close(st->slice, whole);
	st->slice = NULL;
	st->name[0] = '\0';
}

static void path_of(const struct store *st, const char *name, char ret[PATH_MAX + STORE_FILE_BYTES])
{
	snprintf(ret, PATH_MAX + STORE_FILE_BYTES, "%s/%s", st->path, name);
}

static int slice_start(struct store *st, struct buf *why)
{
	char path[PATH_MAX + STORE_FILE_BYTES];
	int err;

	if (mono_ns() < st->retry_ns)
		return -EAGAIN;
	st->started_ns = (int64_t)clock_wall().ns;
	store_file_name(st->started_ns, st->name);
	path_of(st, st->name, path);
	err = slice_new(path, st->opts.schema, log_pages(st), &st->slice, why);
	if (err) {
		store_folder_remove(st->dir, st->name);
		st->name[0] = '\0';
		st->retry_ns = mono_ns() + STORE_RETRY_MS * NS_PER_MS;
	}
	return err;
}

static bool slice_old(const struct store *st)
{
	const int64_t age = (int64_t)clock_wall().ns - st->started_ns;

	/* Clocks may be set back. */
	return st->slice && (age < 0 || (uint64_t)age >= st->opts.slice_ns);
}

static bool slice_large(const struct store *st)
{
	struct store_files l = { 0 };
	bool large = false;

	if (!st->slice || store_folder_list(st->dir, &l) != 0)
		return false;
	for (size_t i = 0; i < l.n; i++)
		if (strcmp(l.list[i].name, st->name) == 0)
			large = l.list[i].bytes >= slice_bytes(st);
	store_files_free(&l);
	return large;
}

/* --- the thread: rows --- */

struct chunk {
	uint64_t rows[STORE_TABLES], n;
};

/* The rows of one transaction; @c moves behind them in any case. */
static int chunk_put(struct store *st, struct cur *c, struct chunk *k, struct buf *why)
{
	const size_t before = cur_left(c);
	struct cur own, who;
	struct row_head h;
	int err = slice_begin(st->slice, why);

	while (before - cur_left(c) < STORE_CHUNK_BYTES && row_read(c, &h, &own, &who)) {
		if (!err)
			err = slice_put(st->slice, &h, own, who, why);
		k->rows[h.table]++;
		k->n++;
	}
	return err ? err : slice_commit(st->slice, why);
}

static void trouble(struct store *st, int err, const struct buf *why)
{
	/* A new attempt that was put off is no new trouble. */
	if (err == -EAGAIN)
		return;
	st->stats.err = err;
	snprintf(st->stats.why, sizeof(st->stats.why), "%.*s", STR_ARG(buf_slice(why)));
}

static void chunk_count(struct store *st, const struct chunk *k, int err, const struct buf *why)
{
	pthread_mutex_lock(&st->lock);
	for (size_t i = 0; i < STORE_TABLES && !err; i++)
		st->stats.rows[i] += k->rows[i];
	st->stats.not_written += err ? k->n : 0;
	trouble(st, err, why);
	pthread_mutex_unlock(&st->lock);
}

static int chunk_write(struct store *st, struct cur *c, struct chunk *k, struct buf *why)
{
	struct row_head h;
	struct cur own, who;
	int err = st->slice ? 0 : slice_start(st, why);

	if (!err)
		err = chunk_put(st, c, k, why);
	else
		for (; row_read(c, &h, &own, &who); k->n++)
			;
	if (err && st->slice) {
		slice_end(st, false);
		st->retry_ns = mono_ns() + STORE_RETRY_MS * NS_PER_MS;
	}
	return err;
}

static void batch_write(struct store *st)
{
	struct cur c = cur_of(st->taken.p, st->taken.n);

	if (slice_old(st))
		slice_end(st, true);
	while (cur_left(&c)) {
		_cleanup_(buf_free) struct buf why = { 0 };
		struct chunk k = { 0 };
		int err = chunk_write(st, &c, &k, &why);

		chunk_count(st, &k, err, &why);
		if (!k.n)
			break;
		if (slice_large(st))
			slice_end(st, true);
		prune(st);
	}
	if (st->taken.cap > TAKEN_KEEP)
		buf_free(&st->taken);
	buf_reset(&st->taken);
}

/* --- the thread itself --- */

static struct timespec after(uint64_t ns)
{
	const uint64_t t = mono_ns() + ns;

	return (struct timespec){ (time_t)(t / NS_PER_SEC), (long)(t % NS_PER_SEC) };
}

/* With the lock: until there are rows, and then so long that they are worth a transaction. */
static void rows_wait(struct store *st)
{
	struct timespec until = after(st->opts.slice_ns);

	while (!st->filling.n && !st->stop)
		if (pthread_cond_timedwait(&st->changed, &st->lock, &until) == ETIMEDOUT)
			return;
	until = after(STORE_BATCH_MS * NS_PER_MS);
	while (st->filling.n < st->filling.max / 2 && !st->stop)
		if (pthread_cond_timedwait(&st->changed, &st->lock, &until) == ETIMEDOUT)
			return;
}

/* What a killed agent left, and what is too old: before the first row. */
static void folder_tidy(struct store *st)
{
	struct store_files l = { 0 };

	prune(st);
	if (store_folder_list(st->dir, &l) != 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		char path[PATH_MAX + STORE_FILE_BYTES];

		path_of(st, l.list[i].name, path);
		if (store_folder_unfinished(st->dir, l.list[i].name))
			(void)slice_tidy(path);
	}
	store_files_free(&l);
}

static void *writer(void *ctx)
{
	struct store *st = ctx;
	bool stop;

	folder_tidy(st);
	do {
		struct buf empty;

		pthread_mutex_lock(&st->lock);
		rows_wait(st);
		empty = st->taken;
		st->taken = st->filling;
		st->filling = empty;
		stop = st->stop;
		pthread_mutex_unlock(&st->lock);
		batch_write(st);
		if (!st->taken.n && slice_old(st)) {
			slice_end(st, true);
			prune(st);
		}
	} while (!stop);
	slice_end(st, true);
	pthread_mutex_lock(&st->lock);
	st->ended = true;
	pthread_cond_broadcast(&st->changed);
	pthread_mutex_unlock(&st->lock);
	return NULL;
}

/* --- putting --- */

void store_row(struct store *st, struct str row)
{
	pthread_mutex_lock(&st->lock);
	if (row.n > ROW_BYTES_MAX || st->filling.n + row.n > st->filling.max) {
		st->stats.queue_full++;
	} else {
		bool wake = !st->filling.n;

		buf_str(&st->filling, row);
		wake |= st->filling.n >= st->filling.max / 2 &&
			st->filling.n - row.n < st->filling.max / 2;
		if (st->filling.failed)
			st->stats.queue_full++;
		st->filling.failed = false;
		if (wake)
			pthread_cond_signal(&st->changed);
	}
	pthread_mutex_unlock(&st->lock);
}

void store_event(struct store *st, enum store_table_id table, const struct event *ev)
{
	uint64_t cut = 0;

	buf_reset(&st->scratch);
	if (row_event(&st->scratch, st->opts.schema, table, ev, &cut)) {
		store_row(st, buf_slice(&st->scratch));
	} else {
		pthread_mutex_lock(&st->lock);
		st->stats.queue_full++;
		pthread_mutex_unlock(&st->lock);
	}
	if (cut) {
		pthread_mutex_lock(&st->lock);
		st->stats.cut += cut;
		pthread_mutex_unlock(&st->lock);
	}
}

void store_stats(struct store *st, struct store_stats *ret)
{
	pthread_mutex_lock(&st->lock);
	*ret = st->stats;
	pthread_mutex_unlock(&st->lock);
}

/* --- life --- */

static void store_free(struct store *st)
{
	slice_end(st, true);
	buf_free(&st->filling);
	buf_free(&st->taken);
	buf_free(&st->scratch);
	closep(&st->dir);
	pthread_mutex_destroy(&st->lock);
	pthread_cond_destroy(&st->changed);
	free(st);
}

static int place_open(struct store *st)
{
	char real[PATH_MAX];
	int err = folder_make(st->opts.directory);

	if (!err)
		err = folder_open(st->opts.directory, &st->dir);
	if (err)
		return err;
	if (!realpath(st->opts.directory, real))
		return -errno;
	memcpy(st->path, real, sizeof(real));
	return faccessat(st->dir, ".", W_OK | X_OK, AT_EACCESS) == 0 ? 0 : -errno;
}

int store_open(const struct store_opts *o, struct store **ret)
{
	struct store *st = calloc(1, sizeof(*st));
	pthread_condattr_t attr;
	int err;

	if (!st)
		return -ENOMEM;
	st->opts = *o;
	if (!st->opts.slice_ns)
		st->opts.slice_ns = STORE_SLICE_NS;
	st->filling.max = st->taken.max = o->queue_bytes ? o->queue_bytes : STORE_QUEUE_BYTES;
	st->scratch.max = ROW_BYTES_MAX;
	st->dir = -1;
	pthread_mutex_init(&st->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&st->changed, &attr);
	pthread_condattr_destroy(&attr);
	err = o->max_bytes < STORE_BYTES_MIN ? -EINVAL : place_open(st);
	if (err) {
		store_free(st);
		return err;
	}
	*ret = st;
	return 0;
}

int store_start(struct store *st)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&st->thread, NULL, writer, st);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	st->running = err == 0;
	return err;
}

bool store_close(struct store *st, uint32_t wait_ms)
{
	const struct timespec until = after(wait_ms * NS_PER_MS);
	bool ended;

	if (!st)
		return true;
	if (st->running) {
		pthread_mutex_lock(&st->lock);
		st->stop = true;
		pthread_cond_broadcast(&st->changed);
		while (!st->ended &&
		       pthread_cond_timedwait(&st->changed, &st->lock, &until) != ETIMEDOUT)
			;
		ended = st->ended;
		pthread_mutex_unlock(&st->lock);
		if (!ended) {
			pthread_detach(st->thread);
			return false;
		}
		pthread_join(st->thread, NULL);
	}
	store_free(st);
	return true;
}
