/* porthole rules test: cases against rules, a line each. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/detect.h"
#include "agent/rule_case.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "cli/rules.h"

#define FIRED_MAX 256 /* different rules in one case */

struct testing {
	const struct rules_opts *opts;
	struct rulebook book;
	struct ruleset *given; /* compiled for events given field by field; made when needed */
	const char *file;
	size_t passed, failed;
	struct buf out;
	struct str fired[FIRED_MAX];
	size_t nfired;
	struct detect *detect; /* of a capture; its rules own the names in fired */
};

static void fired(void *ctx, const struct rule *r)
{
	struct testing *t = ctx;

	for (size_t i = 0; i < t->nfired; i++)
		if (str_eq(t->fired[i], r->name))
			return;
	if (t->nfired < FIRED_MAX)
		t->fired[t->nfired++] = r->name;
}

static void fired_event(void *ctx, const struct rule *r, const struct event *ev)
{
	(void)ev;
	fired(ctx, r);
}

static int rules_need(const struct rulebook *b, struct ruleset **ret)
{
	_cleanup_(problems_free) struct problems problems = { 0 };
	_cleanup_(buf_free) struct buf lines = { 0 };
	int err = rulebook_load(b, &problems, ret);

	if (!err)
		return 0;
	rulebook_problems(&problems, &lines);
	return cli_fail("the rules cannot be loaded\n%.*s", STR_ARG(buf_slice(&lines)));
}

static int capture_run(struct testing *t, const struct rule_case *c, struct buf *why)
{
	const struct detect_opts opts = { .book = t->book, .all = true, .alert = fired_event, .ctx = t };
	_cleanup_(problems_free) struct problems problems = { 0 };
	_cleanup_(freep) char *dir = strdup(t->file);
	struct session s;
	char path[4096];
	int err;

	if (!dir)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s%s%.*s", c->capture.p[0] == '/' ? "" : dirname(dir),
		 c->capture.p[0] == '/' ? "" : "/", STR_ARG(c->capture));
	err = session_open(&(struct session_opts){ .replay = path }, &s, why);
	if (err)
		return err;
	detect_free(t->detect);
	t->detect = NULL;
	err = detect_new(&opts, &problems, &t->detect, why);
	if (err) {
		rulebook_problems(&problems, why);
	} else {
		detect_start(t->detect, &s);
		err = session_run(&s, (struct boot_ns){ 0 });
		if (!err && !report_losses(&s))
			err = -EBADMSG;
	}
	session_close(&s);
	return err;
}

static void case_text(struct testing *t, const struct rule_case *c, struct str wrong)
{
	buf_printf(&t->out, "%s  %s:%u  ", wrong.n ? "FAIL" : "ok  ", t->file, c->line);
	buf_text(&t->out, c->name);
	buf_char(&t->out, '\n');
	buf_str(&t->out, wrong);
}

static void case_json(struct testing *t, const struct rule_case *c, struct str wrong)
{
	buf_char(&t->out, '{');
	json_key(&t->out, STR("case"));
	json_str(&t->out, c->name);
	json_key(&t->out, STR("file"));
	json_str(&t->out, str_of(t->file));
	json_key(&t->out, STR("line"));
	buf_u64(&t->out, c->line);
	json_key(&t->out, STR("ok"));
	buf_str(&t->out, wrong.n ? STR("false") : STR("true"));
	json_key(&t->out, STR("fired"));
	buf_char(&t->out, '[');
	for (size_t i = 0; i < t->nfired; i++) {
		if (i)
			buf_char(&t->out, ',');
		json_str(&t->out, t->fired[i]);
	}
	buf_char(&t->out, ']');
	json_key(&t->out, STR("wrong"));
	json_str(&t->out, wrong);
	buf_str(&t->out, STR("}\n"));
}

static int case_do(struct testing *t, const struct rule_case *c)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	_cleanup_(buf_free) struct buf wrong = { 0 };
	struct rulebook given = t->book;
	int err = 0;

	t->nfired = 0;
	given.catalogue = rule_case_catalogue();
	if (c->event && !t->given)
		err = rules_need(&given, &t->given);
	if (err)
		return err;
	err = c->event ? rule_case_run(c, t->given, fired, t, &why) : capture_run(t, c, &why);
	if (err)
		buf_printf(&wrong, "  %.*s\n", STR_ARG(why.n ? buf_slice(&why) : STR("failed")));
	else
		rule_case_verdict(c, t->fired, t->nfired, &wrong);
	*(wrong.n ? &t->failed : &t->passed) += 1;
	(t->opts->output == CLI_JSON ? case_json : case_text)(t, c, buf_slice(&wrong));
	return CLI_OK;
}

static int file_do(struct testing *t, const char *path)
{
	_cleanup_(rule_cases_free) struct rule_cases cases = { 0 };
	_cleanup_(buf_free) struct buf why = { 0 };
	int code = CLI_OK;

	t->file = path;
	if (rule_cases_read(path, &cases, &why) != 0)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	for (size_t i = 0; code == CLI_OK && i < cases.n; i++)
		code = case_do(t, &cases.list[i]);
	return code;
}

int rules_test(const struct rules_opts *o, size_t n, char **operands)
{
	struct testing t = { .opts = o, .book = { o->files.p, o->files.n, PRIORITY_DEBUG, NULL } };
	int code = CLI_OK;

	for (size_t i = 0; code == CLI_OK && i < n; i++)
		code = file_do(&t, operands[i]);
	if (code == CLI_OK && o->output == CLI_TEXT)
		buf_printf(&t.out, "%zu passed, %zu failed\n", t.passed, t.failed);
	if (code == CLI_OK) {
		cli_write(t.out.p, t.out.n);
		code = t.failed ? CLI_FAILED : CLI_OK;
	}
	detect_free(t.detect);
	ruleset_free(t.given);
	buf_free(&t.out);
	return code;
}
