/* The view is made first in any case: what it refuses is said without an agent, and in the same words. */
#include "cli/follow.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/attach.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "cli/screen.h"

struct run {
	struct session *session;
	struct view *view;
	struct screen screen;
	bool pages; /* on the screen, as it goes */
	bool gone;  /* standard output is closed or full */
	int err;
};

static void run_write(struct run *r)
{
	struct buf *b = &r->view->sink.buf;

	if (b->n && !cli_write(b->p, b->n))
		r->gone = true;
	buf_reset(b);
}

static int on_batch(void *ctx)
{
	struct run *r = ctx;

	if (r->screen.on) {
		bool changed = screen_changed(&r->screen);

		if (view_page(r->view, r->screen.height, changed, &r->view->sink.buf))
			screen_frame(&r->screen, &r->view->sink.buf);
	}
	run_write(r);
	return r->gone || r->view->sink.done || r->screen.quit;
}

static void run_end(struct run *r)
{
	_cleanup_(buf_free) struct buf said = { 0 };
	struct buf *b = &r->view->sink.buf;

	screen_close(&r->screen);
	if (view_reports(r->view))
		r->err = view_report(r->view, r->session, session_losses(r->session, &said), b);
	if (b->failed) {
		r->err = -ENOMEM;
		buf_reset(b);
	}
	run_write(r);
}

static int live_start(const struct follow *f, struct session *s, struct view *v)
{
	uint64_t told = v->sink.query.kinds | (f->request.explain ? KIND_BIT(KIND_OFFCPU) : 0);
	const struct pushdown_clause clause = pushdown_of_query(&v->sink.query);

	session_drain(s); /* what is there already enters the tables before anything is filtered */
	if (report_probes(s, told) != 0)
		return -ENOTSUP;
	view_begin(v, s);
	return pushdown_set(&s->pushdown, v->sink.query.kinds, 0, &clause, 1);
}

static int session_follow(const struct follow *f, struct run *r)
{
	struct boot_ns until = { f->for_ns ? clock_boot().ns + f->for_ns : 0 };
	struct session *s = r->session;
	bool whole;
	int err = 0;

	if (s->live)
		err = live_start(f, s, r->view);
	else
		view_begin(r->view, s);
	if (err)
		return cli_fail("cannot watch: %s", strerror(-err));
	if (r->pages)
		screen_open(&r->screen);
	s->batch = on_batch;
	s->ctx = r;
	err = session_run(s, until);
	if (!r->gone && !r->view->sink.done)
		session_drain(s);
	if (!r->gone)
		run_end(r);
	screen_close(&r->screen);
	whole = report_losses(s);
	if (r->err)
		return cli_fail("no memory for the answer");
	if (err)
		return cli_fail("reading events: %s", strerror(-err));
	return whole ? CLI_OK : CLI_FAILED;
}

static int session_own(const struct follow *f, struct run *r)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	struct session_opts opts = f->session;
	struct session s;
	int code;

	opts.kinds = r->view->sink.query.kinds;
	opts.raw = f->request.raw;
	opts.explain = f->request.explain;
	if (session_open(&opts, &s, &why) != 0)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	r->session = &s;
	code = session_follow(f, r);
	if (f->ret_matched)
		*f->ret_matched = r->view->sink.subscription.matched;
	view_end(r->view, &s);
	session_close(&s);
	return code;
}

int follow_run(const struct follow *f)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	struct question request = f->request;
	struct view view;
	struct run run = { .view = &view };
	struct attach_opts attach = { .socket = f->socket ? f->socket : CONTROL_SOCKET,
				      .request = &request,
				      .for_ns = f->for_ns };
	int code;

	request.pages = !f->session.replay && !request.json && screen_possible();
	if (view_make(&request, &view, &why) != 0)
		return cli_usage_buf(&why);
	request.pages &= view_pages(&view);
	run.pages = request.pages;
	attach.screen = run.pages ? &run.screen : NULL;
	if (f->alone || f->session.replay || f->session.env || !attach_view(&attach, &code))
		code = session_own(f, &run);
	screen_close(&run.screen);
	view_free(&view);
	return code;
}
