/*
 * Any bytes as rule files (a line "--- and" begins the next one). What must hold for all: a load
 * that fails says why and returns nothing; one that succeeds has no error, and each rule's resolved
 * condition compiles alone, without lists and macros, to as many comparisons. Every problem has a
 * place within its text and prints.
 */
#include "rule/testing.h"

#define FILES_MAX 3

static void problem_check(const struct problem *p)
{
	struct buf b = { 0 };

	if (!p->code || !p->message[0] || (p->line == 0) != (p->column == 0))
		abort();
	problem_print(p, &b);
	problem_json(p, &b);
	for (size_t i = 0; i < b.n; i++)
		if ((uint8_t)b.p[i] < ' ' && b.p[i] != '\n')
			abort();
	buf_free(&b);
}

static void rule_check(const struct rule_opts *o, const struct rule *r)
{
	struct expr_opts opts = { .type_kinds = o->type_kinds };
	struct expr *x = NULL;
	struct lang_error e;

	if (expr_parse(o->catalogue, r->resolved, &opts, &x, &e) < 0)
		abort();
	if (expr_checks(x) != expr_checks(r->expr) || kinds_usual(expr_kinds(x)) != r->kinds ||
	    !r->line)
		abort();
	expr_free(x);
	for (size_t i = 1; i < r->ntags; i++)
		if (str_cmp(r->tags[i - 1], r->tags[i]) >= 0)
			abort();
}

static size_t split(struct str text, struct rule_source *files)
{
	static const char *const names[FILES_MAX] = { "a", "b", "c" };
	size_t n = 0;

	while (n < FILES_MAX) {
		const char *end =
			n + 1 < FILES_MAX && text.n ? memmem(text.p, text.n, "--- and\n", 8) : NULL;

		files[n] = (struct rule_source){ names[n], text };
		n++;
		if (!end)
			break;
		files[n - 1].text.n = (size_t)(end - text.p);
		text = str_skip(text, files[n - 1].text.n + 8);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule_opts o = test_opts();
	struct rule_source files[FILES_MAX];
	struct problems problems = { 0 };
	struct ruleset *rs = NULL;
	size_t n = split((struct str){ (const char *)data, size }, files);
	int err = ruleset_load(&o, files, n, &problems, &rs);

	if (err ? rs || !problems.errors : !rs || problems.errors)
		abort();
	for (size_t i = 0; i < problems.n; i++)
		problem_check(&problems.list[i]);
	for (size_t i = 0; rs && i < rs->n; i++)
		rule_check(&o, rs->rules[i]);
	if (rs && rs->n + rs->disabled + rs->skipped != rs->total)
		abort();
	ruleset_free(rs);
	problems_free(&problems);
	return 0;
}
