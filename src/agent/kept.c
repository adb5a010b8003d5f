/* Parts that overlap the interval are taken whole; the interval's holes are logged. */
#include "agent/kept.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/profile_dir.h"
#include "agg/profile_merge.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/when.h"

#define ID_SHORT 12 /* of a container without a name, the label has so much of its id */
/* Between two parts there is always a moment. */
#define HOLE_MIN_NS (NS_PER_SEC / 2)
#define HOLES_TOLD  10

struct kept {
	const struct kept_opts *o;
	int64_t from, to;
	int64_t covered; /* up to here everything is told */
	struct profile *p;
	size_t parts, holes;
	uint64_t length_ns;
};

static void moment_print(int64_t ns, char ret[32])
{
	const time_t t = (time_t)(ns / (int64_t)NS_PER_SEC);
	struct tm tm;

	ret[0] = '\0';
	if (localtime_r(&t, &tm))
		strftime(ret, 32, "%Y-%m-%d %H:%M:%S", &tm);
}

static int interval_read(struct kept *k, struct buf *why)
{
	const int64_t now = (int64_t)clock_wall().ns;
	const char *option = k->o->option ? k->o->option : "--";
	const size_t said = why->n;

	k->to = now;
	if (!when_parse(k->o->from, now, &k->from))
		buf_printf(why,
			   "%sfrom: \"%s\" is no time, as 02:50, \"2026-11-30 02:50\" or \"10m ago\"",
			   option, k->o->from);
	else if (k->o->to && !when_parse(k->o->to, now, &k->to))
		buf_printf(why, "%sto: \"%s\" is no time, as 03:00, \"2026-11-30 03:00\" or now",
			   option, k->o->to);
	else if (k->to <= k->from)
		buf_printf(why, "%sto is not after %sfrom", option, option);
	k->covered = k->from;
	return why->n > said ? -EINVAL : 0;
}

static void hole_tell(struct kept *k, int64_t until)
{
	char from[32], to[32];

	if (until - k->covered < (int64_t)HOLE_MIN_NS)
		return;
	if (++k->holes > HOLES_TOLD)
		return;
	moment_print(k->covered, from);
	moment_print(until, to);
	log_warn("nothing was kept from %s to %s", from, to);
}

static struct str label_of(const struct profile_label *l, size_t n, struct str key)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(l[i].key, key))
			return l[i].value;
	return STR_NONE;
}

static bool pod_is(struct str label, const char *want)
{
	const char *slash = label.n ? memchr(label.p, '/', label.n) : NULL;

	if (!strchr(want, '/') && slash)
		label = str_skip(label, (size_t)(slash - label.p) + 1);
	return str_eq(label, str_of(want));
}

static bool container_is(struct str label, const char *want)
{
	const struct str w = str_of(want);
	const struct str head = { w.p, w.n < ID_SHORT ? w.n : ID_SHORT };

	if (str_eq(label, w))
		return true;
	return label.n == ID_SHORT && head.n && memcmp(label.p, head.p, head.n) == 0;
}

bool kept_wanted(void *ctx, const struct profile_label *l, size_t n)
{
	const struct kept_opts *o = ctx;
	char pid[16];

	snprintf(pid, sizeof(pid), "%u", o->pid);
	if (o->pid && !str_eq(label_of(l, n, STR("pid")), str_of(pid)))
		return false;
	if (o->pod && !pod_is(label_of(l, n, STR("pod")), o->pod))
		return false;
	return !o->container || container_is(label_of(l, n, STR("container")), o->container);
}

/* The first part says what the values are. */
static int target_make(struct kept *k, const struct profile *first)
{
	struct profile_opts opts = *profile_opts(first);
	char text[96], from[32], to[32];

	moment_print(k->from, from);
	moment_print(k->to, to);
	snprintf(text, sizeof(text), "porthole profile, %s to %s", from, to);
	opts.title = str_of(text);
	opts.bytes_max = 0;
	return profile_new(&opts, &k->p);
}

static int part_take(struct kept *k, int dir, const struct profile_part *part)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	int err = profile_dir_read(dir, part, &p);
	char at[32];

	moment_print(part->start_ns, at);
	if (err == -ENOENT)
		return 0; /* removed meanwhile, for its age */
	if (err == -EBADMSG || err == -ENOTSUP) {
		log_warn("the profile of %s is %s", at,
			 err == -EBADMSG ? "damaged" : "of another version of porthole");
		return 0;
	}
	if (!err && !k->p)
		err = target_make(k, p);
	if (!err)
		err = profile_merge(k->p, p, kept_wanted, (void *)k->o);
	if (err == -EINVAL) {
		log_warn("the profile of %s counts something else than those before", at);
		return 0;
	}
	if (err)
		return err;
	hole_tell(k, part->start_ns);
	if (part->start_ns + (int64_t)part->length_ns > k->covered)
		k->covered = part->start_ns + (int64_t)part->length_ns;
	k->length_ns += part->length_ns;
	k->parts++;
	return 0;
}

static int parts_take(struct kept *k, int dir)
{
	_cleanup_(profile_parts_free) struct profile_parts l = { 0 };
	int err = profile_dir_list(dir, &l);

	for (size_t i = 0; i < l.n && !err; i++) {
		const struct profile_part *p = &l.list[i];

		if (p->start_ns < k->to && p->start_ns + (int64_t)p->length_ns > k->from)
			err = part_take(k, dir, p);
	}
	if (err)
		return err;
	if (k->p)
		hole_tell(k, k->to);
	if (k->holes > HOLES_TOLD)
		log_warn("and in %zu more places", k->holes - HOLES_TOLD);
	return 0;
}

int kept_profile(const struct kept_opts *o, struct profile **ret, struct buf *why)
{
	const char *path = o->directory ? o->directory : PROFILE_DIR;
	struct kept k = { .o = o };
	_cleanup_(closep) int dir = -1;
	int err = interval_read(&k, why);

	if (err)
		return err;
	err = folder_open(path, &dir);
	if (!err)
		err = parts_take(&k, dir);
	if (!err && !k.p) {
		buf_printf(why, "no profile of that time in %s", path);
		return -ENOENT;
	}
	if (err) {
		profile_free(k.p);
		buf_printf(why, "%s: %s", path, strerror(-err));
		/* -EINVAL is for options. */
		return err == -EINVAL ? -EIO : err;
	}
	profile_set_duration(k.p, k.length_ns);
	*ret = k.p;
	return 0;
}
