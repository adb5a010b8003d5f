/* porthole requests: what applications say to each other, and how long it took. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/recalled.h"
#include "agent/requests_top.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/follow.h"

struct requests_opts {
	struct query_opts query;
	uint64_t pid, for_ns, count, slow_ns;
	const char *fields, *replay, *by, *sort, *socket, *output, *directory;
	bool raw, explain, alone;
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

enum form {
	FORM_TEXT,
	FORM_WIDE,
	FORM_JSON,
};

static bool form_read(const char *text, enum form *ret)
{
	static const char *const names[] = { "text", "wide", "json" };

	for (int i = 0; text && i < 3; i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum form)i;
			return true;
		}
	return !text;
}

/* --- explain ID --- */

#define AGAIN_MS 700 /* what was just seen is on its way into the history */

static int explain_replay(const struct requests_opts *o, const char *id, enum form form)
{
	_cleanup_(buf_free) struct buf where = { 0 };
	uint64_t matched = 0;
	struct follow follow = {
		.request = { .cmd = "requests",
			     .count = 1,
			     .json = form == FORM_JSON,
			     .wide = form == FORM_WIDE,
			     .explain = true,
			     .raw = o->raw },
		.session = { .replay = o->replay },
		.ret_matched = &matched,
	};
	int code;

	buf_printf(&where, "req.id=\"%s\"", id);
	buf_char(&where, 0);
	if (where.failed)
		return cli_fail("no memory");
	follow.request.where = where.p;
	code = follow_run(&follow);
	if (code == CLI_OK && !matched)
		return cli_fail("%s: no request in it has the id %s", o->replay, id);
	return code;
}

static int explain_history(const struct requests_opts *o, const char *id, enum form form)
{
	const struct recall_opts opts = { .directory = o->directory,
					  .timeout_ns = RECALL_TIMEOUT_NS,
					  .memory_bytes = STORE_MEMORY_DEFAULT };
	_cleanup_(buf_free) struct buf why = { 0 }, b = { 0 };
	struct recalled *r = NULL;
	int err = recalled_find(&opts, id, &r, &why);

	if (err == -ENOENT && !why.n) {
		usleep(AGAIN_MS * 1000);
		err = recalled_find(&opts, id, &r, &why);
	}
	if (err == -ENOENT && !why.n)
		return cli_fail("no request of the id %s is in the history (what is older than it, or was "
				"lost, is not)",
				id);
	if (err == -ENOENT)
		return cli_fail("%.*s: nothing was kept there; porthole run keeps it (store.enabled), "
				"--directory names another place, --replay looks in a file",
				STR_ARG(buf_slice(&why)));
	if (err)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	(form == FORM_JSON ? recalled_json : recalled_text)(r, &b);
	recalled_free(r);
	if (b.failed)
		return cli_fail("no memory");
	return cli_write(b.p, b.n) ? CLI_OK : CLI_FAILED;
}

static int explain_run(const struct requests_opts *o, const char *word, enum form form)
{
	char id[RECALLED_ID];

	if (o->query.where || o->query.pod || o->query.container || o->pid || o->slow_ns ||
	    o->for_ns || o->count || o->fields || o->by || o->sort)
		return cli_usage("explain takes an id and no conditions");
	if (!recalled_id(word, id))
		return cli_usage(
			"\"%s\" is no id of a request: they have 12 letters and digits, as porthole "
			"requests -o wide shows them",
			word);
	return o->replay ? explain_replay(o, id, form) : explain_history(o, id, form);
}

/* --- all --- */

static int misused(const struct requests_opts *o, bool top)
{
	if (o->pid > UINT32_MAX)
		return cli_usage("--pid: no process has the number %llu", (unsigned long long)o->pid);
	if (top && o->count)
		return cli_usage("--count goes with single requests, not with top");
	if (top && o->explain)
		return cli_usage("--explain goes with single requests, not with top");
	if (top && o->fields)
		return cli_usage("top takes --by, not --fields");
	if (!top && (o->by || o->sort))
		return cli_usage("--by and --sort go with requests top");
	return CLI_OK;
}

static int requests_run(void *opts, int argc, char **argv)
{
	const struct requests_opts *o = opts;
	const bool top = argc && strcmp(argv[0], "top") == 0;
	enum form form = FORM_TEXT;
	_cleanup_(buf_free) struct buf where = { 0 };
	struct follow follow = {
		.request = {
			.cmd = top ? "top" : "requests",
			.where = where_make(o, &where),
			.pod = o->query.pod,
			.container = o->query.container,
			.fields = o->fields,
			.by = o->by,
			.sort = o->sort,
			.pid = o->pid,
			.count = o->count,
			.raw = o->raw,
			.explain = o->explain,
		},
		.session = { .replay = o->replay },
		.for_ns = o->for_ns,
		.socket = o->socket,
		.alone = o->alone,
	};

	if (!form_read(o->output, &form))
		return cli_usage("-o: \"%s\" is none of text, wide, json", o->output);
	if (argc == 2 && strcmp(argv[0], "explain") == 0)
		return explain_run(o, argv[1], form);
	if (argc > 1 || (argc && !top))
		return cli_usage("requests takes nothing, or top, or explain and an id");
	follow.request.json = form == FORM_JSON;
	follow.request.wide = form == FORM_WIDE;
	if (misused(o, top))
		return CLI_USAGE;
	if (where.failed)
		return cli_fail("no memory");
	return follow_run(&follow);
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
	{ 'o', "output", "FORMAT", CLI_STRING, OPT(output),
	  "text (default), wide (with ids) or json", "text wide json" },
	{ 0, "directory", "DIR", CLI_STRING, OPT(directory),
	  "explain: where the history is kept (default: /var/lib/porthole/history)", "FILE" },
	CLI_OPT_SOCKET(struct requests_opts, socket),
	CLI_OPT_ALONE(struct requests_opts, alone),
	CLI_OPT_REPLAY(struct requests_opts, replay),
	{ 0 },
};

const struct cli_command cmd_requests = {
	.name = "requests",
	.summary = "show what applications ask of each other, as it is answered",
	.operands = "[top | explain ID]",
	.description =
		"One line a request: when it was over, client, server, protocol, what was asked, status, "
		"latency, sizes of request and answer. An end on this node has its pod, container or "
		"process; another one what the cluster says of its address. When both ends are on this "
		"node there is a line for each: req.side tells which.\n\n"
		"If an agent runs on this node (porthole run), the answer comes from it, which knows connections from "
		"their beginning; with --alone, --replay and --raw the command does the work itself.\n\n"
		"Texts are without literals, arguments and query strings unless --raw asks for them. Bytes "
		"that were not seen, and requests that had to be given up, are told at the end.\n\n"
		"--explain adds, for each: how long its thread was on a CPU, waited for one, was throttled or "
		"blocked (disk, network, lock, page fault, sleep, ...) from its first byte to the answer's "
		"last, the requests that thread made meanwhile, and the connection's round trip and "
		"retransmissions. Where a thread had several requests open, as event loops do, or another "
		"one answered, it says that the times are unknown. What it costs: the scheduler is watched "
		"(three hooks a switch).\n\n"
		"explain ID tells the same of one request of the last hours, out of the history that porthole run keeps "
		"(store.explain), or of a file with --replay: also the request as its other end on this node saw it, and "
		"where the times of its thread are unknown what its process asked meanwhile. IDs are in -o wide and -o json, "
		"in porthole query (req_id), and the same in a capture.\n\n"
		"top counts instead: rate, share that failed or got no answer, latencies. On a terminal it "
		"shows the last seconds until q is pressed, then all; elsewhere one table at the end. "
		"Percentiles are within 3.2 %.",
	.examples = "porthole requests --slow 100ms --explain\twhere the time of slow ones goes\n"
		    "porthole requests --where 'req.ok=false or req.latency>200ms'\t"
		    "what fails or is slow\n"
		    "porthole requests top --by route,pod --for 30s\tthe routes of half a minute\n"
		    "porthole requests explain 0g3k9x7mqa2d\tone of them, of the last hours\n"
		    "porthole requests --replay traffic.cap -o json\tof a capture, for a script\n",
	.options = requests_options,
	.options_size = sizeof(struct requests_opts),
	.run = requests_run,
};
