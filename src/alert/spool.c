/*
 * The spool: a chain of segments for each priority, readers with a place in each chain. One lock;
 * it is held over reads and writes of files, never while something is sent.
 */
#include "alert/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <zlib.h>

#include "alert/segment.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define SEGMENT_MIN_BYTES 4096u
#define POSITION_MAX	  (UINT64_MAX / 2) /* beyond it is no count of alerts */

struct head {
	struct segment *segment; /* NULL: nothing of this priority yet */
	uint64_t at;
	uint32_t read; /* records before it in the segment */
};

struct reader {
	struct head heads[PRIORITIES];
	uint64_t position; /* done up to this number */
	uint64_t bytes;	   /* of what it has before it */
	int fd;		   /* of its position file, -1: none */
	struct spool_reader_stats stats;
};

struct chain {
	struct segment *first, *last;
};

struct spool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	int dir, lock_fd; /* -1: in memory */
	uint64_t segment_bytes, reader_max, next;
	unsigned segments;
	struct chain chains[PRIORITIES];
	struct reader readers[SPOOL_READERS_MAX];
	unsigned nreaders;
	struct buf record; /* scratch */
	struct spool_stats stats;
};

/* --- chains ----------------------------------------------------------------------------------- */

static void chain_add(struct spool *s, struct segment *g)
{
	struct chain *c = &s->chains[g->priority];

	if (c->last)
		c->last->next = g;
	else
		c->first = g;
	c->last = g;
	s->segments++;
	s->stats.bytes += g->size;
	for (unsigned i = 0; i < s->nreaders; i++) {
		struct head *h = &s->readers[i].heads[g->priority];

		if (!h->segment)
			*h = (struct head){ .segment = g };
	}
}

/* A reader passes over the rest of the segment it is in. */
static void head_drop(struct reader *r, unsigned p)
{
	struct head *h = &r->heads[p];
	uint32_t n = h->segment->records - h->read;

	r->stats.dropped[p] += n;
	r->stats.pending -= n;
	r->bytes -= h->segment->size - h->at;
	h->read = h->segment->records;
	h->at = h->segment->size;
}

/* Takes the first segment of a chain away; readers that are in it lose the rest of it. */
static void chain_drop(struct spool *s, unsigned p)
{
	struct chain *c = &s->chains[p];
	struct segment *g = c->first;

	for (unsigned i = 0; i < s->nreaders; i++) {
		struct head *h = &s->readers[i].heads[p];

		if (h->segment != g)
			continue;
		head_drop(&s->readers[i], p);
		*h = (struct head){ .segment = g->next };
	}
	c->first = g->next;
	if (!c->first)
		c->last = NULL;
	s->segments--;
	s->stats.bytes -= g->size;
	segment_free(g, s->dir, true);
}

/* Steps over ends of segments that have a follower. */
static void head_step(struct head *h)
{
	while (h->segment && h->at >= h->segment->size && h->segment->next)
		*h = (struct head){ .segment = h->segment->next };
}

static bool segment_passed(const struct spool *s, const struct segment *g)
{
	for (unsigned i = 0; i < s->nreaders; i++) {
		const struct head *h = &s->readers[i].heads[g->priority];

		if (h->segment == g && h->read < g->records)
			return false;
	}
	return true;
}

/* Removes what all have read, but not the segment that is written to. */
static void chain_clean(struct spool *s, unsigned p)
{
	struct chain *c = &s->chains[p];

	for (unsigned i = 0; i < s->nreaders; i++)
		head_step(&s->readers[i].heads[p]);
	while (c->first && c->first != c->last && segment_passed(s, c->first))
		chain_drop(s, p);
}

/*
 * One reader that is too far behind: for it the oldest of the least severe goes, while the others
 * still get it.
 */
static void reader_bound(struct spool *s, struct reader *r)
{
	int p = PRIORITIES - 1;

	while (r->bytes > s->reader_max) {
		struct head *h = &r->heads[p];

		head_step(h);
		if (h->segment && h->at < h->segment->size) {
			head_drop(r, (unsigned)p);
			chain_clean(s, (unsigned)p);
		} else if (p-- == 0) {
			return;
		}
	}
}

/* Should all readers together hold more than there may be, all lose the same. */
static void spool_bound(struct spool *s)
{
	int p = PRIORITIES - 1;

	while (s->stats.bytes > s->stats.max_bytes || s->segments > SPOOL_SEGMENTS) {
		while (p >= 0 && !s->chains[p].first)
			p--;
		if (p < 0)
			return;
		chain_drop(s, (unsigned)p);
	}
}

/* --- appending -------------------------------------------------------------------------------- */

/* The segment to write to; a full one gets a follower. */
static int spool_segment(struct spool *s, enum priority p, uint64_t number, bool memory,
			 struct segment **ret)
{
	struct segment *g = s->chains[p].last;
	int err = 0;

	if (!g || g->size >= s->segment_bytes || (memory && g->fd >= 0)) {
		err = segment_new(memory ? -1 : s->dir, p, number, &g);
		if (!err)
			chain_add(s, g);
	}
	if (!err)
		*ret = g;
	return err;
}

static int spool_put(struct spool *s, enum priority p, uint64_t number, bool memory)
{
	struct segment *g = NULL;
	int err = spool_segment(s, p, number, memory, &g);

	if (!err)
		err = segment_append(g, s->record.p, s->record.n);
	if (!err)
		s->stats.bytes += s->record.n;
	return err;
}

int spool_append(struct spool *s, const struct alert *a)
{
	int err;

	pthread_mutex_lock(&s->lock);
	buf_reset(&s->record);
	err = record_write(a, s->next, &s->record);
	if (!err) {
		err = spool_put(s, a->priority, s->next, false);
		if (err && s->dir >= 0) {
			s->stats.errors++;
			err = spool_put(s, a->priority, s->next, true);
		}
	}
	if (err) {
		s->stats.refused++;
	} else {
		s->next++;
		for (unsigned i = 0; i < s->nreaders; i++) {
			struct reader *r = &s->readers[i];

			r->stats.pending++;
			r->bytes += s->record.n;
			reader_bound(s, r);
		}
		spool_bound(s);
		pthread_cond_broadcast(&s->more);
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool head_read(struct head *h, struct record_head *ret)
{
	char bytes[sizeof(*ret)];

	head_step(h);
	return h->segment && segment_read(h->segment, h->at, bytes, sizeof(bytes)) &&
	       record_head_read(bytes, ret);
}

static void head_advance(struct head *h, uint64_t size)
{
	h->at += size;
	h->read++;
}

/* Copies the record at @h to the batch. False: the disk gives something else than was written. */
static bool batch_add(struct spool_batch *b, const struct head *h, const struct record_head *r)
{
	struct spool_alert *a = &b->alerts[b->n];
	uint32_t n = record_body(r);
	char *to = buf_grow(&b->bytes, n + 1);

	if (!to || !segment_read(h->segment, h->at + sizeof(*r), to, n) || !record_body_ok(r, to))
		return false;
	*a = (struct spool_alert){
		.seq = r->seq,
		.priority = (enum priority)r->priority,
		.time = { r->time_ns },
		/* Places; pointers when the buffer has stopped moving. */
		.rule = { NULL, r->rule_n },
		.text = { NULL, r->text_n },
		.json = { NULL, r->json_n },
		.segment = h->segment->number,
		.at = (uint32_t)h->at,
		.size = (uint32_t)sizeof(*r) + n,
	};
	b->bytes.n += n;
	b->n++;
	return true;
}

static void batch_point(struct spool_batch *b)
{
	const char *p = b->bytes.p;

	for (size_t i = 0; i < b->n; i++) {
		struct spool_alert *a = &b->alerts[i];

		a->rule.p = p;
		a->text.p = a->rule.p + a->rule.n;
		a->json.p = a->text.p + a->text.n;
		p = a->json.p + a->json.n;
	}
}

/* The head with the lowest number, or NULL. */
static struct head *heads_next(struct head heads[PRIORITIES], struct record_head *ret)
{
	struct head *best = NULL;

	for (unsigned p = 0; p < PRIORITIES; p++) {
		struct record_head r;

		if (!head_read(&heads[p], &r) || (best && r.seq > ret->seq))
			continue;
		best = &heads[p];
		*ret = r;
	}
	return best;
}

/* Nothing could be read: passes over what the disk does not give back as it was written. */
static void reader_repair(struct spool *s, struct reader *r, struct spool_batch *b)
{
	for (unsigned p = 0; p < PRIORITIES; p++) {
		struct head *h = &r->heads[p];
		struct record_head head;

		head_step(h);
		if (!h->segment || h->at >= h->segment->size)
			continue;
		if (!head_read(h, &head) || !batch_add(b, h, &head)) {
			s->stats.damaged += h->segment->size - h->at;
			head_drop(r, p);
		}
		b->n = 0;
		buf_reset(&b->bytes);
	}
}

size_t spool_read(struct spool *s, unsigned reader, size_t max, struct spool_batch *b)
{
	struct reader *r = &s->readers[reader];
	struct head heads[PRIORITIES], *h;
	struct record_head head;

	b->n = 0;
	buf_reset(&b->bytes);
	pthread_mutex_lock(&s->lock);
	memcpy(heads, r->heads, sizeof(heads));
	while (b->n < max && b->n < SPOOL_BATCH && b->bytes.n < SPOOL_BATCH_BYTES) {
		h = heads_next(heads, &head);
		if (!h)
			break;
		if (!batch_add(b, h, &head))
			break;
		head_advance(h, sizeof(head) + record_body(&head));
	}
	if (b->n == 0 && r->stats.pending && !b->bytes.failed)
		reader_repair(s, r, b);
	pthread_mutex_unlock(&s->lock);
	batch_point(b);
	return b->n;
}

static void position_write(struct reader *r)
{
	uint64_t what[2] = { r->position, 0 };

	what[1] = crc32_z(0, (const void *)what, sizeof(what[0]));
	if (r->fd >= 0 && pwrite(r->fd, what, sizeof(what), 0) < 0)
		return; /* at worst these alerts come once more after a restart */
}

void spool_done(struct spool *s, unsigned reader, const struct spool_batch *b, size_t n)
{
	struct reader *r = &s->readers[reader];
	unsigned touched = 0;

	if (n == 0)
		return;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < n; i++) {
		const struct spool_alert *a = &b->alerts[i];
		struct head *h = &r->heads[a->priority];

		head_step(h);
		/* Otherwise it was dropped meanwhile, and counted. */
		if (h->segment && h->segment->number == a->segment && h->at == a->at) {
			head_advance(h, a->size);
			r->stats.pending--;
			r->bytes -= a->size;
			touched |= 1u << a->priority;
		}
	}
	r->position = b->alerts[n - 1].seq;
	position_write(r);
	for (unsigned p = 0; p < PRIORITIES; p++)
		if (touched & 1u << p)
			chain_clean(s, p);
	pthread_mutex_unlock(&s->lock);
}

static bool reader_ready(struct reader *r)
{
	return r->stats.pending > 0;
}

void spool_wait(struct spool *s, unsigned reader, const atomic_bool *stop, uint32_t timeout_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000l;
	if (until.tv_nsec >= 1000000000l) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000l;
	}
	pthread_mutex_lock(&s->lock);
	while (!atomic_load(stop) && !reader_ready(&s->readers[reader])) {
		if (timeout_ms == 0)
			pthread_cond_wait(&s->more, &s->lock);
		else if (pthread_cond_timedwait(&s->more, &s->lock, &until))
			break;
	}
	pthread_mutex_unlock(&s->lock);
}

void spool_wake(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	pthread_cond_broadcast(&s->more);
	pthread_mutex_unlock(&s->lock);
}

/* --- statistics ------------------------------------------------------------------------------- */

void spool_reader_stats(struct spool *s, unsigned reader, struct spool_reader_stats *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = s->readers[reader].stats;
	pthread_mutex_unlock(&s->lock);
}

void spool_stats(struct spool *s, struct spool_stats *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = s->stats;
	pthread_mutex_unlock(&s->lock);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int segment_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name); /* priority, then number */
}

static int is_segment(const struct dirent *d)
{
	return str_ends(str_of(d->d_name), STR(".seg"));
}

static int spool_load(struct spool *s, struct buf *why)
{
	struct dirent **names = NULL;
	int n = scandirat(s->dir, ".", &names, is_segment, segment_order), err = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		struct segment *g = NULL;
		uint64_t last = 0;
		int got = err ? err :
				segment_load(s->dir, names[i]->d_name, &g, &last, &s->stats.damaged);

		if (got == 0) {
			chain_add(s, g);
			s->next = last >= s->next ? last + 1 : s->next;
		} else if (!err && got != -ENODATA && got != -EINVAL) {
			buf_printf(why, "%s: %s", names[i]->d_name, strerror(-got));
			err = got;
		}
		free(names[i]);
	}
	free(names);
	return err;
}

/* Makes what is missing of the path. Whether it worked shows when it is opened. */
static void dirs_make(const char *dir)
{
	char part[PATH_MAX];

	for (size_t i = 1; i < sizeof(part) && dir[i - 1]; i++) {
		if (dir[i] && dir[i] != '/')
			continue;
		memcpy(part, dir, i);
		part[i] = 0;
		mkdir(part, 0700);
	}
}

static int spool_dir(struct spool *s, const char *dir, struct buf *why)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;

	dirs_make(dir);
	s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return -errno;
	s->lock_fd = openat(s->dir, "lock", flags, 0600);
	if (s->lock_fd < 0)
		return -errno;
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		buf_printf(why, "another process uses it");
		return -EBUSY;
	}
	return spool_load(s, why);
}

static void spool_closep(struct spool **s)
{
	spool_close(*s);
}

int spool_open(const struct spool_opts *o, struct spool **ret, struct buf *why)
{
	_cleanup_(spool_closep) struct spool *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;
	size_t said = why->n;
	int err = 0;

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->more, &attr);
	pthread_condattr_destroy(&attr);
	s->dir = s->lock_fd = -1;
	s->next = 1;
	s->stats.max_bytes = o->max_bytes;
	s->reader_max = o->max_bytes / 4 * 3;
	s->segment_bytes = o->max_bytes / SPOOL_PARTS;
	if (s->segment_bytes < SEGMENT_MIN_BYTES)
		s->segment_bytes = SEGMENT_MIN_BYTES;
	if (o->dir && *o->dir) {
		err = spool_dir(s, o->dir, why);
		if (err && why->n == said)
			buf_printf(why, "%s", strerror(-err));
	}
	if (err)
		return err;
	*ret = take_ptr(s);
	return 0;
}

/* False: there is none, or it is damaged. */
static bool position_read(int fd, uint64_t *ret)
{
	uint64_t what[2];

	if (pread(fd, what, sizeof(what), 0) != sizeof(what) || what[0] > POSITION_MAX ||
	    what[1] != crc32_z(0, (const void *)what, sizeof(what[0])))
		return false;
	*ret = what[0];
	return true;
}

/* A new reader begins at the end; one whose position is damaged at the start: again, not never. */
static int reader_position(struct spool *s, struct reader *r, const char *name)
{
	char file[80];
	struct stat st;

	r->position = s->next - 1;
	if (s->dir < 0)
		return 0;
	snprintf(file, sizeof(file), "%.64s.pos", name);
	r->fd = openat(s->dir, file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->fd < 0)
		return -errno;
	if (fstat(r->fd, &st) == 0 && st.st_size > 0 && !position_read(r->fd, &r->position))
		r->position = 0;
	return 0;
}

int spool_reader(struct spool *s, const char *name, unsigned *ret)
{
	struct reader *r = &s->readers[s->nreaders];
	int err;

	if (s->nreaders == SPOOL_READERS_MAX)
		return -EINVAL;
	r->fd = -1;
	err = reader_position(s, r, name);
	if (err)
		return err;
	if (r->position >= s->next)
		s->next = r->position + 1;
	for (unsigned p = 0; p < PRIORITIES; p++) {
		struct head *h = &r->heads[p];
		struct record_head head;

		h->segment = s->chains[p].first;
		while (head_read(h, &head) && head.seq <= r->position)
			head_advance(h, sizeof(head) + record_body(&head));
		for (struct segment *g = h->segment; g; g = g->next) {
			r->stats.pending += g->records;
			r->bytes += g->size;
		}
		r->stats.pending -= h->read;
		r->bytes -= h->at;
	}
	position_write(r);
	*ret = s->nreaders++;
	return 0;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	for (unsigned p = 0; p < PRIORITIES; p++) {
		bool passed = s->nreaders > 0;

		if (passed)
			chain_clean(s, p);
		/* The last one too, when it is all that is left; behind an unread one none is read. */
		for (struct segment *g = s->chains[p].first, *next; g; g = next) {
			next = g->next;
			passed = passed && segment_passed(s, g);
			segment_free(g, s->dir, passed);
		}
	}
	for (unsigned i = 0; i < s->nreaders; i++)
		closep(&s->readers[i].fd);
	closep(&s->lock_fd);
	closep(&s->dir);
	buf_free(&s->record);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
