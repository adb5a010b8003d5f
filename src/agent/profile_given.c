/* Read whole, within a bound; "-" is standard input. */
#include "agent/profile_given.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "agg/profile_file.h"
#include "agg/profile_merge.h"
#include "agg/profile_pprof.h"
#include "base/cleanup.h"
#include "base/log.h"

#define CHUNK 65536

static int bytes_read(const char *path, struct buf *b)
{
	const bool in = strcmp(path, "-") == 0;
	_cleanup_(closep) int own = in ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	const int fd = in ? STDIN_FILENO : own;

	if (fd < 0)
		return -errno;
	for (;;) {
		char *to = buf_grow(b, CHUNK);
		ssize_t n = to ? read(fd, to, CHUNK) : 0;

		if (!to)
			return -EFBIG;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		b->n += (size_t)n;
	}
}

static const char *reason(int err)
{
	return err == -EBADMSG ? "it is no profile of pprof's or porthole's form, or damaged" :
	       err == -ENOTSUP ? "it was made by another version of porthole" :
	       err == -EDOM    ? "it has values below 0: it is a difference itself" :
				 strerror(-err);
}

static uint64_t samples_sum(const struct profile *p)
{
	size_t n;
	const struct profile_sample *s = profile_samples(p, &n);
	uint64_t any = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < profile_opts(p)->ntypes; k++)
			any |= s[i].value[k];
	return any;
}

static bool tells(const struct profile *p, struct str key, const char *path)
{
	for (uint32_t i = 0; i < profile_series_count(p); i++)
		if (profile_series_label(p, i, key).n)
			return true;
	log_warn("%s does not tell one %.*s from another: all of it is taken", path, STR_ARG(key));
	return false;
}

/* Only what is wanted of *@p. What the file does not tell apart was told apart when it was made. */
static int cut(const char *path, const struct kept_opts *o, struct profile **p)
{
	_cleanup_(profile_freep) struct profile *part = NULL;
	struct kept_opts by = *o;
	int err;

	if (by.pod && !tells(*p, STR("pod"), path))
		by.pod = NULL;
	if (by.container && !tells(*p, STR("container"), path))
		by.container = NULL;
	if (by.pid && !tells(*p, STR("pid"), path))
		by.pid = 0;
	if (!by.pod && !by.container && !by.pid)
		return 0;
	err = profile_new(profile_opts(*p), &part);
	if (!err)
		err = profile_merge(part, *p, kept_wanted, &by);
	if (!err && !samples_sum(part))
		err = -ENOENT;
	if (err)
		return err;
	profile_free(*p);
	*p = take_ptr(part);
	return 0;
}

/* Of several profiles on one page it is the file that tells which is which. */
static int title_set(const char *path, struct profile *p)
{
	const struct str title = profile_opts(p)->title;
	_cleanup_(buf_free) struct buf b = { 0 };

	if (strcmp(path, "-") == 0)
		return 0;
	buf_printf(&b, "%s%s%.*s", path, title.n ? ": " : "", STR_ARG(title));
	return profile_set_title(p, buf_slice(&b));
}

int profile_given(const char *path, const struct kept_opts *o, struct profile **ret, struct buf *why)
{
	_cleanup_(buf_free) struct buf b = { .max = PPROF_FILE_MAX + 2 * CHUNK };
	_cleanup_(profile_freep) struct profile *p = NULL;
	int err = bytes_read(path, &b);

	if (err) {
		buf_printf(why, "%s: %s", path, strerror(-err));
		return err;
	}
	if (str_starts(buf_slice(&b), STR("PRTHPROF")))
		err = profile_file_read(buf_slice(&b), &p);
	else
		err = profile_pprof_read(buf_slice(&b), &p);
	if (err) {
		buf_printf(why, "%s: %s", path, reason(err));
		return err;
	}
	err = cut(path, o, &p);
	if (!err)
		err = title_set(path, p);
	if (err == -ENOENT)
		buf_printf(why, "%s: has nothing of that pod, container or process", path);
	else if (err)
		buf_printf(why, "%s: %s", path, strerror(-err));
	if (err)
		return err;
	*ret = take_ptr(p);
	return 0;
}
