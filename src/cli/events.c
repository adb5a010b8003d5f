/* porthole events: the stream. */
#include "cli/cli.h"
#include "cli/follow.h"

struct events_opts {
	struct query_opts query;
	uint64_t pid, for_ns, count;
	const char *fields, *format, *replay, *socket;
	enum cli_format output;
	bool env, alone, whole;
};

static int events_run(void *opts, int argc, char **argv)
{
	const struct events_opts *o = opts;
	const struct follow follow = {
		.request = {
			.cmd = "events",
			.kinds = o->query.kinds,
			.where = o->query.where,
			.pod = o->query.pod,
			.container = o->query.container,
			.fields = o->fields,
			.format = o->format,
			.pid = o->pid,
			.count = o->count,
			.tree = o->query.tree,
			.json = o->output == CLI_JSON,
		},
		.session = { .replay = o->replay, .env = o->env, .whole = o->whole },
		.for_ns = o->for_ns,
		.socket = o->socket,
		.alone = o->alone,
	};

	(void)argc;
	(void)argv;
	if (o->pid > UINT32_MAX)
		return cli_usage("--pid: no process has the number %llu", (unsigned long long)o->pid);
	if (o->query.tree && !o->pid)
		return cli_usage("--tree goes with --pid");
	return follow_run(&follow);
}

#define OPT(member) offsetof(struct events_opts, member)

static const struct cli_option events_options[] = {
	{ 'k', "kind", "KINDS", CLI_STRING, OPT(query.kinds),
	  "kinds of events, by comma: exec,open,... or all (but sample)", NULL },
	{ 'w', "where", "EXPR", CLI_STRING, OPT(query.where),
	  "only events for which the expression holds", NULL },
	{ 0, "pod", "NS/NAME", CLI_STRING, OPT(query.pod), "only events of this pod", NULL },
	{ 0, "container", "ID", CLI_STRING, OPT(query.container),
	  "only events of this container: id, its beginning, or name", NULL },
	{ 'p', "pid", "PID", CLI_UINT, OPT(pid), "only events of this process", NULL },
	{ 0, "tree", NULL, CLI_FLAG, OPT(query.tree), "with --pid: and of its descendants", NULL },
	{ 0, "for", "TIME", CLI_DURATION, OPT(for_ns), "stop after this time: 10s, 500ms, 2m", NULL },
	{ 'n', "count", "N", CLI_UINT, OPT(count), "stop after N events", NULL },
	{ 'f', "fields", "A,B,C", CLI_STRING, OPT(fields),
	  "show these fields (proc.aname[1] for an ancestor's)", NULL },
	{ 0, "format", "TEXT", CLI_STRING, OPT(format),
	  "show each event as TEXT with %field replaced", NULL },
	{ 0, "env", NULL, CLI_FLAG, OPT(env), "capture environments at exec (proc.env)", NULL },
	{ 0, "whole", NULL, CLI_FLAG, OPT(whole),
	  "begin when all of it is watched: what comes through io_uring is else a moment later",
	  NULL },
	CLI_OPT_SOCKET(struct events_opts, socket),
	CLI_OPT_ALONE(struct events_opts, alone),
	CLI_OPT_FORMAT(struct events_opts, output),
	CLI_OPT_REPLAY(struct events_opts, replay),
	{ 0 },
};

const struct cli_command cmd_events = {
	.name = "events",
	.summary = "show what processes do, as it happens",
	.description =
		"One line an event, each with the process, container and pod that did it. What is not "
		"asked for is not captured: kinds and simple conditions are tested in the kernel.\n\n"
		"If an agent runs on this node (porthole run), the events come from it; else, and with "
		"--env, --alone or --replay, the command does the work itself.\n\n"
		"porthole fields lists what an expression may compare and --fields may show.",
	.examples = "porthole events --kind exec\twhich programs start, where\n"
		    "porthole events --kind open --where 'fd.name startswith /etc/ and evt.failed=true'\t"
		    "who fails to open what below /etc\n"
		    "porthole events --pod shop/cart --kind connect,accept -o json\t"
		    "connections of one pod, for a script\n",
	.options = events_options,
	.options_size = sizeof(struct events_opts),
	.run = events_run,
};
