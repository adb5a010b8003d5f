#pragma once
/*
 * For the tests and fuzzers of this folder: a small catalogue and events made field by field. An
 * event holds its values in a table that the fields' get looks into; nothing real is behind them.
 * Values are written as in an expression; several are separated by blanks (lists, FIELD_ANY).
 */
#include <stdlib.h>

#include "base/arena.h"
#include "lang/expr.h"
#include "lang/literal.h"

#define TEST_VALUES_MAX 8
#define TEST_FIELDS_MAX 48

struct test_entry {
	const struct field *field;
	bool has_index;
	int64_t index;
	struct str key;
	struct value values[TEST_VALUES_MAX];
	struct str strs[TEST_VALUES_MAX];
	unsigned n;
};

struct test_event {
	struct event ev; /* first: the fields are handed this */
	struct test_entry entries[TEST_FIELDS_MAX];
	unsigned n;
};

static inline bool test_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	const struct test_event *t = (const struct test_event *)ev;

	for (unsigned i = 0; i < t->n; i++) {
		const struct test_entry *e = &t->entries[i];
		bool any = (e->field->flags & FIELD_ANY) && !ref->has_index;

		if (e->field != ref->field || !str_eq(e->key, ref->key))
			continue;
		if (ref->has_index && ref->field->flags & FIELD_ANY) {
			if (nth || ref->index >= e->n)
				return false;
			*ret = e->values[ref->index];
			return true;
		}
		if (e->has_index != ref->has_index || e->index != ref->index)
			continue;
		if (nth >= (any ? e->n : 1))
			return false;
		*ret = e->values[nth];
		return true;
	}
	return false;
}

#define TEST_NET  (KIND_BIT(KIND_CONNECT) | KIND_BIT(KIND_ACCEPT))
#define TEST_FILE (KIND_BIT(KIND_OPEN) | KIND_BIT(KIND_CREATE))

#define F(name, type, unit, kinds, flags) \
	{ name, VALUE_##type, unit, kinds, flags, test_get, 0, "" }
static const struct field test_fields[] = {
	F("evt.type", STR, "", KINDS_ALL, 0),
	F("evt.kind", STR, "", KINDS_ALL, 0),
	F("evt.num", U64, "", KINDS_ALL, 0),
	F("evt.time", TIME, "ns", KINDS_ALL, 0),
	F("evt.res", STR, "", KINDS_ALL, 0),
	F("evt.rawres", I64, "", KINDS_ALL, 0),
	F("evt.arg", STR, "", KINDS_ALL, FIELD_INDEX),
	F("evt.buffer", STR, "", KINDS_ALL, 0),
	F("evt.is_open_read", BOOL, "", TEST_FILE, 0),
	F("proc.name", STR, "", KINDS_ALL, 0),
	F("proc.pname", STR, "", KINDS_ALL, 0),
	F("proc.aname", STR, "", KINDS_ALL, FIELD_ANY | FIELD_INDEX),
	F("proc.exepath", STR, "", KINDS_ALL, 0),
	F("proc.cmdline", STR, "", KINDS_ALL, 0),
	F("proc.argv", LIST, "", KINDS_ALL, 0),
	F("proc.caps", LIST, "", KINDS_ALL, 0),
	F("proc.env", STR, "", KINDS_ALL, FIELD_INDEX),
	F("proc.pid", I64, "", KINDS_ALL, 0),
	F("proc.ppid", I64, "", KINDS_ALL, 0),
	F("proc.tty", U64, "", KINDS_ALL, 0),
	F("proc.duration", DURATION, "ns", KINDS_ALL, 0),
	F("proc.rss", U64, "bytes", KINDS_ALL, 0),
	F("container.id", STR, "", KINDS_ALL, 0),
	F("container.mount.dest", STR, "", KINDS_ALL, FIELD_INDEX),
	F("fd.name", STR, "", TEST_FILE | TEST_NET, 0),
	F("fd.num", I64, "", TEST_FILE | TEST_NET, 0),
	F("fd.ip", IP, "", TEST_NET, FIELD_ANY),
	F("fd.net", IP, "", TEST_NET, FIELD_ANY),
	F("fd.sip", IP, "", TEST_NET, 0),
	F("fd.cip", IP, "", TEST_NET, 0),
	F("fd.port", PORT, "", TEST_NET, FIELD_ANY),
	F("fd.sport", PORT, "", TEST_NET, 0),
	F("fd.cport", PORT, "", TEST_NET, 0),
	F("req.latency", DURATION, "ns", TEST_NET, 0),
	{ 0 },
};
#undef F

static inline struct catalogue test_catalogue(void)
{
	static const struct field *const tables[] = { test_fields };
	struct catalogue c;

	if (catalogue_join(tables, 1, &c) < 0)
		abort();
	return c;
}

/* One value of the field's type from @word; strings borrow it. */
static inline struct value test_value(const struct field *f, struct str word)
{
	struct expr_value x;

	if (literal_read(word, f->type, f->unit, &x))
		abort();
	return x.v;
}

/* Adds a field: "proc.aname", "sh bash". Strings that are not in lists are taken whole. */
static inline void test_set(struct test_event *t, const struct catalogue *c, struct str name,
			    struct str text)
{
	struct test_entry *e = &t->entries[t->n++];
	const char *open = memchr(name.p, '[', name.n);
	struct str arg = STR_NONE;
	bool several;

	if (open) {
		arg = (struct str){ open + 1, name.n - (size_t)(open - name.p) - 2 };
		name.n = (size_t)(open - name.p);
	}
	e->field = field_find(c, name);
	if (!e->field || t->n == TEST_FIELDS_MAX)
		abort();
	e->has_index = arg.n && arg.p[0] >= '0' && arg.p[0] <= '9';
	e->index = e->has_index ? atoi(arg.p) : 0;
	e->key = e->has_index ? STR_NONE : arg;
	several = e->field->type == VALUE_LIST || e->field->flags & FIELD_ANY;
	while (several ? text.n > 0 : e->n == 0) {
		const char *blank = several ? memchr(text.p, ' ', text.n) : NULL;
		struct str word = { text.p, blank ? (size_t)(blank - text.p) : text.n };

		e->strs[e->n] = word;
		e->values[e->n++] = test_value(e->field, word);
		text = str_skip(text, word.n + 1);
	}
	if (e->field->type == VALUE_LIST) {
		struct value list = { .type = VALUE_LIST, .list = { e->strs, e->n } };

		e->values[0] = list;
	}
}

static inline uint64_t test_type_kinds(struct str type)
{
	static const struct {
		struct str type;
		uint64_t kinds;
	} types[] = {
		{ STR("open"), KIND_BIT(KIND_OPEN) },
		{ STR("openat"), KIND_BIT(KIND_OPEN) },
		{ STR("creat"), KIND_BIT(KIND_OPEN) | KIND_BIT(KIND_CREATE) },
		{ STR("mkdir"), KIND_BIT(KIND_CREATE) },
		{ STR("execve"), KIND_BIT(KIND_EXEC) },
		{ STR("connect"), KIND_BIT(KIND_CONNECT) },
		{ STR("accept"), KIND_BIT(KIND_ACCEPT) },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq(types[i].type, type))
			return types[i].kinds;
	return 0;
}
