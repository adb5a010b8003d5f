/* The evidence's memory, and the questions that several hypotheses ask of it. */
#include "agg/watch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_BYTES 1024 /* of one formatted string */

int watch_init(struct watch *w)
{
	struct watch empty = { 0 };
	int err = arena_init(&empty.arena, WATCH_ARENA_BYTES);

	if (!err)
		*w = empty;
	return err;
}

void watch_free(struct watch *w)
{
#define X(type, table) free(w->table);
	WATCH_TABLES(X)
#undef X
	arena_free(&w->arena);
	*w = (struct watch){ 0 };
}

struct str watch_text(struct watch *w, struct str s)
{
	char *p = s.p ? arena_alloc(&w->arena, s.n) : NULL;

	if (!p)
		return STR_NONE;
	memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

static struct str text_format(struct watch *w, const char *fmt, va_list args)
{
	char text[TEXT_BYTES];
	int n = vsnprintf(text, sizeof(text), fmt, args);

	if (n < 0)
		return STR_NONE;
	if ((size_t)n >= sizeof(text))
		n = sizeof(text) - 1;
	return watch_text(w, (struct str){ text, (size_t)n });
}

struct str watch_printf(struct watch *w, const char *fmt, ...)
{
	struct str s;
	va_list args;

	va_start(args, fmt);
	s = text_format(w, fmt, args);
	va_end(args);
	return s;
}

void watch_unseen(struct watch *w, const char *fmt, ...)
{
	struct str s;
	va_list args;

	va_start(args, fmt);
	s = text_format(w, fmt, args);
	va_end(args);
	for (size_t i = 0; i < w->nunseen; i++)
		if (str_eq(w->unseen[i], s))
			return;
	if (s.p && w->nunseen < WATCH_UNSEEN_MAX)
		w->unseen[w->nunseen++] = s;
}

void watch_before(struct watch *w, const char *line)
{
	struct str s = watch_text(w, str_of(line));

	if (s.p && w->nbefore < WATCH_BEFORE_MAX)
		w->before[w->nbefore++] = s;
}

/* Room for one more row behind @n of them: memory doubles from 16 rows on. NULL: none. */
static void *rows_grow(void *rows, size_t n, size_t size, size_t max)
{
	if (n >= max)
		return NULL;
	if (n >= 16 ? n & (n - 1) : n)
		return rows;
	return reallocarray(rows, n < 16 ? 16 : 2 * n, size);
}

#define ROWS_MAX(table)                                                                           \
	(__builtin_types_compatible_p(typeof(table), struct watch_thread *) ? WATCH_THREADS_MAX : \
									      WATCH_ROWS_MAX)

#define X(type, table)                                                                           \
	struct watch_##type *watch_add_##type(struct watch *w)                                   \
	{                                                                                        \
		void *rows =                                                                     \
			rows_grow(w->table, w->n##table, sizeof(*w->table), ROWS_MAX(w->table)); \
                                                                                                 \
		if (!rows) {                                                                     \
			w->more_##table++;                                                       \
			return NULL;                                                             \
		}                                                                                \
		w->table = rows;                                                                 \
		w->table[w->n##table] = (struct watch_##type){ 0 };                              \
		return &w->table[w->n##table++];                                                 \
	}
WATCH_TABLES(X)
#undef X

uint64_t watch_total_ns(const struct watch *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < THREAD_STATE_COUNT; i++)
		sum += w->ns[i];
	return sum;
}

bool watch_lock_contended(const struct watch_lock *l)
{
	return l->mutex || l->mutual_ns * 2 > l->wait_ns;
}

/* States in which a thread has work, or is held up with it, whoever it waits for. */
static const enum thread_state at_work[] = { THREAD_RUNNING, THREAD_RUNNABLE,  THREAD_THROTTLED,
					     THREAD_DISK,    THREAD_PAGEFAULT, THREAD_OTHER };

uint64_t watch_busy_ns(const struct watch *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(at_work) / sizeof(at_work[0]); i++)
		sum += w->ns[at_work[i]];
	for (size_t i = 0; i < w->nlocks; i++)
		if (watch_lock_contended(&w->locks[i]))
			sum += w->locks[i].wait_ns;
	for (size_t i = 0; i < w->npeers; i++)
		if (!w->peers[i].server)
			sum += w->peers[i].wait_ns + w->peers[i].connect_ns;
	return sum;
}

uint32_t watch_cost(const struct watch *w, uint64_t ns)
{
	uint64_t busy = watch_busy_ns(w), of = busy > w->duration_ns ? busy : w->duration_ns;

	return of ? (uint32_t)((double)ns * 1000.0 / (double)of + 0.5) : 0;
}

double watch_rate(const struct watch *w, uint64_t count)
{
	return w->duration_ns ? (double)count * 1e9 / (double)w->duration_ns : 0;
}

struct watch_sum watch_calls(const struct watch *w, const char *name, int error)
{
	struct watch_sum sum = { 0, 0 };

	for (size_t i = 0; i < w->ncalls; i++) {
		const struct watch_call *c = &w->calls[i];

		if (!str_eq(c->name, str_of(name)) || (error >= 0 && c->error != error))
			continue;
		sum.count += c->count;
		sum.bytes += c->bytes;
	}
	return sum;
}

struct watch_sum watch_calls_all(const struct watch *w)
{
	struct watch_sum sum = { 0, 0 };

	for (size_t i = 0; i < w->ncalls; i++) {
		sum.count += w->calls[i].count;
		sum.bytes += w->calls[i].bytes;
	}
	return sum;
}

uint64_t watch_errors(const struct watch *w, uint32_t pid, int error)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->ncalls; i++)
		if (w->calls[i].who.pid == pid && w->calls[i].error == error)
			n += w->calls[i].count;
	return n;
}

/* Whether the predicate holds for the node's frame, or for one of its callers. */
static bool node_is(const struct profile *p, uint32_t node, watch_frame_is is, const void *ctx,
		    bool leaf)
{
	const struct frame *frames = profile_frames(p, &(size_t){ 0 });
	const struct profile_node *nodes = profile_nodes(p, &(size_t){ 0 });

	for (; node; node = nodes[node].parent) {
		if (is(&frames[nodes[node].frame], ctx))
			return true;
		if (leaf)
			return false;
	}
	return false;
}

uint64_t watch_stacks_ns(const struct profile *p, watch_frame_is is, const void *ctx, bool leaf)
{
	const struct profile_sample *s;
	uint64_t sum = 0;
	size_t n;

	if (!p)
		return 0;
	s = profile_samples(p, &n);
	for (size_t i = 0; i < n; i++)
		if (node_is(p, s[i].node, is, ctx, leaf))
			sum += s[i].value[0];
	return sum;
}
