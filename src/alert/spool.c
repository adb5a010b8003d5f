/*
 * The spool at work: appending, reading, bounds. One lock; it is held over reads and writes of files,
 * never while something is sent. Opening and closing: spool_open.c.
 */
#include "alert/spool.h"

#include <errno.h>
#include <unistd.h>
#include <zlib.h>

#include "alert/spool_state.h"

/* --- chains ----------------------------------------------------------------------------------- */

void chain_add(struct spool *s, struct segment *g)
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

bool segment_passed(const struct spool *s, const struct segment *g)
{
	for (unsigned i = 0; i < s->nreaders; i++) {
		const struct head *h = &s->readers[i].heads[g->priority];

		if (h->segment == g && h->read < g->records)
			return false;
	}
	return true;
}

/* Removes what all have read, but not the segment that is written to. */
void chain_clean(struct spool *s, unsigned p)
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
	if (!err) {
		s->stats.bytes += s->record.n;
		s->unsynced |= g->unsynced;
	}
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

bool head_read(struct head *h, struct record_head *ret)
{
	char bytes[sizeof(*ret)];

	head_step(h);
	return h->segment && segment_read(h->segment, h->at, bytes, sizeof(bytes)) &&
	       record_head_read(bytes, ret);
}

void head_advance(struct head *h, uint64_t size)
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

void position_write(struct reader *r)
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
	for (unsigned i = 0; i < s->nreaders; i++)
		ret->absent += s->readers[i].absent ? s->readers[i].stats.pending : 0;
	pthread_mutex_unlock(&s->lock);
}
