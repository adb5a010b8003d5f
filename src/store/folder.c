/* Names tell the order; sizes and ages come from the file system each time. */
#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/folder.h"
#include "base/grow.h"

static const char *const beside[] = { "", "-wal", "-shm", "-journal" };
#define BESIDE (sizeof(beside) / sizeof(beside[0]))

void store_file_name(int64_t start_ns, char ret[STORE_FILE_BYTES])
{
	snprintf(ret, STORE_FILE_BYTES, "history-%019lld.db", (long long)start_ns);
}

/* Only names that store_file_name makes. */
static bool name_read(const char *name, struct store_file *ret)
{
	char again[STORE_FILE_BYTES];
	long long start = 0;

	if (sscanf(name, "history-%19lld.db", &start) != 1 || start < 0)
		return false;
	store_file_name(start, again);
	if (strcmp(name, again) != 0)
		return false;
	*ret = (struct store_file){ .start_ns = start };
	memcpy(ret->name, again, sizeof(again));
	return true;
}

static int64_t stat_changed(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * (int64_t)NS_PER_SEC + st->st_mtim.tv_nsec;
}

/* False: it is gone, or no regular file. */
static bool file_look(int dir, struct store_file *f)
{
	for (size_t i = 0; i < BESIDE; i++) {
		char name[STORE_FILE_BYTES + 16];
		struct stat st;

		snprintf(name, sizeof(name), "%s%s", f->name, beside[i]);
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) {
			if (i == 0)
				return false;
			continue;
		}
		f->bytes += (uint64_t)st.st_size;
		if (i < 2 && stat_changed(&st) > f->changed_ns)
			f->changed_ns = stat_changed(&st);
	}
	return true;
}

static int file_cmp(const void *a, const void *b)
{
	const struct store_file *x = a, *y = b;

	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

static int list_fill(int dir, DIR *d, struct store_files *l)
{
	struct budget budget = { .max = SIZE_MAX };
	struct dirent *e;
	size_t cap = 0;
	int err = 0;

	while (!err && (e = readdir(d))) {
		struct store_file f;

		if (!name_read(e->d_name, &f) || !file_look(dir, &f))
			continue;
		err = grow_array(&budget, &l->list, l->n, &cap, sizeof(f), STORE_SLICES_MAX);
		if (!err) {
			l->bytes += f.bytes;
			l->list[l->n++] = f;
		}
	}
	return err == -ENOSPC ? 0 : err;
}

int store_folder_list(int dir, struct store_files *ret)
{
	_cleanup_(store_files_free) struct store_files l = { 0 };
	_cleanup_(closedirp) DIR *d = NULL;
	int err = folder_read(dir, &d);

	if (!err)
		err = list_fill(dir, d, &l);
	if (err)
		return err;
	if (l.n)
		qsort(l.list, l.n, sizeof(*l.list), file_cmp);
	*ret = l;
	l = (struct store_files){ 0 };
	return 0;
}

void store_files_free(struct store_files *l)
{
	free(l->list);
	*l = (struct store_files){ 0 };
}

bool store_folder_unfinished(int dir, const char *name)
{
	char path[STORE_FILE_BYTES + 16];

	snprintf(path, sizeof(path), "%s-wal", name);
	return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int store_folder_remove(int dir, const char *name)
{
	int err = 0;

	/* The database last: while it is there, the rest is found again. */
	for (size_t i = BESIDE; i-- > 0;) {
		char path[STORE_FILE_BYTES + 16];

		snprintf(path, sizeof(path), "%s%s", name, beside[i]);
		if (unlinkat(dir, path, 0) != 0 && errno != ENOENT && !err)
			err = -errno;
	}
	return err;
}

int store_folder_prune(int dir, const char *keep, uint64_t max_bytes, int64_t oldest_ns,
		       uint64_t *ret_removed, uint64_t *ret_bytes)
{
	_cleanup_(store_files_free) struct store_files l = { 0 };
	uint64_t removed = 0;
	int err = store_folder_list(dir, &l), failed = 0;

	if (err)
		return err;
	for (size_t i = 0; i < l.n; i++) {
		const struct store_file *f = &l.list[i];

		if ((keep && strcmp(f->name, keep) == 0) ||
		    (l.bytes <= max_bytes && f->changed_ns >= oldest_ns))
			continue;
		err = store_folder_remove(dir, f->name);
		failed = err ? err : failed;
		if (err)
			continue;
		l.bytes -= f->bytes;
		removed++;
	}
	*ret_removed = removed;
	*ret_bytes = l.bytes;
	return failed;
}
