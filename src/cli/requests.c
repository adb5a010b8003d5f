/* porthole requests: what applications say to each other, and how long it took. */
#include <string.h>

#include "agent/requests_top.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/follow.h"
#include "cli/screen.h"

struct requests_opts {
	struct query_opts query;
	uint64_t pid, for_ns, count, slow_ns;
	const char *fields, *replay, *by, *sort;
	enum cli_format output;
	bool raw, explain;
};

/* The conditions of --where and --slow as one. */
static const char *where_make(const struct requests_opts *o, struct buf *b)
{
	if (!o->slow_ns)
		return o->query.where;
	if (o->query.where)
		buf_printf(b, "(%s) and ", o->query.where);
	buf_printf(b, "req.latency>=%lluns", (unsigned long long)o->slow_ns);
	buf_char(b, 0);
	return b->failed ? NULL : b->p;
}

static int follow_sink(const struct requests_opts *o, const struct sink_opts *sink_opts,
		       struct follow *f)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	struct sink sink;
	int code;

	f->session =
		(struct session_opts){ .replay = o->replay, .raw = o->raw, .explain = o->explain };
	f->for_ns = o->for_ns;
	if (sink_make(sink_opts, &sink, &why) != 0)
		return cli_usage_buf(&why);
	code = follow_run(f, &sink);
	sink_free(&sink);
	return code;
}

/* --- top --- */

struct top {
	struct requests_top *counts;
	struct screen screen;
	bool json;
};

static int top_batch(void *ctx, struct session *s, struct buf *b, bool last)
{
	struct top *t = ctx;

	if (last) {
		screen_close(&t->screen);
		(t->json ? requests_top_json : requests_top_table)(t->counts, s->live, b);
	} else if (t->screen.on) {
		bool changed = screen_changed(&t->screen);

		if (requests_top_frame(t->counts, t->screen.height, changed, b))
			screen_frame(&t->screen, b);
	}
	return t->screen.quit;
}

static int top_run(const struct requests_opts *o, struct sink_opts *sink_opts)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	struct top top = { .json = o->output == CLI_JSON };
	struct follow follow = { .batch = top_batch, .ctx = &top };
	const struct requests_top_opts opts = { .by = o->by, .sort = o->sort, .recent = !o->replay };
	int code;

	if (o->fields)
		return cli_usage("top takes --by, not --fields");
	if (requests_top_new(&opts, &top.counts, &why) != 0)
		return cli_usage_buf(&why);
	requests_top_sink(top.counts, sink_opts);
	if (!o->replay && !top.json)
		screen_open(&top.screen);
	code = follow_sink(o, sink_opts, &follow);
	screen_close(&top.screen);
	requests_top_free(top.counts);
	return code;
}

static int requests_run(void *opts, int argc, char **argv)
{
	struct requests_opts *o = opts;
	_cleanup_(buf_free) struct buf where = { 0 };
	struct sink_opts sink_opts = {
		.query = o->query,
		.json = o->output == CLI_JSON,
		.fields = o->fields,
		.count = o->count,
		.ops = o->output == CLI_JSON || o->fields ? NULL : &out_requests_ops,
	};

	if (argc > 1 || (argc == 1 && strcmp(argv[0], "top") != 0))
		return cli_usage("requests takes nothing, or top");
	if (o->pid > UINT32_MAX)
		return cli_usage("--pid: no process has the number %llu", (unsigned long long)o->pid);
	if (argc && o->count)
		return cli_usage("--count goes with single requests, not with top");
	if (argc && o->explain)
		return cli_usage("--explain goes with single requests, not with top");
	if (!argc && (o->by || o->sort))
		return cli_usage("--by and --sort go with requests top");
	sink_opts.query.pid = (uint32_t)o->pid;
	sink_opts.query.kinds = "request";
	sink_opts.query.where = where_make(o, &where);
	if (where.failed)
		return cli_fail("no memory");
	return argc ? top_run(o, &sink_opts) : follow_sink(o, &sink_opts, &(struct follow){ 0 });
}

#define OPT(member) offsetof(struct requests_opts, member)

static const struct cli_option requests_options[] = {
	{ 'w', "where", "EXPR", CLI_STRING, OPT(query.where),
	  "only requests for which the expression holds", NULL },
	{ 0, "slow", "TIME", CLI_DURATION, OPT(slow_ns), "only those that took at least so long",
	  NULL },
	{ 0, "pod", "NS/NAME", CLI_STRING, OPT(query.pod), "only those of this pod", NULL },
	{ 0, "container", "ID", CLI_STRING, OPT(query.container),
	  "only those of this container: id, its beginning, or name", NULL },
	{ 'p', "pid", "PID", CLI_UINT, OPT(pid), "only those of this process", NULL },
	{ 0, "for", "TIME", CLI_DURATION, OPT(for_ns), "stop after this time: 10s, 500ms, 2m", NULL },
	{ 'n', "count", "N", CLI_UINT, OPT(count), "stop after N requests", NULL },
	{ 'f', "fields", "A,B,C", CLI_STRING, OPT(fields), "show these fields", NULL },
	{ 0, "raw", NULL, CLI_FLAG, OPT(raw),
	  "with query strings, literals and arguments, which may be secret", NULL },
	{ 0, "explain", NULL, CLI_FLAG, OPT(explain),
	  "tell where each one's time went: CPU, waiting for it, blocked and for what, calls", NULL },
	{ 0, "by", "A,B,C", CLI_STRING, OPT(by),
	  "top: count by protocol, method, route, resource, status, side, host, agent, pod, ns, "
	  "container, process, peer, client, server, or any field (default " TOP_BY_USUAL ")",
	  NULL },
	{ 0, "sort", "WORD", CLI_STRING, OPT(sort),
	  "top: by count (default), failed, p50, p99, time, key", "count failed p50 p99 time key" },
	CLI_OPT_FORMAT(struct requests_opts, output),
	CLI_OPT_REPLAY(struct requests_opts, replay),
	{ 0 },
};

const struct cli_command cmd_requests = {
	.name = "requests",
	.summary = "show what applications ask of each other, as it is answered",
	.operands = "[top]",
	.description =
		"One line a request: when it was over, client, server, protocol, what was asked, status, "
		"latency, sizes of request and answer. An end on this node has its pod, container or "
		"process; another one what the cluster says of its address. When both ends are on this "
		"node there is a line for each: req.side tells which.\n\n"
		"Texts are without literals, arguments and query strings unless --raw asks for them. Bytes "
		"that were not seen, and requests that had to be given up, are told at the end.\n\n"
		"--explain adds, for each: how long its thread was on a CPU, waited for one, was throttled or "
		"blocked (disk, network, lock, page fault, sleep, ...) from its first byte to the answer's "
		"last, the requests that thread made meanwhile, and the connection's round trip and "
		"retransmissions. Where a thread had several requests open, as event loops do, or another "
		"one answered, it says that the times are unknown. What it costs: the scheduler is watched "
		"(three hooks a switch).\n\n"
		"top counts instead: rate, share that failed or got no answer, latencies. On a terminal it "
		"shows the last seconds until q is pressed, then all; elsewhere one table at the end. "
		"Percentiles are within 3.2 %.",
	.examples = "porthole requests --slow 100ms --explain\twhere the time of slow ones goes\n"
		    "porthole requests --where 'req.ok=false or req.latency>200ms'\t"
		    "what fails or is slow\n"
		    "porthole requests top --by route,pod --for 30s\tthe routes of half a minute\n"
		    "porthole requests --replay traffic.cap -o json\tof a capture, for a script\n",
	.options = requests_options,
	.options_size = sizeof(struct requests_opts),
	.run = requests_run,
};
