/* A set of hashes of files that were looked at (the pipeline's), a queue, the thread. */
#include "agent/python_files.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/unwind_file.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "symbol/python_file.h"

#define TRY_AGAIN 2 /* in the set: a place nobody has; hashes are odd */

struct wanted {
	uint64_t hash;
	uint32_t pid;
	struct rec_vma vma;
};

struct python_files {
	pthread_t thread;
	pthread_mutex_t lock; /* queue, stats, stop, seen */
	pthread_cond_t wake;
	bool stop;
	size_t head, waiting;
	struct wanted queue[PYTHON_FILES_QUEUE];
	struct python_files_stats stats;
	int files_fd, layouts_fd;

	uint32_t next; /* index in the kernel's maps; the thread's */
	struct file_key keys[PY_FILES];

	size_t nseen;
	uint64_t seen[PYTHON_FILES_KNOWN * 2];
};

/* --- the thread ------------------------------------------------------------------------------------ */

static struct py_layout layout_make(const struct python_file *f)
{
	const struct python_layout *l = &f->layout;

	return (struct py_layout){
		.runtime = f->runtime,
		.loop_begin = f->loop_off,
		.loop_n = f->loop_n,
		.interpreters = l->interpreters,
		.current = l->current,
		.interp_next = l->interp_next,
		.interp_threads = l->interp_threads,
		.interp_gil = l->interp_gil,
		.gil_holder = l->gil_holder,
		.thread_next = l->thread_next,
		.thread_id = l->thread_id,
		.thread_frame = l->thread_frame,
		.cframe_frame = l->cframe_frame,
		.frame_code = l->frame_code,
		.frame_previous = l->frame_previous,
		.frame_instr = l->frame_instr,
		.frame_mark = l->frame_mark,
		.mark_owner = l->mark_owner,
		.code_instr = l->code_instr,
		.version = l->version,
	};
}

/* First the layout, then the file that names it; the one before at its place goes first. */
static int file_tell(struct python_files *p, const struct file_key *key, const struct python_file *f)
{
	const struct py_layout layout = layout_make(f);
	uint32_t index = p->next % PY_FILES;

	if (p->next >= PY_FILES)
		bpf_map_delete_elem(p->files_fd, &p->keys[index]);
	if (bpf_map_update_elem(p->layouts_fd, &index, &layout, BPF_ANY) != 0 ||
	    bpf_map_update_elem(p->files_fd, key, &index, BPF_ANY) != 0)
		return -errno;
	p->keys[index] = *key;
	p->next++;
	return 0;
}

/* -ESRCH: the process is gone; as python_file. */
static int file_look(const struct wanted *w, struct python_file *ret)
{
	struct image im;
	int fd, err;

	if (unwind_file_open((pid_t)w->pid, &w->vma, &fd) != 0)
		return -ESRCH;
	if (image_open(fd, &im) != 0)
		return -ENOENT;
	err = python_file(&im, ret);
	image_close(&im);
	return err;
}

static size_t seen_find(const struct python_files *p, uint64_t hash)
{
	const size_t mask = PYTHON_FILES_KNOWN * 2 - 1;
	size_t at = hash >> 1 & mask;

	while (p->seen[at] && p->seen[at] != hash)
		at = (at + 1) & mask;
	return at;
}

/* The next process that maps it may live longer. */
static void seen_undo(struct python_files *p, uint64_t hash)
{
	size_t at = seen_find(p, hash);

	if (p->seen[at])
		p->seen[at] = TRY_AGAIN;
}

static void wanted_serve(struct python_files *p, const struct wanted *w)
{
	struct python_file f = { 0 };
	int err = file_look(w, &f), told = 0;

	if (!err)
		told = file_tell(p, &w->vma.file, &f);
	pthread_mutex_lock(&p->lock);
	p->stats.found += !err && !told;
	p->stats.failed += told != 0;
	p->stats.unknown += err == -ENOTSUP;
	p->stats.gone += err == -ESRCH;
	if (err == -ESRCH)
		seen_undo(p, w->hash);
	pthread_mutex_unlock(&p->lock);
}

static bool wanted_take(struct python_files *p, struct wanted *ret)
{
	bool stop;

	pthread_mutex_lock(&p->lock);
	while (!p->waiting && !p->stop)
		pthread_cond_wait(&p->wake, &p->lock);
	stop = p->stop;
	if (!stop) {
		*ret = p->queue[p->head];
		p->head = (p->head + 1) % PYTHON_FILES_QUEUE;
		p->waiting--;
	}
	pthread_mutex_unlock(&p->lock);
	return !stop;
}

static void *files_run(void *ctx)
{
	struct wanted w;

	while (wanted_take(ctx, &w))
		wanted_serve(ctx, &w);
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------------ */

static void files_free(struct python_files *p)
{
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	free(p);
}

int python_files_start(int files_fd, int layouts_fd, struct python_files **ret)
{
	struct python_files *p = calloc(1, sizeof(*p));
	sigset_t all, before;
	int err;

	if (!p)
		return -ENOMEM;
	p->files_fd = files_fd;
	p->layouts_fd = layouts_fd;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	err = -pthread_create(&p->thread, NULL, files_run, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		files_free(p);
	else
		*ret = p;
	return err;
}

void python_files_stop(struct python_files *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	files_free(p);
}

/* --- the pipeline's side --------------------------------------------------------------------------- */

/* Under the lock. */
static void wanted_add(struct python_files *p, uint32_t pid, const struct rec_vma *vma,
		       uint64_t hash, size_t at)
{
	if (p->waiting == PYTHON_FILES_QUEUE) {
		p->stats.queue_full++;
		return;
	}
	p->queue[(p->head + p->waiting++) % PYTHON_FILES_QUEUE] = (struct wanted){ hash, pid, *vma };
	pthread_cond_signal(&p->wake);
	p->seen[at] = hash;
	p->nseen++;
}

void python_files_seen(struct python_files *p, uint32_t pid, const struct stack *s)
{
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < s->nvma; i++) {
		const struct file_key *k = &s->vma[i].file;
		uint64_t hash = hash_u64(k->ino ^ hash_u64((uint64_t)k->dev << 32 | k->gen)) | 1;
		size_t at;

		if (!k->ino)
			continue;
		if (p->nseen >= PYTHON_FILES_KNOWN) {
			memset(p->seen, 0, sizeof(p->seen));
			p->nseen = 0;
		}
		at = seen_find(p, hash);
		if (!p->seen[at])
			wanted_add(p, pid, &s->vma[i], hash, at);
	}
	pthread_mutex_unlock(&p->lock);
}

void python_files_stats(struct python_files *p, struct python_files_stats *ret)
{
	pthread_mutex_lock(&p->lock);
	*ret = p->stats;
	pthread_mutex_unlock(&p->lock);
}
