/* porthole map: who speaks to whom, how often, how well. */
#include "cli/cli.h"
#include "cli/follow.h"

#define FOR_USUAL (10 * NS_PER_SEC)

struct map_opts {
	struct query_opts query;
	uint64_t pid, for_ns;
	const char *output, *replay, *socket;
	bool alone;
};

static int map_run(void *opts, int argc, char **argv)
{
	const struct map_opts *o = opts;
	const struct follow follow = {
		.request = {
			.cmd = "map",
			.where = o->query.where,
			.pod = o->query.pod,
			.container = o->query.container,
			.pid = o->pid,
			.form = o->output,
		},
		.session = { .replay = o->replay },
		.for_ns = o->for_ns || o->replay ? o->for_ns : FOR_USUAL,
		.socket = o->socket,
		.alone = o->alone,
	};

	(void)argv;
	if (argc)
		return cli_usage("map takes no operands");
	if (o->pid > UINT32_MAX)
		return cli_usage("--pid: no process has the number %llu", (unsigned long long)o->pid);
	return follow_run(&follow);
}

#define OPT(member) offsetof(struct map_opts, member)

static const struct cli_option map_options[] = {
	{ 0, "for", "TIME", CLI_DURATION, OPT(for_ns), "watch so long: 30s, 2m (default 10s)", NULL },
	{ 'w', "where", "EXPR", CLI_STRING, OPT(query.where),
	  "count only requests and connections for which the expression holds", NULL },
	{ 0, "pod", "NS/NAME", CLI_STRING, OPT(query.pod), "count only what this pod sees", NULL },
	{ 0, "container", "ID", CLI_STRING, OPT(query.container),
	  "count only what this container sees: id, its beginning, or name", NULL },
	{ 'p', "pid", "PID", CLI_UINT, OPT(pid), "count only what this process sees", NULL },
	{ 'o', "output", "FORMAT", CLI_STRING, OPT(output), "text (default), dot, json or html",
	  "text dot json html" },
	CLI_OPT_SOCKET(struct map_opts, socket),
	CLI_OPT_ALONE(struct map_opts, alone),
	CLI_OPT_REPLAY(struct map_opts, replay),
	{ 0 },
};

const struct cli_command cmd_map = {
	.name = "map",
	.summary = "show who speaks to whom: services, rates, failures, latencies",
	.description =
		"Watches requests and connections and tells them as nodes and edges. A node is a service or "
		"workload of the cluster, else a pod, a container, a process of this host; elsewhere what the "
		"cluster says of the address, a name that was seen asked for at a DNS server, the address. "
		"Public addresses that come as clients are put together by /24 and /48.\n\n"
		"An edge is one protocol at one port of a server: requests a second, share that failed or got no "
		"answer, latency as the client measured it (as the server did, where the client is elsewhere; "
		"SERVER50 is always the server's), bytes of requests and answers, retransmitted segments, "
		"connections. When both ends are on this node each request is counted once. Connections that "
		"nobody can read are edges too, \"tcp\", when they open or close while porthole watches; their "
		"bytes are told when they close.\n\n"
		"If an agent runs on this node (porthole run), the answer comes from it; with --alone and --replay the "
		"command does the work itself.\n\n"
		"-o html is one page that needs no network: zoom, search, filters, figures by click. -o dot is for "
		"Graphviz. Beyond 4,096 nodes or 16,384 edges the rest is one node \"other\". --where, --pod, "
		"--container and --pid choose what is counted, as this end sees it; names of the other ends are "
		"learned from everything.",
	.examples = "porthole map\tten seconds of this node\n"
		    "porthole map --for 1m -o html >map.html\ta page to look at\n"
		    "porthole map -o dot | dot -Tsvg >map.svg\ta picture by Graphviz\n"
		    "porthole map --replay traffic.pcap -o json\tof a file of packets\n",
	.options = map_options,
	.options_size = sizeof(struct map_opts),
	.run = map_run,
};
