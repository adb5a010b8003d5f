/* porthole why: from the symptom to the cause. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent/past.h"
#include "agent/watching.h"
#include "agent/why.h"
#include "api/question.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/report.h"

#define FOR_DEFAULT (10 * NS_PER_SEC)
#define FOR_MAX	    (600 * NS_PER_SEC)
#define HZ_USUAL    99
#define WIDTH	    100
#define TARGET_MAX  512
#define PAGE_MAX    (256u << 20)

struct why_cmd {
	uint64_t for_ns, hz;
	enum cli_format output;
	const char *html, *socket;
	bool all;
};

struct target {
	struct query query;
	char text[TARGET_MAX];
	const char *pod; /* as it was named; NULL: the target is none */
};

/* --- the target -------------------------------------------------------------------------------------- */

static bool all_digits(const char *s)
{
	for (; *s; s++)
		if (!isdigit((unsigned char)*s))
			return false;
	return true;
}

/* Ways to read a word, in the order in which they are tried until one has a living process. */
static size_t readings_of(const char *word, struct query_opts ret[4], const char *names[4],
			  char where[TARGET_MAX])
{
	size_t n = 0;

	if (all_digits(word)) {
		names[n] = "process";
		ret[n++] = (struct query_opts){ .pid = (uint32_t)strtoul(word, NULL, 10),
						.tree = true };
		return n;
	}
	if (!strchr(word, '/')) {
		names[n] = "container";
		ret[n++] = (struct query_opts){ .container = word };
	}
	names[n] = "pod";
	ret[n++] = (struct query_opts){ .pod = word };
	if (!strchr(word, '/') && !strchr(word, '"') && !strchr(word, '\\')) {
		snprintf(where, TARGET_MAX, "proc.name=\"%s\"", word);
		names[n] = "processes";
		ret[n++] = (struct query_opts){ .where = where };
	}
	return n;
}

static int target_try(struct session *s, const char *word, const struct query_opts *o,
		      const char *name, struct target *ret)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	struct query q = { 0 };

	if (query_make(o, &q, &why) != 0)
		return -EINVAL;
	if (!q.scope) { /* a condition stands for the scope */
		q.scope = q.where;
		q.where = NULL;
	}
	if (!watching_any(s, q.scope)) {
		query_free(&q);
		return -ENOENT;
	}
	ret->query = q;
	ret->pod = o->pod;
	snprintf(ret->text, sizeof(ret->text), "%s %s", name, word);
	return 0;
}

static int target_find(struct session *s, const char *word, struct target *ret)
{
	struct query_opts readings[4];
	const char *names[4];
	char where[TARGET_MAX];
	size_t n;

	if (!word) {
		snprintf(ret->text, sizeof(ret->text), "this node");
		return CLI_OK;
	}
	n = readings_of(word, readings, names, where);
	for (size_t i = 0; i < n; i++)
		if (target_try(s, word, &readings[i], names[i], ret) == 0)
			return CLI_OK;
	return cli_fail(
		"\"%s\": no process, container or pod of that name lives here (porthole ps shows them)",
		word);
}

/* --- the watch ---------------------------------------------------------------------------------------- */

static unsigned width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 40)
		return WIDTH;
	return size.ws_col < 2 * WIDTH ? size.ws_col : 2 * WIDTH;
}

static int page_write(const char *path, const struct watch *w, const struct why *y)
{
	_cleanup_(buf_free) struct buf b = { .max = PAGE_MAX };
	int err = why_html(w, y, &b);

	if (err)
		return cli_fail("%s: cannot make the page: %s", path, strerror(-err));
	return cli_write_file(path, b.p, b.n);
}

static int answer(const struct why_cmd *o, const struct watch *w)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	_cleanup_(freep) struct why *y = malloc(sizeof(*y));

	if (!y)
		return cli_fail("out of memory");
	why_judge(w, y);
	if (o->html && page_write(o->html, w, y) != CLI_OK)
		return CLI_FAILED;
	if (o->output == CLI_JSON)
		why_json(w, y, &b);
	else
		why_text(w, y, width(), o->all, &b);
	return cli_write(b.p, b.n) ? CLI_OK : CLI_FAILED;
}

static int watch(const struct why_cmd *o, struct session *s, const struct target *t)
{
	const struct watching_opts wo = { .query = &t->query,
					  .target = str_of(t->text),
					  .hz = o->hz ? (uint32_t)o->hz : HZ_USUAL };
	uint64_t ns = o->for_ns ? o->for_ns : FOR_DEFAULT, middle;
	const struct past_opts po = { .socket = o->socket ? o->socket : CONTROL_SOCKET,
				      .scope = t->query.scope,
				      .pod = t->pod };
	struct watching *w;
	struct watch evidence;
	struct past past;
	int code, err;

	past_tell(s, &po, &past);
	err = watching_begin(s, &wo, &w);
	if (err)
		return cli_fail("cannot watch: %s", strerror(-err));
	s->relaxed_ms = RELAXED_STACKS_MS;
	middle = clock_boot().ns + ns / 2;
	err = session_run(s, (struct boot_ns){ middle });
	watching_middle(w);
	if (!err && !s->signal)
		err = session_run(s, (struct boot_ns){ middle + ns / 2 });
	if (!err)
		err = watching_end(w, &evidence);
	if (err) {
		code = cli_fail("watching: %s", strerror(-err));
	} else {
		for (size_t i = 0; i < past.n; i++)
			watch_before(&evidence, past.line[i]);
		if (past.unseen[0])
			watch_unseen(&evidence, "%s", past.unseen);
		code = answer(o, &evidence);
		watch_free(&evidence);
	}
	watching_free(w);
	return code;
}

static int why_run(void *opts, int argc, char **argv)
{
	const struct why_cmd *o = opts;
	/* Nothing is verified while it watches: that would take the CPU from the target. */
	const struct session_opts so = { .kinds = watching_kinds(),
					 .sample_hz = o->hz ? (uint32_t)o->hz : HZ_USUAL,
					 .whole = true };
	_cleanup_(buf_free) struct buf why = { 0 };
	struct target target = { .text = "" };
	struct session s;
	int code;

	if (argc > 1)
		return cli_usage("one target, or none for the node");
	if (o->for_ns > FOR_MAX)
		return cli_usage("--for: ten minutes at most");
	if (o->hz > 1000)
		return cli_usage("--hz: 1 to 1000 samples a second");
	if (session_open(&so, &s, &why) != 0)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	session_drain(&s);
	code = target_find(&s, argc ? argv[0] : NULL, &target);
	if (code == CLI_OK)
		code = watch(o, &s, &target);
	query_free(&target.query);
	session_close(&s);
	return code;
}

#define OPT(member) offsetof(struct why_cmd, member)

static const struct cli_option why_options[] = {
	{ 0, "for", "TIME", CLI_DURATION, OPT(for_ns), "watch so long: 10s (default), 30s, 2m", NULL },
	{ 0, "hz", "N", CLI_UINT, OPT(hz), "samples a second and CPU: 99 (default), up to 1000",
	  NULL },
	{ 0, "html", "FILE", CLI_STRING, OPT(html),
	  "also a page: the answer, the time line and the flame graph", "FILE" },
	{ 'a', "all", NULL, CLI_FLAG, OPT(all), "all findings, also the least of the possible", NULL },
	{ 0, "socket", "PATH", CLI_STRING, OPT(socket),
	  "where to look for a running agent (default " CONTROL_SOCKET ")", "FILE" },
	CLI_OPT_FORMAT(struct why_cmd, output),
	{ 0 },
};

const struct cli_command cmd_why = {
	.name = "why",
	.summary = "why a pod, a container or a process is slow or busy",
	.operands = "[TARGET]",
	.description =
		"Watches the target for some seconds and says what holds it up: a verdict, then findings by rank, "
		"each with its evidence, how sure it is, and what to try. TARGET is a pod (NS/NAME or NAME), a "
		"container (id, its beginning, or name), a process (number or command name); without one, the "
		"whole node. Nothing is restarted or instrumented.\n\n"
		"If an agent runs on this node (porthole run), what it kept of the target is told beside: CPU time by the "
		"minute and where most of it went, the requests it served and the slowest one's id, processes that ended, "
		"alerts. The watch itself has kernel programs of its own, beside the agent's.",
	.examples = "porthole why shop/cart\ta pod\n"
		    "porthole why 4711 --for 30s\ta process and its children, for longer\n"
		    "porthole why -o json\tthe node, for a program\n",
	.options = why_options,
	.options_size = sizeof(struct why_cmd),
	.run = why_run,
};
