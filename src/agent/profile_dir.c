/* Names tell time; sizes come from the file system each time, so that nothing has to be remembered. */
#include "agent/profile_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agg/profile_file.h"
#include "base/cleanup.h"
#include "base/folder.h"
#include "base/grow.h"

#define NAME_BYTES 64
#define NAME_NEW   ".new"

static void part_name(const struct profile_part *p, char ret[NAME_BYTES])
{
	snprintf(ret, NAME_BYTES, "profile-%019lld-%llu.pp", (long long)p->start_ns,
		 (unsigned long long)p->length_ns);
}

/* Only names that part_name makes. */
static bool name_read(const char *name, struct profile_part *ret)
{
	struct profile_part p = { 0 };
	long long start = 0;
	unsigned long long length = 0;
	char again[NAME_BYTES];

	if (sscanf(name, "profile-%19lld-%19llu.pp", &start, &length) != 2 || start < 0)
		return false;
	p.start_ns = start;
	p.length_ns = length;
	part_name(&p, again);
	if (strcmp(name, again) != 0)
		return false;
	*ret = p;
	return true;
}

static int part_cmp(const void *a, const void *b)
{
	const struct profile_part *x = a, *y = b;

	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

static int part_add(struct budget *budget, struct profile_parts *l, size_t *cap,
		    const struct profile_part *p)
{
	int err = grow_array(budget, &l->list, l->n, cap, sizeof(*p), PROFILE_PARTS_MAX);

	if (!err)
		l->list[l->n++] = *p;
	return err;
}

int profile_dir_list(int dir, struct profile_parts *ret)
{
	_cleanup_(profile_parts_free) struct profile_parts l = { 0 };
	_cleanup_(closedirp) DIR *d = NULL;
	struct budget budget = { .max = SIZE_MAX };
	int err = folder_read(dir, &d);
	struct dirent *e;
	size_t cap = 0;

	if (err)
		return err;
	while (!err && (e = readdir(d))) {
		struct profile_part p;
		struct stat st;

		if (!name_read(e->d_name, &p) ||
		    fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
			continue;
		p.bytes = (uint64_t)st.st_size;
		err = part_add(&budget, &l, &cap, &p);
	}
	if (err && err != -ENOSPC)
		return err;
	if (l.n)
		qsort(l.list, l.n, sizeof(*l.list), part_cmp);
	*ret = l;
	l = (struct profile_parts){ 0 };
	return 0;
}

void profile_parts_free(struct profile_parts *l)
{
	free(l->list);
	*l = (struct profile_parts){ 0 };
}

static int bytes_write(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -ENOSPC;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

int profile_dir_write(int dir, const struct profile *p)
{
	const struct profile_opts *o = profile_opts(p);
	const struct profile_part part = { .start_ns = o->time_ns, .length_ns = o->duration_ns };
	_cleanup_(buf_free) struct buf b = { .max = PROFILE_FILE_MAX };
	_cleanup_(closep) int fd = -1;
	char name[NAME_BYTES];
	int err = profile_file_write(p, &b);

	if (err)
		return err;
	part_name(&part, name);
	fd = openat(dir, NAME_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = bytes_write(fd, b.p, b.n);
	if (!err && (fdatasync(fd) != 0 || renameat(dir, NAME_NEW, dir, name) != 0))
		err = -errno;
	if (err)
		unlinkat(dir, NAME_NEW, 0);
	return err;
}

static int bytes_read(int fd, struct buf *b)
{
	while (b->n <= PROFILE_FILE_MAX) {
		char *to = buf_grow(b, 65536);
		ssize_t n = to ? read(fd, to, 65536) : 0;

		if (!to)
			return -ENOMEM;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		b->n += (size_t)n;
	}
	return -EBADMSG;
}

int profile_dir_read(int dir, const struct profile_part *part, struct profile **ret)
{
	_cleanup_(buf_free) struct buf b = { .max = PROFILE_FILE_MAX + 2 * 65536 };
	_cleanup_(closep) int fd = -1;
	char name[NAME_BYTES];
	int err;

	part_name(part, name);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	err = bytes_read(fd, &b);
	return err ? err : profile_file_read(buf_slice(&b), ret);
}

int profile_dir_prune(int dir, uint64_t max_bytes, int64_t oldest_ns, uint64_t *ret_removed,
		      uint64_t *ret_bytes)
{
	_cleanup_(profile_parts_free) struct profile_parts l = { 0 };
	uint64_t all = 0, removed = 0;
	int err = profile_dir_list(dir, &l);

	if (err)
		return err;
	for (size_t i = 0; i < l.n; i++)
		all += l.list[i].bytes;
	for (size_t i = 0; i < l.n; i++) {
		const struct profile_part *p = &l.list[i];
		char name[NAME_BYTES];

		if (all <= max_bytes && p->start_ns + (int64_t)p->length_ns >= oldest_ns)
			continue;
		part_name(p, name);
		if (unlinkat(dir, name, 0) != 0) {
			err = -errno;
			continue;
		}
		all -= p->bytes;
		removed++;
	}
	*ret_removed = removed;
	*ret_bytes = all;
	return err;
}
