/* A session of its own whose events are written as they come. */
#include "cli/follow.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/report.h"

struct run {
	const struct follow *follow;
	struct session *session;
	struct sink *sink;
	bool gone; /* standard output is closed or full */
};

static int run_batch(struct run *r, bool last)
{
	struct buf *b = &r->sink->buf;
	int over = r->follow->batch ? r->follow->batch(r->follow->ctx, r->session, b, last) : 0;

	if (b->n && !cli_write(b->p, b->n))
		r->gone = true;
	buf_reset(b);
	return r->gone || r->sink->done || over;
}

static int on_batch(void *ctx)
{
	return run_batch(ctx, false);
}

static int live_start(const struct follow *f, struct session *s, struct sink *sink)
{
	uint64_t told = sink->query.kinds | (f->session.explain ? KIND_BIT(KIND_OFFCPU) : 0);
	const struct pushdown_clause clause = pushdown_of_query(&sink->query);

	session_drain(s); /* what is there already enters the tables before anything is filtered */
	if (report_probes(s, told) != 0)
		return -ENOTSUP;
	sink_start(sink, &s->pipeline);
	return pushdown_set(&s->pushdown, sink->query.kinds, 0, &clause, 1);
}

static int session_follow(const struct follow *f, struct session *s, struct sink *sink)
{
	struct run run = { .follow = f, .session = s, .sink = sink };
	struct boot_ns until = { f->for_ns ? clock_boot().ns + f->for_ns : 0 };
	bool whole;
	int err = 0;

	if (f->start)
		f->start(f->ctx, s);
	if (s->live)
		err = live_start(f, s, sink);
	else
		sink_start(sink, &s->pipeline);
	if (err)
		return cli_fail("cannot watch: %s", strerror(-err));
	s->batch = on_batch;
	s->ctx = &run;
	err = session_run(s, until);
	if (!run.gone && !sink->done)
		session_drain(s);
	if (!run.gone)
		run_batch(&run, true);
	whole = report_losses(s);
	if (err)
		return cli_fail("reading events: %s", strerror(-err));
	return whole ? CLI_OK : CLI_FAILED;
}

int follow_run(const struct follow *f, struct sink *sink)
{
	struct session_opts opts = f->session;
	_cleanup_(buf_free) struct buf why = { 0 };
	struct session s;
	int code;

	opts.kinds = sink->query.kinds;
	if (session_open(&opts, &s, &why) != 0)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	code = session_follow(f, &s, sink);
	pipeline_unsubscribe(&s.pipeline, &sink->subscription);
	session_close(&s);
	return code;
}
