/*
 * What rules cost: the whole way of a capture's records, from the file to the rules that match.
 *
 *	match CAPTURE TURNS none|each|many [RULES.yaml...]
 *
 * none: nothing is matched; each: every condition alone; many: the matcher. Reads the capture TURNS
 * times. Prints one line: rules, events, matches, seconds of CPU time of the fastest turn, millions
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
	bool each;
	uint64_t matches;
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

static void event(void *ctx, const struct event *ev)
{
	struct bench *b = ctx;

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
		fail("usage", "match CAPTURE TURNS none|each|many [RULES.yaml...]");
	if (strcmp(argv[3], "none") != 0)
		rules_load(&b, (const char *const *)argv + 4, (size_t)argc - 4);
	b.each = strcmp(argv[3], "each") == 0;
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
	return 0;
}
