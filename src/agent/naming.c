/*
 * Two parts that share the symbols under one lock: the thread that opens files, and the lookups.
 * The set of files already seen is the pipeline's own.
 */
#include "agent/naming.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include "agent/naming_jit.h"
#include "agent/python_names.h"
#include "agent/unwind_file.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "symbol/kernel.h"

#define UNDO_MAX 64

#define FRAMES_MAX (STACK_KERNEL_MAX + STACK_USER_MAX * 2 + PY_FRAMES_MAX + 2)

struct wanted {
	uint64_t hash;
	uint32_t pid;
	struct rec_vma vma;
};

struct naming {
	pthread_t thread;
	pthread_mutex_t lock; /* queue, stats, stop, undo */
	pthread_cond_t changed;
	struct wanted queue[NAMING_QUEUE];
	size_t head, waiting;
	bool stop, working;
	atomic_size_t nundo; /* files to be tried again with their next process */
	uint64_t undo[UNDO_MAX];
	struct naming_stats stats;
	struct python_names *python;

	pthread_mutex_t names; /* what follows */
	struct symbols *symbols;
	struct kernel *kernel;
	struct jits *jits;
	int host_root;

	uint64_t seen[NAMING_FILES * 2]; /* hashes of file and process; the pipeline's */
	size_t nseen;
};

static struct symbols_file symbols_key(const struct file_key *k)
{
	return (struct symbols_file){ k->ino, k->dev, k->gen };
}

/* --- the thread that opens files ------------------------------------------------------------------ */

static struct str path_of(int fd, char text[PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, text, PATH_MAX);
	return n > 0 ? (struct str){ text, (size_t)n } : STR_NONE;
}

static void file_open(struct naming *n, const struct wanted *w)
{
	const struct symbols_file key = symbols_key(&w->vma.file);
	_cleanup_(closep) int root = -1;
	char path[PATH_MAX], name[64];
	int fd = -1, err = unwind_file_open((pid_t)w->pid, &w->vma, &fd);

	snprintf(name, sizeof(name), "/proc/%u/root", w->pid);
	root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pthread_mutex_lock(&n->names);
	if (!err)
		(void)symbols_add(n->symbols, &key, fd, path_of(fd, path), root);
	pthread_mutex_unlock(&n->names);
	pthread_mutex_lock(&n->lock);
	n->stats.gone += err != 0;
	if (err && n->nundo < UNDO_MAX)
		n->undo[n->nundo++] = w->hash;
	n->stats.opened += err == 0;
	pthread_mutex_unlock(&n->lock);
}

static void wanted_open(struct naming *n, const struct wanted *w)
{
	if (w->vma.file.ino) {
		file_open(n, w);
		return;
	}
	pthread_mutex_lock(&n->names);
	if (w->vma.file.dev == VMA_VDSO) {
		const struct symbols_file key = symbols_key(&w->vma.file);

		(void)symbols_add_vdso(n->symbols, &key);
	} else {
		jits_open(n->jits, w->pid);
	}
	pthread_mutex_unlock(&n->names);
}

static void *opener(void *ctx)
{
	struct naming *n = ctx;

	pthread_mutex_lock(&n->lock);
	for (;;) {
		struct wanted w;

		while (!n->waiting && !n->stop)
			pthread_cond_wait(&n->changed, &n->lock);
		if (n->stop)
			break;
		w = n->queue[n->head];
		n->head = (n->head + 1) % NAMING_QUEUE;
		n->waiting--;
		n->working = true;
		pthread_mutex_unlock(&n->lock);
		wanted_open(n, &w);
		pthread_mutex_lock(&n->lock);
		n->working = false;
		pthread_cond_broadcast(&n->changed);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------------ */

static void naming_release(struct naming *n)
{
	python_names_stop(n->python);
	symbols_free(n->symbols);
	kernel_free(n->kernel);
	jits_free(n->jits);
	closep(&n->host_root);
	pthread_mutex_destroy(&n->lock);
	pthread_mutex_destroy(&n->names);
	pthread_cond_destroy(&n->changed);
	free(n);
}

static int names_open(struct naming *n, const struct naming_opts *o)
{
	struct symbols_opts opts = { .lines = o->lines,
				     .bytes_max = o->bytes_max,
				     .modules_max = o->modules_max };
	_cleanup_(closep) int fd = o->kallsyms;
	int err;

	n->host_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	opts.host_root_fd = n->host_root;
	err = symbols_open(&opts, &n->symbols);
	if (!err)
		err = jits_new(NAMING_JITS, &n->jits);
	if (!err)
		err = python_names_start(&n->python);
	if (err)
		return err;
	if (fd < 0)
		fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? 0 : kernel_open(take_fd(&fd), &n->kernel);
}

int naming_open(const struct naming_opts *o, struct naming **ret)
{
	struct naming *n = calloc(1, sizeof(*n));
	sigset_t all, before;
	int err;

	if (!n)
		return -ENOMEM;
	n->host_root = -1;
	pthread_mutex_init(&n->lock, NULL);
	pthread_mutex_init(&n->names, NULL);
	pthread_cond_init(&n->changed, NULL);
	err = names_open(n, o);
	if (!err) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		err = -pthread_create(&n->thread, NULL, opener, n);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (err) {
		naming_release(n);
		return err;
	}
	*ret = n;
	return 0;
}

int naming_start(bool lines, struct naming **ret)
{
	const struct naming_opts o = { .lines = lines, .kallsyms = -1 };

	return naming_open(&o, ret);
}

void naming_stop(struct naming *n)
{
	if (!n)
		return;
	pthread_mutex_lock(&n->lock);
	n->stop = true;
	pthread_cond_broadcast(&n->changed);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
	naming_release(n);
}

/* --- the pipeline's side --------------------------------------------------------------------------- */

/* True when it was not there before. */
static bool seen_first(struct naming *n, uint64_t hash)
{
	const size_t mask = NAMING_FILES * 2 - 1;
	size_t at = hash & mask;

	hash = hash ? hash : 1;
	while (n->seen[at] && n->seen[at] != hash)
		at = (at + 1) & mask;
	if (n->seen[at])
		return false;
	if (n->nseen >= NAMING_FILES) {
		memset(n->seen, 0, sizeof(n->seen));
		n->nseen = 0;
		at = hash & mask;
	}
	n->seen[at] = hash;
	n->nseen++;
	return true;
}

static void seen_undo(struct naming *n, uint64_t hash)
{
	const size_t mask = NAMING_FILES * 2 - 1;

	/* What was put behind it must still be found: the place is kept, under a name nobody has. */
	for (size_t at = hash & mask; n->seen[at]; at = (at + 1) & mask)
		if (n->seen[at] == (hash ? hash : 1)) {
			n->seen[at] = UINT64_MAX;
			return;
		}
}

/* Those whose process was gone before they could be opened. */
static void seen_undo_all(struct naming *n)
{
	if (!n->nundo)
		return;
	pthread_mutex_lock(&n->lock);
	while (n->nundo)
		seen_undo(n, n->undo[--n->nundo]);
	pthread_mutex_unlock(&n->lock);
}

void naming_seen(struct naming *n, uint32_t pid, const struct rec_vma *vma, size_t nvma)
{
	seen_undo_all(n);
	for (size_t i = 0; i < nvma; i++) {
		const struct file_key *k = &vma[i].file;
		uint64_t hash = hash_u64(k->ino) ^ hash_u64(((uint64_t)k->dev << 32) | k->gen);
		bool queued;

		if (!k->ino && k->dev == VMA_NONE)
			continue;
		if (!k->ino && k->dev == VMA_ANON)
			hash ^= hash_u64(pid);
		if (!seen_first(n, hash))
			continue;
		pthread_mutex_lock(&n->lock);
		queued = n->waiting < NAMING_QUEUE;
		if (queued) {
			n->queue[(n->head + n->waiting++) % NAMING_QUEUE] =
				(struct wanted){ hash, pid, vma[i] };
			pthread_cond_broadcast(&n->changed);
		}
		n->stats.queue_full += !queued;
		pthread_mutex_unlock(&n->lock);
		if (!queued)
			seen_undo(n, hash);
	}
}

void naming_interp(struct naming *n, uint32_t pid, uint64_t start_ns, const struct stack *s)
{
	python_names_seen(n->python, pid, start_ns, s);
}

void naming_stats(struct naming *n, struct naming_stats *ret)
{
	pthread_mutex_lock(&n->lock);
	*ret = n->stats;
	pthread_mutex_unlock(&n->lock);
}

/* --- names ----------------------------------------------------------------------------------------- */

/* The numbers of the frames of one stack, leaf first. */
struct numbers {
	struct profile *p;
	uint32_t id[FRAMES_MAX];
	size_t n;
};

static int frame_add(struct numbers *to, const struct frame *f)
{
	int err;

	if (to->n >= FRAMES_MAX)
		return 0;
	err = profile_frame(to->p, f, &to->id[to->n]);
	if (err == -ENOSPC) {
		to->id[to->n] = PROFILE_FRAME_FULL;
		err = 0;
	}
	to->n += err == 0;
	return err;
}

/* One pass over the kernel's symbols for all addresses of a batch. */
static int kernel_names(struct naming *n, const struct stacks *s)
{
	if (!n->kernel)
		return 0;
	for (size_t i = 0; i < stacks_count(s); i++) {
		const struct raw_stack *r = stacks_get(s, i);

		for (size_t k = 0; k < r->nkernel; k++) {
			if (kernel_want(n->kernel, r->data[k]) != -ENOSPC)
				continue;
			if (kernel_resolve(n->kernel) == -ENOMEM)
				return -ENOMEM;
			(void)kernel_want(n->kernel, r->data[k]);
		}
	}
	return kernel_resolve(n->kernel);
}

static int kernel_frames(struct naming *n, const struct stack *s, struct numbers *to)
{
	for (size_t i = 0; i < s->nkernel; i++) {
		struct frame f = {
			.module = STR("[kernel]"),
			.address = s->kernel[i],
			.kind = FRAME_KERNEL,
		};
		int err;

		if (n->kernel)
			f = kernel_frame(n->kernel, s->kernel[i], i > 0);
		err = frame_add(to, &f);
		if (err)
			return err;
	}
	return 0;
}

static int file_frames(struct naming *n, const struct rec_vma *v, uint64_t address, struct numbers *to)
{
	const struct symbols_file key = symbols_key(&v->file);
	uint64_t off = stack_address(address) - v->start + v->off;
	const struct frame *f = NULL;
	int got = symbols_frames(n->symbols, &key, off, !(address & STACK_EXACT), &f), err = 0;

	if (got == -ENOENT) {
		const struct frame unknown = { .address = off, .kind = FRAME_NATIVE };

		return frame_add(to, &unknown);
	}
	for (int i = 0; i < got && !err; i++)
		err = frame_add(to, &f[i]);
	return got < 0 ? got : err;
}

static int user_frame(struct naming *n, const struct raw_stack *r, const struct stack *s,
		      uint64_t address, struct numbers *to)
{
	const struct rec_vma *v = stack_vma(s, address);
	struct frame f = { .address = stack_address(address), .kind = FRAME_NATIVE };

	if (v && (v->file.ino || v->file.dev == VMA_VDSO))
		return file_frames(n, v, address, to);
	if (v && v->file.dev == VMA_ANON) {
		f.kind = FRAME_JIT;
		f.module = STR("[jit]");
		(void)jits_find(n->jits, r->pid, stack_lookup(address), &f);
	}
	return frame_add(to, &f);
}

/* Why the stack ends before its outermost function. */
static const char *const cut[STACK_ENDS] = {
	[STACK_DEEP] = "[cut: too deep]",
	[STACK_NO_MAPPING] = "[cut: address in no mapping]",
	[STACK_NO_TABLE] = "[cut: unwind table not there yet]",
	[STACK_NO_ROW] = "[cut: code without unwind information]",
	[STACK_FAULT] = "[cut: stack memory not readable]",
	[STACK_REGISTER] = "[cut: register not known]",
	[STACK_STUCK] = "[cut: broken stack]",
};

static const char *const interp_cut[INTERP_ENDS] = {
	[INTERP_FAULT] = "[cut: Python frame not readable]",
	[INTERP_DEEP] = "[cut: too many Python frames]",
};

static int mark_add(struct numbers *to, const char *text)
{
	const struct frame mark = { .function = str_of(text), .kind = FRAME_MARK };

	return text ? frame_add(to, &mark) : 0;
}

/* @count frames of the interpreter from *@at on. */
static int interp_frames(struct naming *n, const struct raw_stack *r, const struct stack *s,
			 size_t count, size_t *at, struct numbers *to)
{
	struct python_text text;
	int err = 0;

	for (; count && !err; count--, ++*at) {
		const struct rec_interp_frame *f = &s->frame[*at];

		if (f->code) {
			const struct frame frame = python_names_frame(n->python, r->pid, r->start_ns,
								      s->interp->version, f, &text);

			err = frame_add(to, &frame);
		}
	}
	return err;
}

/* Interpreted frames stand where the loop that runs them stood; what is left, at the end. */
static int user_frames(struct naming *n, const struct raw_stack *r, const struct stack *s,
		       struct numbers *to)
{
	size_t without = python_loops_without(s), at = 0;
	int err = 0;

	for (size_t i = 0; i < s->nuser && !err; i++) {
		const bool loop = stack_in_loop(s, s->user[i]);
		const size_t count = loop && !without ? python_frames_of_loop(s, at) : 0;

		if (count) {
			err = interp_frames(n, r, s, count, &at, to);
			continue;
		}
		/* One that was entered and has no frame yet. */
		if (loop && !without && s->interp && at < s->interp->n)
			at++;
		without -= loop && without;
		err = user_frame(n, r, s, s->user[i], to);
	}
	return err || !s->interp ? err : interp_frames(n, r, s, s->interp->n - at, &at, to);
}

static int stack_names(struct naming *n, const struct raw_stack *r, struct numbers *to)
{
	const struct stack s = stacks_view(r);
	int err = kernel_frames(n, &s, to);

	if (!err)
		err = user_frames(n, r, &s, to);
	if (!err && s.interp)
		err = mark_add(to, interp_cut[s.interp->end]);
	return err ? err : mark_add(to, cut[s.end]);
}

static void opener_wait(struct naming *n)
{
	pthread_mutex_lock(&n->lock);
	while (n->waiting || n->working)
		pthread_cond_wait(&n->changed, &n->lock);
	pthread_mutex_unlock(&n->lock);
}

int naming_profile(struct naming *n, const struct stacks *s, struct profile *p)
{
	_cleanup_(freep) struct numbers *to = malloc(sizeof(*to));
	size_t maps;
	int hidden, err = 0;

	if (!to)
		return -ENOMEM;
	opener_wait(n);
	python_names_settle(n->python);
	pthread_mutex_lock(&n->names);
	hidden = kernel_names(n, s);
	maps = jits_update(n->jits);
	for (size_t i = 0; i < stacks_count(s) && !err; i++) {
		const struct raw_stack *r = stacks_get(s, i);

		*to = (struct numbers){ .p = p };
		err = stack_names(n, r, to);
		if (!err)
			err = profile_add(p, r->series, to->id, to->n, r->value);
	}
	(void)symbols_tick(n->symbols, clock_boot().ns);
	pthread_mutex_unlock(&n->names);
	pthread_mutex_lock(&n->lock);
	n->stats.kernel_hidden += hidden != 0 && hidden != -ENOMEM;
	n->stats.jit_maps += maps;
	n->stats.unnamed += err != 0;
	pthread_mutex_unlock(&n->lock);
	return err;
}
