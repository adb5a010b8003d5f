/* The main loop: wait, take what is there, tell the caller, again. */
#include "agent/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "agent/outside.h"
#include "agent/python_files.h"
#include "agent/unwinding.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "decode/decode.h"
#include "decode/streams.h"
#include "enrich/users.h"
#include "source/replay.h"
#include "symbol/func_places.h"
#include "symbol/go_places.h"
#include "wire/meta.h"

/* Records between two calls of batch(), so that output flows and signals are seen. */
#define BATCH_RECORDS 4096
/* How long to wait when the last look found nothing, and when it found something. */
#define WAIT_IDLE_MS 25
#define WAIT_BUSY_MS 3

static int signals_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int poll_add(struct session *s, int fd, uint32_t flags, void *ptr)
{
	struct epoll_event e = { .events = EPOLLIN | flags, .data.ptr = ptr };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -errno;
}

/* The users of this machine enter the stream, so that a capture of it knows them. */
static int users_inject(struct session *s)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct rec_blob r = { .hdr.type = REC_USERS, .hdr.time_ns = clock_boot().ns };

	buf_add(&b, &r, sizeof(r));
	users_collect(&b);
	if (b.failed)
		return -ENOMEM;
	((struct rec_blob *)b.p)->blob = (struct rec_str){ sizeof(r), (uint16_t)(b.n - sizeof(r)) };
	((struct rec_blob *)b.p)->hdr.len = (uint32_t)b.n;
	return live_inject(s->source, (const struct rec_hdr *)b.p);
}

static int source_open(const struct session_opts *o, struct session *s, struct buf *why)
{
	struct live_opts live = { .kinds = o->kinds | (o->explain ? KIND_BIT(KIND_OFFCPU) : 0),
				  .env = o->env,
				  .times = o->explain,
				  .find = { go_places, func_places },
				  .sample_hz = o->sample_hz };
	const char *damage = "";
	char reason[256] = "";
	int err;

	if (o->replay) {
		err = replay_open(o->replay, &s->source, &damage);
		if (err)
			buf_printf(why, "%s: %s", o->replay,
				   err == -EBADMSG && damage ? damage : strerror(-err));
		return err;
	}
	err = live_open(&live, reason, &s->source);
	if (err)
		buf_printf(why, "cannot watch this kernel: %s (try: porthole doctor)", reason);
	s->live = err == 0;
	return err;
}

/* A cluster is asked only when something says there is one. */
static int outside_open(const struct outside_opts *given, struct session *s)
{
	struct outside_opts opts = {
		.kube = getenv("KUBERNETES_SERVICE_HOST") || getenv("KUBECONFIG"),
	};
	char note[256];
	int err = outside_start(s, given ? given : &opts, note, &s->outside);

	if (note[0])
		log_warn("%s", note);
	return err;
}

/* The kernel is told which connections are worth copying. */
static void stream_verdict(void *ctx, uint64_t id, enum stream_class class)
{
	struct session *s = ctx;

	if (!s->verdicts.words &&
	    stream_verdicts_open(live_map(s->source, MAP_stream_verdicts), &s->verdicts) != 0)
		return; /* it copies what it copies of any */
	stream_verdict_set(&s->verdicts, id, class);
}

int session_open(const struct session_opts *o, struct session *ret, struct buf *why)
{
	struct session s = { .epoll = -1, .signals = -1 };
	int err = source_open(o, &s, why);

	if (err)
		return err;
	err = pipeline_init(&s.pipeline, &s.source->host);
	s.pipeline.requests.raw = o->raw;
	s.pipeline.requests.explain = o->explain;
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	s.signals = signals_open();
	if (!err && (s.epoll < 0 || s.signals < 0))
		err = -EMFILE;
	if (!err)
		err = poll_add(&s, s.signals, 0, NULL);
	if (!err && s.live) {
		/*
		 * Edges: under load a ring is never empty, because the youngest records are held
		 * back, and would never let us wait.
		 */
		err = poll_add(&s, source_fd(s.source), EPOLLET, NULL);
		s.pushdown = (struct pushdown){ .source = s.source,
						.ctl.self = (uint32_t)getpid(),
						.times = o->explain };
		s.pushdown.off = getenv("PORTHOLE_PUSHDOWN") &&
				 strcmp(getenv("PORTHOLE_PUSHDOWN"), "0") == 0;
	}
	/* A capture that comes through a pipe; files cannot be waited for (EPERM). */
	if (!err && !s.live && source_fd(s.source) >= 0)
		s.piped = poll_add(&s, source_fd(s.source), 0, NULL) == 0;
	if (!err && s.live)
		err = users_inject(&s);
	if (!err && s.live && (o->loaded || o->whole))
		live_settle(s.source);
	if (!err && s.live && o->loaded)
		err = o->loaded(o->ctx, why);
	if (err) {
		if (!why->n)
			buf_printf(why, "starting: %s", strerror(-err));
		session_close(&s);
		return err;
	}
	*ret = s;
	ret->pushdown.pipeline = &ret->pipeline;
	ret->pipeline.requests.verdict = s.live ? stream_verdict : NULL;
	ret->pipeline.requests.ctx = ret;
	return s.live ? outside_open(o->outside, ret) : 0;
}

int session_watch(struct session *s, struct session_watch *w)
{
	return poll_add(s, w->fd, 0, w);
}

void session_unwatch(struct session *s, struct session_watch *w)
{
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, w->fd, NULL);
}

static void signals_read(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo == SIGHUP)
			s->hangup = true;
		else
			s->signal = (int)info.ssi_signo;
}

static void session_wait(struct session *s, int ms)
{
	struct epoll_event events[16];
	int n = epoll_wait(s->epoll, events, 16, ms);

	for (int i = 0; i < n; i++) {
		struct session_watch *w = events[i].data.ptr;

		if (w)
			w->ready(w);
	}
	if (n) /* else it was time alone that passed */
		signals_read(s);
}

/* The unwinding's thread. */
static void stack_finished(void *ctx, const struct rec_hdr *h)
{
	live_inject(ctx, h);
}

static int unwinding_open(struct session *s)
{
	const struct unwind_map_fds fds = {
		.files = live_map(s->source, MAP_uw_files),
		.pages = live_map(s->source, MAP_uw_pages),
		.rows = live_map(s->source, MAP_uw_rows),
		.rules = live_map(s->source, MAP_uw_rules),
	};

	int err = unwinding_start(&fds, stack_finished, s->source, &s->unwinding);

	/* Without it, stacks have native frames. */
	if (!err)
		(void)python_files_start(live_map(s->source, MAP_py_files),
					 live_map(s->source, MAP_py_layouts), &s->python);
	return err;
}

/* True: the record was taken, and comes again when its stack is complete. */
static bool stack_before(struct session *s, const struct rec_hdr *h)
{
	struct stack stack;
	size_t stack_at;

	if (!s->live || !decode_stack(h, &stack_at, &stack))
		return false;
	if (!s->unwinding && unwinding_open(s) != 0)
		return false;
	if (s->python)
		python_files_seen(s->python, h->pid, &stack);
	return unwinding_seen(s->unwinding, h, stack_at, &stack);
}

/* Takes up to a batch; how many there were, or -errno. */
static int session_turn(struct session *s)
{
	const struct rec_hdr *h;
	int n = 0, got = 0;

	while (n < BATCH_RECORDS && (got = source_next(s->source, &h)) > 0) {
		outside_before(s->outside, h);
		if (!stack_before(s, h))
			pipeline_record(&s->pipeline, h);
		n++;
	}
	return got < 0 ? got : n;
}

static int wait_ms(const struct session *s, int n, int idle, struct boot_ns until)
{
	int ms = s->relaxed_ms;
	uint64_t now, left;

	if ((!s->live && !s->piped) || n == BATCH_RECORDS)
		return 0;
	if (!ms)
		ms = idle < 4 ? WAIT_BUSY_MS : WAIT_IDLE_MS;
	if (!until.ns)
		return ms;
	now = clock_boot().ns;
	left = until.ns > now ? (until.ns - now) / NS_PER_MS + 1 : 0;
	return left < (uint64_t)ms ? (int)left : ms;
}

int session_run(struct session *s, struct boot_ns until)
{
	int idle = 0;

	while (!s->signal) {
		int n = session_turn(s);

		if (n < 0)
			return n;
		if (s->live && n)
			pushdown_cgroups(&s->pushdown);
		if (s->source->ended)
			pipeline_end(&s->pipeline);
		if (s->batch && s->batch(s->ctx))
			return 0;
		if (s->source->ended || (until.ns && clock_boot().ns >= until.ns))
			return 0;
		idle = n ? 0 : idle + 1;
		session_wait(s, wait_ms(s, n, idle, until));
	}
	return 0;
}

void session_drain(struct session *s)
{
	struct boot_ns end = { clock_boot().ns + 2 * LIVE_HOLD_NS };
	int n;

	if (s->live)
		live_read(s->source);
	do {
		n = session_turn(s);
		if (n == 0 && clock_boot().ns < end.ns)
			session_wait(s, 1);
	} while (n > 0 || (n == 0 && s->live && clock_boot().ns < end.ns));
}

void session_close(struct session *s)
{
	outside_stop(s->outside);
	python_files_stop(s->python);
	unwinding_stop(s->unwinding);
	stream_verdicts_close(&s->verdicts);
	pushdown_free(&s->pushdown);
	source_close(s->source);
	pipeline_free(&s->pipeline);
	closep(&s->epoll);
	closep(&s->signals);
	*s = (struct session){ .epoll = -1, .signals = -1 };
}

static uint64_t loss_line(void *ctx, uint64_t n, const char *what, const char *reason)
{
	struct buf *b = ctx;

	if (n)
		buf_printf(b, "lost %llu %s: %s\n", (unsigned long long)n, what, reason);
	return n;
}

/* Of a pcap file; not lost: there may be nothing in them for us. */
static void packet_line(struct buf *b, uint64_t n, const char *what)
{
	if (n)
		buf_printf(b, "passed over %llu packets %s\n", (unsigned long long)n, what);
}

/* Nothing is lost altogether: stacks are cut short. */
static void stack_losses(struct session *s, struct buf *b)
{
	struct python_files_stats p;
	struct unwinding_stats u;

	if (!s->unwinding)
		return;
	unwinding_stats(s->unwinding, &u);
	loss_line(b, u.pending_full, "callers of samples", "too many waited for unwind tables");
	loss_line(b, u.queue_full, "requests for unwind tables", "too many at once");
	loss_line(b, u.full, "unwind tables", "no room left in the kernel's maps");
	loss_line(b, u.failed, "unwind tables", "a file could not be read");
	if (!s->python)
		return;
	python_files_stats(s->python, &p);
	loss_line(b, p.unknown, "interpreters' frames", "a build of Python that is not known");
	loss_line(b, p.queue_full, "looks for interpreters", "too many files at once");
	loss_line(b, p.failed, "interpreters' frames", "the kernel's maps did not take them");
}

uint64_t session_losses(struct session *s, struct buf *b)
{
	const struct proc_stats *procs = proc_table_stats(enrich_procs(s->pipeline.enrich));
	const struct streams_stats none = { 0 };
	struct kind_stats stats[KIND_COUNT];
	uint64_t lost = 0;
	char what[64];

	if (source_stats(s->source, stats) != 0)
		memset(stats, 0, sizeof(stats));
	for (size_t k = 0; k < KIND_COUNT; k++) {
		snprintf(what, sizeof(what), "%s events", kind_table[k].name.p);
		lost += loss_line(b, stats[k].ring_full, what, "ring full (the reader was too slow)");
		loss_line(b, stats[k].map_full, what, "kernel table full");
	}
	lost += loss_line(b, s->source->losses.injected,
			  "records of the cluster, of containers or of completed stacks",
			  "too many waited to enter the stream");
	loss_line(b, s->source->losses.unread, "readings of totals", "the kernel refused");
	lost += loss_line(b, s->source->losses.damaged, "blocks or records", "damaged");
	requests_losses(&s->pipeline.requests, &none, loss_line, b);
#define X(name, what, why) loss_line(b, s->source->losses.libraries.name, what, why);
	SOURCE_LIBRARIES(X)
#undef X
#define X(name, text) packet_line(b, s->source->losses.packets.name, text);
	SOURCE_PACKETS(X)
#undef X
	lost += loss_line(b, s->pipeline.decoded.bad, "records", "not what their type says");
	lost += loss_line(b, s->pipeline.decoded.unknown, "records",
			  "of a type this version does not know");
	stack_losses(s, b);
	loss_line(b, procs->full, "process entries", "process table full");
	return lost;
}
