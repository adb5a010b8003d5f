/*
 * To the disk for good. Descriptors are doubled under the lock and synced without it: a segment that
 * goes meanwhile is of no interest any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "alert/spool_state.h"

#define SYNC_FILES 16 /* at once; the rest in the next round */

/* The descriptors of segments that are not synced. */
static unsigned unsynced_take(struct spool *s, int fds[SYNC_FILES])
{
	unsigned n = 0;

	s->unsynced = false;
	for (unsigned p = 0; p < PRIORITIES; p++)
		for (struct segment *g = s->chains[p].first; g; g = g->next) {
			if (!g->unsynced)
				continue;
			if (n == SYNC_FILES) {
				s->unsynced = true;
				return n;
			}
			fds[n] = fcntl(g->fd, F_DUPFD_CLOEXEC, 0);
			g->unsynced = fds[n] < 0;
			s->unsynced |= g->unsynced;
			n += fds[n] >= 0;
		}
	return n;
}

/* The number of those that failed; the directory has the names of new ones. */
static unsigned files_sync(int dir, const int *fds, unsigned n)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < n; i++) {
		failed += fdatasync(fds[i]) != 0;
		close(fds[i]);
	}
	return failed + (n && fsync(dir) != 0);
}

/* With the lock held; until @until, or for something new when it is 0. */
static void sync_wait(struct spool *s, const atomic_bool *stop, const struct timespec *until)
{
	while (!atomic_load(stop) && (until || !s->unsynced))
		if (!until)
			pthread_cond_wait(&s->more, &s->lock);
		else if (pthread_cond_timedwait(&s->more, &s->lock, until) == ETIMEDOUT)
			return;
}

void spool_sync(struct spool *s, const atomic_bool *stop)
{
	int fds[SYNC_FILES];

	if (s->dir < 0)
		return;
	pthread_mutex_lock(&s->lock);
	while (!atomic_load(stop)) {
		struct timespec until;
		unsigned n, failed;

		sync_wait(s, stop, NULL);
		n = unsynced_take(s, fds);
		pthread_mutex_unlock(&s->lock);
		failed = files_sync(s->dir, fds, n);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += SPOOL_SYNC_MS / 1000;
		pthread_mutex_lock(&s->lock);
		s->stats.syncs += n;
		s->stats.sync_errors += failed;
		sync_wait(s, stop, &until);
	}
	pthread_mutex_unlock(&s->lock);
}
