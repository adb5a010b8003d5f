/* Each sort of sum becomes a table of the watch: a row a function, in a list at the end. */
#include "agent/watching_fill.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/watching_take.h"
#include "base/cleanup.h"
#include "probe/calls/calls.h"
#include "probe/calls/names.h"

struct filling {
	const struct sums *sums;
	const struct watching_target *t;
	struct watch *w;
};

static bool pid_in(const struct watching_target *t, uint32_t pid)
{
	for (size_t i = 0; i < t->npids; i++)
		if (t->pids[i] == pid)
			return true;
	return t->node;
}

static bool port_listens(const struct watching_target *t, uint64_t port)
{
	for (size_t i = 0; i < t->nlistening; i++)
		if (t->listening[i] == port)
			return true;
	return false;
}

static bool cgroup_in(const struct watching_target *t, uint64_t cgroup)
{
	for (size_t i = 0; i < t->ncgroups; i++)
		if (t->cgroups[i] == cgroup)
			return true;
	return t->node;
}

static struct watch_who who_copy(struct watch *w, const struct watch_who *who)
{
	return (struct watch_who){ who->pid, who->tid, watch_text(w, who->comm),
				   watch_text(w, who->where) };
}

static void thread_row(struct filling *f, const struct sum *s)
{
	struct watch *w = f->w;
	struct watch_thread *r;

	w->threads_seen++;
	for (size_t i = 0; i < THREAD_STATE_COUNT; i++)
		w->ns[i] += s->v[i];
	w->switches += s->v[THREAD_V_SWITCHES];
	w->preempted += s->v[THREAD_V_PREEMPTED];
	r = watch_add_thread(w);
	if (!r)
		return;
	r->who = who_copy(w, &s->who);
	for (size_t i = 0; i < THREAD_STATE_COUNT; i++)
		r->ns[i] = s->v[i];
	r->switches = s->v[THREAD_V_SWITCHES];
	r->preempted = s->v[THREAD_V_PREEMPTED];
	r->wakeups = s->v[THREAD_V_WAKEUPS];
}

static void rival_row(struct filling *f, const struct sum *s)
{
	struct watch_rival *r;

	if (!s->who.pid || !cgroup_in(f->t, s->a))
		return;
	r = watch_add_rival(f->w);
	if (!r)
		return;
	r->who = who_copy(f->w, &s->who);
	r->ns = s->v[WAIT_V_NS];
	r->self = pid_in(f->t, s->who.pid);
}

/* The path that this call failed on most. */
static const struct sum *failed_path(const struct sums *sums, const struct sum *call)
{
	const struct sum *best = NULL;

	for (size_t i = 0; i < sums_count(sums); i++) {
		const struct sum *s = sums_get(sums, i);

		if (s->sort == SUM_FAILED && s->pid == call->pid &&
		    s->a == (call->a << 32 | (uint32_t)call->b) &&
		    (!best || s->v[WAIT_V_N] > best->v[WAIT_V_N]))
			best = s;
	}
	return best;
}

static void call_row(struct filling *f, const struct sum *s)
{
	struct watch_call *r = watch_add_call(f->w);
	const struct sum *failed;
	char name[64];

	if (!r)
		return;
	call_name((uint16_t)s->a, name, sizeof(name));
	r->who = who_copy(f->w, &s->who);
	r->name = watch_text(f->w, str_of(name));
	r->error = s->b == CALLS_NOTHING ? WATCH_NOTHING : (int)s->b;
	r->count = s->v[CALL_V_COUNT];
	r->bytes = s->v[CALL_V_BYTES];
	failed = s->b && s->b != CALLS_NOTHING ? failed_path(f->sums, s) : NULL;
	if (failed) {
		r->path = watch_text(f->w, failed->text);
		r->path_count = failed->v[WAIT_V_N];
	}
}

static enum watch_file_type type_of(uint64_t mode, struct str name)
{
	if (S_ISSOCK(mode))
		return WATCH_SOCKET;
	if (S_ISFIFO(mode))
		return WATCH_PIPE;
	if (S_ISCHR(mode) && (str_starts(name, STR("/dev/tty")) || str_starts(name, STR("/dev/pts/"))))
		return WATCH_TERMINAL;
	return S_ISREG(mode) ? WATCH_FILE : WATCH_OTHER_FILE;
}

static void io_row(struct filling *f, const struct sum *s)
{
	struct watch_file *r = watch_add_file(f->w);
	const struct sum *waits;

	if (!r)
		return;
	waits = s->text.p ? sum_find(f->sums, SUM_FILE, s->pid, (uint64_t)(uintptr_t)s->text.p, 0) :
			    NULL;
	r->who = who_copy(f->w, &s->who);
	r->name = watch_text(f->w, s->text);
	r->fd = (int)(int32_t)s->a;
	r->writes = s->b;
	r->calls = s->v[IO_V_CALLS];
	r->bytes = s->v[IO_V_BYTES];
	r->appends = s->v[IO_V_FLAGS] & O_APPEND;
	r->type = type_of(s->v[IO_V_MODE], s->text);
	r->wait_ns = waits ? waits->v[WAIT_V_NS] : 0;
}

/* Files waited for through no descriptor of which a total has come: fsync alone, closed ones. */
static void file_row(struct filling *f, const struct sum *s)
{
	struct watch_file *r;

	for (size_t i = 0; i < f->w->nfiles; i++)
		if (f->w->files[i].who.pid == s->pid && str_eq(f->w->files[i].name, s->text))
			return;
	r = watch_add_file(f->w);
	if (!r)
		return;
	r->who = who_copy(f->w, &s->who);
	r->name = watch_text(f->w, s->text);
	r->fd = -1;
	r->wait_ns = s->v[WAIT_V_NS];
}

/* Who ends the waits, and whether those wait for it themselves. */
static void lock_wakers(struct filling *f, const struct sum *lock, struct watch_lock *r)
{
	for (size_t i = 0; i < sums_count(f->sums); i++) {
		const struct sum *s = sums_get(f->sums, i);

		if (s->sort != SUM_WAKER || s->pid != lock->pid || s->a != lock->a)
			continue;
		if (sum_find(f->sums, SUM_WAITER, lock->pid, lock->a, s->b))
			r->mutual_ns += s->v[WAIT_V_NS];
		if (s->v[WAIT_V_N] > r->holder_wakes) {
			r->holder_wakes = s->v[WAIT_V_N];
			r->holder = who_copy(f->w, &s->who);
		}
	}
}

static void lock_row(struct filling *f, const struct sum *s)
{
	struct watch_lock *r = watch_add_lock(f->w);

	if (!r)
		return;
	r->who = who_copy(f->w, &s->who);
	r->address = s->a;
	r->wait_ns = s->v[WAIT_V_NS];
	r->waits = s->v[WAIT_V_N];
	lock_wakers(f, s, r);
}

static void peer_row(struct filling *f, const struct sum *s)
{
	struct watch_peer *r = watch_add_peer(f->w);

	if (!r)
		return;
	r->who = who_copy(f->w, &s->who);
	r->address = watch_text(f->w, s->text);
	r->server = s->flag || port_listens(f->t, s->v[PEER_V_LPORT]);
	r->wait_ns = s->v[PEER_V_NS];
	r->waits = s->v[PEER_V_N];
	r->asked = s->v[PEER_V_ASKED];
	r->asked_ns = s->v[PEER_V_ASKED_NS];
	r->connects = s->v[PEER_V_CONNECTS];
	r->connect_ns = s->v[PEER_V_CONNECT_NS];
	r->connect_fails = s->v[PEER_V_FAILS];
	r->resets = s->v[PEER_V_RESETS];
	r->retransmits = s->v[PEER_V_RETRANSMITS];
	r->segments = s->v[PEER_V_SEGMENTS];
	r->rtt_ns = s->v[PEER_V_RTT_NS];
	r->error = (int)s->v[PEER_V_ERROR];
}

static void request_row(struct filling *f, const struct sum *s)
{
	struct watch_request *r = watch_add_request(f->w);
	const char *space = s->text.p ? memchr(s->text.p, ' ', s->text.n) : NULL;

	if (!r)
		return;
	r->who = who_copy(f->w, &s->who);
	r->protocol = watch_text(
		f->w, (struct str){ s->text.p, space ? (size_t)(space - s->text.p) : s->text.n });
	if (space)
		r->route = watch_text(f->w, str_skip(s->text, (size_t)(space - s->text.p) + 1));
	if (s->peer.n)
		r->peer = watch_text(f->w, s->peer);
	r->status = watch_text(f->w, s->more);
	r->count = s->v[REQUEST_V_COUNT];
	r->failed = s->v[REQUEST_V_FAILED];
	r->unanswered = s->v[REQUEST_V_UNANSWERED];
	r->ns = s->v[REQUEST_V_NS];
	r->worst_ns = s->v[REQUEST_V_WORST];
}

static void name_row(struct filling *f, const struct sum *s)
{
	struct watch_name *r = watch_add_name(f->w);

	if (!r)
		return;
	r->who = who_copy(f->w, &s->who);
	r->name = watch_text(f->w, s->text);
	r->server = STR("its DNS server");
	r->result = watch_text(f->w, s->more);
	r->asked = s->v[NAME_V_ASKED];
	r->answered = s->v[NAME_V_ANSWERED];
	r->failed = s->v[NAME_V_FAILED];
	r->ns = s->v[NAME_V_NS];
	r->worst_ns = s->v[NAME_V_WORST];
}

static void exec_row(struct filling *f, const struct sum *s)
{
	struct watch_exec *r = watch_add_exec(f->w);

	if (!r)
		return;
	r->parent = who_copy(f->w, &s->who);
	r->program = watch_text(f->w, s->text);
	r->started = s->v[EXEC_V_STARTED];
	r->ended = s->v[EXEC_V_ENDED];
	r->life_ns = s->v[EXEC_V_LIFE];
}

static void signal_row(struct filling *f, const struct sum *s)
{
	struct watch_signal *r;

	if (!pid_in(f->t, s->pid) && !pid_in(f->t, (uint32_t)s->b))
		return;
	r = watch_add_signal(f->w);
	if (!r)
		return;
	r->name = watch_text(f->w, s->text);
	r->sender = who_copy(f->w, &s->who);
	r->sender.pid = (uint32_t)s->b;
	r->target = (struct watch_who){ .pid = s->pid, .comm = watch_text(f->w, s->more) };
	r->count = s->v[WAIT_V_N];
}

/* --- the list, and its order ------------------------------------------------------------------------ */

struct table {
	enum sum_sort sort;
	size_t by; /* the value that decides the order; largest first */
	void (*row)(struct filling *f, const struct sum *s);
};

static const struct table tables[] = {
	{ SUM_THREAD, THREAD_RUNNING, thread_row }, { SUM_RIVAL, WAIT_V_NS, rival_row },
	{ SUM_CALL, CALL_V_COUNT, call_row },	    { SUM_IO, IO_V_CALLS, io_row },
	{ SUM_FILE, WAIT_V_NS, file_row },	    { SUM_LOCK, WAIT_V_NS, lock_row },
	{ SUM_REQUEST, REQUEST_V_NS, request_row }, { SUM_PEER, PEER_V_NS, peer_row },
	{ SUM_NAME, NAME_V_NS, name_row },	    { SUM_EXEC, EXEC_V_STARTED, exec_row },
	{ SUM_SIGNAL, WAIT_V_N, signal_row },
};

static int by_value(const void *pa, const void *pb, void *ctx)
{
	const struct sum *const *a = pa, *const *b = pb;
	size_t by = *(const size_t *)ctx;

	if ((*a)->v[by] == (*b)->v[by])
		return 0;
	return (*a)->v[by] > (*b)->v[by] ? -1 : 1;
}

void watching_fill(const struct sums *s, const struct watching_target *t, struct watch *w)
{
	struct filling f = { s, t, w };
	_cleanup_(freep) const struct sum **some = calloc(sums_count(s) + 1, sizeof(*some));

	for (size_t i = 0; some && i < sizeof(tables) / sizeof(tables[0]); i++) {
		size_t by = tables[i].by, n = 0;

		for (size_t k = 0; k < sums_count(s); k++)
			if (sums_get(s, k)->sort == tables[i].sort)
				some[n++] = sums_get(s, k);
		qsort_r(some, n, sizeof(*some), by_value, &by);
		for (size_t k = 0; k < n; k++)
			tables[i].row(&f, some[k]);
	}
	w->seconds = sums_seconds(s, &w->nseconds);
	if (!some)
		watch_unseen(w, "memory was short: no figures");
	if (sums_refused(s))
		watch_unseen(w, "%lu sums found no room: figures are too low", sums_refused(s));
}

/* --- who takes locks --------------------------------------------------------------------------------- */

/* Functions that wait for a mutex, by part of their names; condition variables are not among them. */
static const char *const takers[] = {
	"mutex_lock",	 "lll_lock_wait", "rwlock_rdlock",	   "rwlock_wrlock",
	"rwlock_common", "Mutex::lock",	  "futex_mutex",	   "lock_contended",
	"runtime.lock",	 "take_gil",	  "PyThread_acquire_lock", "spin_lock",
};

/* CPython's locks: that of a program, which some take to wait for something to happen (a worker without work), and its own. */
#define PYTHON_LOCK STR("PyThread_acquire_lock")
#define PYTHON_GIL  STR("take_gil")

static const char *const idlers[] = {
	"Condition.wait",		/* and so Event.wait, Queue.get, Barrier.wait */
	"Thread._wait_for_tstate_lock", /* Thread.join */
	"SimpleQueue_get",		/* pools of concurrent.futures */
};

static bool is_one_of(struct str name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_contains(name, str_of(list[i])))
			return true;
	return false;
}

#define IS_ONE_OF(name, list) is_one_of(name, list, sizeof(list) / sizeof(list[0]))

/*
 * From the leaf outwards: the caller of what takes the lock, absent when there is none. Of Python's
 * locks, however they are made (of a mutex and a condition variable, some), the function in Python, behind the
 * interpreter's own; false: it waits for no lock in truth.
 */
static bool lock_caller(const struct watch *w, uint32_t node, bool *ret_taken, struct str *ret)
{
	const struct frame *frames = profile_frames(w->off, &(size_t){ 0 });
	const struct profile_node *nodes = profile_nodes(w->off, &(size_t){ 0 });
	bool taken = false, python = false, gil = false;

	for (; node; node = nodes[node].parent) {
		const struct frame *f = &frames[nodes[node].frame];
		bool takes_gil = str_contains(f->function, PYTHON_GIL);
		bool takes_python = takes_gil || str_contains(f->function, PYTHON_LOCK);

		if (f->kind == FRAME_KERNEL || f->kind == FRAME_MARK || !f->function.n)
			continue;
		if (takes_python || (!ret->n && IS_ONE_OF(f->function, takers))) {
			taken = true;
			gil |= takes_gil;
			python |= takes_python;
			*ret = STR_NONE;
			continue;
		}
		if (python && !gil && IS_ONE_OF(f->function, idlers))
			return false;
		if (!taken)
			continue;
		if (!ret->n || (python && f->kind == FRAME_INTERP))
			*ret = f->function;
		if (python && f->kind == FRAME_INTERP)
			break;
	}
	*ret_taken = taken;
	return true;
}

/* By the sample that stands for the most time; whether it is a mutex, by any. */
static void lock_name(struct watch *w, struct watch_lock *l)
{
	size_t n;
	const struct profile_sample *s = profile_samples(w->off, &n);
	struct str name = STR_NONE;
	uint64_t most = 0;
	char address[24];

	snprintf(address, sizeof(address), "%lx", l->address);
	for (size_t i = 0; i < n; i++) {
		struct str function = STR_NONE;
		bool taken = false;

		if (!str_eq(profile_series_label(w->off, s[i].series, STR("lock")), str_of(address)) ||
		    !lock_caller(w, s[i].node, &taken, &function))
			continue;
		l->mutex |= taken;
		if (!taken || !function.n || s[i].value[0] <= most)
			continue;
		most = s[i].value[0];
		name = function;
	}
	l->function = watch_text(w, name);
}

void watching_lock_names(struct watch *w)
{
	for (size_t k = 0; w->off && k < w->nlocks; k++)
		lock_name(w, &w->locks[k]);
}
