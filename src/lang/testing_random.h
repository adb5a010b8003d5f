#pragma once
/*
 * Random expressions over the test catalogue and random events for them, for properties that must
 * hold of any. Every run makes the same ones.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "lang/testing.h"

static inline unsigned test_pick(unsigned n)
{
	static uint64_t seed = 88172645463325252ull;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

#define TEST_PICK(array) (array)[test_pick(sizeof(array) / sizeof((array)[0]))]

static const char *const random_strings[] = { "a", "ab", "b", "/etc", "/etc/x", "open", "\"\"" };
static const char *const random_numbers[] = { "0", "1", "2", "17" };
static const char *const random_ips[] = { "10.0.0.1", "10.0.0.2", "192.168.0.1", "::1" };
static const char *const random_nets[] = { "10.0.0.1", "10.0.0.0/8", "192.168.0.0/16", "::/0" };
static const char *const random_types[] = { "open",   "openat",	 "creat", "mkdir",
					    "execve", "connect", "nope" };
static const char *const random_kind_names[] = { "open",    "create", "exec",
						 "connect", "accept", "nope" };

static const struct {
	const char *name;
	const char *const *values;
	unsigned nvalues;
	const char *const *literals;
	unsigned nliterals;
} random_fields[] = {
#define ROW(name, values, literals)                                     \
	{ name, values, sizeof(values) / sizeof((values)[0]), literals, \
	  sizeof(literals) / sizeof((literals)[0]) }
	ROW("proc.name", random_strings, random_strings),
	ROW("proc.pname", random_strings, random_strings),
	ROW("proc.aname", random_strings, random_strings),
	ROW("fd.name", random_strings, random_strings),
	ROW("proc.env[A]", random_strings, random_strings),
	ROW("proc.argv", random_strings, random_strings),
	ROW("proc.pid", random_numbers, random_numbers),
	ROW("proc.tty", random_numbers, random_numbers),
	ROW("evt.num", random_numbers, random_numbers),
	ROW("fd.port", random_numbers, random_numbers),
	ROW("fd.ip", random_ips, random_nets),
	ROW("fd.sip", random_ips, random_nets),
	ROW("evt.type", random_types, random_types),
	ROW("evt.kind", random_kind_names, random_kind_names),
	ROW("fd.sport", random_numbers, random_numbers),
	ROW("req.latency", random_numbers, random_numbers),
};
#define RANDOM_FIELDS (sizeof(random_fields) / sizeof(random_fields[0]))

static const char *const random_any_ops[] = { "=",    "!=",	   "=",		 "<",
					      ">=",   "contains",  "startswith", "endswith",
					      "glob", "icontains", "regex" };
static const char *const random_globs[] = { "a*",     "*b",    "*a*",	     "a?",
					    "/e*c/x", "*[ab]", "/etc/[!x]*", "a\\\\b",
					    "*t*/x",  "[",     "?b*" };
static const char *const random_modifiers[] = { "anyof", "oneof", "allof" };

static inline void random_list(struct buf *b, unsigned f)
{
	unsigned n = test_pick(4);

	buf_char(b, '(');
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "%s%s", i ? "," : "",
			   random_fields[f].literals[test_pick(random_fields[f].nliterals)]);
	buf_char(b, ')');
}

static inline void random_try(struct buf *b)
{
	unsigned f = test_pick(RANDOM_FIELDS);
	const char *name = random_fields[f].name;

	switch (test_pick(12)) {
	case 0:
		buf_printf(b, "%s exists", name);
		break;
	case 1:
		buf_printf(b, "tolower(%s) = %s", name, TEST_PICK(random_strings));
		break;
	case 2:
		buf_printf(b, "%s=val(%s)", name, random_fields[test_pick(RANDOM_FIELDS)].name);
		break;
	case 3:
	case 4:
	case 5:
		buf_printf(b, "%s %s ", name,
			   test_pick(3) ? "in" :
			   test_pick(2) ? "intersects" :
					  "pmatch");
		random_list(b, f);
		break;
	case 6:
		buf_printf(b, "%s %s %s ", name, TEST_PICK(random_any_ops),
			   TEST_PICK(random_modifiers));
		random_list(b, f);
		break;
	case 7:
		buf_printf(b, "%s %s \"%s\"", name, test_pick(3) ? "glob" : "iglob",
			   TEST_PICK(random_globs));
		break;
	default:
		buf_printf(b, "%s %s %s", name, TEST_PICK(random_any_ops),
			   random_fields[f].literals[test_pick(random_fields[f].nliterals)]);
	}
}

/* One that fits: most random pairs of field and operator do not. */
static inline void random_check(struct buf *b, const struct catalogue *c)
{
	_cleanup_(expr_freep) struct expr *x = NULL;
	size_t start = b->n;

	do {
		b->n = start;
		random_try(b);
	} while (expr_parse(c, str_skip(buf_slice(b), start), NULL, &x, NULL) < 0);
}

static inline void random_expr(struct buf *b, const struct catalogue *c, unsigned depth)
{
	unsigned n = 2 + test_pick(3);

	if (depth == 0 || test_pick(4) == 0) {
		random_check(b, c);
		return;
	}
	if (test_pick(4) == 0)
		buf_str(b, STR("not "));
	buf_char(b, '(');
	for (unsigned i = 0, join = test_pick(2); i < n; i++) {
		if (i)
			buf_str(b, join ? STR(" and ") : STR(" or "));
		random_expr(b, c, depth - 1);
	}
	buf_char(b, ')');
}

/* A field is only put on an event whose kind can have it: that is what field->kinds says. */
static inline void random_event(struct test_event *t, const struct catalogue *c)
{
	static char texts[RANDOM_FIELDS][64];
	const char *type = random_types[test_pick(6)];
	uint64_t can = test_type_kinds(str_of(type));

	*t = (struct test_event){ 0 };
	do
		t->ev.kind = &kind_table[test_pick(KIND_COUNT)];
	while (!(KIND_BIT(t->ev.kind->id) & can));
	t->ev.type = str_of(type);
	test_set(t, c, STR("evt.type"), t->ev.type);
	test_set(t, c, STR("evt.kind"), t->ev.kind->name);
	test_set(t, c, STR("evt.num"), str_of(random_numbers[1 + test_pick(3)]));
	for (unsigned f = 0; f < RANDOM_FIELDS; f++) {
		struct str name = { random_fields[f].name, strcspn(random_fields[f].name, "[") };
		const struct field *field = field_find(c, name);
		int n;

		if (str_starts(name, STR("evt.")) || test_pick(4) == 0 ||
		    !(field->kinds & KIND_BIT(t->ev.kind->id)))
			continue;
		n = snprintf(texts[f], 64, "%s",
			     random_fields[f].values[test_pick(random_fields[f].nvalues)]);
		if (field->type == VALUE_LIST || field->flags & FIELD_ANY)
			snprintf(texts[f] + n, (size_t)(64 - n), " %s",
				 random_fields[f].values[test_pick(random_fields[f].nvalues)]);
		test_set(t, c, str_of(random_fields[f].name), str_of(texts[f]));
	}
}
