/* porthole rules: what rule files say, without running them. */
#include <errno.h>
#include <string.h>

#include "agent/rulebook.h"
#include "api/question.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/rules.h"

/* Kinds by name, separated by blanks. */
void rules_kinds_put(uint64_t kinds, struct buf *b)
{
	bool any = false;

	for (size_t k = 0; k < KIND_COUNT; k++)
		if (kinds & KIND_BIT(k)) {
			buf_str(b, any ? STR(" ") : STR(""));
			buf_str(b, kind_table[k].name);
			any = true;
		}
	if (!any)
		buf_str(b, STR("none"));
}

static void summary_text(const struct ruleset *r, const struct problems *p, struct buf *b)
{
	if (r) {
		buf_printf(b,
			   "rules %zu   disabled %zu   skipped %zu   macros %zu   lists %zu   "
			   "comparisons %zu\nkernel events: ",
			   r->n, r->disabled, r->skipped, r->macros, r->lists, r->checks);
		rules_kinds_put(r->kinds, b);
		buf_char(b, '\n');
	}
	if (!p->errors && !p->warnings)
		buf_str(b, STR("ok\n"));
	else
		buf_printf(b, "%zu error%s, %zu warning%s\n", p->errors, p->errors == 1 ? "" : "s",
			   p->warnings, p->warnings == 1 ? "" : "s");
}

static void number_member(struct buf *b, struct str key, uint64_t v)
{
	json_key(b, key);
	buf_u64(b, v);
}

static void kinds_json(uint64_t kinds, struct buf *b)
{
	json_key(b, STR("kinds"));
	buf_char(b, '[');
	for (size_t k = 0; k < KIND_COUNT; k++) {
		if (!(kinds & KIND_BIT(k)))
			continue;
		if (b->p[b->n - 1] != '[')
			buf_char(b, ',');
		json_str(b, kind_table[k].name);
	}
	buf_char(b, ']');
}

static void summary_json(const struct ruleset *r, const struct problems *p, struct buf *b)
{
	buf_char(b, '{');
	json_key(b, STR("ok"));
	buf_str(b, p->errors ? STR("false") : STR("true"));
	number_member(b, STR("errors"), p->errors);
	number_member(b, STR("warnings"), p->warnings);
	if (r) {
		number_member(b, STR("rules"), r->n);
		number_member(b, STR("disabled"), r->disabled);
		number_member(b, STR("skipped"), r->skipped);
		number_member(b, STR("macros"), r->macros);
		number_member(b, STR("lists"), r->lists);
		kinds_json(r->kinds, b);
	}
	json_key(b, STR("problems"));
	buf_char(b, '[');
	for (size_t i = 0; i < p->n; i++) {
		if (i)
			buf_char(b, ',');
		problem_json(&p->list[i], b);
	}
	buf_str(b, STR("]}\n"));
}

static int rules_check(const struct rules_opts *o, size_t n, char **files)
{
	const struct rulebook book = { (const char *const *)files, n, PRIORITY_DEBUG, NULL };
	_cleanup_(problems_free) struct problems problems = { 0 };
	_cleanup_(ruleset_freep) struct ruleset *rules = NULL;
	_cleanup_(buf_free) struct buf b = { 0 };
	int err = rulebook_load(&book, &problems, &rules);

	if (err && err != -EINVAL)
		return cli_fail("%s", strerror(-err));
	if (o->output == CLI_JSON) {
		summary_json(rules, &problems, &b);
	} else {
		rulebook_problems(&problems, &b);
		summary_text(rules, &problems, &b);
	}
	cli_write(b.p, b.n);
	return err ? CLI_FAILED : CLI_OK;
}

/* The shipped rules, to be kept beside one's own or changed. */
static int rules_print(const struct rules_opts *o, size_t n, char **operands)
{
	struct str text = rulebook_shipped();

	(void)o, (void)n, (void)operands;
	return cli_write(text.p, text.n) ? CLI_OK : CLI_FAILED;
}

static const struct {
	const char *name;
	size_t least; /* operands */
	int (*run)(const struct rules_opts *o, size_t n, char **operands);
} actions[] = {
	{ "check", 0, rules_check },
	{ "explain", 1, rules_explain },
	{ "test", 1, rules_test },
	{ "print", 0, rules_print },
};

static int rules_run(void *opts, int argc, char **argv)
{
	for (size_t i = 0; argc && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(argv[0], actions[i].name) != 0)
			continue;
		if ((size_t)argc - 1 < actions[i].least)
			return cli_usage("rules %s needs a name; see porthole rules --help", argv[0]);
		return actions[i].run(opts, (size_t)argc - 1, argv + 1);
	}
	return cli_usage("rules check, explain, test or print; see porthole rules --help");
}

#define OPT(member) offsetof(struct rules_opts, member)

static const struct cli_option rules_options[] = {
	{ 'r', "rules", "FILE", CLI_STRINGS, OPT(files),
	  "explain, test: rule file or directory; may be repeated (default: the shipped rules)",
	  "FILE" },
	{ 0, "socket", "PATH", CLI_STRING, OPT(socket),
	  "explain: where to look for a running agent (default " CONTROL_SOCKET ")", "FILE" },
	CLI_OPT_FORMAT(struct rules_opts, output),
	CLI_OPT_REPLAY(struct rules_opts, replay),
	{ 0 },
};

const struct cli_command cmd_rules = {
	.name = "rules",
	.summary = "check, explain and test detection rules",
	.operands = "check FILE... | explain RULE | test CASES... | print",
	.description =
		"check loads rule files (Falco's language) and prints each problem with its place, then "
		"what there is: rules, macros, lists, and the kernel events they need. Warnings name "
		"what is unused or unknown. It ends with 1 when there are errors.\n\n"
		"explain shows one rule with its macros and lists put in, the kernel events it needs, "
		"what the kernel filters for it, and, with --replay or a running agent, what it cost.\n\n"
		"test runs cases: events given field by field, or captures, and the rules that are "
		"expected to fire or not. See doc/RULES.md for their form.\n\n"
		"print writes the shipped rules to standard output.",
	.examples = "porthole rules check falco_rules.yaml mine.yaml\tis all of it right?\n"
		    "porthole rules explain 'Write below etc' -r falco_rules.yaml\t"
		    "what it comes to\n"
		    "porthole rules test cases.yaml -r mine.yaml\tdo my rules fire as meant?\n",
	.options = rules_options,
	.options_size = sizeof(struct rules_opts),
	.run = rules_run,
};
