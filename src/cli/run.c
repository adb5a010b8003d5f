/*
 * porthole run: the agent in the foreground and its board. On a terminal the board refreshes in
 * place; elsewhere each interval is one line, or JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/agent.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/screen.h"

struct run_opts {
	const char *config, *by, *sort;
	uint64_t interval_ns, rows;
	enum cli_format output;
	bool print_config;
};

struct run {
	const struct run_opts *opts;
	enum board_by by;
	enum board_sort sort;
	struct screen screen;
	struct buf buf;
	char clock[16];
	bool shown; /* on a terminal: the board is there */
	bool gone;  /* standard output is closed or full */
};

static void about_get(struct run *r, struct agent *a, struct board_about *ret)
{
	struct tm tm;
	time_t now;

	agent_about(a, ret);
	now = (time_t)(ret->now.ns / NS_PER_SEC);
	localtime_r(&now, &tm);
	strftime(r->clock, sizeof(r->clock), "%H:%M:%S", &tm);
	ret->clock = str_of(r->clock);
}

static void rows_put(struct run *r, struct agent *a)
{
	const struct board_row *rows;
	struct board_about about;
	struct board_row sum;
	long n = board_rows(agent_board(a), r->by, r->sort, &rows);

	if (n < 0)
		return;
	about_get(r, a, &about);
	board_sum(agent_board(a), &sum);
	if (r->opts->rows && (uint64_t)n > r->opts->rows)
		n = (long)r->opts->rows;
	if (r->screen.on) {
		board_screen(rows, (size_t)n, &sum, &about, r->screen.width, r->screen.height,
			     &r->buf);
		screen_frame(&r->screen, &r->buf);
		return;
	}
	if (r->opts->output == CLI_TEXT) {
		board_line(rows, (size_t)n, &sum, &about, &r->buf);
		return;
	}
	board_json(&sum, "node", &about, &r->buf);
	for (long i = 0; i < n; i++)
		board_json(&rows[i], "row", &about, &r->buf);
}

static void flush(struct run *r)
{
	if (r->buf.n && !cli_write(r->buf.p, r->buf.n))
		r->gone = true;
	buf_reset(&r->buf);
}

static int run_tick(void *ctx, struct agent *a)
{
	struct run *r = ctx;

	rows_put(r, a);
	flush(r);
	return r->gone;
}

static int run_turn(void *ctx, struct agent *a)
{
	struct run *r = ctx;

	if (r->screen.on && screen_changed(&r->screen)) {
		rows_put(r, a);
		flush(r);
	}
	return r->gone || r->screen.quit;
}

static void totals_put(struct run *r, struct agent *a)
{
	struct board_about about;
	struct board_row sum;

	if (r->opts->output == CLI_TEXT) {
		agent_totals(a, &r->buf);
	} else {
		about_get(r, a, &about);
		board_sum(agent_board(a), &sum);
		board_json(&sum, "totals", &about, &r->buf);
	}
	flush(r);
}

static void lines_log(struct buf *b)
{
	buf_char(b, '\0');
	for (char *line = b->p ? strtok(b->p, "\n") : NULL; line; line = strtok(NULL, "\n"))
		log_info("%s", line);
}

static int agent_do(struct run *r, struct agent *a)
{
	_cleanup_(buf_free) struct buf lines = { 0 };
	int err;

	agent_describe(a, &lines);
	lines_log(&lines);
	if (r->opts->output == CLI_TEXT)
		screen_open(&r->screen);
	if (r->screen.on)
		run_tick(r, a);
	err = agent_run(a);
	screen_close(&r->screen);
	if (!r->gone)
		totals_put(r, a);
	if (err)
		return cli_fail("reading the kernel's records: %s", strerror(-err));
	return CLI_OK;
}

static int config_load(const char *path, struct config *ret, struct buf *why)
{
	int err = config_read(path ? path : CONFIG_FILE, ret, why);

	/* The file at the usual place need not be there. */
	if (err == -ENOENT && !path) {
		config_default(ret);
		buf_reset(why);
		return 0;
	}
	return err;
}

static int config_show(const struct config *c)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	config_print(c, &b);
	return !b.failed && cli_write(b.p, b.n) ? CLI_OK : CLI_FAILED;
}

static int run_checked(const struct run_opts *o, struct run *r, const struct config *c)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	bool terminal = o->output == CLI_TEXT && screen_possible();
	struct agent_opts opts = {
		.config = c,
		.interval_ns = o->interval_ns ? o->interval_ns :
						NS_PER_MS * (terminal ? c->board_refresh_ms :
									c->board_summary_ms),
		.tick = run_tick,
		.turn = run_turn,
		.ctx = r,
	};
	struct agent *a;
	int code;

	if (opts.interval_ns < AGENT_INTERVAL_MIN_NS || opts.interval_ns > AGENT_INTERVAL_MAX_NS)
		return cli_usage("--interval: between 100ms and 1h");
	log_set_level((enum log_level)c->log_level);
	if (agent_open(&opts, &a, &why) != 0)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	code = agent_do(r, a);
	agent_close(a);
	return code;
}

static int run_run(void *opts, int argc, char **argv)
{
	const struct run_opts *o = opts;
	_cleanup_(buf_free) struct buf why = { 0 };
	struct run r = { .opts = o };
	struct config c;
	int err, code;

	(void)argc;
	(void)argv;
	if (o->by && !board_by_parse(o->by, &r.by))
		return cli_usage("--by: container, pod, unit or cgroup");
	if (o->sort && !board_sort_parse(o->sort, &r.sort))
		return cli_usage("--sort: busy, cpu, memory, procs, execs, opens, conns, errors, events "
				 "or name");
	err = config_load(o->config, &c, &why);
	if (err == -EINVAL)
		return cli_usage_buf(&why);
	if (err)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	if (o->print_config)
		return config_show(&c);
	code = run_checked(o, &r, &c);
	buf_free(&r.buf);
	return code;
}

#define OPT(member) offsetof(struct run_opts, member)

static const struct cli_option run_options[] = {
	{ 'c', "config", "FILE", CLI_STRING, OPT(config),
	  "configuration (default: " CONFIG_FILE ", if it is there)", "FILE" },
	{ 0, "print-config", NULL, CLI_FLAG, OPT(print_config),
	  "print the configuration, every key with its help, and end", NULL },
	{ 'i', "interval", "TIME", CLI_DURATION, OPT(interval_ns),
	  "time between two boards: 100ms to 1h", NULL },
	{ 'b', "by", "WHAT", CLI_STRING, OPT(by),
	  "a row for each container (default), pod, unit or cgroup", "container pod unit cgroup" },
	{ 's', "sort", "COLUMN", CLI_STRING, OPT(sort),
	  "busy (default), cpu, memory, procs, execs, opens, conns, errors, events or name",
	  "busy cpu memory procs execs opens conns errors events name" },
	{ 'n', "rows", "N", CLI_UINT, OPT(rows), "show the first N rows", NULL },
	CLI_OPT_FORMAT(struct run_opts, output),
	{ 0 },
};

const struct cli_command cmd_run = {
	.name = "run",
	.summary = "run the agent, and show what pods and containers do",
	.description =
		"Loads what this kernel allows, says what is on, degraded or off, and shows a live "
		"board by container (or systemd unit, or cgroup, where there is none): processes "
		"started, CPU, files opened, connections, errors and events per second, and what was "
		"lost. On a terminal it refreshes in place and q ends it; elsewhere it prints one line "
		"every 5 s, or with -o json an object for each row. Ctrl-C prints totals.\n\n"
		"While it runs, other commands attach to it, and it serves Prometheus metrics. The "
		"board is counted in the kernel: no event is sent unless somebody asks for it. CPU is "
		"in percent of one CPU.",
	.examples = "porthole run\tthe board\n"
		    "porthole run --by pod --sort cpu\tpods, the heaviest first\n"
		    "porthole run -o json --interval 10s\tfor a script\n"
		    "porthole run --print-config > porthole.yaml\ta configuration to change\n",
	.options = run_options,
	.options_size = sizeof(struct run_opts),
	.run = run_run,
};
