#pragma once
/*
 * For the tests and fuzzers of this folder: lang/testing.h's events, with the container and pod
 * fields that alerts suggest, and rules made of a name, a priority and an output.
 */
#include "alert/alert.h"
#include "lang/testing.h"

#define TEST_RULES_MAX 8
#define TEST_TIME_S    1767323045ull /* 2026-01-02T03:04:05Z */

#define F(name, type) { name, VALUE_##type, "", KINDS_ALL, 0, test_get, 0, "" }
static const struct field test_alert_fields[] = {
	F("container.name", STR),
	F("container.image.repository", STR),
	F("container.image.tag", STR),
	F("k8s.pod.name", STR),
	F("k8s.ns.name", LIST), /* wrong on purpose: it must come out as a string */
	F("user.uid", U64),
	{ 0 },
};
#undef F

static inline struct catalogue test_alert_catalogue(void)
{
	static const struct field *const tables[] = { test_fields, test_alert_fields };
	struct catalogue c;

	if (catalogue_join(tables, 2, &c) < 0)
		abort();
	return c;
}

struct test_rules {
	struct ruleset set;
	struct rule rules[TEST_RULES_MAX];
	struct rule *list[TEST_RULES_MAX];
};

static inline struct rule *test_rule(struct test_rules *t, const struct catalogue *c,
				     const char *name, enum priority p, const char *output)
{
	struct rule *r = &t->rules[t->set.n];

	*r = (struct rule){ .index = (uint32_t)t->set.n,
			    .name = str_of(name),
			    .priority = p,
			    .source = STR("syscall"),
			    .output_text = str_of(output) };
	if (format_parse(c, r->output_text, &r->output, NULL) < 0)
		abort();
	t->set.rules = t->list;
	t->list[t->set.n++] = r;
	return r;
}

static inline void test_rules_free(struct test_rules *t)
{
	for (size_t i = 0; i < t->set.n; i++)
		format_free(t->rules[i].output);
}

static inline void test_event_time(struct test_event *t, uint64_t ns)
{
	static const struct event_host host = {
		.name = { "node-1", 6 }, .boot_to_wall_ns = (int64_t)(TEST_TIME_S * NS_PER_SEC)
	};

	t->ev.host = &host;
	t->ev.time.ns = ns;
}
