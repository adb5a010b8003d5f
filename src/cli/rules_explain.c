/* porthole rules explain: one rule, what it comes to and what it cost. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "agent/detect.h"
#include "api/client.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "cli/rules.h"

/* How long a running agent may take to answer. */
#define ANSWER_MS 2000

static void alert(void *ctx, const struct rule *r, const struct event *ev)
{
	(void)ctx, (void)r, (void)ev;
}

static void line(struct buf *b, const char *name, struct str text)
{
	buf_printf(b, "%-10s ", name);
	buf_text(b, text);
	buf_char(b, '\n');
}

/* What the kernel is told, line by line below one heading. */
static void kernel_put(const struct rule *r, struct buf *b)
{
	const struct pushdown_clause clause = { .kinds = r->kinds, .where = r->expr };
	_cleanup_(buf_free) struct buf lines = { 0 };
	struct str left;

	pushdown_explain(&clause, &lines);
	left = buf_slice(&lines);
	for (bool first = true; left.n; first = false) {
		const char *end = memchr(left.p, '\n', left.n);
		struct str one = { left.p, end ? (size_t)(end - left.p) : left.n };

		buf_printf(b, "%-10s %.*s\n", first ? "kernel" : "", STR_ARG(one));
		left = str_skip(left, one.n + 1);
	}
}

static void rule_put(const struct rule *r, struct buf *b)
{
	line(b, "rule", r->name);
	buf_printf(b, "%-10s %s:%u\n", "defined", r->file, r->line);
	buf_printf(b, "%-10s %s\n", "priority", priority_name(r->priority));
	buf_printf(b, "%-10s", "tags");
	for (size_t i = 0; i < r->ntags; i++) {
		buf_char(b, ' ');
		buf_text(b, r->tags[i]);
	}
	buf_char(b, '\n');
	line(b, "about", r->desc);
	line(b, "condition", r->condition);
	line(b, "resolved", r->resolved);
	line(b, "output", r->output_text);
	buf_printf(b, "%-10s %zu\n", "compares", expr_checks(r->expr));
	buf_printf(b, "%-10s ", "events");
	rules_kinds_put(r->kinds, b);
	buf_char(b, '\n');
	kernel_put(r, b);
}

/* Runs the rules over a capture and says what this one cost. */
static int replay_cost(const struct rules_opts *o, struct detect *d, uint32_t index, struct buf *b)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	struct match_count count;
	uint64_t alerts;
	struct session s;
	int err = session_open(&(struct session_opts){ .replay = o->replay }, &s, &why);

	if (err)
		return cli_fail("%.*s", STR_ARG(buf_slice(&why)));
	detect_start(d, &s);
	err = session_run(&s, (struct boot_ns){ 0 });
	count = detect_rule_count(d, index, &alerts);
	if (!err && report_losses(&s))
		buf_printf(b,
			   "%-10s of %llu events of its kinds it was evaluated on %llu and matched "
			   "%llu\n",
			   "cost", (unsigned long long)detect_counts(d).events,
			   (unsigned long long)count.evaluated, (unsigned long long)count.matched);
	session_close(&s);
	return err ? cli_fail("%s: %s", o->replay, strerror(-err)) : CLI_OK;
}

static uint64_t member_u64(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

/* What it cost a running agent that has a rule of this name; nothing when there is none. */
static void agent_cost(const struct rules_opts *o, const struct rule *r, struct buf *b)
{
	const struct question request = { .cmd = "status" };
	_cleanup_(buf_free) struct buf status = { 0 };
	_cleanup_(buf_free) struct buf why = { 0 };
	const json_t *rule;
	json_t *doc;
	size_t i;

	if (client_ask(o->socket ? o->socket : CONTROL_SOCKET, &request, ANSWER_MS, &status, &why))
		return;
	doc = json_loadb(status.p, status.n, 0, NULL);
	json_array_foreach(json_object_get(doc, "rules"), i, rule) {
		const char *name = json_string_value(json_object_get(rule, "name"));

		if (!name || !str_eq(str_of(name), r->name))
			continue;
		buf_printf(b,
			   "%-10s in the running agent: evaluated on %llu events of %llu, matched "
			   "%llu, %llu alerts\n",
			   "cost", (unsigned long long)member_u64(rule, "evaluated"),
			   (unsigned long long)member_u64(doc, "events"),
			   (unsigned long long)member_u64(rule, "matched"),
			   (unsigned long long)member_u64(rule, "alerts"));
	}
	json_decref(doc);
}

int rules_explain(const struct rules_opts *o, size_t n, char **operands)
{
	const struct detect_opts opts = { .book = { o->files.p, o->files.n, PRIORITY_DEBUG, NULL },
					  .all = true,
					  .alert = alert };
	_cleanup_(problems_free) struct problems problems = { 0 };
	_cleanup_(buf_free) struct buf b = { 0 };
	struct detect *d;
	const struct rule *r;
	int code = CLI_OK;

	if (n != 1)
		return cli_usage("rules explain takes one rule's name, in quotes");
	if (detect_new(&opts, &problems, &d, &b) != 0) {
		rulebook_problems(&problems, &b);
		return cli_fail("the rules cannot be loaded\n%.*s", STR_ARG(buf_slice(&b)));
	}
	r = ruleset_find(detect_rules(d), str_of(operands[0]));
	if (!r)
		code = cli_fail("no enabled rule is called \"%s\"", operands[0]);
	else
		rule_put(r, &b);
	if (r && o->replay)
		code = replay_cost(o, d, r->index, &b);
	else if (r)
		agent_cost(o, r, &b);
	if (code == CLI_OK)
		cli_write(b.p, b.n);
	detect_free(d);
	return code;
}
