/*
 * The records lie one behind the other in a ring of bytes; one that would reach over the end starts
 * again at the beginning, and a length of 0 marks the unused rest:
 *
 *	| rec | rec | free ...        | rec | rec | 0 |
 *	            ^ head              ^ tail (oldest)
 */
#include "agent/lookback.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/dump.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "source/capture.h"
#include "wire/record.h"

#define PATH_BYTES 1024
/* Processes of a window, by a set of this many places; more are all dumped. */
#define SEEN_BITS 14
#define SEEN_MAX  ((1u << SEEN_BITS) / 2)

struct seen {
	struct {
		uint64_t start;
		uint32_t pid;
	} place[1u << SEEN_BITS];
	size_t n;
};

/* What the thread writes. */
struct job {
	struct buf state, records;
	char path[PATH_BYTES];
	struct event_host host;
	int err;
};

struct lookback {
	struct lookback_opts opts;
	struct event_host host;
	char *ring;
	size_t head, tail, size;
	bool full_lap;		/* head is behind tail */
	struct boot_ns dropped; /* time of the youngest record that was pushed out */
	struct lookback_stats stats;
	bool pending;
	struct boot_ns from, due, first; /* of the pending capture; its first record */
	char name[LOOKBACK_NAME];
	uint32_t number, hour_count;
	struct boot_ns hour;
	pthread_t thread;
	bool running;
	atomic_bool done;
	struct job job;
	struct seen seen;
};

int lookback_new(const struct lookback_opts *o, const struct event_host *host, struct lookback **ret)
{
	_cleanup_(freep) struct lookback *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	if (mkdir(o->directory, 0700) != 0 && errno != EEXIST)
		return -errno;
	l->opts = *o;
	l->host = *host;
	l->size = dump_aligned(o->memory_bytes);
	l->ring = malloc(l->size);
	if (!l->ring)
		return -ENOMEM;
	*ret = take_ptr(l);
	return 0;
}

static struct rec_hdr *ring_at(const struct lookback *l, size_t at)
{
	return (struct rec_hdr *)(l->ring + at);
}

/* The place after the record at @at; @lap: on the upper part, which ends at a mark or the end. */
static size_t ring_next(const struct lookback *l, size_t at, bool lap)
{
	at += dump_aligned(ring_at(l, at)->len);
	if (lap && (at + sizeof(struct rec_hdr) > l->size || ring_at(l, at)->len == 0))
		at = 0;
	return at;
}

static bool ring_empty(const struct lookback *l)
{
	return l->head == l->tail && !l->full_lap;
}

static void ring_drop(struct lookback *l)
{
	l->dropped.ns = ring_at(l, l->tail)->time_ns;
	l->tail = ring_next(l, l->tail, l->full_lap);
	if (l->tail == 0)
		l->full_lap = false;
}

/* Makes room for @n bytes at the head, in one piece; @n is at most a quarter of the ring. */
static void ring_room(struct lookback *l, size_t n)
{
	if (ring_empty(l))
		l->head = l->tail = 0;
	if (l->head + n > l->size) {
		/* The rest of this lap is given up; whoever is there goes. */
		while (l->full_lap)
			ring_drop(l);
		if (l->head + sizeof(struct rec_hdr) <= l->size)
			ring_at(l, l->head)->len = 0;
		l->head = 0;
		l->full_lap = true;
	}
	while (l->full_lap && l->tail < l->head + n)
		ring_drop(l);
}

void lookback_record(struct lookback *l, const struct rec_hdr *h)
{
	uint64_t old = h->time_ns > l->opts.window_ns + l->opts.after_ns ?
			       h->time_ns - l->opts.window_ns - l->opts.after_ns :
			       0;
	size_t n = dump_aligned(h->len);

	if (n > l->size / 4)
		return;
	ring_room(l, n);
	memcpy(l->ring + l->head, h, h->len);
	l->head += n;
	/* What is older than anybody will ask for makes place, so that it stays out of captures. */
	while (!l->pending && !ring_empty(l) && ring_at(l, l->tail)->time_ns < old)
		ring_drop(l);
}

static bool hour_allows(struct lookback *l, struct boot_ns now)
{
	if (now.ns >= l->hour.ns + 3600 * NS_PER_SEC) {
		l->hour = now;
		l->hour_count = 0;
	}
	return l->hour_count++ < l->opts.per_hour;
}

/* "20260102T030405-terminal-shell-in-container-7.cap" */
static void name_make(struct lookback *l, const struct rule *r)
{
	time_t t = (time_t)(clock_wall().ns / NS_PER_SEC);
	char slug[64];
	size_t n = 0;
	struct tm tm;

	for (size_t i = 0; i < r->name.n && n < sizeof(slug) - 1; i++) {
		char c = r->name.p[i];

		c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			slug[n++] = c;
		else if (n && slug[n - 1] != '-')
			slug[n++] = '-';
	}
	slug[n] = '\0';
	gmtime_r(&t, &tm);
	n = strftime(l->name, sizeof(l->name), "%Y%m%dT%H%M%S", &tm);
	snprintf(l->name + n, sizeof(l->name) - n, "-%s-%u.cap", slug, ++l->number);
}

bool lookback_alert(struct lookback *l, const struct rule *r, struct boot_ns now,
		    char ret_name[LOOKBACK_NAME])
{
	uint64_t after = r->capture_ms ? r->capture_ms * NS_PER_MS : l->opts.after_ns;

	if (l->opts.marked_only && !r->capture)
		return false;
	if (!l->pending) {
		if (!hour_allows(l, now)) {
			l->stats.limited++;
			return false;
		}
		name_make(l, r);
		l->pending = true;
		l->from.ns = now.ns > l->opts.window_ns ? now.ns - l->opts.window_ns : 0;
		l->due.ns = now.ns + after;
	}
	memcpy(ret_name, l->name, LOOKBACK_NAME);
	return true;
}

/* --- the writer --- */

static int records_write(struct capture_writer *w, const struct buf *b)
{
	int err = 0;

	for (size_t at = 0; !err && at + sizeof(struct rec_hdr) <= b->n;) {
		const struct rec_hdr *h = (const void *)(b->p + at);

		err = capture_add(w, h);
		at += dump_aligned(h->len);
	}
	return err;
}

static void *job_run(void *ctx)
{
	struct lookback *l = ctx;
	struct job *j = &l->job;
	struct capture_writer *w;
	char part[PATH_BYTES + 8];
	int err, end;

	snprintf(part, sizeof(part), "%s.part", j->path);
	j->err = capture_create(part, &j->host, &w);
	if (!j->err) {
		err = records_write(w, &j->state);
		if (!err)
			err = records_write(w, &j->records);
		end = capture_end(w, NULL);
		j->err = err ? err : end;
		if (!j->err && rename(part, j->path) != 0)
			j->err = -errno;
		if (j->err)
			unlink(part);
	}
	l->done = true;
	return NULL;
}

struct old_capture {
	struct timespec time;
	uint64_t bytes;
	char name[LOOKBACK_NAME];
};

static int older_first(const void *a, const void *b)
{
	const struct old_capture *x = a, *y = b;

	if (x->time.tv_sec != y->time.tv_sec)
		return x->time.tv_sec < y->time.tv_sec ? -1 : 1;
	return x->time.tv_nsec < y->time.tv_nsec ? -1 : x->time.tv_nsec > y->time.tv_nsec;
}

/* The captures of the directory; how many. */
static size_t captures_list(const struct lookback *l, struct old_capture **ret, uint64_t *ret_bytes)
{
	DIR *dir = opendir(l->opts.directory);
	struct old_capture *list = NULL;
	size_t n = 0, cap = 0;
	struct dirent *d;
	struct stat st;

	*ret_bytes = 0;
	while (dir && (d = readdir(dir))) {
		if (!str_ends(str_of(d->d_name), STR(".cap")) || strlen(d->d_name) >= LOOKBACK_NAME ||
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (n == cap) {
			struct old_capture *more;

			cap = cap ? 2 * cap : 64;
			more = realloc(list, cap * sizeof(*list));
			if (!more)
				break;
			list = more;
		}
		list[n].time = st.st_mtim;
		list[n].bytes = (uint64_t)st.st_size;
		strcpy(list[n].name, d->d_name);
		*ret_bytes += list[n++].bytes;
	}
	if (dir)
		closedir(dir);
	*ret = list;
	return n;
}

/* The oldest captures go until @need bytes fit. */
static void captures_prune(struct lookback *l, uint64_t need)
{
	_cleanup_(freep) struct old_capture *list = NULL;
	uint64_t bytes;
	size_t n = captures_list(l, &list, &bytes);

	if (bytes + need <= l->opts.disk_bytes)
		return;
	qsort(list, n, sizeof(*list), older_first);
	for (size_t i = 0; i < n && bytes + need > l->opts.disk_bytes; i++) {
		char path[PATH_BYTES];

		snprintf(path, sizeof(path), "%s/%s", l->opts.directory, list[i].name);
		if (unlink(path) != 0)
			continue;
		bytes -= list[i].bytes;
		l->stats.removed++;
	}
}

/* --- what goes in --- */

/* The place of a process in the set, or the free one where it would be. */
static size_t seen_at(const struct seen *s, uint32_t pid, uint64_t start)
{
	size_t i = hash_u64(start ^ pid) & ((1u << SEEN_BITS) - 1);

	while (s->place[i].start && (s->place[i].start != start || s->place[i].pid != pid))
		i = (i + 1) & ((1u << SEEN_BITS) - 1);
	return i;
}

static void seen_add(struct seen *s, const struct rec_hdr *h)
{
	size_t i;

	if (!h->start_ns || s->n > SEEN_MAX)
		return;
	i = seen_at(s, h->pid, h->start_ns);
	if (s->place[i].start)
		return;
	s->place[i].start = h->start_ns;
	s->place[i].pid = h->pid;
	s->n++;
}

/* Processes that did something in the window and began before its first record, so without a fork. */
static bool proc_wanted(void *ctx, const struct proc *p)
{
	const struct lookback *l = ctx;

	return p->start.ns < l->first.ns &&
	       (l->seen.n > SEEN_MAX || l->seen.place[seen_at(&l->seen, p->pid, p->start.ns)].start);
}

/* Copies the window's records to the job; false without memory. */
static bool window_copy(struct lookback *l, struct buf *b)
{
	static const char zeros[DUMP_ALIGN];
	size_t at = l->tail, n = 0;
	bool lap = l->full_lap;

	memset(&l->seen, 0, sizeof(l->seen));
	b->max = l->size + DUMP_ALIGN;
	while (lap || at < l->head) {
		const struct rec_hdr *h = ring_at(l, at);

		if (h->time_ns >= l->from.ns) {
			l->first.ns = n ? l->first.ns : h->time_ns;
			buf_add(b, h, h->len);
			buf_add(b, zeros, dump_aligned(h->len) - h->len);
			seen_add(&l->seen, h);
			n++;
		}
		at = ring_next(l, at, lap);
		lap &= at != 0;
	}
	return !b->failed && n;
}

static int job_make(struct lookback *l, struct enrich *e)
{
	struct job *j = &l->job;
	int err;

	j->host = l->host;
	snprintf(j->path, sizeof(j->path), "%s/%s", l->opts.directory, l->name);
	if (l->dropped.ns > l->from.ns)
		l->stats.cut++;
	if (!window_copy(l, &j->records))
		return -ENOMEM;
	err = dump_tables(e, l->first, proc_wanted, l, &j->state);
	captures_prune(l, j->records.n + j->state.n);
	return err;
}

static void job_end(struct lookback *l)
{
	pthread_join(l->thread, NULL);
	l->running = false;
	if (l->job.err) {
		l->stats.failed++;
		l->stats.last_error = l->job.err;
	} else {
		l->stats.captures++;
	}
	buf_free(&l->job.state);
	buf_free(&l->job.records);
}

static void job_start(struct lookback *l, struct enrich *e)
{
	int err = job_make(l, e);

	l->pending = false;
	l->done = false;
	if (!err)
		err = -pthread_create(&l->thread, NULL, job_run, l);
	l->running = err == 0;
	if (!err)
		return;
	l->stats.failed++;
	l->stats.last_error = err;
	buf_free(&l->job.state);
	buf_free(&l->job.records);
}

void lookback_turn(struct lookback *l, struct enrich *e, struct boot_ns now)
{
	if (l->running && l->done)
		job_end(l);
	if (l->pending && !l->running && now.ns >= l->due.ns)
		job_start(l, e);
}

void lookback_close(struct lookback *l, struct enrich *e)
{
	if (!l)
		return;
	if (l->running)
		job_end(l);
	if (l->pending)
		job_start(l, e);
	if (l->running)
		job_end(l);
	free(l->ring);
	free(l);
}

struct lookback_stats lookback_stats(const struct lookback *l)
{
	return l->stats;
}
