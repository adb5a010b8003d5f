/*
 * porthole overhead: what porthole itself costs. Two snapshots with time between them, of a running
 * agent (its status, and its programs found through its descriptors) or, where none runs, of this
 * process with every probe loaded. Rows are made of the difference.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/cost.h"
#include "agent/service.h"
#include "agent/status.h"
#include "api/client.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/cli.h"

#define STANDARD_NS (5 * NS_PER_SEC)
#define ANSWER_MS   3000

struct overhead_opts {
	const char *config;
	uint64_t for_ns;
	enum cli_format output;
};

struct snapshot {
	struct boot_ns at;
	struct cost cost;
	json_t *status;
};

struct measure {
	pid_t pid; /* of the process measured */
	bool agent;
	struct snapshot first, last;
};

static void measure_free(struct measure **m)
{
	if (!*m)
		return;
	json_decref((*m)->first.status);
	json_decref((*m)->last.status);
	free(*m);
}

static uint64_t status_u64(const struct snapshot *s, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(s->status, key));

	return v > 0 ? (uint64_t)v : 0;
}

static int snapshot_take(struct measure *m, struct str status, struct snapshot *s)
{
	s->at = clock_boot();
	s->status = json_loadb(status.p, status.n, 0, NULL);
	if (!s->status)
		return -EBADMSG;
	if (m->pid == 0)
		m->pid = (pid_t)status_u64(s, "pid");
	return cost_read(m->pid, &s->cost);
}

/* --- a running agent --- */

static int agent_ask(const char *path, struct buf *status, struct buf *why)
{
	const struct question r = { .cmd = "status" };

	return client_ask(path, &r, ANSWER_MS, status, why);
}

static void wait_for(uint64_t ns)
{
	struct timespec t = { (time_t)(ns / NS_PER_SEC), (long)(ns % NS_PER_SEC) };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigtimedwait(&set, NULL, &t); /* ended early: what was measured until then is shown */
}

static int agent_measure(const char *path, struct measure *m, const struct overhead_opts *o,
			 struct buf *status, struct buf *why)
{
	int err = snapshot_take(m, buf_slice(status), &m->first);

	m->agent = true;
	if (!err) {
		wait_for(o->for_ns);
		buf_reset(status);
		err = agent_ask(path, status, why);
	}
	return err ? err : snapshot_take(m, buf_slice(status), &m->last);
}

/* --- none: this process, with everything on --- */

static int self_snapshot(struct session *s, struct measure *m, struct snapshot *ret)
{
	_cleanup_(freep) struct metrics *metrics = malloc(sizeof(*metrics));
	_cleanup_(buf_free) struct buf status = { 0 };

	if (!metrics)
		return -ENOMEM;
	metrics_take(s, metrics);
	status_json(metrics, &status);
	return status.failed ? -ENOMEM : snapshot_take(m, buf_slice(&status), ret);
}

static int self_measure(struct measure *m, const struct overhead_opts *o, struct buf *why)
{
	const struct session_opts opts = { .kinds = KINDS_ALL };
	struct session s;
	int err = session_open(&opts, &s, why);

	if (err)
		return err;
	log_info("no agent runs: every probe is loaded and every event read, for this measurement");
	m->pid = getpid();
	session_drain(&s);
	err = pushdown_set(&s.pushdown, KINDS_ALL, KINDS_ALL, NULL, 0);
	if (!err)
		err = self_snapshot(&s, m, &m->first);
	if (!err)
		err = session_run(&s, (struct boot_ns){ clock_boot().ns + o->for_ns });
	if (!err)
		err = self_snapshot(&s, m, &m->last);
	session_close(&s);
	return err;
}

/* --- what is shown --- */

struct program_row {
	const struct cost_program *program;
	uint64_t runs, run_ns; /* in the time measured */
};

struct rows {
	double seconds;
	size_t n;
	struct program_row programs[COST_PROGRAMS_MAX];
	uint64_t run_ns, program_bytes, map_bytes;
};

static int row_cmp(const void *pa, const void *pb)
{
	const struct program_row *a = pa, *b = pb;

	if (a->run_ns != b->run_ns)
		return a->run_ns > b->run_ns ? -1 : 1;
	return strcmp(a->program->name, b->program->name);
}

static const struct cost_program *program_of(const struct cost *c, uint32_t id)
{
	for (size_t i = 0; i < c->nprograms; i++)
		if (c->programs[i].id == id)
			return &c->programs[i];
	return NULL;
}

static void rows_make(const struct measure *m, struct rows *r)
{
	r->seconds = (double)(m->last.at.ns - m->first.at.ns) / NS_PER_SEC;
	for (size_t i = 0; i < m->last.cost.nprograms; i++) {
		const struct cost_program *p = &m->last.cost.programs[i];
		const struct cost_program *was = program_of(&m->first.cost, p->id);

		r->programs[r->n++] = (struct program_row){ p, p->runs - (was ? was->runs : 0),
							    p->run_ns - (was ? was->run_ns : 0) };
		r->run_ns += r->programs[r->n - 1].run_ns;
		r->program_bytes += p->memory_bytes;
	}
	for (size_t i = 0; i < m->last.cost.nmaps; i++)
		r->map_bytes += m->last.cost.maps[i].memory_bytes;
	qsort(r->programs, r->n, sizeof(r->programs[0]), row_cmp);
}

static double share(uint64_t ns, const struct rows *r)
{
	return r->seconds > 0 ? 100.0 * (double)ns / NS_PER_SEC / r->seconds : 0;
}

static uint64_t grown(const struct measure *m, const char *key)
{
	uint64_t was = status_u64(&m->first, key), is = status_u64(&m->last, key);

	return is > was ? is - was : 0;
}

typedef void (*loss_seen)(struct buf *b, const char *what, const char *reason, uint64_t n,
			  uint64_t total);

static const char *probe_of(const char *kind)
{
	const struct kind *k = kind_find(str_of(kind));

	for (size_t i = 0; k && i < probes_n; i++)
		if (probes[i]->kinds & KIND_BIT(k->id))
			return probes[i]->name;
	return NULL;
}

static uint64_t path_u64(const struct snapshot *s, const char *kind, const char *reason)
{
	const json_t *k = json_object_get(json_object_get(s->status, "kinds"), kind);
	json_int_t v = json_integer_value(json_object_get(k, reason));

	return v > 0 ? (uint64_t)v : 0;
}

/* Each reason of loss that is not zero: @n in the time measured, @total since the start. */
static void losses_each(const struct measure *m, loss_seen each, struct buf *b)
{
	static const char *const reasons[] = { "ring_full", "map_full" };
	const json_t *list = json_object_get(m->last.status, "losses"), *was_list, *one;
	size_t i;

	for (size_t k = 0; k < KIND_COUNT; k++)
		for (i = 0; i < 2; i++) {
			const char *kind = kind_table[k].name.p;
			uint64_t was = path_u64(&m->first, kind, reasons[i]);
			uint64_t is = path_u64(&m->last, kind, reasons[i]);

			if (is)
				each(b, kind, reasons[i], is - was, is);
		}
	was_list = json_object_get(m->first.status, "losses");
	json_array_foreach(list, i, one) {
		json_int_t is = json_integer_value(json_object_get(one, "n"));
		json_int_t was =
			json_integer_value(json_object_get(json_array_get(was_list, i), "n"));
		const char *what = json_string_value(json_object_get(one, "what"));
		const char *reason = json_string_value(json_object_get(one, "reason"));

		if (is > 0 && what && reason)
			each(b, what, reason, (uint64_t)(is > was ? is - was : 0), (uint64_t)is);
	}
}

static void loss_text(struct buf *b, const char *what, const char *reason, uint64_t n, uint64_t total)
{
	const char *probe = probe_of(what);

	buf_printf(b, "%-24s %-22s %-14s %10llu %11llu\n", what, probe ? probe : "-", reason,
		   (unsigned long long)n, (unsigned long long)total);
}

static void agent_text(const struct measure *m, const struct rows *r, struct buf *b)
{
	uint64_t cpu = grown(m, "cpu_ns");

	buf_printf(b, "%s, pid %d, for %.1f s: %.2f %% of one CPU",
		   m->agent ? "the agent" : "all probes, no agent", (int)m->pid, r->seconds,
		   share(cpu + r->run_ns, r));
	buf_printf(b, " (user space and its calls %.2f, kernel programs %.2f)\n", share(cpu, r),
		   share(r->run_ns, r));
	buf_str(b, STR("memory: "));
	board_bytes(m->last.cost.rss_bytes, b);
	buf_str(b, STR(" resident, "));
	board_bytes(r->map_bytes, b);
	buf_str(b, STR(" in maps, "));
	board_bytes(r->program_bytes, b);
	buf_printf(b, " in programs\nread: %.0f records/s, %.0f events/s\n",
		   (double)grown(m, "records") / r->seconds, (double)grown(m, "events") / r->seconds);
}

static void report_text(const struct measure *m, const struct rows *r, struct buf *b)
{
	size_t before;

	agent_text(m, r, b);
	buf_printf(b, "\n%-24s %10s %10s %10s %12s\n", "PROGRAM", "RUNS/s", "ns/RUN", "CPU %",
		   "MEMORY");
	for (size_t i = 0; i < r->n; i++) {
		const struct program_row *p = &r->programs[i];

		buf_printf(b, "%-24.24s %10.1f %10.0f %10.4f %8llu KiB\n",
			   p->program->name[0] ? p->program->name : "?", (double)p->runs / r->seconds,
			   p->runs ? (double)p->run_ns / (double)p->runs : 0.0, share(p->run_ns, r),
			   (unsigned long long)((p->program->memory_bytes + 1023) / 1024));
	}
	buf_printf(b, "\n%-24s %-22s %10s %10s %12s\n", "MAP", "TYPE", "ENTRIES", "BYTES EACH",
		   "MEMORY");
	for (size_t i = 0; i < m->last.cost.nmaps; i++) {
		const struct cost_map *p = &m->last.cost.maps[i];

		buf_printf(b, "%-24.24s %-22s %10u %10u %8llu KiB\n", p->name[0] ? p->name : "?",
			   p->name[0] ? cost_map_type(p->type) : "?", p->entries_max,
			   p->key_bytes + p->value_bytes,
			   (unsigned long long)((p->memory_bytes + 1023) / 1024));
	}
	buf_printf(b, "\n%-24s %-22s %-14s %10s %11s\n", "LOST", "PROBE", "REASON", "NOW",
		   "SINCE START");
	before = b->n;
	losses_each(m, loss_text, b);
	if (b->n == before)
		buf_str(b, STR("nothing\n"));
}

static void member_u64(struct buf *b, struct str key, uint64_t value)
{
	json_key(b, key);
	buf_u64(b, value);
}

static void member_real(struct buf *b, struct str key, double value)
{
	json_key(b, key);
	buf_printf(b, "%.6g", value);
}

static void object_start(struct buf *b, const char *type, const char *name)
{
	buf_printf(b, "{\"type\":\"%s\"", type);
	if (!name)
		return;
	json_key(b, STR("name"));
	json_str(b, str_of(name));
}

static void loss_json(struct buf *b, const char *what, const char *reason, uint64_t n, uint64_t total)
{
	const char *probe = probe_of(what);

	object_start(b, "loss", what);
	if (probe) {
		json_key(b, STR("probe"));
		json_str(b, str_of(probe));
	}
	json_key(b, STR("reason"));
	json_str(b, str_of(reason));
	member_u64(b, STR("lost"), n);
	member_u64(b, STR("lost_total"), total);
	buf_str(b, STR("}\n"));
}

static void agent_json(const struct measure *m, const struct rows *r, struct buf *b)
{
	object_start(b, "agent", NULL);
	json_key(b, STR("running"));
	buf_str(b, m->agent ? STR("true") : STR("false"));
	member_u64(b, STR("pid"), (uint64_t)m->pid);
	member_real(b, STR("seconds"), r->seconds);
	member_u64(b, STR("cpu_ns"), grown(m, "cpu_ns"));
	member_real(b, STR("cpu_percent"), share(grown(m, "cpu_ns"), r));
	member_u64(b, STR("bpf_ns"), r->run_ns);
	member_real(b, STR("bpf_percent"), share(r->run_ns, r));
	member_u64(b, STR("rss_bytes"), m->last.cost.rss_bytes);
	member_u64(b, STR("map_bytes"), r->map_bytes);
	member_u64(b, STR("program_bytes"), r->program_bytes);
	member_u64(b, STR("records"), grown(m, "records"));
	member_u64(b, STR("events"), grown(m, "events"));
	buf_str(b, STR("}\n"));
}

static void report_json(const struct measure *m, const struct rows *r, struct buf *b)
{
	agent_json(m, r, b);
	for (size_t i = 0; i < r->n; i++) {
		const struct program_row *p = &r->programs[i];

		object_start(b, "program", p->program->name);
		member_u64(b, STR("id"), p->program->id);
		member_u64(b, STR("runs"), p->runs);
		member_u64(b, STR("run_ns"), p->run_ns);
		member_real(b, STR("runs_per_second"), (double)p->runs / r->seconds);
		member_real(b, STR("ns_per_run"), p->runs ? (double)p->run_ns / (double)p->runs : 0);
		member_real(b, STR("cpu_percent"), share(p->run_ns, r));
		member_u64(b, STR("memory_bytes"), p->program->memory_bytes);
		buf_str(b, STR("}\n"));
	}
	for (size_t i = 0; i < m->last.cost.nmaps; i++) {
		const struct cost_map *p = &m->last.cost.maps[i];

		object_start(b, "map", p->name);
		member_u64(b, STR("id"), p->id);
		json_key(b, STR("map_type"));
		json_str(b, str_of(p->name[0] ? cost_map_type(p->type) : ""));
		member_u64(b, STR("entries"), p->entries_max);
		member_u64(b, STR("key_bytes"), p->key_bytes);
		member_u64(b, STR("value_bytes"), p->value_bytes);
		member_u64(b, STR("memory_bytes"), p->memory_bytes);
		buf_str(b, STR("}\n"));
	}
	losses_each(m, loss_json, b);
}

static int report(const struct measure *m, enum cli_format form)
{
	_cleanup_(freep) struct rows *r = calloc(1, sizeof(*r));
	_cleanup_(buf_free) struct buf b = { 0 };

	if (!r)
		return cli_fail("out of memory");
	rows_make(m, r);
	if (form == CLI_JSON)
		report_json(m, r, &b);
	else
		report_text(m, r, &b);
	return !b.failed && cli_write(b.p, b.n) ? CLI_OK : CLI_FAILED;
}

static int measure_do(const struct config *c, const struct overhead_opts *o)
{
	_cleanup_(measure_free) struct measure *m = calloc(1, sizeof(*m));
	_cleanup_(buf_free) struct buf why = { 0 }, status = { 0 };
	_cleanup_(closep) int stats = cost_stats_enable();
	int err;

	if (!m)
		return cli_fail("out of memory");
	if (stats < 0)
		log_warn("no run times of kernel programs: %s (needs CAP_SYS_ADMIN and Linux 5.8)",
			 strerror(-stats));
	err = agent_ask(c->control_socket, &status, &why);
	if (err == -ENOENT || err == -ECONNREFUSED) {
		buf_reset(&why);
		err = self_measure(m, o, &why);
	} else if (!err) {
		err = agent_measure(c->control_socket, m, o, &status, &why);
	}
	if (err && why.n)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	if (err)
		return cli_fail("measuring: %s", strerror(-err));
	return report(m, o->output);
}

static int overhead_run(void *opts, int argc, char **argv)
{
	struct overhead_opts *o = opts;
	_cleanup_(buf_free) struct buf why = { 0 };
	struct config c;
	int err;

	(void)argc;
	(void)argv;
	if (!o->for_ns)
		o->for_ns = STANDARD_NS;
	err = config_read(o->config ? o->config : CONFIG_FILE, &c, &why);
	if (err == -ENOENT && !o->config)
		config_default(&c);
	else if (err == -EINVAL)
		return cli_usage_buf(&why);
	else if (err)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	return measure_do(&c, o);
}

#define OPT(member) offsetof(struct overhead_opts, member)

static const struct cli_option overhead_options[] = {
	{ 0, "for", "TIME", CLI_DURATION, OPT(for_ns), "measure for this time (5s)", NULL },
	{ 'c', "config", "FILE", CLI_STRING, OPT(config),
	  "the agent's configuration (default: " CONFIG_FILE ", if it is there)", "FILE" },
	CLI_OPT_FORMAT(struct overhead_opts, output),
	{ 0 },
};

const struct cli_command cmd_overhead = {
	.name = "overhead",
	.summary = "measure what porthole itself costs",
	.description =
		"Each kernel program's runs per second, time per run and share of one CPU, from the "
		"kernel's own statistics, which are on only while this runs; maps and their memory; "
		"user-space CPU and memory; what was read and what was lost, by probe and reason. If "
		"an agent runs, it is measured as it is; else every probe is loaded for the time, and "
		"every event read: the most that porthole can cost here.",
	.examples = "porthole overhead\tof the running agent, for 5 seconds\n"
		    "porthole overhead --for 1m -o json\tfor a script\n",
	.options = overhead_options,
	.options_size = sizeof(struct overhead_opts),
	.run = overhead_run,
};
