/*
 * The queue is one growing block: records are appended at the tail and taken at the head; when it
 * runs empty both go back to the start.
 */
#include "source/inject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int inject_init(struct inject *q, size_t max)
{
	*q = (struct inject){ .max = max };
	q->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->eventfd < 0)
		return -errno;
	return -pthread_mutex_init(&q->lock, NULL);
}

void inject_free(struct inject *q)
{
	if (q->max == 0)
		return;
	close(q->eventfd);
	pthread_mutex_destroy(&q->lock);
	free(q->p);
	free(q->out);
	*q = (struct inject){ .eventfd = -1 };
}

static size_t padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static int inject_room(struct inject *q, size_t n)
{
	size_t cap = q->cap ? q->cap : 64 << 10;
	char *p;

	if (q->tail + n > q->max)
		return -ENOBUFS;
	while (cap < q->tail + n)
		cap *= 2;
	if (cap == q->cap)
		return 0;
	p = realloc(q->p, cap);
	if (!p)
		return -ENOBUFS;
	q->p = p;
	q->cap = cap;
	return 0;
}

int inject_add(struct inject *q, const struct rec_hdr *h)
{
	uint64_t one = 1;
	int err;

	if (h->len < sizeof(*h) || h->len > REC_MAX)
		return -EINVAL;
	pthread_mutex_lock(&q->lock);
	err = inject_room(q, padded(h->len));
	if (!err) {
		memcpy(q->p + q->tail, h, h->len);
		q->tail += padded(h->len);
	}
	pthread_mutex_unlock(&q->lock);
	if (!err && write(q->eventfd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		return -errno;
	return err;
}

static bool inject_out(struct inject *q, size_t n)
{
	char *out;

	if (q->out_cap >= n)
		return true;
	out = realloc(q->out, REC_MAX);
	if (!out)
		return false;
	q->out = out;
	q->out_cap = REC_MAX;
	return true;
}

const struct rec_hdr *inject_take(struct inject *q)
{
	const struct rec_hdr *h = NULL;
	uint64_t n;

	if (__atomic_load_n(&q->tail, __ATOMIC_RELAXED) == 0)
		return NULL;
	pthread_mutex_lock(&q->lock);
	if (q->head < q->tail) {
		h = (const struct rec_hdr *)(q->p + q->head);
		if (inject_out(q, h->len)) {
			memcpy(q->out, h, h->len);
			q->head += padded(h->len);
			h = (const struct rec_hdr *)q->out;
		} else {
			h = NULL;
		}
	}
	if (q->head == q->tail) {
		q->head = q->tail = 0;
		if (q->cap > 256 << 10) {
			free(q->p);
			q->p = NULL;
			q->cap = 0;
		}
		if (read(q->eventfd, &n, sizeof(n)) < 0 && errno != EAGAIN)
			h = NULL;
	}
	pthread_mutex_unlock(&q->lock);
	return h;
}
