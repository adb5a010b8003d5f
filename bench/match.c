/*
 * What rules cost: the whole way of a capture's records, from the file to the rules that match.
 *
 *	match CAPTURE TURNS none|each|many|check [RULES.yaml...]
 *
 * none: nothing is matched; each: every condition alone; many: the matcher; check: the matcher, and
 * for each event whether it says what the conditions say alone, and whether a field has a value in
 * an event of a kind that it is not declared for (what is wrong is printed once). Reads the capture
 * TURNS times. Prints one line: rules, events, matches, seconds of CPU time of the fastest turn, millions
 * of events in a second of it; with more than one turn, the first, in which all types are new, does
 * not count.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/catalogue.h"
#include "agent/pipeline.h"
#include "base/cleanup.h"
#include "rule/load.h"
#include "rule/match.h"

struct bench {
	struct ruleset *rules;
	struct matcher *matcher;
	bool each, check;
	uint64_t matches, wrong;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "match: %s: %s\n", what, why);
	exit(1);
}

static void rules_load(struct bench *b, const char *const *paths, size_t n)
{
	struct rule_opts opts = {
		.catalogue = catalogue_get(),
		.type_kinds = catalogue_type_kinds,
		.least = PRIORITY_DEBUG,
	};
	struct problems problems = { 0 };
	_cleanup_(buf_free) struct buf text = { 0 };
	int r = ruleset_load_files(&opts, paths, n, &problems, &b->rules);

	for (size_t i = 0; r < 0 && i < problems.n; i++)
		if (problems.list[i].error)
			problem_print(&problems.list[i], &text);
	if (r < 0)
		fprintf(stderr, "%.*s", STR_ARG(buf_slice(&text)));
	if (r < 0 || matcher_new(b->rules, &b->matcher) < 0)
		fail("rules", strerror(-r));
	problems_free(&problems);
}

static void hit(void *ctx, const struct rule *r, const struct event *ev)
{
	struct bench *b = ctx;

	(void)r, (void)ev;
	b->matches++;
}

static void fields_check(struct bench *b, const struct event *ev)
{
	static bool told[4096];
	const struct catalogue *c = catalogue_get();

	for (size_t i = 0; i < c->n && i < sizeof(told); i++) {
		struct field_ref ref = { .field = c->fields[i] };
		struct value v;

		if (told[i] || !ref.field->kinds || ref.field->kinds & KIND_BIT(ev->kind->id) ||
		    !ref.field->get(ev, &ref, 0, &v))
			continue;
		told[i] = true;
		b->wrong++;
		printf("%s has a value in %.*s, of kind %.*s\n", ref.field->name, STR_ARG(ev->type),
		       STR_ARG(ev->kind->name));
	}
}

static void event_check(struct bench *b, const struct event *ev)
{
	uint64_t before = b->matches, want = 0;

	matcher_run(b->matcher, ev, true, hit, b);
	for (size_t i = 0; i < b->rules->n; i++)
		want += expr_match(b->rules->rules[i]->expr, ev);
	if (b->matches - before != want && b->wrong++ < 20)
		printf("event %lu, %.*s: %lu rules match, the matcher says %lu\n", ev->num,
		       STR_ARG(ev->type), want, b->matches - before);
	fields_check(b, ev);
}

static void event(void *ctx, const struct event *ev)
{
	struct bench *b = ctx;

	if (b->check) {
		event_check(b, ev);
		return;
	}
	if (b->matcher && !b->each)
		matcher_run(b->matcher, ev, true, hit, b);
	for (size_t i = 0; b->each && i < b->rules->n; i++)
		b->matches += (b->rules->rules[i]->kinds & KIND_BIT(ev->kind->id)) &&
			      expr_match(b->rules->rules[i]->expr, ev);
}

/* One turn; the events in it. */
static uint64_t turn(struct bench *b, const char *capture)
{
	struct subscription s = { .kinds = KINDS_ALL, .event = event, .ctx = b };
	const struct rec_hdr *h;
	struct source *source;
	struct pipeline p;
	const char *why;
	uint64_t events;

	if (capture_open(capture, &source, &why) < 0)
		fail(capture, why);
	if (pipeline_init(&p, &source->host) < 0)
		fail("pipeline", "no memory");
	pipeline_subscribe(&p, &s);
	while (source_next(source, &h) == 1)
		pipeline_record(&p, h);
	events = p.events;
	pipeline_free(&p);
	source_close(source);
	return events;
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	double best = 0;
	uint64_t events = 0;
	int turns = argc > 3 ? atoi(argv[2]) : 0;

	if (turns < 1)
		fail("usage", "match CAPTURE TURNS none|each|many|check [RULES.yaml...]");
	if (strcmp(argv[3], "none") != 0)
		rules_load(&b, (const char *const *)argv + 4, (size_t)argc - 4);
	b.each = strcmp(argv[3], "each") == 0;
	b.check = strcmp(argv[3], "check") == 0;
	for (int i = 0; i < turns; i++) {
		uint64_t start = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
		double took;

		b.matches = 0;
		events = turn(&b, argv[1]);
		took = (double)(clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e9;
		if (best == 0 || i == 1 || took < best)
			best = took;
	}
	printf("%zu rules, %lu events, %lu matches, %.3f s, %.3f M/s\n", b.rules ? b.rules->n : 0,
	       events, b.matches, best, (double)events / best / 1e6);
	matcher_free(b.matcher);
	ruleset_free(b.rules);
	return b.wrong != 0;
}
