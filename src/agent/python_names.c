/* A table of code objects under one lock; the thread reads without it. */
#include "agent/python_names.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/hash.h"

#define SLOTS (PYTHON_CODES * 2) /* a power of two */

struct key {
	uint64_t code, start_ns;
	uint32_t pid, version;
};

struct known {
	struct key key; /* code 0: empty */
	uint64_t read_ns;
	bool queued, valid;
	struct python_code code;
};

struct python_names {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stop, working;
	size_t head, waiting;
	struct key queue[PYTHON_CODES_QUEUE];
	size_t n, bytes;
	struct known *slot;
	struct python_names_stats stats;
};

static struct known *find(const struct python_names *p, const struct key *k)
{
	size_t at = hash_u64(k->code ^ hash_u64(k->start_ns ^ k->pid)) % SLOTS;

	while (p->slot[at].key.code && memcmp(&p->slot[at].key, k, sizeof(*k)) != 0)
		at = (at + 1) % SLOTS;
	return &p->slot[at];
}

static void forget_all(struct python_names *p)
{
	for (size_t i = 0; i < SLOTS; i++)
		python_code_free(&p->slot[i].code);
	memset(p->slot, 0, SLOTS * sizeof(p->slot[0]));
	p->n = p->bytes = 0;
}

/* --- the thread ------------------------------------------------------------------------------------ */

static bool memory_read(void *ctx, uint64_t at, void *ret, size_t n)
{
	const pid_t *pid = ctx;
	struct iovec to = { ret, n }, from = { (void *)at, n };

	return !n || process_vm_readv(*pid, &to, 1, &from, 1, 0) == (ssize_t)n;
}

static void code_keep(struct python_names *p, const struct key *k, int err, struct python_code *code)
{
	struct known *known;

	p->stats.read += !err;
	p->stats.gone += err == -EFAULT;
	p->stats.bad += err == -EBADMSG;
	known = find(p, k);
	if (!known->key.code) { /* forgotten meanwhile */
		python_code_free(code);
		return;
	}
	known->queued = false;
	known->read_ns = clock_boot().ns;
	if (err)
		return; /* what was read before stays */
	p->bytes += code->bytes - known->code.bytes;
	python_code_free(&known->code);
	known->code = *code;
	known->valid = true;
}

static void code_read(const struct key *k, int *ret_err, struct python_code *ret)
{
	const struct python_layout *l = python_layout(k->version);
	pid_t pid = (pid_t)k->pid;

	*ret_err = l ? python_code_read(l, memory_read, &pid, k->code, ret) : -EBADMSG;
	/* A process that is gone looks like bad memory. */
	if (*ret_err == -EBADMSG && !memory_read(&pid, k->code, &(char){ 0 }, 1))
		*ret_err = -EFAULT;
}

static void *names_run(void *ctx)
{
	struct python_names *p = ctx;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct python_code code = { 0 };
		struct key k;
		int err;

		while (!p->waiting && !p->stop)
			pthread_cond_wait(&p->changed, &p->lock);
		if (p->stop)
			break;
		k = p->queue[p->head];
		p->head = (p->head + 1) % PYTHON_CODES_QUEUE;
		p->waiting--;
		p->working = true;
		pthread_mutex_unlock(&p->lock);
		code_read(&k, &err, &code);
		pthread_mutex_lock(&p->lock);
		p->working = false;
		code_keep(p, &k, err, &code);
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------------ */

static void names_free(struct python_names *p)
{
	if (p->slot)
		forget_all(p);
	free(p->slot);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->changed);
	free(p);
}

int python_names_start(struct python_names **ret)
{
	struct python_names *p = calloc(1, sizeof(*p));
	sigset_t all, before;
	int err;

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	p->slot = calloc(SLOTS, sizeof(p->slot[0]));
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	err = p->slot ? -pthread_create(&p->thread, NULL, names_run, p) : -ENOMEM;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		names_free(p);
	else
		*ret = p;
	return err;
}

void python_names_stop(struct python_names *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	names_free(p);
}

/* --- what is asked of it --------------------------------------------------------------------------- */

/* Under the lock. */
static void code_seen(struct python_names *p, const struct key *k, uint64_t now)
{
	struct known *known = find(p, k);

	if (known->key.code && (known->queued || now - known->read_ns < PYTHON_NAMES_AGAIN_NS))
		return;
	if (p->waiting == PYTHON_CODES_QUEUE) {
		p->stats.queue_full++;
		return;
	}
	if (!known->key.code) {
		if (p->n >= PYTHON_CODES || p->bytes >= PYTHON_CODES_BYTES) {
			forget_all(p);
			p->stats.forgotten++;
			known = find(p, k);
		}
		known->key = *k;
		p->n++;
	}
	known->queued = true;
	p->queue[(p->head + p->waiting++) % PYTHON_CODES_QUEUE] = *k;
	pthread_cond_broadcast(&p->changed);
}

void python_names_seen(struct python_names *p, uint32_t pid, uint64_t start_ns, const struct stack *s)
{
	const uint64_t now = clock_boot().ns;
	struct key k = { .pid = pid, .start_ns = start_ns };

	if (!s->interp || !s->interp->n)
		return;
	k.version = s->interp->version;
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < s->interp->n; i++) {
		k.code = s->frame[i].code;
		if (k.code)
			code_seen(p, &k, now);
	}
	pthread_mutex_unlock(&p->lock);
}

void python_names_settle(struct python_names *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->waiting || p->working)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

static struct str text_copy(struct str from, char *to, size_t size)
{
	const size_t n = from.n < size ? from.n : size;

	if (n)
		memcpy(to, from.p, n);
	return n ? (struct str){ to, n } : STR_NONE;
}

struct frame python_names_frame(struct python_names *p, uint32_t pid, uint64_t start_ns,
				uint32_t version, const struct rec_interp_frame *f,
				struct python_text *text)
{
	const struct key k = { f->code, start_ns, pid, version };
	struct frame frame = { .kind = FRAME_INTERP, .module = STR("[python]") };
	const struct known *known;

	pthread_mutex_lock(&p->lock);
	known = find(p, &k);
	if (known->valid) {
		const struct python_code *c = &known->code;

		frame.function = text_copy(c->name, text->name, sizeof(text->name));
		frame.file = text_copy(c->file, text->file, sizeof(text->file));
		frame.line = python_line(c->lines, c->nlines, c->first_line, f->instr);
		if (!frame.line)
			frame.line = c->first_line;
	} else {
		frame.address = f->code;
	}
	pthread_mutex_unlock(&p->lock);
	return frame;
}

void python_names_stats(struct python_names *p, struct python_names_stats *ret)
{
	pthread_mutex_lock(&p->lock);
	*ret = p->stats;
	pthread_mutex_unlock(&p->lock);
}

/* --- frames among native ones ---------------------------------------------------------------------- */

size_t python_frames_of_loop(const struct stack *s, size_t at)
{
	const size_t begin = at;

	if (!s->interp || (at < s->interp->n && !s->frame[at].code))
		return 0;
	while (at < s->interp->n)
		if (s->frame[at++].flags & INTERP_ENTRY)
			break;
	return at - begin;
}

size_t python_loops_without(const struct stack *s)
{
	size_t loops = 0, entered = 0;

	if (!s->interp || s->interp->end != INTERP_WHOLE || s->end != STACK_WHOLE)
		return 0;
	for (size_t i = 0; i < s->nuser; i++)
		loops += stack_in_loop(s, s->user[i]);
	for (size_t i = 0; i < s->interp->n; i++)
		entered += s->frame[i].flags & INTERP_ENTRY;
	return loops > entered ? loops - entered : 0;
}
