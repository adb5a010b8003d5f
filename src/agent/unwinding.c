/*
 * Files by key, each in one state; the thread that makes tables; who goes when there is no room. The
 * lock is held for looking up and for changing states, never while a file is read or the kernel
 * told. What the maps hold (unwind_maps.h) is the thread's alone.
 */
#include "agent/unwinding.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/unwind_finish.h"
#include "base/cleanup.h"
#include "base/hash.h"

#define BUCKETS	  4096		   /* a power of two */
#define FILES_MAX (UW_FILES - 256) /* a preallocated map may refuse the last ones of each CPU */

enum file_state {
	FILE_QUEUED,
	FILE_READY,
	FILE_NONE, /* has no table */
	FILE_FULL, /* found no room: asked for again after keep_ns */
};

struct known_file {
	struct file_key key;
	enum file_state state;
	uint64_t used_ns, full_ns;
	uint32_t missed;	   /* stacks that ended for want of it */
	struct unwind_share share; /* of the maps; the thread's */
	struct known_file *next;   /* in its bucket */
};

struct request {
	uint32_t pid;
	struct rec_vma vma;
};

/* A sample that waits, a copy. */
struct pending {
	struct rec_hdr *h;
	size_t stack_at;
};

struct unwinding {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	uint64_t keep_ns;
	struct unwind_maps *maps;
	struct unwinding_stats stats;
	size_t nfiles;
	struct known_file *bucket[BUCKETS];
	size_t n; /* of the queue, in no order */
	struct request queue[UNWINDING_QUEUE];
	size_t pending_head, npending;
	struct pending pending[UNWINDING_PENDING];
	struct unwind_kept *kept; /* the thread's */
	unwinding_finished finished;
	void *ctx;
};

/* --- files, under the lock --- */

static struct known_file **file_slot(struct unwinding *u, const struct file_key *key)
{
	uint64_t h = hash_u64(key->ino ^ hash_u64((uint64_t)key->dev << 32 | key->gen));
	struct known_file **at = &u->bucket[h % BUCKETS];

	while (*at && memcmp(&(*at)->key, key, sizeof(*key)) != 0)
		at = &(*at)->next;
	return at;
}

static void file_forget(struct unwinding *u, const struct file_key *key)
{
	struct known_file **at = file_slot(u, key), *f = *at;

	if (!f)
		return;
	*at = f->next;
	free(f);
	u->nfiles--;
}

static struct known_file *file_oldest(struct unwinding *u)
{
	struct known_file *oldest = NULL;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct known_file *f = u->bucket[i]; f; f = f->next)
			if (f->state != FILE_QUEUED && (!oldest || f->used_ns < oldest->used_ns))
				oldest = f;
	return oldest;
}

static void request_add(struct unwinding *u, uint32_t pid, const struct rec_vma *vma, uint64_t now)
{
	struct known_file **at, *f;

	if (u->n == UNWINDING_QUEUE) {
		u->stats.queue_full++;
		return;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return;
	f->key = vma->file;
	f->state = FILE_QUEUED;
	f->used_ns = now;
	at = file_slot(u, &vma->file);
	*at = f;
	u->nfiles++;
	u->queue[u->n++] = (struct request){ pid, *vma };
	pthread_cond_signal(&u->wake);
}

/* Others may have gone out of use meanwhile. */
static void request_again(struct unwinding *u, struct known_file *f, uint32_t pid,
			  const struct rec_vma *vma, uint64_t now)
{
	if (f->state != FILE_FULL || now - f->full_ns < u->keep_ns || u->n == UNWINDING_QUEUE)
		return;
	f->state = FILE_QUEUED;
	u->stats.again++;
	u->queue[u->n++] = (struct request){ pid, *vma };
	pthread_cond_signal(&u->wake);
}

static bool has_table(const struct rec_vma *vma)
{
	return vma->file.ino || vma->file.dev == VMA_VDSO;
}

static bool pending_add(struct unwinding *u, const struct rec_hdr *h, size_t stack_at)
{
	struct rec_hdr *copy;

	if (u->npending == UNWINDING_PENDING) {
		u->stats.pending_full++;
		return false;
	}
	copy = malloc(h->len);
	if (!copy)
		return false;
	memcpy(copy, h, h->len);
	u->pending[(u->pending_head + u->npending++) % UNWINDING_PENDING] =
		(struct pending){ copy, stack_at };
	pthread_cond_signal(&u->wake);
	return true;
}

bool unwinding_seen(struct unwinding *u, const struct rec_hdr *h, size_t stack_at,
		    const struct stack *s)
{
	uint64_t now = clock_boot().ns;
	bool taken = false;

	pthread_mutex_lock(&u->lock);
	for (size_t i = 0; i < s->nvma; i++) {
		const struct rec_vma *vma = &s->vma[i];
		struct known_file *f = has_table(vma) ? *file_slot(u, &vma->file) : NULL;

		if (f) {
			f->used_ns = now;
			f->missed++;
			request_again(u, f, h->pid, vma, now);
		} else if (has_table(vma) && s->copy) { /* as the kernel has it: keys are right */
			request_add(u, h->pid, vma, now);
		}
	}
	if (s->copy)
		taken = pending_add(u, h, stack_at);
	pthread_mutex_unlock(&u->lock);
	return taken;
}

void unwinding_stats(struct unwinding *u, struct unwinding_stats *ret)
{
	pthread_mutex_lock(&u->lock);
	*ret = u->stats;
	pthread_mutex_unlock(&u->lock);
}

/* --- the thread --- */

/* Takes the longest unused out. False: none may go. */
static bool file_evict(struct unwinding *u, bool any)
{
	struct unwind_share share;
	struct known_file *f;
	struct file_key key;

	pthread_mutex_lock(&u->lock);
	f = file_oldest(u);
	if (f && !any && clock_boot().ns - f->used_ns < u->keep_ns)
		f = NULL;
	if (f) {
		key = f->key;
		share = f->share;
		u->stats.files -= f->state == FILE_READY;
		u->stats.evicted += f->state == FILE_READY;
		file_forget(u, &key);
	}
	pthread_mutex_unlock(&u->lock);
	if (f)
		unwind_maps_remove(u->maps, &key, &share);
	return f != NULL;
}

/* Puts the table in, making room. -ENOSPC when everything is in use. */
static int table_put(struct unwinding *u, const struct file_key *key, const struct unwind_table *t,
		     struct unwind_share *ret)
{
	int err = -ENOSPC;

	for (int i = 0; i < UNWINDING_EVICT; i++) {
		err = unwind_maps_add(u->maps, key, t, ret);
		if (err == -EDQUOT) {
			while (file_evict(u, true))
				;
			unwind_maps_reset(u->maps);
			u->stats.resets++; /* one writer; read under the lock by others: a count */
			err = unwind_maps_add(u->maps, key, t, ret);
		}
		if (err != -ENOSPC || !file_evict(u, false))
			break;
	}
	return err;
}

static bool is_gone(int err)
{
	return err == -ENOENT || err == -ESRCH || err == -EACCES || err == -EPERM;
}

/* The file's state after @err, the outcome; what has no table is told to the kernel. */
static void request_done(struct unwinding *u, const struct file_key *key, int err,
			 const struct unwind_share *share)
{
	struct known_file *f;

	if (err && !is_gone(err))
		unwind_maps_none(u->maps, key);
	pthread_mutex_lock(&u->lock);
	f = *file_slot(u, key);
	u->stats.built += !err;
	u->stats.files += !err;
	u->stats.gone += is_gone(err);
	u->stats.full += err == -ENOSPC;
	u->stats.none += err == -ENOEXEC || err == -EOPNOTSUPP;
	u->stats.failed += err && !is_gone(err) && err != -ENOSPC && err != -ENOEXEC &&
			   err != -EOPNOTSUPP;
	u->stats.pages = unwind_maps_pages(u->maps);
	u->stats.blocks = unwind_maps_blocks(u->maps);
	if (is_gone(err)) {
		file_forget(u, key);
	} else {
		f->state = err == -ENOSPC ? FILE_FULL : err ? FILE_NONE : FILE_READY;
		f->full_ns = clock_boot().ns;
		f->share = *share;
	}
	pthread_mutex_unlock(&u->lock);
}

static void request_serve(struct unwinding *u, const struct request *r)
{
	const struct unwind_table *t = unwind_kept_find(u->kept, &r->vma.file);
	struct unwind_share share = { 0 };
	int err = t ? 0 : unwind_kept_make(u->kept, r->pid, &r->vma, &t);

	if (!err && u->nfiles >= FILES_MAX && !file_evict(u, false))
		err = -ENOSPC;
	if (!err)
		err = table_put(u, &r->vma.file, t, &share);
	request_done(u, &r->vma.file, err, &share);
}

/* What cannot be completed goes on without its copy, or it would be taken again. */
static void pending_serve(struct unwinding *u, const struct pending *p)
{
	_cleanup_(freep) struct rec_hdr *given = p->h, *whole = NULL;
	struct rec_stack *head = (void *)((char *)p->h + p->stack_at);
	struct stack s;
	int err = stack_read(head, p->h->len - p->stack_at, &s);

	if (!err)
		err = unwind_finish(u->kept, p->h, p->stack_at, &s, &whole);
	if (err == -ENOMEM) {
		p->h->len = (uint32_t)((const char *)s.copy - (const char *)p->h);
		head->flags &= (uint8_t)~STACK_COPY;
	}
	if (!err || err == -ENOMEM)
		u->finished(u->ctx, err ? p->h : whole);
	pthread_mutex_lock(&u->lock);
	u->stats.finished += !err;
	pthread_mutex_unlock(&u->lock);
}

/* The request whose file was missed most often; under the lock. */
static struct request *request_best(struct unwinding *u)
{
	struct request *best = NULL;
	uint32_t most = 0;

	for (size_t i = 0; i < u->n; i++) {
		const struct known_file *f = *file_slot(u, &u->queue[i].vma.file);

		if (!best || (f && f->missed > most)) {
			best = &u->queue[i];
			most = f ? f->missed : 0;
		}
	}
	return best;
}

/*
 * Waits for a request or, when there is none, for a sample that is to be completed: tables come first,
 * samples in between find them. False: the end.
 */
static bool work_take(struct unwinding *u, struct request *ret_request, struct pending *ret_pending)
{
	struct request *best;
	bool stop;

	ret_pending->h = NULL;
	pthread_mutex_lock(&u->lock);
	while (!u->n && !u->npending && !u->stop)
		pthread_cond_wait(&u->wake, &u->lock);
	stop = u->stop;
	best = stop ? NULL : request_best(u);
	if (best) {
		*ret_request = *best;
		*best = u->queue[--u->n];
	} else if (!stop) {
		*ret_pending = u->pending[u->pending_head];
		u->pending_head = (u->pending_head + 1) % UNWINDING_PENDING;
		u->npending--;
	}
	pthread_mutex_unlock(&u->lock);
	return !stop;
}

static void *unwinding_run(void *ctx)
{
	struct unwinding *u = ctx;
	struct request r;
	struct pending p;

	while (work_take(u, &r, &p)) {
		if (p.h)
			pending_serve(u, &p);
		else
			request_serve(u, &r);
	}
	return NULL;
}

/* Signals are for the threads that wait for them. */
static int thread_start(struct unwinding *u)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	err = -pthread_create(&u->thread, NULL, unwinding_run, u);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

static void unwinding_free(struct unwinding *u)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (u->bucket[i]) {
			free(u->bucket[i]->share.pages);
			file_forget(u, &u->bucket[i]->key);
		}
	for (; u->npending; u->npending--)
		free(u->pending[u->pending_head++ % UNWINDING_PENDING].h);
	unwind_kept_free(u->kept);
	unwind_maps_close(u->maps);
	pthread_mutex_destroy(&u->lock);
	pthread_cond_destroy(&u->wake);
	free(u);
}

int unwinding_start(const struct unwind_map_fds *fds, unwinding_finished finished, void *ctx,
		    struct unwinding **ret)
{
	struct unwinding *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return -ENOMEM;
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->wake, NULL);
	u->keep_ns = UNWINDING_KEEP_NS;
	u->finished = finished;
	u->ctx = ctx;
	u->kept = unwind_kept_new();
	err = u->kept ? unwind_maps_open(fds, &u->maps) : -ENOMEM;
	if (!err)
		err = thread_start(u);
	if (err)
		unwinding_free(u);
	else
		*ret = u;
	return err;
}

void unwinding_set_keep(struct unwinding *u, uint64_t ns)
{
	pthread_mutex_lock(&u->lock);
	u->keep_ns = ns;
	pthread_mutex_unlock(&u->lock);
}

void unwinding_stop(struct unwinding *u)
{
	if (!u)
		return;
	pthread_mutex_lock(&u->lock);
	u->stop = true;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	pthread_join(u->thread, NULL);
	unwinding_free(u);
}
