/*
 * Order of the start: the lock first (a second agent must touch nothing), then the kernel, then
 * what is given up (privileges are the threads' own, so before there are any), then the threads.
 */
#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#include "agent/cost.h"
#include "agent/detection.h"
#include "agent/exporting.h"
#include "agent/history.h"
#include "agent/lock.h"
#include "agent/outside.h"
#include "agent/privilege.h"
#include "agent/profiling.h"
#include "agent/service.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"

struct agent {
	struct agent_opts opts;
	const struct config *config;
	struct session session;
	bool opened; /* the session */
	struct board *board;
	struct feed *feed;
	struct service *service;
	struct detection *detection; /* NULL: no rules */
	struct profiling *profiling; /* NULL: none is kept */
	struct history *history;     /* likewise */
	struct exporting *exporting; /* NULL: requests are not exported */
	int lock;
	uint64_t counted;
	struct boot_ns start;
	uint64_t cpu_ns, cpu_before_ns; /* of this process, at the last two ticks */
	uint64_t cpu_start_ns;		/* what it took to load and to look around */
	struct privilege privilege;
	uint64_t client_kinds;
	const struct query *clients[CONTROL_CLIENTS];
	size_t nclients;
	char host[256];
	struct session_watch timer; /* fd -1: none */
	uint64_t ticks, ticks_per_interval;
	bool due, fresh; /* a tick; the next one begins an interval */
};

static uint64_t self_cpu_ns(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) != 0)
		return 0;
	return ((uint64_t)u.ru_utime.tv_sec + (uint64_t)u.ru_stime.tv_sec) * NS_PER_SEC +
	       ((uint64_t)u.ru_utime.tv_usec + (uint64_t)u.ru_stime.tv_usec) * 1000;
}

/* Nobody listens: looking seldom costs least, and life records wait in their ring. */
#define RELAXED_MS 100
/* Longer intervals are several ticks: removed cgroups are known for a minute only. */
#define TICK_MAX_NS (10 * NS_PER_SEC)

static int agent_loaded(void *ctx, struct buf *why)
{
	struct agent *a = ctx;

	return privilege_drop(&a->privilege, why);
}

static int agent_session_open(struct agent *a, struct buf *why)
{
	const struct config *c = a->config;
	struct outside_opts outside = {
		.kube = c->kube_enabled == CONFIG_TRUE ||
			(c->kube_enabled == CONFIG_AUTO &&
			 (c->kube_kubeconfig[0] || getenv("KUBERNETES_SERVICE_HOST") ||
			  getenv("KUBECONFIG"))),
		.kubeconfig = c->kube_kubeconfig[0] ? c->kube_kubeconfig : NULL,
		.node_name = c->kube_node_name[0] ? c->kube_node_name : NULL,
	};
	struct session_opts opts = {
		.kinds = a->counted | (a->detection ? detection_kinds(a->detection) : 0) |
			 (a->profiling ? profiling_clause().kinds : 0) |
			 (a->history ? history_kinds(a->history) : 0) |
			 (a->exporting ? exporting_kinds() : 0),
		.explain = a->history && history_explains(a->history),
		.sample_hz = a->profiling ? c->profile_hz : 0,
		.env = a->detection && detection_env(a->detection),
		.outside = &outside,
		.loaded = agent_loaded,
		.ctx = a,
	};
	int err = session_open(&opts, &a->session, why);

	a->opened = err == 0;
	return err;
}

static void timer_ready(struct session_watch *w)
{
	struct agent *a = w->ctx;
	uint64_t times;

	a->due |= read(w->fd, &times, sizeof(times)) == sizeof(times);
}

static int timer_open(struct agent *a)
{
	uint64_t n = (a->opts.interval_ns + TICK_MAX_NS - 1) / TICK_MAX_NS;
	uint64_t ns = a->opts.interval_ns / n;
	struct timespec t = { (time_t)(ns / NS_PER_SEC), (long)(ns % NS_PER_SEC) };
	struct itimerspec spec = { t, t };

	a->ticks_per_interval = n;
	a->timer.ready = timer_ready;
	a->timer.ctx = a;
	a->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->timer.fd < 0 || timerfd_settime(a->timer.fd, 0, &spec, NULL) != 0)
		return -errno;
	return session_watch(&a->session, &a->timer);
}

static int agent_tick(struct agent *a)
{
	int err = feed_tick(a->feed, clock_boot(), a->fresh);

	if (a->fresh)
		a->cpu_before_ns = a->cpu_ns;
	a->fresh = false;
	a->cpu_ns = self_cpu_ns();
	return err;
}

/* The tables are filled from what is there, and counting begins. */
static int agent_begin(struct agent *a)
{
	int err;

	session_drain(&a->session);
	err = pushdown_set(&a->session.pushdown, 0, a->counted, NULL, 0);
	if (!err)
		err = feed_open(&a->session, a->board, &a->feed);
	a->start = clock_boot();
	a->fresh = true;
	if (!err)
		err = agent_tick(a);
	a->fresh = true;
	if (!err)
		err = timer_open(a);
	a->session.relaxed_ms = RELAXED_MS;
	return err;
}

/* What clients and rules want now, to the kernel. */
static int wanted_push(struct agent *a)
{
	size_t rules = a->detection ? detect_rules(detection_detect(a->detection))->n : 0, n = 0;
	_cleanup_(freep) struct pushdown_clause *all =
		calloc(rules + CONTROL_CLIENTS + 2 + STORE_TABLES, sizeof(*all));
	uint64_t kinds = a->client_kinds, always = a->counted, kept = 0;
	int err;

	if (!all)
		return -ENOMEM;
	if (a->detection) {
		kinds |= detection_kinds(a->detection);
		n = detection_clauses(a->detection, all);
	}
	for (size_t i = 0; i < a->nclients; i++)
		all[n++] = pushdown_of_query(a->clients[i]);
	if (a->profiling) {
		all[n++] = profiling_clause();
		always |= profiling_clause().kinds;
	}
	if (a->history) {
		n += history_clauses(a->history, all + n);
		kept = history_kinds(a->history);
	}
	if (a->exporting) {
		all[n++] = exporting_clause();
		kept |= exporting_kinds();
	}
	err = live_want(a->session.source,
			kinds | always | kept |
				(a->session.pushdown.times ? KIND_BIT(KIND_OFFCPU) : 0));
	if (!err)
		err = pushdown_set(&a->session.pushdown, kinds | kept | (always & ~a->counted),
				   a->counted, all, n);
	/* Profile, history and exports are in no hurry. */
	a->session.relaxed_ms = kinds ? 0 : RELAXED_MS;
	return err;
}

static int agent_wanted(void *ctx, uint64_t kinds, const struct query *const *list, size_t n)
{
	struct agent *a = ctx;

	a->client_kinds = kinds;
	a->nclients = n;
	if (n)
		memcpy(a->clients, list, n * sizeof(*list));
	return wanted_push(a);
}

/*
 * A cgroup's counts since the start, as of the last tick. Not the board's rows: those leave out
 * who is idle, and a counter must not come and go.
 */
static int series_fill(void *ctx, struct board_cgroup *c)
{
	const struct cgroup *cg = c->cgroup;
	struct str ns = STR_NONE, pod = STR_NONE, who = cg->unit.n ? cg->unit : cg->path;

	if (cg->pod) {
		ns = cg->pod->ns;
		pod = cg->pod->name.n ? cg->pod->name : cg->pod->uid;
		who = STR_NONE;
	}
	if (cg->container)
		who = cg->container->name.n ? cg->container->name : cg->container->id12;
	for (size_t k = 0; k < KIND_COUNT; k++)
		if (c->total[k].events)
			metrics_series_add(ctx, ns, pod, who, k, c->total[k].events,
					   c->total[k].errors);
	return 0;
}

static void agent_fill(void *ctx, struct metrics *m)
{
	struct agent *a = ctx;
	struct kube_status status;

	board_each(a->board, series_fill, m);
	if (a->detection)
		detection_fill(a->detection, m);
	if (a->profiling)
		profiling_fill(a->profiling, m);
	if (a->history)
		history_fill(a->history, m);
	if (a->exporting)
		exporting_fill(a->exporting, m);
	for (int r = 0; r < KUBE_RESOURCES; r++) {
		if (!outside_kube_status(a->session.outside, (enum kube_resource)r, &status) ||
		    status.state == KUBE_STATE_OFF)
			continue;
		metrics_kube_add(m, &(struct metrics_kube){
					    .resource = status.name,
					    .synced = status.synced &&
						      status.state == KUBE_STATE_WATCHING,
					    .objects = status.objects,
					    .errors = status.failures,
				    });
	}
}

static void alert_keep(void *ctx, const struct alert *alert)
{
	struct agent *a = ctx;

	if (a->history)
		history_alert(a->history, alert);
	if (a->exporting)
		exporting_alert(a->exporting, alert);
}

/* Rules judge from here on; what was before the agent is in the tables already. */
static int agent_detect(struct agent *a, struct buf *why)
{
	return detection_start(a->detection, &a->session, alert_keep, a, why);
}

/* Before privileges go. It is a matter of comfort: the agent goes on without. */
static void agent_profiling_new(struct agent *a)
{
	_cleanup_(buf_free) struct buf why = { 0 };

	if (a->config->profile_enabled && profiling_new(a->config, &a->profiling, &why) != 0)
		log_warn("%.*s", STR_ARG(buf_slice(&why)));
}

static void agent_history_new(struct agent *a)
{
	_cleanup_(buf_free) struct buf why = { 0 };

	if (a->config->store_enabled && history_new(a->config, &a->history, &why) != 0)
		log_warn("%.*s", STR_ARG(buf_slice(&why)));
}

static void agent_exporting_new(struct agent *a)
{
	_cleanup_(buf_free) struct buf why = { 0 };

	if (exporting_wanted(a->config) && exporting_new(a->config, &a->exporting, &why) != 0)
		log_warn("%.*s", STR_ARG(buf_slice(&why)));
}

static void agent_history(struct agent *a)
{
	int err = history_start(a->history, &a->session);

	if (!err)
		return;
	log_warn("no history is kept: %s", strerror(-err));
	history_stop(a->history);
	a->history = NULL;
}

static bool samples_had(const struct agent *a)
{
	const struct loader *l = live_loader(a->session.source);

	for (size_t i = 0; i < probes_n; i++)
		if ((l->probes[i].kinds & KIND_BIT(KIND_SAMPLE)) &&
		    (l->probes[i].state == PROBE_ON || l->probes[i].state == PROBE_DEGRADED))
			return true;
	return false;
}

static void agent_profile(struct agent *a)
{
	int err = samples_had(a) ? profiling_start(a->profiling, &a->session) : -ENOTSUP;

	if (!err)
		return;
	log_warn("no profiles are kept: %s",
		 err == -ENOTSUP ? "this kernel gives no samples" : strerror(-err));
	profiling_stop(a->profiling);
	a->profiling = NULL;
}

/* All that reads the stream by itself, and then once what the kernel is to give them. */
static int agent_start(struct agent *a, struct buf *why)
{
	int err = a->detection ? agent_detect(a, why) : 0;

	if (!err && a->history)
		agent_history(a);
	if (!err && a->exporting)
		err = exporting_start(a->exporting, &a->session);
	if (!err && a->profiling)
		agent_profile(a);
	if (!err && (a->detection || a->history || a->exporting || a->profiling))
		err = wanted_push(a);
	return err;
}

static void agent_page(void *ctx, struct buf *b)
{
	struct agent *a = ctx;

	if (a->exporting)
		exporting_page(a->exporting, b);
}

/* Where others find what is kept. */
static void agent_status(void *ctx, struct buf *b)
{
	const struct agent *a = ctx;

	if (a->history) {
		json_key(b, STR("history"));
		json_str(b, str_of(a->config->store_directory));
	}
	if (a->profiling) {
		json_key(b, STR("profiles"));
		json_str(b, str_of(a->config->profile_directory));
	}
}

static int agent_serve(struct agent *a, struct buf *why)
{
	const struct service_host host = {
		.ctx = a,
		.wanted = agent_wanted,
		.fill = agent_fill,
		.status = agent_status,
		.page = agent_page,
	};

	return service_start(&a->session, a->config, &host, &a->service, why);
}

int agent_open(const struct agent_opts *o, struct agent **ret, struct buf *why)
{
	struct agent *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->opts = *o;
	a->config = o->config;
	a->counted = o->config->kinds | KINDS_LIFE;
	a->lock = a->timer.fd = -1;
	gethostname(a->host, sizeof(a->host) - 1);
	err = lock_take(o->config->lock_file, &a->lock, why);
	if (!err)
		err = board_new(&a->board);
	if (!err && detection_wanted(o->config))
		err = detection_new(o->config, &a->detection, why);
	if (!err)
		agent_profiling_new(a);
	if (!err)
		agent_history_new(a);
	if (!err)
		agent_exporting_new(a);
	if (!err)
		err = agent_session_open(a, why);
	if (!err)
		err = agent_begin(a);
	if (!err)
		err = agent_start(a, why);
	if (!err)
		err = agent_serve(a, why);
	a->cpu_start_ns = self_cpu_ns();
	if (err && !why->n)
		buf_printf(why, "starting: %s", strerror(-err));
	if (err)
		agent_close(a);
	else
		*ret = a;
	return err;
}

void agent_close(struct agent *a)
{
	if (!a)
		return;
	service_stop(a->service);
	profiling_stop(a->profiling);
	detection_close(a->detection);
	history_stop(a->history); /* after who makes alerts */
	exporting_stop(a->exporting);
	feed_close(a->feed);
	lock_drop(&a->lock); /* before the session: its end may take a child a moment longer */
	if (a->opened)
		session_close(&a->session);
	board_free(a->board);
	closep(&a->timer.fd);
	free(a);
}

static int agent_batch(void *ctx)
{
	struct agent *a = ctx;

	service_turn(a->service);
	if (a->profiling)
		profiling_turn(a->profiling);
	if (a->history)
		history_turn(a->history);
	if (a->exporting)
		exporting_turn(a->exporting);
	if (a->detection && detection_turn(a->detection) == 1 && wanted_push(a) != 0)
		log_error("the kernel programs for the new rules cannot be had");
	if (a->due) {
		a->due = false;
		/* A failed look is no end: the next one may go well, and the values only grow. */
		if (agent_tick(a) == 0 && ++a->ticks % a->ticks_per_interval == 0) {
			a->fresh = true;
			if (a->opts.tick(a->opts.ctx, a))
				return 1;
		}
	}
	return a->opts.turn ? a->opts.turn(a->opts.ctx, a) : 0;
}

int agent_run(struct agent *a)
{
	int err;

	a->session.batch = agent_batch;
	a->session.ctx = a;
	err = session_run(&a->session, (struct boot_ns){ 0 });
	session_drain(&a->session);
	service_turn(a->service);
	if (agent_tick(a) == 0)
		a->opts.tick(a->opts.ctx, a);
	return err;
}

struct board *agent_board(struct agent *a)
{
	return a->board;
}

void agent_about(struct agent *a, struct board_about *ret)
{
	_cleanup_(buf_free) struct buf lines = { 0 };
	uint64_t cpu, rss = 0;

	cost_process(getpid(), &cpu, &rss);
	*ret = (struct board_about){
		.host = str_of(a->host),
		.now = clock_wall(),
		.up_ns = clock_boot().ns - a->start.ns,
		.interval_ns = board_interval_ns(a->board),
		.lost = session_losses(&a->session, &lines),
		.self_cpu_ns = a->cpu_ns - a->cpu_before_ns,
		.self_rss_bytes = rss,
	};
}

static const char *const states[] = { "off", "on", "degraded", "unavailable" };

static void kinds_print(const char *probe, uint64_t kinds, bool *any, struct buf *b)
{
	const char *between = "";

	buf_printf(b, "%s %s (", *any ? "," : "on:", probe);
	*any = true;
	for (size_t k = 0; k < KIND_COUNT; k++)
		if (kinds & KIND_BIT(k)) {
			buf_printf(b, "%s%s", between, kind_table[k].name.p);
			between = ", ";
		}
	buf_char(b, ')');
}

void agent_describe(struct agent *a, struct buf *b)
{
	const struct loader *l = live_loader(a->session.source);
	bool any = false;

	for (size_t i = 0; i < probes_n; i++)
		if (l->probes[i].state == PROBE_ON || l->probes[i].state == PROBE_DEGRADED)
			kinds_print(l->probes[i].probe->name, l->probes[i].kinds, &any, b);
	buf_str(b, STR("; off until asked for:"));
	any = false;
	for (size_t i = 0; i < probes_n; i++)
		if (l->probes[i].state == PROBE_OFF)
			buf_printf(b, " %s", l->probes[i].probe->name);
	buf_char(b, '\n');
	for (size_t i = 0; i < probes_n; i++)
		if (l->probes[i].state == PROBE_DEGRADED || l->probes[i].state == PROBE_UNAVAILABLE)
			buf_printf(b, "%s: %s: %s\n", states[l->probes[i].state],
				   l->probes[i].probe->name, l->probes[i].why);
	if (service_port(a->service))
		buf_printf(b, "metrics: http://%s/metrics; ", a->config->metrics_address);
	buf_printf(b, "control socket: %s\n", a->config->control_socket);
	if (a->detection)
		detection_describe(a->detection, b);
	if (a->profiling)
		profiling_describe(a->profiling, b);
	if (a->history)
		history_describe(a->history, b);
	if (a->exporting)
		exporting_describe(a->exporting, b);
	buf_str(b, STR("capabilities kept: "));
	privilege_names(a->privilege.kept, b);
	buf_char(b, '\n');
}

static void seen_print(struct agent *a, const struct board_about *about, struct buf *b)
{
	struct board_row sum;

	board_sum(a->board, &sum);
	buf_str(b, STR("seen in "));
	board_time(about->up_ns, b);
	buf_printf(b,
		   ": %llu processes started, %llu programs run, %llu files opened, %llu connections, "
		   "%llu errors; CPU ",
		   (unsigned long long)board_done(sum.total, KIND_FORK),
		   (unsigned long long)board_done(sum.total, KIND_EXEC),
		   (unsigned long long)board_done(sum.total, KIND_OPEN),
		   (unsigned long long)board_conns(sum.total),
		   (unsigned long long)board_errors(sum.total));
	board_time(sum.cpu_total_ns, b);
	buf_printf(b, "; %llu events counted, %llu records read\n",
		   (unsigned long long)board_events(sum.total),
		   (unsigned long long)a->session.pipeline.records);
}

void agent_totals(struct agent *a, struct buf *b)
{
	_cleanup_(freep) struct cost *cost = malloc(sizeof(*cost));
	struct board_about about;

	agent_about(a, &about);
	seen_print(a, &about, b);
	if (session_losses(&a->session, b) == 0)
		buf_str(b, STR("lost 0 events\n"));
	buf_str(b, STR("own cost: "));
	board_time(self_cpu_ns(), b);
	buf_str(b, STR(" of CPU ("));
	board_time(a->cpu_start_ns, b);
	buf_str(b, STR(" of it to start), "));
	board_bytes(about.self_rss_bytes, b);
	if (cost && cost_read(getpid(), cost) == 0 && cost_run_ns(cost)) {
		buf_str(b, STR("; kernel programs "));
		board_time(cost_run_ns(cost), b);
		buf_str(b, STR(" of CPU"));
	}
	buf_char(b, '\n');
}
