/*
 * A set of rules in force is one `struct force`: made whole, then put in the place of the old one.
 */
#include "agent/detect.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"

struct tally {
	uint64_t alerts;
	struct match_count before; /* under sets before this one */
};

/* The rules in force, and what belongs to them. */
struct force {
	struct ruleset *rules;
	struct matcher *matcher;
	struct tally *tally; /* one for each rule */
	bool *off;	     /* by `disabled` */
	struct pushdown_clause *clauses;
	size_t nclauses;
	uint32_t flags; /* FIELD_* of all that rules compare and show */
};

struct detect {
	struct detect_opts opts;
	struct scopes scopes;
	struct force force;
	struct subscription subscription;
	struct detect_counts counts;
	struct boot_ns looked;
	uint64_t mark;	  /* of the files in force, or refused */
	uint64_t settled; /* of the last look; a change counts when seen twice */
	bool taken;	  /* of this event: a rule has it */
};

static void force_free(struct force *f)
{
	matcher_free(f->matcher);
	ruleset_free(f->rules);
	free(f->tally);
	free(f->off);
	free(f->clauses);
	*f = (struct force){ 0 };
}

static void flags_add(void *ctx, const struct field_ref *ref)
{
	*(uint32_t *)ctx |= ref->field->flags;
}

static void rule_switch(const struct detect *d, struct force *f, const struct rule *r)
{
	struct pushdown_clause clause = { .kinds = r->kinds, .where = r->expr };

	for (size_t i = 0; i < d->opts.ndisabled; i++)
		f->off[r->index] |= selector_matches(str_of(d->opts.disabled[i]), r);
	if (f->off[r->index])
		return;
	expr_fields(r->expr, flags_add, &f->flags);
	format_fields(r->output, flags_add, &clause.shown);
	f->flags |= clause.shown;
	/* All its scopes must hold; the kernel is told of one. */
	for (size_t i = 0; i < d->scopes.n && !clause.scope; i++)
		if (selector_matches(d->scopes.list[i].selector, r))
			clause.scope = d->scopes.list[i].where;
	f->clauses[f->nclauses++] = clause;
}

/* Makes the files' rules ready to run; @ret is untouched on failure. */
static int force_make(const struct detect *d, struct problems *problems, struct force *ret)
{
	_cleanup_(force_free) struct force f = { 0 };
	int err = rulebook_load(&d->opts.book, problems, &f.rules);

	if (err)
		return err;
	f.tally = calloc(f.rules->n + 1, sizeof(*f.tally));
	f.off = calloc(f.rules->n + 1, sizeof(*f.off));
	f.clauses = calloc(f.rules->n + 1, sizeof(*f.clauses));
	if (!f.tally || !f.off || !f.clauses)
		return -ENOMEM;
	for (size_t i = 0; i < f.rules->n; i++)
		rule_switch(d, &f, f.rules->rules[i]);
	err = matcher_new(f.rules, &f.matcher);
	if (err)
		return err;
	*ret = f;
	f = (struct force){ 0 };
	return 0;
}

static struct match_count count_sum(const struct force *f, uint32_t index)
{
	struct match_count now = matcher_count(f->matcher, index);
	struct match_count before = f->tally[index].before;

	return (struct match_count){ now.evaluated + before.evaluated, now.matched + before.matched };
}

/* Counters go on: a rule that keeps its name keeps its figures. */
static void tally_carry(const struct force *old, struct force *now)
{
	for (size_t i = 0; i < now->rules->n; i++) {
		const struct rule *r = ruleset_find(old->rules, now->rules->rules[i]->name);

		if (!r)
			continue;
		now->tally[i].alerts = old->tally[r->index].alerts;
		now->tally[i].before = count_sum(old, r->index);
	}
}

int detect_new(const struct detect_opts *o, struct problems *problems, struct detect **ret,
	       struct buf *why)
{
	_cleanup_(freep) struct detect *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->opts = *o;
	err = scopes_parse(o->scopes, o->nscopes, &d->scopes, why);
	d->mark = d->settled = rulebook_mark(&o->book);
	if (!err)
		err = force_make(d, problems, &d->force);
	if (err) {
		scopes_free(&d->scopes);
		return err;
	}
	*ret = take_ptr(d);
	return 0;
}

void detect_free(struct detect *d)
{
	if (!d)
		return;
	force_free(&d->force);
	scopes_free(&d->scopes);
	free(d);
}

const struct ruleset *detect_rules(const struct detect *d)
{
	return d->force.rules;
}

uint64_t detect_kinds(const struct detect *d)
{
	uint64_t kinds = 0;

	for (size_t i = 0; i < d->force.nclauses; i++)
		kinds |= d->force.clauses[i].kinds;
	return kinds;
}

size_t detect_clauses(const struct detect *d, uint32_t shown, struct pushdown_clause *list)
{
	for (size_t i = 0; i < d->force.nclauses; i++) {
		list[i] = d->force.clauses[i];
		list[i].shown |= shown;
	}
	return d->force.nclauses;
}

bool detect_env(const struct detect *d)
{
	return d->force.flags & FIELD_ENV;
}

static void rule_hit(void *ctx, const struct rule *r, const struct event *ev)
{
	struct detect *d = ctx;

	if (d->taken || d->force.off[r->index] || !scopes_hold(&d->scopes, r, ev))
		return;
	d->taken = !d->opts.all;
	d->counts.alerts++;
	d->force.tally[r->index].alerts++;
	d->opts.alert(d->opts.ctx, r, ev);
}

static void detect_event(void *ctx, const struct event *ev)
{
	struct detect *d = ctx;

	d->counts.events++;
	d->taken = false;
	/* All are asked: the first match may be one that is switched off or out of its scope. */
	matcher_run(d->force.matcher, ev, true, rule_hit, d);
}

void detect_start(struct detect *d, struct session *s)
{
	d->subscription = (struct subscription){
		.kinds = detect_kinds(d),
		.event = detect_event,
		.ctx = d,
	};
	pipeline_subscribe(&s->pipeline, &d->subscription);
}

static void problems_log(bool bad, const struct problems *p)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	rulebook_problems(p, &b);
	if (b.n && bad)
		log_error("%.*s", STR_ARG(buf_slice(&b)));
	else if (b.n)
		log_info("%.*s", STR_ARG(buf_slice(&b)));
}

static int rules_renew(struct detect *d)
{
	_cleanup_(problems_free) struct problems problems = { 0 };
	_cleanup_(force_free) struct force now = { 0 };
	struct force old;
	int err = force_make(d, &problems, &now);

	problems_log(err != 0, &problems);
	if (err) {
		d->counts.refused++;
		log_error("the rules stay as they were: %zu error(s) in the new ones",
			  problems.errors);
		return 0;
	}
	tally_carry(&d->force, &now);
	old = d->force;
	d->force = now;
	now = old; /* freed at the end */
	d->subscription.kinds = detect_kinds(d);
	d->counts.reloads++;
	log_info("new rules are in force: %zu", d->force.rules->n);
	if (d->opts.changed)
		d->opts.changed(d->opts.ctx, d->force.rules);
	return 1;
}

int detect_turn(struct detect *d, bool asked, struct boot_ns now)
{
	uint64_t mark;
	bool still;

	if (!asked && now.ns < d->looked.ns + DETECT_LOOK_NS)
		return 0;
	d->looked = now;
	mark = rulebook_mark(&d->opts.book);
	still = mark == d->settled;
	d->settled = mark;
	if (!asked && (mark == d->mark || !still))
		return 0;
	d->mark = mark;
	return rules_renew(d);
}

struct detect_counts detect_counts(const struct detect *d)
{
	return d->counts;
}

struct match_count detect_rule_count(const struct detect *d, uint32_t index, uint64_t *ret_alerts)
{
	*ret_alerts = d->force.tally[index].alerts;
	return count_sum(&d->force, index);
}
