/*
 * porthole record: the records as they came, into a file. What the condition cannot match is left
 * out, in the kernel where it can tell; what tells processes, cgroups and pods is always kept.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/session.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/report.h"

#define PROGRESS_NS NS_PER_SEC

struct record_opts {
	struct query_opts query;
	uint64_t pid, for_ns, count;
	const char *file;
	bool env;
	enum cli_format output;
};

struct record {
	const struct record_opts *o;
	struct session *s;
	struct query query;
	struct subscription subscription;
	struct boot_ns shown;
	bool progress; /* standard error is a terminal */
};

static void record_event(void *ctx, const struct event *ev)
{
	(void)ctx;
	(void)ev;
}

static void bytes_put(struct buf *b, uint64_t n)
{
	if (n < 1 << 20)
		buf_printf(b, ", %.1f KiB", (double)n / (1 << 10));
	else
		buf_printf(b, ", %.1f MiB", (double)n / (1 << 20));
}

/* "1234 events in 5678 records, 1.5 MiB"; no size when it goes to a pipe. */
static void progress_put(struct record *r, struct buf *b)
{
	const struct pipeline *p = &r->s->pipeline;
	struct stat st;

	buf_printf(b, "%llu events in %llu records", (unsigned long long)r->subscription.matched,
		   (unsigned long long)p->captured);
	if (strcmp(r->o->file, "-") != 0 && stat(r->o->file, &st) == 0)
		bytes_put(b, (uint64_t)st.st_size);
}

static void progress_show(struct record *r)
{
	_cleanup_(buf_free) struct buf b = { 0 }, losses = { 0 };
	struct boot_ns now = clock_boot();

	if (!r->progress || now.ns < r->shown.ns + PROGRESS_NS)
		return;
	r->shown = now;
	progress_put(r, &b);
	buf_printf(&b, ", %llu lost", (unsigned long long)session_losses(r->s, &losses));
	fprintf(stderr, "\r%.*s\033[K", STR_ARG(buf_slice(&b)));
}

static int record_batch(void *ctx)
{
	struct record *r = ctx;
	struct pipeline *p = &r->s->pipeline;

	pushdown_cgroups(&r->s->pushdown);
	if (!p->capture_err)
		p->capture_err = capture_tick(p->capture);
	progress_show(r);
	return p->capture_err || (r->o->count && r->subscription.matched >= r->o->count);
}

static int record_start(struct record *r)
{
	const struct pushdown_clause clause = pushdown_of_query(&r->query);
	struct session *s = r->s;

	session_drain(s); /* what is there already, before anything is filtered */
	if (report_probes(s, r->query.kinds) != 0)
		return -ENOTSUP;
	r->subscription = (struct subscription){
		.kinds = r->query.kinds,
		.where = r->query.where,
		.scope = r->query.scope,
		.event = record_event,
	};
	pipeline_subscribe(&s->pipeline, &r->subscription);
	s->pipeline.capture_of = &r->subscription;
	s->batch = record_batch;
	s->ctx = r;
	return pushdown_set(&s->pushdown, r->query.kinds, 0, &clause, 1);
}

static int record_loop(struct record *r)
{
	struct boot_ns until = { 0 };
	int err = record_start(r);

	if (r->o->for_ns)
		until.ns = clock_boot().ns + r->o->for_ns;
	if (!err)
		err = session_run(r->s, until);
	if (!err && !r->s->pipeline.capture_err)
		session_drain(r->s);
	return err;
}

/* Ends the file with the kernel's counters. */
static int record_end(struct record *r)
{
	struct pipeline *p = &r->s->pipeline;
	struct kind_stats stats[KIND_COUNT];
	bool counted = source_stats(r->s->source, stats) == 0;
	int err = capture_end(take_ptr(p->capture), counted ? stats : NULL);

	return p->capture_err ? p->capture_err : err;
}

/* What was recorded, as one object on standard output. */
static void summary_json(struct record *r)
{
	_cleanup_(buf_free) struct buf b = { 0 }, losses = { 0 };
	struct stat st = { 0 };

	if (stat(r->o->file, &st) != 0)
		st.st_size = 0;
	buf_str(&b, STR("{\"file\":"));
	json_str(&b, str_of(r->o->file));
	buf_printf(&b, ",\"events\":%llu,\"records\":%llu,\"bytes\":%llu,\"lost\":%llu}\n",
		   (unsigned long long)r->subscription.matched,
		   (unsigned long long)r->s->pipeline.captured, (unsigned long long)st.st_size,
		   (unsigned long long)session_losses(r->s, &losses));
	cli_write(b.p, b.n);
}

static int record_finish(struct record *r, int err)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	int written = record_end(r);

	if (r->progress)
		fputs("\r\033[K", stderr);
	progress_put(r, &b);
	buf_printf(&b, ": %s", strcmp(r->o->file, "-") == 0 ? "standard output" : r->o->file);
	log_info("%.*s", STR_ARG(buf_slice(&b)));
	report_losses(r->s);
	if (r->o->output == CLI_JSON)
		summary_json(r);
	if (written)
		return cli_fail("%s: %s; it is whole up to there", r->o->file, strerror(-written));
	return err ? cli_fail("recording: %s", strerror(-err)) : CLI_OK;
}

/* The capture is there before the first record is taken, so that it has them all. */
static int record_session(struct record *r)
{
	struct session *s = r->s;
	int err = capture_create(r->o->file, &s->pipeline.host, &s->pipeline.capture);

	if (err == -ENOTTY)
		return cli_usage("a capture is nothing for a terminal: use -w FILE or a pipe");
	if (err)
		return cli_fail("%s: %s", r->o->file, strerror(-err));
	return record_finish(r, record_loop(r));
}

static int record_run(void *opts, int argc, char **argv)
{
	struct record_opts *o = opts;
	_cleanup_(buf_free) struct buf why = { 0 };
	struct record r = { .o = o, .progress = isatty(STDERR_FILENO) };
	struct session_opts session_opts = { .env = o->env, .whole = true };
	struct session s;
	int code;

	(void)argc;
	(void)argv;
	if (!o->file)
		return cli_usage("where to? -w FILE; see porthole record --help");
	if (o->output == CLI_JSON && strcmp(o->file, "-") == 0)
		return cli_usage("standard output is the capture's: -o json goes with a file");
	if (o->pid > UINT32_MAX)
		return cli_usage("--pid: no process has the number %llu", (unsigned long long)o->pid);
	if (o->query.tree && !o->pid)
		return cli_usage("--tree goes with --pid");
	o->query.pid = (uint32_t)o->pid;
	signal(SIGPIPE, SIG_IGN);
	if (query_make(&o->query, &r.query, &why) != 0)
		return cli_usage_buf(&why);
	session_opts.kinds = r.query.kinds;
	if (session_open(&session_opts, &s, &why) != 0) {
		query_free(&r.query);
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	}
	r.s = &s;
	code = record_session(&r);
	query_free(&r.query);
	session_close(&s);
	return code;
}

#define OPT(member) offsetof(struct record_opts, member)

static const struct cli_option record_options[] = {
	{ 'w', "write", "FILE", CLI_STRING, OPT(file), "the capture to write; - is standard output",
	  "FILE" },
	{ 'k', "kind", "KINDS", CLI_STRING, OPT(query.kinds),
	  "kinds of events, by comma: exec,open,... or all (default)", NULL },
	{ 0, "where", "EXPR", CLI_STRING, OPT(query.where),
	  "only events for which the expression holds", NULL },
	{ 0, "pod", "NS/NAME", CLI_STRING, OPT(query.pod), "only events of this pod", NULL },
	{ 0, "container", "ID", CLI_STRING, OPT(query.container),
	  "only events of this container: id, its beginning, or name", NULL },
	{ 'p', "pid", "PID", CLI_UINT, OPT(pid), "only events of this process", NULL },
	{ 0, "tree", NULL, CLI_FLAG, OPT(query.tree), "with --pid: and of its descendants", NULL },
	{ 0, "for", "TIME", CLI_DURATION, OPT(for_ns), "stop after this time: 10s, 500ms, 2m", NULL },
	{ 'n', "count", "N", CLI_UINT, OPT(count), "stop after N events", NULL },
	{ 0, "env", NULL, CLI_FLAG, OPT(env), "capture environments at exec (proc.env)", NULL },
	CLI_OPT_FORMAT(struct record_opts, output),
	{ 0 },
};

const struct cli_command cmd_record = {
	.name = "record",
	.summary = "record events into a file that any command can replay",
	.description =
		"Writes the kernel's records as they came, with the processes, containers, pods and "
		"users needed to name them. Any command with --replay FILE then gives the answers it "
		"would have given here and now: on another machine, without root, on another kernel, "
		"years later. The file has checksums; a damaged or truncated one is read up to the "
		"damage.\n\n"
		"Of what --kind, --where and the others leave out nothing is written, except process "
		"life and cgroups (fork, exec, exit, cgroup): names hang on them. Give the same "
		"condition at the replay to see only what matches.\n\n"
		"Ends at --for, --count, Ctrl-C or SIGTERM, always with a whole file. A capture holds "
		"command lines and paths: it is readable by its owner only.",
	.examples = "porthole record -w shop.cap --pod shop/cart --for 1m\tone pod for a minute\n"
		    "porthole events --replay shop.cap -o json\twhat happened\n"
		    "ssh node porthole record -w - --for 10s | porthole events --replay -\t"
		    "from another machine\n",
	.options = record_options,
	.options_size = sizeof(struct record_opts),
	.run = record_run,
};
