/*
 * Rules to what runs. Every rule is compiled, the disabled ones too, so that what is wrong is seen
 * before someone enables them; only those that run are kept. CPU time of the whole load is bounded
 * here: compiling is what costs.
 */
#include <errno.h>

#include "base/clock.h"
#include "rule/loader.h"

#define CONTAINER_INFO STR("%container.info")

static const struct ast *macro_find(void *ctx, struct str name)
{
	const struct loader *l = ctx;
	const struct macro_def *m = names_find(&l->macros, name);

	return m ? m->c.ast : NULL;
}

static struct place written_place(const struct loader *l, const struct trace *t,
				  const struct lang_error *e)
{
	return loader_place(l, true, t, text_offset(trace_text(t), e->line, e->column));
}

/* lang/ says it so of a field that the catalogue does not have (tested). */
static bool is_unknown_field(const struct lang_error *e)
{
	return strncmp(e->message, "no field is called ", 19) == 0;
}

/*
 * An error, or, for a field that is not known in a rule that allows it, a warning: then 1, the
 * rule is left out.
 */
static int compile_wrong(struct loader *l, const struct rule_def *r, struct place where,
			 const char *code, const struct lang_error *e)
{
	if (!r->skip_unknown || !is_unknown_field(e))
		return loader_wrong(l, where, code, "%s", e->message);
	loader_warn(l, where, WARN_FILTER, "the rule is skipped: %s", e->message);
	return 1;
}

/* The text without %container.info, which nothing here stands for. */
static void output_write(struct loader *l, const struct rule_def *r, struct trace *to)
{
	struct str text = trace_text(&r->output);
	size_t from = 0;
	const char *p;

	while ((p = memmem(text.p + from, text.n - from, CONTAINER_INFO.p, CONTAINER_INFO.n))) {
		size_t at = (size_t)(p - text.p);

		loader_warn(l, loader_place(l, false, &r->output, at), WARN_DEPRECATED,
			    "%%container.info is left out; write the fields that are wanted, as "
			    "container.id");
		trace_trace(to, &r->output, from, at - from);
		from = at + CONTAINER_INFO.n;
	}
	trace_trace(to, &r->output, from, text.n - from);
}

/* 0, 1: skipped, or an error. */
static int output_compile(struct loader *l, const struct rule_def *r, struct trace *text,
			  struct rule *rule)
{
	struct lang_error e;
	int err;

	output_write(l, r, text);
	err = loader_text_wrong(l, r->output_node, trace_check(text));
	if (err)
		return err;
	err = format_parse(l->o->catalogue, trace_text(text), &rule->output, &e);
	return err == -EINVAL ? compile_wrong(l, r, written_place(l, text, &e), ERR_OUTPUT, &e) : err;
}

/* Where a condition fails to compile: in a macro, which is told once, or in its own text. */
static int condition_wrong(struct loader *l, const struct rule_def *r, const struct condition *c,
			   const struct expr_opts *opts, struct lang_error *e)
{
	struct macro_def *m = condition_blame(l, c, opts);
	struct expr *x = NULL;

	if (!m)
		return compile_wrong(l, r, written_place(l, &c->text, e), ERR_CONDITION, e);
	if (expr_compile(l->o->catalogue, m->c.ast, opts, &x, e) == 0)
		expr_free(x);
	if (!r->skip_unknown || !is_unknown_field(e)) {
		if (m->def.state == DEF_BAD)
			return -EINVAL;
		m->def.state = DEF_BAD;
		loader_item(l, "macro", m->def.name);
	}
	return compile_wrong(l, r, written_place(l, &m->c.text, e), ERR_CONDITION, e);
}

static int limits_check(struct loader *l, const struct rule_def *r, const struct condition *c)
{
	uint64_t used = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - l->start_ns;

	l->resolved += c->expanded;
	l->regexes += c->regexes;
	l->stop = l->resolved > RULE_RESOLVED_MAX || l->regexes > RULE_REGEX_MAX ||
		  used > RULE_CPU_SECONDS_MAX * NS_PER_SEC;
	if (l->resolved > RULE_RESOLVED_MAX)
		return loader_wrong(l, node_place(r->def.node), ERR_ITEM,
				    "the conditions of all rules, up to this one, are longer than %u "
				    "bytes with lists and macros put in",
				    RULE_RESOLVED_MAX);
	if (l->regexes > RULE_REGEX_MAX)
		return loader_wrong(l, node_place(r->def.node), ERR_ITEM,
				    "more than %d regular expressions in all rules up to this one",
				    RULE_REGEX_MAX);
	if (l->stop)
		return loader_wrong(l, node_place(r->def.node), ERR_ITEM,
				    "reading the rules up to this one took more than %d seconds",
				    RULE_CPU_SECONDS_MAX);
	return 0;
}

static int condition_compile(struct loader *l, const struct rule_def *r, struct condition *c,
			     struct rule *rule)
{
	struct expr_opts opts = { .type_kinds = l->o->type_kinds, .ident = macro_find, .ctx = l };
	struct lang_error e;
	int err = condition_parse(l, c, UINT32_MAX);

	for (size_t i = 0; !err && i < c->nuses; i++)
		err = c->uses[i].macro->def.state == DEF_BAD ? -EINVAL : 0;
	if (!err)
		err = condition_limits(l, c);
	if (!err)
		err = limits_check(l, r, c);
	if (err)
		return err;
	condition_warn(l, c);
	err = expr_compile(l->o->catalogue, c->ast, &opts, &rule->expr, &e);
	if (err == -ENOMEM)
		return loader_wrong(l, node_place(r->def.node), ERR_CONDITION,
				    "needs more memory than a condition may have");
	return err == -EINVAL ? condition_wrong(l, r, c, &opts, &e) : err;
}

/* What the rule refers to, as far as can be seen, counts as used. */
static void foreign_look(struct loader *l, const struct condition *c)
{
	struct str text = trace_text(&c->text);
	size_t i = 0;

	while (i < text.n) {
		size_t end = i;
		struct macro_def *m;

		while (end < text.n && !strchr(" \t\r\n()", text.p[end]))
			end++;
		m = end > i ? names_find(&l->macros, (struct str){ text.p + i, end - i }) : NULL;
		if (m)
			m->def.used = true;
		i = end + 1;
	}
}

/* Copies into the ruleset's pool. */

static bool keep(struct pool *pool, struct str s, struct str *ret)
{
	return pool_str(pool, s.p ? s : STR(""), ret);
}

static int rule_texts(const struct rule_def *r, const struct condition *c,
		      const struct trace *output, struct pool *pool, struct rule *rule)
{
	struct str *tags = pool_alloc(pool, (r->ntags + 1) * sizeof(*tags)), file;

	if (!tags || !keep(pool, r->def.name, &rule->name) || !keep(pool, r->desc, &rule->desc) ||
	    !keep(pool, r->source, &rule->source) ||
	    !keep(pool, trace_text(&r->written), &rule->condition) ||
	    !keep(pool, trace_text(output), &rule->output_text) ||
	    !keep(pool, str_of(r->def.node->file->name), &file))
		return -ENOMEM;
	for (size_t i = 0; i < r->ntags; i++)
		if (!keep(pool, r->tags[i], &tags[i]))
			return -ENOMEM;
	rule->tags = tags;
	rule->ntags = r->ntags;
	rule->file = file.p;
	return condition_expand(c, pool, &rule->resolved);
}

static int rule_keep(struct loader *l, const struct rule_def *r, const struct condition *c,
		     const struct trace *output, struct rule *rule, struct ruleset *rs)
{
	struct place where = node_place(r->condition_node);

	rule->kinds = expr_kinds(rule->expr);
	if (rule->kinds == KINDS_ALL && r->warn_evttypes)
		loader_warn(l, where, WARN_NO_EVTTYPE,
			    "tried on every event: nothing in it limits the evt.type");
	rule->kinds = kinds_usual(rule->kinds);
	if (!r->enabled) {
		rs->disabled++;
		return 1;
	}
	if (r->priority > l->o->least) {
		rs->skipped++;
		return 1;
	}
	rule->index = (uint32_t)rs->n;
	rule->priority = r->priority;
	rule->capture = r->capture;
	rule->capture_ms = r->capture_ms;
	rs->checks += expr_checks(rule->expr);
	rs->kinds |= rule->kinds;
	rule->line = r->def.node->line;
	rule->column = r->def.node->column;
	return rule_texts(r, c, output, &rs->pool->pool, rule);
}

/* 0: in @rule; 1: not one that runs. */
static int rule_make(struct loader *l, const struct rule_def *r, struct pool *scratch,
		     struct condition *c, struct rule *rule, struct ruleset *rs)
{
	struct trace output = { .pool = scratch }, text = { .pool = scratch };
	int err = exceptions_write(l, r, &text), other;

	if (err)
		return err;
	lists_substitute(l, &text, &c->text);
	err = loader_text_wrong(l, r->condition_node, trace_check(&c->text));
	if (err)
		return err;
	if (r->foreign) {
		foreign_look(l, c);
		rs->skipped++;
		return 1;
	}
	err = output_compile(l, r, &output, rule);
	other = condition_compile(l, r, c, rule);
	err = err >= 0 && other ? other : err;
	rs->skipped += err == 1;
	return err ? err : rule_keep(l, r, c, &output, rule, rs);
}

static int rule_compile(struct loader *l, const struct rule_def *r, struct ruleset *rs)
{
	struct pool scratch = { 0 };
	struct condition c = { .text.pool = &scratch };
	struct rule *rule = pool_alloc(&rs->pool->pool, sizeof(*rule));
	int err;

	loader_item(l, "rule", r->def.name);
	err = rule ? rule_make(l, r, &scratch, &c, rule, rs) : -ENOMEM;
	if (err && rule) {
		expr_free(rule->expr);
		format_free(rule->output);
	} else if (rule) {
		rs->rules[rs->n++] = rule;
	}
	condition_free(&c);
	pool_free(&scratch);
	return err == 1 ? 0 : err;
}

int rules_compile(struct loader *l, struct ruleset *rs)
{
	int ret = 0;

	rs->rules = pool_alloc(&rs->pool->pool, (l->nrules + 1) * sizeof(struct rule *));
	if (!rs->rules)
		return -ENOMEM;
	for (size_t i = 0; i < l->nrules && !l->stop; i++) {
		int err = rule_compile(l, l->rule[i], rs);

		if (err == -ENOMEM)
			return err;
		ret = err ? err : ret;
	}
	return ret;
}
