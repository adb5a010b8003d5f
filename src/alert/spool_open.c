/*
 * Opening a spool: what an earlier process left is loaded, readers find their places; and closing
 * it, when only segments stay that someone has not read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <zlib.h>

#include "alert/spool_state.h"
#include "base/cleanup.h"
#include "base/folder.h"

#define SEGMENT_MIN_BYTES 4096u
#define POSITION_MAX	  (UINT64_MAX / 2) /* beyond it is no count of alerts */

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

static int spool_dir(struct spool *s, const char *dir, struct buf *why)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;

	(void)folder_make(dir); /* whether it worked shows when it is opened */
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

/* Puts the reader at its position in each chain. */
static void reader_place(struct spool *s, struct reader *r)
{
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
	reader_place(s, r);
	position_write(r);
	*ret = s->nreaders++;
	return 0;
}

/* --- readers that are none any more ----------------------------------------------------------- */

static int is_position(const struct dirent *d)
{
	return str_ends(str_of(d->d_name), STR(".pos"));
}

/* Whether one of the readers has this file. */
static bool position_taken(const struct spool *s, const struct stat *st)
{
	struct stat own;

	for (unsigned i = 0; i < s->nreaders; i++)
		if (s->readers[i].fd >= 0 && fstat(s->readers[i].fd, &own) == 0 &&
		    own.st_ino == st->st_ino && own.st_dev == st->st_dev)
			return true;
	return false;
}

/* Its file tells when it was last one. A file that tells no place, or too many of them, is removed. */
static void absent_add(struct spool *s, const char *name)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	_cleanup_(closep) int fd = openat(s->dir, name, flags);
	struct reader r = { .fd = -1, .absent = true };
	struct stat st;
	bool keep;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || position_taken(s, &st))
		return;
	keep = position_read(fd, &r.position) && s->nreaders < SPOOL_READERS_MAX;
	reader_place(s, &r);
	if (keep && time(NULL) - st.st_mtime < SPOOL_ABSENT_DAYS * 86400) {
		s->readers[s->nreaders++] = r;
		return;
	}
	s->stats.expired += r.stats.pending;
	unlinkat(s->dir, name, 0);
}

void spool_absent(struct spool *s)
{
	struct dirent **names = NULL;
	int n = s->dir < 0 ? 0 : scandirat(s->dir, ".", &names, is_position, alphasort);

	for (int i = 0; i < n; i++) {
		absent_add(s, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	/* What nobody waits for any more. */
	for (unsigned p = 0; p < PRIORITIES && s->nreaders; p++)
		chain_clean(s, p);
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
