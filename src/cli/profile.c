/* porthole profile: where the time goes, by stack. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent/kept.h"
#include "agent/profile_given.h"
#include "agent/profiler.h"
#include "agent/session.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/report.h"

#define FOR_DEFAULT (10 * NS_PER_SEC)
#define HZ_MAX	    1000
#define HZ_USUAL    99
#define BY_MAX	    8
#define BYTES_MAX   (512u << 20) /* of what is written */

struct profile_cmd {
	struct query_opts query;
	uint64_t pid, for_ns, hz;
	const char *output, *write, *by, *replay;
	const char *from, *to, *directory;
	const char *base, *base_from, *base_to;
	bool wall, off_cpu, absolute;
};

/* What --by takes, and the labels it needs. */
static const struct {
	const char *word;
	uint32_t label;
} words[] = {
	{ "pod", LABEL_POD },	  { "container", LABEL_CONTAINER }, { "process", LABEL_PROCESS },
	{ "pid", LABEL_PID },	  { "thread", LABEL_THREAD },	    { "cpu", LABEL_CPU },
	{ "state", LABEL_STATE },
};

struct run {
	const struct profile_cmd *o;
	struct query query;
	struct subscription sub;
	struct naming *naming;
	struct profiler *profiler;
	const struct profile_out_ops *out;
	const char *file;     /* a profile to show; NULL: none */
	struct profile *base; /* to compare with; NULL: nothing */
	struct str by[BY_MAX];
	size_t nby;
	uint32_t labels;
};

static void run_free(struct run *r)
{
	profiler_free(r->profiler);
	naming_stop(r->naming);
	query_free(&r->query);
	profile_free(r->base);
}

static int by_parse(struct run *r)
{
	struct str rest = str_of(r->o->by);

	while (rest.n) {
		const char *comma = memchr(rest.p, ',', rest.n);
		struct str word = { rest.p, comma ? (size_t)(comma - rest.p) : rest.n };
		size_t i = 0, n = sizeof(words) / sizeof(words[0]);

		while (i < n && !str_eq(word, str_of(words[i].word)))
			i++;
		if (i == n || r->nby == BY_MAX)
			return cli_usage(
				"--by: \"%.*s\" is none of pod, container, process, pid, thread, cpu, state",
				STR_ARG(word));
		r->by[r->nby++] = word;
		r->labels |= words[i].label;
		rest = str_skip(rest, word.n + (comma ? 1 : 0));
	}
	return CLI_OK;
}

static int output_find(struct run *r)
{
	const char *name = r->o->output ? r->o->output : "text";
	_cleanup_(buf_free) struct buf names = { 0 };

	r->out = profile_out_find(str_of(name));
	if (r->out)
		return CLI_OK;
	for (size_t i = 0; profile_outs[i]; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", profile_outs[i]->name);
	return cli_usage("-o: \"%s\" is none of %.*s", name, STR_ARG(buf_slice(&names)));
}

static void event_take(void *ctx, const struct event *ev)
{
	struct run *r = ctx;

	profiler_event(r->profiler, ev);
}

static int watch(struct run *r, struct session *s, uint64_t *ret_ns)
{
	const struct pushdown_clause clause = pushdown_of_query(&r->query);
	struct boot_ns begin, until = { 0 };
	int err = profiler_begin(r->profiler, clock_wall().ns);

	if (err)
		return err;
	r->sub = (struct subscription){ .kinds = r->query.kinds,
					.where = r->query.where,
					.scope = r->query.scope,
					.event = event_take,
					.ctx = r };
	if (s->live)
		session_drain(s);
	pipeline_subscribe(&s->pipeline, &r->sub);
	begin = clock_boot();
	s->relaxed_ms = RELAXED_STACKS_MS;
	if (s->live) {
		err = pushdown_set(&s->pushdown, r->query.kinds, 0, &clause, 1);
		until.ns = begin.ns + (r->o->for_ns ? r->o->for_ns : FOR_DEFAULT);
	}
	if (!err)
		err = session_run(s, until);
	session_drain(s);
	*ret_ns = clock_boot().ns - begin.ns;
	pipeline_unsubscribe(&s->pipeline, &r->sub);
	return err;
}

static int result_write(const struct run *r, const struct buf *b)
{
	if (r->o->write)
		return cli_write_file(r->o->write, b->p, b->n);
	return cli_write(b->p, b->n) ? CLI_OK : CLI_FAILED;
}

/* What the profile is, or how it differs from the base. 0 or -errno; -ENOENT: they count nothing alike. */
static int profile_render(const struct run *r, const struct profile *p,
			  const struct profile_out_opts *opts, struct buf *b)
{
	struct profile_difference d = { .before = r->base, .after = p };
	int err;

	if (!r->base)
		return r->out->render(p, opts, b);
	err = profile_pair_type(r->base, p, opts->view.type, d.types);
	return err ? err : r->out->difference(&d, opts, b);
}

static int profile_show(struct run *r, const struct profile *p)
{
	struct winsize size;
	const bool screen = !r->o->write && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
	const struct profile_out_opts opts = {
		.view = { .roots = r->by, .nroots = r->nby },
		.width = screen && size.ws_col >= 60 ? size.ws_col : 0,
		.absolute = r->o->absolute,
	};
	_cleanup_(buf_free) struct buf b = { .max = BYTES_MAX };
	int err = profile_render(r, p, &opts, &b);

	if (err == -ENOENT)
		return cli_fail("the two profiles count nothing that can be compared, as \"%.*s\" in "
				"both",
				STR_ARG(profile_opts(p)->types[0].type));
	if (err)
		return cli_fail("cannot make the profile: %s", strerror(-err));
	return result_write(r, &b);
}

static int result_show(struct run *r, uint64_t ns)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	int err = profiler_end(r->profiler, ns, &p);

	if (err)
		return cli_fail("cannot make the profile: %s", strerror(-err));
	return profile_show(r, p);
}

/* --- what was kept, by the agent or in files --- */

#define KEPT_LABELS (LABEL_POD | LABEL_CONTAINER | LABEL_PROCESS | LABEL_PID)

static int base_check(const struct run *r)
{
	const struct profile_cmd *o = r->o;

	if (o->base && o->base_from)
		return cli_usage("--base and --base-from: one of them");
	if (o->base_to && !o->base_from)
		return cli_usage("--base-to goes with --base-from");
	if (!o->base && !o->base_from)
		return o->absolute ? cli_usage("--absolute goes with --base or --base-from") : CLI_OK;
	if (o->query.where)
		return cli_usage(
			"--where does not go with a base, of which only pod, container, process "
			"and pid are known: --pod, --container, --pid");
	if (!r->out->difference)
		return cli_usage("-o %s has no form for a difference: text, folded or html (of two files "
				 "in pprof's form, go tool pprof -diff_base)",
				 r->out->name);
	return CLI_OK;
}

static int kept_check(const struct run *r)
{
	const struct profile_cmd *o = r->o;

	if (!o->from && (o->to || (o->directory && !o->base_from)))
		return cli_usage("--to and --directory go with --from");
	if (!o->from && !r->file)
		return CLI_OK;
	if (o->from && r->file)
		return cli_usage("--from and a file: one of them");
	if (o->query.where)
		return cli_usage("--where: of a profile that was kept only pod, container, process and "
				 "pid are known: --pod, --container, --pid");
	if (o->replay || o->wall || o->off_cpu || o->hz || o->for_ns || o->query.tree)
		return cli_usage("%s shows what was kept: --for, --hz, --wall, --off-cpu, --tree and "
				 "--replay do not go with it",
				 o->from ? "--from" : "a file");
	if (o->from && (r->labels & ~(uint32_t)KEPT_LABELS))
		return cli_usage("--by: what was kept knows pod, container, process and pid");
	return CLI_OK;
}

static int check(struct run *r)
{
	const struct profile_cmd *o = r->o;
	int code = output_find(r);

	if (code == CLI_OK)
		code = by_parse(r);
	if (code != CLI_OK)
		return code;
	if (o->hz > HZ_MAX)
		return cli_usage("--hz: 1 to %d samples a second", HZ_MAX);
	if (o->wall && o->off_cpu)
		return cli_usage("--wall and --off-cpu: one of them");
	if (o->pid > UINT32_MAX)
		return cli_usage("--pid: no process has the number %llu", (unsigned long long)o->pid);
	if (o->query.tree && !o->pid)
		return cli_usage("--tree goes with --pid");
	if (r->out->binary && !o->write && isatty(STDOUT_FILENO))
		return cli_usage("%s is not for a terminal: -w FILE", r->out->name);
	code = base_check(r);
	return code == CLI_OK ? kept_check(r) : code;
}

/* From the file when there is one, else from what the agent kept. enum cli_exit. */
static int kept_read(const char *file, const struct kept_opts *o, struct profile **ret)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	int err = file ? profile_given(file, o, ret, &why) : kept_profile(o, ret, &why);

	if (err == -EINVAL)
		return cli_usage_buf(&why);
	return err ? cli_fail("%.*s", STR_ARG(buf_slice(&why))) : CLI_OK;
}

static struct kept_opts kept_of(const struct profile_cmd *o)
{
	return (struct kept_opts){ .from = o->from,
				   .to = o->to,
				   .directory = o->directory,
				   .pod = o->query.pod,
				   .container = o->query.container,
				   .pid = (uint32_t)o->pid };
}

static int base_read(struct run *r)
{
	struct kept_opts opts = kept_of(r->o);

	if (!r->o->base && !r->o->base_from)
		return CLI_OK;
	opts.option = "--base-";
	opts.from = r->o->base_from;
	opts.to = r->o->base_to;
	return kept_read(r->o->base, &opts, &r->base);
}

static int kept_show(struct run *r)
{
	const struct kept_opts opts = kept_of(r->o);
	_cleanup_(profile_freep) struct profile *p = NULL;
	int code = kept_read(r->file, &opts, &p);

	return code == CLI_OK ? profile_show(r, p) : code;
}

static int run_session(struct run *r)
{
	struct session_opts so = { .replay = r->o->replay,
				   .kinds = r->query.kinds,
				   .sample_hz = (uint32_t)r->o->hz };
	_cleanup_(buf_free) struct buf why = { 0 };
	struct session s;
	uint64_t ns = 0;
	bool whole = true;
	int code, err;

	if (session_open(&so, &s, &why) != 0)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	err = s.live ? report_probes(&s, r->query.kinds) : 0;
	if (!err)
		err = watch(r, &s, &ns);
	code = err ? cli_fail("cannot watch: %s", strerror(-err)) : result_show(r, ns);
	whole = report_losses(&s);
	session_close(&s);
	return code == CLI_OK && !whole ? CLI_FAILED : code;
}

/* What is sampled: the CPUs, what threads wait for, or both. */
static uint64_t kinds_of(const struct profile_cmd *o)
{
	return (o->off_cpu ? 0 : KIND_BIT(KIND_SAMPLE)) |
	       (o->wall || o->off_cpu ? KIND_BIT(KIND_OFFCPU) : 0);
}

static int measure(struct run *r)
{
	struct profile_cmd copy = *r->o, *o = &copy;
	const bool waits = o->wall || o->off_cpu;
	struct profiler_opts po;
	_cleanup_(buf_free) struct buf why = { 0 };

	o->query.pid = (uint32_t)o->pid;
	o->query.kinds = o->wall ? "sample,offcpu" : o->off_cpu ? "offcpu" : "sample";
	if (query_make(&o->query, &r->query, &why) != 0)
		return cli_usage_buf(&why);
	po = (struct profiler_opts){ .hz = o->hz ? (uint32_t)o->hz : HZ_USUAL,
				     .labels = r->labels | LABEL_PROCESS | LABEL_POD |
					       (waits ? LABEL_STATE : 0),
				     .kinds = kinds_of(o),
				     .wall = o->wall,
				     .off_cpu = o->off_cpu,
				     .title = STR("porthole profile") };
	if (naming_start(true, &r->naming) != 0 || profiler_new(&po, r->naming, &r->profiler) != 0)
		return cli_fail("out of memory");
	return run_session(r);
}

static int profile_run(void *opts, int argc, char **argv)
{
	struct profile_cmd *o = opts;
	_cleanup_(run_free) struct run r = { .o = o, .file = argc ? argv[0] : NULL };
	int code = argc > 1 ? cli_usage("one file; what to compare it with goes to --base") :
			      check(&r);

	/* Before anything is measured: a base that cannot be read is told at once. */
	if (code == CLI_OK)
		code = base_read(&r);
	if (code != CLI_OK)
		return code;
	return o->from || r.file ? kept_show(&r) : measure(&r);
}

#define OPT(member) offsetof(struct profile_cmd, member)

static const struct cli_option profile_options[] = {
	{ 0, "for", "TIME", CLI_DURATION, OPT(for_ns), "watch so long: 10s (default), 500ms, 2m",
	  NULL },
	{ 0, "hz", "N", CLI_UINT, OPT(hz), "samples a second and CPU: 99 (default), up to 1000",
	  NULL },
	{ 0, "wall", NULL, CLI_FLAG, OPT(wall),
	  "all of the threads' time: also what they waited for, by state", NULL },
	{ 0, "off-cpu", NULL, CLI_FLAG, OPT(off_cpu),
	  "only the threads' time off the CPU: what they waited for, by state", NULL },
	{ 'w', "write", "FILE", CLI_STRING, OPT(write), "write to FILE instead of standard output",
	  "FILE" },
	{ 'o', "output", "FORMAT", CLI_STRING, OPT(output),
	  "text (default), folded, pprof, speedscope or html", "text folded pprof speedscope html" },
	{ 0, "by", "LABELS", CLI_STRING, OPT(by),
	  "these above the stacks, by comma: pod, container, process, pid, thread, cpu, state",
	  "pod container process pid thread cpu state" },
	{ 0, "where", "EXPR", CLI_STRING, OPT(query.where),
	  "only samples for which the expression holds", NULL },
	{ 0, "pod", "NS/NAME", CLI_STRING, OPT(query.pod), "only this pod", NULL },
	{ 0, "container", "ID", CLI_STRING, OPT(query.container),
	  "only this container: id, its beginning, or name", NULL },
	{ 'p', "pid", "PID", CLI_UINT, OPT(pid), "only this process", NULL },
	{ 0, "tree", NULL, CLI_FLAG, OPT(query.tree), "with --pid: and its descendants", NULL },
	CLI_OPT_REPLAY(struct profile_cmd, replay),
	{ 0, "from", "TIME", CLI_STRING, OPT(from),
	  "show what porthole run kept since: 02:50, \"2026-11-30 02:50\", \"10m ago\"", NULL },
	{ 0, "to", "TIME", CLI_STRING, OPT(to), "with --from: until then; without: until now", NULL },
	{ 0, "directory", "DIR", CLI_STRING, OPT(directory),
	  "with --from: where it is kept (default: /var/lib/porthole/profiles)", "FILE" },
	{ 0, "base", "FILE", CLI_STRING, OPT(base),
	  "show the difference from this profile: pprof's form, or a part of what was kept", "FILE" },
	{ 0, "base-from", "TIME", CLI_STRING, OPT(base_from),
	  "show the difference from what was kept since then", NULL },
	{ 0, "base-to", "TIME", CLI_STRING, OPT(base_to),
	  "with --base-from: until then; without: until now", NULL },
	{ 0, "absolute", NULL, CLI_FLAG, OPT(absolute),
	  "differences of the values; without: of their shares of all", NULL },
	{ 0 },
};

const struct cli_command cmd_profile = {
	.name = "profile",
	.summary = "where the time goes: CPU and waiting, by stack",
	.operands = "[FILE]",
	.description =
		"Samples what runs on every CPU, with the stacks of kernel and programs, also of programs "
		"built without frame pointers, and shows where the time goes. With --wall, the time of "
		"threads that wait is in it too, by what they wait for; with --off-cpu, that alone.\n\n"
		"porthole run profiles all the time, at 19 Hz, and keeps the last day on disk: --from and "
		"--to show any part of it, by whole minutes, without an agent.\n\n"
		"With FILE, a profile in pprof's form is shown instead, of whatever program wrote it; - is "
		"standard input. With --base or --base-from, what changed since another profile: functions "
		"by the change of their share of all (or, with --absolute, of the values), in the page with "
		"both graphs in one, or folded with two values a line. --pod, --container and --pid hold "
		"for both sides.",
	.examples =
		"porthole profile --pod shop/cart\ttop functions and call tree of a pod\n"
		"porthole profile --for 30s -o html -w cart.html\ta flame graph of the node\n"
		"porthole profile --wall --by state,thread --pid 4711\twhat each thread waits for\n"
		"porthole profile --off-cpu --by state -p 4711\twhat it waits for\n"
		"porthole profile --from 02:50 --to 03:00 --pod shop/cart\twhat it did in the night\n"
		"porthole profile -o pprof -w cpu.pb.gz\tfor go tool pprof, Parca, Pyroscope\n"
		"porthole profile --base cpu.pb.gz\twhat is different now\n"
		"porthole profile --base before.pb.gz after.pb.gz -o html -w diff.html\tof two files\n"
		"porthole profile --from 03:00 --to 03:10 --base-from 02:00 --base-to 02:10\tof two times\n",
	.options = profile_options,
	.options_size = sizeof(struct profile_cmd),
	.run = profile_run,
};
