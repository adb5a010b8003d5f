/*
 * Segments. A file is read whole only once, when a new process finds it; whatever comes after that
 * check relies on it, but for the checksum of each body.
 */
#include "alert/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define NAME_BYTES	   32
#define LOAD_MAX_BYTES	   (256u << 20) /* of one file; what is behind is given up */
#define SEGMENT_MEM_BYTES  (64u << 20)
#define SEGMENT_FILE_FLAGS (O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY)

static void segment_name(const struct segment *s, char *ret)
{
	snprintf(ret, NAME_BYTES, "%u-%016llx.seg", s->priority, (unsigned long long)s->number);
}

static bool name_read(const char *name, enum priority *ret_p, uint64_t *ret_number)
{
	unsigned long long number = 0;
	unsigned p = 0;
	int end = 0;

	if (sscanf(name, "%1u-%16llx.seg%n", &p, &number, &end) != 2 || p >= PRIORITIES)
		return false;
	if (end != 22 || name[end])
		return false;
	*ret_p = (enum priority)p;
	*ret_number = number;
	return true;
}

void segment_free(struct segment *s, int dir, bool unlink)
{
	char name[NAME_BYTES];

	if (!s)
		return;
	segment_name(s, name);
	if (unlink && s->fd >= 0)
		unlinkat(dir, name, 0);
	closep(&s->fd);
	buf_free(&s->mem);
	free(s);
}

static void segment_freep(struct segment **s)
{
	segment_free(*s, -1, false);
}

static struct segment *segment_alloc(enum priority p, uint64_t number)
{
	struct segment *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fd = -1;
	s->priority = p;
	s->number = number;
	s->mem.max = SEGMENT_MEM_BYTES;
	return s;
}

int segment_new(int dir, enum priority p, uint64_t number, struct segment **ret)
{
	_cleanup_(segment_freep) struct segment *s = segment_alloc(p, number);
	char name[NAME_BYTES];

	if (!s)
		return -ENOMEM;
	if (dir >= 0) {
		segment_name(s, name);
		s->fd = openat(dir, name, SEGMENT_FILE_FLAGS | O_CREAT | O_TRUNC, 0600);
		if (s->fd < 0)
			return -errno;
	}
	*ret = take_ptr(s);
	return 0;
}

static int write_at(int fd, const char *p, size_t n, uint64_t at)
{
	while (n) {
		ssize_t put = pwrite(fd, p, n, (off_t)at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -ENOSPC;
		p += put;
		n -= (size_t)put;
		at += (uint64_t)put;
	}
	return 0;
}

static int read_at(int fd, char *p, size_t n, uint64_t at)
{
	while (n) {
		ssize_t got = pread(fd, p, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -ENODATA;
		p += got;
		n -= (size_t)got;
		at += (uint64_t)got;
	}
	return 0;
}

int segment_append(struct segment *s, const void *p, size_t n)
{
	int err = 0;

	if (s->fd < 0) {
		buf_add(&s->mem, p, n);
		err = s->mem.failed ? -ENOMEM : 0;
		s->mem.failed = false;
	} else {
		err = write_at(s->fd, p, n, s->size);
		/* Half a record is written over by the next one, or given up by a new process. */
		if (err && ftruncate(s->fd, (off_t)s->size))
			return err;
	}
	if (err)
		return err;
	s->size += n;
	s->records++;
	s->unsynced = s->fd >= 0;
	return 0;
}

bool segment_read(const struct segment *s, uint64_t at, void *ret, size_t n)
{
	if (at > s->size || n > s->size - at)
		return false;
	if (s->fd >= 0)
		return read_at(s->fd, ret, n, at) == 0;
	memcpy(ret, s->mem.p + at, n);
	return true;
}

/* --- loading ---------------------------------------------------------------------------------- */

/* What is sound in @whole, in order, to @sound; *ret_last its last number. */
static void segment_sift(struct segment *s, const struct buf *whole, struct buf *sound,
			 uint64_t *ret_last, uint64_t *damaged)
{
	struct record_head h;
	size_t at = 0, place;

	while (record_next(whole->p, whole->n, &at, &h, &place, damaged)) {
		size_t size = sizeof(h) + record_body(&h);

		/* Readers merge by number: it must rise, and the name's is the first. */
		if (h.priority != s->priority || h.seq < s->number || h.seq <= *ret_last) {
			*damaged += size;
			continue;
		}
		buf_add(sound, whole->p + place, size);
		*ret_last = h.seq;
		s->records++;
	}
}

static int file_read(int fd, struct buf *ret, uint64_t *damaged)
{
	struct stat st;
	uint64_t n;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	n = (uint64_t)st.st_size < LOAD_MAX_BYTES ? (uint64_t)st.st_size : LOAD_MAX_BYTES;
	*damaged += (uint64_t)st.st_size - n;
	ret->max = LOAD_MAX_BYTES;
	if (n == 0)
		return 0;
	if (!buf_grow(ret, n))
		return -ENOMEM;
	err = read_at(fd, ret->p, n, 0);
	ret->n = err ? 0 : n;
	return err;
}

/* The sound records instead of the file, whole or not at all. */
static int file_replace(int dir, const char *name, const struct buf *sound, int *fd)
{
	_cleanup_(closep) int new = openat(dir, "new", SEGMENT_FILE_FLAGS | O_CREAT | O_TRUNC, 0600);
	int err;

	if (new < 0)
		return -errno;
	err = write_at(new, sound->p, sound->n, 0);
	if (!err && renameat(dir, "new", dir, name) < 0)
		err = -errno;
	if (err)
		return err;
	close(*fd);
	*fd = take_fd(&new);
	return 0;
}

int segment_load(int dir, const char *name, struct segment **ret, uint64_t *ret_last,
		 uint64_t *damaged)
{
	_cleanup_(segment_freep) struct segment *s = NULL;
	_cleanup_(buf_free) struct buf whole = { 0 };
	_cleanup_(buf_free) struct buf sound = { .max = LOAD_MAX_BYTES };
	enum priority p;
	uint64_t number, last = 0;
	int err;

	if (!name_read(name, &p, &number))
		return -EINVAL;
	s = segment_alloc(p, number);
	if (!s)
		return -ENOMEM;
	s->fd = openat(dir, name, SEGMENT_FILE_FLAGS);
	if (s->fd < 0)
		return -errno;
	err = file_read(s->fd, &whole, damaged);
	if (err)
		return err;
	segment_sift(s, &whole, &sound, &last, damaged);
	if (sound.failed)
		return -ENOMEM;
	if (s->records == 0) {
		unlinkat(dir, name, 0);
		return -ENODATA;
	}
	s->size = sound.n;
	if (sound.n != whole.n)
		err = file_replace(dir, name, &sound, &s->fd);
	if (err)
		return err;
	*ret_last = last;
	*ret = take_ptr(s);
	return 0;
}
